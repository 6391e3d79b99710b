"""Prediction intervals: quantiles that are right, in order, and hold what they promise."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg
from thalweg import IntervalRegressor, LinearRegressor, MLPRegressor
from thalweg.errors import SettingError

GENERATOR = np.random.default_rng(0)
X = GENERATOR.uniform(-1, 1, (600, 2))
Y = 2 * X[:, 0] + (1.5 + X[:, 1]) * GENERATOR.standard_normal(600)  # the wider, the larger the second column
FULL = {"batch_size": None, "tol": None, "learning_rate": 0.05, "schedule": "cosine", "max_iter": 2000}
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def model():
    return IntervalRegressor(LinearRegressor(**FULL), quantiles=LEVELS).fit(X, Y)


def test_each_quantile_is_that_of_linear_programming(model):
    for level, one in zip(LEVELS, model.estimators_, strict=True):
        exact = QuantileRegressor(quantile=level, alpha=0).fit(X, Y)
        np.testing.assert_allclose(one.coef_, exact.coef_, atol=0.03)
        np.testing.assert_allclose(one.intercept_, exact.intercept_, atol=0.03)


def test_the_interval_holds_what_it_promises(model):
    low, high = model.predict_interval(X).T
    assert abs(np.mean((low <= Y) & (high >= Y)) - 0.9) < 0.01
    assert np.corrcoef(high - low, X[:, 1])[0, 1] > 0.99


def test_predictions_are_parts_of_one_table(model):
    table = model.predict_quantiles(X)
    assert table.shape == (600, 5)
    np.testing.assert_array_equal(model.predict(X), table[:, 2])
    np.testing.assert_array_equal(model.predict_interval(X), table[:, [0, 4]])
    each = [d2_pinball_score(Y, table[:, k], alpha=level) for k, level in enumerate(LEVELS)]
    assert model.score(X, Y) == pytest.approx(np.mean(each), rel=1e-12)


def test_quantiles_that_cross_are_put_in_order():
    """Where nearly nothing was learned from, lines of different slopes cross."""
    model = IntervalRegressor(LinearRegressor(**{**FULL, "max_iter": 30}), quantiles=LEVELS).fit(X, Y)
    far = np.array([[0.0, -50.0], [0.0, 50.0]])
    apart = np.column_stack([one.predict(far) for one in model.estimators_])
    assert (np.diff(apart, axis=1) < 0).any()
    assert (np.diff(model.predict_quantiles(far), axis=1) >= 0).all()


def test_networks_and_threads():
    told = {"max_iter": 5, "tol": None, "random_state": 0}
    one = IntervalRegressor(MLPRegressor(4, **told)).fit(X, Y)
    two = IntervalRegressor(MLPRegressor(4, **told), n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(one.predict_quantiles(X), two.predict_quantiles(X))
    alone = MLPRegressor(4, loss=thalweg.losses.quantile(quantile=0.95), **told).fit(X, Y)
    np.testing.assert_array_equal(one.estimators_[2].predict(X), alone.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_and_validation_rows_reach_the_estimators():
    weights = np.where(Y > 0, 1.0, 0.0)
    told = {"early_stopping": True, "max_iter": 20, "learning_rate": 0.1, "batch_size": None}
    model = IntervalRegressor(LinearRegressor(**told)).fit(X, Y, weights, X_val=X[:50], y_val=Y[:50])
    alone = LinearRegressor(thalweg.losses.quantile(quantile=0.5), **told)
    alone.fit(X, Y, weights, X_val=X[:50], y_val=Y[:50])
    np.testing.assert_array_equal(model.estimators_[1].theta_, alone.theta_)


def test_it_is_an_estimator_like_others(model):
    frame = pd.DataFrame(X, columns=["a", "b"])
    again = clone(model).set_params(estimator__max_iter=3, quantiles=(0.1, 0.9)).fit(frame, Y)
    assert list(again.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(again.predict(frame), again.predict_quantiles(frame)[:, 0])
    copy = pickle.loads(pickle.dumps(again))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(copy.predict_interval(frame), again.predict_interval(frame))
    grid = {"estimator__learning_rate": [1e-6, 0.05]}
    search = GridSearchCV(model.set_params(estimator__max_iter=50), grid, cv=2).fit(X, Y)
    assert search.best_params_ == {"estimator__learning_rate": 0.05}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"quantiles": (0.5, 0.5)}, "quantiles: must rise, got 0.5, 0.5"),
        ({"quantiles": (0.0, 0.5)}, r"quantiles: must be in \(0, 1\), got 0.0"),
        ({"quantiles": ()}, "quantiles: must be numbers"),
        ({"quantiles": 0.5}, "quantiles: must be numbers"),
        ({"estimator": QuantileRegressor()}, "estimator: must be a LinearRegressor or an MLPRegressor"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused(params, said):
    with pytest.raises(SettingError, match=said):
        IntervalRegressor(**params).fit(X, Y)


@parametrize_with_checks([IntervalRegressor(LinearRegressor(**{**FULL, "max_iter": 30}))])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)
