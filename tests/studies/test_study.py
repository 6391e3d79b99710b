"""From arrays and tables to parts: what is learned from which rows, and what is left where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.errors import DataError
from thalweg.exchange.frames import as_column, cells
from thalweg.exchange.tables import Table
from thalweg.studies.design import Design
from thalweg.studies.study import Study

DRAW = np.random.default_rng(1)
X = DRAW.standard_normal((50, 3)) * [1.0, 10.0, 0.1] + 5
Y = X @ [1.0, 0.1, 3.0]


def test_the_parts_are_all_rows_each_once_and_depend_on_the_seed():
    first, again, other = (Study.of_arrays(X, Y, Design(seed=seed)) for seed in (0, 0, 1))
    places = [np.concatenate([study.places[part] for part in study.places]) for study in (first, again, other)]
    np.testing.assert_array_equal(np.sort(places[0]), np.arange(50))
    np.testing.assert_array_equal(places[0], places[1])
    assert (places[0] != places[2]).any()
    assert {part: len(held.y) for part, held in first.parts.items()} == {"train": 30, "validation": 10, "test": 10}


def test_scales_are_those_of_the_training_part():
    study = Study.of_arrays(X, Y, Design())
    train = study.places["train"]
    np.testing.assert_allclose(study.means, X[train].mean(axis=0))
    np.testing.assert_allclose(study.scales, X[train].std(axis=0))
    np.testing.assert_allclose(study.parts["train"].X.std(axis=0), 1.0)
    assert (study.outputs.mean, study.outputs.scale) == pytest.approx((Y[train].mean(), Y[train].std()))
    outlier = X.copy()
    outlier[study.places["test"][0]] = 1e6
    np.testing.assert_array_equal(Study.of_arrays(outlier, Y, Design()).means, study.means)


def test_sparse_columns_keep_their_zeros():
    rows = csr_array(np.where(X > 5, X, 0.0))
    study = Study.of_arrays(rows, Y, Design())
    assert study.parts["train"].X.nnz == rows[study.places["train"]].nnz
    np.testing.assert_array_equal(study.means, 0.0)


def test_raw_rows_are_the_rows_as_they_came_in_the_order_of_the_parts():
    study = Study.of_arrays(X, Y, Design())
    both = study.raw("validation", "test")
    np.testing.assert_array_equal(both, X[np.concatenate([study.places["validation"], study.places["test"]])])
    table = Table(["a", "t", "y"], [X[:, 0], ["p", "q"] * 25, Y])
    rows = Study.of_table(table, "y", Design()).raw("test")
    assert rows.shape == (10, 2)
    assert {row[1] for row in rows} <= {"p", "q"}


def test_a_table_and_the_array_of_its_columns_are_the_same_study():
    table = Table(["a", "b", "c", "y"], [*X.T, Y])
    one, two = Study.of_table(table, "y", Design()), Study.of_arrays(X, Y, Design())
    for part in ("train", "validation", "test"):
        np.testing.assert_allclose(one.parts[part].X, two.parts[part].X, rtol=1e-12)
        np.testing.assert_array_equal(one.parts[part].targets, two.parts[part].targets)


@pytest.mark.parametrize(
    ("given", "numbers", "missing"),
    [
        ([1, None, 2.5], True, 1),
        ([True, False, None], True, 1),
        (["a", None, float("nan")], False, 2),
        ([None, None], True, 2),
        ([], False, 0),
    ],
)
def test_a_column_is_numbers_or_text_with_its_missing_cells_counted(given: list[Any], numbers: bool, missing: int):
    column, count = as_column(given, "column a")
    assert (column.dtype == np.float64, count) == (numbers, missing)
    assert len(column) == len(given)


@pytest.mark.parametrize("given", [[1, "a"], [object()], [b"a"], [1j]])
def test_a_column_of_anything_else_is_answered(given):
    with pytest.raises(DataError, match=r"\[DATA-KIND\] column a: holds"):
        as_column(given, "column a")


def test_cells_of_an_array_stand_in_the_order_of_the_columns():
    found = cells([[1, "p"], [None, None]], ["a", "t"], ["number", "text"])
    assert found[0].tolist() == [1.0, "p"]
    assert np.isnan(found[1, 0])
    assert found[1, 1] == ""
    with pytest.raises(DataError, match=r"X: must have the 2 columns a, t, has shape \(1, 1\)"):
        cells([[1]], ["a", "t"], ["number", "text"])


def test_a_memory_map_is_divided_in_the_order_of_its_rows(tmp_path):
    X.tofile(tmp_path / "rows.bin")
    rows = np.memmap(tmp_path / "rows.bin", dtype="float64", mode="r", shape=X.shape)
    study = Study.of_arrays(rows, Y, Design())
    assert study.places == {"train": slice(0, 30), "validation": slice(30, 40), "test": slice(40, 50)}
    np.testing.assert_array_equal(study.parts["test"].X, X[40:])
    with pytest.raises(DataError, match="2 rows are too few for three parts"):
        Study.of_arrays(rows[:2], Y[:2], Design())
