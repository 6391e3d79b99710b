import numpy as np

REGISTRY = {}


def register(name):
    def wrap(cls):
        REGISTRY[name] = cls
        return cls
    return wrap


class Meta(type):
    def __call__(cls, *args, **kwargs):
        obj = super().__call__(*args, **kwargs)
        obj.reset()
        return obj


@register("adadelta")
class Adadelta(metaclass=Meta):
    def __init__(self, rho=0.95, eps=1e-6):
        self.rho, self.eps = rho, eps

    def reset(self):
        self.Eg2 = self.Edx2 = 0.0

    def __call__(self, x, g):
        self.Eg2 = self.rho * self.Eg2 + (1 - self.rho) * g * g
        dx = np.sqrt(self.Edx2 + self.eps) / np.sqrt(self.Eg2 + self.eps) * g
        self.Edx2 = self.rho * self.Edx2 + (1 - self.rho) * dx
        return x - dx
