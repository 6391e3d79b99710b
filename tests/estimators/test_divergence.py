from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.errors import DivergedError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses

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
    assert "Lower learning_rate, which is 1e+06" in said
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


def test_a_feature_too_large_is_named_by_its_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X * [1.0, 1.0, 1e6], columns=["a", "b", "income"])
    with pytest.raises(DivergedError, match="Scale the features: column 'income' reaches"):
        LinearRegressor(optimizer="sgd", tol=None).fit(frame, Y)


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
