from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from thalweg.errors import DataError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.formula import loss

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = StandardScaler().fit_transform(IRIS)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
TWO, PAIR = IRIS[50:], NAMES[50:]
FULL = {"batch_size": None, "tol": None, "max_iter": 200, "learning_rate": 0.1, "random_state": 0}

LOSSES = [
    "log_loss", losses.log, losses.softmax, "hinge", "squared_hinge", "modified_huber",
    "squared_error", "absolute_error", "huber", "quantile", "epsilon_insensitive", "squared_epsilon_insensitive",
]  # fmt: skip
KINDS = [LinearClassifier, lambda loss, **told: MLPClassifier(6, loss=loss, **told)]


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
@pytest.mark.parametrize("given", LOSSES, ids=lambda each: getattr(each, "name", each))
def test_every_loss_that_fits_learns_two_classes_and_three(kind, given):
    # One line against the rest cannot see the middle one of three classes under absolute error: 0.66.
    for X, y, least in ((TWO, PAIR, 0.93), (IRIS, NAMES, 0.66)):
        model = kind(given, **FULL).fit(X, y)
        assert model.score(X, y) > least
        scores, predicted = model.decision_function(X), model.predict(X)
        assert scores.shape == ((len(X),) if len(model.classes_) == 2 else (len(X), 3))
        chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        np.testing.assert_array_equal(predicted, model.classes_[chosen])


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
@pytest.mark.parametrize("given", LOSSES, ids=lambda each: getattr(each, "name", each))
def test_only_losses_with_probabilities_have_predict_proba(kind, given):
    name = given if isinstance(given, str) else given.name
    has = name in {"log_loss", "log", "softmax", "modified_huber"}
    for model in (kind(given, **FULL), kind(given, **FULL).fit(IRIS, NAMES), kind(given, **FULL).fit(TWO, PAIR)):
        assert hasattr(model, "predict_proba") == hasattr(model, "predict_log_proba") == has
    if has:
        shares = model.predict_proba(TWO)
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(TWO))
        np.testing.assert_allclose(np.exp(model.predict_log_proba(TWO)), shares, rtol=1e-12)
    else:
        with pytest.raises(AttributeError, match="has no attribute 'predict_proba'") as caught:
            _ = model.predict_proba
        assert "gives no probabilities" in str(caught.value.__cause__)


def test_probabilities_are_those_of_the_link():
    model = LinearClassifier(**FULL).fit(TWO, PAIR)
    z = TWO @ model.coef_[0] + model.intercept_[0]
    np.testing.assert_allclose(model.predict_proba(TWO), np.column_stack([expit(-z), expit(z)]), rtol=1e-12)
    model = LinearClassifier(**FULL).fit(IRIS, NAMES)
    e = np.exp(IRIS @ model.coef_.T + model.intercept_)
    np.testing.assert_allclose(model.predict_proba(IRIS), e / e.sum(axis=1, keepdims=True), rtol=1e-12)
    model = LinearClassifier("modified_huber", **FULL).fit(TWO, PAIR)
    share = (np.clip(TWO @ model.coef_[0] + model.intercept_[0], -1, 1) + 1) / 2
    np.testing.assert_allclose(model.predict_proba(TWO)[:, 1], share, rtol=1e-12)


def test_probabilities_stay_right_far_out():
    model = LinearClassifier(**FULL).fit(TWO, PAIR)
    model.theta_ *= 60
    with np.errstate(all="raise", under="ignore"):
        shares = model.predict_proba(TWO)
    assert np.isfinite(shares).all()
    assert 0 < shares[shares > 0].min() < 1e-100  # not rounded off against 1


def test_one_class_against_the_rest_is_a_two_class_model_per_class():
    model = LinearClassifier(losses.log, **FULL).fit(IRIS, NAMES)
    for k, name in enumerate(model.classes_):
        alone = LinearClassifier(**FULL).fit(IRIS, name == NAMES)
        np.testing.assert_allclose(model.coef_[k], alone.coef_[0], rtol=1e-9)
        assert model.intercept_[k] == pytest.approx(alone.intercept_[0])
    shares = expit(IRIS @ model.coef_.T + model.intercept_)
    np.testing.assert_allclose(model.predict_proba(IRIS), shares / shares.sum(axis=1, keepdims=True), rtol=1e-9)


def test_two_classes_under_softmax_are_log_loss_of_the_difference():
    model = LinearClassifier(losses.softmax, **FULL).fit(TWO, PAIR)
    assert model.coef_.shape == (2, 4)
    np.testing.assert_allclose(model.coef_[0], -model.coef_[1], rtol=1e-9)
    z = TWO @ (model.coef_[1] - model.coef_[0]) + (model.intercept_[1] - model.intercept_[0])
    np.testing.assert_allclose(model.decision_function(TWO), z, rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(TWO)[:, 1], expit(z), rtol=1e-9)


def test_rows_that_no_class_claims_are_shared_out_evenly():
    model = LinearClassifier("modified_huber", **FULL).fit(IRIS, NAMES)
    model.theta_[:] = 0
    model.intercept_[:] = -3  # views: what is written to them is the model's
    np.testing.assert_array_equal(model.predict_proba(IRIS[:2]), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    "labels",
    [np.array([3, 7, 9]), np.array([-1.0, 0.0, 2.0]), np.array(["a", "bb", "c"]), np.array(["x", "y", "z"], object),
     np.array([False, True, True])],
    ids=["ints", "floats", "strings", "objects", "booleans"],
)  # fmt: skip
def test_labels_of_any_kind_come_back_as_they_were(labels):
    y = labels[SPECIES]
    model = LinearClassifier(**FULL).fit(IRIS, y)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    assert model.predict(IRIS).dtype == labels.dtype
    assert (model.predict(IRIS) == y).mean() > 0.9


def test_one_class_is_too_few():
    with pytest.raises(DataError, match="holds the one class setosa; classification needs two or more"):
        LinearClassifier().fit(IRIS[:50], NAMES[:50])


# -- weights of classes


def test_balanced_weights_are_those_of_equal_totals():
    X, y = IRIS[40:], SPECIES[40:]
    counts = np.bincount(y)
    weights = (len(y) / 3 / counts)[y]
    balanced = LinearClassifier(class_weight="balanced", **FULL).fit(X, y)
    weighted = LinearClassifier(**FULL).fit(X, y, weights)
    np.testing.assert_allclose(balanced.theta_, weighted.theta_, rtol=1e-12)


def test_a_class_whose_rows_weigh_nothing_is_left_out_of_the_balance():
    rows = np.where(NAMES == "setosa", 0.0, 1.0)
    model = LinearClassifier(class_weight="balanced", **FULL).fit(IRIS, NAMES, rows)
    expected = LinearClassifier(**FULL).fit(IRIS, NAMES, rows)  # the other two have as many rows
    np.testing.assert_allclose(model.theta_, expected.theta_, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_weights_of_classes_multiply_weights_of_rows(batch_size):
    told = {**FULL, "batch_size": batch_size, "max_iter": 20}
    rows = np.random.default_rng(0).uniform(0.5, 2, size=150)
    per_class = {"setosa": 2.0, "virginica": 0.5}
    model = LinearClassifier(class_weight=per_class, **told).fit(IRIS, NAMES, rows)
    weights = rows * np.array([2.0, 1.0, 0.5])[SPECIES]
    np.testing.assert_allclose(model.theta_, LinearClassifier(**told).fit(IRIS, NAMES, weights).theta_, rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
def test_a_heavier_class_is_predicted_more_often(kind):
    counts = [
        (kind("log_loss", class_weight=weight, **FULL).fit(TWO, PAIR).predict(TWO) == "virginica").sum()
        for weight in ({"versicolor": 50.0}, None, {"virginica": 50.0})
    ]
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"iris": 2.0}, "'iris' is not one of the classes setosa, versicolor, virginica"),
        ({"setosa": -1.0}, "class_weight of 'setosa': must be >= 0, got -1.0"),
        (dict.fromkeys(["setosa", "versicolor", "virginica"], 0), "class_weight: is 0 for all classes"),
        ("balance", "class_weight: must be a dictionary or 'balanced', got 'balance'"),
        ([1, 2, 3], "class_weight: must be a dictionary or 'balanced', got list"),
    ],
)
def test_a_class_weight_that_cannot_be_used_is_named(given, said):
    with pytest.raises(SettingError) as caught:
        LinearClassifier(class_weight=given).fit(IRIS, NAMES)
    assert said in f"{caught.value.where}: {caught.value.what}"


# -- weights of rows


@pytest.mark.parametrize(
    "model",
    [
        LinearRegressor("huber", penalty="l2", **FULL),
        LinearClassifier(penalty="l1", **FULL),
        LinearClassifier("hinge", **FULL),
        MLPRegressor(5, activation="tanh", **{**FULL, "learning_rate": 0.01}),
        MLPClassifier(5, activation="softplus", **{**FULL, "learning_rate": 0.01}),
    ],
    ids=["regressor", "classifier", "margins", "network regressor", "network classifier"],
)
def test_a_weight_is_the_row_that_often(model):
    generator = np.random.default_rng(2)
    counts = generator.integers(0, 4, size=150)
    y = NAMES if hasattr(model, "class_weight") else IRIS @ [1.0, 2.0, -1.0, 0.0] + generator.normal(size=150)
    weighted = model.fit(IRIS, y, sample_weight=counts).theta_
    repeated = model.fit(np.repeat(IRIS, counts, axis=0), np.repeat(y, counts)).theta_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12, atol=1e-14)


def test_only_the_ratios_of_weights_matter():
    weights = np.random.default_rng(0).uniform(1, 3, size=150)
    told = {**FULL, "batch_size": 8, "max_iter": 5}
    once, tenfold = (LinearRegressor(**told).fit(IRIS, SPECIES, w).theta_ for w in (weights, 10 * weights))
    np.testing.assert_allclose(tenfold, once, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.full(150, -1.0), np.ones(149), np.full(150, np.nan), np.zeros(150)])
def test_weights_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match=r"(?i)sample.?weight"):
        LinearRegressor().fit(IRIS, SPECIES, bad)


# -- numbers


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
def test_counts_are_predicted_as_means(kind):
    generator = np.random.default_rng(0)
    counts = generator.poisson(np.exp(1 + IRIS[:, 0]))
    model = kind(loss="poisson", **{**FULL, "learning_rate": 0.03}).fit(IRIS, counts)
    means = model.predict(IRIS)
    assert (means > 0).all()
    assert means.sum() == pytest.approx(counts.sum(), rel=0.01)
    with pytest.raises(DataError, match=r"DATA-TARGET-RANGE\] y: is -2 in row 7; the loss poisson takes numbers >= 0"):
        model.fit(IRIS, np.where(np.arange(150) == 7, -2, counts))
    assert model.__sklearn_tags__().target_tags.positive_only
    assert not kind().__sklearn_tags__().target_tags.positive_only


def test_quantiles_leave_their_share_below():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(400, 1)), generator.exponential(size=400)
    told = {"learning_rate": 0.05, "schedule": "cosine", "batch_size": None, "max_iter": 500, "tol": None}
    for q in (0.1, 0.5, 0.9):
        line = LinearRegressor(losses.quantile(quantile=q), **told).fit(X, y)
        assert (y < line.predict(X)).mean() == pytest.approx(q, abs=0.015)


def test_one_output_is_flat_where_y_is_flat_and_a_column_where_y_is_a_column():
    flat, column = LinearRegressor(**FULL).fit(IRIS, SPECIES), LinearRegressor(**FULL).fit(IRIS, SPECIES.reshape(-1, 1))
    assert (flat.coef_.shape, flat.intercept_.shape, flat.predict(IRIS).shape) == ((4,), (1,), (150,))
    assert (column.coef_.shape, column.intercept_.shape, column.predict(IRIS).shape) == ((1, 4), (1,), (150, 1))
    np.testing.assert_array_equal(flat.theta_, column.theta_)


def test_networks_have_several_outputs_too():
    Y = np.column_stack([np.sin(IRIS[:, 0]), IRIS[:, 1] * IRIS[:, 2]])
    net = MLPRegressor(30, activation="tanh", **{**FULL, "max_iter": 500, "learning_rate": 0.02}).fit(IRIS, Y)
    assert net.predict(IRIS).shape == (150, 2)
    assert net.score(IRIS, Y) > 0.98


def test_a_target_that_the_dtype_cannot_hold_is_refused():
    with pytest.raises(DataError, match="y: holds numbers that float32 cannot"):
        LinearRegressor().fit(IRIS.astype(np.float32), np.full(150, 1e300))


@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_of_the_features_is_kept(kind, dtype):
    X = IRIS.astype(dtype)
    model = kind(batch_size=16, max_iter=3, tol=None).fit(X, SPECIES, np.ones(150))
    assert model.theta_.dtype == model.state_.dtype == dtype
    outcome = model.predict(X) if kind in (LinearRegressor, MLPRegressor) else model.predict_proba(X)
    assert outcome.dtype == dtype
    assert model.record_.settings["dtype"] == dtype


@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier])
def test_arrays_of_parameters_are_views_of_theta_and_do_not_exist_before_a_fit(kind):
    model = kind(max_iter=2, tol=None)
    names = ("coef_", "intercept_") if kind in (LinearRegressor, LinearClassifier) else ("coefs_", "intercepts_")
    assert not any(hasattr(model, name) for name in names)
    with pytest.raises(NotFittedError):
        model.predict(IRIS)
    model.fit(IRIS, SPECIES)
    arrays = [getattr(model, name) for name in names]
    flat = [array for each in arrays for array in (each if isinstance(each, list) else [each])]
    assert all(np.shares_memory(array, model.theta_) for array in flat)
    assert sum(array.size for array in flat) == model.theta_.size


# -- losses of one's own


@loss(target="binary", inverse_link="logistic")
def brier(y, z):
    p = 1 / (1 + np.exp(-z))
    return (p - y) * (p - y) / 2, (p - y) * p * (1 - p)


@loss(target="real")
def log_cosh(y, z):
    r = z - y
    return np.log(np.cosh(r)), np.tanh(r)


def test_a_loss_of_ones_own_classifies_with_probabilities():
    model = LinearClassifier(brier, optimizer="adam", **FULL).fit(TWO, PAIR)
    assert model.score(TWO, PAIR) > 0.95
    np.testing.assert_allclose(model.predict_proba(TWO)[:, 1], expit(model.decision_function(TWO)), rtol=1e-12)
    assert LinearClassifier(brier, **FULL).fit(IRIS, NAMES).predict_proba(IRIS).shape == (150, 3)


def test_a_loss_of_ones_own_regresses():
    y = IRIS @ [1.0, 2.0, -1.0, 0.5]
    assert LinearRegressor(log_cosh, **FULL).fit(IRIS, y).score(IRIS, y) > 0.999
