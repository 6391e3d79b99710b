import numpy as np


class Momentum:
    """Despite the name below, 'velocity' is what everybody calls the RMS cache."""

    def __init__(self, lr=0.001, beta=0.9):
        self.lr = lr
        self.beta = beta
        self.velocity = None

    def update(self, w, dw):
        if self.velocity is None:
            self.velocity = np.zeros_like(w)
        self.velocity = self.beta * self.velocity + (1 - self.beta) * dw ** 2
        return w - self.lr * dw / (np.sqrt(self.velocity) + 1e-8)
