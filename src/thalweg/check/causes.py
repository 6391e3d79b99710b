"""Why a gradient is wrong: what a known mistake would make of the true slopes, compared with what came."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.backward import Pass, explain
from thalweg.check.blocks import Blocks, Received
from thalweg.check.differences import Probe
from thalweg.check.factors import NEAR, constant_ratio, named_factor, spelled
from thalweg.check.gradient_verdict import Cause
from thalweg.check.perceptron import Perceptron

Array = NDArray[Any]

OLD_STEPS = tuple(10.0**-k for k in range(1, 9))  # steps that hand-written difference quotients take


@final
@dataclass(frozen=True)
class Evidence:
    """What was measured, for those who look for the cause.

    Parameters
    ----------
    blocks : Blocks
    received : Received
        The gradient under test.
    slopes, bounds : ndarray (size,)
        Measured slopes and bounds on ``|gradient - slope|``; NaN where nothing was measured or there is a kink.
    wrong : tuple of str
        Blocks that differ.
    named : mapping
        Numbers that the caller's functions can see, and counts of rows and columns of their arrays.
    probe : Probe
    at : float
        Value at ``x``.
    drew : tuple of bool
        Whether the function draws random numbers, and whether the gradient draws others than it.
    net : Perceptron or None
        The network that the function is, where it was recognised.
    """

    blocks: Blocks
    received: Received
    slopes: Array
    bounds: Array
    wrong: tuple[str, ...]
    named: Mapping[str, float]
    probe: Probe
    at: float
    drew: tuple[bool, bool]
    net: Perceptron | None = None

    def of(self, name: str) -> tuple[Array, Array, Array]:
        """Return gradient, slopes and bounds of a block, flat, where both are known."""
        _, place = self.place(name)
        g, s, b = self.received.flat[place], self.slopes[place], self.bounds[place]
        known = np.isfinite(g) & np.isfinite(s)
        return g[known], s[known], b[known]

    def place(self, name: str) -> tuple[tuple[int, ...], slice]:
        """Return shape and place of a block."""
        return next((shape, place) for known, shape, place in self.blocks.slices() if known == name)

    def theta(self, name: str) -> Array:
        """Return the parameters of a block where gradient and slope are known, flat."""
        _, place = self.place(name)
        known = np.isfinite(self.received.flat[place]) & np.isfinite(self.slopes[place])
        theta: Array = self.blocks.flat[place][known]
        return theta


def causes_of(evidence: Evidence) -> tuple[Cause, ...]:
    """Return the likely causes: mistakes of a whole backward pass first, then what fits one block after the other."""
    found: list[Cause] = []
    whole = _whole(evidence)
    if whole is not None:
        return (whole,)
    if evidence.net is not None and np.all(np.isfinite(evidence.received.flat)):
        found += explain(evidence.net, evidence.received.flat, evidence.wrong)
    explained = {name for cause in found for name in cause.blocks}
    for name in evidence.wrong:
        if name in explained:
            continue
        for look in LOOKS:
            cause = look(evidence, name)
            if cause is not None:
                found.append(cause)
                break
    return _merged(found)


def _merged(found: list[Cause]) -> tuple[Cause, ...]:
    merged: dict[tuple[str, str], Cause] = {}
    for cause in found:
        key = (cause.code, cause.title)
        if key in merged:
            merged[key] = replace(merged[key], blocks=(*merged[key].blocks, *cause.blocks))
        else:
            merged[key] = cause
    return tuple(sorted(merged.values(), key=lambda cause: -len(cause.blocks)))


# -- a gradient that is not there


def _absent(e: Evidence, name: str) -> Cause | None:
    if name in e.received.missing:
        spelled = f"'d{name}'" if name.isidentifier() else f"the entry of {name}"
        return Cause("missing", (name,), "no gradient came back", f"Return {spelled} too.", "")
    g, s, _ = e.of(name)
    if g.size and not np.any(g) and np.any(s):
        title = "the gradient is zero everywhere, the slope is not"
        mend = "Is it computed, or only allocated? Does the loop reach this layer?"
        return Cause("zero", (name,), title, mend, f"largest slope {np.max(np.abs(s)):.3g}")
    _, place = e.place(name)
    if not np.all(np.isfinite(e.received.flat[place])) and name not in e.received.shapes:
        return Cause("not_finite", (name,), "it holds NaN or inf", "Look for log(0), 0/0 or overflow in exp.", "")
    return None


def _misshapen(e: Evidence, name: str) -> Cause | None:
    given = e.received.shapes.get(name)
    if given is None:
        return None
    shape, place = e.place(name)
    if given == shape[::-1] and len(shape) == 2 and min(shape) > 1:
        title = "the block is transposed"
        mend = "Swap the factors of the product: A.T @ D gives the transposed of D.T @ A."
        return Cause("transposed", (name,), title, mend, f"shape {given} came for parameters of shape {shape}")
    known = e.slopes[place]
    if math.prod(given) == 1 and np.all(np.isfinite(known)) and known.size > 1:
        number = float(e.received.flat[place][0])
        total, mean = float(known.sum()), float(known.mean())
        slack = float(e.bounds[place].sum()) + NEAR * float(np.abs(known).sum())
        for value, what in ((total, "the sum"), (mean, "the mean")):
            if abs(number - value) <= slack:
                return _over_units(name, f"one number came: {number:.6g}, {what} of the slopes of all units")
    lengths = {m for label, m in e.named.items() if label.startswith(("rows", "columns"))}
    if len(given) == len(shape) == 1 and given[0] in lengths:
        title = "summed over the wrong axis"
        mend = "Sum over the axis of the examples only: np.sum(D, axis=0) where rows are examples."
        return Cause("bias_axis", (name,), title, mend, f"shape {given} came for parameters of shape {shape}")
    if len(given) > len(shape) or any(own == 1 < came for own, came in zip(shape, given, strict=False)):
        title = "the gradient is not summed over the rows"
        mend = "Sum the errors over the axis of the examples (axis=0 where rows are examples)."
        return Cause("rows_not_summed", (name,), title, mend, f"shape {given} came for parameters of shape {shape}")
    title = "the gradient has another shape than its parameters"
    return Cause("shape", (name,), title, "Check over which axis it is summed.", f"{given} came, {shape} are there")


def _over_units(name: str, evidence: str) -> Cause:
    title = "summed over the units or classes too, not over the rows alone"
    mend = "Sum over the axis of the examples only: np.sum(D, axis=0) where rows are examples."
    return Cause("bias_axis", (name,), title, mend, evidence)


# -- the same numbers in other places


def _turned(e: Evidence, name: str) -> Cause | None:
    shape, place = e.place(name)
    g, s, b = (array[place] for array in (e.received.flat, e.slopes, e.bounds))
    if not np.all(np.isfinite(s)):
        return None
    if len(shape) == 2 and shape[0] == shape[1] > 1 and _same(g, s.reshape(shape).T.reshape(-1), b):
        mend = "Swap the factors of the product: A.T @ D gives the transposed of D.T @ A."
        return Cause("transposed", (name,), "the block is transposed", mend, "gradient[i, j] is the slope at [j, i]", 0)
    if s.size > 1 and np.ptp(g) <= NEAR * np.max(np.abs(g)) + 2 * b.max():
        for value, what in ((s.sum(), "the sum"), (s.mean(), "the mean")):
            if _same(g, np.full_like(s, value), b + b.sum()):
                return _over_units(name, f"every entry is {g[0]:.6g}, {what} of the slopes of all units")
    for other, other_shape, where in e.blocks.slices():
        if other != name and math.prod(other_shape) == s.size and _same(g, e.slopes[where], b + e.bounds[where]):
            title = f"it is the gradient of {other}"
            return Cause("swapped", (name,), title, "Two names or two layers are mixed up.", "equal to the last digit")
    return None


def _same(g: Array, expected: Array, bounds: Array) -> bool:
    return bool(np.all(np.abs(g - expected) <= bounds + NEAR * np.abs(expected)) and np.any(expected))


# -- factors


def _whole(e: Evidence) -> Cause | None:
    """One named factor on all that is wrong, where that is more than one block."""
    if len(e.wrong) < 2 or e.received.shapes or e.received.missing:
        return None
    parts = [e.of(name) for name in e.wrong]
    if not all(part[0].size for part in parts):
        return None
    # Each block in its own size, so that the largest does not speak for all.
    sizes = [float(np.max(np.abs(s))) or 1.0 for _, s, _ in parts]
    g, s, b = (np.concatenate([p[i] / size for p, size in zip(parts, sizes, strict=True)]) for i in range(3))
    found = constant_ratio(g, s, b)
    if found is None:
        return None
    cause = _of_factor(e, e.wrong, *found, s.size)
    return None if cause is None or cause.code == "factor" else cause


def _factor(e: Evidence, name: str) -> Cause | None:
    g, s, b = e.of(name)
    found = constant_ratio(g, s, b)
    return None if found is None else _of_factor(e, (name,), *found, s.size)


def _of_factor(e: Evidence, names: tuple[str, ...], factor: float, slack: float, count: int) -> Cause | None:
    many = f"each of {count} coordinates" if count > 1 else "its one coordinate"
    evidence = f"gradient / slope = {factor:.9g} at {many}"
    if abs(factor + 1) <= slack + NEAR:
        return Cause("sign", names, "the sign is turned round", "Is it prediction minus target?", evidence, 0)
    hit = named_factor(abs(factor), slack, e.named)
    sign = " and the sign is turned round" if factor < 0 else ""
    if hit is None and count == 1:  # any two numbers have a ratio
        return None
    if hit is None:
        title = f"a constant factor of {factor:.6g}{sign}"
        return Cause("factor", names, title, "Look for a constant that only one of the two has.", evidence, 0)
    code, title, mend = hit
    return Cause(code, names, title + sign, mend, evidence, 0)


# -- penalties


def _penalty(e: Evidence, name: str) -> Cause | None:
    g, s, b = e.of(name)
    theta = e.theta(name)
    if theta.size < 2 or not np.any(theta):
        return None
    rest = g - s
    for shape, what in ((theta, "L2"), (np.sign(theta), "L1")):
        k = float(rest @ shape / (shape @ shape))
        slack = b + NEAR * np.abs(k * shape) + 1e-9 * np.abs(s)
        if np.all(np.abs(rest - k * shape) <= 2 * slack) and not (np.ptp(np.abs(theta)) == 0 and what == "L1"):
            return _of_penalty(e, name, k, what, float(np.max(2 * b / np.max(np.abs(shape)))))
    return None


def _of_penalty(e: Evidence, name: str, k: float, what: str, slack: float) -> Cause:
    evidence = f"gradient - slope = {k:.6g} * {'sign of ' if what == 'L1' else ''}{name} at every coordinate"
    told = spelled(abs(k), e.named)
    evidence += f" ({told})" if told else ""
    held = _held_by_loss(e, name) if what == "L2" else None
    if held is not None and held <= abs(k) * 1e-3 + slack:
        title = f"{what} in the gradient only: the loss has none on this block"
        mend = f"Add the penalty of {name} to the loss, or take it out of the gradient (biases have none by custom)."
        return Cause("l2_gradient_only", (name,), title, mend, evidence, 0)
    if held is not None:
        share = (held + k) / held
        seen = f"the loss has a slope of {held:.6g} * {name}, the gradient {_clear(held + k, held):.6g} * {name}"
        if abs(share) <= 1e-3:
            return _loss_only(name, what, f"{evidence}; {seen}")
        code, title = "l2_scaled", f"L2 is scaled by {share:.4g} in the gradient"
        if abs(share - 2) <= 2e-3:
            code, title = "l2_twice", "L2 is counted twice in the gradient, or its 1/2 is only in the loss"
        elif abs(share - 0.5) <= 2e-3:
            code, title = "l2_half", "L2 is half in the gradient: the loss has no 1/2"
        for label, m in e.named.items():
            if label.startswith(("rows", "columns")) and abs(share / m - 1) <= 2e-3:
                code, title = "l2_not_over_m", f"L2 is divided by m in the loss only (m = {m:g})"
            elif label.startswith(("rows", "columns")) and abs(share * m - 1) <= 2e-3:
                code, title = "l2_over_m", f"L2 is divided by m in the gradient only (m = {m:g})"
        mend = f"The loss asks for {held:.6g} * {name}."
        return Cause(code, (name,), title, mend, f"{evidence}; {seen}", 0)
    if k < 0:
        return _loss_only(name, what, evidence)
    title = f"{what} is too strong in the gradient: counted twice, or not in the loss"
    return Cause("l2_twice", (name,), title, "Compare the penalty of the loss with that of the gradient.", evidence, 0)


def _clear(value: float, beside: float) -> float:
    """Return 0 for what is rounding beside another number."""
    return value if abs(value) > 1e-9 * abs(beside) else 0.0


def _loss_only(name: str, what: str, evidence: str) -> Cause:
    title = f"{what} in the loss only: the gradient has no penalty, or too little"
    mend = f"Add the derivative of the penalty to the gradient of {name}: lambda * {name}, with the loss's lambda."
    return Cause("l2_loss_only", (name,), title, mend, evidence, 0)


def _held_by_loss(e: Evidence, name: str) -> float | None:
    """Return twice the coefficient of ``|block|^2`` in the function, read off far out; None if it is not clear.

    A cross-entropy grows no faster than the scores, so far out only the penalty bends.
    """
    if e.net is not None:
        held = {e.blocks.names[layer.weights]: 2 * l2 for layer, l2 in zip(e.net.layers, e.net.l2, strict=True)}
        return held.get(name, 0.0)
    _, place = e.place(name)
    theta = e.blocks.flat
    length = float(theta[place] @ theta[place])
    seen = []
    for far in (1e5, 1e7):
        values = []
        for factor in (far, 2 * far, 3 * far):
            moved = theta.copy()
            moved[place] *= factor
            values.append(e.probe(moved))
        bend = (values[0] - 2 * values[1] + values[2]) / far**2 / length
        if not math.isfinite(bend):
            return None
        seen.append(bend)
    if abs(seen[0] - seen[1]) > 1e-3 * abs(seen[1]) + 1e-9 * max(1.0, abs(e.at)) / length:
        return None
    return max(seen[1], 0.0)


# -- difference quotients of the caller's own, and coarse arithmetic


def _quotient(e: Evidence, name: str) -> Cause | None:
    _, place = e.place(name)
    indices = np.arange(e.blocks.size)[place]
    apart = np.abs(e.received.flat[place] - e.slopes[place])
    order = [i for i in np.argsort(-np.nan_to_num(apart)) if np.isfinite(apart[i])][:4]
    chosen = indices[order]
    theta = e.blocks.flat

    def moved(i: int, h: float) -> float:
        point = theta.copy()
        point[i] += h
        return e.probe(point)

    for step in OLD_STEPS:
        for kind in ("forward", "backward", "central"):
            values = []
            for i in chosen:
                ahead = moved(i, step) if kind != "backward" else e.at
                behind = moved(i, -step) if kind != "forward" else e.at
                values.append((ahead - behind) / (2 * step if kind == "central" else step))
            rounding = 8 * 2.0**-53 * abs(e.at) / step
            gaps = np.abs(e.received.flat[chosen] - values)
            # It has to explain the difference, not only be near the slope.
            if np.all(gaps <= 1e-5 * apart[order] + rounding) and np.all(rounding <= 0.05 * apart[order]):
                title = f"it is a {kind} difference with a step of {step:g}, not a derivative"
                mend = "Take (f(x+h) - f(x-h)) / 2h with h about 6e-6 times the size of x."
                told = f"equal to ({'f(x+h) - f(x)' if kind == 'forward' else 'f(x) - f(x-h)'}) / h"
                told = "equal to (f(x+h) - f(x-h)) / 2h" if kind == "central" else told
                return Cause("difference_quotient", (name,), title, mend, told, 0)
    return None


def _coarse(e: Evidence, name: str) -> Cause | None:
    g, s, _ = e.of(name)
    if e.received.exact > 24 or e.blocks.single:
        return None
    unit = 2.0 ** -(e.received.exact - 1)
    if np.max(np.abs(g - s)) > 64 * unit * np.max(np.abs(s)):
        return None
    what = "half precision" if e.received.exact <= 11 else "float32"
    title = f"the gradient is computed in {what}"
    mend = "Compute in float64 while checking; the difference is rounding."
    return Cause("half_precision" if e.received.exact <= 11 else "float32", (name,), title, mend, "", 0)


# -- dropout


def _mask(e: Evidence, name: str) -> Cause | None:
    draws, draws_others = e.drew
    if not draws:
        return None
    if draws_others:
        title = "the mask is drawn anew for the backward pass"
        mend = "Keep the mask of the forward pass and multiply the errors by it."
        told = "with the same source of random numbers, the gradient draws others than the function"
        return Cause("mask_redrawn", (name,), title, mend, told)
    title = "the mask of the forward pass is missing in the backward pass, or another one is used"
    mend = "Multiply the errors of a layer by the mask of its units (and divide by keep_prob)."
    return Cause("mask_missing", (name,), title, mend, "the function draws random numbers")


def _parts(e: Evidence, name: str) -> Cause | None:
    """Take a gradient apart into that of the data and that of the penalty: one of them may have a factor."""
    if e.net is None or not any(e.net.l2) or name in e.received.shapes:
        return None
    _, place = e.place(name)
    g, theta = e.received.flat[place], e.blocks.flat[place]
    data = Pass(e.net, e.blocks.flat).gradient()[place]
    if g.size < 4 or not np.all(np.isfinite(g)):
        return None
    (factor, k), *_ = np.linalg.lstsq(np.stack([data, theta], axis=1), g)
    if np.max(np.abs(factor * data + k * theta - g)) > NEAR * np.max(np.abs(g)) or abs(factor - 1) < NEAR:
        return None
    hit = named_factor(abs(float(factor)), NEAR, e.named)
    evidence = f"gradient = {factor:.7g} * slope of the data's loss + {k:.7g} * {name}"
    if factor < 0 and abs(factor + 1) < NEAR:
        return Cause("sign", (name,), "the sign is turned round", "Is it prediction minus target?", evidence, 0)
    if hit is None:
        return None
    return Cause(hit[0], (name,), hit[1] + (" and the sign is turned round" if factor < 0 else ""), hit[2], evidence, 0)


def _some(e: Evidence, name: str) -> Cause | None:
    """Look at the coordinates that differ alone: a bias that stands among the weights is penalised by mistake."""
    _, place = e.place(name)
    apart = e.received.flat[place] - e.slopes[place]
    differ = np.abs(apart) > e.bounds[place]
    theta = e.blocks.flat[place]
    if not differ.any() or differ.all() or np.any(theta[differ] == 0):
        return None
    ratios = apart[differ] / theta[differ]
    k = float(np.median(ratios))
    told = spelled(abs(k), e.named)
    if np.any(np.abs(ratios - k) > 1e-5 * abs(k) + 2 * e.bounds[place][differ] / np.abs(theta[differ])) or not told:
        return None
    first = e.blocks.coordinate(place.start + int(np.flatnonzero(differ)[0]))
    where = first if differ.sum() == 1 else f"{first} and {int(differ.sum()) - 1} more"
    evidence = f"gradient - slope = {k:.6g} * {name} there ({told}), and nothing elsewhere"
    if k < 0:
        return Cause("l2_loss_only", (name,), f"L2 in the loss only at {where}", "Add it to the gradient.", evidence, 0)
    mend = "Leave the bias out of the gradient's penalty as the loss does, or put it into both."
    return Cause("l2_gradient_only", (name,), f"L2 in the gradient only at {where}", mend, evidence, 0)


LOOKS: tuple[Callable[[Evidence, str], Cause | None], ...] = (
    _absent, _misshapen, _coarse, _turned, _parts, _factor, _penalty, _some, _quotient, _mask,
)  # fmt: skip
