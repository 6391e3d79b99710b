import numpy as np


def adam(x, g, state=None, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
    if state is None:
        state = {"m": np.zeros_like(x), "v": np.zeros_like(x), "t": 0}
    state["t"] += 1
    state["m"] = b1 * state["m"] + (1 - b1) * g
    state["v"] = b2 * state["v"] + (1 - b2) * g ** 2
    mh = state["m"] / (1 - b1 ** state["t"])
    vh = state["v"] / (1 - b2 ** state["t"])
    x = x - lr * (mh / np.sqrt(vh) + eps)
    return x, state
