"""What a rule does to theta along the tape, and how far two such paths are apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.tape import Tape
from thalweg.errors import SettingError
from thalweg.formulas.formula import Rule

Array = NDArray[Any]
Step = Callable[[Array, Array, Any, int], tuple[Array, Any]]

ROUNDINGS = 64.0
"""How many roundings of theta's size a step may carry: what two orders of the same sums can differ by."""


@final
@dataclass(frozen=True, eq=False)
class Trajectory:
    """Theta before the first and after every step.

    Parameters
    ----------
    thetas : ndarray (steps + 1, n)
        ``thetas[0]`` is where theta started. Values that are not finite are kept: they are evidence as well.

    Examples
    --------
    >>> path = Trajectory(np.array([[1.0], [0.5], [0.75]]))
    >>> path.moves.ravel().tolist()
    [-0.5, 0.25]
    """

    thetas: Array

    @property
    def steps(self) -> int:
        """Number of updates."""
        return len(self.thetas) - 1

    def at(self, where: Array) -> Trajectory:
        """Return the path of some coordinates, in the same arithmetic.

        Examples
        --------
        >>> Trajectory(np.array([[1.0, 2.0], [0.5, 1.75]])).at(np.array([1])).moves.tolist()
        [[-0.25]]
        """
        part = Trajectory(np.asarray(self.thetas)[:, where])
        vars(part)["unit"] = self.unit  # a few numbers alone may happen to be float32's as well
        return part

    @cached_property
    def moves(self) -> Array:
        """What each step added to theta: (steps, n)."""
        with np.errstate(invalid="ignore", over="ignore"):
            moves: Array = np.diff(np.asarray(self.thetas, dtype=np.float64), axis=0)
        return moves

    @cached_property
    def unit(self) -> float:
        """Rounding unit of the arithmetic that was used: float32's where every value is one of float32."""
        values = np.asarray(self.thetas[1:], dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            single = values.astype(np.float32).astype(np.float64)
        moved = bool(np.any(self.moves != 0))
        coarse = moved and bool(np.array_equal(single, values, equal_nan=True))
        return float(np.finfo(np.float32).eps if coarse else np.finfo(np.float64).eps)

    @cached_property
    def noise(self) -> Array:
        """What rounding of theta alone can put into each move: (steps, n)."""
        sizes = np.abs(np.asarray(self.thetas, dtype=np.float64))
        largest: Array = np.fmax(sizes[1:], sizes[:-1])
        return ROUNDINGS * self.unit * np.where(np.isfinite(largest), largest, 0.0)


@final
@dataclass(frozen=True)
class Distance:
    """How far two trajectories are apart.

    Parameters
    ----------
    residual : float
        Largest difference of two moves relative to the larger one, beyond what rounding explains; inf where only one
        of them is a number.
    parts_at : int or None
        First step, from 1, at which they differ by more than the tolerance asked for.
    """

    residual: float
    parts_at: int | None


def differences(moves: Array, observed: Trajectory) -> Array:
    """Relative differences of moves from observed ones: (..., steps, n), between 0 and 2, or inf.

    Parameters
    ----------
    moves : ndarray (..., steps, n)
        Moves of one or many candidates; of fewer steps than observed, the first are compared.
    observed : Trajectory
        What was seen.
    """
    steps = moves.shape[-2]
    seen, noise = observed.moves[:steps], observed.noise[:steps]
    with np.errstate(all="ignore"):
        gap = np.abs(moves - seen) - noise
        # A move that passes by zero carries the rounding of the larger terms that cancelled in it.
        size = np.maximum(np.abs(moves), np.abs(seen))
        relative = np.where(gap <= 0, 0.0, gap / size)
    finite, expected = np.isfinite(moves), np.isfinite(seen)
    relative = np.where(finite & expected, relative, np.inf)
    result: Array = np.where(~finite & ~expected, 0.0, relative)
    return result


def distance(candidate: Trajectory, observed: Trajectory, tolerance: float = 1e-6) -> Distance:
    """Measure how far a candidate is from what was observed.

    Parameters
    ----------
    candidate, observed : Trajectory
        Paths over the same tape.
    tolerance : float
        Residual from which the two are said to part.

    Raises
    ------
    SettingError
        ``TAPE-SHAPE``: they are of different sizes.

    Examples
    --------
    >>> straight = Trajectory(np.array([[0.0], [-1.0], [-2.0]]))
    >>> slower = Trajectory(np.array([[0.0], [-1.0], [-1.5]]))
    >>> distance(straight, slower)
    Distance(residual=0.5, parts_at=2)
    """
    if candidate.thetas.shape != observed.thetas.shape:
        what = f"trajectories of shapes {candidate.thetas.shape} and {observed.thetas.shape} cannot be compared"
        raise SettingError("TAPE-SHAPE", "trajectory", what)
    apart = differences(candidate.moves, observed).max(axis=1)
    late = np.flatnonzero(apart > tolerance)
    return Distance(float(apart.max()), int(late[0]) + 1 if late.size else None)


def play(step: Step, tape: Tape, *, state: Any = None) -> Trajectory:
    """Play a function ``step(theta, g, state, t) -> theta, state`` along the tape, t from 1.

    It is given flat arrays of its own to write to, and the steady learning rate that it has inside.
    """
    theta = tape.theta0.copy()
    thetas = [theta.copy()]
    with np.errstate(all="ignore"):
        for t, g in enumerate(tape.gradients, start=1):
            theta, state = step(theta, g.copy(), state, t)
            thetas.append(np.array(theta))
    return Trajectory(np.stack(thetas))


def play_rule(rule: Rule, tape: Tape) -> Trajectory:
    """Play a rule of the library, or a user's, along the tape; its learning rate moves as the tape says.

    Examples
    --------
    >>> from thalweg.check.tape import standard
    >>> from thalweg.formulas.rules import gradient_descent
    >>> path = play_rule(gradient_descent(learning_rate=0.1), standard())
    >>> float(path.thetas[1, 13])
    0.95
    """
    theta = tape.theta0.copy()
    state = rule.init(theta)
    thetas = [theta]
    for t, (g, factor) in enumerate(zip(tape.gradients, tape.rates, strict=True), start=1):
        theta, state = rule.step(theta, g, state, t, float(factor) if rule.has_learning_rate else 1.0)
        thetas.append(theta)
    return Trajectory(np.stack(thetas))
