import numpy as np


class Adam:
    """Combines momentum and RMSprop."""

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.momentum = None
        self.rms = None

    def update(self, weights, grads):
        if self.momentum is None:
            self.momentum = [np.zeros_like(w) for w in weights]
            self.rms = [np.zeros_like(w) for w in weights]
        for i in range(len(weights)):
            self.momentum[i] = self.beta1 * self.momentum[i] + (1 - self.beta1) * grads[i]
            self.rms[i] = self.beta2 * self.rms[i] + (1 - self.beta2) * grads[i] ** 2
            weights[i] -= self.lr * self.momentum[i] / (np.sqrt(self.rms[i]) + self.eps)
        return weights
