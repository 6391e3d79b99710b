"""The gradient doctor: is a gradient the slope of its function, and if not, which block, and why?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.blocks import Blocks, Received
from thalweg.check.causes import Evidence, causes_of
from thalweg.check.differences import Probe, Slope, noise_of, remainder_of, scales_of, sharpened, slope_of
from thalweg.check.differentiable import Differentiable
from thalweg.check.factors import numbers_near
from thalweg.check.gradient_verdict import BlockVerdict, GradientVerdict, Kind, Kink, Numbers
from thalweg.check.perceptron import recognise
from thalweg.check.randomness import Sources, reachable, seeded
from thalweg.errors import SettingError

Array = NDArray[Any]

BESIDE = 0.01  # share of its size by which x is moved for a second look, beside a kink
DRAWS = 2  # further draws of random numbers at which a right gradient is looked at
FEW = 200  # parameters up to which complex steps are tried: their products are slow
MOST = 400  # coordinates of one block that are measured; a random choice of a larger block


def check_gradient(fun: Any, grad: Any = None, x: Any = None, *, random_state: int = 0) -> GradientVerdict:
    r"""Tell whether a gradient is the slope of its function; if not, where and why.

    There is no tolerance to choose. Every coordinate is measured by differences whose error is bounded (truncation by
    halving the step, rounding by measuring the noise), and a finding is a difference beyond its bound at every size of
    step. The first-order Taylor remainder :math:`|f(x + h v) - f(x) - h\, g \cdot v|` of each block is evidence of its
    own: it falls as :math:`h^2` where ``g`` is right and as :math:`h` where it is wrong.

    Parameters
    ----------
    fun : callable or estimator
        ``fun(x) -> number``; with ``grad=None``, ``fun(x) -> (number, gradient)``. An estimator of the library is
        called as ``check_gradient(estimator, X, y)``: what is checked is the native gradient of its loss and penalty
        over these rows, at its fitted parameters, or at drawn ones before a fit.
    grad : callable, optional
        ``grad(x) -> gradient`` in the structure of ``x``; keys such as ``dW1`` or ``grad_W1`` are understood.
    x : array, number, list or dictionary of arrays
        The point, float64 where possible. It is not changed; neither may the functions rely on changing it.
    random_state : int
        Chooses directions and, in blocks of more than 400 coordinates, which of them are measured.

    Returns
    -------
    GradientVerdict
        Prints as a few lines.

    Raises
    ------
    SettingError
        What cannot be checked: no numbers in ``x``, a function that does not return one number, a gradient whose
        arrays cannot be told apart.

    References
    ----------
    Moré and Wild (2011), Estimating Computational Noise, SIAM Journal on Scientific Computing 33(3), 1292-1314.

    Examples
    --------
    >>> X, y = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]]), np.array([1.0, 0.0, 2.0])
    >>> def loss(w):
    ...     return np.mean((X @ w - y) ** 2) / 2
    >>> def gradient(w):
    ...     return X.T @ (X @ w - y)
    >>> told = check_gradient(loss, gradient, np.array([0.3, -0.2]))
    >>> told.verdict, sorted(told.codes)
    ('wrong', ['missing_1_m'])
    >>> check_gradient(loss, lambda w: gradient(w) / 3, np.array([0.3, -0.2])).verdict
    'right'
    """
    rng = np.random.default_rng(random_state)
    if isinstance(fun, Differentiable):
        if grad is None or x is None:
            what = "of an estimator takes rows and targets"
            raise SettingError("GRADIENT-CALL", "check_gradient", what, "check_gradient(estimator, X, y)")
        problem = fun._gradient_problem(grad, x, rng)
        return _beside_kinks(_Examination(problem.fun, problem.grad, Blocks(problem.x), rng))
    if x is None or not callable(fun) or not (grad is None or callable(grad)):
        what = "takes a function, its gradient and a point"
        raise SettingError("GRADIENT-CALL", "check_gradient", what, "check_gradient(fun, grad, x)")
    return _beside_kinks(_Examination(fun, grad, Blocks(x), rng))


def examined(fun: Any, grad: Any, x: Any, *, causes: bool = True, random_state: int = 0) -> GradientVerdict:
    """Return the verdict of :func:`check_gradient`, without looking for causes where that is not asked."""
    return _beside_kinks(_Examination(fun, grad, Blocks(x), np.random.default_rng(random_state), causes=causes))


@final
class Held:
    """A function and its gradient at one point, called with the same random numbers always.

    Parameters
    ----------
    fun, grad, x
        As :func:`check_gradient` takes them.

    Attributes
    ----------
    blocks : Blocks
        Of ``x``.
    verdict : GradientVerdict
        With these random numbers, without causes.
    """

    def __init__(self, fun: Any, grad: Any, x: Any) -> None:
        self._examination = _Examination(fun, grad, Blocks(x), np.random.default_rng(0), causes=False)
        self.blocks = self._examination.blocks
        self.verdict = self._examination.verdict()

    def value(self) -> float:
        """Return the value."""
        return self._examination._value(self.blocks.flat)

    def gradient(self) -> Received:
        """Return the gradient as it comes."""
        return self._examination._gradient(self.blocks.flat)


def _beside_kinks(examined: _Examination) -> GradientVerdict:
    """Return the verdict; where kinks left a block without one, look beside them too."""
    told = _with_other_draws(examined, examined.verdict())
    lost = [block.name for block in told.blocks if block.right is None]
    if not lost or not told.kinks or told.verdict != "right":
        return told
    blocks, rng = examined.blocks, examined.rng
    scales = scales_of(blocks.flat, [place for _, _, place in blocks.slices()])
    scales = np.minimum(scales, np.where(blocks.flat == 0, 1.0, np.abs(blocks.flat)))
    nudged = blocks.flat + BESIDE * scales * rng.choice([-1.0, 1.0], blocks.size) * rng.uniform(0.5, 1, blocks.size)
    moved = Blocks(blocks.rebuild(nudged))
    there = _Examination(examined.fun, examined.grad, moved, rng, causes=examined.wants_causes).verdict()
    names = ", ".join(lost)
    if there.verdict == "wrong":
        note = f"x itself is a kink in every coordinate of {names}: this is what a point beside it shows."
        return replace(there, notes=(*there.notes, note), calls=told.calls + there.calls)
    note = f"x is a kink in every coordinate of {names}; at a point beside it the gradient is {there.verdict}."
    return replace(told, notes=(*told.notes, note), calls=told.calls + there.calls)


def _with_other_draws(examined: _Examination, told: GradientVerdict) -> GradientVerdict:
    """Return the verdict; one draw of a mask may hide a mistake, where all that it drops is at rest anyway."""
    calls = told.calls
    for _ in range(DRAWS if examined.held and told.verdict == "right" else 0):
        again = _Examination(
            examined.fun, examined.grad, examined.blocks, examined.rng, causes=examined.wants_causes
        ).verdict()
        calls += again.calls
        if again.verdict == "wrong":
            return replace(again, calls=calls)
    return told


class _Examination:
    """One check from the first call to the verdict."""

    def __init__(self, fun: Any, grad: Any, blocks: Blocks, rng: np.random.Generator, *, causes: bool = True) -> None:
        self.blocks, self.rng, self.wants_causes = blocks, rng, causes
        self.notes: list[str] = []
        self.together = grad is None
        self.fun, self.grad = fun, grad
        self._fun, self._grad = fun, grad
        self._seen = (fun,) if grad is None else (fun, grad)
        self.sources = Sources(*self._seen)
        self.held = False
        self.drew = (False, False)
        self.probe = Probe(self._value)
        self.unit = 2.0**-24 if blocks.single else 2.0**-53

    # -- calling what is checked

    def _value(self, flat: Array) -> float:
        if self.held:
            self.sources.rewind()
        value = self._fun(self.blocks.rebuild(flat))
        return _number(value[0] if self.together and isinstance(value, tuple) else value)

    def _gradient(self, flat: Array) -> Received:
        if self.held:
            self.sources.rewind()
        given = self.blocks.rebuild(flat)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            grads = self._fun(given)[1] if self.together else self._grad(given)
        return self.blocks.receive(grads)

    def _settle(self) -> bool:
        """Hold random numbers still; tell whether the function now gives one value at one point."""
        x = self.blocks.flat
        start = self.sources.drawn()
        first = self._first(x)
        after_value = self.sources.drawn()
        again = self._value(x)
        self._gradient(x)
        moved = self.sources.drawn() != start
        if not moved and _equal(first, again):
            return True
        self.held = True
        if not _equal(self._value(x), self._value(x)):
            arguments = [seeded(f) for f in self._seen]
            if arguments[0] is None:
                return False
            self._fun = arguments[0]
            self._grad = arguments[-1] or self._grad
            if not _equal(self._value(x), self._value(x)):
                return False
            self.notes.append("the function draws random numbers: they were held still by its own argument.")
            return True
        if after_value == start and not moved:
            return True
        self._value(x)
        end = self.sources.drawn()
        self._gradient(x)
        after = self.sources.drawn()
        self.drew = (end != self._rewound(), after != end)
        self.notes.append(
            "the function draws random numbers: every call was given the same ones, so the masks are those of one draw."
        )
        return True

    def _rewound(self) -> tuple[str, ...]:
        self.sources.rewind()
        return self.sources.drawn()

    def _first(self, x: Array) -> float:
        """Return the first value; what is raised here is the caller's to see."""
        given = self.blocks.rebuild(x)
        value = self._fun(given)
        if self.together:
            if not isinstance(value, tuple) or len(value) != 2:
                what = "must return (value, gradient) where no gradient function is given"
                raise SettingError("GRADIENT-CALL", "fun", what, "Return both, or pass grad as the second argument.")
            value = value[0]
        if not np.array_equal(Blocks(given).flat, x, equal_nan=True):
            self.notes.append("the function changes the parameters it is given: it was handed copies.")
        return _number(value)

    # -- the examination

    def verdict(self) -> GradientVerdict:
        if not self._settle():
            note = (
                "draw the masks outside, or from a generator that can be found (numpy's own, or an argument rng); "
                "no difference of two calls means anything otherwise."
            )
            return GradientVerdict("random", notes=(*self.notes, note), calls=self.probe.calls)
        x = self.blocks.flat
        at = self.probe(x)
        if not math.isfinite(at):
            what = f"is {at} at x"
            raise SettingError("GRADIENT-VALUE", "fun", what, "Choose a point at which the function is finite.")
        received = self._gradient(x)
        if 11 < received.exact < 53:  # half precision is a finding, float32 an arithmetic
            self.unit = max(self.unit, 2.0**-received.exact)
        places = [place for _, _, place in self.blocks.slices()]
        scales = scales_of(x, places)
        noise = noise_of(
            self.probe, x, np.minimum(scales, np.where(x == 0, 1.0, np.abs(x))), self.value_unit(x, at), self.rng
        )
        own = self._rounding_of_gradient(x, received)
        slopes = self._measured(x, at, scales, noise, received)
        return self._judged(x, at, scales, noise, received, own, slopes)

    def value_unit(self, x: Array, at: float) -> float:
        """Return the rounding unit of the function's values."""
        if self.blocks.single:
            return 2.0**-24
        values = [at, *(self.probe(x * (1 + s)) for s in (1e-3, -1e-3, 3e-3, -2e-3))]
        single = all(float(np.float32(v)) == v for v in values if math.isfinite(v) and abs(v) < 1e38)
        return 2.0**-24 if single and len(set(values)) > 3 and not all(v == round(v, 3) for v in values) else 2.0**-53

    def _rounding_of_gradient(self, x: Array, received: Received) -> Array:
        """Return how far the gradient moves when x moves by its own rounding: what its last digits are worth."""
        spread = np.zeros((3, x.size))
        for row in spread:
            moved = self._gradient(x * (1 + self.unit * self.rng.choice([-2.0, 2.0], x.size)))
            row[:] = np.abs(np.nan_to_num(moved.flat - received.flat))
        slack = 8 * np.sort(spread, axis=0)[1] + 16 * self.unit * np.abs(np.nan_to_num(received.flat))
        for _, _, place in self.blocks.slices():  # what cancels in one coordinate was rounded at the size of the others
            slack[place] += 4 * self.unit * float(np.max(np.abs(np.nan_to_num(received.flat[place])), initial=0.0))
        result: Array = slack
        return result

    def _measured(self, x: Array, at: float, scales: Array, noise: float, received: Received) -> dict[int, Slope]:
        unit = self.value_unit(x, at)
        found: dict[int, Slope] = {}
        analytic = self.blocks.size <= FEW and not self.blocks.single and unit == 2.0**-53
        for _, _, place in self.blocks.slices():
            chosen = np.arange(place.start, place.stop)
            if chosen.size > MOST:
                chosen = np.sort(self.rng.choice(chosen, MOST, replace=False))
            for i in chosen.tolist():
                f = _along(self.probe, x, i)
                claimed = received.flat[i]
                guess = float(claimed) if math.isfinite(claimed) else 0.0
                slope = slope_of(f, at, float(scales[i]), noise, unit, guess=guess, own=abs(float(x[i])) or 1.0)
                if analytic:
                    whirled = self._complex_slope(x, i)
                    analytic = math.isfinite(whirled)
                    slope = sharpened(slope, whirled) if analytic else slope
                found[i] = slope
        return found

    def _complex_slope(self, x: Array, i: int) -> float:
        """Return the slope along a coordinate by a complex step, NaN where the code does not take one."""
        tiny = 1e-100
        point = x.astype(np.complex128)
        point[i] += 1j * tiny
        if self.held:
            self.sources.rewind()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # a part of the code has dropped it
            try:
                value = self._fun(self.blocks.rebuild(point))
                value = np.asarray(value[0] if self.together and isinstance(value, tuple) else value)
            except Exception:  # noqa: BLE001 - code written for real numbers may fail in any way
                return math.nan
        if value.size != 1 or value.dtype.kind != "c":
            return math.nan
        return float(value.reshape(-1)[0].imag) / tiny

    def _judged(
        self, x: Array, at: float, scales: Array, noise: float, received: Received, own: Array, slopes: dict[int, Slope]
    ) -> GradientVerdict:
        measured, bounds = np.full(x.size, np.nan), np.full(x.size, np.nan)
        differs = np.zeros(x.size, dtype=bool)
        kinked = [i for i, slope in slopes.items() if slope.kink]
        for i, slope in slopes.items():
            if not slope.kink and math.isfinite(slope.bound):
                measured[i], bounds[i] = slope.value, slope.bound + own[i]
                given, room = float(received.flat[i]), float(own[i])
                differs[i] = not math.isfinite(given) or (
                    slope.excludes(given, room) and abs(given - slope.value) > room
                )
        blocks = []
        for name, shape, place in self.blocks.slices():
            blocks.append(self._block(name, shape, place, x, at, noise, received, measured, bounds, differs, scales))
        wrong = tuple(block.name for block in blocks if block.right is False)
        causes: tuple[Any, ...] = ()
        if wrong and self.wants_causes:
            seen = [pair for f in self._seen for pair in reachable(f)]
            net = None if self.held else recognise(self.blocks, self.probe, seen, self.rng)
            named = numbers_near(seen)
            evidence = Evidence(self.blocks, received, measured, bounds, wrong, named, self.probe, at, self.drew, net)
            causes = causes_of(evidence)
        self._tell_of_precision(received)
        compared = np.isfinite(measured) & np.isfinite(received.flat)
        g, n = received.flat[compared], measured[compared]
        length = float(np.linalg.norm(g) + np.linalg.norm(n))
        difference = float(np.linalg.norm(g - n)) / length if length else 0.0
        kind: Kind = "wrong" if wrong else "right" if compared.any() or kinked else "unknown"
        kinks = self._kinks(kinked, slopes, received)
        return GradientVerdict(
            kind,
            tuple(blocks),
            causes,
            kinks,
            tuple(self.notes),
            difference,
            self.probe.calls,
        )

    def _block(
        self, name: str, shape: tuple[int, ...], place: slice, x: Array, at: float, noise: float, received: Received,
        measured: Array, bounds: Array, differs: Array, scales: Array,
    ) -> BlockVerdict:  # fmt: skip
        """Judge one block."""
        tested = np.flatnonzero(np.isfinite(measured[place])) + place.start
        wrong = tested[differs[tested]]
        misshapen = received.shapes.get(name)
        harmless = misshapen is not None and _squeezed(misshapen) == _squeezed(shape)
        if harmless and misshapen is not None:
            self.notes.append(f"the gradient of {name} has shape {misshapen}, the parameters {shape}.")
        bad = bool(wrong.size) or name in received.missing or (misshapen is not None and not harmless)
        right = False if bad else True if tested.size else None
        worst, given, slope, bound = "", math.nan, math.nan, float(np.max(bounds[tested], initial=0.0))
        if tested.size:
            gaps = np.abs(received.flat[tested] - measured[tested])
            i = int(tested[np.argmax(np.nan_to_num(gaps, nan=np.inf) * (differs[tested] if wrong.size else 1))])
            worst, given, slope = self.blocks.coordinate(i), float(received.flat[i]), float(measured[i])
            bound = float(bounds[i]) if wrong.size else bound
        order, numbers = None, Numbers()
        if np.all(np.isfinite(received.flat[place])):
            direction = np.zeros_like(x)
            direction[place] = self.rng.choice([-1.0, 1.0], place.stop - place.start) * scales[place]
            claimed = float(received.flat[place] @ direction[place])
            rest = remainder_of(self.probe, x, at, direction, claimed, noise)
            order = rest.order
            numbers = Numbers(tuple(rest.steps.tolist()), tuple(rest.rest.tolist()), tuple(rest.floor.tolist()))
        numbers = replace(
            numbers,
            places=tuple((tested - place.start).tolist()),
            given=tuple(received.flat[tested].tolist()),
            measured=tuple(measured[tested].tolist()),
            bounds=tuple(bounds[tested].tolist()),
            differs=tuple(differs[tested].tolist()),
        )
        return BlockVerdict(
            name, shape, right, int(tested.size), int(wrong.size), worst, given, slope, bound, order,
            misshapen if not harmless else None, numbers,
        )  # fmt: skip

    def _kinks(self, kinked: list[int], slopes: dict[int, Slope], received: Received) -> tuple[Kink, ...]:
        """Name the kinks: a unit where all of a row or column of weights share one."""
        kinks = []
        for name, shape, place in self.blocks.slices():
            here = [i for i in kinked if place.start <= i < place.stop]
            for where, group in _grouped(name, shape, [i - place.start for i in here]):
                first = group[0] + place.start
                slope = slopes[first]
                names = tuple(self.blocks.coordinate(i + place.start) for i in group)
                told = where or self.blocks.coordinate(first)
                kinks.append(Kink(told, names, slope.left, slope.right, float(received.flat[first])))
        return tuple(kinks)

    def _tell_of_precision(self, received: Received) -> None:
        if self.blocks.single:
            self.notes.append("the parameters are float32: seven digits can be compared. Check in float64 for fifteen.")
        elif 11 < received.exact <= 24:
            self.notes.append("all numbers of the gradient are float32's: seven digits can be compared.")


def _along(probe: Probe, x: Array, i: int) -> Callable[[float], float]:
    def moved(h: float) -> float:
        point = x.copy()
        point[i] += h
        return probe(point)

    return moved


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _grouped(name: str, shape: tuple[int, ...], here: list[int]) -> list[tuple[str, list[int]]]:
    """Gather kinks of a matrix of weights that fill one of its rows or columns: those of one unit."""
    if len(shape) != 2 or min(shape) < 2 or not here:
        return [("", [i]) for i in here]
    rows, columns = np.unravel_index(here, shape)
    groups: list[tuple[str, list[int]]] = []
    left = dict.fromkeys(here)
    for axis, lines, length in ((1, columns, shape[0]), (0, rows, shape[1])):
        for line in sorted({int(v) for v in lines}):
            members = [i for i, at in zip(here, lines, strict=True) if at == line and i in left]
            if len(members) > 1 and len(members) >= length / 2:
                told = f"{name}[:, {line}]" if axis else f"{name}[{line}, :]"
                groups.append((f"unit {line} ({told})", members))
                for i in members:
                    del left[i]
    return groups + [("", [i]) for i in left]


def _equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _number(value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        what = f"must return one number, returned {'an array of shape ' + str(array.shape) if array.ndim else value!r}"
        raise SettingError("GRADIENT-CALL", "fun", what[:200], "Return the loss, summed or averaged over the rows.")
    return float(array.reshape(-1)[0])
