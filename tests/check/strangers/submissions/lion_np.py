import numpy as np


class Lion:
    """EvoLved Sign Momentum."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        self.params = params
        self.lr, self.betas, self.wd = lr, betas, weight_decay
        self.exp_avg = [np.zeros_like(p) for p in params]

    def step(self, grads):
        beta1, beta2 = self.betas
        for p, g, m in zip(self.params, grads, self.exp_avg):
            p *= 1 - self.lr * self.wd
            update = np.sign(m * beta1 + g * (1 - beta1))
            p += -self.lr * update
            m *= beta2
            m += g * (1 - beta2)
