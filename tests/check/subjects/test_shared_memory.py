"""One memory for all parameter arrays, as a global or an attribute: found by what it does."""

import numpy as np

import thalweg

velocity = 0


def momentum(params, grads, lr=0.1, beta=0.9):
    global velocity  # noqa: PLW0603 - the mistake
    for k in range(len(params)):
        velocity = beta * velocity + grads[k]
        params[k] = params[k] - lr * velocity
    return params


class RMSprop:
    def __init__(self, lr=0.01, rho=0.9, eps=1e-8):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.s = 0

    def step(self, params, grads):
        for key in params:
            self.s = self.rho * self.s + (1 - self.rho) * grads[key] ** 2
            params[key] -= self.lr * grads[key] / (np.sqrt(self.s) + self.eps)


def test_one_memory_for_all_arrays_is_named():
    for update, rule in ((momentum, "momentum"), (RMSprop(), "rmsprop")):
        verdict = thalweg.diagnose(update).verdict
        assert (verdict.kind, verdict.rule) == ("wrong", rule)
        assert verdict.codes == {"one-state-for-all-arrays"}
