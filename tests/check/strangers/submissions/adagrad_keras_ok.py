import numpy as np


def keras_adagrad(params, grads, accumulators, lr=0.001, epsilon=1e-7):
    """accumulators start at 0.1, as tf.keras does"""
    out = []
    for p, g, a in zip(params, grads, accumulators):
        a += g * g
        out.append(p - lr * g / np.sqrt(a + epsilon))
    return out
