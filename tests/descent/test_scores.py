"""Prediction: the bits of a row are its own, whatever stands beside it and however it is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from scipy.special import expit
from scipy.special import softmax as softmax_of
from tests.descent.plain import Array

from thalweg.descent import scores
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model, Network
from thalweg.descent.scores import shares
from thalweg.errors import DataError, SettingError
from thalweg.formulas import activations

FEATURES = 21
MODELS: dict[str, Model] = {
    "one score": Linear(FEATURES),
    "three scores": Linear(FEATURES, 3),
    "no intercept": Linear(FEATURES, 2, fit_intercept=False),
    "narrow": Network((FEATURES, 5, 2), (activations.tanh,)),
    "wide": Network((FEATURES, 70, 33, 1), (activations.relu, activations.logistic)),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def problem(model: Model, dtype: str, rows: int = 1003) -> tuple[Array, Array]:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, FEATURES)) * (rng.random((rows, FEATURES)) < 0.6)
    return X.astype(dtype), rng.normal(0, 0.4, model.size).astype(dtype)


@every_dtype
@every_model
def test_a_row_has_the_same_scores_alone_and_among_others(model: Model, dtype: str) -> None:
    X, theta = problem(model, dtype)
    together = model.scores(theta, X)
    order = np.random.default_rng(0).permutation(len(X))
    assert together.dtype == dtype
    assert together.shape == (len(X), model.n_outputs)
    np.testing.assert_array_equal(model.scores(theta, X[order]), together[order])
    for row in range(0, len(X), 17):
        np.testing.assert_array_equal(model.scores(theta, X[row : row + 1])[0], together[row])
    for length in (2, 7, 8, 9, 255, 257):
        np.testing.assert_array_equal(model.scores(theta, X[3 : 3 + length]), together[3 : 3 + length])


@every_dtype
@every_model
def test_layout_does_not_change_a_bit(model: Model, dtype: str) -> None:
    X, theta = problem(model, dtype)
    expected = model.scores(theta, X)
    wide = np.zeros((len(X), 2 * FEATURES), dtype)
    wide[:, ::2] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    odd = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(X.shape)  # between two places of a float
    swapped = X.astype(X.dtype.newbyteorder())
    for other in (np.asfortranarray(X), wide[:, ::2], X[::-1][::-1], frozen, odd, swapped):
        np.testing.assert_array_equal(model.scores(theta, other), expected)
    theta.flags.writeable = False
    np.testing.assert_array_equal(model.scores(theta, X), expected)


@every_dtype
@every_model
def test_sparse_rows_have_the_bits_of_dense_ones(model: Model, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_CELLS", 7000)  # a network's units in several pieces
    X, theta = problem(model, dtype)
    expected = model.scores(theta, X)
    wide = csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for sparse in (csr_array(X), csc_array(X), wide):
        np.testing.assert_array_equal(model.scores(theta, sparse), expected)


@every_model
def test_scores_are_the_products_that_the_model_stands_for(model: Model) -> None:
    X, theta = problem(model, "float64", 40)
    if isinstance(model, Linear):
        expected = X @ model.coef(theta).T + model.intercept(theta)
    else:
        expected = X
        for k, (weights, bias) in enumerate(zip(model.coefs(theta), model.biases(theta), strict=True)):
            expected = expected @ weights + bias
            if k < len(model.hidden_activations):
                expected = model.hidden_activations[k].value(expected)
    np.testing.assert_allclose(model.scores(theta, X), expected, rtol=1e-12, atol=1e-13)
    halves = X.astype(np.float16)
    np.testing.assert_allclose(model.scores(theta, halves), model.scores(theta, halves.astype(float)), rtol=0)
    whole = np.rint(X).astype(np.int8)
    np.testing.assert_allclose(model.scores(theta, whole), model.scores(theta, whole.astype(float)), rtol=0)
    assert model.scores(theta.astype(np.float32), X).dtype == np.float64
    assert model.scores(theta, X[:0]).shape == (0, model.n_outputs)
    assert model.scores(theta, csr_array(X[:0])).shape == (0, model.n_outputs)


@every_model
def test_rows_of_another_length_are_refused(model: Model) -> None:
    X, theta = problem(model, "float64", 4)
    for wrong in (X[:, 1:], np.hstack([X, X]), X[0], csr_array(X[:, 1:])):
        with pytest.raises(SettingError, match="DATA-FEATURES"):
            model.scores(theta, wrong)


def test_csr_that_points_outside_itself_is_refused() -> None:
    X = csr_array(np.eye(4))
    X.indices[2] = 400
    with pytest.raises(DataError, match="DATA-SPARSE"):
        Linear(4).scores(np.zeros(5), X)


def test_scores_of_lanes_are_those_of_each() -> None:
    X, _ = problem(Linear(FEATURES), "float64", 50)
    theta = np.random.default_rng(0).normal(size=(FEATURES + 1, 6))
    both = Linear(FEATURES, 2, lanes=3).scores(theta.ravel(), X)
    for lane in range(3):
        alone = Linear(FEATURES, 2).scores(np.ascontiguousarray(theta[:, 2 * lane : 2 * lane + 2]).ravel(), X)
        np.testing.assert_array_equal(both[:, 2 * lane : 2 * lane + 2], alone)


# ---- probabilities ---------------------------------------------------------------------------------------------------


def scores_of(classes: int, dtype: str) -> Array:
    z = np.random.default_rng(1).normal(0, 4, (1001, classes))
    z[::5] *= 300
    z[::5, 0] = np.abs(z[::5, 0])  # one class is likely: float32 knows no chance below 1e-38 to share out
    return z.astype(dtype)


def plain(link: str, z: Array) -> Array:
    """The same in NumPy and SciPy, in float64."""
    z = z.astype(np.float64)
    if link == "softmax":
        return np.asarray(softmax_of(z, axis=1))
    if z.shape[1] == 1:
        return expit(np.hstack([-z, z]))
    likely = expit(z)
    total = likely.sum(axis=1, keepdims=True)
    return np.where(total > 0, likely / np.where(total > 0, total, 1), 1 / z.shape[1])


CASES = [("logistic", 1), ("logistic", 4), ("softmax", 2), ("softmax", 11)]


@every_dtype
@pytest.mark.parametrize(("link", "classes"), CASES)
def test_probabilities_are_those_of_scipy(link: str, classes: int, dtype: str) -> None:
    z = scores_of(classes, dtype)
    found = shares(link, z)
    assert found.dtype == dtype
    tiny = float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(found, plain(link, z), rtol=40 * np.finfo(dtype).eps, atol=tiny)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)


@every_dtype
@pytest.mark.parametrize(("link", "classes"), [*CASES, ("margin", 1), ("margin", 3)])
def test_probabilities_of_a_row_are_its_own(link: str, classes: int, dtype: str) -> None:
    z = scores_of(classes, dtype)
    together = shares(link, z)
    order = np.random.default_rng(0).permutation(len(z))
    np.testing.assert_array_equal(shares(link, z[order]), together[order])
    np.testing.assert_array_equal(np.vstack([shares(link, z[row : row + 1]) for row in range(60)]), together[:60])


@every_dtype
def test_probabilities_of_labels_that_do_not_exclude_each_other(dtype: str) -> None:
    z = scores_of(3, dtype)
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(shares("logistic", z, apart=True), expit(z.astype(float)), rtol=4 * eps, atol=tiny)
    np.testing.assert_array_equal(shares("margin", z, apart=True), (np.clip(z, -1, 1) + 1) / 2)


@pytest.mark.parametrize("link", ["logistic", "softmax"])
def test_what_is_no_number_stays_none(link: str) -> None:
    z: Any = np.zeros((20, 3))
    z[7, 1] = np.nan
    found = shares(link, z)
    assert np.isnan(found[7]).all()
    assert np.isfinite(np.delete(found, 7, axis=0)).all()


def test_all_classes_are_alike_where_none_is_likely() -> None:
    np.testing.assert_array_equal(shares("logistic", np.full((1, 4), -800.0)), np.full((1, 4), 0.25))


def test_training_sees_the_scores_of_prediction() -> None:
    """The order of summation is another one; rounding is all that differs."""
    from thalweg.descent.objective import Objective
    from thalweg.formulas.losses import squared

    X, theta = problem(MODELS["wide"], "float64", 64)
    y = np.random.default_rng(2).normal(size=64)
    value = Objective(MODELS["wide"], Rows.of(X, y), squared).value(theta)
    expected = np.mean((MODELS["wide"].scores(theta, X)[:, 0] - y) ** 2) / 2
    assert value == pytest.approx(expected, rel=1e-14)
