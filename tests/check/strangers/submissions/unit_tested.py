"""Nadam with its tests.

>>> import numpy as np
>>> opt = Nadam(lr=0.1)
>>> x = np.array([1.0])
>>> for _ in range(50): x = opt.step(x, 2 * x)
>>> bool(abs(x[0]) < 0.5)
True
"""
import unittest

import numpy as np


class Nadam:
    def __init__(self, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3):
        self.lr, self.betas, self.eps, self.psi = lr, betas, eps, momentum_decay
        self.t, self.mu_product = 0, 1.0
        self.m = self.v = 0.0

    def step(self, x, g):
        b1, b2 = self.betas
        self.t += 1
        mu_t = b1 * (1 - 0.5 * 0.96 ** (self.t * self.psi))
        mu_next = b1 * (1 - 0.5 * 0.96 ** ((self.t + 1) * self.psi))
        self.mu_product *= mu_t
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        denom = np.sqrt(self.v / (1 - b2**self.t)) + self.eps
        x = x - self.lr * (1 - mu_t) / (1 - self.mu_product) * g / denom
        x = x - self.lr * mu_next / (1 - self.mu_product * mu_next) * self.m / denom
        return x


class TestNadam(unittest.TestCase):
    def test_descends(self):
        opt = Nadam(lr=0.1)
        x = np.array([1.0])
        for _ in range(50):
            x = opt.step(x, 2 * x)
        self.assertLess(abs(x[0]), 0.5)


if __name__ == "__main__":
    unittest.main()
