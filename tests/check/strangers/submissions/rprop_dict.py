import numpy as np


class Rprop:
    def __init__(self, init=0.01, minus=0.5, plus=1.2, lo=1e-6, hi=50):
        self.init, self.minus, self.plus, self.lo, self.hi = init, minus, plus, lo, hi
        self.steps, self.prev = {}, {}

    def update(self, params, grads):
        for k in params:
            g = grads[k].copy()
            d = self.steps.setdefault(k, np.full(g.shape, self.init))
            s = np.sign(g) * np.sign(self.prev.get(k, np.zeros_like(g)))
            d[s > 0] *= self.plus
            d[s < 0] *= self.minus
            np.clip(d, self.lo, self.hi, out=d)
            g[s < 0] = 0
            self.prev[k] = g
            params[k] -= g * d
