import numpy as np


class AdamW(object):
    def __init__(self, lr=3e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.wd = weight_decay
        self.state = {}

    def step(self, params: dict, grads: dict):
        b1, b2 = self.betas
        for name, p in params.items():
            g = grads[name]
            st = self.state.setdefault(name, {"t": 0, "m": np.zeros_like(p), "v": np.zeros_like(p)})
            st["t"] += 1
            st["m"] = b1 * st["m"] + (1 - b1) * g
            st["v"] = b2 * st["v"] + (1 - b2) * g**2
            m_hat = st["m"] / (1 - b1 ** st["t"])
            v_hat = st["v"] / (1 - b2 ** st["t"])
            p *= 1 - self.lr * self.wd
            p -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
