"""Columns laid out as rows: every cell in its place, and every cell looked at."""

from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.stream import Columns
from thalweg.engine.columns import SEEN, STRETCH, turning

ROWS = (1, 7, 8, 9, 17, STRETCH, STRETCH + 3)
COLUMNS = (1, 3, 8, 9, 16, 21)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_cells_come_to_stand_in_their_rows(dtype: str, columns: int) -> None:
    rng = np.random.default_rng(columns)
    for rows in ROWS:
        made = rng.standard_normal((columns, rows + 5)).astype(dtype)
        out, seen = np.full((rows + 1, columns), 7.0, dtype), np.zeros(SEEN, dtype)
        turning(dtype)(np.array([column.ctypes.data for column in made]), 5, out[:rows], seen)
        np.testing.assert_array_equal(out[:rows], made[:, 5:].T)
        assert (out[rows] == 7).all()
        assert not seen.any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_no_cell_that_is_not_finite_is_passed_over(dtype: str, bad: float) -> None:
    columns, rows = 9, 19
    for at in np.ndindex(columns, rows):
        made = np.full((columns, rows), np.finfo(dtype).max, dtype)
        made[at] = bad
        out = np.empty((rows, columns), dtype)
        assert not Columns(list(made)).fill(out, 0)
        np.testing.assert_array_equal(out, made.T)


def test_cells_beside_those_asked_for_are_not_looked_at() -> None:
    made = np.ones((9, 21))
    made[:, 0] = made[:, -1] = np.nan
    assert Columns(list(made)).fill(np.empty((19, 9)), 1)


@pytest.mark.parametrize(
    "columns",
    [
        [np.ones(4), np.ones(4, np.float32)],
        [np.arange(4), np.arange(4)],
        [np.ones(8)[::2], np.ones(4)],
        [np.ones(4, ">f8"), np.ones(4, ">f8")],
        [np.frombuffer(b"\0" + np.ones(4).tobytes(), np.float64, 4, 1), np.ones(4)],
    ],
    ids=["two types", "integers", "every second", "other bytes first", "not aligned"],
)
def test_columns_that_no_kernel_goes_through_are_laid_out_all_the_same(columns: list[np.ndarray]) -> None:
    out = np.zeros((3, 2))
    assert not Columns(columns).fill(out, 1)  # nobody looked
    np.testing.assert_array_equal(out, np.stack([column[1:] for column in columns], axis=1))


def test_rows_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        Columns([np.ones(4), np.ones(4)]).fill(np.zeros((3, 2)), 2)
