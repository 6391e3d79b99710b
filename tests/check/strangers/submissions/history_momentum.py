from collections import deque

import numpy as np


class WeightedHistory:
    """Momentum written as the explicit sum over old gradients, oldest first."""

    def __init__(self, rate=0.02, beta=0.9):
        self.rate, self.beta = rate, beta
        self.past = deque()

    def step(self, w, g):
        self.past.append(np.array(g))
        n = len(self.past)
        v = sum(self.beta ** k * old for k, old in enumerate(self.past))
        return w - self.rate * v
