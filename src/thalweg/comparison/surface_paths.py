"""Every rule at every rate on a surface of two variables, with grids that grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thalweg.comparison.paths import STEPS, Path, Paths, PathStanding
from thalweg.comparison.plan import Plan
from thalweg.comparison.walk import Walk, grid_of
from thalweg.descent.settings import check_count
from thalweg.errors import FormulaError, SettingError
from thalweg.formulas.formula import Rule
from thalweg.formulas.surfaces import Surface

Array = NDArray[np.float64]


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
