import numpy as np


class RMSpropGraves:
    """RMSprop from Graves (2013): centered, with momentum."""

    def __init__(self, lr=0.0001, decay=0.95, momentum=0.9, eps=1e-4):
        self.lr = lr
        self.decay = decay
        self.momentum = momentum
        self.eps = eps
        self.n = self.g = self.delta = None

    def get_update(self, grad):
        if self.n is None:
            self.n = np.zeros_like(grad)
            self.g = np.zeros_like(grad)
            self.delta = np.zeros_like(grad)
        self.n = self.decay * self.n + (1 - self.decay) * grad**2
        self.g = self.decay * self.g + (1 - self.decay) * grad
        self.delta = self.momentum * self.delta - self.lr * grad / np.sqrt(self.n - self.g**2 + self.eps)
        return self.delta
