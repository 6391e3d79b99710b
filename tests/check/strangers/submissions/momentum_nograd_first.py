import numpy as np


class Momentum:
    def __init__(self, lr=0.01, beta=0.9):
        self.lr, self.beta = lr, beta
        self.v = None

    def update(self, w, dw):
        if self.v is None:
            self.v = np.zeros_like(w)
        w = w - self.lr * self.v
        self.v = self.beta * self.v + (1 - self.beta) * dw
        return w
