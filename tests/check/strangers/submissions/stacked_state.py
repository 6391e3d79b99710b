import numpy as np


def adam(theta, g, S, t, lr=0.001):
    """S[0] first moment, S[1] second moment; S is changed in place"""
    S[0] += 0.1 * (g - S[0])
    S[1] += 0.001 * (g * g - S[1])
    mhat, vhat = S / np.array([1 - 0.9**t, 1 - 0.999**t]).reshape((2,) + (1,) * g.ndim)
    return theta - lr * mhat / (np.sqrt(vhat) + 1e-8)
