import numpy as np


class Lion:
    def __init__(self, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay = weight_decay
        self.m = None

    def step(self, w, g):
        if self.m is None:
            self.m = np.zeros_like(w)
        self.m = self.beta2 * self.m + (1 - self.beta2) * g
        update = np.sign(self.beta1 * self.m + (1 - self.beta1) * g)
        return w - self.lr * (update + self.weight_decay * w)
