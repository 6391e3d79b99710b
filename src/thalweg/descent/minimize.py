"""Minimise any function of a vector with any rule: SciPy's words, this library's formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult

from thalweg.descent.settings import check_count, check_formula
from thalweg.errors import SettingError
from thalweg.formulas.formula import Rule, Schedule
from thalweg.formulas.ranges import check_number
from thalweg.formulas.surfaces import Surface

Vector = NDArray[np.float64]
Function = Callable[..., Any]

CONVERGED, EXHAUSTED, DIVERGED, STOPPED = range(4)
MESSAGES = {
    CONVERGED: "The largest entry of the gradient fell to gtol.",
    EXHAUSTED: "max_iter updates were made; the gradient is above gtol.",
    DIVERGED: "The {quantity} is not finite after update {nit}; x is the last point with a finite value and gradient.",
    STOPPED: "The callback stopped the descent.",
}


def minimize(
    fun: Function | Surface,
    x0: ArrayLike | None = None,
    args: Any = (),
    *,
    jac: Function | bool | None = None,
    optimizer: Rule | str = "adam",
    schedule: Schedule | None = None,
    max_iter: int = 1000,
    gtol: float = 1e-6,
    clip_norm: float | None = None,
    callback: Callable[[OptimizeResult], object] | None = None,
    trajectory: bool = False,
) -> OptimizeResult:
    """Descend on ``fun`` from ``x0``.

    Parameters
    ----------
    fun : callable or Surface
        ``fun(x, *args) -> float``, or ``(float, gradient)`` with ``jac=True``.
    x0 : array_like (n,), optional
        Start; a :class:`~thalweg.formulas.surfaces.Surface` has one of its own.
    args : tuple
        Passed on to ``fun`` and ``jac``; one that is no tuple is passed on alone.
    jac : callable, True or None
        ``jac(x, *args) -> (n,)``. None takes a surface's own gradient, else central differences, 2 n values of
        ``fun`` a step, with steps of ``eps**(1/3) * max(1, abs(x))``.
    optimizer : Rule or str
        Update rule with its numbers.
    schedule : Schedule, optional
        Factor on the learning rate; its time ``t`` counts updates made, its ``total`` is ``max_iter``.
    max_iter : int
        Updates at most.
    gtol : float >= 0
        Stop when no entry of the gradient is larger.
    clip_norm : float, optional
        Bound on the Euclidean norm of the gradient.
    callback : callable, optional
        Called after every update with an ``OptimizeResult`` of ``x``, ``fun``, ``jac`` and ``nit``; a true answer
        stops, and so does a ``StopIteration``, as in SciPy.
    trajectory : bool
        Return all points and values.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``fun``, ``jac``, ``nit`` (updates), ``nfev``, ``njev``, ``status`` (0 gtol reached, 1 max_iter, 2 not
        finite, 3 callback), ``success`` (status 0), ``message``; with ``trajectory``: ``path`` (nit + 1, n) and
        ``path_fun`` (nit + 1,).

    Raises
    ------
    SettingError
        A setting outside its range, an unknown rule, or a start whose value is not finite.

    Examples
    --------
    >>> from thalweg.formulas.rules import momentum
    >>> from thalweg.formulas.surfaces import quadratic
    >>> result = minimize(quadratic(condition=10), optimizer=momentum(learning_rate=0.02, momentum=0.9))
    >>> result.success
    True
    >>> float(abs(result.x).max()) < 1e-6
    True
    """
    rule = _rule(optimizer)
    check_count("max_iter", max_iter)
    check_number("gtol", gtol, "[0, inf)")
    if clip_norm is not None:
        check_number("clip_norm", clip_norm, "(0, inf)")
    if schedule is not None:
        check_formula("schedule", schedule, Schedule)
    if schedule is not None and not rule.has_learning_rate:
        raise SettingError("SETTING-SCHEDULE", "schedule", f"{rule.name} has no learning_rate for a schedule to act on")
    if x0 is None:
        if not isinstance(fun, Surface):
            raise SettingError("SETTING-START", "x0", "is needed: only a Surface has a start of its own")
        x0 = fun.start
    x = np.array(x0, dtype=np.float64).reshape(-1)
    point = _Point(fun, jac, args)
    value, gradient = point(x)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise SettingError("SETTING-START", "x0", f"the value or the gradient is not finite there: f = {value}")

    factors = np.ones(max_iter) if schedule is None else schedule.over(max_iter).factor(np.arange(max_iter))
    state = rule.init(x)
    path, values = [x], [value]
    status, quantity, nit = EXHAUSTED, "", 0
    while nit < max_iter:
        if np.abs(gradient).max(initial=0.0) <= gtol:
            status = CONVERGED
            break
        moved, state = rule.step(x, _clipped(gradient, clip_norm), state, float(nit + 1), float(factors[nit]))
        nit += 1
        new_value, new_gradient = point(moved) if np.isfinite(moved).all() else (np.inf, gradient)
        if not (np.isfinite(new_value) and np.isfinite(new_gradient).all()):
            finite = np.isfinite(moved).all()
            quantity = ("gradient" if np.isfinite(new_value) else "value") if finite else "point"
            status = DIVERGED
            break
        x, value, gradient = moved, new_value, new_gradient
        if trajectory:
            path.append(x)
            values.append(value)
        if callback is not None and _stops(
            callback, OptimizeResult(x=x.copy(), fun=value, jac=gradient.copy(), nit=nit)
        ):
            status = STOPPED
            break
    else:
        if np.abs(gradient).max(initial=0.0) <= gtol:
            status = CONVERGED
    result = OptimizeResult(
        x=x, fun=value, jac=gradient, nit=nit, nfev=point.values, njev=point.gradients,
        status=status, success=status == CONVERGED, message=MESSAGES[status].format(quantity=quantity, nit=nit),
    )  # fmt: skip
    if trajectory:
        result["path"], result["path_fun"] = np.array(path), np.array(values)
    return result


def _stops(callback: Callable[[OptimizeResult], object], reached: OptimizeResult) -> bool:
    try:
        return bool(callback(reached))
    except StopIteration:
        return True


class _Point:
    """Value and gradient of the function, counted."""

    def __init__(self, fun: Function | Surface, jac: Function | bool | None, args: Any) -> None:
        if not isinstance(fun, Surface):
            _check_function("fun", fun, "a function or a Surface")
        if jac is not None and not isinstance(jac, bool):
            _check_function("jac", jac, "a function, True or None")
        self._fun: Function = fun.value if isinstance(fun, Surface) else fun
        self._jac = fun.gradient if jac is None and isinstance(fun, Surface) else jac
        self._args: tuple[Any, ...] = args if isinstance(args, tuple) else (args,)
        self.values = self.gradients = 0

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        self.values += 1
        with np.errstate(over="ignore", invalid="ignore"):
            if self._jac is True:
                self.gradients += 1
                value, gradient = self._fun(x.copy(), *self._args)
                return _number(value), _vector(gradient, x)
            value = _number(self._fun(x.copy(), *self._args))
            if callable(self._jac):
                self.gradients += 1
                return value, _vector(self._jac(x.copy(), *self._args), x)
            return value, self._central(x)

    def _central(self, x: Vector) -> Vector:
        steps = np.finfo(np.float64).eps ** (1 / 3) * np.maximum(1.0, np.abs(x))
        gradient = np.empty_like(x)
        for j, h in enumerate(steps):
            up, down = x.copy(), x.copy()
            up[j] += h
            down[j] -= h
            rise = _number(self._fun(up, *self._args)) - _number(self._fun(down, *self._args))
            gradient[j] = rise / (up[j] - down[j])
        self.values += 2 * x.size
        return gradient


def _check_function(where: str, value: object, wanted: str) -> None:
    if not callable(value):
        raise SettingError("SETTING-FUNCTION", where, f"must be {wanted}, got {value!r:.40}")


def _number(value: Any) -> float:
    array = np.asarray(value, dtype=np.float64)
    if array.size != 1:
        raise SettingError("SETTING-FUNCTION", "fun", f"must return one number, got shape {array.shape}")
    return float(array.reshape(()))


def _vector(gradient: Any, x: Vector) -> Vector:
    array = np.asarray(gradient, dtype=np.float64).reshape(-1)
    if array.shape != x.shape:
        raise SettingError("SETTING-FUNCTION", "jac", f"must return {x.size} numbers, got {array.size}")
    return array


def _clipped(gradient: Vector, bound: float | None) -> Vector:
    if bound is None:
        return gradient
    largest = float(np.abs(gradient).max(initial=0.0))
    if largest == 0.0:
        return gradient
    length = float(np.linalg.norm(gradient / largest))  # in units of the largest entry, whose square may overflow
    return gradient * (bound / largest / length) if length > bound / largest else gradient


def _rule(optimizer: Rule | str) -> Rule:
    if isinstance(optimizer, str):
        from thalweg.formulas import catalog

        found: Rule = catalog.find("rule", optimizer)
        return found
    check_formula("optimizer", optimizer, Rule)
    return optimizer
