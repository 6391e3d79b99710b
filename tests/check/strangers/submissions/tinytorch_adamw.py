"""A tiny torch. Parameter + Module + AdamW."""
import numpy as np


class Parameter:
    def __init__(self, data):
        self.data = np.asarray(data, dtype=np.float64)
        self.grad = None

    def zero_grad(self):
        self.grad = np.zeros_like(self.data)


class Optimizer:
    def __init__(self, params):
        self.params = list(params)

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        raise NotImplementedError


class AdamW(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params)
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self.state = {id(p): dict(step=0, m=np.zeros_like(p.data), v=np.zeros_like(p.data)) for p in self.params}

    def step(self):
        b1, b2 = self.betas
        for p in self.params:
            if p.grad is None:
                continue
            st = self.state[id(p)]
            st["step"] += 1
            p.data = p.data * (1 - self.lr * self.weight_decay)
            st["m"] = b1 * st["m"] + (1 - b1) * p.grad
            st["v"] = b2 * st["v"] + (1 - b2) * p.grad * p.grad
            mh = st["m"] / (1 - b1 ** st["step"])
            vh = st["v"] / (1 - b2 ** st["step"])
            p.data = p.data - self.lr * mh / (np.sqrt(vh) + self.eps)


if __name__ == "__main__":
    w = Parameter([1.0, -2.0])
    opt = AdamW([w], lr=0.1)
    for _ in range(10):
        opt.zero_grad()
        w.grad = 2 * w.data
        opt.step()
    print(w.data)
