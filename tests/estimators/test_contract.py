"""scikit-learn's own checks, in several settings of each estimator."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.rules import adam, nesterov

FULL = {"batch_size": None, "tol": None, "random_state": 0}
SETTINGS = [
    LinearRegressor(),
    LinearRegressor(optimizer=adam(learning_rate=0.1), max_iter=300, **FULL),
    LinearRegressor("huber", optimizer="gradient_descent", learning_rate=0.1, clip_norm=1.0, max_iter=300, **FULL),
    LinearRegressor(penalty="l1", alpha=1e-3, optimizer="rmsprop", learning_rate=0.01, batch_size=8, max_iter=100),
    LinearRegressor("poisson", penalty="l2", learning_rate=0.01, clip_value=1.0, max_iter=300, **FULL),
    LinearClassifier(),
    LinearClassifier(optimizer="adagrad", learning_rate=0.3, max_iter=300, **FULL),
    LinearClassifier("hinge", penalty="elasticnet", learning_rate=0.05, schedule="cosine", max_iter=200, **FULL),
    LinearClassifier(losses.modified_huber, optimizer="nesterov", learning_rate=1e-3, clip_norm=1.0, batch_size=16),
    LinearClassifier("squared_error", learning_rate=0.02, batch_size=1, max_iter=100),
    MLPRegressor(),
    MLPRegressor(8, activation="tanh", optimizer=nesterov(learning_rate=0.02), clip_norm=1.0, max_iter=300, **FULL),
    MLPRegressor((8, 4), activation=("gelu", "relu"), dropout=0.1, penalty="l2", alpha=(1e-3, 1e-4, 0.0), max_iter=300),
    MLPClassifier(),
    MLPClassifier(10, activation="logistic", optimizer="adamw", learning_rate=0.05, max_iter=200, **FULL),
    MLPClassifier((8, 8), loss="squared_hinge", initialisation="glorot", learning_rate=0.01, max_iter=100),
]


def expected_failures(estimator):
    if estimator.loss == "poisson":
        return {"check_regressor_multioutput": "the check draws targets below zero, which the loss refuses"}
    if estimator.batch_size is None:
        return {}
    why = "mini-batches of repeated rows are other batches than those of weighted rows"
    checks = ["check_sample_weight_equivalence_on_dense_data"]
    if isinstance(estimator, LinearRegressor | LinearClassifier):
        checks.append("check_sample_weight_equivalence_on_sparse_data")
    return dict.fromkeys(checks, why)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:alpha has no effect")  # a check sets it on whatever has one
@pytest.mark.filterwarnings("ignore:batch_size=")  # and many have a handful of rows
@parametrize_with_checks(SETTINGS, expected_failed_checks=expected_failures)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


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
