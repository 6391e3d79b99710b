import numpy as np


class Tensor:
    def __init__(self, data):
        self.data = np.array(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)


class SGD:
    """SGD with momentum, dampening, nesterov and weight decay, like the real one."""

    def __init__(self, params, lr=0.01, momentum=0.9, dampening=0.0, weight_decay=1e-4, nesterov=True):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.dampening = dampening
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.buf = [None] * len(self.params)

    def zero_grad(self):
        for p in self.params:
            p.grad[...] = 0

    def step(self):
        for i, p in enumerate(self.params):
            d_p = p.grad
            if self.weight_decay:
                d_p = d_p + self.weight_decay * p.data
            if self.momentum:
                if self.buf[i] is None:
                    self.buf[i] = d_p.copy()
                else:
                    self.buf[i] = self.momentum * self.buf[i] + (1 - self.dampening) * d_p
                d_p = d_p + self.momentum * self.buf[i] if self.nesterov else self.buf[i]
            p.data = p.data - self.lr * d_p
