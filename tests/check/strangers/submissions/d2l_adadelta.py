import numpy as np


def init_adadelta_states(shapes):
    return [(np.zeros(s), np.zeros(s)) for s in shapes]


def adadelta(params, grads, states, hyperparams):
    rho, eps = hyperparams['rho'], 1e-5
    for p, grad, (s, delta) in zip(params, grads, states):
        # in-place updates
        s[:] = rho * s + (1 - rho) * grad ** 2
        g = (np.sqrt(delta + eps) / np.sqrt(s + eps)) * grad
        p[:] -= g
        delta[:] = rho * delta + (1 - rho) * g * g
