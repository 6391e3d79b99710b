import math

import numpy as np


class RAdam:
    """Port of the reference code (with degenerated_to_sgd)."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.exp_avg = [np.zeros_like(p) for p in self.params]
        self.exp_avg_sq = [np.zeros_like(p) for p in self.params]
        self.step_count = 0

    def step(self, grads):
        beta1, beta2 = self.betas
        self.step_count += 1
        n = self.step_count
        beta2_t = beta2**n
        n_sma_max = 2 / (1 - beta2) - 1
        n_sma = n_sma_max - 2 * n * beta2_t / (1 - beta2_t)
        for p, g, m, v in zip(self.params, grads, self.exp_avg, self.exp_avg_sq):
            v *= beta2
            v += (1 - beta2) * g * g
            m *= beta1
            m += (1 - beta1) * g
            if n_sma > 5:
                step_size = self.lr * math.sqrt(
                    (1 - beta2_t) * (n_sma - 4) / (n_sma_max - 4) * (n_sma - 2) / n_sma * n_sma_max / (n_sma_max - 2)
                ) / (1 - beta1**n)
                p -= step_size * m / (np.sqrt(v) + self.eps)
            else:
                p -= self.lr / (1 - beta1**n) * m
