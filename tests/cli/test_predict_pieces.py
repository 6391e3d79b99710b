"""``thalweg predict`` reads a table piece by piece: the same bytes, the same words, nothing half written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thalweg.exchange.models import TrainedModel, load
from thalweg.exchange.tables import delimited, parquet, read_table
from thalweg.exchange.tables.pieces import Pieces
from thalweg.exchange.tables.records import TextFormat


@pytest.fixture
def model(thalweg, houses):
    assert thalweg("train", houses, "--target", "price", "--epochs", "5").status == 0
    return houses


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(delimited, "DECIDING_ROWS", 7)
    monkeypatch.setattr(delimited, "_BLOCK_ROWS", 13)
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 13)


def many(houses: Path, rows: int = 200) -> Path:
    head, *lines = houses.read_text(encoding="utf-8").splitlines()
    path = houses.with_name("many.txt")
    path.write_text("\n".join([head, *(lines[k % len(lines)] for k in range(rows))]) + "\n", encoding="utf-8")
    return path


def test_small_pieces_give_the_same_bytes(thalweg, model, monkeypatch):
    path = many(model)
    whole = thalweg("predict", "model.thalweg", path)
    monkeypatch.setattr(delimited, "DECIDING_ROWS", 7)
    monkeypatch.setattr(delimited, "_BLOCK_ROWS", 13)
    assert thalweg("predict", "model.thalweg", path) == whole
    assert (whole.status, len(whole.out.splitlines())) == (0, 201)


@pytest.mark.usefixtures("small_pieces")
def test_pieces_are_the_table(houses):
    path = many(houses)
    whole = read_table(path)
    pieces = Pieces(path, TextFormat(), kinds={})
    parts = list(pieces)
    assert [part.n_rows for part in parts[:3]] == [7, 13, 13]
    for name in whole.names:
        assert np.concatenate([part[name] for part in parts]).tolist() == whole[name].tolist()
    assert pieces.warnings == whole.warnings


def test_what_is_noticed_is_counted_over_all_pieces(thalweg, model, folder, monkeypatch):
    lines = many(model).read_text(encoding="utf-8").splitlines()
    for row in (50, 120):
        lines[row] = lines[row].replace(lines[row].split(";")[0], "Lima", 1)
    fields = lines[90].split(";")
    lines[90] = ";".join([fields[0], "", *fields[2:]])
    (folder / "odd.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    whole = thalweg("predict", "model.thalweg", "odd.txt", "--missing", "mean")
    refused = thalweg("predict", "model.thalweg", "odd.txt")
    monkeypatch.setattr(delimited, "DECIDING_ROWS", 7)
    monkeypatch.setattr(delimited, "_BLOCK_ROWS", 13)
    assert thalweg("predict", "model.thalweg", "odd.txt", "--missing", "mean") == whole
    assert "2 cells hold text that was not in the training part, column town, first 'Lima' in row 50" in whole.err
    assert "1 missing in column rooms" in whole.err
    said = thalweg("predict", "model.thalweg", "odd.txt", "--output", "p.csv")
    assert (said.status, said.err) == (3, refused.err)
    assert "odd.txt, row 90, column rooms: 1 missing in column rooms" in said.err
    assert not (folder / "p.csv").exists()


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("left", [KeyboardInterrupt, None])
def test_a_file_is_there_as_a_whole_or_not_at_all(thalweg, model, folder, monkeypatch, left):
    path = many(model)
    if left is None:
        path.write_text(path.read_text(encoding="utf-8") + "Rome;three;50;yes;1\n", encoding="utf-8")
    else:
        predictions, calls = TrainedModel.predictions, []

        def interrupted(self, table):
            calls.append(table)
            if len(calls) == 4:
                raise left
            return predictions(self, table)

        monkeypatch.setattr(TrainedModel, "predictions", interrupted)
    (folder / "p.csv").write_text("old")
    before = sorted(folder.iterdir())
    said = thalweg("predict", "model.thalweg", path, "--output", "p.csv")
    assert said.status == (3 if left is None else 130)
    assert (folder / "p.csv").read_text() == "old"
    assert sorted(folder.iterdir()) == before


def test_parquet_goes_by_in_pieces_from_a_process_of_its_own(thalweg, model, folder):
    pytest.importorskip("pyarrow")
    frame = pd.read_csv(many(model, 70_000), sep=";")
    frame.to_parquet("many.parquet", index=False)
    parts = list(Pieces("many.parquet", TextFormat(), kinds={}))
    assert [part.n_rows for part in parts] == [65_536, 70_000 - 65_536]
    said = thalweg("predict", "model.thalweg", "many.parquet")
    expected = load("model.thalweg").predict(frame)
    assert said.out.splitlines()[1:] == [repr(value) for value in expected.tolist()]
    content = bytearray((folder / "many.parquet").read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    (folder / "damaged.parquet").write_bytes(content)
    said = thalweg("predict", "model.thalweg", "damaged.parquet", "--output", "p.csv")
    assert (said.status, said.err.split("]")[0], (folder / "p.csv").exists()) == (3, "error[FILE-PARQUET", False)
