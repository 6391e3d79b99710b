import numpy as np


class RMSprop:
    def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8, centered=False):
        self.params = params
        self.lr, self.alpha, self.eps, self.centered = lr, alpha, eps, centered
        self.square_avg = [np.zeros_like(p) for p in params]
        self.grad_avg = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for p, g, sq, av in zip(self.params, grads, self.square_avg, self.grad_avg):
            sq *= self.alpha
            sq += (1 - self.alpha) * g * g
            avg = sq
            if self.centered:
                av *= self.alpha
                av += (1 - self.alpha) * g
                avg = sq - av * av
            p -= self.lr * g / (np.sqrt(avg) + self.eps)
