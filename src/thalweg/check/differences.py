"""Slopes of a function by differences, each with a bound on its error; and kinks, where there are two slopes.

A central difference ``D(h) = (f(x+h) - f(x-h)) / 2h`` errs by truncation, which falls with ``h``, and by rounding,
which grows as ``h`` falls. Neither is guessed here. Truncation is what halving the step changes: three steps ``h, h/2,
h/4`` give two extrapolated slopes (Richardson), and their difference bounds the error of the better one. Rounding is
measured: values on a line of points so close that a smooth function is a polynomial there leave only noise in their
high differences (Moré and Wild). A kink shows in the one-sided slopes, whose distance ``S(h)`` goes to zero with ``h``
for a smooth function and to the jump for one with a kink; the five points ``0, ±h/4, ±h/2`` tell the two apart.

Where the code takes complex numbers, a complex step is taken besides; differences have to confirm it.

References
----------
Moré and Wild (2011), Estimating Computational Noise, SIAM Journal on Scientific Computing 33(3), 1292-1314.
Squire and Trapp (1998), Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review 40(1), 110-112.
Press, Teukolsky, Vetterling and Flannery (2007), Numerical Recipes, section 5.7.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DOWN = 16.0  # from one level of steps to the next
NEARLY = 16.0  # bounds within this factor of the best are evidence too
SHARP = 0.5  # power of the rounding unit: a bound of this size relative to the slope is sharp enough


@final
class Probe:
    """A function of a flat vector that answers NaN where it fails, and counts its calls.

    Parameters
    ----------
    function : callable
        ``f(x) -> number`` for a vector (n,), which it may not keep.
    """

    def __init__(self, function: Callable[[Array], float]) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, x: Array) -> float:
        """Return the value, or NaN where the function raises an arithmetic error."""
        self.calls += 1
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return self._function(x)
            except (ArithmeticError, ValueError):
                return math.nan

    def along(self, x: Array, direction: Array) -> Callable[[float], float]:
        """Return the function of one number that walks from ``x`` along a direction."""
        return lambda h: self(x + h * direction)


@final
@dataclass(frozen=True)
class Level:
    """What three steps say: a slope, a bound on its error, the slopes of the two sides, and what jumps between them."""

    h: float
    slope: float
    bound: float
    rounding: float
    left: float
    right: float
    jump: float
    bent: bool


@final
@dataclass(frozen=True)
class Slope:
    """The slope along one coordinate or direction.

    Parameters
    ----------
    value : float
        Best estimate.
    bound : float
        Bound on its error.
    kink : bool
        Whether two different slopes meet here.
    left, right : float
        Slopes of the two sides.
    levels : tuple of Level
        The evidence, one entry per size of step, widest first.
    start : float
        The first size of step.
    """

    value: float
    bound: float
    kink: bool
    left: float
    right: float
    levels: tuple[Level, ...]
    start: float

    def excludes(self, slope: float, slack: float) -> bool:
        """Tell whether a slope is beyond the bound at every size of step whose bound is of the size of the best."""
        usable = [level for level in self.levels if level.bound + slack <= NEARLY * (self.bound + slack)]
        # Steps wider than the coordinate's own size may step over its kinks: the next narrower ones have to agree.
        wide = [k for k, level in enumerate(self.levels) if level.bound == self.bound and level.h > self.start]
        usable += [self.levels[k + 1] for k in wide if k + 1 < len(self.levels)]
        return bool(usable) and all(not abs(slope - level.slope) <= level.bound + slack for level in usable)


def look(f: Callable[[float], float], at: float, h: float, noise: float, unit: float) -> Level:
    """Take the slope at 0 of a function of one number by steps ``h``, ``h/2``, ``h/4``; ``at`` is ``f(0)``."""
    steps = (h, h / 2, h / 4)
    ahead, behind = [f(s) for s in steps], [f(-s) for s in steps]
    if not all(map(math.isfinite, (*ahead, *behind))):
        return Level(h, math.nan, math.inf, math.inf, math.nan, math.nan, math.nan, bent=False)
    noise = noise + 2 * unit * max(abs(at), *map(abs, ahead), *map(abs, behind))
    central = [(a - b) / (2 * s) for a, b, s in zip(ahead, behind, steps, strict=True)]
    spread = [((a - at) - (at - b)) / s for a, b, s in zip(ahead, behind, steps, strict=True)]
    coarse, slope = ((4 * fine - wide) / 3 for wide, fine in pairwise(central))
    first, jump = (2 * fine - wide for wide, fine in pairwise(spread))
    rounding = 8 * noise / h + 4 * unit * abs(slope)
    # Of a smooth function S(h) = f'' h + O(h^3): extrapolated to h = 0, an eighth is left with each halving.
    bent = abs(jump) > 0.5 * abs(first) and abs(jump) > 48 * noise / h
    bound = 4 * abs(slope - coarse) + abs(jump) + rounding
    if abs(central[2] - central[1]) > 0.6 * abs(central[1] - central[0]) + rounding:
        bound += 4 * (max(central) - min(central))  # steps too wide for what happens between them
    right, left = (ahead[2] - at) / steps[2], (at - behind[2]) / steps[2]
    return Level(h, slope, bound, rounding, left, right, jump, bent)


def slope_of(
    f: Callable[[float], float],
    at: float,
    scale: float,
    noise: float,
    unit: float,
    *,
    guess: float = 0.0,
    own: float = math.inf,
) -> Slope:
    """Measure the slope at 0 of a function of one number.

    Parameters
    ----------
    f : callable
    at : float
        ``f(0)``.
    scale : float
        Size of what is moved: a first guess of the distance over which the function changes.
    noise : float
        Rounding noise of its values.
    unit : float
        Rounding unit of the arithmetic, 2^-53 for float64.
    own : float
        Size of the coordinate itself, if that is smaller.
    guess : float
        A slope that is claimed: where the bound excludes it, further steps are tried.
    """
    start = scale * 2.0 ** round(math.log2(unit) / 5)
    wanted = unit**SHARP
    levels = [look(f, at, start, noise, unit)]

    def settled() -> bool:
        best = min(levels, key=lambda level: level.bound)
        sharp = best.bound <= wanted * max(abs(best.slope), abs(guess))
        return sharp and not best.bent and abs(guess - best.slope) <= best.bound

    # Down while truncation or a kink between the steps is what bounds; up while rounding does.
    while not settled() and levels[-1].h / DOWN >= min(scale, own) * unit**0.55:
        last = levels[-1]
        if len(levels) > 2 and math.isfinite(last.bound) and last.rounding > 0.5 * last.bound:
            break
        levels.append(look(f, at, last.h / DOWN, noise, unit))
    largest = max(1.0, scale) / 8
    h = start * DOWN
    while not settled() and h <= largest and levels[0].rounding > 0.005 * levels[0].bound:
        levels.insert(0, look(f, at, h, noise, unit))
        h *= DOWN
    best = min(levels, key=lambda level: level.bound)
    jumps = [level for level in levels if level.rounding < 0.15 * abs(level.jump)][-2:]  # the finest that see a jump
    kink = (
        len(jumps) == 2
        and all(level.bent for level in jumps)
        and abs(jumps[0].jump - jumps[1].jump) < 0.3 * abs(jumps[1].jump)
        and abs(jumps[1].jump) > 1e3 * unit**0.5 * max(abs(jumps[1].left), abs(jumps[1].right))
        and abs(jumps[1].jump) > 0.3 * best.bound
    )
    if kink:
        best = jumps[1]
    return Slope(best.slope, best.bound, kink, best.left, best.right, tuple(levels), start)


def sharpened(slope: Slope, by_complex: float) -> Slope:
    """Return a slope whose value is that of a complex step, where differences confirm it.

    A complex step ``Im f(x + ih) / h`` has no cancellation, but not every code that takes complex numbers is analytic.
    The bound stays: the gradient under test has roundings of its own.
    """
    if slope.kink or not abs(by_complex - slope.value) <= slope.bound:
        return slope
    return replace(slope, value=by_complex)


def noise_of(probe: Probe, x: Array, scales: Array, unit: float, rng: np.random.Generator) -> float:
    """Estimate the rounding noise of a function near ``x``: the standard deviation that high differences show.

    Lines of seven points start where steps of :func:`slope_of` lead; the median over the lines is not moved by a kink
    that one of them crosses.
    """
    found = []
    for spacing in (unit**0.7, unit**0.7, 1e-5, 1e-5, unit**0.7, 1e-5):
        away, along = rng.choice([-1.0, 1.0], (2, x.size)) * scales
        base = x + unit**0.2 * away
        values = np.array([probe(base + spacing * k * along) for k in range(8)])
        if np.all(np.isfinite(values)):
            levels = []
            for order in (5, 6):
                rest = np.diff(values, order)
                factor = math.factorial(order) ** 2 / math.factorial(2 * order)
                levels.append(math.sqrt(factor * float(np.mean(rest * rest))))
            found.append(max(levels))
    if not found:
        return 0.0
    half = len(found) // 2
    return 4 * sorted(found)[min(half, len(found) - 1)]


def scales_of(flat: Array, places: list[slice]) -> Array:
    """Return the size of every coordinate: its own or its block's, that of all where a block is zero, else 1."""
    sizes = np.abs(flat)
    whole = float(np.sqrt(np.mean(flat**2))) if np.all(sizes < 1e150) else float(sizes.max())
    result = np.empty_like(sizes)
    for place in places:
        largest = float(sizes[place].max(initial=0.0))
        typical = largest and largest * float(np.sqrt(np.mean((sizes[place] / largest) ** 2)))
        result[place] = np.maximum(sizes[place], typical or whole or 1.0)
    return result


@final
@dataclass(frozen=True, eq=False)
class Remainder:
    """The Taylor remainder ``|f(x + h v) - f(x) - h g.v|`` along a direction.

    Parameters
    ----------
    steps, rest, floor : ndarray (n,)
        Steps ``h``, falling; the remainder at each; what rounding alone can make.
    order : float or None
        The power of ``h`` with which it falls: 2 for the slope, 1 for another number. None where it is rounding alone
        at every step, as for a function that is a straight line along ``v``.
    """

    steps: Array
    rest: Array
    floor: Array
    order: float | None


def remainder_of(probe: Probe, x: Array, at: float, direction: Array, claimed: float, noise: float) -> Remainder:
    """Measure the Taylor remainder of a claimed slope along a direction."""
    steps = 2.0 ** -np.arange(2.0, 40.0, 2.0)
    rest = np.array([abs(probe(x + h * direction) - at - h * claimed) for h in steps])
    floor = 30 * noise + 60 * 2.0**-53 * np.maximum(abs(at), steps * abs(claimed))
    clear = np.isfinite(rest) & (rest > floor)
    run = int(np.argmin(clear)) if not clear.all() else len(clear)
    order = None
    if run >= 3:
        last = slice(max(0, run - 6), run)
        order = float(np.polyfit(np.log(steps[last]), np.log(rest[last]), 1)[0])
    return Remainder(steps, rest, floor, order)
