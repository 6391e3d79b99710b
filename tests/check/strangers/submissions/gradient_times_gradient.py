import numpy as np


class Adam:
    def __init__(self, n, lr=0.002, b1=0.9, b2=0.999):
        self.lr, self.b1, self.b2 = lr, b1, b2
        self.m = np.zeros(n)
        self.v = np.zeros(n)
        self.steps = 0

    def step(self, x, grad):
        self.steps += 1
        self.m = self.b1 * self.m + (1 - self.b1) * grad
        self.v = self.b2 * self.v + (1 - self.b2) * self.m ** 2
        m = self.m / (1 - self.b1 ** self.steps)
        v = self.v / (1 - self.b2 ** self.steps)
        return x - self.lr * m / (np.sqrt(v) + 1e-8)
