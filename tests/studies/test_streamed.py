"""A study whose rows stay on disk, against the one in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thalweg.descent.settings import Settings
from thalweg.errors import DataError
from thalweg.exchange.tables import Table, spool
from thalweg.formulas.rules import adam
from thalweg.studies import streamed
from thalweg.studies.design import Design
from thalweg.studies.division import row_by_row
from thalweg.studies.streamed import StreamedStudy
from thalweg.studies.study import Study


@pytest.fixture
def small_strips(monkeypatch):
    monkeypatch.setattr(spool, "STRIP", 16)
    monkeypatch.setattr(streamed, "_STRIPS", 3)


def a_table(rows: int = 1000, *, in_order: bool = False) -> Table:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(rows, 2))
    town = np.array(["Oslo", "Rome", "Bern"], object)[generator.integers(3, size=rows)]
    y = 3 + x @ [1.0, -2.0] + (town == "Rome") + 0.1 * generator.normal(size=rows)
    order = np.argsort(y) if in_order else np.arange(rows)
    return Table(["a", "b", "town", "y"], [x[order, 0], x[order, 1], town[order], y[order]])


def in_pieces(table: Table, size: int = 37) -> list[Table]:
    return [table.rows(slice(k, k + size)) for k in range(0, table.n_rows, size)]


def both(table: Table, folder: Path, **design: object) -> tuple[Study, StreamedStudy]:
    settled = Design(**design)
    return (
        Study.of_table(table, "y", settled),
        StreamedStudy.of_pieces(in_pieces(table), "y", settled, name="table", folder=folder),
    )


def settings_for(study: Study | StreamedStudy, epochs: int = 3) -> Settings:
    return Settings(adam(learning_rate=0.02), study.loss, batch_size=8, max_iter=epochs)


@pytest.mark.usefixtures("small_strips")
def test_several_blocks_are_the_same_parts_with_the_same_features(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed, "block_size", lambda *_, **__: 100)
    whole, study = both(a_table(), tmp_path)
    assert study.rows == whole.rows
    for part in ("validation", "test"):
        assert np.array_equal(study.parts[part].X, whole.parts[part].X)
        assert np.array_equal(study.parts[part].y, whole.parts[part].y)
    chunks = [(chunk.X, chunk.y) for chunk in study.training]
    rows = np.concatenate([np.column_stack(chunk) for chunk in chunks])
    wanted = np.column_stack([whole.parts["train"].X, whole.parts["train"].y])
    assert not np.array_equal(rows, wanted)
    assert np.array_equal(rows[np.argsort(rows[:, -1])], wanted[np.argsort(wanted[:, -1])])
    run = study.run(settings_for(study), random_state=0).descend()
    assert run.blocks is not None
    assert int(run.t) == 3 * 75
    again = whole.run(settings_for(whole), random_state=0).descend()
    assert study.scores(run.theta)["test"]["R2"] == pytest.approx(whole.scores(again.theta)["test"]["R2"], abs=0.01)
    found, direct = study.scores(again.theta), whole.scores(again.theta)
    for part, scores in direct.items():
        assert found[part] == pytest.approx(scores, rel=1e-12)


@pytest.mark.usefixtures("small_strips")
def test_a_table_in_the_order_of_its_target_is_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed, "block_size", lambda *_, **__: 200)
    table = a_table(in_order=True)
    _, study = both(table, tmp_path)
    y = np.concatenate([chunk.y for chunk in study.training])
    means = [y[k : k + 200].mean() for k in range(0, 600, 200)]
    assert np.ptp(means) < 0.8 * y.std()  # as the file lies, the first and last are 2.2 deviations apart


@pytest.mark.usefixtures("small_strips")
def test_more_than_is_held_is_learned_from(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed, "_HELD", 50 * 4 * 8)
    _, study = both(a_table(), tmp_path)
    assert sum(study.rows.values()) == 1000
    assert study.rows == {name: len(part.y) for name, part in study.parts.items()} | {"train": study.rows["train"]}
    assert all(25 < study.rows[part] < 75 for part in ("validation", "test"))
    assert "held in memory" in study.describe()[-1]
    assert sum(chunk.rows for chunk in study.training) == study.rows["train"]


def test_the_part_of_a_row_follows_from_its_number_and_the_seed():
    design = Design(validation=0.3, test=0.1, seed=5)
    parts = row_by_row(200_000, design, most=10**9)
    assert np.bincount(parts) / 200_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.005)
    assert np.array_equal(parts[:70_000], row_by_row(70_000, design, most=10**9))
    assert not np.array_equal(parts, row_by_row(200_000, Design(validation=0.3, test=0.1, seed=6), most=10**9))
    assert np.bincount(row_by_row(200_000, Design(validation=None, test=0.1), most=10**9)).tolist()[1] == 0


@pytest.mark.usefixtures("small_strips")
def test_warnings_are_those_of_the_whole_table(tmp_path):
    table = a_table(400)
    rare = table["town"].copy()
    whole, _ = both(table, tmp_path)
    rare[whole.places["test"][3]] = "Turin"
    names = ["a", "same", "copy", "town", "y"]
    table = Table(names, [table["a"], np.ones(400), table["y"], rare, table["y"]])
    whole, study = both(table, tmp_path)
    assert study.warnings == whole.warnings
    assert [line.split(":")[0] for line in study.warnings] == ["DATA-CONSTANT", "DATA-LEAK", "DATA-CATEGORY"]


def test_a_column_of_ids_ends_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MOST_TEXTS", 50)
    table = Table(["id", "y"], [np.array([f"r{k}" for k in range(100)], object), np.arange(100.0)])
    with pytest.raises(DataError, match="more than 50 different texts"):
        StreamedStudy.of_pieces(in_pieces(table), "y", Design(), name="t", folder=tmp_path)
