import numpy as np


class AdamForLine:
    """Adam for y = w x + b, one call a step"""

    def __init__(self, rate=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
        self.rate, self.beta1, self.beta2, self.eps = rate, beta1, beta2, eps
        self.mw = self.mb = 0.0
        self.vw = self.vb = 0.0

    def update(self, t, w, b, dw, db):
        self.mw = self.beta1 * self.mw + (1 - self.beta1) * dw
        self.mb = self.beta1 * self.mb + (1 - self.beta1) * db
        self.vw = self.beta2 * self.vw + (1 - self.beta2) * dw ** 2
        self.vb = self.beta2 * self.vb + (1 - self.beta2) * db
        c1, c2 = 1 - self.beta1 ** t, 1 - self.beta2 ** t
        w = w - self.rate * (self.mw / c1) / (np.sqrt(self.vw / c2) + self.eps)
        b = b - self.rate * (self.mb / c1) / (np.sqrt(self.vb / c2) + self.eps)
        return w, b
