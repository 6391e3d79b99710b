"""Runs that have the same bits."""

import numpy as np

from thalweg.descent.run import Run


def assert_same(one: Run, other: Run) -> None:
    """Check where two runs ended, and every step on the way there."""
    np.testing.assert_array_equal(one.theta, other.theta)
    np.testing.assert_array_equal(one.state, other.state)
    np.testing.assert_array_equal(one.step_losses, other.step_losses)
    assert (one.t, one.epoch, one.status) == (other.t, other.epoch, other.status)
