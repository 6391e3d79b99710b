from abc import ABC, abstractmethod

import numpy as np


class Optimizer(ABC):
    def __init__(self, lr):
        self.lr = lr

    @abstractmethod
    def update(self, key, param, grad):
        ...


class SGD(Optimizer):
    def update(self, key, param, grad):
        return param - self.lr * grad


class Momentum(Optimizer):
    def __init__(self, lr, mu=0.9):
        super().__init__(lr)
        self.mu = mu
        self.velocities = {}

    def update(self, key, param, grad):
        v = self.velocities.get(key, np.zeros_like(param))
        v = self.mu * v + grad
        self.velocities[key] = v
        return param - self.lr * v


class RMSProp(Optimizer):
    def __init__(self, lr, rho=0.9, eps=1e-8):
        super().__init__(lr)
        self.rho = rho
        self.eps = eps
        self.cache = {}

    def update(self, key, param, grad):
        if key not in self.cache:
            self.cache[key] = np.zeros_like(param)
        self.cache[key] = self.rho * self.cache[key] + (1 - self.rho) * grad ** 2
        return param - self.lr * grad / (self.cache[key] + self.eps)


if __name__ == '__main__':
    w = np.array([1., 2.])
    for opt in (SGD(0.1), Momentum(0.1), RMSProp(0.01)):
        x = w.copy()
        for _ in range(10):
            x = opt.update('w', x, 2 * x)
        print(type(opt).__name__, x)
