r"""Surfaces: functions of two and more variables on which a descent can be watched.

Each :class:`Surface` knows its value, its gradient, where its minima lie, where a descent usually starts, and what part
of the plane to draw. :func:`losses` walks a rule down a small bowl; it is what the examples of the rules print.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thalweg.errors import SettingError
from thalweg.formulas.formula import Rule

__all__ = ["Surface", "beale", "himmelblau", "losses", "quadratic", "rastrigin", "rosenbrock", "saddle"]

Point = tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """A function to minimise, with all that is known about it.

    Parameters
    ----------
    name : str
        Its name in lower case.
    value : callable
        Takes points of shape (..., n), gives values of shape (...). Complex points are allowed.
    gradient : callable
        Takes points of shape (..., n), gives gradients of shape (..., n).
    minimisers : tuple of points
        All points in which the smallest value is taken.
    minimum : float
        The smallest value.
    start : point
        Where a descent usually starts.
    bounds : tuple of (low, high)
        For each variable, the range to draw; holds ``start`` and ``minimisers``.
    doc : str
        Formula, what is hard about it, and source.

    Examples
    --------
    >>> float(rosenbrock(rosenbrock.start))
    24.2
    """

    name: str
    value: Callable[[ArrayLike], NDArray[Any]]
    gradient: Callable[[ArrayLike], NDArray[Any]]
    minimisers: tuple[Point, ...]
    minimum: float
    start: Point
    bounds: tuple[tuple[float, float], ...]
    doc: str = field(repr=False)

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """Return :attr:`value` at ``x``, so that a surface can stand for its function."""
        return self.value(x)


def _variables(x: ArrayLike, expected: int = 0) -> NDArray[Any]:
    """Return the points as an array, or say what shape they should have had."""
    points = np.asarray(x)
    size = points.shape[-1] if points.ndim else 0
    wanted = f"(..., {expected})" if expected else "(..., n) with n >= 2"
    if size != expected if expected else size < 2:
        raise SettingError("SURFACE-SHAPE", "x", f"must have shape {wanted}, got {points.shape}")
    return points


# -- two variables and more


def _rosenbrock(x: ArrayLike) -> NDArray[Any]:
    x = _variables(x)
    here, after = x[..., :-1], x[..., 1:]
    return np.asarray((100 * (after - here**2) ** 2 + (1 - here) ** 2).sum(axis=-1))


def _rosenbrock_gradient(x: ArrayLike) -> NDArray[Any]:
    x = _variables(x)
    here, after = x[..., :-1], x[..., 1:]
    off = after - here**2
    none = np.zeros_like(x[..., :1])
    as_first = np.concatenate([-400 * here * off - 2 * (1 - here), none], axis=-1)
    as_second = np.concatenate([none, 200 * off], axis=-1)
    return np.asarray(as_first + as_second)


rosenbrock = Surface(
    name="rosenbrock",
    value=_rosenbrock,
    gradient=_rosenbrock_gradient,
    minimisers=((1.0, 1.0),),
    minimum=0.0,
    start=(-1.2, 1.0),
    bounds=((-2.0, 2.0), (-1.0, 3.0)),
    doc="""f(x) = sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 over i; n variables, all 1 in the minimum.

A curved valley with a floor 2,500 times flatter than its sides: easy to reach, slow to follow.
Rosenbrock (1960), An Automatic Method for Finding the Greatest or Least Value of a Function, The Computer Journal
3(3), 175-184.""",
)


def _rastrigin(x: ArrayLike) -> NDArray[Any]:
    x = _variables(x)
    return np.asarray((10 + x**2 - 10 * np.cos(2 * np.pi * x)).sum(axis=-1))


def _rastrigin_gradient(x: ArrayLike) -> NDArray[Any]:
    x = _variables(x)
    return np.asarray(2 * x + 20 * np.pi * np.sin(2 * np.pi * x))


rastrigin = Surface(
    name="rastrigin",
    value=_rastrigin,
    gradient=_rastrigin_gradient,
    minimisers=((0.0, 0.0),),
    minimum=0.0,
    start=(3.4, -2.6),
    bounds=((-5.12, 5.12), (-5.12, 5.12)),
    doc="""f(x) = sum of 10 + x[i]^2 - 10 cos(2 pi x[i]) over i; n variables, all 0 in the minimum.

A bowl with a local minimum near every point of whole numbers: where a descent ends depends on noise and momentum.
Rastrigin (1974), Systems of Extremal Control (in Russian); for n variables Mühlenbein, Schomisch and Born (1991).""",
)


def quadratic(condition: float = 100.0, n: int = 2) -> Surface:
    r"""Return a bowl whose curvatures run from 1 to ``condition``.

    .. math:: f(x) = \tfrac12 \sum_i \kappa^{i / (n - 1)} x_i^2, \qquad i = 0, \dots, n - 1

    Plain descent with the best rate shrinks the error by :math:`(\kappa - 1) / (\kappa + 1)` a step, the best heavy
    ball by :math:`(\sqrt\kappa - 1) / (\sqrt\kappa + 1)`.

    Parameters
    ----------
    condition : float >= 1
        Condition number :math:`\kappa`: largest curvature over smallest.
    n : int >= 2
        Number of variables; the curvatures are spaced evenly in their logarithm.

    Raises
    ------
    SettingError
        A condition number below 1 or not finite, or fewer than two variables.

    References
    ----------
    Nocedal and Wright (2006), Numerical Optimization, section 3.3; Polyak (1964), Some Methods of Speeding Up the
    Convergence of Iteration Methods.

    Examples
    --------
    >>> float(quadratic(condition=100)([1.0, 1.0]))
    50.5
    """
    if not (np.isfinite(condition) and condition >= 1):
        raise SettingError("SURFACE-CONDITION", "condition of quadratic", f"must be finite and >= 1, got {condition}")
    if n < 2:
        raise SettingError("SURFACE-SIZE", "n of quadratic", f"must be >= 2, got {n}")
    curvatures = float(condition) ** (np.arange(n) / (n - 1))

    def value(x: ArrayLike) -> NDArray[Any]:
        return np.asarray((curvatures * _variables(x, n) ** 2).sum(axis=-1) / 2)

    def gradient(x: ArrayLike) -> NDArray[Any]:
        return np.asarray(curvatures * _variables(x, n))

    return Surface(
        name=f"quadratic({condition:g})",
        value=value,
        gradient=gradient,
        minimisers=((0.0,) * n,),
        minimum=0.0,
        start=(10.0, *(1.0,) * (n - 1)),
        bounds=((-12.0, 12.0), *((-4.0, 4.0),) * (n - 1)),
        doc=f"""f(x) = sum of c[i] x[i]^2 / 2 over i, with curvatures c from 1 to {condition:g}.

A long bowl: the steep variable limits the learning rate, the flat one then takes for ever.
Nocedal and Wright (2006), Numerical Optimization, section 3.3.""",
    )


# -- two variables


def _beale(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    return np.asarray((1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2)


def _beale_gradient(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    r1, r2, r3 = 1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3
    by_a = r1 * (b - 1) + r2 * (b**2 - 1) + r3 * (b**3 - 1)
    by_b = r1 * a + r2 * 2 * a * b + r3 * 3 * a * b**2
    return np.stack([2 * by_a, 2 * by_b], axis=-1)


beale = Surface(
    name="beale",
    value=_beale,
    gradient=_beale_gradient,
    minimisers=((3.0, 0.5),),
    minimum=0.0,
    start=(1.0, 1.0),
    bounds=((-4.5, 4.5), (-4.5, 4.5)),
    doc="""f(x, y) = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2.

Nearly flat around the start and along the axis y = 1, with walls that throw a large step far out.
Beale (1958), On an Iterative Method for Finding a Local Minimum of a Function of More than One Variable, Princeton
University; start from Moré, Garbow and Hillstrom (1981), Testing Unconstrained Optimization Software, problem 5.""",
)


def _himmelblau(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    return np.asarray((a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2)


def _himmelblau_gradient(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    r1, r2 = a**2 + b - 11, a + b**2 - 7
    return np.stack([4 * a * r1 + 2 * r2, 2 * r1 + 4 * b * r2], axis=-1)


himmelblau = Surface(
    name="himmelblau",
    value=_himmelblau,
    gradient=_himmelblau_gradient,
    minimisers=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    ),
    minimum=0.0,
    start=(0.0, 0.0),
    bounds=((-5.0, 5.0), (-5.0, 5.0)),
    doc="""f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2.

Four minima of one depth around a hill: the rule and its rate decide which is found.
Himmelblau (1972), Applied Nonlinear Programming.""",
)


def _saddle(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    return np.asarray(a**2 / 2 + b**4 / 4 - b**2 / 2)


def _saddle_gradient(x: ArrayLike) -> NDArray[Any]:
    a, b = np.moveaxis(_variables(x, 2), -1, 0)
    return np.stack([a, b**3 - b], axis=-1)


saddle = Surface(
    name="saddle",
    value=_saddle,
    gradient=_saddle_gradient,
    minimisers=((0.0, 1.0), (0.0, -1.0)),
    minimum=-0.25,
    start=(1.5, 1e-3),
    bounds=((-2.0, 2.0), (-2.0, 2.0)),
    doc="""f(x, y) = x^2 / 2 + y^4 / 4 - y^2 / 2; the saddle is at (0, 0).

From the start the gradient points at the saddle, where it vanishes; a step off the ridge grows by a share each step.
Nesterov (2004), Introductory Lectures on Convex Optimization, example 1.2.2.""",
)


def losses(rule: Rule, steps: int = 5) -> list[float]:
    """Walk a rule down the bowl ``(x**2 + 10 * y**2) / 2`` from (1, -2) and return the loss after each update.

    Parameters
    ----------
    rule : Rule
        The rule with its numbers.
    steps : int
        Number of updates.

    Returns
    -------
    list of float
        ``steps`` losses, rounded to four significant digits; the loss at the start is 20.5.

    Examples
    --------
    >>> from thalweg.formulas.rules import gradient_descent
    >>> losses(gradient_descent(learning_rate=0.05), steps=2)
    [5.451, 1.657]
    """
    curvatures = np.array([1.0, 10.0])
    theta = np.array([1.0, -2.0])
    state = rule.init(theta)
    found = []
    for t in range(1, steps + 1):
        theta, state = rule.step(theta, curvatures * theta, state, float(t))
        found.append(float(f"{(curvatures * theta**2).sum() / 2:.4g}"))
    return found
