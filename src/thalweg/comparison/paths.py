"""Descents that can be looked at: on a surface, or on the loss of a linear model with two parameters.

What is left of each descent is its path, and of all together the values on a grid around them, so that they can be
drawn on one contour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.plan import Arm, Plan

Array = NDArray[np.float64]

#: A path reaches the minimum when this share of what the start lies above it is left.
NEAR = 1e-3
#: What is left below this share does not matter: the quicker rule is the better one then.
ALIKE = 1e-6
#: Updates of a path, where no other number is asked for.
STEPS = 200
MINIMUM, LOCAL, SADDLE, UNDER_WAY, DIVERGED = "minimum", "local minimum", "saddle", "under way", "diverged"


@final
@dataclass(frozen=True)
class Path:
    """Where one rule went at one learning rate.

    Attributes
    ----------
    arm : Arm
    points : ndarray (updates + 1, 2)
        From the start on; cut off before the update that left the finite numbers, or went too far, which is
        :data:`~thalweg.comparison.walk.FAR`.
    values : ndarray (updates + 1,)
    diverged : int or None
        The update that did so.
    ends : str
        ``"minimum"`` (:data:`NEAR` it in value), ``"local minimum"`` or ``"saddle"`` (where the gradient vanishes a
        Newton step from the last point, less than a hundredth of the drawn part away), ``"under way"``, ``"diverged"``.
    """

    arm: Arm
    points: Array
    values: Array
    diverged: int | None
    ends: str

    @property
    def final(self) -> float:
        """The last value; infinite where the path diverged."""
        return math.inf if self.diverged is not None else float(self.values[-1])


@final
@dataclass(frozen=True)
class PathStanding:
    """One rule at its best rate.

    Attributes
    ----------
    path : Path
    edge : {"<", ">", ""}
        Whether the rate is the smallest or largest tried, so that one beyond it may be better.
    distance : float
        From the last point to the nearest minimiser; nan where none is known, infinite where the path diverged.
    steps : int or None
        Updates until the value is :data:`NEAR` the minimum; None where it never is.
    diverged, tried : int
        Rates at which the rule diverged, and all.
    """

    path: Path
    edge: str
    distance: float
    steps: int | None
    diverged: int
    tried: int

    @property
    def name(self) -> str:
        """The rule, as tables call it."""
        return self.path.arm.name

    @property
    def learning_rate(self) -> float | None:
        """The best rate: that with the lowest last value."""
        return self.path.arm.learning_rate


@final
@dataclass(frozen=True)
class Paths:
    """Descents from one start, and what they descended on.

    Attributes
    ----------
    name, about : str
        Of the function: a word for titles, and a text of some lines.
    axes : (str, str)
        Names of the two variables.
    x, y : ndarray (columns,), (rows,)
        The grid.
    values : ndarray (rows, columns)
    minimum : float
        The smallest value: of the surface, or else the smallest known.
    minimisers : ndarray (count, 2)
        All points that take it; none where there is no such point, or none is known.
    plan : Plan
        As it was in the end, growths included.
    paths : tuple of Path
        One for each arm of the plan, in its order.
    steps : int
        Updates of a path that does not diverge.

    See Also
    --------
    thalweg.comparison.surface_paths.descend_surface, thalweg.comparison.two_parameters.descend_problem : make one.
    """

    name: str
    about: str
    axes: tuple[str, str]
    x: Array
    y: Array
    values: Array
    minimum: float
    minimisers: Array
    plan: Plan
    paths: tuple[Path, ...]
    steps: int

    def of(self, name: str) -> tuple[Path, ...]:
        """Return the paths of one rule, by rising rate."""
        return tuple(path for path in self.paths if path.arm.name == name)

    def rank(self, path: Path) -> tuple[float, float]:
        """Return what paths are ordered by: the last value above the minimum, then the updates to be near it."""
        floor = ALIKE * self._above
        excess = max(path.final - self.minimum, floor)
        steps = self.reached(path)
        return excess, math.inf if steps is None else steps

    def reached(self, path: Path) -> int | None:
        """Return the updates until the value is near the minimum (:data:`NEAR`), None where it never is."""
        near = np.flatnonzero(path.values - self.minimum <= NEAR * self._above)
        return int(near[0]) if near.size and path.diverged is None else None

    @property
    def _above(self) -> float:
        """How far the start lies above the minimum."""
        return float(self.paths[0].values[0]) - self.minimum

    @property
    def standings(self) -> tuple[PathStanding, ...]:
        """Each rule at its best rate, the best rule first."""
        found = [self._standing(self.of(name)) for name in self.plan.names]
        return tuple(sorted(found, key=lambda standing: (*self.rank(standing.path), standing.name)))

    def _standing(self, tried: tuple[Path, ...]) -> PathStanding:
        best = min(tried, key=lambda path: (*self.rank(path), path.arm.learning_rate or 0.0))
        place = tried.index(best)
        edge = "" if len(tried) < 2 else {0: "<", len(tried) - 1: ">"}.get(place, "")
        distance = math.nan
        if len(self.minimisers):
            distance = float(np.linalg.norm(self.minimisers - best.points[-1], axis=1).min())
        return PathStanding(
            path=best,
            edge=edge if best.diverged is None else "",
            distance=distance if best.diverged is None else math.inf,
            steps=self.reached(best),
            diverged=sum(path.diverged is not None for path in tried),
            tried=len(tried),
        )
