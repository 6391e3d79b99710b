import numpy as np


class Adam:
    """step is told the epoch (from 1) by the training loop, ten updates per epoch."""

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.m = self.v = None
        self.calls = 0

    def step(self, w, g):
        epoch = self.calls // 10 + 1
        self.calls += 1
        if self.m is None:
            self.m, self.v = np.zeros_like(w), np.zeros_like(w)
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        return w - self.lr * self.m / (1 - self.beta1**epoch) / (np.sqrt(self.v / (1 - self.beta2**epoch)) + 1e-8)
