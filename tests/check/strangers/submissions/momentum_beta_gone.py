import numpy as np


class MomentumSGD:
    def __init__(self, params, lr=0.01, momentum=0.9):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.v = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, g in enumerate(grads):
            self.v[i] = self.v[i] + g
            self.params[i] -= self.lr * self.v[i]
