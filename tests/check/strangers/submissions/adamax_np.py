import numpy as np


class Adamax:
    def __init__(self, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr = lr
        self.b1, self.b2, self.eps = beta1, beta2, eps
        self.k = 0
        self.state = {}

    def __call__(self, params, grads):
        self.k += 1
        for name in params:
            m, u = self.state.get(name, (np.zeros_like(params[name]), np.zeros_like(params[name])))
            m = self.b1 * m + (1 - self.b1) * grads[name]
            u = np.maximum(self.b2 * u, np.abs(grads[name]))
            self.state[name] = (m, u)
            params[name] -= self.lr / (1 - self.b1**self.k) * m / (u + self.eps)
