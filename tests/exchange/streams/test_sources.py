"""What can be read as a stream: every kind of source gives the rows, and says what is wrong with it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

import thalweg
from thalweg import LinearClassifier, LinearRegressor
from thalweg.descent.stream import Stream
from thalweg.errors import DataError, SettingError, StorageError, ThalwegError
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.streams import files
from thalweg.exchange.tables import Table

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

ROWS = 500
RNG = np.random.default_rng(2)
X = RNG.normal(size=(ROWS, 3)) * [1.0, 10.0, 0.1]
Y = X @ np.array([1.0, 0.1, -1.0])
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(
    y=Y, town=np.where(Y > 0, "Oslo", "Rome"), weight=RNG.random(ROWS)
)
DROP = ["town", "weight"]
ESTIMATOR: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 16,
    "max_iter": 2,
    "tol": None,
    "random_state": 0,
    "shuffle": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of file, with the same rows."""
    place = tmp_path_factory.mktemp("streams")
    FRAME.to_parquet(place / "t.parquet", index=False, row_group_size=120)
    FRAME.to_csv(place / "t.csv", index=False)
    FRAME.to_csv(place / "t.tsv", index=False, sep="\t")
    with gzip.open(place / "t.csv.gz", "wt") as packed:
        FRAME.to_csv(packed, index=False)
    for kind in ("parquet", "csv"):
        (place / kind).mkdir()
        for k in range(0, ROWS, 200):
            part = FRAME[k : k + 200]
            write = part.to_parquet if kind == "parquet" else part.to_csv
            write(place / kind / f"part{k:04d}.{kind}", index=False)
    np.save(place / "X.npy", X)
    np.save(place / "y.npy", Y)
    np.save(
        place / "records.npy",
        np.array(list(map(tuple, FRAME[["a", "b", "c", "y"]].values)), [(n, "f8") for n in "abcy"]),
    )
    return place


SOURCES: dict[str, Any] = {
    "parquet": lambda place: thalweg.stream(place / "t.parquet", target="y", drop=DROP),
    "csv": lambda place: thalweg.stream(place / "t.csv", target="y", drop=DROP),
    "tsv": lambda place: thalweg.stream(str(place / "t.tsv"), target="y", drop=DROP),
    "packed csv": lambda place: thalweg.stream(place / "t.csv.gz", target="y", drop=DROP),
    "folder of parquet": lambda place: thalweg.stream(place / "parquet", target="y", drop=DROP),
    "folder of csv": lambda place: thalweg.stream(place / "csv", target="y", drop=DROP),
    "npy": lambda place: thalweg.stream(place / "X.npy", place / "y.npy"),
    "npy, y in memory": lambda place: thalweg.stream(place / "X.npy", Y),
    "records": lambda place: thalweg.stream(place / "records.npy", target="y"),
    "memory map": lambda place: thalweg.stream(np.load(place / "X.npy", mmap_mode="r"), Y),
    "view of a memory map": lambda place: thalweg.stream(np.load(place / "X.npy", mmap_mode="r")[::1], Y),
    "array": lambda place: thalweg.stream(X, Y),
    "columns first": lambda place: thalweg.stream(np.asfortranarray(X), Y),
    "arrow table": lambda place: thalweg.stream(arrow.Table.from_pandas(FRAME), target="y", drop=DROP),
    "pandas": lambda place: thalweg.stream(FRAME, target="y", drop=DROP),
    "list of frames": lambda place: thalweg.stream([FRAME[:99], FRAME[99:]], target="y", drop=DROP),
    "record batches": lambda place: thalweg.stream(
        lambda: arrow.Table.from_pandas(FRAME).to_batches(77), target="y", drop=DROP
    ),
    "chunks": lambda place: thalweg.stream(lambda: ((X[k : k + 70], Y[k : k + 70]) for k in range(0, ROWS, 70))),
    "frames and targets": lambda place: thalweg.stream([(FRAME[["a", "b", "c"]], FRAME["y"])]),
}


def fitted(rows: Stream, estimator: Any = LinearRegressor) -> Any:
    rows.block_size = 64
    return estimator(**ESTIMATOR).fit(rows)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_rows(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_ROWS", 50)
    rows = SOURCES[source](folder)
    expected = LinearRegressor(**ESTIMATOR).fit(X, Y)
    np.testing.assert_array_equal(fitted(rows).theta_, expected.theta_)
    assert rows.n_rows in (None, ROWS)
    assert rows.feature_names in (None, ("a", "b", "c"))
    # It can be gone through again, by hand too.
    np.testing.assert_array_equal(np.concatenate([chunk.X for chunk in rows]), X)


def test_a_reader_of_batches_lasts_once(folder: Path) -> None:
    with parquet.ParquetFile(folder / "t.parquet") as file:
        reader = arrow.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(100))
        rows = thalweg.stream(reader, target="y", drop=DROP)
        once = LinearRegressor(**ESTIMATOR | {"max_iter": 1}).fit(rows)
    np.testing.assert_array_equal(once.theta_, LinearRegressor(**ESTIMATOR | {"max_iter": 1}).fit(X, Y).theta_)
    assert not rows.repeatable


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_labels_and_weights_are_columns(name: str, folder: Path) -> None:
    rows = thalweg.stream(folder / name, target="town", sample_weight="weight", drop=["y"])
    expected = LinearClassifier(**ESTIMATOR).fit(X, FRAME["town"].to_numpy(str), FRAME["weight"].to_numpy())
    found = fitted(rows, LinearClassifier)
    np.testing.assert_array_equal(found.theta_, expected.theta_)
    assert list(found.classes_) == ["Oslo", "Rome"]


def test_several_targets(folder: Path) -> None:
    rows = thalweg.stream(folder / "t.parquet", target=["y", "weight"], drop=["town"])
    expected = LinearRegressor(**ESTIMATOR).fit(X, FRAME[["y", "weight"]].to_numpy())
    np.testing.assert_array_equal(fitted(rows).theta_, expected.theta_)


@pytest.mark.parametrize("zero_based", [False, True])
@pytest.mark.parametrize("n_features", [None, 9])
def test_svmlight_pieces_are_the_file(
    zero_based: bool, n_features: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thalweg.exchange.streams import svmlight

    sparse = csr_matrix(np.hstack([X, np.zeros((ROWS, 5)), X[:, :1]]) * (RNG.random((ROWS, 9)) < 0.6))
    path = tmp_path / "t.svmlight"
    dump_svmlight_file(sparse, Y, str(path), zero_based=zero_based)
    whole, y = load_svmlight_file(str(path), n_features=9, zero_based=zero_based)
    monkeypatch.setattr(svmlight, "_BYTES", 1000)
    rows = thalweg.stream(path, n_features=n_features, zero_based=None if n_features is None else zero_based)
    np.testing.assert_array_equal(fitted(rows).theta_, LinearRegressor(**ESTIMATOR).fit(whole, y).theta_)


# ---- columns made ready --------------------------------------------------------------------------------------------


def test_prepared_columns_are_those_in_memory(folder: Path) -> None:
    table = Table(["a", "b", "c", "town"], [*X.T, FRAME["town"].tolist()])
    preparation = Preparation.fit(table)
    for name in ("t.parquet", "t.csv"):
        rows: Any = thalweg.stream(folder / name, target="y", drop=["weight"], prepare=True)
        assert rows.preparation == preparation
        assert rows.feature_names == ("a", "b", "c", "town=Oslo", "town=Rome")
        expected = LinearRegressor(**ESTIMATOR).fit(preparation.transform(table).X, Y)
        np.testing.assert_array_equal(fitted(rows).theta_, expected.theta_)


def test_means_over_several_blocks_do_not_depend_on_the_cut_and_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    from thalweg.exchange import learned as module

    monkeypatch.setattr(module, "_LEARNED_TOGETHER", 64)
    columns = X + np.array([0.0, 5.0, -1.0])
    columns[7, 1] = np.nan
    whole = Table(list("abc"), columns.T)
    found = []
    for step in (1000, 64, 7):
        pieces = (Table(list("abc"), columns[k : k + step].T) for k in range(0, ROWS, step))
        found.append(Preparation.learn(pieces, "t"))
    assert found[0] == found[1] == found[2]
    for ours, theirs in zip(found[0].columns, Preparation.fit(whole).columns, strict=True):
        assert ours.mean == pytest.approx(theirs.mean, rel=1e-13, abs=1e-15)
        assert ours.scale == pytest.approx(theirs.scale, rel=1e-13)


def test_missing_numbers_are_refused_unless_prepared(tmp_path: Path) -> None:
    holed = FRAME[["a", "b", "y"]].copy()
    holed.loc[123, "b"] = None
    for name in ("t.parquet", "t.csv"):
        write = holed.to_parquet if name.endswith("parquet") else holed.to_csv
        write(tmp_path / name, index=False)
        with pytest.raises(DataError, match="row 123, column b") as caught:
            fitted(thalweg.stream(tmp_path / name, target="y"))
        assert caught.value.code == "DATA-FINITE"
        chunks = list(thalweg.stream(tmp_path / name, target="y", prepare=True))
        assert np.concatenate([chunk.X for chunk in chunks])[123, 1] == 0.0


# ---- what cannot be used -------------------------------------------------------------------------------------------


def damaged(place: Path) -> Path:
    path = place / "damaged.parquet"
    content = bytearray((place / "t.parquet").read_bytes())
    content[200:1200] = bytes(1000)
    path.write_bytes(content)
    return path


def ragged(place: Path) -> Path:
    path = place / "ragged.csv"
    path.write_text("a,b,y\n1,2,3\n" + "1,2\n" * 3)
    return path


def late_text(place: Path) -> Path:
    path = place / "late.csv"
    path.write_text("a,y\n" + "1,2\n" * 400_000 + "one,2\n")
    return path


def other_columns(place: Path) -> Path:
    there = place / "others"
    there.mkdir(exist_ok=True)
    FRAME[["a", "y"]].to_csv(there / "1.csv", index=False)
    FRAME[["b", "y"]].to_csv(there / "2.csv", index=False)
    return there


BAD: dict[str, tuple[Any, str]] = {
    "no such file": (lambda p: thalweg.stream(p / "none.csv", target="y"), "FILE-OPEN"),
    "no such column": (lambda p: thalweg.stream(p / "t.csv", target="Y"), "FILE-NO-TARGET"),
    "nothing dropped": (lambda p: thalweg.stream(p / "t.csv", target="y", drop=["z"]), "DATA-COLUMN-MISSING"),
    "text": (lambda p: thalweg.stream(p / "t.parquet", target="y"), "DATA-KIND"),
    "no column left": (lambda p: thalweg.stream(p / "records.npy", target="y", drop=list("abc")), "FILE-NO-FEATURES"),
    "another kind of file": (lambda p: thalweg.stream(p / "t.xlsx", target="y"), "FILE-FORMAT"),
    "a text file": (lambda p: thalweg.stream(_written(p / "t.txt", "a,y\n1,2\n"), target="y"), "FILE-FORMAT"),
    "damage": (lambda p: fitted(thalweg.stream(damaged(p), target="y", drop=DROP)), "FILE-PARQUET"),
    "ragged": (lambda p: fitted(thalweg.stream(ragged(p), target="y")), "FILE-CSV"),
    "late text": (lambda p: fitted(thalweg.stream(late_text(p), target="y")), "FILE-CSV"),
    "other columns": (lambda p: fitted(thalweg.stream(other_columns(p), target="y")), "FILE-SCHEMA"),
    "an object": (lambda p: thalweg.stream(5), "DATA-STREAM"),
    "no iterator": (lambda p: fitted(thalweg.stream(lambda: 5)), "DATA-STREAM"),
    "a frame without a target": (lambda p: fitted(thalweg.stream([FRAME])), "DATA-CHUNK"),
    "other frames": (
        lambda p: fitted(thalweg.stream([FRAME[["a", "y"]], FRAME[["b", "y"]]], target="y")),
        "DATA-CHUNK",
    ),
    "columns in another order": (
        lambda p: fitted(thalweg.stream([FRAME[["a", "b", "y"]], FRAME[["b", "a", "y"]]], target="y")),
        "DATA-CHUNK",
    ),
    "text in a frame": (lambda p: fitted(thalweg.stream([FRAME], target="y")), "DATA-KIND"),
    "targets of another length": (lambda p: thalweg.stream(p / "X.npy", Y[1:]), "DATA-ROWS"),
    "one dimension": (lambda p: thalweg.stream(p / "y.npy", Y), "DATA-SHAPE"),
    "no targets": (lambda p: fitted(thalweg.stream(p / "X.npy")), "DATA-CHUNK"),
    "targets beside a table": (lambda p: thalweg.stream(p / "t.csv", Y), "SETTING-STREAM"),
    "prepared arrays": (lambda p: thalweg.stream(X, Y, prepare=True), "SETTING-STREAM"),
    "a missing target": (
        lambda p: fitted(thalweg.stream(arrow.table({"a": [1.0, 2.0], "y": [1.0, None]}), target="y")),
        "FILE-MISSING",
    ),
    "an id as text": (
        lambda p: thalweg.stream(
            arrow.table({"a": [str(k) for k in range(90)], "y": Y[:90]}), target="y", prepare=True
        ),
        "DATA-TEXT",
    ),
    "no svmlight": (lambda p: thalweg.stream(_written(p / "t.svmlight", "one two\n")), "FILE-SVMLIGHT"),
    "a broken array": (lambda p: thalweg.stream(_written(p / "t.npy", "nothing"), Y), "FILE-NPY"),
}


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_answered(case: str, folder: Path) -> None:
    act, code = BAD[case]
    with pytest.raises(ThalwegError) as caught:
        act(folder)
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) <= 5
    assert all(len(line) < 400 for line in str(caught.value).splitlines())


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.svmlight"])
def test_a_file_that_changes_between_passes_is_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("svmlight"):
        dump_svmlight_file(X, Y, str(path))
        rows = thalweg.stream(path)
    else:
        part = FRAME[["a", "b", "y"]]
        (part.to_parquet if name.endswith("parquet") else part.to_csv)(path, index=False)
        rows = thalweg.stream(path, target="y")
    rows.block_size = 64

    def write(run: Any) -> None:
        if run.epoch == 1:
            path.write_bytes(path.read_bytes() + b"\n")

    with pytest.raises(StorageError) as caught:
        LinearRegressor(**ESTIMATOR, callbacks=write).fit(rows)
    assert caught.value.code == "FILE-CHANGED"


def test_a_stream_is_no_array_and_says_what_it_is(folder: Path) -> None:
    rows = thalweg.stream(folder / "t.parquet", target="y", drop=DROP)
    assert "500 rows" in repr(rows)
    with pytest.raises(SettingError):
        thalweg.stream(rows)
    with pytest.raises(TypeError):
        np.asarray(rows, dtype=float)
