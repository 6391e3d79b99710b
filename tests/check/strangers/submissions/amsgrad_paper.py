import numpy as np


def amsgrad(w, g, m, v, vhat, lr=0.001, beta1=0.9, beta2=0.99):
    """Algorithm 2 of 'On the convergence of Adam and beyond'."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    vhat = np.maximum(vhat, v)
    return w - lr * m / (np.sqrt(vhat) + 1e-8), m, v, vhat
