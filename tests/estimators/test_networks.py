from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons

from thalweg.estimators import LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import penalties
from thalweg.formulas.activations import leaky_relu
from thalweg.formulas.formula import activation

X, C = make_moons(200, noise=0.2, random_state=0)
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
FULL = {"batch_size": None, "tol": None, "random_state": 0}


def forward(net, rows):
    """Predict by hand, from the public attributes alone."""
    for w, b, formula in zip(net.coefs_, net.intercepts_, ACTIVATIONS, strict=False):
        rows = formula(rows @ w + b)
    return rows @ net.coefs_[-1] + net.intercepts_[-1]


ACTIVATIONS = (np.tanh, lambda z: np.where(z > 0, z, 0.2 * z))


def test_the_attributes_are_the_whole_network():
    told = {"activation": ("tanh", leaky_relu(slope=0.2)), "max_iter": 50, "learning_rate": 0.02, **FULL}
    net = MLPRegressor((7, 5), **told).fit(X, Y)
    assert [w.shape for w in net.coefs_] == [(2, 7), (7, 5), (5, 1)]
    assert [b.shape for b in net.intercepts_] == [(7,), (5,), (1,)]
    np.testing.assert_allclose(net.predict(X), forward(net, X)[:, 0], rtol=1e-12)


def test_dropout_acts_in_training_and_never_in_prediction():
    told = {"activation": ACTIVATION_NAMES, "max_iter": 50, "learning_rate": 0.02, **FULL}
    plain, dropped = MLPRegressor((7, 5), **told).fit(X, Y), MLPRegressor((7, 5), dropout=(0.5, 0.0), **told).fit(X, Y)
    assert not np.allclose(plain.theta_, dropped.theta_)
    np.testing.assert_allclose(dropped.predict(X), forward(dropped, X)[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
    # Measured with units dropped, the loss is another than that of the prediction.
    assert abs(dropped.loss_curve_[-1] - ((dropped.predict(X) - Y) ** 2).mean() / 2) > 1e-3


ACTIVATION_NAMES = ("tanh", leaky_relu(slope=0.2))


def test_a_network_learns_moons():
    model = MLPClassifier((16, 8), learning_rate=0.02, max_iter=150, tol=None, dropout=0.05, random_state=0)
    assert model.fit(X, C).score(X, C) > 0.96


@pytest.mark.parametrize("alphas", [(0.0, 10.0), (10.0, 0.0)])
def test_a_penalty_per_layer_shrinks_its_layer(alphas):
    told = {"max_iter": 200, "learning_rate": 0.02, **FULL}
    net = MLPRegressor(10, penalty="l2", alpha=alphas, **told).fit(X, Y)
    plain = MLPRegressor(10, **told).fit(X, Y)
    for strength, w, free in zip(alphas, net.coefs_, plain.coefs_, strict=True):
        assert (np.abs(w).mean() < 0.1 * np.abs(free).mean()) == (strength > 0)


def test_the_curve_holds_the_penalty_of_every_layer():
    start = MLPRegressor(10, penalty="l2", alpha=(0.5, 2.0), max_iter=1, **FULL).fit(X, Y)
    plain = MLPRegressor(10, max_iter=1, optimizer="sgd", learning_rate=1e-300, **FULL).fit(X, Y)
    extra = sum(a / 2 * (w**2).sum() for a, w in zip((0.5, 2.0), plain.coefs_, strict=True))
    assert start.loss_curve_[0] == pytest.approx(plain.loss_curve_[0] + extra, rel=1e-12)


def test_lasso_on_one_layer_leaves_exact_zeros_there_and_no_biases_suffer():
    told = {"max_iter": 800, "learning_rate": 0.02, "schedule": "cosine", **FULL}
    penalty = (penalties.l1(alpha=0.02), None)
    net = MLPRegressor(20, activation="tanh", penalty=penalty, **told).fit(X, Y)
    assert (net.coefs_[0] == 0).mean() > 0.4
    assert not (net.coefs_[1] == 0).any()
    assert not (net.intercepts_[0] == 0).all()
    assert net.score(X, Y) > 0.9


@pytest.mark.parametrize("name", ["he", "glorot", "lecun", "uniform"])
def test_weights_start_as_asked_and_biases_at_zero(name):
    held = MLPRegressor((60, 50), initialisation=name, optimizer="sgd", learning_rate=1e-300, max_iter=1, **FULL).fit(
        X, Y
    )
    assert max(np.abs(b).max() for b in held.intercepts_) < 1e-290
    middle = held.coefs_[1]
    spread = {"he": (2 / 60) ** 0.5, "glorot": (2 / 110) ** 0.5, "lecun": (1 / 60) ** 0.5, "uniform": (1 / 12) ** 0.5}
    assert middle.std() == pytest.approx(spread[name], rel=0.05)
    assert middle.mean() == pytest.approx(0.5 if name == "uniform" else 0, abs=0.02)


@activation
def bent(z):
    a = z / (1 + np.abs(z))
    return a, (1 - np.abs(a)) ** 2


def test_an_activation_of_ones_own_stands_beside_the_others():
    net = MLPRegressor((8, 8), activation=(bent, "relu"), max_iter=400, learning_rate=0.02, **FULL).fit(X, Y)
    assert net.score(X, Y) > 0.95
    hidden = X @ net.coefs_[0] + net.intercepts_[0]
    hidden = np.maximum(hidden / (1 + np.abs(hidden)) @ net.coefs_[1] + net.intercepts_[1], 0)
    np.testing.assert_allclose(net.predict(X), (hidden @ net.coefs_[2] + net.intercepts_[2])[:, 0], rtol=1e-10)


def test_a_network_of_one_layer_size_may_be_given_as_a_number():
    one, tuple_of_one = (MLPRegressor(size, max_iter=3, **FULL).fit(X, Y) for size in (6, (6,)))
    np.testing.assert_array_equal(one.theta_, tuple_of_one.theta_)
    array = MLPRegressor(np.array([6]), max_iter=3, **FULL).fit(X, Y)
    np.testing.assert_array_equal(one.theta_, array.theta_)


def test_data_frames_give_names_that_prediction_checks():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["east", "north"])
    line = LinearRegressor(max_iter=3, tol=None, random_state=0).fit(frame, pandas.Series(Y))
    assert list(line.feature_names_in_) == ["east", "north"]
    np.testing.assert_array_equal(line.theta_, LinearRegressor(max_iter=3, tol=None, random_state=0).fit(X, Y).theta_)
    with pytest.raises(ValueError, match="feature names should match"):
        line.predict(frame[["north", "east"]])
