import numpy as np


class RMSProp:
    def __init__(self, params, lr=0.001, decay=0.9, eps=1e-8):
        self.params = params
        self.lr, self.decay, self.eps = lr, decay, eps
        self.cache = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.cache[i] = self.decay * self.cache[i] + (1 - self.decay) * g ** 2
            p -= self.lr * g / (np.sqrt(self.cache[i]) + self.eps)
