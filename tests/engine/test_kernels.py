"""Losses, penalties and activations: their kernels against their formulas, at ordinary values and at the extremes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.formulas.native import Array, copies, hyper, same_bits, within

from thalweg.descent.models import hyper_table
from thalweg.engine import compile as compiler
from thalweg.errors import FormulaError
from thalweg.formulas import catalog, losses
from thalweg.formulas.activations import leaky_relu, relu, tanh
from thalweg.formulas.formula import Activation, Loss, Penalty, activation, loss, penalty, row_loss
from thalweg.formulas.lowering import NOT_EXACT

SCORES = [0.0, -0.0, 5e-324, 1e-300, 1e-40, 1e-8, 0.3, 0.5, 1.0, 2.0, 20.0, 37.0, 88.7, 709.8, 745.2, 1e3, 1e20, 1e300]
SCORES += [-score for score in SCORES] + [np.inf, -np.inf, np.nan]
TRUTHS = {"real": [0.0, -1.5, 0.3, 1e3], "count": [0.0, 1.0, 7.0], "binary": [0.0, 1.0]}

LOSSES = [copy for made in catalog.losses().values() if not made.per_row for copy in copies(made)]
PENALTIES = [copy for made in catalog.penalties().values() for copy in copies(made)]
ACTIVATIONS = [copy for made in catalog.activations().values() for copy in copies(made)]

in_both_types = pytest.mark.parametrize("dtype", ["float64", "float32"])


def exact(text: str) -> bool:
    """Whether a kernel calls none of the functions that have two implementations."""
    return not any(f"{name}(" in text for name in NOT_EXACT)


def agree(text: str, ours: Array, theirs: Array, scale: Array | float = 0.0) -> None:
    if exact(text):
        # NumPy leaves open which zero is the larger: added to 0.0 they are one.
        one_zero = 0.0 if "np.m" in text else -0.0
        same_bits(ours + one_zero, theirs + one_zero)
    else:
        within(4, ours, theirs, scale)


def extremes(dtype: str) -> Array:
    with np.errstate(over="ignore"):
        return np.array(SCORES).astype(dtype)


# ---- losses ----------------------------------------------------------------------------------------------------------


def run_loss(
    made: Loss, y: Array, z: Array, *, rows: Any = None, weights: Any = (), factor: float = 1.0, lanes: int = 1
) -> tuple[Array, Array]:
    """Sums per lane and slopes of a batch by the kernel."""
    dtype = str(z.dtype)
    rows = np.arange(len(z)) if rows is None else np.asarray(rows)
    slopes, sums = np.full_like(z, np.nan), np.zeros(lanes)
    kernel = compiler.loss_kernel(made, dtype)
    kernel(y, z.copy(), rows, np.asarray(weights, dtype), factor, hyper(made), slopes, sums)
    return sums, slopes


@in_both_types
@pytest.mark.parametrize("made", LOSSES, ids=repr)
def test_loss_of_any_score_is_the_formulas(made: Loss, dtype: str) -> None:
    y, z = (a.astype(dtype) for a in np.broadcast_arrays(np.array(TRUTHS[made.target])[:, None], extremes(dtype)))
    with np.errstate(all="ignore"):
        value, slope = made.value_and_derivative(y, z)
        terms = np.exp(z) + np.abs(y * z) + np.abs(y) if made.name == "poisson" else np.zeros_like(z)
        terms[~np.isfinite(terms)] = 0
    text = made.kernel_text(dtype)[1]
    for truth, score, v, s, term in zip(*(a.ravel() for a in (y, z, value, slope, terms)), strict=True):
        sums, slopes = run_loss(made, np.array([[truth]]), np.array([[score]]))
        agree(text, sums.astype(dtype), np.array([v]) + 0, term)
        agree(text, slopes[0], np.array([s]), term)


@in_both_types
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("outputs", "lanes"), [(1, 1), (3, 1), (1, 4), (2, 5)])
@pytest.mark.parametrize("made", catalog.losses().values(), ids=lambda made: made.name)
def test_loss_sums_a_batch_by_lanes(made: Loss, outputs: int, lanes: int, weighted: bool, dtype: str) -> None:
    rng = np.random.default_rng(outputs + lanes)
    n, rows, factor = 12, np.array([11, 3, 3, 0, 7]), 0.37
    y = np.eye(outputs)[rng.integers(0, outputs, n)] if made.per_row else rng.choice(TRUTHS[made.target], (n, outputs))
    y, z = y.astype(dtype), rng.normal(0, 3, (5, lanes * outputs)).astype(dtype)
    weights = rng.uniform(0, 2, n).astype(dtype) if weighted else np.empty(0, dtype)
    sums, slopes = run_loss(made, y, z, rows=rows, weights=weights, factor=factor, lanes=lanes)
    w = (weights if weighted else np.ones(n, dtype))[rows]
    text = "exp(" if made.per_row else made.kernel_text(dtype)[1]
    for lane in range(lanes):
        here = np.ascontiguousarray(z[:, lane * outputs : (lane + 1) * outputs])
        value, slope = made.value_and_derivative(y[rows], here)
        per_row = value if made.per_row else value.astype(np.float64).sum(axis=1)
        bound = 1e-13 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(sums[lane], (w.astype(np.float64) * per_row).sum(), rtol=bound)
        size = (
            (w * factor).astype(dtype)[:, None]
            if dtype == "float64"
            else (w.astype(float) * factor).astype(dtype)[:, None]
        )
        agree(text, np.ascontiguousarray(slopes[:, lane * outputs : (lane + 1) * outputs]), slope * size, 1.0)


@in_both_types
def test_softmax_is_as_fine_as_its_formula(dtype: str) -> None:
    rng = np.random.default_rng(0)
    z = np.vstack([rng.normal(0, spread, (200, 4)) for spread in (0, 1, 30, 300)]).astype(dtype)
    z[::7, 1] = z[::7, 2]  # ties
    y = np.eye(4, dtype=dtype)[rng.integers(0, 4, len(z))]
    y[::2] = np.eye(4, dtype=dtype)[z[::2].argmax(axis=1)]  # sure and right: loss and slope are tiny, and kept
    value, slope = losses.softmax.value_and_derivative(y, z)
    for i in range(len(z)):
        sums, slopes = run_loss(losses.softmax, y[i : i + 1], z[i : i + 1])
        within(6, sums.astype(dtype), value[i : i + 1])
        within(6, slopes[0], slope[i])
    sure = (value > 0) & (value < 1e-30)
    assert sure.any()


@in_both_types
@pytest.mark.parametrize(("rows", "classes", "lanes"), [(3, 1100, 2), (1100, 3, 1), (5, 17, 120)])
def test_softmax_goes_on_where_a_block_of_rows_or_classes_ends(rows: int, classes: int, lanes: int, dtype: str) -> None:
    rng = np.random.default_rng(classes)
    y = rng.dirichlet(np.ones(classes), rows).astype(dtype)
    z = rng.normal(0, 3, (rows, lanes * classes)).astype(dtype)
    sums, slopes = run_loss(losses.softmax, y, z, lanes=lanes)
    per_lane = z.reshape(rows, lanes, classes).swapaxes(0, 1)
    slopes = slopes.reshape(rows, lanes, classes).swapaxes(0, 1)
    for lane in range(lanes):
        value, slope = losses.softmax.value_and_derivative(y, per_lane[lane])
        np.testing.assert_allclose(
            sums[lane], value.astype(np.float64).sum(), rtol=1e-13 if dtype == "float64" else 1e-5
        )
        within(16, np.ascontiguousarray(slopes[lane]), slope, 1.0)  # targets sum to 1 only nearly
        alone = run_loss(losses.softmax, y, np.ascontiguousarray(per_lane[lane]))
        same_bits(sums[lane : lane + 1], alone[0])
        same_bits(np.ascontiguousarray(slopes[lane]), alone[1])


def test_a_row_of_scores_that_is_not_finite_has_no_loss() -> None:
    for bad in (np.nan, np.inf):
        sums, _ = run_loss(losses.softmax, np.eye(3)[:1], np.array([[0.0, bad, 1.0]]))
        assert np.isnan(sums[0])


def test_a_row_loss_of_a_user_is_told_that_it_does_not_run_natively() -> None:
    made = row_loss()("def mine(y, z): return np.where(y > 0, z, y), z")
    with pytest.raises(FormulaError, match="LOSS-ROWS"):
        compiler.loss_kernel(made, "float64")


def test_a_row_loss_does_not_run_as_another_of_its_name() -> None:
    compiler.loss_kernel(losses.softmax, "float64")
    made = row_loss()("def softmax(y, z): return np.sum((z - y) ** 2, axis=1), 2 * (z - y)")
    with pytest.raises(FormulaError, match=r"LOSS-ROWS.* softmax: .*losses\.softmax"):
        compiler.loss_kernel(made, "float64")


@in_both_types
def test_a_loss_of_a_user_is_its_formula(dtype: str) -> None:
    def slope(z, sharp):
        return (z + 1) ** 2 * (z - 1) ** 2 / sharp

    @loss
    def mine(y, z, *, sharp=3.0):
        scores, slopes = z - y, slope(z - y, sharp)
        rows = np.where(scores > 0, scores, -scores) ** 2 + slopes
        return rows, np.where(np.abs(scores) < sharp, 2 * scores, scores + scores) + 4 * scores * (
            scores**2 - 1
        ) / sharp

    y, z = np.random.default_rng(0).normal(size=(2, 50, 3)).astype(dtype)
    value, derivative = mine.value_and_derivative(y, z)
    sums, slopes = run_loss(mine, y, z)
    same_bits(slopes, derivative)
    assert sums[0] == pytest.approx(value.astype(float).sum(), rel=1e-14 if dtype == "float64" else 1e-6)


def test_sums_of_many_float32_values_stay_honest() -> None:
    n = 2_000_000
    sums, _ = run_loss(losses.absolute, np.zeros((n, 1), np.float32), np.full((n, 1), 0.1, np.float32))
    assert sums[0] == pytest.approx(n * float(np.float32(0.1)), rel=1e-9)


# ---- penalties -------------------------------------------------------------------------------------------------------


@in_both_types
@pytest.mark.parametrize("made", PENALTIES, ids=repr)
def test_penalty_adds_value_and_slope_of_its_slice(made: Penalty, dtype: str) -> None:
    w = extremes(dtype)
    grad = np.linspace(-1, 1, w.size).astype(dtype)
    ours = grad.copy()
    start, stop = 3, w.size - 3  # the last three are not finite
    total = np.zeros(1)
    compiler.penalty_kernel(made, dtype)(w, ours, hyper(made), start, stop, 1, total)
    with np.errstate(all="ignore"):
        expected = grad.copy()
        expected[start:stop] += made.derivative(w[start:stop])
        value = float(np.cumsum(made.value(w[start:stop]).astype(np.float64))[-1])
    same_bits(ours, expected)
    np.testing.assert_equal(total[0], value)  # inf times a strength of zero is nan


@in_both_types
@pytest.mark.parametrize("size", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("made", [p for p in PENALTIES if p.has_proximal], ids=repr)
def test_proximal_step_is_the_formulas(made: Penalty, size: float, dtype: str) -> None:
    w = extremes(dtype)
    ours = w.copy()
    compiler.proximal_kernel(made, dtype)(ours, hyper(made), np.array([size]), 2, w.size)
    with np.errstate(all="ignore"):
        expected = np.concatenate([w[:2], made.proximal_step(w[2:], size)])
    same_bits(ours, expected)


def test_a_penalty_of_a_user_is_its_formula() -> None:
    @penalty
    def mine(w, *, alpha=0.5):
        total = np.abs(w) + alpha
        return alpha * np.log(total), alpha * np.sign(w) / total

    w, grad = np.random.default_rng(0).normal(size=(2, 40))
    ours = grad.copy()
    value = np.zeros(1)
    compiler.penalty_kernel(mine, "float64")(w, ours, hyper(mine), 0, 40, 1, value)
    same_bits(ours, grad + mine.derivative(w))
    assert value[0] == pytest.approx(mine.value(w).sum(), rel=1e-14)


# ---- activations -----------------------------------------------------------------------------------------------------


def run_activation(chosen: tuple[Activation, ...], kind: int, z: Array, delta: Array) -> tuple[Array, Array]:
    """Units, and deltas times slope, by the kernels; the backward pass is given the formula's own units."""
    forward, backward = compiler.activation_kernels(chosen, str(z.dtype))
    numbers = hyper_table(chosen)
    units, deltas = np.full_like(z, np.nan), delta.copy()
    forward(kind, numbers, z.copy(), units)
    backward(kind, numbers, z.copy(), chosen[kind].value(z).copy(), deltas)
    return units, deltas


@in_both_types
@pytest.mark.parametrize("made", ACTIVATIONS, ids=repr)
def test_activation_forward_and_backward_is_the_formulas(made: Activation, dtype: str) -> None:
    rng = np.random.default_rng(0)
    ordinary = rng.normal(0, 4, 1000 - len(SCORES))
    z = np.concatenate([extremes(dtype), ordinary.astype(dtype)]).reshape(40, 25)
    delta = rng.normal(size=z.shape).astype(dtype)
    units, deltas = run_activation((made,), 0, z, delta)
    forward, backward = made.source(dtype).split("def backward")
    with np.errstate(all="ignore"):
        agree(forward, units, made.value(z))
        # The slope of silu is a sum of three terms, each of them off by what the exponential is off.
        agree(backward, deltas, delta * made.derivative(z), 2 * np.abs(delta))


@in_both_types
def test_each_layer_has_its_own_activation_and_numbers(dtype: str) -> None:
    chosen = (relu, leaky_relu(slope=0.2), tanh, leaky_relu(slope=0.7))
    z, delta = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(dtype)
    for kind, made in enumerate(chosen):
        units, deltas = run_activation(chosen, kind, z, delta)
        within(4, units, made.value(z))
        within(4, deltas, delta * made.derivative(z))


@in_both_types
def test_an_activation_of_a_user_is_its_formula(dtype: str) -> None:
    @activation
    def units(z, *, inputs=0.3):
        deltas = z * z
        kind = np.abs(z) + inputs
        units = z / kind  # the first value is a name given twice: it cannot stand for the stored units
        units = units + inputs * deltas
        return units, inputs / (kind * kind) + 2 * inputs * z

    z, delta = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(dtype)
    ours, deltas = run_activation((units,), 0, z, delta)
    same_bits(ours, units.value(z))
    same_bits(deltas, delta * units.derivative(z))


def test_names_of_formulas_in_one_loop_do_not_meet() -> None:
    text = "def mine(z, *, a={}, b={}):\n    c0 = a * z + b\n    return c0, a + 0 * z"
    chosen = tuple(activation(text.format(*numbers)) for numbers in [(1.0, 2.0), (3.0, 4.0)])
    z = np.ones((1, 1))
    assert [run_activation(chosen, kind, z, z)[0].item() for kind in (0, 1)] == [3.0, 7.0]


def test_every_formula_of_the_catalogue_was_tried() -> None:
    kinds = (LOSSES, PENALTIES, ACTIVATIONS)
    named = {made.name for made in itertools.chain(*kinds)} | {"softmax"}
    assert named == {*catalog.losses(), *catalog.penalties(), *catalog.activations()}
