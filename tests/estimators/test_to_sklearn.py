"""Our weights in scikit-learn's estimators: the same predictions, and what they cannot be is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from thalweg.errors import SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.formula import loss

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((500, 3))
NUMBERS = X @ [1.0, -2.0, 0.5]
COUNTS = np.exp(NUMBERS / 4)
TWO = np.where(NUMBERS > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[np.digitize(NUMBERS, [-1, 1])]
SEVERAL = np.column_stack([NUMBERS > 0, NUMBERS < 1, NUMBERS > 2]).astype(int)
TOLD: dict[str, Any] = {"batch_size": 50, "max_iter": 3, "tol": None, "random_state": 0}

CASES: dict[str, tuple[Any, Any, type]] = {
    "squared": (LinearRegressor(**TOLD), NUMBERS, SGDRegressor),
    "no-intercept": (LinearRegressor(fit_intercept=False, **TOLD), NUMBERS, SGDRegressor),
    "huber": (LinearRegressor(losses.huber(delta=0.5), **TOLD), NUMBERS, SGDRegressor),
    "epsilon": (LinearRegressor("epsilon_insensitive", **TOLD), NUMBERS, SGDRegressor),
    "log": (LinearClassifier(**TOLD), TWO, SGDClassifier),
    "log-each": (LinearClassifier(losses.log, **TOLD), THREE, SGDClassifier),
    "hinge": (LinearClassifier("hinge", **TOLD), THREE, SGDClassifier),
    "margin": (LinearClassifier("modified_huber", **TOLD), TWO, SGDClassifier),
    "softmax": (LinearClassifier(**TOLD), THREE, LogisticRegression),
    "softmax-two": (LinearClassifier(losses.softmax, **TOLD), TWO, LogisticRegression),
    "network": (MLPRegressor((8, 4), activation="tanh", dropout=0.2, **TOLD), NUMBERS, TheirRegressor),
    "network-outputs": (MLPRegressor((8,), **TOLD), np.column_stack([NUMBERS, -NUMBERS]), TheirRegressor),
    "network-poisson": (MLPRegressor(8, loss="poisson", **TOLD), COUNTS, TheirRegressor),
    "network-two": (MLPClassifier((8,), activation="logistic", **TOLD), TWO, TheirClassifier),
    "network-two-softmax": (MLPClassifier((8,), loss=losses.softmax, **TOLD), TWO, TheirClassifier),
    "network-three": (MLPClassifier((8,), activation="identity", **TOLD), THREE, TheirClassifier),
    "network-several": (MLPClassifier((8,), **TOLD), SEVERAL, TheirClassifier),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_theirs_predicts_what_ours_predicts(case, dtype):
    fresh, y, kind = CASES[case]
    rows = X.astype(dtype)
    ours = clone(fresh).fit(rows, y)
    theirs = ours.to_sklearn()
    assert type(theirs) is kind
    wanted, found = ours.predict(rows), theirs.predict(rows)
    if hasattr(ours, "classes_"):
        assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist())
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-6)
    assert hasattr(theirs, "predict_proba") == hasattr(ours, "predict_proba")
    if hasattr(ours, "predict_proba"):
        exact = 1e-12 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(theirs.predict_proba(rows), ours.predict_proba(rows), rtol=exact, atol=exact)


@pytest.mark.parametrize("case", ["squared", "log", "hinge", "network", "network-three"])
def test_theirs_can_go_on(case):
    fresh, y, _ = CASES[case]
    theirs = clone(fresh).fit(X, y).to_sklearn()
    before = theirs.predict(X).tolist()
    if case.startswith("network"):
        theirs.set_params(warm_start=True, max_iter=1)
    told = {"classes": np.unique(y)} if hasattr(theirs, "classes_") else {}
    theirs.partial_fit(X, y, **told)
    assert theirs.predict(X).tolist() != before or hasattr(theirs, "classes_")
    assert theirs.score(X, y) > 0.2


def test_the_weights_are_copies_and_names_come_along():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    ours = LinearRegressor(**TOLD).fit(frame, NUMBERS)
    theirs = ours.to_sklearn()
    assert theirs.feature_names_in_.tolist() == ["a", "b", "c"]
    before = ours.coef_.copy()
    theirs.coef_[...] = 0
    assert ours.coef_.tolist() == before.tolist()


@loss
def mine(y, z):
    r = z - y
    return r * r / 2, r


REFUSED: dict[str, tuple[Any, Any, str, str]] = {
    "quantile": (LinearRegressor("quantile", **TOLD), NUMBERS, "SKLEARN-LOSS", "'quantile'"),
    "poisson": (LinearRegressor("poisson", **TOLD), COUNTS, "SKLEARN-LOSS", "'poisson'"),
    "own": (LinearRegressor(mine, **TOLD), NUMBERS, "SKLEARN-LOSS", "'mine'"),
    "outputs": (LinearRegressor(**TOLD), np.column_stack([NUMBERS, NUMBERS]), "SKLEARN-OUTPUTS", "one target"),
    "labels": (LinearClassifier(**TOLD), SEVERAL, "SKLEARN-OUTPUTS", "one target"),
    "network-huber": (MLPRegressor((4,), loss="huber", **TOLD), NUMBERS, "SKLEARN-LOSS", "'huber'"),
    "network-hinge": (MLPClassifier((4,), loss="hinge", **TOLD), TWO, "SKLEARN-LOSS", "'hinge' of 2 classes"),
    "network-each": (MLPClassifier((4,), loss=losses.log, **TOLD), THREE, "SKLEARN-LOSS", "'log' of 3 classes"),
    "gelu": (MLPRegressor((4,), activation="gelu", **TOLD), NUMBERS, "SKLEARN-ACTIVATION", "'gelu'"),
    "mixed": (MLPRegressor((4, 4), activation=["relu", "tanh"], **TOLD), NUMBERS, "SKLEARN-ACTIVATION", "only one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_theirs_cannot_be_is_named(case):
    fresh, y, code, what = REFUSED[case]
    with pytest.raises(SettingError, match=what) as caught:
        clone(fresh).fit(X, y).to_sklearn()
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) <= 5
