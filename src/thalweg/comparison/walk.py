"""All rules at all rates step together from one start, on a function of two variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.paths import DIVERGED, LOCAL, MINIMUM, NEAR, SADDLE, UNDER_WAY, Path
from thalweg.comparison.plan import Arm
from thalweg.errors import LimitError

Array = NDArray[np.float64]
Value = Callable[[Array], Array]  # (2, lanes) -> (lanes,)
Gradient = Callable[[Array, int], Array]  # (2, lanes), update from 0 -> (2, lanes)

#: A path is lost when it is this many times as far from the middle of the drawn part as that is wide.
FAR = 1e6
#: Points of the grid along each axis.
GRID = 241
#: Points of all paths together at most.
MOST_POINTS = 10_000_000


@final
@dataclass(frozen=True)
class Walk:
    """A function of two variables with a start: what arms descend on, all their lanes at once.

    Attributes
    ----------
    value, gradient : callable
    start : ndarray (2,)
    bounds : ndarray (2,), ndarray (2,)
        Corners of the part to draw.
    factors : ndarray (steps,), optional
        What a schedule makes of the learning rate at each update.
    exempt : tuple of bool
        For both variables, whether weight_decay passes it over, as it does intercepts.
    after : callable, optional
        Called with points before an update, the gradient there and the points after; returns the points as the kink of
        a penalty leaves them.
    """

    value: Value
    gradient: Gradient
    start: Array
    bounds: tuple[Array, Array]
    factors: Array | None = None
    exempt: tuple[bool, bool] = (False, False)
    after: Callable[[Array, Array, Array], Array] | None = None

    def descend(self, arms: Sequence[Arm], steps: int, minimum: float, minimisers: Array) -> list[Path]:
        """Return the path of each arm, whatever the function's ``minimum`` (float) and ``minimisers`` (count, 2).

        Raises
        ------
        LimitError
            SETTING-TOO-MANY: more points than fit into memory with ease.
        """
        if len(arms) * (steps + 1) > MOST_POINTS:
            what = f"{len(arms)} paths of {steps} updates have more than {MOST_POINTS} points"
            raise LimitError("SETTING-TOO-MANY", "steps", what, "Take fewer steps, rules or rates.")
        points, values, lost = self._step(arms, steps)
        kept = [steps if update is None else update - 1 for update in lost]
        last = points[kept, :, range(len(arms))].T
        ends = self._ends(last, values[kept, range(len(arms))], minimum, minimisers)
        return [
            Path(
                arm=arm,
                points=points[: kept[k] + 1, :, k].copy(),
                values=values[: kept[k] + 1, k].copy(),
                diverged=lost[k],
                ends=ends[k] if lost[k] is None else DIVERGED,
            )
            for k, arm in enumerate(arms)
        ]

    def _step(self, arms: Sequence[Arm], steps: int) -> tuple[Array, Array, list[int | None]]:
        """Return points (steps + 1, 2, lanes), values (steps + 1, lanes), and the updates at which lanes were lost."""
        groups = _Lanes.of(arms, self.exempt)
        theta = np.repeat(self.start[:, None], len(arms), axis=1)
        for group in groups:
            group.begin(theta)
        points, values = np.empty((steps + 1, *theta.shape)), np.empty((steps + 1, len(arms)))
        middle, width = (self.bounds[0] + self.bounds[1])[:, None] / 2, (self.bounds[1] - self.bounds[0])[:, None]
        lost: list[int | None] = [None] * len(arms)
        alive = np.ones(len(arms), dtype=bool)
        with np.errstate(all="ignore"):
            points[0], values[0] = theta, self.value(theta)
            for k in range(steps):
                g = self.gradient(theta, k)
                factor = 1.0 if self.factors is None else float(self.factors[k])
                moved = np.concatenate([group.step(theta, g, k + 1.0, factor) for group in groups], axis=1)
                if self.after is not None:
                    moved = self.after(theta, g, moved)
                value = self.value(moved)
                near = (np.abs(moved - middle) <= FAR * width).all(axis=0)  # and no nan
                fine = near & np.isfinite(value) & np.isfinite(g).all(axis=0)
                for lane in np.flatnonzero(alive & ~fine):
                    lost[lane] = k + 1
                alive &= fine
                theta = np.where(alive, moved, theta)
                points[k + 1], values[k + 1] = theta, np.where(alive, value, values[k])
        return points, values, lost

    def _ends(self, last: Array, values: Array, minimum: float, minimisers: Array) -> list[str]:
        """Say what kind of point each last one, (2, lanes), is at."""
        width = self.bounds[1] - self.bounds[0]
        with np.errstate(all="ignore"):
            above = float(self.value(self.start[:, None])[0]) - minimum
            g = self._slope(last)
            columns = []
            for k in range(2):
                h = np.zeros((2, 1))
                h[k] = 1e-5 * width[k]
                columns.append((self._slope(last + h) - self._slope(last - h)) / (2 * h[k]))
            (a, b), (_, d) = columns  # the Hessian
            determinant = a * d - b * b
            newton = np.stack([b * g[1] - d * g[0], b * g[0] - a * g[1]]) / determinant
            still = (np.abs(newton) <= 0.01 * width[:, None]).all(axis=0)
            off = np.abs(last.T[:, None] - minimisers) / width  # (lanes, count, 2)
            there = np.any((off <= 0.01).all(axis=2), axis=1)  # at a minimum after all, if not in value
        if not math.isfinite(minimum):
            return [UNDER_WAY] * len(still)
        found: list[str] = []
        for lane in range(last.shape[1]):
            if values[lane] - minimum <= NEAR * above:
                found.append(MINIMUM)
            elif not still[lane] or there[lane]:
                found.append(UNDER_WAY)
            else:
                found.append(LOCAL if determinant[lane] > 0 and a[lane] > 0 else SADDLE)
        return found

    def _slope(self, theta: Array) -> Array:
        """Return the gradient of the whole function: for batches of rows it is not that of an update."""
        return self.gradient(theta, -1)


class _Lanes:
    """The arms of one rule, side by side."""

    def __init__(self, arms: Sequence[Arm], lanes: slice, exempt: tuple[bool, bool]) -> None:
        self.arms, self.lanes = arms, lanes
        self.rule = arms[0].rule
        self.one_by_one = False
        self._numbers = self.rule.hyperparameters
        self._decay = self._numbers.get("weight_decay", 0.0)
        self._exempt = exempt if self._decay else (False, False)
        if any(self._exempt):
            self._numbers["weight_decay"] = np.where(exempt, 0.0, self._decay)[:, None]
        rates = [arm.learning_rate or 0.0 for arm in arms]
        self._rates = np.array(rates) if len(arms) > 1 else rates[0]

    @classmethod
    def of(cls, arms: Sequence[Arm], exempt: tuple[bool, bool]) -> list[_Lanes]:
        """Gather neighbours of one name."""
        groups, first = [], 0
        for k in range(1, len(arms) + 1):
            if k == len(arms) or arms[k].name != arms[first].name:
                groups.append(cls(arms[first:k], slice(first, k), exempt))
                first = k
        return groups

    def begin(self, theta: Array) -> None:
        """Start the memory; what it starts at may be the learning rate."""
        starts = [arm.rule.init(theta[:, k]) for k, arm in enumerate(self.arms, self.lanes.start)]
        self._state = np.stack(starts, axis=-1)

    def step(self, theta: Array, g: Array, t: float, factor: float) -> Array:
        """Return where the lanes of this rule, out of all, go."""
        theta, g = theta[:, self.lanes], g[:, self.lanes]
        if not self.one_by_one:
            numbers: dict[str, Any] = dict(self._numbers)
            if self.rule.has_learning_rate:
                numbers["learning_rate"] = self._rates * factor
            try:
                result = self.rule.formula(theta, g, t, *self._state, **numbers)
            except (TypeError, ValueError):  # `max(learning_rate, ...)` takes one number, no lanes of them
                self.one_by_one = True
            else:
                moved, *slots = result if self.rule.slots else (result,)
                self._state = np.stack([np.broadcast_to(slot, theta.shape) for slot in slots]) if slots else self._state
                return np.broadcast_to(np.asarray(moved, dtype=np.float64), theta.shape)
        moved = np.empty_like(theta)
        for k, arm in enumerate(self.arms):
            for row in range(2):
                rule = arm.rule(weight_decay=0.0) if self._exempt[row] else arm.rule
                one = slice(row, row + 1)
                moved[one, k], self._state[:, one, k] = rule.step(
                    theta[one, k], g[one, k], self._state[:, one, k], t, factor
                )
        return moved


def grid_of(value: Value, bounds: tuple[Array, Array], points: int = GRID) -> tuple[Array, Array, Array]:
    """Return x (points,), y (points,) and the values (points, points) over the rectangle between two corners."""
    low, high = bounds
    x, y = np.linspace(low[0], high[0], points), np.linspace(low[1], high[1], points)
    across, up = np.meshgrid(x, y)
    with np.errstate(all="ignore"):
        values = value(np.stack([across.ravel(), up.ravel()]))
    return x, y, values.reshape(points, points)
