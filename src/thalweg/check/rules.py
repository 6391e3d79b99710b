"""Is a user's rule right: the native loop the formula to the last bit, and what the rule does with what it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.check.formula_verdict import Fault, FormulaVerdict
from thalweg.errors import SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Rule
from thalweg.formulas.formula import rule as make_rule
from thalweg.formulas.lowering import NOT_EXACT

Array = NDArray[Any]
STEPS, SIZE = 24, 9


def check_rule(rule: Any) -> FormulaVerdict:
    """Tell whether a rule does what its formula says natively too, and what it does.

    Parameters
    ----------
    rule : Rule, str or function
        A rule, its name, or a function ``f(theta, g, t, *slots, **hyperparameters)`` to make one of.

    Returns
    -------
    FormulaVerdict
        Faults: ``kernel`` (the native loop differs from the formula), ``climbs`` (the first step goes up the slope),
        ``moves_at_rate_0``, ``coordinates`` (one coordinate's step depends on another's gradient), ``not_finite`` (NaN
        or inf from ordinary or zero gradients), ``changes_input``. Properties say what becomes of a step when the
        gradient is measured in another unit (times 10), whether there is memory, symmetry, decay.

    Raises
    ------
    FormulaError
        A function that is no rule, with the line.
    SettingError
        RULE-CALL: something that is neither.

    Examples
    --------
    >>> check_rule("adam").properties["gradient times 10"]
    'the step stays the same (scale invariant, up to epsilon)'
    >>> def uphill(theta, g, t, *, learning_rate=0.1):
    ...     return theta + learning_rate * g
    >>> sorted(check_rule(uphill).codes)
    ['climbs']
    """
    if isinstance(rule, str):
        rule = catalog.find("rule", rule)
    elif callable(rule) and not isinstance(rule, Rule):
        rule = make_rule(rule)
    if not isinstance(rule, Rule):
        what = f"must be a rule, its name or a function, got {type(rule).__name__}"
        raise SettingError("RULE-CALL", "rule", what)
    faults: list[Fault] = []
    properties: dict[str, str] = {}
    _native(rule, faults, properties)
    _steps(rule, faults)
    _response(rule, properties)
    _habits(rule, properties)
    return FormulaVerdict(rule.name, tuple(faults), properties)


def _tape(seed: int = 0) -> tuple[Array, Array]:
    """Return a start and gradients of several decades, a tenth of them zero."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(STEPS, SIZE)) * 10.0 ** rng.uniform(-4, 2, (STEPS, SIZE))
    return rng.normal(size=SIZE), np.where(rng.random((STEPS, SIZE)) < 0.1, 0.0, drawn)


def _walk(rule: Rule, start: Array, gradients: Array, factor: float = 1.0) -> Array:
    """Return theta after every step, (steps, n)."""
    theta, state, path = start, rule.init(start), []
    with np.errstate(all="ignore"):
        for k, g in enumerate(gradients):
            theta, state = rule.step(theta, g, state, float(k + 1), factor)
            path.append(theta)
    return np.array(path)


def _native_walk(rule: Rule, start: Array, gradients: Array) -> Array:
    from thalweg.engine import compile as compiler

    update = compiler.update_kernel(rule, str(start.dtype))
    hyper = np.array([float(v) for v in rule.hyperparameters.values()])
    rate = np.array([rule.learning_rate if rule.has_learning_rate else 0.0])
    lanes = np.full((max(rule.lane_values, 1), 1), np.nan, start.dtype)
    theta, state, path = start.copy(), rule.init(start), []
    for k, g in enumerate(gradients):
        update(theta, g.copy(), state, hyper, rate, lanes, float(k + 1), 0, theta.size)
        path.append(theta.copy())
    return np.array(path)


def _native(rule: Rule, faults: list[Fault], properties: dict[str, str]) -> None:
    """Compare the native loop with the formula."""
    exact = not any(f"{name}(" in rule.source() for name in NOT_EXACT)
    start, gradients = _tape()
    for dtype in ("float64", "float32"):
        ours = _native_walk(rule, start.astype(dtype), gradients.astype(dtype))
        theirs = _walk(rule, start.astype(dtype), gradients.astype(dtype))
        room = 0.0 if exact else 64 * float(np.finfo(dtype).eps)
        with np.errstate(all="ignore"):
            apart = np.abs(ours - theirs) > room * np.maximum(np.abs(theirs), np.abs(start.astype(dtype)))
        apart |= np.isnan(ours) != np.isnan(theirs)
        if apart.any():
            step = int(np.flatnonzero(apart.any(axis=1))[0]) + 1
            what = f"in {dtype} the native loop parts from the formula at step {step}"
            faults.append(Fault("kernel", what, "This is a mistake of the library's, not of yours: please report it."))
            return
    properties["native loop"] = (
        "the formula to the last bit, in float64 and float32" if exact else "the formula, to rounding of exp or its kin"
    )


def _steps(rule: Rule, faults: list[Fault]) -> None:
    start, gradients = _tape()
    path = _walk(rule, start, gradients)
    if not np.all(np.isfinite(path)):
        step, coordinate = (int(v[0]) for v in np.nonzero(~np.isfinite(path)))
        g = gradients[: step + 1, coordinate]
        why = "after gradients of zero alone" if not g.any() else f"at g = {g[-1]:.3g}"
        what = f"theta is no longer a number after step {step + 1}, {why}"
        faults.append(Fault("not_finite", what, "Add epsilon where a slot that is still zero divides."))
        return
    if not np.all(np.isfinite(_walk(rule, start, np.zeros((3, SIZE))))):
        what = "theta is no longer a number where the first gradients are zero"
        faults.append(Fault("not_finite", what, "Add epsilon where a slot that is still zero divides."))
    up = _walk(rule, np.zeros(2), np.array([[1.0, -1.0]]))[0]
    if up[0] > 0 and up[1] < 0:
        what = f"the first step goes up: g = 1 moves theta from 0 to {up[0]:.6g}"
        faults.append(Fault("climbs", what, "Descent subtracts: theta - learning_rate * g."))
    calm = np.zeros((1, SIZE))
    replaced = np.array_equal(_walk(rule, start, calm), _walk(rule, start + 1, calm))  # made of the memory, as in FTRL
    if rule.has_learning_rate and not replaced and not np.array_equal(_walk(rule, start, gradients, 0.0)[-1], start):
        what = "theta moves although the learning rate is 0"
        faults.append(Fault("moves_at_rate_0", what, "Multiply the whole step, decay too, by the learning rate."))
    order = np.random.default_rng(1).permutation(SIZE)
    if not np.array_equal(_walk(rule, start[order], gradients[:, order]), path[:, order]):
        what = "a coordinate's step depends on where it stands or on the others' gradients"
        faults.append(Fault("coordinates", what, "A rule works per coordinate; norms of all belong into clip_norm."))
    theta, g = start.copy(), gradients[0].copy()
    state = rule.init(theta)
    kept = state.copy()
    with np.errstate(all="ignore"):
        rule.step(theta, g, state, 1.0)
    if not (np.array_equal(theta, start) and np.array_equal(g, gradients[0]) and np.array_equal(state, kept)):
        what = "the formula changes the arrays it is given"
        faults.append(Fault("changes_input", what, "Write m = beta * m + ..., not m *= beta."))


def _response(rule: Rule, properties: dict[str, str]) -> None:
    """Say what becomes of the steps when the gradient is ten times as large, from theta = 0."""
    rng = np.random.default_rng(2)
    gradients = rng.choice([-1.0, 1.0], (STEPS, SIZE)) * rng.uniform(0.5, 2, (STEPS, SIZE))
    start = np.zeros(SIZE)
    one, ten = _walk(rule, start, gradients)[-1], _walk(rule, start, 10 * gradients)[-1]
    if not np.any(one) or not np.all(np.isfinite(ten)):
        return
    clear = np.abs(one) > 1e-3 * np.max(np.abs(one))
    ratio = ten[clear] / one[clear]
    middle, spread = float(np.median(ratio)), float(np.ptp(ratio))
    told = f"the steps are {middle:.4g} times as long (between {ratio.min():.3g} and {ratio.max():.3g})"
    for value, text in (
        (1.0, "the step stays the same (scale invariant, up to epsilon)"),
        (10.0, "the step is 10 times as long (linear in the gradient)"),
        (0.1, "the step is a tenth (divided by the gradient once too often?)"),
        (100.0, "the step is 100 times as long (quadratic: a power of g too many?)"),
    ):
        if abs(middle - value) < 1e-3 * value and spread < 1e-2 * value:
            told = text
    properties["gradient times 10"] = told


def _habits(rule: Rule, properties: dict[str, str]) -> None:
    """Say what it remembers, how it mirrors, what it does on flat ground."""
    start, gradients = _tape(3)
    properties["memory"] = ", ".join(rule.slots) if rule.slots else "none"
    zero = np.zeros(SIZE)
    mirrored = np.array_equal(_walk(rule, zero, gradients), -_walk(rule, zero, -gradients), equal_nan=True)
    properties["turned round gradient"] = "the mirrored path" if mirrored else "another path, not the mirrored one"
    flat = _walk(rule, start, np.zeros((3, SIZE)))[-1]
    if np.array_equal(flat, start):
        properties["on flat ground"] = "theta stays"
    elif np.all(np.isfinite(flat)):
        share = float(np.median(flat / start))
        properties["on flat ground"] = f"theta moves: times {share:.6g} in 3 steps (decay)"
    first = _walk(rule, np.zeros(3), np.array([[1e-3, 1.0, 1e3]]))[0]
    properties["first step"] = ", ".join(
        f"{-d:.4g} for g = {g:g}" for d, g in zip(first.tolist(), (1e-3, 1.0, 1e3), strict=True)
    )
