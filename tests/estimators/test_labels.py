"""Several labels a row: one question per label, answered as by a classifier of its own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from thalweg.errors import DataError, SettingError
from thalweg.estimators import LinearClassifier, MLPClassifier
from thalweg.formulas import losses

X, Y = make_multilabel_classification(120, 6, n_classes=4, n_labels=2, random_state=0)
X = StandardScaler().fit_transform(X)
FULL = {"batch_size": None, "tol": None, "max_iter": 200, "learning_rate": 0.1, "random_state": 0}
KINDS = [LinearClassifier, lambda loss="log_loss", **told: MLPClassifier(8, loss=loss, **told)]


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
def test_answers_have_a_column_for_each_label(kind):
    model = kind(**FULL).fit(X, Y)
    scores, likely = model.decision_function(X), model.predict_proba(X)
    assert scores.shape == likely.shape == Y.shape
    np.testing.assert_array_equal(model.classes_, np.arange(4))
    np.testing.assert_allclose(likely, expit(scores), rtol=1e-12)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), likely, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), (scores > 0).astype(int))
    assert (model.predict(X) == Y).mean() > 0.75
    assert model.score(X, Y) == (model.predict(X) == Y).all(axis=1).mean()


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge", "modified_huber", "squared_error", "huber"])
def test_each_label_is_a_classifier_of_two_classes(loss):
    together = LinearClassifier(loss, **FULL).fit(X, Y)
    for k in range(4):
        alone = LinearClassifier(loss, **FULL).fit(X, Y[:, k])
        np.testing.assert_allclose(together.coef_[k], alone.coef_[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            together.decision_function(X)[:, k], alone.decision_function(X), rtol=1e-7, atol=1e-9
        )
        if hasattr(alone, "predict_proba"):
            likely = alone.predict_proba(X)[:, 1]
            np.testing.assert_allclose(together.predict_proba(X)[:, k], likely, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
def test_two_labels_are_not_two_classes(kind):
    model = kind(**FULL).fit(X, Y[:, :2])
    assert model.decision_function(X).shape == model.predict_proba(X).shape == (120, 2)
    assert not np.allclose(model.predict_proba(X).sum(axis=1), 1)
    both = model.predict(X).sum(axis=1)
    assert {0, 1, 2} == set(both)


@pytest.mark.parametrize("given", [Y.astype(bool), Y.astype(np.int8), Y.astype(np.float32), csr_array(Y), Y.tolist()])
def test_the_zeros_and_ones_come_back_as_they_were_given(given):
    model = LinearClassifier(**FULL).fit(X, given)
    expected = getattr(given, "dtype", np.dtype(np.int64))
    assert model.predict(X).dtype == expected
    np.testing.assert_array_equal(model.theta_, LinearClassifier(**FULL).fit(X, Y).theta_)


@pytest.mark.parametrize("kind", KINDS, ids=["linear", "network"])
def test_passes_and_weights_take_several_labels(kind):
    told = {**FULL, "max_iter": 3, "shuffle": False, "batch_size": 10}
    whole = kind(**told).fit(X, Y)
    passes = kind(**told)
    for _ in range(3):
        passes.partial_fit(X, Y, classes=np.arange(4))
    np.testing.assert_allclose(passes.theta_, whole.theta_, rtol=1e-9, atol=1e-12)
    counts = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = kind(**FULL).fit(X, Y, counts)
    repeated = kind(**FULL).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    np.testing.assert_allclose(weighted.theta_, repeated.theta_, rtol=1e-9, atol=1e-12)


def test_early_stopping_sets_rows_of_several_labels_aside():
    model = LinearClassifier(early_stopping=True, learning_rate=0.1, n_iter_no_change=3, random_state=0).fit(X, Y)
    assert len(model.validation_curve_) == model.n_iter_
    assert cross_val_score(LinearClassifier(**FULL), X, Y, cv=3).min() > 0.3


REFUSED = [
    ({}, Y * 2, DataError, "y: has 4 columns, which must hold 0 and 1 only"),
    ({}, Y.astype(str), DataError, "y: has 4 columns, which must hold 0 and 1 only"),
    ({"loss": losses.softmax}, Y, SettingError, "softmax gives every row one class; y says which of 4 labels"),
    ({"class_weight": "balanced"}, Y, SettingError, "class_weight: has no meaning where a row has several labels"),
]


@pytest.mark.parametrize(("params", "y", "error", "said"), REFUSED, ids=["twos", "strings", "softmax", "class_weight"])
def test_what_has_no_meaning_for_several_labels_is_refused(params, y, error, said):
    with pytest.raises(error) as caught:
        LinearClassifier(**params).fit(X, y)
    assert said in str(caught.value)


def test_later_rows_must_have_the_labels_of_the_first():
    model = LinearClassifier(max_iter=2, tol=None, warm_start=True).fit(X, Y)
    with pytest.raises(DataError, match=r"y: has shape \(120, 3\); there are 4 labels"):
        model.fit(X, Y[:, :3])
    with pytest.raises(DataError, match=r"y: has shape \(120,\); there are 4 labels"):
        model.partial_fit(X, Y[:, 0])
    with pytest.raises(DataError, match="y: has 4 columns; the classes were learned from one"):
        LinearClassifier(max_iter=2, tol=None, warm_start=True).fit(X, Y[:, 0]).fit(X, Y)
