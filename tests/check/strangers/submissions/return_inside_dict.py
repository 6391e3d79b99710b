import numpy as np


def momentum(params, gradients, state=None, lr=0.05, mu=0.9):
    state = state or {"v": [np.zeros_like(p) for p in params]}
    v = [mu * vi + (1 - mu) * gi for vi, gi in zip(state["v"], gradients)]
    state = {"v": [np.zeros_like(p) for p in params]}
    return {"params": [p - lr * vi for p, vi in zip(params, v)], "state": state}
