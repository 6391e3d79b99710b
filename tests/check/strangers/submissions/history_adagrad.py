import numpy as np


class AdaGradHistory:
    """Slow but obvious: remembers every gradient it has ever seen."""

    def __init__(self, rate=0.05):
        self.rate = rate
        self.seen = []

    def next_point(self, point, slope):
        self.seen.append(slope.copy())
        total = sum(s**2 for s in self.seen)
        return point - self.rate * slope / np.sqrt(total + 1e-6)
