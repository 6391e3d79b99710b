from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

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
