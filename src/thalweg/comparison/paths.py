"""Descents that can be looked at: on a surface, or on the loss of a linear model with two parameters.

All rules at all rates step together from one start. What is left of each is its path, and of all together the values
on a grid around them, so that they can be drawn on one contour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thalweg.comparison.plan import Arm, Plan
from thalweg.descent.settings import check_count
from thalweg.errors import FormulaError, LimitError, SettingError
from thalweg.formulas.formula import Rule
from thalweg.formulas.surfaces import Surface

Array = NDArray[np.float64]
Value = Callable[[Array], Array]  # (2, lanes) -> (lanes,)
Gradient = Callable[[Array, int], Array]  # (2, lanes), update from 0 -> (2, lanes)

#: A path reaches the minimum when this share of what the start lies above it is left.
NEAR = 1e-3
#: What is left below this share does not matter: the quicker rule is the better one then.
ALIKE = 1e-6
#: A path is lost when it is this many times as far from the middle of the drawn part as that is wide.
FAR = 1e6
#: Points of the grid along each axis.
GRID = 241
STEPS = 200
#: Points of all paths together at most.
MOST_POINTS = 10_000_000
MINIMUM, LOCAL, SADDLE, UNDER_WAY, DIVERGED = "minimum", "local minimum", "saddle", "under way", "diverged"


@final
@dataclass(frozen=True)
class Path:
    """Where one rule went at one learning rate.

    Attributes
    ----------
    arm : Arm
    points : ndarray (updates + 1, 2)
        From the start on; cut off before the update that left the finite numbers, or went too far (:data:`FAR`).
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
    descend_surface, thalweg.comparison.two_parameters.descend_problem : make one.
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


def descend_surface(
    surface: Surface,
    rules: Mapping[str, Rule],
    learning_rates: Sequence[float] | int | None = None,
    steps: int = STEPS,
    start: ArrayLike | None = None,
) -> Paths:
    """Descend on a surface of two variables with every rule at every rate.

    Parameters
    ----------
    surface : Surface
    rules : mapping of str to Rule
        By the names that tables show.
    learning_rates : sequence of float or int, optional
        As :meth:`~thalweg.comparison.plan.Plan.of` takes them. Grids that were laid out automatically grow where the
        best rate lies on an edge, for all rules by as many rates.
    steps : int
        Updates of each path.
    start : array_like (2,), optional
        The surface's own without it.

    Raises
    ------
    SettingError
        A surface of another number of variables, one whose functions give other shapes, a gradient that is not the
        slope of the value, a start that is not finite; what ``Plan.of`` refuses.
    FormulaError
        FORMULA-FAILS: what the surface's functions raise.
    LimitError
        SETTING-TOO-MANY: more arms, or points of paths, than are made.

    Examples
    --------
    >>> from thalweg.formulas.rules import gradient_descent
    >>> from thalweg.formulas.surfaces import quadratic
    >>> found = descend_surface(quadratic(10), {"gd": gradient_descent}, [0.01, 0.1, 0.3], steps=100)
    >>> [path.ends for path in found.paths]
    ['under way', 'minimum', 'diverged']
    >>> found.standings[0].learning_rate
    0.1
    """
    check_count("steps", steps)
    point = _start(surface, surface.start if start is None else start)
    plan = Plan.of(rules, learning_rates, seeds=1)
    low, high = np.array(surface.bounds, dtype=np.float64).T

    def value(theta: Array) -> Array:
        return np.asarray(surface.value(theta.T), dtype=np.float64)

    def gradient(theta: Array, update: int = 0) -> Array:  # noqa: ARG001 - the same at every update
        return np.asarray(surface.gradient(theta.T), dtype=np.float64).T

    known: dict[tuple[str, float | None], Path] = {}
    walk = Walk(value, gradient, point, (low, high))
    minimisers = np.array(surface.minimisers, dtype=np.float64).reshape(-1, 2)
    x, y, values = grid_of(value, (low, high))
    while True:
        new = [arm for arm in plan.arms if (arm.name, arm.learning_rate) not in known]
        for path in walk.descend(new, steps, float(surface.minimum), minimisers):
            known[path.arm.name, path.arm.learning_rate] = path
        found = Paths(
            name=surface.name,
            about=surface.doc,
            axes=("x", "y"),
            x=x,
            y=y,
            values=values,
            minimum=float(surface.minimum),
            minimisers=minimisers,
            plan=plan,
            paths=tuple(known[arm.name, arm.learning_rate] for arm in plan.arms),
            steps=steps,
        )
        standings = found.standings
        beyond = any(standing.edge or standing.path.diverged is not None for standing in standings)
        if not (plan.may_grow and beyond):
            return found
        plan = plan.grown({standing.name: _side(found, standing) for standing in standings})


def _side(found: Paths, standing: PathStanding) -> str:
    """Return where a grid grows: at the edge on which the best rate lies, else at the nearer one."""
    if standing.path.diverged is not None:
        return "<"  # as at all its rates
    rates = found.plan.rates(standing.name)
    return "<" if 2 * rates.index(standing.learning_rate) < len(rates) - 1 else ">"


def _start(surface: Surface, start: ArrayLike) -> Array:
    """Check a surface as far as a few points can, and return the start."""
    point = np.array(start, dtype=np.float64)
    if point.shape != (2,) or len(surface.bounds) != 2:
        what = f"has {len(surface.bounds)} variables, the start {point.size}; two of both can be drawn"
        raise SettingError("SURFACE-SHAPE", surface.name, what)
    low, high = np.array(surface.bounds, dtype=np.float64).T
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise SettingError("SURFACE-BOUNDS", surface.name, f"bounds must rise and be finite, got {surface.bounds}")
    aside = np.array([1.0, -0.7]) * (high - low)  # not on a diagonal, where swapped slopes look right
    trials = np.stack([point, point + 0.013 * aside, point - 0.029 * aside])
    with np.errstate(all="ignore"):
        try:
            values, slopes = np.asarray(surface.value(trials)), np.asarray(surface.gradient(trials))
        except Exception as error:
            what = f"value or gradient fails on points (3, 2): {type(error).__name__}: {error}"
            raise FormulaError("FORMULA-FAILS", surface.name, what) from error
        if values.shape != (3,) or slopes.shape != (3, 2):
            what = f"value and gradient of points (3, 2) have shapes {values.shape} and {slopes.shape}"
            hint = "They take (..., 2) and give (...) and (..., 2): write x[..., 0] and x[..., 1]."
            raise SettingError("SURFACE-SHAPE", surface.name, what, hint)
        if not (np.isfinite(values[0]) and np.isfinite(slopes[0]).all()):
            raise SettingError("SETTING-START", surface.name, f"value or gradient is not finite at {point.tolist()}")
        for k in range(2):
            h = np.zeros(2)
            h[k] = 1e-6 * (high - low)[k]
            differences = (surface.value(trials + h) - surface.value(trials - h)) / (2 * h[k])
            # Rounding of the values limits what a difference can show.
            doubt = 1e-4 * np.abs(slopes[:, k]) + 1e-8 * (np.abs(values) + np.ptp(values)) / h[k]
            wrong = np.flatnonzero(np.abs(differences - slopes[:, k]) > doubt)
            if wrong.size:
                j = int(wrong[0])
                at = ", ".join(f"{v:.4g}" for v in trials[j])
                what = (
                    f"at ({at}) the gradient has {slopes[j, k]:.6g} for variable {k}, the slope is {differences[j]:.6g}"
                )
                raise SettingError("GRAD-MISMATCH", surface.name, what)
    return point


def grid_of(value: Value, bounds: tuple[Array, Array], points: int = GRID) -> tuple[Array, Array, Array]:
    """Return x (points,), y (points,) and the values (points, points) over the rectangle between two corners."""
    low, high = bounds
    x, y = np.linspace(low[0], high[0], points), np.linspace(low[1], high[1], points)
    across, up = np.meshgrid(x, y)
    with np.errstate(all="ignore"):
        values = value(np.stack([across.ravel(), up.ravel()]))
    return x, y, values.reshape(points, points)


# -- stepping together


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
