"""What is examined besides the first reading of a piece of code."""

import numpy as np

from thalweg.check.diagnosis import diagnose
from thalweg.check.subjects import adapt


class Momentum:
    """Divides by the rate of the step before: only a rate that moves is read wrongly."""

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.velocity, self.before = lr, momentum, None, lr

    def step(self, w, g):
        if self.velocity is None:
            self.velocity = np.zeros_like(w)
        self.velocity = self.momentum * self.velocity + g * self.before / self.lr
        self.before = self.lr
        return w - self.lr * self.velocity


def test_code_that_is_unknown_at_a_moving_rate_is_looked_at_with_a_steady_one():
    assert adapt(Momentum).moves_rate
    told = diagnose(Momentum)
    assert (told.kind, told.verdict.rule) == ("right", "momentum")
    assert not told.tape.moves_rate
    assert "so while the learning rate is constant" in told.verdict.note


def test_a_rate_that_hardly_falls_on_the_tape_is_told_by_none_of_the_forms_in_which_it_may():
    """As in averaged SGD: (1 + 1e-6 t)**-0.75 is 1 / (1 + 0.75e-6 t) for as long as anybody looks."""

    class Averaged:
        def __init__(self, lr=0.01):
            self.lr, self.t = lr, 0

        def step(self, w, g):
            self.t += 1
            eta = self.lr / (1 + 1e-6 * self.t) ** 0.75
            return w * (1 - 1e-4 * eta) - eta * g

    assert diagnose(Averaged).kind == "unknown"


def test_a_rate_that_falls_as_slowly_in_the_form_of_the_schedule_is_told_so():
    class Falling:
        def __init__(self, lr=0.01):
            self.lr, self.t = lr, 0

        def step(self, w, g):
            self.t += 1
            return w - self.lr / (1 + 1e-6 * (self.t - 1)) * g

    told = diagnose(Falling)
    assert (told.kind, [finding.code for finding in told.verdict.conventions]) == ("right", ["falling-rate"])
