import numpy as np


class SGD:
    def __init__(self, lr=0.1, momentum=0.9, weight_decay=1e-2):
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.v = None

    def step(self, w, g):
        if self.v is None:
            self.v = np.zeros_like(w)
        g = g + self.weight_decay * w
        self.v = self.momentum * self.v + g
        return w - self.lr * (self.v + self.weight_decay * w)
