from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from thalweg.descent.batches import Rows
from thalweg.errors import DataError


@pytest.mark.parametrize("sparse", [False, True])
def test_targets_and_weights_have_as_many_rows_as_the_features(sparse):
    X = csr_array(np.eye(3)) if sparse else np.eye(3)
    with pytest.raises(DataError, match="y: has 4 rows, X has 3"):
        Rows.of(X, np.zeros(4))
    with pytest.raises(DataError, match="sample_weight: has 2 rows, X has 3"):
        Rows.of(X, np.zeros(3), np.ones(2))


@pytest.mark.parametrize(
    ("indices", "indptr"),
    [([0, 1, 3], [0, 1, 2, 3]), ([0, 1, -1], [0, 1, 2, 3]), ([0, 1, 2], [0, 2, 1, 3])],
    ids=["column too far", "column below 0", "rows out of order"],
)
def test_a_csr_that_points_outside_itself_is_refused(indices, indptr):
    X = csr_array(np.eye(3))
    X.indices, X.indptr = np.array(indices, np.int32), np.array(indptr, np.int32)
    with pytest.raises(DataError, match="DATA-SPARSE"):
        Rows.of(X, np.zeros(3))


def test_a_csr_with_wide_indices_is_taken():
    X = csr_array(np.eye(3))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    rows = Rows.of(X, np.zeros(3))
    assert rows.csr
    assert (rows.indices.dtype, rows.indptr.dtype) == (np.int32, np.int64)


def test_lists_are_taken_as_the_arrays_that_they_spell():
    X, y, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.0]), np.array([1.0, 3.0])
    told, spelt = Rows.of(X, y, weights), Rows.of(X.tolist(), y.tolist(), weights.tolist())
    for name in ("X", "targets", "weights"):
        np.testing.assert_array_equal(getattr(spelt, name), getattr(told, name))


def test_a_sparse_matrix_by_columns_becomes_one_by_rows():
    X = np.array([[0.0, 2.0], [3.0, 0.0], [4.0, 5.0]])
    rows = Rows.of(csc_array(X), np.zeros(3))
    np.testing.assert_array_equal(csr_array((rows.values, rows.indices, rows.indptr)).toarray(), X)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"X": [[1.0], [2.0, 3.0]]}, "DATA-NUMBERS.* X: "),
        ({"X": [["a"], ["b"]]}, "DATA-NUMBERS.* X: "),
        ({"X": [1.0, 2.0]}, "DATA-SHAPE.* X: "),
        ({"y": ["a", "b"]}, "DATA-NUMBERS.* y: "),
        ({"sample_weight": ["a", "b"]}, "DATA-NUMBERS.* sample_weight: "),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(given, answer):
    with pytest.raises(DataError, match=answer):
        Rows.of(**{"X": [[1.0], [2.0]], "y": [0.0, 1.0], **given})
