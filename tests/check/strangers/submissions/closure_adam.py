import numpy as np


def make_adam(lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m = v = None
    t = 0

    def step(w, g):
        nonlocal m, v, t
        if m is None:
            m, v = np.zeros_like(w), np.zeros_like(w)
        t += 1
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        mhat = m / (1 - b1**t)
        vhat = v / (1 - b2**t)
        return w - lr * mhat / (np.sqrt(vhat) + eps)

    return step
