import numpy as np


class Adam32:
    """Everything is kept in single precision."""

    def __init__(self, shape, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        f = np.float32
        self.lr, self.beta1, self.beta2, self.eps = f(lr), f(beta1), f(beta2), f(eps)
        self.m = np.zeros(shape, dtype=np.float32)
        self.v = np.zeros(shape, dtype=np.float32)
        self.t = 0

    def step(self, w, g):
        w, g = w.astype(np.float32), g.astype(np.float32)
        self.t += 1
        one = np.float32(1)
        self.m = self.beta1 * self.m + (one - self.beta1) * g
        self.v = self.beta2 * self.v + (one - self.beta2) * g * g
        m_hat = self.m / (one - self.beta1 ** np.float32(self.t))
        v_hat = self.v / (one - self.beta2 ** np.float32(self.t))
        return w - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
