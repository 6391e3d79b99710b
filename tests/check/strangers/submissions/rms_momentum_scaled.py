import numpy as np


class RMSpropWithMomentum:
    def __init__(self, lr=0.001, rho=0.9, mu=0.9, eps=1e-8):
        self.lr, self.rho, self.mu, self.eps = lr, rho, mu, eps
        self.s = self.v = None

    def step(self, w, g):
        if self.s is None:
            self.s, self.v = np.zeros_like(w), np.zeros_like(w)
        self.s = self.rho * self.s + (1 - self.rho) * g**2
        self.v = self.mu * self.v + g
        return w - self.lr * self.v / (np.sqrt(self.s) + self.eps)
