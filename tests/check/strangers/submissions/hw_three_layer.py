"""Assignment 2: my_optimizer.py. Group 14."""
import numpy as np


class MyAdam:
    def __init__(self, net, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
        self.net = net
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.t = 0
        self.mW = [np.zeros_like(W) for W in net.W]
        self.vW = [np.zeros_like(W) for W in net.W]
        self.mb = [np.zeros_like(b) for b in net.b]
        self.vb = [np.zeros_like(b) for b in net.b]

    def step(self, dW, db):
        self.t += 1
        for i in range(len(self.net.W)):
            self.mW[i] = self.b1 * self.mW[i] + (1 - self.b1) * dW[i]
            self.vW[i] = self.b2 * self.vW[i] + (1 - self.b2) * dW[i] ** 2
            self.mb[i] = self.b1 * self.mb[i] + (1 - self.b1) * db[i]
            self.vb[i] = self.b2 * self.vb[i] + (1 - self.b2) * db[i] ** 2
            mW_hat = self.mW[i] / (1 - self.b1 ** self.t)
            vW_hat = self.vW[i] / (1 - self.b2 ** self.t)
            mb_hat = self.mb[i] / (1 - self.b1 ** self.t)
            vb_hat = self.vb[i] / (1 - self.b2 ** self.t)
            self.net.W[i] -= self.lr * mW_hat / (np.sqrt(vW_hat) + self.eps)
            self.net.b[i] -= self.lr * mb_hat / (np.sqrt(vb_hat) + self.eps)
