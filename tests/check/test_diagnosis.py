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
