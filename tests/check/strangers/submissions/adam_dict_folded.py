import numpy as np


def adam(params, grads, state, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    """params, grads: dict of arrays. state is created on first use."""
    if not state:
        state["step"] = 0
        state["exp_avg"] = {k: np.zeros_like(p) for k, p in params.items()}
        state["exp_avg_sq"] = {k: np.zeros_like(p) for k, p in params.items()}
    state["step"] += 1
    lr_t = lr * np.sqrt(1 - b2 ** state["step"]) / (1 - b1 ** state["step"])
    for k, g in grads.items():
        state["exp_avg"][k] += (1 - b1) * (g - state["exp_avg"][k])
        state["exp_avg_sq"][k] += (1 - b2) * (g * g - state["exp_avg_sq"][k])
        params[k] -= lr_t * state["exp_avg"][k] / (np.sqrt(state["exp_avg_sq"][k]) + eps)
    return params, state
