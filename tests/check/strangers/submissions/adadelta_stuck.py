import numpy as np


class Adadelta:
    def __init__(self, rho=0.95, eps=1e-6):
        self.rho, self.eps = rho, eps
        self.Eg, self.Ex = {}, {}

    def update(self, params, grads):
        for k in params:
            self.Eg.setdefault(k, np.zeros_like(params[k]))
            self.Ex.setdefault(k, np.zeros_like(params[k]))
            self.Eg[k] = self.rho * self.Eg[k] + (1 - self.rho) * grads[k] ** 2
            dx = -np.sqrt(self.Ex[k]) / np.sqrt(self.Eg[k] + self.eps) * grads[k]
            self.Ex[k] = self.rho * self.Ex[k] + (1 - self.rho) * dx ** 2
            params[k] += dx
