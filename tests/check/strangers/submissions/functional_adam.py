from typing import NamedTuple

import numpy as np


class AdamState(NamedTuple):
    count: int
    mu: np.ndarray
    nu: np.ndarray


def init(params):
    return AdamState(0, np.zeros_like(params), np.zeros_like(params))


def update(grads, state, *, learning_rate=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    """Returns (updates, new_state); add the updates to the parameters."""
    count = state.count + 1
    mu = b1 * state.mu + (1 - b1) * grads
    nu = b2 * state.nu + (1 - b2) * grads**2
    mu_hat = mu / (1 - b1**count)
    nu_hat = nu / (1 - b2**count)
    updates = -learning_rate * mu_hat / (np.sqrt(nu_hat) + eps)
    return updates, AdamState(count, mu, nu)
