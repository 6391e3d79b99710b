"""Early stopping on rows of the caller's and on scores: what is watched, what is kept."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_absolute_error, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from thalweg.errors import DataError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(120, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 2 * GENERATOR.normal(size=120)
C = np.array(["no", "yes"])[(Y > 0).astype(int)]
WEIGHTS = GENERATOR.random(40)
FIT, HELD = slice(0, 80), slice(80, 120)
STOPPING = {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 5, "learning_rate": 0.05, "random_state": 0}


def fit(kind, targets, weights=None, **told):
    return kind(**{**STOPPING, **told}).fit(
        X[FIT], targets[FIT], X_val=X[HELD], y_val=targets[HELD], sample_weight_val=weights
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier])
def test_the_loss_is_that_of_the_callers_rows_and_the_best_is_kept(kind, weights):
    model = fit(kind, C, weights, batch_size=4, tol=0.0)
    curve = np.array(model.validation_curve_)
    assert model.best_epoch_ == curve.argmin() + 1
    shown = log_loss(C[HELD], model.predict_proba(X[HELD]), sample_weight=weights)
    np.testing.assert_allclose(shown, curve.min(), rtol=1e-12)
    assert len(curve) == min(model.best_epoch_ + 5, 40)  # and then it waits


def test_all_other_rows_are_learned_from():
    model = fit(LinearRegressor, Y, batch_size=None, optimizer="gradient_descent", max_iter=1)
    slope = 0.05 * X[FIT].T @ Y[FIT] / 80
    np.testing.assert_allclose(model.coef_, slope, rtol=1e-12)


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("roc_auc", lambda model: roc_auc_score(C[HELD], model.decision_function(X[HELD]))),
        ("accuracy", lambda model: accuracy_score(C[HELD], model.predict(X[HELD]))),
        (make_scorer(accuracy_score), lambda model: accuracy_score(C[HELD], model.predict(X[HELD]))),
        (lambda model, X, y: -float(np.abs(model.coef_).sum()), lambda model: -float(np.abs(model.coef_).sum())),
    ],
    ids=["roc_auc", "accuracy", "scorer", "function"],
)
def test_a_score_is_watched_the_greater_the_better(scoring, score):
    model = fit(LinearClassifier, C, scoring=scoring, tol=0.0, batch_size=4)
    assert score(model) == max(model.validation_curve_)
    assert model.validation_curve_[model.best_epoch_ - 1] == max(model.validation_curve_)
    assert model.best_epoch_ == int(np.argmax(model.validation_curve_)) + 1  # the first of the best


def test_scores_are_weighed_as_the_caller_says():
    model = fit(LinearClassifier, C, WEIGHTS, scoring="accuracy")
    shown = accuracy_score(C[HELD], model.predict(X[HELD]), sample_weight=WEIGHTS)
    assert shown == pytest.approx(max(model.validation_curve_), rel=1e-12)


def test_a_score_watches_rows_set_aside_too():
    model = MLPRegressor(8, **STOPPING, scoring="neg_mean_absolute_error", validation_fraction=0.25).fit(X, Y)
    assert all(value < 0 for value in model.validation_curve_)
    assert model.best_epoch_ == int(np.argmax(model.validation_curve_)) + 1


def test_what_is_watched_is_what_is_handed_out():
    """The mean of the iterates, not the last of them."""
    model = fit(LinearRegressor, Y, average=True, scoring="neg_mean_absolute_error")
    shown = -mean_absolute_error(Y[HELD], model.predict(X[HELD]))
    assert shown == pytest.approx(max(model.validation_curve_), rel=1e-12)
    assert abs(model.theta_ - model.last_iterate_).max() > 0


def test_smoothing_does_not_soften_what_is_validated_on():
    model = fit(LinearClassifier, C, label_smoothing=0.4)
    shown = log_loss(C[HELD], model.predict_proba(X[HELD]))
    assert shown == pytest.approx(min(model.validation_curve_), rel=1e-12)


def test_classes_weigh_where_it_is_learned_only():
    model = fit(LinearClassifier, C, class_weight={"no": 5.0})
    shown = log_loss(C[HELD], model.predict_proba(X[HELD]))
    assert shown == pytest.approx(min(model.validation_curve_), rel=1e-12)


def test_going_on_never_ends_worse_than_it_began():
    model = fit(LinearRegressor, Y, warm_start=True, max_iter=200)
    best, theta = min(model.validation_curve_), model.theta_.copy()
    model.set_params(learning_rate=5.0, max_iter=3)
    model.fit(X[FIT], Y[FIT], X_val=X[HELD], y_val=Y[HELD])
    assert min(model.validation_curve_[-3:]) > best  # all that came was worse
    np.testing.assert_array_equal(model.theta_, theta)


def test_names_and_frames_go_along():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = LinearClassifier(**STOPPING, scoring="accuracy")
    model.fit(frame[FIT], C[FIT], X_val=frame[HELD], y_val=pd.Series(C[HELD]))
    assert list(model.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        model.fit(frame[FIT], C[FIT], X_val=frame[HELD].rename(columns={"a": "z"}), y_val=C[HELD])


def test_a_pipeline_scales_them():
    with sklearn.config_context(enable_metadata_routing=True):
        last = LinearClassifier(**STOPPING).set_fit_request(X_val=True, y_val=True)
        model = Pipeline([("scale", StandardScaler()), ("fit", last)], transform_input=["X_val"])
        model.fit(5 + 3 * X[FIT], C[FIT], X_val=5 + 3 * X[HELD], y_val=C[HELD])
        shown = log_loss(C[HELD], model.predict_proba(5 + 3 * X[HELD]))
    assert shown == pytest.approx(min(model[-1].validation_curve_), rel=1e-12)


def test_what_cannot_be_validated_on_is_refused():
    held = {"X_val": X[HELD], "y_val": C[HELD]}
    with pytest.raises(SettingError, match="early_stopping is False"):
        LinearClassifier().fit(X[FIT], C[FIT], **held)
    with pytest.raises(SettingError, match="y_val: is missing"):
        LinearClassifier(**STOPPING).fit(X[FIT], C[FIT], X_val=X[HELD])
    with pytest.raises(SettingError, match="X_val: is missing"):
        LinearClassifier(**STOPPING).fit(X[FIT], C[FIT], sample_weight_val=WEIGHTS)
    with pytest.raises(DataError, match=r"y_val: the label maybe in row 0"):
        LinearClassifier(**STOPPING).fit(X[FIT], C[FIT], X_val=X[HELD], y_val=["maybe"] * 40)
    with pytest.raises(ValueError, match="4 features"):
        LinearClassifier(**STOPPING).fit(X[FIT], C[FIT], X_val=X[HELD, :3], y_val=C[HELD])
    with pytest.raises(DataError, match=r"y_val: has shape \(40, 2\), y has \(80,\)"):
        LinearRegressor(**STOPPING).fit(X[FIT], Y[FIT], X_val=X[HELD], y_val=np.column_stack([Y[HELD]] * 2))
    with pytest.raises(ValueError, match="at least one non-zero"):
        fit(LinearRegressor, Y, np.zeros(40))
    with pytest.raises(SettingError, match="scoring: must give one number, got dict"):
        fit(LinearRegressor, Y, scoring=lambda model, X, y: {"a": 1})


def test_rows_of_the_callers_leave_the_shape_of_the_answers():
    model = LinearRegressor(**STOPPING).fit(X[FIT], Y[FIT], X_val=X[HELD], y_val=Y[HELD])
    assert model.predict(X).shape == (120,)


def test_a_run_that_was_still_falling_says_so():
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        fit(LinearRegressor, Y, max_iter=2)


def test_the_warning_stands_where_the_fit_does():
    text = "import warnings, numpy as np; from thalweg import LinearRegressor; warnings.simplefilter('error'); "
    text += (
        "model = LinearRegressor(learning_rate=0.01, max_iter=2)\nwith warnings.catch_warnings(record=True) as seen:\n"
    )
    text += "    warnings.simplefilter('always')\n    model.fit(np.eye(3), np.arange(3.0))\nprint(seen[0].filename)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "<string>"
