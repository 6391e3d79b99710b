import numpy as np


class AdaBelief:
    def __init__(self, lr=1e-3, b1=0.9, b2=0.999, eps=1e-16):
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.t, self.state = 0, {}

    def update(self, params, grads):
        self.t += 1
        for k, g in grads.items():
            m, s = self.state.get(k, (0.0, 0.0))
            s = self.b2 * s + (1 - self.b2) * (g - m) ** 2 + self.eps
            m = self.b1 * m + (1 - self.b1) * g
            self.state[k] = m, s
            m_hat, s_hat = m / (1 - self.b1**self.t), s / (1 - self.b2**self.t)
            params[k] = params[k] - self.lr * m_hat / (np.sqrt(s_hat) + self.eps)
        return params
