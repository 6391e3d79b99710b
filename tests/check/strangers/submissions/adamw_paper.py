import numpy as np


def adamw(theta, g, state, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-4, eta_t=1.0):
    """Decoupled weight decay, algorithm 2 of the paper: theta -= eta_t * (alpha * mhat / (sqrt(vhat) + eps) + lam * theta)."""
    if not state:
        state.update(m=np.zeros_like(theta), v=np.zeros_like(theta), t=0)
    state["t"] += 1
    state["m"] = beta1 * state["m"] + (1 - beta1) * g
    state["v"] = beta2 * state["v"] + (1 - beta2) * g * g
    mhat = state["m"] / (1 - beta1 ** state["t"])
    vhat = state["v"] / (1 - beta2 ** state["t"])
    return theta - eta_t * (alpha * mhat / (np.sqrt(vhat) + eps) + lam * theta)
