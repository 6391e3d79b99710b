import numpy as np


class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.9, nesterov=True):
        self.learning_rate, self.momentum, self.nesterov = learning_rate, momentum, nesterov
        self.velocity = {}

    def apply(self, grads, variables):
        for name, g in grads.items():
            m = self.velocity.get(name, 0.0)
            m = self.momentum * m - g * self.learning_rate
            self.velocity[name] = m
            if self.nesterov:
                variables[name] = variables[name] + self.momentum * m - g * self.learning_rate
            else:
                variables[name] = variables[name] + m
        return variables
