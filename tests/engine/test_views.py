"""Views of flat buffers inside kernels: the cells they show, and that checks of bounds still see beyond the end."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from thalweg.engine.arithmetic import block, flat


@njit
def fill(buffer, start, rows, columns):
    table = block(buffer, start, rows, columns)
    for i in range(rows):
        for k in range(columns):
            table[i, k] = 10 * i + k
    return flat(table).sum()


@njit(boundscheck=True)
def first(buffer, start, rows, columns):
    return block(buffer, start, rows, columns).size


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("start", "rows", "columns"), [(0, 3, 4), (2, 2, 5), (5, 7, 1), (11, 1, 1), (12, 0, 3), (3, 4, 0)]
)
def test_a_block_is_a_reshaped_slice(dtype, start, rows, columns):
    ours, theirs = np.zeros(12, dtype), np.zeros(12, dtype)
    view = theirs[start : start + rows * columns].reshape(rows, columns)
    view[...] = 10 * np.arange(rows)[:, np.newaxis] + np.arange(columns)
    assert fill(ours, start, rows, columns) == view.sum()
    np.testing.assert_array_equal(ours, theirs)


def test_what_may_not_be_written_stays_so():
    buffer = np.arange(6.0)
    buffer.setflags(write=False)
    assert first(buffer, 1, 2, 2) == 4
    with pytest.raises(Exception, match=r"[Cc]annot (?:modify|store)|[Rr]eadonly|setitem"):
        fill(buffer, 1, 2, 2)


@pytest.mark.parametrize(("start", "rows", "columns"), [(0, 3, 5), (8, 2, 3), (13, 1, 1), (-30, 2, 2)])
def test_with_checks_of_bounds_a_block_beyond_its_buffer_is_an_error(start, rows, columns):
    assert first(np.zeros(12), 0, 3, 4) == 12
    with pytest.raises(IndexError):
        first(np.zeros(12), start, rows, columns)
