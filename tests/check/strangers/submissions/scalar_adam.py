from math import sqrt


class ScalarAdam:
    """One object per weight. Pure Python, no numpy."""

    def __init__(self, alpha=0.001, b1=0.9, b2=0.999, eps=1e-8):
        self.alpha, self.b1, self.b2, self.eps = alpha, b1, b2, eps
        self.m = 0.0
        self.v = 0.0
        self.t = 0

    def update(self, w, g):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g * g
        m_hat = self.m / (1 - self.b1) ** self.t
        v_hat = self.v / (1 - self.b2) ** self.t
        return w - self.alpha * m_hat / (sqrt(v_hat) + self.eps)
