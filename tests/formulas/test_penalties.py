"""Penalties: derivatives by differences, proximal steps by brute force, scikit-learn's meaning of alpha."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, Ridge, SGDClassifier

from thalweg.errors import SettingError
from thalweg.formulas import penalties
from thalweg.formulas.formula import Penalty
from thalweg.formulas.penalties import elastic_net, l1, l2

ALL = (l2(alpha=0.3), l1(alpha=0.3), elastic_net(alpha=0.3, l1_ratio=0.4))
WITH_KINK = ALL[1:]


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Penalty) else None  # pytest numbers the others


@pytest.mark.parametrize("penalty", ALL, ids=name_of)
def test_derivative_is_the_slope_of_the_value_off_zero(penalty: Penalty) -> None:
    w, h = np.linspace(-4, 4, 40), 1e-5  # 40 points leave 0 out
    slope = (penalty.value(w + h) - penalty.value(w - h)) / (2 * h)
    np.testing.assert_allclose(penalty.derivative(w), slope, rtol=1e-9)


@pytest.mark.parametrize("penalty", ALL, ids=name_of)
def test_a_weight_of_zero_costs_nothing_and_is_left_alone(penalty: Penalty) -> None:
    zero = np.zeros(1)
    assert penalty.value(zero)[0] == 0
    assert penalty.derivative(zero)[0] == 0


@pytest.mark.parametrize("penalty", WITH_KINK, ids=name_of)
@pytest.mark.parametrize("step", [0.01, 1.0, 7.0])
def test_proximal_step_is_the_minimum_found_by_brute_force(penalty: Penalty, step: float) -> None:
    grid = np.linspace(-5, 5, 100_001)  # holds 0; spacing 1e-4
    w = np.array([-4.3, -0.5, -0.1, 0.0, 0.002, 0.29, 0.31, 2.5])
    cost = (grid - w[:, np.newaxis]) ** 2 / 2 + step * penalty.value(grid)
    np.testing.assert_allclose(penalty.proximal_step(w, step), grid[cost.argmin(axis=1)], atol=1e-4)


@given(st.floats(-1e3, 1e3), st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.floats(0.0, 1.0))
def test_proximal_step_solves_its_own_equation(w: float, step: float, alpha: float, l1_ratio: float) -> None:
    penalty = elastic_net(alpha=alpha, l1_ratio=l1_ratio)
    x = float(penalty.proximal_step(np.array([w]), step)[0])
    if x == 0:
        vanished = 5e-324 * (1 + step * alpha)  # the ridge part divides what is left
        assert abs(w) <= step * alpha * l1_ratio * (1 + 1e-12) + vanished
    else:
        assert x + step * float(penalty.derivative(np.array([x]))[0]) == pytest.approx(w, rel=1e-9, abs=1e-9)


def test_proximal_step_reaches_zero_exactly_and_never_crosses_it() -> None:
    w = np.array([-0.3, -0.1, 0.1, 0.3, 0.5])
    np.testing.assert_allclose(l1(alpha=0.3).proximal_step(w, 1.0), [0.0, 0.0, 0.0, 0.0, 0.2], atol=1e-16)
    assert (l1(alpha=0.3).proximal_step(w, 1.0)[:4] == 0).all()


def test_ends_of_the_elastic_net_are_lasso_and_ridge() -> None:
    w = np.linspace(-3, 3, 13)
    lasso, ridge = elastic_net(alpha=0.7, l1_ratio=1.0), elastic_net(alpha=0.7, l1_ratio=0.0)
    for method in ("value", "derivative"):
        np.testing.assert_allclose(getattr(lasso, method)(w), getattr(l1(alpha=0.7), method)(w), rtol=1e-15)
        np.testing.assert_allclose(getattr(ridge, method)(w), getattr(l2(alpha=0.7), method)(w), rtol=1e-15)
    np.testing.assert_array_equal(lasso.proximal_step(w, 0.5), l1(alpha=0.7).proximal_step(w, 0.5))
    np.testing.assert_allclose(ridge.proximal_step(w, 0.5), w / 1.35, rtol=1e-15)


@pytest.mark.parametrize(
    ("model", "penalty"),
    [
        (Lasso(alpha=0.5, tol=1e-12), l1(alpha=0.5)),
        (ElasticNet(alpha=0.05, l1_ratio=0.6, tol=1e-12), elastic_net(alpha=0.05, l1_ratio=0.6)),
        (Ridge(alpha=0.05 * 442), elastic_net(alpha=0.05, l1_ratio=0.0)),
    ],
    ids=name_of,
)
def test_alpha_means_what_it_means_in_scikit_learn(model: Lasso, penalty: Penalty) -> None:
    X, y = load_diabetes(return_X_y=True)
    model.fit(X, y)
    slope = X.T @ (model.predict(X) - y) / len(y)  # of the mean of the halved squares
    np.testing.assert_allclose(penalty.proximal_step(model.coef_ - slope, 1.0), model.coef_, rtol=1e-5, atol=1e-5)


def test_numbers_left_out_are_those_of_scikit_learn() -> None:
    theirs = SGDClassifier()
    assert l1.alpha == l2.alpha == elastic_net.alpha == theirs.alpha
    assert elastic_net.l1_ratio == theirs.l1_ratio


def test_only_penalties_with_a_kink_have_a_proximal_step() -> None:
    assert [penalty.has_proximal for penalty in ALL] == [False, True, True]


@pytest.mark.parametrize("penalty", ALL, ids=name_of)
def test_float32_stays_float32(penalty: Penalty) -> None:
    w = np.array([-2.0, 0.0, 1e-30, 3.0], dtype=np.float32)
    assert penalty.value(w).dtype == np.float32
    assert penalty.derivative(w).dtype == np.float32
    if penalty.has_proximal:
        assert penalty.proximal_step(w, 0.1).dtype == np.float32


@pytest.mark.parametrize("penalty", ALL, ids=name_of)
def test_a_weight_that_is_not_a_number_stays_one(penalty: Penalty) -> None:
    w = np.array([np.nan])
    assert np.isnan(penalty.value(w))
    assert np.isnan(penalty.derivative(w))
    if penalty.has_proximal:
        assert np.isnan(penalty.proximal_step(w, 0.1))


@pytest.mark.parametrize("numbers", [{"alpha": -1e-9}, {"alpha": float("inf")}, {"l1_ratio": 1.01}, {"l1_ratio": -0.1}])
def test_a_number_out_of_range_is_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(numbers))):
        elastic_net(**numbers)


@pytest.mark.parametrize("penalty", ALL, ids=name_of)
def test_the_example_in_the_docstring_holds(penalty: Penalty) -> None:
    examples = doctest.DocTestParser().get_doctest(penalty.__doc__ or "", vars(penalties), penalty.name, None, 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0
