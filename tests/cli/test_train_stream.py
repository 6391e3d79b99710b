"""``thalweg train`` on files that do not fit into memory: the same words and numbers as in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from thalweg.descent.outputs import mean_loss
from thalweg.exchange import checkpoints
from thalweg.exchange.models import load
from thalweg.exchange.tables import delimited, read_table
from thalweg.exchange.tables import table as tables
from thalweg.studies import streamed

FAST = ("--epochs", "5", "--lr", "0.05")


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(delimited, "DECIDING_ROWS", 7)
    monkeypatch.setattr(delimited, "_BLOCK_ROWS", 13)


def said_of(folder: Path, name: str) -> dict:
    record = json.loads((folder / f"{name}.json").read_text())
    del record["times"]
    return record


def with_cell(path: Path, line: int, cell: str) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = lines[line - 1].split(";")
    fields[2] = cell
    lines[line - 1] = ";".join(fields)
    changed = path.with_name("changed.txt")
    changed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return changed


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    "told",
    [
        ("--target", "price"),
        ("--target", "town"),
        ("--target", "garden", "--dtype", "float32", "--batch-size", "full"),
        ("--target", "price", "--loss", "poisson", "--model", "mlp:3"),
        ("--target", "price", "--validation", "houses.txt"),
        ("--target", "rooms", "--task", "classification", "--seed", "3"),
    ],
)
def test_rows_of_one_block_give_the_same_files(thalweg, houses, folder, told):
    whole = thalweg("train", houses, *told, *FAST, "--output", "model.thalweg")
    pieces = thalweg("train", houses, *told, *FAST, "--stream", "--output", "model2.thalweg")
    assert (whole.status, pieces.status) == (0, 0), pieces.err
    assert (folder / "model.thalweg").read_bytes() == (folder / "model2.thalweg").read_bytes()
    one, other = said_of(folder, "model"), said_of(folder, "model2")
    for part, scores in one.pop("scores").items():
        assert other["scores"][part] == pytest.approx(scores, rel=1e-12)
    del other["scores"]
    assert one == other
    assert pieces.err.splitlines()[0] == f"{str(houses)[:37]}...: 60 rows are read piece by piece"
    assert whole.err.splitlines()[1:] == pieces.err.splitlines()[1:]
    assert all(len(line) <= 80 for line in pieces.out.splitlines())


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_missing_cells_are_settled_as_in_memory(thalweg, houses, folder, missing):
    path = with_cell(houses, 40, "")
    for name, more in (("model", ()), ("model2", ("--stream",))):
        said = thalweg(
            "train", path, "--target", "price", "--missing", missing, *FAST, *more, "--output", f"{name}.thalweg"
        )
        assert said.status == 0, said.err
    assert (folder / "model.thalweg").read_bytes() == (folder / "model2.thalweg").read_bytes()
    warnings = said_of(folder, "model2")["data"]["warnings"]
    assert warnings == said_of(folder, "model")["data"]["warnings"]
    assert [line.split(":")[0] for line in warnings] == ["FILE-MISSING"]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("many", ()),
        ("", ()),
        ("NA", ("--missing", "mean", "--target", "living area")),
        ("1;2", ()),
    ],
)
def test_what_is_wrong_in_the_middle_is_answered_as_in_memory(thalweg, houses, folder, cell, told):
    path = with_cell(houses, 50, cell)
    answers = [thalweg("train", path, *(told or ("--target", "price")), *FAST, *more) for more in ((), ("--stream",))]
    assert answers[0] == answers[1]
    assert answers[0].status != 0
    assert "line 50" in answers[0].err
    assert sorted(each.name for each in folder.iterdir()) == ["changed.txt", "houses.txt"]


def test_what_does_not_fit_into_memory_is_read_piece_by_piece(thalweg, houses, folder, monkeypatch):
    monkeypatch.setattr(tables, "free_memory", lambda: 1000)
    said = thalweg("train", houses, "--target", "price", *FAST)
    assert said.status == 0, said.err
    assert "60 rows do not fit into memory; read piece by piece" in said.err
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert load("model.thalweg").predict(read_table(houses)).shape == (60,)


def test_parquet_in_parts_is_read_piece_by_piece(thalweg, houses, folder):
    pytest.importorskip("pyarrow")
    whole = pd.read_csv(houses, sep=";")
    parts = folder / "parts"
    parts.mkdir()
    for k in range(3):
        whole[20 * k : 20 * k + 20].to_parquet(parts / f"{k}.parquet")
    for name, more in (("model", ()), ("model2", ("--stream",))):
        said = thalweg("train", parts, "--target", "town", *FAST, *more, "--output", f"{name}.thalweg")
        assert said.status == 0, said.err
    assert (folder / "model.thalweg").read_bytes() == (folder / "model2.thalweg").read_bytes()


@pytest.mark.parametrize(
    ("table", "more", "code"),
    [
        ("-", ("--target", "y"), "OPTION-STREAM"),
        ("dataset:moons", (), "OPTION-STREAM"),
        ("houses.txt", (), "OPTION-TARGET"),
        ("houses.txt", ("--target", "prise"), "FILE-NO-TARGET"),
        (".", ("--target", "y"), "FILE-OPEN"),
    ],
)
def test_what_cannot_be_read_piece_by_piece_is_refused(thalweg, houses, folder, table, more, code):
    said = thalweg("train", table, *more, "--stream")
    assert said.status != 0
    assert f"error[{code}]" in said.err
    assert list(folder.iterdir()) == [houses]


def test_all_rows_in_one_update_must_fit_into_a_block(thalweg, houses, monkeypatch):
    monkeypatch.setattr(streamed, "block_size", lambda *_, **__: 10)
    said = thalweg("train", houses, "--target", "price", "--stream", "--batch-size", "full", *FAST)
    assert "error[SETTING-STREAM] --batch-size: 36 rows in one update" in said.err


def test_what_was_stopped_goes_on_to_the_same_bytes(thalweg, houses, folder, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    monkeypatch.setattr(streamed, "block_size", lambda *_, **__: 8)
    plan = ("train", houses, "--target", "price", "--stream", "--batch-size", "4", *FAST, "--checkpoint-every", "1e-9")
    assert thalweg(*plan).status == 0
    whole = (folder / "model.thalweg").read_bytes(), said_of(folder, "model")
    (folder / "model.thalweg").unlink()
    looks = []

    def interrupted(*given: Any) -> float:
        looks.append(mean_loss(*given))
        if len(looks) == 4:
            raise KeyboardInterrupt
        return looks[-1]

    with monkeypatch.context() as patch:
        patch.setattr("thalweg.descent.outputs.mean_loss", interrupted)
        patch.setattr("thalweg.cli.leave", sys.exit)  # it may end the process, which here are the tests
        assert thalweg(*plan).status == 130
    assert not (folder / "model.thalweg").exists()
    with_cell(houses, 50, "81").rename(folder / "other.txt")
    other = (folder / "other.txt").read_bytes()
    original = houses.read_bytes()
    houses.write_bytes(other)
    assert "error[STORE-MISMATCH]" in thalweg(*plan).err
    houses.write_bytes(original)
    said = thalweg(*plan)
    assert "goes on after epoch" in said.err
    assert whole == ((folder / "model.thalweg").read_bytes(), said_of(folder, "model"))


def test_ctrl_c_leaves_no_file(thalweg, houses, folder, monkeypatch):
    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(streamed, "block_size", lambda *_, **__: 8)
    monkeypatch.setattr("thalweg.descent.outputs.mean_loss", interrupted)
    monkeypatch.setattr("thalweg.cli.leave", sys.exit)
    said = thalweg("train", houses, "--target", "price", "--stream", "--batch-size", "4", *FAST)
    assert said.status == 130
    assert list(folder.iterdir()) == [houses]


PROGRAM = """
import contextlib, re, sys
from thalweg.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print("peak", re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


def write_table(path: Path, size: int) -> Path:
    """Write so many bytes of rows, without holding them."""
    X = np.random.default_rng(0).normal(size=(20_000, 16))
    rows = np.column_stack([X, X @ np.arange(16.0)])
    text = "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
    with path.open("w") as file:
        file.write(",".join([*(f"x{k}" for k in range(16)), "y"]) + "\n")
        for _ in range(size // len(text)):
            file.write(text)
    return path


@pytest.mark.deep
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system tells it in /proc")
def test_memory_does_not_grow_with_the_file(folder):
    held = []
    for size in (300 << 20, 1500 << 20):
        path = write_table(folder / "t.csv", size)
        plan = ["train", str(path), "--target", "y", "--stream", "--epochs", "1", "--batch-size", "256"]
        done = subprocess.run([sys.executable, "-c", PROGRAM, *plan], capture_output=True, text=True, check=True)
        assert "model   model.thalweg" in done.stdout, done.stderr
        held.append(int(done.stdout.split()[-1]) / 1024)
    assert held[1] < held[0] + 60  # a byte for each row; the file has 1200 MiB more
    assert held[1] < 900
