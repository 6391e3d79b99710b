import numpy as np


def init_state(w):
    return (np.zeros_like(w), np.zeros_like(w), 0)


def adam_step(w, g, state, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v, t = state
    b1, b2 = betas
    t = t + 1
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g ** 2
    step = lr * (m / (1 - b1 ** t)) / (np.sqrt(v / (1 - b2 ** t)) + eps)
    return w - step, (m, v, t)
