import numpy as np


def signum(params, grads, momenta, lr=0.001, beta=0.9):
    """signSGD with momentum (Bernstein et al. 2018)"""
    for p, g, m in zip(params, grads, momenta):
        np.multiply(m, beta, out=m)
        np.add(m, (1 - beta) * g, out=m)
        p -= lr * np.sign(m)
