import numpy as np


class RMSProp:
    def __init__(self, lr=0.01, rho=0.9, eps=1e-8):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.cache = None

    def update(self, w, g):
        if self.cache is None:
            self.cache = np.zeros_like(w)
        self.cache += self.rho * self.cache + (1 - self.rho) * g ** 2
        return w - self.lr * g / (np.sqrt(self.cache) + self.eps)
