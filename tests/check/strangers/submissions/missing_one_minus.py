import numpy as np


def adam(w, dw, cache, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m, v, it = cache
    it += 1
    m = b1 * m + dw
    v = b2 * v + (1 - b2) * dw ** 2
    mt, vt = m / (1 - b1 ** it), v / (1 - b2 ** it)
    return w - lr * mt / (np.sqrt(vt) + eps), (m, v, it)
