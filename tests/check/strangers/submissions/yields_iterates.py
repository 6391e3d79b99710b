import numpy as np


def rmsprop_iterates(gradient, start, rate=0.01, rho=0.9, eps=1e-8):
    """Generator over the iterates of RMSprop; stop it when you have seen enough."""
    x = np.asarray(start, dtype=float).copy()
    r = np.zeros_like(x)
    while True:
        yield x.copy()
        g = gradient(x)
        r = rho * r + (1 - rho) * g**2
        x -= rate * g / np.sqrt(r + eps)
