import numpy as np


class Momentum:
    """Exponential moving average of gradients; starts from the first gradient, so needs no bias correction."""

    def __init__(self, lr=0.05, beta=0.9):
        self.lr = lr
        self.beta = beta
        self.avg = None

    def step(self, w, g):
        self.avg = g if self.avg is None else self.beta * self.avg + (1 - self.beta) * g
        return w - self.lr * self.avg
