"""scikit-learn's own checks, in a dozen settings of each estimator."""

from __future__ import annotations

import inspect
import pickle
import re
from numbers import Integral, Real
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.utils._param_validation import Interval, InvalidParameterError, RealNotInt, StrOptions
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_inplace_ensure_writeable,
    check_param_validation,
    parametrize_with_checks,
)

from thalweg.errors import SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.activations import leaky_relu
from thalweg.formulas.formula import Activation, Loss, Penalty, Rule, Schedule
from thalweg.formulas.rules import adam, nesterov

FULL = {"batch_size": None, "tol": None, "random_state": 0}
FEW = {"max_iter": 60, "tol": None, "random_state": 0}
SETTINGS = [
    LinearRegressor(),
    LinearRegressor(optimizer=adam(learning_rate=0.1), max_iter=300, **FULL),
    LinearRegressor("huber", optimizer="gradient_descent", learning_rate=0.1, clip_norm=1.0, max_iter=300, **FULL),
    LinearRegressor(penalty="l1", alpha=1e-3, optimizer="rmsprop", learning_rate=0.01, batch_size=8, max_iter=100),
    LinearRegressor(
        optimizer="adam", learning_rate=0.1, early_stopping=True, validation_fraction=0.2, batch_size=16, max_iter=50
    ),
    LinearRegressor("squared_error", optimizer="adamw", learning_rate=0.1, batch_size=8, average=True, **FEW),
    LinearRegressor(
        "absolute_error", penalty="elasticnet", optimizer="adam", learning_rate=0.05, batch_size=None, **FEW
    ),
    LinearRegressor("quantile", optimizer="rmsprop", learning_rate=0.05, schedule="cosine", batch_size=None, **FEW),
    LinearRegressor("huber", optimizer="adam", learning_rate=0.05, batch_size=1, shuffle=False, max_iter=20, tol=None),
    LinearRegressor(
        "squared_epsilon_insensitive", optimizer="adam", learning_rate=0.1, fit_intercept=False, batch_size=None, **FEW
    ),
    LinearRegressor(
        "epsilon_insensitive", optimizer="momentum", learning_rate=0.02, clip_value=1.0, batch_size=20, **FEW
    ),
    LinearRegressor(
        penalty="l2", optimizer="adagrad", learning_rate=1.0, schedule="exponential", batch_size=None, **FEW
    ),
    LinearClassifier(),
    LinearClassifier(optimizer="adagrad", learning_rate=0.3, max_iter=300, **FULL),
    LinearClassifier(
        "hinge", penalty="elasticnet", optimizer="adam", learning_rate=0.05, schedule="cosine", max_iter=200, **FULL
    ),
    LinearClassifier("squared_hinge", optimizer="nesterov", learning_rate=1e-3, clip_norm=1.0, batch_size=16),
    LinearClassifier("squared_error", optimizer="adam", learning_rate=0.02, batch_size=1, max_iter=100),
    LinearClassifier(
        optimizer="adam", learning_rate=0.05, early_stopping=True, validation_fraction=0.3, batch_size=20, max_iter=50
    ),
    LinearClassifier(
        losses.log, penalty="l2", alpha=0.1, optimizer="adam", learning_rate=0.1, warm_start=True, max_iter=300, **FULL
    ),
    LinearClassifier(losses.softmax, optimizer="rmsprop", learning_rate=0.05, penalty="l2", batch_size=None, **FEW),
    LinearClassifier("squared_hinge", optimizer="adamw", learning_rate=0.05, batch_size=8, **FEW),
    LinearClassifier(
        penalty="l1", alpha=1e-3, optimizer="adam", learning_rate=0.05, batch_size=None, label_smoothing=0.1, **FEW
    ),
    LinearClassifier(
        "hinge", optimizer="momentum", learning_rate=0.01, clip_value=1.0, batch_size=4, shuffle=False, **FEW
    ),
    LinearClassifier("huber", optimizer="adam", learning_rate=0.05, schedule="step", batch_size=None, **FEW),
    MLPRegressor(),
    MLPRegressor(8, activation="tanh", optimizer=nesterov(learning_rate=0.02), clip_norm=1.0, max_iter=300, **FULL),
    MLPRegressor((8, 4), activation=("gelu", "relu"), dropout=0.1, penalty="l2", alpha=(1e-3, 1e-4, 0.0), max_iter=300),
    MLPRegressor(8, learning_rate=0.05, early_stopping=True, validation_fraction=0.3, batch_size=20, max_iter=60),
    MLPRegressor(40, optimizer="adamw", learning_rate=0.02, batch_size=None, **FEW),
    MLPRegressor(8, activation="tanh", loss="huber", optimizer="adam", learning_rate=0.05, batch_size=None, **FEW),
    MLPRegressor(
        (6, 6), activation=leaky_relu(slope=0.2), penalty="elasticnet", learning_rate=0.02, batch_size=8, **FEW
    ),
    MLPRegressor(
        8, loss="absolute_error", optimizer="rmsprop", learning_rate=0.02, schedule="cosine", batch_size=None, **FEW
    ),
    MLPRegressor(8, activation="gelu", optimizer="momentum", learning_rate=0.02, clip_norm=1.0, batch_size=None, **FEW),
    MLPRegressor(12, dropout=0.05, initialisation="glorot", learning_rate=0.05, batch_size=10, shuffle=False, **FEW),
    MLPRegressor(
        8, activation="logistic", initialisation="lecun", penalty="l1", learning_rate=0.1, batch_size=None, **FEW
    ),
    MLPRegressor(
        (8, 8),
        activation=("relu", "tanh"),
        loss="squared_epsilon_insensitive",
        learning_rate=0.05,
        batch_size=16,
        **FEW,
    ),
    MLPClassifier(),
    MLPClassifier(10, activation="logistic", optimizer="adamw", learning_rate=0.05, max_iter=200, **FULL),
    MLPClassifier((8, 8), loss="squared_hinge", initialisation="glorot", learning_rate=0.01, max_iter=100),
    MLPClassifier(8, learning_rate=0.05, early_stopping=True, validation_fraction=0.3, batch_size=20, max_iter=50),
    MLPClassifier(12, penalty="l2", alpha=1e-2, learning_rate=0.05, clip_value=1.0, batch_size=None, **FEW),
    MLPClassifier(
        8, activation="tanh", loss=losses.softmax, optimizer=nesterov(learning_rate=0.1), batch_size=None, **FEW
    ),
    MLPClassifier(
        (6, 6), activation=leaky_relu(slope=0.2), dropout=(0.1, 0.0), learning_rate=0.02, batch_size=8, **FEW
    ),
    MLPClassifier(40, loss="hinge", optimizer="momentum", learning_rate=0.05, penalty="l2", batch_size=None, **FEW),
    MLPClassifier(
        8, loss=losses.log, optimizer="rmsprop", learning_rate=0.02, schedule="cosine", batch_size=None, **FEW
    ),
    MLPClassifier(
        8, activation="gelu", optimizer="gradient_descent", learning_rate=0.1, clip_norm=1.0, batch_size=4, **FEW
    ),
    MLPClassifier(
        8, initialisation="lecun", optimizer="adagrad", learning_rate=0.1, clip_value=0.1, batch_size=None, **FEW
    ),
    MLPClassifier(
        (8, 8),
        activation=("relu", "tanh"),
        penalty=("l1", "l1", None),
        alpha=(1e-3, 1e-4, None),
        learning_rate=0.05,
        batch_size=16,
        shuffle=False,
        **FEW,
    ),
]


# Losses that a check asks for what they exclude: which check, and why.
PARTICULAR = [
    (
        LinearRegressor(
            "poisson", penalty="l2", optimizer="adam", learning_rate=0.01, clip_value=1.0, max_iter=300, **FULL
        ),
        {"check_regressor_multioutput": "the check draws targets below zero, which the loss refuses"},
    ),
    (
        LinearClassifier("modified_huber", optimizer="adam", learning_rate=0.05, batch_size=None, **FEW),
        {"check_classifiers_multilabel_output_format_predict_proba": "the check has no place for a probability of 0"},
    ),
]


def expected_failures(estimator):
    for particular, failures in PARTICULAR:
        if estimator.loss == particular.loss:
            return failures
    if estimator.batch_size is None:
        return {}
    why = "mini-batches of repeated rows are other batches than those of weighted rows"
    checks = ["check_sample_weight_equivalence_on_dense_data"]
    if estimator.__sklearn_tags__().input_tags.sparse:
        checks.append("check_sample_weight_equivalence_on_sparse_data")
    return dict.fromkeys(checks, why)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:alpha has no effect")  # a check sets it on whatever has one
@pytest.mark.filterwarnings("ignore:batch_size=")  # and many have a handful of rows
@parametrize_with_checks(
    [*SETTINGS, *(estimator for estimator, _ in PARTICULAR)], expected_failed_checks=expected_failures
)
def test_scikit_learns_checks_pass(estimator, check):
    try:
        check(estimator)
    except SkipTest:  # with nothing to look at, which a loss without probabilities alone may leave
        if "predict_proba" not in check.func.__name__ or hasattr(estimator, "predict_proba"):
            raise


def test_every_estimator_is_checked_in_a_dozen_settings():
    kinds = [type(estimator) for estimator in SETTINGS]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == dict.fromkeys(KINDS, 12)


def test_no_check_but_that_of_weights_in_batches_may_fail():
    allowed = {f"check_sample_weight_equivalence_on_{form}_data" for form in ("dense", "sparse")}
    for estimator in SETTINGS:
        assert set(expected_failures(estimator)) <= (allowed if estimator.batch_size is not None else set())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:batch_size=")
@pytest.mark.parametrize("check", [check_dataframe_column_names_consistency, check_inplace_ensure_writeable])
@pytest.mark.parametrize("estimator", SETTINGS, ids=repr)
def test_checks_that_scikit_learn_keeps_for_itself_pass(estimator, check):
    check(type(estimator).__name__, estimator)


COUNT = [Interval(Integral, 1, None, closed="left")]
ABOVE_ZERO = [Interval(Real, 0, None, closed="neither"), None]
ZERO_OR_MORE = [Interval(Real, 0, None, closed="left"), None]
SHARE = [Interval(Real, 0, 1, closed="both"), None]
# What each parameter takes, in the words of scikit-learn's check of parameters.
CONSTRAINTS = {
    "loss": [str, Loss],
    "penalty": [str, Penalty, None],
    "alpha": ZERO_OR_MORE,
    "l1_ratio": SHARE,
    "fit_intercept": ["boolean"],
    "hidden_layer_sizes": ["array-like", *COUNT],
    "activation": [str, Activation, "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "initialisation": [str],
    "optimizer": [str, Rule],
    "learning_rate": [*ABOVE_ZERO, StrOptions({"auto"})],
    "schedule": [str, Schedule, None],
    "batch_size": [*COUNT, str, None],
    "accumulate": COUNT,
    "max_iter": COUNT,
    "tol": ZERO_OR_MORE,
    "n_iter_no_change": COUNT,
    "shuffle": ["boolean"],
    "clip_value": ABOVE_ZERO,
    "clip_norm": ABOVE_ZERO,
    "average": ["boolean", str, *COUNT, Interval(RealNotInt, 0, 1, closed="neither")],
    "gradient_norm": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "scoring": [str, callable, None],
    "class_weight": [dict, str, None],
    "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": [Interval(Integral, 0, None, closed="left")],
    "callbacks": [callable, "array-like", None],
}


@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier])
def test_a_wrong_parameter_is_refused_by_fit_and_partial_fit_in_scikit_learns_words(kind, monkeypatch):
    constraints = {name: CONSTRAINTS[name] for name in inspect.signature(kind).parameters}
    monkeypatch.setattr(kind, "_parameter_constraints", constraints, raising=False)
    check_param_validation(kind.__name__, kind(penalty="elasticnet"))


@pytest.mark.parametrize("caught", [SettingError, InvalidParameterError])
def test_a_wrong_parameter_is_our_error_and_scikit_learns_in_one(caught):
    with pytest.raises(caught) as raised:
        LinearRegressor(optimizer="momentum", learning_rate=-1).fit([[1.0], [2.0]], [1.0, 2.0])
    said = (
        "error[SETTING-RANGE] The 'learning_rate' parameter of LinearRegressor must be > 0 (momentum). Got -1 instead."
    )
    assert str(raised.value) == str(pickle.loads(pickle.dumps(raised.value))) == said  # noqa: S301 - our own bytes
    assert (raised.value.code, raised.value.where) == ("SETTING-RANGE", "learning_rate of momentum")


def test_parameters_are_looked_at_before_the_data():
    with pytest.raises(SettingError, match="'max_iter' parameter of MLPClassifier"):
        MLPClassifier(max_iter=0).fit("no table", None)


@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier])
def test_an_estimator_that_stops_early_has_no_single_passes(kind):
    assert hasattr(kind(), "partial_fit")
    with pytest.raises(AttributeError) as raised:
        _ = kind(early_stopping=True).partial_fit
    assert "early_stopping should be False with partial_fit" in str(raised.value.__cause__)


KINDS = [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier]


def documented(kind):
    """Text of each parameter in the class's docstring."""
    section = inspect.getdoc(kind).partition("Parameters\n----------\n")[2].partition("\n\nAttributes")[0]
    entries = re.split(r"^(\w+) : ", section, flags=re.MULTILINE)[1:]
    return dict(zip(entries[::2], entries[1::2], strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_documented_in_its_order(kind):
    assert list(documented(kind)) == list(inspect.signature(kind).parameters)


def test_a_parameter_of_several_estimators_is_documented_alike():
    own = {"loss", "penalty", "alpha"}
    texts = {}
    for kind in KINDS:
        for name, text in documented(kind).items():
            texts.setdefault(name, set()).add(text.strip())
    assert {name for name, different in texts.items() if len(different) > 1} == own


@pytest.mark.parametrize("kind", KINDS)
def test_every_attribute_that_is_documented_exists(kind):
    model = kind(max_iter=2, tol=None).fit(np.eye(4), [0, 1, 0, 1])
    section = inspect.getdoc(kind).partition("Attributes\n----------\n")[2].partition("\n\nNotes")[0]
    named = set(re.findall(r"^(\w+) : ", section, flags=re.MULTILINE)) - {"feature_names_in_"}
    assert {name for name in named if not hasattr(model, name)} == set()
    assert {name for name in vars(model) if name.endswith("_")} <= named


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_representation_shows_what_was_set(kind):
    """It reads the docstring, and warns of sections that numpydoc does not know."""
    shown = kind(optimizer=adam(learning_rate=0.125))._repr_html_()
    assert "adam(learning_rate=0.125" in shown
