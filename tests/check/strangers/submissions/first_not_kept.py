import numpy as np


class Adam:
    def __init__(self, n, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
        self.m, self.v, self.t = np.zeros(n), np.zeros(n), 0
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps

    def get_updated(self, x, dx):
        self.t += 1
        m = self.b1 * self.m + (1 - self.b1) * dx
        self.v = self.b2 * self.v + (1 - self.b2) * dx * dx
        mh, vh = m / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)
        return x - self.lr * mh / (np.sqrt(vh) + self.eps)
