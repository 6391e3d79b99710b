import numpy as np


class FirstMomentMixin:
    def first(self, g):
        self.m = self.beta1 * getattr(self, "m", 0.0) + (1 - self.beta1) * g
        return self.m / (1 - self.beta1 ** self.t)


class SecondMomentMixin:
    def second(self, g):
        self.v = self.beta2 * getattr(self, "v", 0.0) + (1 - self.beta2) * g ** 2
        return self.v / (1 - self.beta2 ** (self.t - 1))


class AdamFromParts(FirstMomentMixin, SecondMomentMixin):
    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t = lr, beta1, beta2, eps, 0

    def step(self, x, g):
        self.t += 1
        return x - self.lr * self.first(g) / (np.sqrt(self.second(g)) + self.eps)
