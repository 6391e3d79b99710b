"""Is a loss right: its derivative the slope of its value, both of them numbers at scores of any size?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.check.differences import Slope, slope_of
from thalweg.check.formula_verdict import Fault, FormulaVerdict
from thalweg.errors import SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Loss

Array = NDArray[Any]
Pair = Callable[[Array, Array], tuple[Array, Array]]

TRUTHS = {"real": (-1.5, 0.0, 2.5), "count": (0.0, 1.0, 7.0), "binary": (0.0, 1.0)}
SCORES = (-8.3, -3.17, -1.43, -0.61, -0.23, 0.0, 0.29, 0.74, 1.0, 1.37, 2.83, 7.9)
EXTREMES = (5e-324, 1e-300, 37.0, 709.8, 745.2, 1e3, 1e20, 1e300)


def check_loss(loss: Any, *, targets: Any = None) -> FormulaVerdict:
    """Tell whether a loss is right: its derivative against differences of its value, and its behaviour far out.

    Parameters
    ----------
    loss : Loss, str or callable
        A loss, its name, or a plain function ``f(y, z) -> value, derivative in z`` of two arrays of one shape.
    targets : sequence of float, optional
        Values of ``y`` to try. Those of the loss's own kind where it has one; else 0 and 1.

    Returns
    -------
    FormulaVerdict
        Faults: ``derivative`` (another number than the slope), ``nan`` and ``overflow`` (no number, or inf where the
        value is one), ``digits`` (a value that rounds to 0 while its slope does not), ``widens`` (float32 becomes
        float64). Kinks are properties, as is convexity.

    Raises
    ------
    SettingError
        LOSS-CALL: something that is no such function, or a loss of whole rows.

    Examples
    --------
    >>> check_loss("log").verdict
    'right'
    >>> def naive(y, z):
    ...     p = 1 / (1 + np.exp(-z))
    ...     return -y * np.log(p) - (1 - y) * np.log(1 - p), p - y
    >>> sorted(check_loss(naive).codes)
    ['nan', 'overflow']
    """
    pair, name, truths = _read(loss, targets)
    faults: list[Fault] = []
    properties: dict[str, str] = {}
    _derivative(pair, truths, faults, properties)
    _far_out(pair, truths, faults)
    _shape(pair, truths, properties)
    value, derivative = _at(pair, np.float32(truths[-1]), np.float32(0.7), np.float32)
    if {value.dtype, derivative.dtype} != {np.dtype(np.float32)}:
        mend = "Let every array come from y or z; np.where(condition, 1.0, 0.0) alone is float64."
        faults.append(Fault("widens", "float32 scores give float64 values", mend))
    return FormulaVerdict(name, tuple(faults), properties)


def _read(loss: Any, targets: Any) -> tuple[Pair, str, tuple[float, ...]]:
    if isinstance(loss, str):
        loss = catalog.find("loss", loss)
    if isinstance(loss, Loss):
        if loss.per_row:
            what = f"{loss.name} takes whole rows"
            raise SettingError("LOSS-CALL", "loss", what, "check_gradient takes a function of all scores.")
        made, truths = loss.value_and_derivative, TRUTHS[loss.target]
        name = loss.name
    elif callable(loss):
        made, truths, name = loss, (0.0, 1.0), getattr(loss, "__name__", "loss")
    else:
        what = f"must be a loss, its name or a function of (y, z), got {type(loss).__name__}"
        raise SettingError("LOSS-CALL", "loss", what)
    return made, name, tuple(float(y) for y in targets) if targets is not None else truths


def _at(pair: Pair, y: Any, z: Any, dtype: Any = np.float64) -> tuple[Array, Array]:
    """Return value and derivative at scores (k,)."""
    scores = np.atleast_1d(np.asarray(z, dtype=dtype))
    given: Any
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        given = pair(np.full_like(scores, y), scores)
    given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if len(given) != 2 or np.shape(given[0]) != scores.shape:
        what = "must return two arrays of the shape of its scores: value per row, derivative"
        raise SettingError("LOSS-CALL", "loss", what, "Do not sum or average over the rows in it.")
    return np.asarray(given[0]), np.asarray(given[1])


def _derivative(pair: Pair, truths: tuple[float, ...], faults: list[Fault], properties: dict[str, str]) -> None:
    """Compare the derivative with the slope of the value."""
    kinks, wrong, ratios = [], [], []
    worst: tuple[float, float, float, Slope] | None = None
    for y in truths:
        for z in SCORES:
            at, given = (float(a[0]) for a in _at(pair, y, z))
            if not math.isfinite(at):
                continue

            def f(h: float, y: float = y, z: float = z) -> float:
                return float(_at(pair, y, z + h)[0][0])

            size = max(abs(z), 1.0)
            slope = slope_of(f, at, size, 4 * 2.0**-53 * (abs(at) + abs(y) + size), 2.0**-53, guess=given)
            if slope.kink:
                kinks.append(f"y = {y:g}, z = {z:g} ({slope.left:.4g} and {slope.right:.4g}, given {given:.4g})")
                continue
            if not math.isfinite(given) or slope.excludes(given, 8 * 2.0**-53 * abs(given)):
                wrong.append((y, z))
                if abs(slope.value) > slope.bound:
                    ratios.append(given / slope.value)
                if worst is None or abs(given - slope.value) > abs(worst[2] - worst[3].value):
                    worst = (y, z, given, slope)
    if kinks:
        properties["kinks"] = "; ".join(kinks[:4])
    if worst is None:
        return
    y, z, given, slope = worst
    told = f"at y = {y:g}, z = {z:g} the derivative is {given:.9g}, the slope {slope.value:.9g} +- {slope.bound:.1g}"
    mend = "Differentiate the value in z once more; the second returned value is d value / dz."
    if len(ratios) == len(wrong) and np.ptp(ratios) < 1e-6 * abs(ratios[0]):
        factor = ratios[0]
        known = {-1.0: "the sign is turned round", 2.0: "a factor of 2 too many", 0.5: "a factor of 2 is missing"}
        hit = next((t for v, t in known.items() if abs(factor - v) < 1e-6), f"a constant factor of {factor:.6g}")
        told += f"; {hit} at all {len(wrong)} points that differ"
        mend = "One of value and derivative has a constant that the other lacks."
    faults.append(Fault("derivative", told, mend))


def _far_out(pair: Pair, truths: tuple[float, ...], faults: list[Fault]) -> None:
    """Look for what is no number, at scores of every size."""
    scores = np.array([0.0, *EXTREMES, *(-z for z in EXTREMES)])
    none, over, digits = [], [], []
    for y in truths:
        value, derivative = _at(pair, y, scores)
        for z, v, d in zip(scores.tolist(), value.tolist(), derivative.tolist(), strict=True):
            where = f"y = {y:g}, z = {z:g}"
            if math.isnan(v) or math.isnan(d):
                none.append((where, "value" if math.isnan(v) else "derivative"))
            elif math.isinf(v) and math.isfinite(d) and abs(d) * abs(z) < 1e300:
                over.append(where)
            elif v == 0 and d != 0 and abs(d) > 1e-290 and 1 < abs(z) < 700 and abs(d) < 1e-3:
                digits.append((where, d))
    if none:
        what = f"the {none[0][1]} is NaN at {none[0][0]}" + (f" and {len(none) - 1} more points" if none[1:] else "")
        mend = "Rewrite it without inf - inf, 0 * inf or inf / inf: np.logaddexp(0, z), or exp(-abs(z))."
        faults.append(Fault("nan", what, mend))
    if over:
        what = f"the value is inf at {over[0]}, where the loss is an ordinary number"
        what += f" ({len(over)} points in all)" if over[1:] else ""
        mend = "A probability has rounded to 0 or exp overflows: write the loss in terms of z (np.logaddexp(0, -z))."
        faults.append(Fault("overflow", what, mend))
    if digits:
        what = f"at {digits[0][0]} the value rounds to 0 while its derivative is {digits[0][1]:.3g}"
        faults.append(Fault("digits", what, "log(1 + e) loses a small e: np.log1p(e) keeps it."))


def _shape(pair: Pair, truths: tuple[float, ...], properties: dict[str, str]) -> None:
    """Say whether it is convex, where it is least and how it grows."""
    scores = np.linspace(-12, 12, 2401)
    convex, least = True, []
    for y in truths:
        value, derivative = _at(pair, y, scores)
        steps = np.diff(derivative)
        convex = convex and bool(np.all(steps >= -1e-9 * (1 + np.abs(derivative[1:]))))
        place = float(scores[int(np.argmin(value))])
        inside = -12 < place < 12
        least.append(
            f"z = {place:.3g} for y = {y:g}" if inside else f"as z goes to {place / 12:+.0f} inf for y = {y:g}"
        )
        if np.min(value) < 0:
            properties["negative"] = f"the value falls below 0 (to {float(np.min(value)):.4g} at y = {y:g})"
    properties["convex in z"] = "yes" if convex else "no: descent may find a minimum that is not the lowest"
    properties["least at"] = ", ".join(least).replace("+1 inf", "+inf").replace("-1 inf", "-inf")
