import numpy as np


def adabelief(p, g, m, s, t, *, lr=1e-3, b1=0.9, b2=0.999, eps=1e-16):
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * (g - m) ** 2 + eps
    mhat, shat = m / (1 - b1**t), s / (1 - b2**t)
    return p - lr * mhat / (np.sqrt(shat) + eps), m, s
