"""A table on disk while it is worked with."""

from __future__ import annotations

import os

import numpy as np
import pytest

from thalweg.errors import DataError, StorageError
from thalweg.exchange.tables import Table, spool
from thalweg.exchange.tables.spool import Spool


def in_pieces(rows: int, size: int = 7) -> list[Table]:
    x, town = np.linspace(-1, 1, rows), np.array(["Oslo", "Rome", ""], object)[np.arange(rows) % 3]
    return [Table(["x", "town"], [x[k : k + size], town[k : k + size]]) for k in range(0, rows, size)]


def test_any_cut_gives_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "STRIP", 16)
    with Spool(in_pieces(100), tmp_path, "t") as one, Spool(in_pieces(100, 33), tmp_path, "t") as other:
        assert one.strips == other.strips == 7
        for strips in ([0], [6], [5, 0, 6]):
            table, numbers = one.read(strips)
            again, _ = other.read(strips)
            assert table["x"].tolist() == again["x"].tolist() == np.linspace(-1, 1, 100)[numbers].tolist()
            assert table["town"].tolist() == again["town"].tolist() == [["Oslo", "Rome", ""][k % 3] for k in numbers]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(StorageError, match="cannot be put on disk"):
        Spool(in_pieces(10), tmp_path / "none", "t")


def test_the_table_on_disk_leaves_no_file_behind(tmp_path):
    with Spool(in_pieces(100), tmp_path, "t") as kept:
        assert kept.n_rows == 100
        if os.name == "posix":
            assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_no_row_is_refused():
    with pytest.raises(DataError, match="has no rows"):
        Spool([], ".", "t")
