# adam.py -- homework 2
from numpy import sqrt, zeros_like


class Adam:
    def __init__(self, lr, b1=0.9, b2=0.999, e=1e-8):
        self.lr = lr; self.b1 = b1; self.b2 = b2; self.e = e
        self.t = 0
        self.M = {}; self.V = {}

    def optimize(self, key, W, grad):
        if key == "W1":
            self.t += 1
        if key not in self.M:
            self.M[key] = zeros_like(W); self.V[key] = zeros_like(W)
        self.M[key] = self.b1 * self.M[key] + (1 - self.b1) * grad
        self.V[key] = self.b2 * self.V[key] + (1 - self.b2) * grad * grad
        mh = self.M[key] / (1 - self.b1 ** self.t)
        vh = self.V[key] / (1 - self.b2 ** self.t)
        return W - self.lr * grad / (sqrt(vh) + self.e)
