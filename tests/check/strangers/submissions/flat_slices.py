import numpy as np


class FlatAdamW:
    """All parameters in one vector; decay acts only where the mask says so (everything by default)."""

    def __init__(self, n, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8, wd=1e-2, mask=None):
        self.lr, self.b1, self.b2, self.eps, self.wd = lr, b1, b2, eps, wd
        self.mask = np.ones(n) if mask is None else mask
        self.buf = np.zeros((2, n))
        self.k = 0

    def step_(self, vec, gvec):
        self.k += 1
        m, v = self.buf
        m *= self.b1; m += (1 - self.b1) * gvec
        v *= self.b2; v += (1 - self.b2) * gvec**2
        upd = m / (1 - self.b1**self.k) / (np.sqrt(v / (1 - self.b2**self.k)) + self.eps)
        vec -= self.lr * (upd + self.wd * self.mask * vec)
