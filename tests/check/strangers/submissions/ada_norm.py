import numpy as np

caches = {}


def adagrad(name, w, dw, lr=0.01, eps=1e-8):
    if name not in caches:
        caches[name] = 0.0
    caches[name] += np.sum(dw ** 2)
    w -= lr * dw / (np.sqrt(caches[name]) + eps)
