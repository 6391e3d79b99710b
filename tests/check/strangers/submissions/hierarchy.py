from abc import ABC, abstractmethod

import numpy as np


class Optimizer(ABC):
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self._slots = {}

    def slot(self, name, key, like):
        return self._slots.setdefault((name, key), np.zeros_like(like))

    def minimize(self, params, grads):
        for key in params:
            params[key] -= self.learning_rate * self.direction(key, grads[key])

    @abstractmethod
    def direction(self, key, g):
        ...


class GradientDescent(Optimizer):
    def direction(self, key, g):
        return g


class HeavyBall(Optimizer):
    def __init__(self, learning_rate=0.01, momentum=0.9):
        super().__init__(learning_rate)
        self.momentum = momentum

    def direction(self, key, g):
        v = self.slot("v", key, g)
        v *= self.momentum
        v += g
        return v


class RMSProp(Optimizer):
    def __init__(self, learning_rate=0.001, rho=0.9, epsilon=1e-7):
        super().__init__(learning_rate)
        self.rho, self.epsilon = rho, epsilon

    def direction(self, key, g):
        ms = self.slot("ms", key, g)
        ms *= self.rho
        ms += (1 - self.rho) * g
        return g / np.sqrt(ms + self.epsilon)
