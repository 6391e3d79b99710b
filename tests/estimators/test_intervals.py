"""Prediction intervals: quantiles that are right, in order, and hold what they promise."""

from __future__ import annotations

import pickle
from pathlib import Path

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
from thalweg.errors import ModelFileError, SettingError
from thalweg.exchange import tensors
from thalweg.exchange.card import card

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


SHORT = {**FULL, "max_iter": 20, "random_state": 0}
LONGER = {**SHORT, "max_iter": 300, "learning_rate": 0.2}
PARTS = {"max_iter": 20, "tol": None, "learning_rate": 0.05, "random_state": 0, "batch_size": 8}
SETTINGS = [
    IntervalRegressor(LinearRegressor(**SHORT)),
    IntervalRegressor(LinearRegressor(optimizer="adam", penalty="l2", alpha=1e-3, **LONGER), quantiles=(0.5,)),
    IntervalRegressor(LinearRegressor(**SHORT), quantiles=[0.1, 0.9], n_jobs=2),
    IntervalRegressor(MLPRegressor((4,), **LONGER), quantiles=(0.25, 0.75)),
    IntervalRegressor(LinearRegressor(**PARTS), quantiles=(0.1, 0.9)),
    IntervalRegressor(LinearRegressor(average=True, clip_norm=1.0, **PARTS), quantiles=(0.1, 0.9)),
    IntervalRegressor(MLPRegressor((4,), accumulate=2, optimizer="momentum", **PARTS), quantiles=np.array([0.2, 0.8])),
]


def expected_failures(estimator):
    """As of the estimators themselves."""
    if estimator.estimator.batch_size is None:
        return {}
    checks = ["check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"]
    return dict.fromkeys(checks, "mini-batches of repeated rows are other batches than those of weighted rows")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:batch_size=")  # many have a handful of rows
@parametrize_with_checks(SETTINGS, expected_failed_checks=expected_failures)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", SETTINGS, ids=repr)
def test_it_comes_back_from_a_file_to_the_last_bit(estimator, tmp_path):
    frame = pd.DataFrame(X[:80], columns=["a", "b"])
    fitted = clone(estimator).fit(frame, Y[:80])
    thalweg.save(fitted, tmp_path / "model")
    again = thalweg.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_quantiles(frame), fitted.predict_quantiles(frame))
    assert (repr(again.estimator), tuple(again.quantiles)) == (repr(fitted.estimator), tuple(fitted.quantiles))
    assert (again.n_features_in_, list(again.feature_names_in_)) == (2, ["a", "b"])
    again.fit(frame, Y[:80])
    np.testing.assert_array_equal(again.predict_quantiles(frame), fitted.predict_quantiles(frame))


def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path):
    path = tmp_path / "model"
    thalweg.save(IntervalRegressor(LinearRegressor(**SHORT)).fit(X[:80], Y[:80]), path)
    description, arrays = tensors.read(path)
    for change in (
        {"estimators": description["estimators"][:2]},
        {"class": "LinearRegressor"},
        {"parameters": {**description["parameters"], "quantiles": {"tuple": [0.1, 0.9]}}},
        {"parameters": {"quantiles": {"tuple": [0.1, 0.5, 0.9]}}},
        {"estimators": 3},
    ):
        tensors.write(path, {**description, **change}, arrays)
        with pytest.raises(ModelFileError) as caught:
            thalweg.load(path)
        assert caught.value.code == "MODEL-META"
    short = dict(arrays, **{"1:weights.0": arrays["1:weights.0"][:1]})
    tensors.write(path, description, short)
    with pytest.raises(ModelFileError):
        thalweg.load(path)


def test_its_card_tells_of_all(tmp_path):
    thalweg.save(IntervalRegressor(LinearRegressor(**SHORT)).fit(X[:80], Y[:80]), tmp_path / "model")
    told = card(tmp_path / "model")
    assert (told["class"], told["model"]["parameters"], told["format"]) == ("IntervalRegressor", 9, 3)
    assert told["parameters"]["quantiles"] == [0.05, 0.5, 0.95]


def test_an_interval_that_was_written_in_format_3_opens():
    written = Path(__file__).parents[1] / "exchange" / "written" / "estimators-3.thalweg"
    model, rows = thalweg.load(written), np.arange(24.0).reshape(12, 2) / 8
    said = [
        [-0.0658423570027476, 0.2680436467550842],
        [0.007367948735190508, 0.4137915323302995],
        [0.08057825447312861, 0.5595394179055149],
    ]
    np.testing.assert_allclose(model.predict_quantiles(rows)[:3], said, rtol=1e-12)
    model.fit(rows, rows @ [1.0, -0.5] + np.tile([0.0, 0.25, -0.25], 4))
    np.testing.assert_allclose(model.predict_quantiles(rows)[:3], said, rtol=1e-12)
