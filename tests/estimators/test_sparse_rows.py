"""Sparse rows: the model of the same dense rows, without laying them out."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_matrix, csr_array, random_array

from thalweg.errors import DataError, DivergedError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

GENERATOR = np.random.default_rng(0)
DENSE = np.where(GENERATOR.random((90, 12)) < 0.3, GENERATOR.normal(size=(90, 12)), 0.0)
Y = DENSE @ GENERATOR.normal(size=12) + 1
C = np.digitize(Y, [0.0, 2.0])
TOLD = {"max_iter": 4, "tol": None, "random_state": 0, "batch_size": 20}

NETWORKS = [
    MLPRegressor(40, activation="tanh", **TOLD),
    MLPRegressor((34, 40), activation=("relu", "tanh"), penalty="l2", learning_rate=0.01, **TOLD),
    MLPClassifier((40, 33), dropout=(0.3, 0.2), optimizer="momentum", clip_norm=1.0, **TOLD),
    MLPClassifier((36, 33, 35), dropout=(0.0, 0.2, 0.0), **(TOLD | {"batch_size": None})),
    MLPRegressor(40, early_stopping=True, **(TOLD | {"tol": 1e-4, "max_iter": 40, "n_iter_no_change": 3})),
]


def target(model):
    return C if hasattr(model, "class_weight") else Y


@pytest.mark.parametrize(
    "model", NETWORKS, ids=["one layer", "two layers", "dropout", "three layers", "early stopping"]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_on_sparse_rows_has_the_bits_of_the_dense_one(model, dtype):
    X, weights = DENSE.astype(dtype), np.arange(90) % 3
    dense = model.fit(X, target(model), weights).theta_
    sparse = model.fit(csr_array(X), target(model), weights).theta_
    assert sparse.dtype == dtype
    np.testing.assert_array_equal(sparse, dense)


def test_narrow_networks_agree_too():
    # On dense rows narrow layers go along the batch, and sum in another order.
    model = MLPClassifier((8, 5), **TOLD)
    dense = model.fit(DENSE, C).theta_
    np.testing.assert_allclose(model.fit(csr_array(DENSE), C).theta_, dense, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", [MLPRegressor(8, **TOLD), MLPClassifier(8, **TOLD)])
def test_predictions_and_passes_take_sparse_rows(model):
    X = csr_array(DENSE)
    dense, sparse = model.fit(DENSE, target(model)).predict(DENSE), model.predict(X)
    assert isinstance(sparse, np.ndarray)
    np.testing.assert_allclose(sparse, dense, rtol=1e-9)
    known = {"classes": np.unique(C)} if hasattr(model, "class_weight") else {}
    np.testing.assert_allclose(
        model.partial_fit(X, target(model), **known).theta_,
        model.fit(DENSE, target(model)).partial_fit(DENSE, target(model)).theta_,
        rtol=1e-9,
        atol=1e-12,
    )


@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier])
def test_a_wide_table_is_never_laid_out(kind):
    rows, columns = 400, 50_000
    X = random_array((rows, columns), density=1e-4, format="csr", rng=0)
    y = (X.sum(axis=1) > 1).astype(int)
    hidden = {"hidden_layer_sizes": 2} if kind in (MLPRegressor, MLPClassifier) else {}
    model = kind(batch_size=None, max_iter=2, tol=None, **hidden)
    model.fit(X, y).predict(X)  # compiles
    tracemalloc.start()
    try:
        model.fit(X, y).predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < rows * columns * 8 / 8  # an eighth of the dense table holds all parameters many times


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
@pytest.mark.parametrize("layout", [csc_matrix, coo_array], ids=["CSC", "COO"])
def test_other_sparse_layouts_are_made_rows(kind, layout):
    model = kind(**TOLD)
    expected = model.fit(csr_array(DENSE), Y).theta_
    np.testing.assert_array_equal(model.fit(layout(DENSE), Y).theta_, expected)


def test_a_network_that_diverges_on_sparse_rows_says_which_column():
    wide = csr_array(np.where(np.arange(12) == 3, 1e9, DENSE))
    with pytest.raises(DivergedError, match=r"column 3 reaches 1e\+09"):
        MLPRegressor(8, optimizer="sgd", learning_rate=10.0, **TOLD).fit(wide, Y)


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
def test_an_index_outside_the_table_never_reaches_a_kernel(kind):
    broken = csr_array(DENSE)
    broken.indices[5] = 10**6
    with pytest.raises((DataError, ValueError), match="ind"):
        kind(**TOLD).fit(broken, Y)
