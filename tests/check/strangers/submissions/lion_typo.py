import numpy as np


def lion(p, grad, m, lr=1e-4, beta1=0.9, beta2=0.99, wd=0.0):
    m = beta2 * m + (1 - beta2) * grad
    update = beta1 * m + (1 - beta1) * grad
    p = p * (1 - lr * wd) - lr * np.sign(update)
    return p, m
