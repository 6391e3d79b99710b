"""Tables of every layout are read as the same table, in memory of any order, width and library."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import coo_array, csc_array, csc_matrix, csr_array, csr_matrix, dok_array, lil_array

from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

GENERATOR = np.random.default_rng(0)
WHOLE = np.where(GENERATOR.random((24, 4)) < 0.6, GENERATOR.integers(1, 9, (24, 4)), 0).astype(float)
Y = WHOLE @ [1.0, -1.0, 0.5, 0.0]
C = (Y > 0).astype(int)
NAMES = ["north", "east", "south", "west"]
TOLD = {"batch_size": 8, "learning_rate": 0.01, "max_iter": 3, "tol": None, "random_state": 0}
KINDS = [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier]


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


def every_other(array):
    held = np.full((2 * len(array), 2 * array.shape[1]), np.nan)
    held[::2, ::2] = array
    return held[::2, ::2]


def wide_indices(layout):
    made = layout(WHOLE)
    made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return made


def polars_frame():
    import polars as pl

    return pl.DataFrame(dict(zip(NAMES, WHOLE.T, strict=True)))


DENSE = {
    "C": WHOLE.copy,
    "F": lambda: np.asfortranarray(WHOLE),
    "read-only": lambda: read_only(WHOLE),
    "strided": lambda: every_other(WHOLE),
    "negative strides": lambda: WHOLE[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda: WHOLE.astype(">f8"),
    "short and big-endian": lambda: WHOLE.astype(">f4"),
    "unaligned": lambda: np.frombuffer(b"\0" + WHOLE.tobytes(), dtype="u1")[1:].view("f8").reshape(WHOLE.shape),
    "float16": lambda: WHOLE.astype(np.float16),
    "longdouble": lambda: WHOLE.astype(np.longdouble),
    "int8": lambda: WHOLE.astype(np.int8),
    "int64": lambda: WHOLE.astype(np.int64),
    "uint8": lambda: WHOLE.astype(np.uint8),
    "uint64": lambda: WHOLE.astype(np.uint64),
    "object": lambda: WHOLE.astype(object),
    "list": WHOLE.tolist,
    "list of arrays": lambda: list(WHOLE),
    "matrix of no masked cell": lambda: np.ma.masked_array(WHOLE),
}
SPARSE = {
    f"{layout.__name__}{' of 64-bit indices' if wide else ''}": (lambda layout=layout, wide=wide: (
        wide_indices(layout) if wide else layout(WHOLE)
    ))
    for layout, wide in [
        (csr_array, False), (csr_array, True), (csr_matrix, False), (csc_array, False), (csc_array, True),
        (csc_matrix, False), (coo_array, False), (lil_array, False), (dok_array, False),
    ]
}  # fmt: skip
FRAMES = {
    "pandas": lambda: pd.DataFrame(WHOLE, columns=NAMES),
    "pandas of several types": lambda: pd.DataFrame(WHOLE, columns=NAMES).astype({"north": "int8", "west": "float32"}),
    "pandas nullable": lambda: pd.DataFrame(WHOLE, columns=NAMES).convert_dtypes(),
    "pandas of Arrow": lambda: pd.DataFrame(WHOLE, columns=NAMES).astype("double[pyarrow]"),
    "pyarrow": lambda: pa.table(dict(zip(NAMES, WHOLE.T, strict=True))),
} | ({"polars": polars_frame} if importlib.util.find_spec("polars") else {})


def target(kind):
    return C if kind in (LinearClassifier, MLPClassifier) else Y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [*DENSE, *FRAMES])
def test_tables_of_any_layout_give_the_bits_of_a_plain_one(kind, layout):
    given = (DENSE | FRAMES)[layout]()
    plain, other = kind(**TOLD).fit(WHOLE, target(kind)), kind(**TOLD).fit(given, target(kind))
    np.testing.assert_array_equal(other.theta_, plain.theta_)
    np.testing.assert_array_equal(other.predict(given), plain.predict(WHOLE))
    assert list(getattr(other, "feature_names_in_", [])) == (NAMES if layout in FRAMES else [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", SPARSE)
def test_sparse_tables_of_any_layout_give_the_bits_of_csr(kind, layout):
    plain = kind(**TOLD).fit(csr_array(WHOLE), target(kind))
    other = kind(**TOLD).fit(SPARSE[layout](), target(kind))
    np.testing.assert_array_equal(other.theta_, plain.theta_)
    np.testing.assert_array_equal(other.predict(SPARSE[layout]()), plain.predict(csr_array(WHOLE)))


@pytest.mark.parametrize("kind", KINDS)
def test_truth_values_are_numbers(kind):
    flags, floats = WHOLE > 0, (WHOLE > 0).astype(float)
    expected = kind(**TOLD).fit(floats, target(kind)).theta_
    np.testing.assert_array_equal(kind(**TOLD).fit(flags, target(kind)).theta_, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [np.asfortranarray, read_only, every_other, csr_array, pd.DataFrame])
def test_short_floats_stay_short_in_any_layout(kind, layout):
    short = WHOLE.astype(np.float32)
    given = layout(short) if layout is not every_other else np.repeat(np.repeat(short, 2, 0), 2, 1)[::2, ::2]
    model = kind(**TOLD).fit(given, target(kind))
    assert model.theta_.dtype == np.float32
    plain = kind(**TOLD).fit(csr_array(short) if layout is csr_array else short, target(kind))
    np.testing.assert_array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("library", FRAMES)
def test_columns_in_another_order_are_refused_by_name(library):
    model = LinearRegressor(**TOLD).fit(FRAMES[library](), Y)
    turned = FRAMES[library]()
    turned = turned.select(NAMES[::-1]) if hasattr(turned, "select") and library != "pandas" else turned[NAMES[::-1]]
    with pytest.raises(ValueError, match=r"(?s)feature names should match.*same order"):
        model.predict(turned)


TARGETS = {
    "list": lambda y: y.tolist(),
    "pandas": lambda y: pd.Series(y, index=range(7, 7 + len(y))),
    "pyarrow": pa.array,
    "pyarrow chunks": lambda y: pa.chunked_array([y[:5], y[5:]]),
    "read-only": read_only,
    "strided": lambda y: np.repeat(y, 2)[::2],
    "big-endian": lambda y: y.astype(y.dtype.newbyteorder(">")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", TARGETS)
def test_targets_and_weights_of_any_layout_are_read_alike(kind, layout):
    weights = np.arange(24.0) % 3 + 1
    plain = kind(**TOLD).fit(WHOLE, target(kind), weights)
    other = kind(**TOLD).fit(WHOLE, TARGETS[layout](target(kind)), TARGETS[layout](weights))
    np.testing.assert_array_equal(other.theta_, plain.theta_)
