import numpy as np


def tree_map(f, tree, *rest):
    if isinstance(tree, dict):
        return {k: tree_map(f, tree[k], *[r[k] for r in rest]) for k in tree}
    return f(tree, *rest)


def init_adam(params):
    zeros = tree_map(np.zeros_like, params)
    return {"m": zeros, "v": zeros, "t": 0}


def adam(params, grads, state, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    t = state["t"] + 1
    m = tree_map(lambda m, g: b1 * m + (1 - b1) * g, state["m"], grads)
    v = tree_map(lambda v, g: b2 * v + (1 - b2) * g * g, state["v"], grads)
    scale = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
    params = tree_map(lambda p, m, v: p - scale * m / (np.sqrt(v) + eps * np.sqrt(1 - b2**t)), params, m, v)
    return params, {"m": m, "v": v, "t": t}
