import numpy as np


class AdaDelta:
    """As in the lecture notes, page 31."""

    def __init__(self, rho=0.9, eps=1e-6):
        self.rho, self.eps = rho, eps
        self.G = 0
        self.D = 0

    def step(self, theta, grad):
        update = np.sqrt(self.D + self.eps) / np.sqrt(self.G + self.eps) * grad
        self.G = self.rho * self.G + (1 - self.rho) * grad ** 2
        self.D = self.rho * self.D + (1 - self.rho) * update ** 2
        return theta - update
