import numpy as np


class AdaGrad:
    def __init__(self, lr=0.1, eps=1e-8):
        self.lr = lr
        self.eps = eps
        self.G = 0.0

    def step(self, w, g):
        self.G = self.G + g
        return w - self.lr * g / (np.sqrt(self.G ** 2) + self.eps)
