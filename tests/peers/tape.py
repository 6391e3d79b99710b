"""A tape of gradients on which update rules are compared, and the measure of the comparison.

The gradients are written down beforehand and do not depend on theta: two implementations see the same numbers at
every step, so a difference at step 1,000 is a difference between the rules and not one that a landscape amplified.
"""

from __future__ import annotations

import hashlib
import random
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from thalweg.engine.compile import update_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from thalweg.formulas.formula import Rule

STEPS = 1000
TOLERANCE = 1e-12
"""What the worst relative difference from a peer may be, over all steps and coordinates."""

RECORDED_STEPS = (*range(1, 11), *range(100, STEPS + 1, 100))
"""Steps whose theta is kept on file: the first ten, where bias correction acts, and every hundredth."""


class _Columns:
    """Columns of gradients from Python's own generator, whose ``random()`` is the same in every version.

    Nothing but products and sums of float64 follows, so the tape has the same bits on every machine.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def runs(self, longest: int) -> NDArray[np.float64]:
        """Signs in runs of 1 to ``longest`` equal ones, alternating: momentum builds up and is turned round."""
        signs: list[float] = []
        while len(signs) < STEPS:
            sign = -1.0 if signs and signs[-1] > 0 else 1.0
            signs += [sign] * (1 + int(longest * self._random.random()))
        return np.array(signs[:STEPS])

    def sizes(self, low: int, high: int) -> NDArray[np.float64]:
        """Sizes between ``10**low`` and ``10**high``, every decade as likely as any other."""
        decades = [float(f"1e{k}") for k in range(low, high)]
        pairs = [(self._random.random(), self._random.random()) for _ in range(STEPS)]
        return np.array([(1 + 9 * mantissa) * decades[int(len(decades) * decade)] for mantissa, decade in pairs])

    def present(self, share: float) -> NDArray[np.float64]:
        """1.0 in a share of the steps, chosen at random, and 0.0 in the others."""
        return np.array([1.0 if self._random.random() < share else 0.0 for _ in range(STEPS)])


def _gradients() -> NDArray[np.float64]:
    columns, step = _Columns(seed=20_260_117), np.arange(STEPS)
    coordinates = {
        "ordinary": columns.runs(9) * columns.sizes(-1, 1),
        "steep": columns.runs(3) * columns.sizes(1, 2),
        "flat, near epsilon": columns.runs(9) * columns.sizes(-9, -5),
        "bursts over ten decades": columns.runs(5) * columns.sizes(-9, 1),
        "sparse": columns.present(0.08) * columns.runs(40) * columns.sizes(-1, 0),
        "one-sided": -columns.sizes(-1, 1),
        "flipping at every step": np.where(step % 2 == 0, 1.0, -1.0) * columns.sizes(-2, 0),
        "asleep, awake, asleep": ((step >= 60) & (step < STEPS - 150)) * columns.runs(25) * columns.sizes(-4, 0),
    }
    return np.stack(list(coordinates.values()), axis=1)


GRADIENTS = _gradients()
"""float64, (steps, coordinates): one gradient per step."""

START = np.array([2.0, -5.0, 1.5, 2.5, -2.0, 1.25, -1.5, 3.0])
"""float64, (coordinates,): theta before the first step, of order one so that a relative difference means something."""

FINGERPRINT = hashlib.sha256(START.tobytes() + GRADIENTS.tobytes()).hexdigest()
"""What a recorded trajectory was made on."""


@cache
def trajectory(rule: Rule) -> NDArray[np.float64]:
    """Theta after every step of the tape by the rule's NumPy formula: float64, (steps, coordinates)."""
    theta, state = START.copy(), rule.init(START)
    thetas = np.empty_like(GRADIENTS)
    for step, gradient in enumerate(GRADIENTS, start=1):
        theta, state = rule.step(theta, gradient, state, float(step))
        thetas[step - 1] = theta
    thetas.flags.writeable = False  # shared by all cases with these numbers
    return thetas


@cache
def native_trajectory(rule: Rule) -> NDArray[np.float64]:
    """Theta after every step of the tape by the rule's compiled loop: float64, (steps, coordinates)."""
    update = update_kernel(rule, "float64")
    theta, state = START.copy(), rule.init(START)
    hyper = np.array(list(rule.hyperparameters.values()), dtype=np.float64)
    rates = np.array([rule.hyperparameters.get("learning_rate", np.nan)])
    thetas = np.empty_like(GRADIENTS)
    for step, gradient in enumerate(GRADIENTS, start=1):
        update(theta, gradient, state, hyper, rates, np.empty((0, 0)), float(step), 0, theta.size)
        thetas[step - 1] = theta
    thetas.flags.writeable = False  # shared by all cases with these numbers
    return thetas


def recorded(thetas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows of a whole trajectory that are kept on file."""
    return thetas[np.array(RECORDED_STEPS) - 1]


def worst_relative_difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Largest ``|ours - theirs| / |theirs|`` over steps and coordinates; inf where either is not a number.

    A value that passes by zero is measured against a hundredth of its coordinate's largest, since the rounding of
    the larger values before it stays in it.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"trajectories of shapes {ours.shape} and {theirs.shape} cannot be compared")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("inf")
    size = np.maximum(np.abs(theirs), 1e-2 * np.abs(theirs).max(axis=0))
    difference = np.abs(ours - theirs)
    return float(np.max(np.divide(difference, size, out=np.where(difference == 0, 0.0, np.inf), where=size > 0)))
