import numpy as np


class AdaBelief:
    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = self.s = 0.0
        self.i = 0

    def step(self, p, g):
        self.i += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        r = g - self.m
        self.s = self.beta2 * self.s + (1 - self.beta2) * r * r
        s_hat = self.s / (1 - self.beta2**self.i)
        m_hat = self.m / (1 - self.beta1**self.i)
        return p - self.lr * m_hat / (np.sqrt(s_hat) + self.eps)
