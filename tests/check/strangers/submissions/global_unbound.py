import numpy as np

v = 0


def momentum(w, g, lr=0.1, mu=0.9):
    v = mu * v + lr * g
    return w - v
