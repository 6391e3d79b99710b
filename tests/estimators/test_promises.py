"""Weights mean repetition, threads do not mix, and weights find their way through pipelines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(30, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + GENERATOR.normal(size=30)
C = np.digitize(Y, [-1.0, 1.0])
KINDS = [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier]

FULL = {"batch_size": None, "max_iter": 8, "tol": None, "random_state": 0}
WEIGHED = [
    LinearRegressor(learning_rate=0.1, **FULL),
    LinearRegressor("huber", penalty="l2", optimizer="momentum", learning_rate=0.05, clip_norm=1.0, **FULL),
    LinearClassifier("squared_hinge", optimizer="gradient_descent", learning_rate=0.05, **FULL),
    MLPRegressor(5, activation="tanh", learning_rate=0.02, **FULL),
    MLPClassifier((6, 4), activation="softplus", penalty="l2", learning_rate=0.02, **FULL),
]


def target(model):
    return C if hasattr(model, "class_weight") else Y


@pytest.mark.parametrize("model", WEIGHED, ids=["squares", "huber", "margins", "network", "deep network"])
@given(counts=st.lists(st.integers(0, 4), min_size=30, max_size=30))
@settings(max_examples=50)
def test_in_full_batches_a_weight_is_the_row_that_often(model, counts):
    assume(len(set(C[np.array(counts) > 0])) == 3)
    y = target(model)
    weighted = model.fit(X, y, sample_weight=counts).theta_.copy()
    repeated = model.fit(np.repeat(X, counts, axis=0), np.repeat(y, counts)).theta_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12, atol=1e-14)


@pytest.mark.deep
@pytest.mark.parametrize("batch", [1, 4])
def test_in_random_batches_a_weight_is_the_row_that_often_on_average(batch):
    """Rows that are drawn anew for every update move least squares as all rows do, on average over the draws."""
    counts = np.random.default_rng(7).integers(0, 4, size=30)
    weights = counts / counts.mean()
    repeated = np.repeat(X, counts, axis=0), np.repeat(Y, counts), np.ones(counts.sum())
    ends = [
        np.array([after_random_batches(rows, batch, seed) for seed in range(first, first + 200)])
        for first, rows in ((0, (X, Y, weights)), (1000, repeated), (2000, (X, Y, np.ones(30))))
    ]
    means, errors = [end.mean(axis=0) for end in ends], [end.std(axis=0) / 200**0.5 for end in ends]
    assert (np.abs(means[0] - means[1]) < 3 * np.hypot(errors[0], errors[1])).all()
    assert (np.abs(means[0] - means[2]) > 3 * np.hypot(errors[0], errors[2])).any()  # weights do matter here


def after_random_batches(rows, batch, seed):
    generator = np.random.default_rng(seed)
    line = LinearRegressor(optimizer="gradient_descent", learning_rate=0.1, batch_size=None)
    for _ in range(10):
        drawn = generator.integers(0, len(rows[0]), size=batch)
        if rows[2][drawn].any():  # rows without weight move nothing, and are refused where there are no others
            line.partial_fit(*(each[drawn] for each in rows))
    return line.theta_


# -- threads

MANY = {"max_iter": 5, "tol": None}
FITS = [
    LinearRegressor(batch_size=4, random_state=1, **MANY),
    LinearRegressor("huber", optimizer="rmsprop", batch_size=1, random_state=2, **MANY),
    LinearRegressor(penalty="l1", optimizer="gradient_descent", learning_rate=0.05, batch_size=None, **MANY),
    LinearClassifier(optimizer="momentum", learning_rate=0.05, batch_size=8, random_state=3, **MANY),
    LinearClassifier(losses.log, schedule="cosine", batch_size=1, random_state=4, **MANY),
    MLPRegressor(40, dropout=0.3, batch_size=8, random_state=5, **MANY),
    MLPRegressor((6, 4), activation="tanh", optimizer="adamw", batch_size=20, random_state=6, **MANY),
    MLPClassifier((40, 8), dropout=(0.2, 0.4), clip_norm=1.0, batch_size=10, random_state=7, **MANY),
]  # fmt: skip


def test_fits_in_eight_threads_have_the_bits_of_fits_in_one():
    alone = [clone(model).fit(X, target(model)) for model in FITS]
    order = GENERATOR.permutation(np.repeat(np.arange(len(FITS)), 30))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda k: clone(FITS[k]).fit(X, target(FITS[k])), order))
    for k, model in zip(order, together, strict=True):
        np.testing.assert_array_equal(model.theta_, alone[k].theta_)
        assert model.loss_curve_ == alone[k].loss_curve_


def test_one_fitted_model_predicts_in_eight_threads_at_once():
    model = MLPClassifier((40, 8), random_state=0, **MANY).fit(X, C)
    with ThreadPoolExecutor(8) as pool:
        for likely in pool.map(lambda _: model.predict_proba(X), range(200)):
            np.testing.assert_array_equal(likely, model.predict_proba(X))


# -- neighbours


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_prediction_does_not_depend_on_its_neighbours(kind, dtype):
    rows = GENERATOR.normal(size=(10_000, 4)).astype(dtype)
    rows[::3, 1] = 0
    model = kind(max_iter=2, tol=None, random_state=0)
    model.fit(X.astype(dtype), target(model))
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    together = ask(rows)
    order = GENERATOR.permutation(10_000)
    np.testing.assert_array_equal(ask(rows[order]), together[order])
    np.testing.assert_array_equal(ask(np.asfortranarray(rows)), together)
    np.testing.assert_array_equal(ask(csr_array(rows)), together)
    for k in order[:50]:
        np.testing.assert_array_equal(ask(rows[k : k + 1]), together[k : k + 1])
        np.testing.assert_array_equal(ask(rows[k : k + 7]), together[k : k + 7])


# -- routing

WEIGHTS = GENERATOR.uniform(0.5, 2, size=30)
TOLD = {"batch_size": None, "max_iter": 20, "tol": None, "random_state": 0, "learning_rate": 0.05}


@pytest.fixture
def routed():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routed")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_reach_the_estimator_at_the_end_of_a_pipeline(kind):
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    model = kind(**TOLD).set_fit_request(sample_weight=True)
    line = make_pipeline(scaler, model).fit(X, target(model), sample_weight=WEIGHTS)
    direct = kind(**TOLD).fit(StandardScaler().fit_transform(X), target(model), WEIGHTS)
    np.testing.assert_array_equal(line[-1].theta_, direct.theta_)


@pytest.mark.usefixtures("routed")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_follow_their_rows_through_searches_and_validations(kind):
    model = kind(**TOLD).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    y = target(model)
    parts = [(np.arange(20), np.arange(20, 30)), (np.arange(10, 30), np.arange(10))]
    search = GridSearchCV(model, {"learning_rate": [0.05, 1e-3]}, cv=parts, refit=False)
    found = search.fit(X, y, sample_weight=WEIGHTS).cv_results_["split1_test_score"][0]
    train, test = parts[1]
    fitted = kind(**TOLD).fit(X[train], y[train], WEIGHTS[train])
    assert found == fitted.score(X[test], y[test], WEIGHTS[test])
    checked = cross_validate(model, X, y, cv=parts, params={"sample_weight": WEIGHTS})
    assert checked["test_score"][1] == found


@pytest.mark.usefixtures("routed")
def test_passes_ask_for_weights_and_classes_too():
    asked = LinearClassifier().set_partial_fit_request(sample_weight=True, classes=True).get_metadata_routing()
    assert asked.partial_fit.requests == {"sample_weight": True, "classes": True}
    assert "sample_weight" in LinearRegressor().get_metadata_routing().partial_fit.requests
