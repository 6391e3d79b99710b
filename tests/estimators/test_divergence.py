from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.errors import DivergedError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses

# What diverges here is made to: with rates and penalties that are warned of.
pytestmark = pytest.mark.filterwarnings("ignore:.*(far beyond any that serves|turns the signs of the weights)")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5] + 1
C = (Y > 1).astype(int)
FAR = {"optimizer": "gradient_descent", "learning_rate": 1e6, "tol": None, "random_state": 0}

DIVERGING = {
    "squares": LinearRegressor(**FAR),
    "squares, full batch": LinearRegressor(**FAR, batch_size=None),
    "squared tube": LinearRegressor("squared_epsilon_insensitive", **FAR),
    "counts": LinearRegressor("poisson", **FAR),
    "ridge": LinearRegressor(penalty="l2", alpha=1e9, **FAR),
    "squared hinge": LinearClassifier("squared_hinge", **FAR),
    "softmax, penalised": LinearClassifier(losses.softmax, penalty="l2", alpha=1.0, **FAR),
    "network": MLPRegressor(4, **FAR),
    "deep linear network, full batch": MLPRegressor((4, 4), activation="identity", **FAR, batch_size=None),
    "network, squares of classes": MLPClassifier(4, loss="squared_error", **FAR),
}


def target(model):
    return C if hasattr(model, "class_weight") else np.abs(Y)


@pytest.mark.parametrize("model", DIVERGING.values(), ids=DIVERGING)
def test_a_divergence_is_raised_with_epoch_quantity_and_advice(model):
    with pytest.raises(DivergedError) as caught:
        model.fit(X, target(model))
    found = model.record_.divergence
    assert model.record_.status == "diverged"
    said = str(caught.value)
    assert found.message in said
    assert f"epoch {found.epoch}" in said
    assert "Lower learning_rate from 1e+06 to " in said
    assert len(said.splitlines()) <= 5


@pytest.mark.parametrize("model", DIVERGING.values(), ids=DIVERGING)
def test_the_last_finite_weights_are_kept_and_predict(model):
    with pytest.raises(DivergedError):
        model.fit(X, target(model))
    assert np.isfinite(model.theta_).all()
    assert np.isfinite(model.loss_curve_).all()
    if model.loss != "poisson":  # whose finite scores have no finite exponential
        assert len(model.predict(X)) == 80
    assert model.t_ <= model.record_.divergence.step


def test_what_was_kept_can_go_on_at_a_lower_rate():
    line = LinearRegressor(**FAR, batch_size=None, warm_start=True)
    with pytest.raises(DivergedError):
        line.fit(X, Y)
    line.set_params(learning_rate=0.3, max_iter=400).fit(X, Y)
    assert line.score(X, Y) > 0.999


def test_early_stopping_keeps_the_best_epoch_before_a_divergence():
    line = LinearRegressor(optimizer="sgd", learning_rate=2.5, batch_size=None, n_iter_no_change=900)
    line.set_params(early_stopping=True, random_state=0)
    with pytest.raises(DivergedError):
        line.fit(X, Y)
    assert line.best_epoch_ == np.argmin(line.validation_curve_) + 1
    assert line.validation_curve_[line.best_epoch_ - 1] < 1e3


def test_a_pass_that_diverges_is_raised_too():
    line = LinearRegressor(optimizer="sgd", learning_rate=1e200, batch_size=1)
    with pytest.raises(DivergedError):
        line.partial_fit(X, Y)
    assert np.isfinite(line.theta_).all()


@pytest.mark.parametrize("sparse", [False, True])
def test_a_feature_too_large_is_named(sparse):
    rows = X * [1.0, 1e150, 1.0]
    with pytest.raises(DivergedError, match=r"Scale the features: column 1 reaches 3\.\d+e\+150"):
        LinearRegressor("squared_error", optimizer="sgd").fit(csr_array(rows) if sparse else rows, Y)


@pytest.mark.parametrize("learning_rate", ["auto", "range_test"])
@pytest.mark.parametrize("size", [1e80, 1e150, 1e300])
def test_a_feature_for_which_no_rate_is_found_is_named(learning_rate, size):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X * [1.0, size, 1.0], columns=["a", "income", "c"])
    line = LinearRegressor(learning_rate=learning_rate, random_state=0)
    with pytest.raises(DivergedError, match=r"Scale the features: column 'income' reaches \d\.\d+e\+"):
        line.fit(frame, Y)


def test_a_feature_too_large_is_named_by_its_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X * [1.0, 1.0, 1e6], columns=["a", "b", "income"])
    with pytest.raises(DivergedError, match="Scale the features: column 'income' makes 100 % of the steepest"):
        LinearRegressor(optimizer="sgd", learning_rate=0.01, tol=None).fit(frame, Y)


@pytest.mark.parametrize("batch_size", [None, 1])
def test_the_rate_is_held_against_theorys_limit(batch_size):
    """The largest eigenvalue of [[1, 0], [0, 100]] is 100: gradient descent in full batches is stable below 2 / 100."""
    rows = np.array([[1.0, 10.0], [-1.0, 10.0], [1.0, -10.0], [-1.0, -10.0]])
    line = LinearRegressor(optimizer="sgd", learning_rate=5.0, batch_size=batch_size, fit_intercept=False, tol=None)
    with pytest.raises(DivergedError) as caught:
        line.fit(rows, rows @ [1.0, 1.0])
    said = str(caught.value)
    if batch_size is None:
        assert "By theory gradient_descent is stable below 0.02." in said
        assert "Lower learning_rate from 5 to 0.01, or bound" in said
    assert "column 1 makes 100 % of the steepest direction, its values are 10 times the median column's." in said
    told = float(re.search(r"from 5 to (\S+),", said)[1])
    line.set_params(learning_rate=told).fit(rows, rows @ [1.0, 1.0])


def test_theory_is_asked_for_batches_as_large_as_those_of_an_update():
    """Batches whose gradients add up to one update are one batch so many times as large, and no noisier."""
    rows = np.random.default_rng(0).normal(size=(64, 2))
    said = []
    for batch in ({"batch_size": 1, "accumulate": 32}, {"batch_size": 32}):
        line = LinearRegressor(optimizer="sgd", learning_rate=60.0, fit_intercept=False, tol=None, random_state=0)
        with pytest.raises(DivergedError, match="By theory gradient_descent") as caught:
            line.set_params(**batch).fit(rows, rows @ [1.0, 1.0])
        said.append(re.search("By theory .*", str(caught.value))[0])
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("sizes", "activation", "layer"), [((4,), "identity", 2), ((4, 4, 4), "relu", 4), ((4, 4), ("relu", "tanh"), 3)]
)
def test_the_layer_that_broke_first_is_named(sizes, activation, layer):
    """A gradient comes back from the output: the last layer is the first to leave the finite numbers."""
    network = MLPRegressor(sizes, activation=activation, **{**FAR, "learning_rate": 1e200})
    with pytest.raises(DivergedError, match=rf"first by layer {layer} of {len(sizes) + 1} \(4 to 1\)"):
        network.fit(X, Y * 1e150)
    assert network.record_.divergence.layer == layer


def test_a_layer_whose_units_overflow_is_named():
    network = MLPRegressor((4, 3), activation="identity", initialisation="uniform", warm_start=True, **FAR)
    network.set_params(learning_rate=1e-9, max_iter=1).fit(X, Y)
    for large in network.coefs_:
        large[:] = 1e160
    with pytest.raises(
        DivergedError, match=r"the loss is not finite at update \d+, .* left by layer 2 of 3 \(4 to 3\)"
    ):
        network.fit(X, Y)


def test_a_target_too_large_is_named():
    with pytest.raises(DivergedError, match=r"Scale the target: it reaches 5\.\d+e\+200"):
        LinearRegressor(optimizer="sgd", tol=None).fit(X, Y * 1e200)


def test_converging_runs_are_not_called_diverged():
    for rate in (1e-4, 1e-2, 0.3):
        for kind in (LinearRegressor, MLPRegressor):
            kind(optimizer="sgd", learning_rate=rate / 3, batch_size=10, max_iter=50, tol=None, random_state=0).fit(
                X, Y
            )


def test_clipping_keeps_a_steep_start_finite():
    steep = {**FAR, "learning_rate": 0.5, "batch_size": None, "max_iter": 300}
    with pytest.raises(DivergedError, match="or bound the gradient: clip_norm=1"):
        LinearRegressor(**steep).fit(10 * X, Y)
    assert np.isfinite(LinearRegressor(**steep, clip_norm=0.1).fit(10 * X, Y).theta_).all()


RULES = (
    "gradient_descent",
    "momentum",
    "nesterov",
    "ema_momentum",
    "qhm",
    "adam",
    "rmsprop",
    "adagrad",
    "nadam",
    "lion",
)
SQUARES = ("squared_error", "squared_epsilon_insensitive", "poisson")


@pytest.mark.deep
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", SQUARES)
@pytest.mark.parametrize("batch_size", [None, 8])
def test_sixty_rates_that_are_far_too_high_are_called(rule, loss, batch_size):
    line = LinearRegressor(loss, optimizer=rule, learning_rate=1e170, batch_size=batch_size, tol=None, random_state=0)
    with pytest.raises(DivergedError):
        line.fit(X, np.abs(Y))
    assert line.record_.status == "diverged"
    assert line.record_.divergence.quantity in {"loss", "gradient", "parameters", "loss grew"}
    assert np.isfinite(line.theta_).all()


@pytest.mark.deep
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", [*SQUARES, "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("learning_rate", [1e-6, 1e-5, 1e-4, 3e-4, 1e-3])
def test_three_hundred_rates_that_are_low_are_not(rule, loss, learning_rate):
    line = LinearRegressor(loss, optimizer=rule, learning_rate=learning_rate, max_iter=100, tol=None, random_state=0)
    line.fit(X, np.abs(Y))
    assert line.record_.status == "finished"
    assert line.loss_curve_[-1] <= line.loss_curve_[0]
