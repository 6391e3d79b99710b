import numpy as np


class Nadam:
    """Nadam after Ruder's overview."""

    def __init__(self, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
        self.eta, self.beta1, self.beta2, self.eps = eta, beta1, beta2, eps
        self.m, self.v, self.t = 0.0, 0.0, 0

    def update(self, theta, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return theta - self.eta / (np.sqrt(v_hat) + self.eps) * (
            self.beta1 * m_hat + (1 - self.beta1) * g / (1 - self.beta1**self.t)
        )
