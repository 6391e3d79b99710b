import numpy as np


class AdaDelta:
    def __init__(self, params, rho=0.9, eps=1e-6):
        self.params = params
        self.rho = rho
        self.eps = eps
        self.sq = [np.zeros_like(p) for p in params]
        self.acc = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for p, g, s, a in zip(self.params, grads, self.sq, self.acc):
            s[:] = self.rho * s + (1 - self.rho) * g * g
            d = np.sqrt(a + self.eps) / np.sqrt(s + self.eps) * g
            p -= d
            a = self.rho * a + (1 - self.rho) * d * d
