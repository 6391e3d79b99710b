import numpy as np


class Lion:
    def __init__(self, lr=1e-4, b1=0.9, b2=0.99):
        self.lr, self.b1, self.b2 = lr, b1, b2
        self.m = None

    def step(self, w, g):
        self.m = np.zeros_like(w) if self.m is None else self.m
        c = self.b1 * self.m + (1 - self.b1) * g
        self.m = self.b2 * self.m + (1 - self.b2) * g
        return w - self.lr * c
