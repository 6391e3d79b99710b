import numpy as np


class SGDMomentum:
    def __init__(self, lr=0.01, rho=0.9):
        self.lr, self.rho, self.vel = lr, rho, {}

    def step(self, named_params, named_grads):
        for n, p in named_params.items():
            v = self.vel.get(n, np.zeros_like(p))
            v = self.rho * v + named_grads[n]
            self.vel[n] = v
            p -= self.lr * v
            p -= self.lr * named_grads[n]
