import numpy as np


class LogSign:
    """My idea: step with the log of the gradient's size. Memory by a slow average of signs."""

    def __init__(self, lr=0.01, keep=0.8):
        self.lr = lr
        self.keep = keep
        self.s = None

    def update(self, w, g):
        if self.s is None:
            self.s = np.zeros_like(w)
        self.s = self.keep * self.s + (1 - self.keep) * np.sign(g)
        return w - self.lr * np.log1p(np.abs(g)) * self.s
