from typing import NamedTuple
import numpy as np


class AdamState(NamedTuple):
    count: int
    mu: list
    nu: list


def init(params):
    return AdamState(0, [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params])


def update(grads, state, params, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    count = state.count + 1
    mu = [b1 * m + (1 - b1) * g for m, g in zip(state.mu, grads)]
    nu = [b2 * n + (1 - b2) * g * g for n, g in zip(state.nu, grads)]
    new_params = [p - lr * (m / (1 - b1 ** count)) / (np.sqrt(n / (1 - b2 ** count)) + eps)
                  for p, m, n in zip(params, mu, nu)]
    return new_params, AdamState(count, mu, nu)


if __name__ == "__main__":
    params = [np.ones(3), np.ones((2, 2))]
    state = init(params)
    for _ in range(10):
        params, state = update([2 * p for p in params], state, params)
    print(params)
