"""Losses: exact at extreme scores, derivatives by differences, the same as scikit-learn's where it has them."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn._loss import loss as theirs
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.linear_model import _sgd_fast as their_sgd
from sklearn.metrics import mean_poisson_deviance

from thalweg.errors import SettingError
from thalweg.formulas import losses
from thalweg.formulas.formula import Loss
from thalweg.formulas.losses import (
    ALIASES,
    absolute,
    epsilon_insensitive,
    hinge,
    huber,
    log,
    modified_huber,
    poisson,
    quantile,
    softmax,
    squared,
    squared_epsilon_insensitive,
    squared_hinge,
)

SHARE = 0.3
PER_OUTPUT = (
    squared,
    absolute,
    huber,
    quantile(quantile=SHARE),
    epsilon_insensitive,
    squared_epsilon_insensitive,
    poisson,
    log,
    hinge,
    squared_hinge,
    modified_huber,
)
TARGETS = {"real": (0.0, 1.0, -3.5), "count": (0.0, 1.0, 7.0), "binary": (0.0, 1.0)}


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Loss) else None  # pytest numbers the others


# -- extreme scores, against exact arithmetic

MAGNITUDES = (0.0, 5e-324, 1e-300, 1e-9, 0.3, 1.0, 37.0, 709.8, 745.2, 1e3, 1e20, 1e300)
SCORES = (*MAGNITUDES, *(-m for m in MAGNITUDES))
# Holds every difference of two scores to the last digit, so that what is not exact below is only exp and ln.
EXACT = Context(prec=1400, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
ROUNDED = Context(prec=450, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


@cache
def d_exp(x: Decimal) -> Decimal:
    return max(min(x, Decimal(5000)), Decimal(-5000)).exp(ROUNDED)  # far beyond what a float can hold


@cache
def d_softplus(x: Decimal) -> Decimal:
    return max(x, Decimal(0)) + (1 + d_exp(-abs(x))).ln(ROUNDED)


@cache
def d_logistic(x: Decimal) -> Decimal:
    return 1 / (1 + d_exp(-x))


def d_sign(x: Decimal) -> Decimal:
    return Decimal((x > 0) - (x < 0))


def d_huber(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    r, delta = z - y, Decimal(huber.delta)
    inside = abs(r) <= delta
    return (r * r / 2 if inside else delta * abs(r) - delta * delta / 2), (r if inside else delta * d_sign(r))


def d_quantile(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    r, q = z - y, Decimal(SHARE)
    slope = Decimal(0) if r == 0 else 1 - q if r > 0 else -q
    return slope * r, slope


def d_tube(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    return max(abs(z - y) - Decimal(epsilon_insensitive.epsilon), Decimal(0)), d_sign(z - y)


def d_modified_huber(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    s = 2 * y - 1
    short = max(1 - s * z, Decimal(0))
    return (short * short, -2 * s * short) if s * z >= -1 else (-4 * s * z, -4 * s)


def d_hinge(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    s = 2 * y - 1
    return max(1 - s * z, Decimal(0)), -s if s * z < 1 else Decimal(0)


def d_log(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    return y * d_softplus(-z) + (1 - y) * d_softplus(z), (1 - y) * d_logistic(z) - y * d_logistic(-z)


def d_poisson(y: Decimal, z: Decimal) -> tuple[Decimal, Decimal]:
    return d_exp(z) - y * z, d_exp(z) - y


EXACTLY: dict[str, Callable[[Decimal, Decimal], tuple[Decimal, Decimal]]] = {
    "squared": lambda y, z: ((z - y) ** 2 / 2, z - y),
    "absolute": lambda y, z: (abs(z - y), d_sign(z - y)),
    "huber": d_huber,
    "quantile": d_quantile,
    "epsilon_insensitive": lambda y, z: (d_tube(y, z)[0], d_tube(y, z)[1] if d_tube(y, z)[0] else Decimal(0)),
    "squared_epsilon_insensitive": lambda y, z: (d_tube(y, z)[0] ** 2, 2 * d_tube(y, z)[1] * d_tube(y, z)[0]),
    "poisson": d_poisson,
    "log": d_log,
    "hinge": d_hinge,
    "squared_hinge": lambda y, z: (d_hinge(y, z)[0] ** 2, -2 * (2 * y - 1) * d_hinge(y, z)[0]),
    "modified_huber": d_modified_huber,
}


def ulps(found: float, true: Decimal) -> float:
    """Distance in units of the last place of the true number; 0 where both are beyond the largest float."""
    nearest = float(true)
    if found == nearest:
        return 0.0
    if not np.isfinite(found) or not np.isfinite(nearest):
        return np.inf
    return float(abs(Decimal(float(found)) - true) / Decimal(float(np.spacing(abs(nearest)))))


@pytest.mark.parametrize("loss", PER_OUTPUT, ids=name_of)
def test_value_and_derivative_are_right_to_two_units_at_any_score(loss: Loss) -> None:
    worst = 0.0
    smoothed = (0.125, 0.9) if loss.name == "log" else ()
    extreme = (1e300, -1e300) if loss.target == "real" else ()
    with localcontext(EXACT):
        for y in (*TARGETS[loss.target], *smoothed, *extreme):
            value, derivative = loss.value_and_derivative(np.full(len(SCORES), y), np.array(SCORES))
            for k, z in enumerate(SCORES):
                true_value, true_derivative = EXACTLY[loss.name](Decimal(y), Decimal(z))
                worst = max(worst, ulps(value[k], true_value), ulps(derivative[k], true_derivative))
    assert worst <= 2


def test_log_loss_of_a_right_answer_is_small_and_not_zero() -> None:
    assert log.value(1.0, 50.0) == pytest.approx(np.exp(-50), rel=1e-15)
    assert log.derivative(1.0, 50.0) == pytest.approx(-np.exp(-50), rel=1e-15)


GROW_FASTER = (squared, squared_epsilon_insensitive, squared_hinge, poisson)


@pytest.mark.parametrize("loss", [loss for loss in PER_OUTPUT if loss not in GROW_FASTER], ids=name_of)
def test_losses_that_grow_linearly_never_overflow_on_the_way(loss: Loss) -> None:
    y, z = np.meshgrid(TARGETS[loss.target], SCORES)
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        value, derivative = loss.formula(y, z, **loss.hyperparameters)
    assert np.isfinite(value).all()
    assert np.isfinite(derivative).all()


@pytest.mark.parametrize("loss", [*PER_OUTPUT, softmax], ids=name_of)
def test_a_score_that_is_not_a_number_stays_one(loss: Loss) -> None:
    value, derivative = loss.value_and_derivative(np.array([[0.0, 1.0]]), np.array([[np.nan, np.nan]]))
    assert np.isnan(value).all()
    assert np.isnan(derivative).all()


@pytest.mark.parametrize("loss", [*PER_OUTPUT, softmax], ids=name_of)
def test_float32_stays_float32_and_follows_float64(loss: Loss) -> None:
    y = np.eye(4, dtype=np.float32)
    z = np.random.default_rng(3).normal(0, 3, size=(4, 4)).astype(np.float32)
    for single, double in zip(
        loss.value_and_derivative(y, z), loss.value_and_derivative(y.astype(float), z.astype(float)), strict=True
    ):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=2e-5, atol=1e-6)


# -- derivatives

KINKS = {
    "absolute": lambda y: (y,),
    "huber": lambda y: (y - 1, y + 1),
    "quantile": lambda y: (y,),
    "epsilon_insensitive": lambda y: (y - 0.1, y + 0.1),
    "squared_epsilon_insensitive": lambda y: (y - 0.1, y + 0.1),
    "hinge": lambda y: (2 * y - 1,),
    "squared_hinge": lambda y: (2 * y - 1,),
    "modified_huber": lambda y: (2 * y - 1, 1 - 2 * y),
}


@pytest.mark.parametrize("loss", PER_OUTPUT, ids=name_of)
def test_derivative_is_the_slope_of_the_value_off_the_kinks(loss: Loss) -> None:
    h = 1e-5
    for y in (*TARGETS[loss.target], *((0.3,) if loss.name == "log" else ())):
        z = np.linspace(-5.03, 5.01, 84)
        for kink in KINKS.get(loss.name, lambda _: ())(y):
            z = z[np.abs(z - kink) > 2 * h]
        slope = (loss.value(y, z + h) - loss.value(y, z - h)) / (2 * h)
        np.testing.assert_allclose(loss.derivative(y, z), slope, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "y", "kink", "slopes"),
    [
        (absolute, 2.0, 2.0, (-1.0, 0.0, 1.0)),
        (quantile(quantile=0.9), 2.0, 2.0, (-0.9, 0.0, 0.1)),
        (epsilon_insensitive(epsilon=0.5), 2.0, 2.5, (0.0, 0.0, 1.0)),
        (epsilon_insensitive(epsilon=0.5), 2.0, 1.5, (-1.0, 0.0, 0.0)),
        (epsilon_insensitive(epsilon=0.0), 2.0, 2.0, (-1.0, 0.0, 1.0)),
        (hinge, 1.0, 1.0, (-1.0, 0.0, 0.0)),
        (hinge, 0.0, -1.0, (0.0, 0.0, 1.0)),
        # no kinks in the slope, but the places where two pieces meet
        (huber(delta=0.5), 2.0, 2.5, (0.5, 0.5, 0.5)),
        (huber(delta=0.5), 2.0, 1.5, (-0.5, -0.5, -0.5)),
        (squared_epsilon_insensitive(epsilon=0.5), 2.0, 2.5, (0.0, 0.0, 0.0)),
        (squared_hinge, 1.0, 1.0, (0.0, 0.0, 0.0)),
        (modified_huber, 1.0, -1.0, (-4.0, -4.0, -4.0)),
        (modified_huber, 0.0, 1.0, (4.0, 4.0, 4.0)),
    ],
    ids=name_of,
)
def test_derivative_before_on_and_after_a_kink(
    loss: Loss, y: float, kink: float, slopes: tuple[float, float, float]
) -> None:
    found = loss.derivative(np.full(3, y), kink + np.array([-1e-9, 0.0, 1e-9]))
    np.testing.assert_allclose(found, slopes, atol=1e-8)
    assert found[1] == slopes[1]
    before, on, after = loss.value(np.full(3, y), kink + np.array([-1e-6, 0.0, 1e-6]))
    np.testing.assert_allclose([(on - before) / 1e-6, (after - on) / 1e-6], [slopes[0], slopes[2]], atol=1e-5)


# -- the same as scikit-learn's


def sklearn_pair(loss: object) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    return lambda y, z: loss.loss_gradient(y_true=y, raw_prediction=z)  # type: ignore[attr-defined]


def sgd_pair(loss: object, *, classes: bool) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    def pair(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = 2 * y - 1 if classes else y
        values = [loss.py_loss(p, t) for p, t in zip(z, y, strict=True)]  # type: ignore[attr-defined]
        return np.array(values), np.array([loss.py_dloss(p, t) for p, t in zip(z, y, strict=True)])  # type: ignore[attr-defined]

    return pair


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (squared, sklearn_pair(theirs.HalfSquaredError())),
        (absolute, sklearn_pair(theirs.AbsoluteError())),
        (quantile(quantile=0.8), sklearn_pair(theirs.PinballLoss(quantile=0.8))),
        (huber(delta=0.7), sklearn_pair(theirs.HuberLoss(delta=0.7))),
        (poisson, sklearn_pair(theirs.HalfPoissonLoss())),
        (log, sklearn_pair(theirs.HalfBinomialLoss())),
        (hinge, sgd_pair(their_sgd.Hinge(1.0), classes=True)),
        (squared_hinge, sgd_pair(their_sgd.SquaredHinge(1.0), classes=True)),
        (modified_huber, sgd_pair(their_sgd.ModifiedHuber(), classes=True)),
        (epsilon_insensitive(epsilon=0.4), sgd_pair(their_sgd.EpsilonInsensitive(0.4), classes=False)),
        (squared_epsilon_insensitive(epsilon=0.4), sgd_pair(their_sgd.SquaredEpsilonInsensitive(0.4), classes=False)),
    ],
    ids=name_of,
)
def test_agrees_with_scikit_learn(
    loss: Loss, reference: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, 200)
    y = {"real": rng.normal(0, 3, 200), "count": rng.poisson(2, 200), "binary": rng.integers(0, 2, 200)}[loss.target]
    value, derivative = loss.value_and_derivative(y.astype(float), z)
    their_value, their_derivative = reference(y.astype(float), z)
    np.testing.assert_allclose(value, their_value, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(derivative, their_derivative, rtol=1e-13, atol=1e-14)


def test_poisson_loss_is_half_the_deviance_but_for_a_term_of_the_target() -> None:
    rng = np.random.default_rng(1)
    y, z = rng.poisson(3, 50) + 1.0, rng.normal(0, 1, 50)
    ours = poisson.value(y, z) + y * np.log(y) - y
    assert 2 * ours.mean() == pytest.approx(mean_poisson_deviance(y, np.exp(z)), rel=1e-13)


def test_every_loss_string_of_scikit_learn_is_known() -> None:
    known = {*SGDClassifier.loss_functions, *SGDRegressor.loss_functions} - {"perceptron"}
    known |= {"absolute_error", "quantile", "poisson"}  # of HistGradientBoostingRegressor
    assert known <= set(ALIASES)
    assert ALIASES["log_loss"] == log
    assert ALIASES["squared_error"] == squared
    assert all(name.removesuffix("_error").removesuffix("_loss") == ALIASES[name].name for name in known)


def test_numbers_left_out_are_those_of_the_libraries() -> None:
    regressor = SGDRegressor()
    assert epsilon_insensitive.epsilon == squared_epsilon_insensitive.epsilon == regressor.epsilon
    assert quantile.quantile == 0.5  # QuantileRegressor
    assert huber.delta == 1.0  # torch.nn.HuberLoss


# -- what each loss is for


@pytest.mark.parametrize(
    ("loss", "target", "inverse_link"),
    [
        (squared, "real", "identity"),
        (absolute, "real", "identity"),
        (huber, "real", "identity"),
        (quantile, "real", "identity"),
        (epsilon_insensitive, "real", "identity"),
        (squared_epsilon_insensitive, "real", "identity"),
        (poisson, "count", "exp"),
        (log, "binary", "logistic"),
        (hinge, "binary", "identity"),
        (squared_hinge, "binary", "identity"),
        (modified_huber, "binary", "identity"),
        (softmax, "classes", "softmax"),
    ],
    ids=name_of,
)
def test_target_and_link_are_declared(loss: Loss, target: str, inverse_link: str) -> None:
    assert (loss.target, loss.inverse_link, loss.per_row) == (target, inverse_link, loss is softmax)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_the_quantile_is_the_minimiser_of_its_loss(targets: list[float], share: float) -> None:
    y, loss = np.array(targets), quantile(quantile=share)
    best = loss.value(y, np.quantile(y, share, method="inverted_cdf")).mean()
    assert all(best <= loss.value(y, z).mean() + 1e-12 for z in y)  # the minimum lies at one of the targets


@given(st.floats(0.001, 0.999))
def test_smoothed_log_loss_is_least_at_the_smoothed_log_odds(y: float) -> None:
    z = np.log(y / (1 - y))
    assert abs(log.derivative(y, z)) < 1e-15
    assert log.value(y, z) == pytest.approx(-y * np.log(y) - (1 - y) * np.log1p(-y), rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "numbers"),
    [
        (huber, {"delta": 0}),
        (quantile, {"quantile": 0}),
        (quantile, {"quantile": 1.0}),
        (epsilon_insensitive, {"epsilon": -0.1}),
        (squared_epsilon_insensitive, {"epsilon": float("nan")}),
        (squared, {"delta": 1.0}),
    ],
    ids=name_of,
)
def test_a_number_out_of_range_is_refused(loss: Loss, numbers: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(numbers))):
        loss(**numbers)


# -- softmax


def test_softmax_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    y, z = rng.integers(0, 4, 100), rng.normal(0, 5, (100, 4))
    value, derivative = softmax.value_and_derivative(np.eye(4)[y], z)
    their_value, their_derivative = theirs.HalfMultinomialLoss(n_classes=4).loss_gradient(y.astype(float), z)
    np.testing.assert_allclose(value, their_value, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(derivative, their_derivative, rtol=1e-13, atol=1e-14)


def test_softmax_is_right_to_two_units_at_any_score() -> None:
    worst = 0.0
    with localcontext(EXACT):
        for first in SCORES:
            for second in (0.0, first):  # `first` makes a tie
                z = [first, second, 0.0]
                for right in range(3):
                    value, derivative = softmax.value_and_derivative(np.eye(3)[[right]], np.array([z]))
                    top = max(range(3), key=lambda k: z[k])
                    e = [d_exp(Decimal(score) - Decimal(z[top])) for score in z]
                    rest = sum(e[k] for k in range(3) if k != top)
                    true = Decimal(z[top]) - Decimal(z[right]) + (1 + rest).ln(ROUNDED)
                    worst = max(worst, ulps(value[0], true))
                    for k in range(3):
                        others = sum(e[j] for j in range(3) if j != k)
                        slope = -others / (1 + rest) if k == right else e[k] / (1 + rest)
                        worst = max(worst, ulps(derivative[0, k], slope))
    assert worst <= 2


def test_softmax_never_overflows_on_the_way() -> None:
    z = np.array([[a, b, c] for a in SCORES for b in SCORES for c in (0.0, 1e300)])
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        value, derivative = softmax.formula(np.tile([[0.0, 1.0, 0.0]], (len(z), 1)), z)
    assert np.isfinite(value).all()
    assert np.isfinite(derivative).all()


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_softmax_derivative_is_the_slope_of_the_value(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, z = rng.dirichlet(np.ones(classes), 3), rng.normal(0, 2, (3, classes))
    derivative, h = softmax.derivative(y, z), 1e-5
    for k in range(classes):
        move = h * np.eye(classes)[k]
        slope = (softmax.value(y, z + move) - softmax.value(y, z - move)) / (2 * h)
        np.testing.assert_allclose(derivative[:, k], slope, rtol=1e-7, atol=1e-9)


def test_softmax_of_two_classes_is_the_log_loss_of_the_difference() -> None:
    z = np.array([[a, b] for a in (-40.0, -1.0, 0.0, 0.5, 60.0) for b in (-3.0, 0.5, 41.0)])
    for right in (0, 1):
        value, derivative = softmax.value_and_derivative(np.eye(2)[[right] * len(z)], z)
        one_value, one_derivative = log.value_and_derivative(np.full(len(z), float(right)), z[:, 1] - z[:, 0])
        np.testing.assert_allclose(value, one_value, rtol=6e-16)
        np.testing.assert_allclose(derivative[:, 1], one_derivative, rtol=6e-16)


def test_softmax_gives_one_value_a_row_and_leaves_its_arguments() -> None:
    y, z = np.eye(3)[[2, 0]], np.array([[1.0, 2.0, 3.0], [3.0, 3.0, 3.0]])
    before = y.copy(), z.copy()
    value, derivative = softmax.value_and_derivative(y, z)
    assert value.shape == (2,)
    assert derivative.shape == (2, 3)
    np.testing.assert_array_equal((y, z), before)
    np.testing.assert_allclose(value, [np.log(np.exp([-2, -1, 0]).sum()), np.log(3)], rtol=1e-15)


@pytest.mark.parametrize("loss", [*PER_OUTPUT, softmax], ids=name_of)
def test_the_example_in_the_docstring_holds(loss: Loss) -> None:
    examples = doctest.DocTestParser().get_doctest(loss.__doc__ or "", vars(losses), loss.name, None, 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0
