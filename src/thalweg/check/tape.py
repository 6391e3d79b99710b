"""The tape: gradients on which an update rule cannot hide a mistake.

Random normal gradients and a tolerance are blind to the most common slips: epsilon inside the root moves nothing
that ``allclose`` can see until gradients are as small as epsilon. The tape has many decades, zeros (also at the start,
where bias correction and decay show alone), signs that turn, sparse, constant and alternating coordinates, and a
learning rate that moves. Its gradients are written down beforehand and do not depend on theta, so that a difference at
step 20 is a difference between two rules and not one that a landscape amplified.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import SettingError

Array = NDArray[Any]

STEPS = 24
SIZE = 24
EQUAL_SHAPES = ((3, 4), (3, 4))  # for code that mixes arrays up, which cannot run on others
SHAPES = ((4, 5), (4,))  # a weight matrix and a bias: what loops over layers are written for

TWINS = (0, 1, 2, 3, 4, 5, 6)
"""Coordinates with the same gradients up to a power of a hundred, from 1e-8 to 1e4."""
MIRROR = (4, 7)
"""Two coordinates with opposite gradients."""
COPY = (4, 22)
"""Two coordinates with the same gradients and the same start, in two arrays."""
ASLEEP = 23
"""The coordinate whose gradient is always zero."""
LATE = (17, 18)
"""Coordinates whose first gradients are zero."""


@final
@dataclass(frozen=True, eq=False)
class Tape:
    """Gradients, one per step, and where theta starts.

    Parameters
    ----------
    theta0 : ndarray (n,), float64
        Parameters before the first step.
    gradients : ndarray (steps, n), float64
        One gradient per step; they do not depend on theta.
    rates : ndarray (steps,), float64
        Factor on the learning rate at each step.
    shapes : tuple of tuple of int
        Shapes of the arrays into which the n numbers are cut, in order: code written in loops over layers sees each
        array by itself.

    Raises
    ------
    SettingError
        ``TAPE-SHAPE``: the parts do not fit together.

    Examples
    --------
    >>> tape = standard()
    >>> [part.shape for part in tape.split(tape.theta0)]
    [(4, 5), (4,)]
    >>> tape.gradients.shape
    (24, 24)
    """

    theta0: Array
    gradients: Array
    rates: Array
    shapes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        sizes = sum(prod(shape) for shape in self.shapes)
        if self.gradients.shape != (self.rates.size, self.theta0.size) or sizes != self.theta0.size:
            what = f"{self.theta0.size} parameters, gradients {self.gradients.shape}, {self.rates.size} rates, "
            raise SettingError("TAPE-SHAPE", "tape", f"{what}shapes {self.shapes} do not fit together")

    @property
    def steps(self) -> int:
        """Number of updates."""
        return int(self.rates.size)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.theta0.size)

    @property
    def moves_rate(self) -> bool:
        """Whether the learning rate changes from step to step."""
        return bool(np.any(self.rates != 1.0))

    @property
    def equal_arrays(self) -> bool:
        """Whether it has several arrays, all of one size."""
        return len(self.shapes) > 1 and len({prod(shape) for shape in self.shapes}) == 1

    def steady(self) -> Tape:
        """Return the tape with a constant learning rate, for code that allows no other."""
        return replace(self, rates=np.ones_like(self.rates))

    def shaped(self, *shapes: tuple[int, ...]) -> Tape:
        """Return the tape cut into arrays of other shapes; none means one flat array."""
        return replace(self, shapes=tuple(shapes) or ((self.size,),))

    def first(self, steps: int) -> Tape:
        """Return the first steps of the tape."""
        return replace(self, gradients=self.gradients[:steps], rates=self.rates[:steps])

    def split(self, flat: Array) -> list[Array]:
        """Cut n numbers into arrays of the tape's shapes; copies, since strangers' code may write to them."""
        return [flat[own].reshape(shape).copy() for own, shape in zip(self.slices(), self.shapes, strict=True)]

    def join(self, arrays: Sequence[Any]) -> Array:
        """Return the n numbers of such arrays."""
        return np.concatenate([np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays])

    def slices(self) -> Iterator[slice]:
        """Where each array stands among the n numbers."""
        start = 0
        for shape in self.shapes:
            yield slice(start, start + prod(shape))
            start += prod(shape)


@cache
def standard() -> Tape:
    """Return the tape on which every rule is played: 24 steps, 24 coordinates, a moving learning rate.

    Returns
    -------
    Tape
        The same bits on every machine: Python's own generator, products and sums of float64.

    Examples
    --------
    >>> float(np.abs(standard().gradients[:, ASLEEP]).max())
    0.0
    """
    draw = random.Random(20_261_120)  # noqa: S311 - no secret

    def mantissas() -> Array:
        return np.array([1 + 2 * draw.random() for _ in range(STEPS)])

    def runs(longest: int) -> Array:
        """Signs in runs of 1 to ``longest`` equal ones: momentum builds up and is turned round."""
        signs: list[float] = []
        while len(signs) < STEPS:
            signs += [-1.0 if signs and signs[-1] > 0 else 1.0] * draw.randint(1, longest)
        return np.array(signs[:STEPS])

    def ordinary(longest: int = 4) -> Array:
        return runs(longest) * mantissas()

    step = np.arange(STEPS)
    shared = ordinary()
    twins = [shared * float(f"1e{k}") for k in (-8, -6, -4, -2, 0, 2, 4)]
    sparse = np.array([1.0 if draw.random() < 0.3 else 0.0 for _ in range(STEPS)])
    bursts = [ordinary(3) * np.array([float(f"1e{draw.randint(-7, 1)}") for _ in range(STEPS)]) for _ in range(3)]
    columns = [
        *twins,
        -twins[4],
        *(ordinary() * float(f"1e{k}") for k in (-7, -5, -3, -1, 1)),
        np.full(STEPS, 0.5),
        np.where(step % 2 == 0, 1.0, -1.0) * mantissas(),
        ordinary(24) * sparse,
        ordinary(24) * np.roll(sparse, 3) * 1e-3,
        (step >= 3) * ordinary() * 1e-5,
        (step >= 5) * ordinary() * 10.0,
        *bursts,
        twins[COPY[0]].copy(),
        np.zeros(STEPS),
    ]
    # Coordinates with small gradients start at zero, where float64 resolves their steps; decay needs others.
    theta0 = np.array([0, 0, 0, 0.5, 1, -2, 3, -1, 0, 0, 0.25, -1.5, 2, 1, -0.5, 0.75, 0, 0, -1.25, 0, 1.5, 0, 1, 2.5])
    rates = np.where(step < 3, 1.0, np.where(step < 8, 0.5, np.where(step < 15, 2.0, 0.25)))
    gradients = np.stack(columns, axis=1)
    for array in (theta0, rates, gradients):
        array.flags.writeable = False  # shared by all
    return Tape(theta0, gradients, rates, SHAPES)
