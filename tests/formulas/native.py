"""Formulas walked twice: in NumPy, and by the kernels that they become."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.engine import compile as compiler
from thalweg.formulas.formula import Formula, Rule

Array = NDArray[Any]

# Numbers that differ from every default: usual ones, and those at which a term vanishes.
USUAL = {
    "learning_rate": 0.37, "momentum": 0.5, "beta": 2.0, "beta1": 0.75, "beta2": 0.96, "beta3": 0.25, "rho": 0.5,
    "epsilon": 1e-3, "weight_decay": 0.125, "nu": 0.3, "alpha": 2.5, "l1": 0.01, "l2": 0.3, "l1_ratio": 0.7,
    "initial_accumulator": 0.1, "initial_step": 0.3, "eta_minus": 0.25, "eta_plus": 1.75, "min_step": 1e-3,
    "max_step": 2.0, "momentum_decay": 0.5, "warmup": 20, "delta": 0.7, "quantile": 0.9, "slope": 0.3,
}  # fmt: skip
VANISHING = dict.fromkeys(
    "momentum beta beta1 beta2 beta3 rho epsilon weight_decay nu alpha l1 l2 l1_ratio initial_accumulator min_step "
    "momentum_decay warmup slope".split(),
    0.0,
)


def copies(made: Formula) -> list[Any]:
    """Return a formula with its own numbers, with usual ones and with vanishing ones."""
    known = made.hyperparameters
    assert set(known) <= set(USUAL), f"numbers to try {made.name} with are missing"
    chosen = [{}, *({k: v for k, v in numbers.items() if k in known} for numbers in (USUAL, VANISHING))]
    return list(dict.fromkeys(made(**numbers) for numbers in chosen))


def hyper(made: Formula) -> NDArray[np.float64]:
    """Lay the numbers of a formula out as its kernel takes them."""
    return np.array([float(v) for v in made.hyperparameters.values()])


def gradients(steps: int, size: int, dtype: str, seed: int = 0) -> Array:
    """Draw gradients of ten decades, a tenth of them zero, (steps, size)."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(steps, size)) * 10.0 ** rng.uniform(-8, 2, (steps, size))
    return np.where(rng.random((steps, size)) < 0.1, 0.0, drawn).astype(dtype)


def formula_walk(made: Rule, start: Array, gradients: Array, factors: Array | None = None) -> tuple[Array, Array]:
    """Theta after every step and the memory at the end, in NumPy."""
    theta, state = start, made.init(start)
    thetas = np.empty_like(gradients)
    for k, g in enumerate(gradients):
        theta, state = made.step(theta, g, state, float(k + 1), 1.0 if factors is None else float(factors[k]))
        thetas[k] = theta
    return thetas, state


def native_walk(
    made: Rule, start: Array, gradients: Array, factors: Array | None = None, rates: Array | None = None
) -> tuple[Array, Array]:
    """The same by the kernel; with ``rates`` coordinate i learns at ``rates[i % rates.size]``."""
    dtype = str(start.dtype)
    update = compiler.update_kernel(made, dtype, lanes=rates is not None)
    own = np.array([made.learning_rate if made.has_learning_rate else 0.0]) if rates is None else rates
    lanes = np.full((max(made.lane_values, 1), own.size), np.nan, dtype)
    theta, state, thetas = start.copy(), made.init(start), np.empty_like(gradients)
    for k, g in enumerate(gradients):
        current = own * (1.0 if factors is None else factors[k])
        update(theta, g.copy(), state, hyper(made), current, lanes, float(k + 1), 0, theta.size)
        thetas[k] = theta
    return thetas, state


def same_bits(ours: Array, theirs: Array) -> None:
    """Assert that two arrays are equal to the last bit, signs of zeros included; any nan is equal to any other."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    whole = f"i{ours.dtype.itemsize}"
    nan = np.isnan(ours) & np.isnan(theirs)
    differ = (ours.view(whole) != theirs.view(whole)) & ~nan
    assert not differ.any(), f"{differ.sum()} of {differ.size}: {ours[differ][:3]!r} is not {theirs[differ][:3]!r}"


def within(ulps: float, ours: Array, theirs: Array, scale: Array | float = 0.0) -> None:
    """Assert that two arrays differ by at most ``ulps`` units in the last place of the larger of result and scale."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(ours[~finite], theirs[~finite])
    size = np.maximum(np.abs(theirs), np.broadcast_to(scale, theirs.shape).astype(theirs.dtype))[finite]
    off = np.abs(ours[finite].astype(np.longdouble) - theirs[finite].astype(np.longdouble)) / np.spacing(size)
    assert (off <= ulps).all(), f"{off.max():.3g} units at {theirs[finite][off.argmax()]!r}"
