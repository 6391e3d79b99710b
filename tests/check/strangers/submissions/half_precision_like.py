import numpy as np


def adagrad32(w, g, h, lr=np.float32(0.01), eps=np.float32(1e-6)):
    w, g, h = (np.asarray(a, dtype=np.float32) for a in (w, g, h))
    h = h + g * g
    return w - lr * g / (np.sqrt(h) + eps), h
