"""Averaged, accumulated and softened fits: what the estimators hand out, and what they go on from."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from thalweg.errors import SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.estimators.files import load, save
from thalweg.formulas import losses

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=60)
C = (Y > 0).astype(int)
THREE = np.digitize(Y, [-1, 1])
FIXED = {"batch_size": 6, "learning_rate": 0.05, "tol": None, "random_state": 0}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_coefficients_are_the_mean_of_all_iterates(dtype):
    told = {**FIXED, "batch_size": None, "max_iter": 5}
    model = LinearRegressor(average=True, **told).fit(X.astype(dtype), Y)
    steps = [LinearRegressor(**{**told, "max_iter": k}).fit(X.astype(dtype), Y).theta_ for k in range(1, 6)]
    np.testing.assert_allclose(model.theta_, np.mean(steps, axis=0), rtol=1e-6 if dtype == np.float32 else 1e-12)
    np.testing.assert_array_equal(model.last_iterate_, steps[-1])
    assert model.theta_.dtype == model.last_iterate_.dtype == dtype
    np.testing.assert_allclose(model.predict(X), X @ model.coef_ + model.intercept_, rtol=1e-4)


@pytest.mark.parametrize(
    ("average", "weights"),
    [
        ("polyak", [1, 1, 1, 1, 1]),
        (3, [0, 0, 1, 1, 1]),
        (1, [1, 1, 1, 1, 1]),
        (0.5, [1, 2, 4, 8, 16]),
        ("ema", 0.999 ** np.arange(4, -1, -1)),
    ],
)
def test_every_way_of_averaging_has_its_weights(average, weights):
    told = {**FIXED, "batch_size": None}
    model = LinearRegressor(average=average, max_iter=5, **told).fit(X, Y)
    steps = [LinearRegressor(max_iter=k, **told).fit(X, Y).theta_ for k in range(1, 6)]
    np.testing.assert_allclose(model.theta_, np.average(steps, axis=0, weights=weights), rtol=1e-12)


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
@pytest.mark.parametrize("average", [True, 15, 0.9])
def test_a_fit_goes_on_from_the_last_iterate_and_from_the_mean(kind, average):
    whole = kind(**FIXED, average=average, max_iter=4).fit(X, Y)
    parts = kind(**FIXED, average=average, max_iter=2, warm_start=True).fit(X, Y)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, Y)  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(parts.theta_, whole.theta_)
    np.testing.assert_array_equal(parts.last_iterate_, whole.last_iterate_)
    assert abs(whole.theta_ - whole.last_iterate_).max() > 1e-3


def test_passes_go_on_from_the_mean_too():
    told = {**FIXED, "shuffle": False}
    whole = LinearRegressor(**told, average=True, max_iter=2).fit(X, Y)
    parts = LinearRegressor(**told, average=True).partial_fit(X, Y).partial_fit(X, Y)
    np.testing.assert_allclose(parts.theta_, whole.theta_, rtol=1e-12)


def test_what_was_averaged_goes_on_without_a_mean_and_the_other_way_round():
    told = {**FIXED, "max_iter": 2, "warm_start": True}
    model = LinearRegressor(**told, average=True).fit(X, Y)
    model.set_params(average=False).fit(X, Y)
    plain = LinearRegressor(**told).fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(model.theta_, plain.theta_)
    assert model.last_iterate_ is model.theta_
    plain.set_params(average=True, max_iter=1).fit(X, Y)
    assert abs(plain.theta_ - plain.last_iterate_).max() > 0


def test_another_rule_begins_another_mean():
    told = {**FIXED, "max_iter": 2, "warm_start": True, "average": True}
    model = LinearRegressor(**told).fit(X, Y)
    before = model.last_iterate_
    model.set_params(optimizer="gradient_descent", learning_rate=1e-300).fit(X, Y)
    np.testing.assert_allclose(model.theta_, before, rtol=1e-12)


def test_a_model_file_holds_both(tmp_path):
    model = LinearRegressor(**FIXED, average=True, max_iter=2, warm_start=True).fit(X, Y)
    save(model, tmp_path / "m.thalweg")
    again = load(tmp_path / "m.thalweg")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.fit(X, Y).theta_, model.fit(X, Y).theta_)


WRONG = [
    ({"average": "mean"}, "must be True, False, 'polyak', 'ema', an integer >= 1 or a number in (0, 1)"),
    ({"average": 0}, "must be an integer >= 1"),
    ({"average": 1.0}, "must be in (0, 1)"),
    ({"average": None}, "must be True, False"),
    ({"accumulate": 0}, "must be an integer >= 1"),
    ({"accumulate": 2, "batch_size": None}, "with full batches, which are one update each"),
    ({"gradient_norm": 1}, "must be True or False"),
    ({"scoring": 3}, "must be a name, a callable or None"),
]


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
@pytest.mark.parametrize(("params", "said"), WRONG, ids=[str(case[0]) for case in WRONG])
def test_what_cannot_be_used_is_refused_by_name(kind, params, said):
    with pytest.raises(SettingError) as caught:
        kind(**params).fit(X, Y)
    assert said in str(caught.value)
    assert next(iter(params)) in str(caught.value)


def test_batches_accumulate():
    told = {**FIXED, "max_iter": 4}
    parts = MLPRegressor(8, **told, accumulate=5).fit(X, Y)
    whole = MLPRegressor(8, **{**told, "batch_size": 30}).fit(X, Y)
    assert parts.t_ == whole.t_ == 8
    np.testing.assert_allclose(parts.theta_, whole.theta_, rtol=1e-9)


def test_a_search_goes_through_them():
    grid = {"average": [False, "polyak", 0.9, 20], "accumulate": [1, 2], "label_smoothing": [0.0, 0.2]}
    search = GridSearchCV(LinearClassifier(**FIXED, max_iter=2), grid, cv=2, error_score="raise").fit(X, C)
    assert len(search.cv_results_["params"]) == 16
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_estimator_.average == search.best_params_["average"]


# -- label smoothing


@pytest.mark.parametrize(
    ("kind", "targets"), [(LinearClassifier, C), (LinearClassifier, THREE), (MLPClassifier, THREE)]
)
def test_smoothed_labels_are_soft_targets(kind, targets):
    """Its optimum: where each class has the smoothed share of its rows."""
    told = {"penalty": "l2", "alpha": 0.0, "optimizer": "adam", "learning_rate": 0.05, "tol": None, "batch_size": None}
    model = kind(**told, label_smoothing=0.3, max_iter=1500, random_state=0).fit(np.zeros((60, 1)), targets)
    shares = np.bincount(targets) / 60
    np.testing.assert_allclose(model.predict_proba([[0.0]])[0], 0.7 * shares + 0.3 / shares.size, rtol=1e-6)


def test_one_question_per_class_is_smoothed_as_two_classes():
    told = {"learning_rate": 0.05, "tol": None, "batch_size": None, "max_iter": 1500}
    model = LinearClassifier(losses.log, label_smoothing=0.3, **told).fit(np.zeros((60, 1)), THREE)
    shares = 0.7 * np.bincount(THREE) / 60 + 0.15
    np.testing.assert_allclose(1 / (1 + np.exp(-model.intercept_)), shares, rtol=1e-6)


@pytest.mark.parametrize("loss", ["hinge", "modified_huber", "squared_error"])
def test_a_loss_that_takes_classes_only_cannot_be_smoothed(loss):
    with pytest.raises(SettingError, match=r"label_smoothing: is 0\.1, and \w+ takes no probabilities"):
        LinearClassifier(loss, label_smoothing=0.1).fit(X, C)


@pytest.mark.parametrize("share", [-0.1, 1.0, "0.1"])
def test_a_share_is_between_none_and_all(share):
    with pytest.raises(SettingError, match="label_smoothing"):
        LinearClassifier(label_smoothing=share).fit(X, C)


# -- accounts of epochs


def test_curves_go_on_over_fits():
    model = LinearRegressor(**FIXED, schedule="cosine", gradient_norm=True, max_iter=3, warm_start=True).fit(X, Y)
    first = list(model.gradient_norm_curve_)
    model.fit(X, Y)
    assert model.gradient_norm_curve_[:3] == first
    assert len(model.loss_curve_) == len(model.gradient_norm_curve_) == len(model.learning_rate_curve_) == 6
    assert model.learning_rate_curve_[0] < 0.05
    assert LinearRegressor(**FIXED, max_iter=3).fit(X, Y).gradient_norm_curve_ == []


def test_the_norm_of_a_full_batch_is_that_of_the_gradient_at_the_start():
    model = LinearRegressor(**{**FIXED, "batch_size": None}, gradient_norm=True, max_iter=1).fit(X, Y)
    slope = np.append(-X.T @ Y, -Y.sum()) / 60
    np.testing.assert_allclose(model.gradient_norm_curve_, [np.linalg.norm(slope)], rtol=1e-12)
