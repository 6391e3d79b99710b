"""The runs of a comparison over a linear model with two parameters, as paths on its training loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.outcome import Problem
from thalweg.comparison.paths import STEPS, Path, Paths
from thalweg.comparison.plan import Plan
from thalweg.comparison.walk import Walk, grid_of
from thalweg.descent.models import Linear
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import SettingError
from thalweg.formulas.formula import Penalty

Array = NDArray[np.float64]

#: Of more rows, so many evenly spaced ones stand for all where only values are drawn; squared loss needs no rows.
ROWS = 2048
#: Points of the grid along each axis: these losses are smooth.
POINTS = 97
#: Slopes of single rows that are computed at most, or fewer updates are made.
_MOST_WORK = 4e8
_CELLS = 1 << 22  # rows times lanes at once


def can_be_drawn(problem: Problem) -> bool:
    """Whether a model is linear, with two parameters and one output."""
    model = problem.model
    return isinstance(model, Linear) and model.size == 2 and model.n_outputs == 1


def descend_problem(
    problem: Problem,
    plan: Plan,
    settings: Settings,
    steps: int = STEPS,
    names: tuple[str, ...] = ("weight",),
) -> Paths:
    """Follow the first updates of a comparison's runs under its first seed.

    Orders of rows, batches, schedule, bounds on the gradient and penalty are those of the runs, so that the points are
    theirs but for rounding. Rules meet the kink of a penalty by keeping each weight to its side of zero.

    Parameters
    ----------
    problem : Problem
        With a linear model of two parameters: one feature and an intercept, or two features without.
    plan : Plan
    settings : Settings
        What all runs share; the optimizer is that of each arm.
    steps : int
        Updates at most; no more than the runs make.
    names : tuple of str
        Of the features.

    Returns
    -------
    Paths
        Values are mean losses on the training part plus the penalty. Where there is no single lowest point,
        ``minimisers`` is empty and ``minimum`` is the lowest value seen.

    Raises
    ------
    SettingError
        Another model.
    """
    if not can_be_drawn(problem):
        raise SettingError("SETTING-MODEL", "model", "must be linear with two parameters to be drawn")
    check_count("steps", steps)
    objective = _Objective.of(problem, settings)
    start = np.asarray(problem.model.initial(np.random.default_rng(0)), dtype=np.float64)
    orders = _Orders(settings, objective.X.shape[0], plan.seeds[0])
    steps = min(steps, settings.max_iter * orders.per_epoch)
    rows = 0 if objective.moments is not None and orders.whole else orders.batch
    steps = int(min(steps, max(20, _MOST_WORK // (max(rows, 1) * len(plan.arms)))))

    def gradient(theta: Array, update: int) -> Array:
        found = objective.slope(theta, orders.rows(update))
        return objective.penalised(_clipped(found, settings), theta)

    minimum, minimisers, box = _lowest(objective, start)
    weighted = not problem.model.intercepts
    walk = Walk(
        objective.value,
        gradient,
        start,
        box,
        factors=orders.factors(steps),
        exempt=(False, not weighted),
        after=objective.keep_sides if objective.kink else None,
    )
    paths = walk.descend(plan.arms, steps, minimum, minimisers)
    if not len(minimisers):
        minimum = min(float(path.values.min()) for path in paths)
    axes = (*names, "intercept")[:2]

    def gathered(x: Array, y: Array, values: Array) -> Paths:
        about = _about(settings, steps, plan.seeds[0], objective)
        return Paths(
            "the training loss", about, (axes[0], axes[1]), x, y, values, minimum, minimisers, plan, tuple(paths), steps
        )

    best = [standing.path for standing in gathered(*grid_of(objective.value, box, 2)).standings]
    return gathered(*grid_of(objective.value, _around(best, start, minimisers, box), POINTS))


def _about(settings: Settings, steps: int, seed: int, objective: _Objective) -> str:
    batch = objective.X.shape[0] if settings.batch_size is None else settings.batch_size
    rows = "all rows" if batch >= objective.X.shape[0] else f"{batch} row{'s' * (batch > 1)}"
    penalty = " plus penalty" if objective.penalty is not None else ""
    sample = "" if objective.moments is not None else objective.sampled
    return (
        f"Mean {settings.loss.name} loss on the training part{penalty}{sample}. "
        f"The first {steps} updates of the runs with seed {seed}, each with {rows}."
    )


# -- the function


@final
@dataclass(frozen=True)
class _Objective:
    """Mean loss plus penalty as a function of two parameters; ``moments`` where the loss is squared."""

    X: Array
    targets: Array
    weights: Array
    intercept: bool
    loss: Any
    penalty: Penalty | None
    moments: tuple[Array, Array, Array, float] | None
    drawn: NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem, settings: Settings) -> _Objective:
        """Lay the training part out as dense columns."""
        from thalweg.formulas.losses import squared

        model, rows = problem.model, problem.train
        X = rows.X.astype(np.float64)
        if rows.csr:
            from scipy.sparse import csr_array

            shape = (rows.count, model.n_features)
            X = csr_array((rows.values.astype(np.float64), rows.indices, rows.indptr), shape=shape).toarray()
        count = min(ROWS, rows.count)
        return cls(
            X=X,
            targets=rows.targets.astype(np.float64),
            weights=rows.weights.astype(np.float64),
            intercept=bool(model.intercepts),
            loss=settings.loss,
            penalty=settings.layer_penalties(1)[0],
            moments=_moments(problem) if settings.loss.fingerprint == squared.fingerprint else None,
            drawn=np.linspace(0, rows.count - 1, count).round().astype(np.int64),
        )

    @property
    def kink(self) -> bool:
        """Whether the penalty has a proximal step, so that weights keep to their side of zero."""
        return self.penalty is not None and self.penalty.has_proximal

    @property
    def sampled(self) -> str:
        """A note on the rows that values are taken from."""
        all_rows, some = self.X.shape[0], self.drawn.size
        return "" if some == all_rows else f", drawn from {some} of its {all_rows} rows"

    @property
    def _penalised(self) -> slice:
        """Which of the two are weights."""
        return slice(0, 1 if self.intercept else 2)

    def value(self, theta: Array) -> Array:
        """Return the values at points (2, lanes)."""
        if self.moments is not None:
            centre, slope, hessian, loss = self.moments
            off = theta - centre[:, None]
            values = loss + slope @ off + (off * (hessian @ off)).sum(axis=0) / 2
        else:
            values = self._sum(theta, self.drawn, slopes=False)[0] / self.drawn.size
        if self.penalty is not None:
            values = values + self.penalty.value(theta[self._penalised]).sum(axis=0)
        return np.asarray(values)

    def slope(self, theta: Array, rows: NDArray[np.int64] | None) -> Array:
        """Return the gradient of the mean loss over some rows, or all, at points (2, lanes)."""
        if rows is None and self.moments is not None:
            centre, slope, hessian, _ = self.moments
            return np.asarray(slope[:, None] + hessian @ (theta - centre[:, None]))
        chosen = self.drawn if rows is None else rows
        return self._sum(theta, chosen, slopes=True) / chosen.size

    def penalised(self, slope: Array, theta: Array) -> Array:
        """Return a gradient with that of the penalty; where a weight is at a kink, what the loss has left over it."""
        if self.penalty is None:
            return slope
        part, found = self._penalised, slope.copy()
        with_it = slope[part] + self.penalty.derivative(theta[part])
        at_kink = self.penalty.proximal_step(slope[part], 1.0) if self.kink else with_it
        found[part] = np.where(theta[part] == 0, at_kink, with_it)
        return found

    def keep_sides(self, before: Array, g: Array, after: Array) -> Array:
        """Return points whose weights stop at zero where an update would take them across."""
        part, found = self._penalised, after.copy()
        side = np.where(before[part] == 0, -g[part], before[part])
        found[part] = np.where(after[part] * side <= 0, 0.0, after[part])
        return found

    def _sum(self, theta: Array, rows: NDArray[np.int64], *, slopes: bool) -> Array:
        """Return sums over rows: of slopes (2, lanes), or of losses (1, lanes)."""
        total = np.zeros((2 if slopes else 1, theta.shape[1]))
        block = max(1, _CELLS // theta.shape[1])
        for first in range(0, rows.size, block):
            piece = rows[first : first + block]
            X = self.X[piece]
            z = X @ theta[: X.shape[1]] + (theta[1] if self.intercept else 0.0)
            value, slope = self.loss.value_and_derivative(np.broadcast_to(self.targets[piece], z.shape), z)
            found = slope if slopes else value
            if self.weights.size:
                found = found * self.weights[piece, None]
            if not slopes:
                total += found.sum(axis=0)
                continue
            total[: X.shape[1]] += X.T @ found
            if self.intercept:
                total[1] += found.sum(axis=0)
        return total


def _moments(problem: Problem) -> tuple[Array, Array, Array, float] | None:
    """Return centre (2,), slope (2,), Hessian (2, 2) and loss of the mean squared error; None where they overflow."""
    from thalweg.descent.moments import second_moments

    if problem.train.csr or problem.train.dtype != "float64":
        return None
    flat = second_moments(problem.model, problem.train)
    if not np.isfinite(flat).all():
        return None
    return flat[:2], flat[2:4], flat[4:8].reshape(2, 2), float(flat[8])


def _clipped(g: Array, settings: Settings) -> Array:
    """Return gradients (2, lanes) within the bounds of the settings."""
    if settings.clip_value is not None:
        return np.clip(g, -settings.clip_value, settings.clip_value)
    if settings.clip_norm is not None:
        length = np.hypot(g[0], g[1])
        return np.asarray(np.where(length > settings.clip_norm, g * (settings.clip_norm / length), g))
    return g


@final
class _Orders:
    """The rows of each update, as a run with this seed takes them."""

    def __init__(self, settings: Settings, count: int, seed: int) -> None:
        from thalweg.engine import streams

        self.settings, self.count = settings, count
        self.batch = min(settings.batch_size or count, count)
        self.whole = self.batch == count
        self.per_epoch = -(-count // self.batch)
        self._streams, self._root = streams, streams.seed_sequence(seed)
        self._epoch, self._order = -1, np.arange(count)

    def rows(self, update: int) -> NDArray[np.int64] | None:
        """Return the rows of an update, counted from 0; None for all, as for an update before the first."""
        if self.whole or update < 0:
            return None
        epoch, place = divmod(update, self.per_epoch)
        if epoch != self._epoch and self.settings.shuffle:
            self._epoch, self._order = epoch, self._streams.shuffled(self._root, epoch, self.count)
        return self._order[place * self.batch : (place + 1) * self.batch]

    def factors(self, steps: int) -> Array | None:
        """Return what the schedule makes of the learning rate at each update."""
        if self.settings.schedule is None:
            return None
        times = np.arange(steps) // self.per_epoch + np.arange(steps) % self.per_epoch / self.per_epoch
        return np.asarray(self.settings.schedule.over(self.settings.max_iter).factor(times))


# -- what part of the plane to draw


def _lowest(objective: _Objective, start: Array) -> tuple[float, Array, tuple[Array, Array]]:
    """Return the smallest value, the point that takes it (1, 2), and a box around it and the start.

    Where there is no such point the value is nan, and there are none.

    The box holds the ellipse on which the loss is that of the start, as far as its curvature tells.
    """
    from scipy.optimize import minimize

    def value(point: Array) -> float:
        return float(objective.value(point[:, None])[0])

    def slope(point: Array) -> Array:
        return objective.penalised(objective.slope(point[:, None], None), point[:, None])[:, 0]

    if objective.moments is not None and objective.penalty is None:
        point = objective.moments[0]
    else:
        with np.errstate(all="ignore"):
            coarse = minimize(value, start, jac=slope, method="BFGS").x
            fine = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 2000}
            point = np.asarray(minimize(value, coarse, method="Nelder-Mead", options=fine).x)
    lowest, first = value(point), value(start)
    reach = float(np.abs(point - start).max()) or 1.0
    h = 1e-3 * reach
    steps = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    around = objective.value((point + h * steps).T)
    corners = objective.value((point + h * np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])).T)
    single = bool(min(around.min(), corners.min()) - lowest > 1e-12 * max(first - lowest, abs(lowest)))
    if not (single and np.isfinite(point).all() and first > lowest):
        return np.nan, np.empty((0, 2)), (start - reach, start + reach)
    curvature = np.array([around[0] + around[1], around[2] + around[3]]) - 2 * lowest
    twist = (corners[0] + corners[1] - corners[2] - corners[3]) / 4
    share = 1 - min(twist**2 / max(curvature[0] * curvature[1], 1e-300), 0.99)
    half = h * np.sqrt(2 * (first - lowest) / (curvature * share))
    half = np.minimum(np.maximum(half, 1.2 * np.abs(start - point)), 10 * reach)
    return lowest, point[None], (point - half, point + half)


def _around(best: list[Path], start: Array, minimisers: Array, box: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return corners of the part to draw: the best paths, but not what goes far beyond the box."""
    whole = [path.points for path in best if path.diverged is None]
    if len(minimisers):
        half = (box[1] - box[0]) / 2
        points = np.clip(np.concatenate([start[None], *whole]), box[0] - 0.3 * half, box[1] + 0.3 * half)
        points = np.concatenate([points, minimisers - 0.6 * half, minimisers + 0.6 * half])
    else:  # nothing but the paths tells the scale, and some of them may have run away
        reach = [np.abs(points - start).max(axis=0) for points in whole] or [box[1] - start]
        limit = 2 * np.median(reach, axis=0)
        points = np.clip(np.concatenate([start[None], *whole]), start - limit, start + limit)
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.where(high > low, high - low, max(float((high - low).max()), 1e-6))
    return low - 0.08 * width, low + 1.08 * width
