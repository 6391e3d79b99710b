import numpy as np


def adadelta_step(x, g, Eg, Ex, rho=0.9, eps=1e-6):
    Eg = rho * Eg + (1 - rho) * g**2
    dx = -np.sqrt(Eg + eps) / np.sqrt(Ex + eps) * g
    Ex = rho * Ex + (1 - rho) * dx**2
    return x + dx, Eg, Ex
