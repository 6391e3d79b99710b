"""Parquet: the rows BF41 to BF44 of the catalogue, and what is used, converted and refused."""

from __future__ import annotations

import datetime as dt
import re
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from thalweg.errors import DataError, LimitError, StorageError, ThalwegError
from thalweg.exchange.tables import parquet, parquet_process, read_table, source, table

pa = pytest.importorskip("pyarrow", reason="pyarrow (extra arrow) reads Parquet")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow (extra arrow) reads Parquet")


@pytest.fixture
def here(monkeypatch) -> None:
    """Read in this process: the same code without the half second that a process of its own takes to start."""
    monkeypatch.setattr(table, "read_parquet", parquet.read_parts)


def write(path: Path, columns: dict[str, object], **options: object) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def varint(value: int) -> bytes:
    """Return a Thrift compact integer with its field header, as footers have the counts of rows."""
    value, out = value << 1, b"\x16"
    while value > 127:
        value, out = value >> 7, out + bytes([value & 127 | 128])
    return out + bytes([value])


def forged(content: bytes, claimed: int, which: tuple[int, ...]) -> bytes:
    """Return a file of 1000 rows in whose footer some of the counts (0 = the file's own) claim another number."""
    length = struct.unpack("<I", content[-8:-4])[0]
    parts = content[-8 - length : -8].split(varint(1000))
    assert len(parts) == 5  # the file, the values of two columns, the row group
    footer = parts[0]
    for k, part in enumerate(parts[1:]):
        footer += varint(claimed if k in which else 1000) + part
    return content[: -8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def test_numbers_and_text_are_used_as_they_are(tmp_path):
    columns = {
        "double": [0.1, -2.5],
        "float": pa.array([0.5, 0.1], pa.float32()),
        "half": pa.array(np.array([0.5, 1.5], np.float16)),
        "int": pa.array([1, -2], pa.int8()),
        "big": pa.array([1, 2**63], pa.uint64()),
        "a.text": ["x", "NA"],
        "large": pa.array(["y", ""], pa.large_string()),
    }
    table = read_table(write(tmp_path / "train.parquet", columns))
    assert table.names == tuple(columns)
    assert table["float"].tolist() == [0.5, float(np.float32(0.1))]
    assert [table[name].tolist() for name in ("double", "half", "int", "big", "a.text", "large")] == [
        [0.1, -2.5],
        [0.5, 1.5],
        [1.0, -2.0],
        [1.0, 2.0**63],
        ["x", "NA"],
        ["y", ""],
    ]
    assert (table.warnings, table.delimiter) == ((), None)


def test_bf43_what_can_be_converted_is_and_is_noted(tmp_path, here):
    columns = {
        "flag": [True, False],
        "price": [Decimal("0.1"), Decimal("1234.5")],
        "colour": pa.array(["red", "blue"]).dictionary_encode(),
    }
    table = read_table(write(tmp_path / "train.parquet", columns))
    assert [column.tolist() for column in table.columns] == [[1.0, 0.0], [0.1, 1234.5], ["red", "blue"]]
    (warning,) = table.warnings
    assert warning.startswith(
        "FILE-TYPE: converted to float64 or text: flag (bool), price (decimal128(5, 1)), colour ("
    )


def test_bf43_types_that_are_not_read_are_refused_column_by_column(tmp_path):
    columns = {
        "x": [1.0],
        "flag": [True],
        "list": [[1.0]],
        "nested": [{"a": 1}],
        "day": [dt.date(2020, 1, 31)],
        "raw": [b"x"],
        "none": pa.nulls(1),
    }
    path = write(tmp_path / "train.parquet", columns)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-TYPE", 3)
    message = str(caught.value)
    assert [
        name
        for name in ("list (list", "nested (struct", "day (date32", "raw (binary", "none (null")
        if name not in message
    ] == []
    assert "Used: x. Converted: flag." in message
    assert len(message.splitlines()) <= 5
    assert read_table(path, drop=["list", "nested", "day", "raw", "none"]).names == ("x", "flag")


def test_kinds_read_text_as_numbers_and_whole_numbers_as_text(tmp_path, here):
    path = write(tmp_path / "train.parquet", {"n": ["1.5", "2"], "zip": [123, 45], "x": [1.0, 2.0]})
    table = read_table(path, kinds={"n": "number", "zip": "text"})
    assert [column.tolist() for column in table.columns] == [[1.5, 2.0], ["123", "45"], [1.0, 2.0]]
    with pytest.raises(DataError, match="x \\(double\\)") as caught:
        read_table(path, kinds={"x": "text"})
    assert caught.value.code == "FILE-TYPE"
    bad = write(tmp_path / "bad.parquet", {"n": ["1.5", "oops"]})
    with pytest.raises(DataError, match=r"row 2, column n: 'oops' is not a number"):
        read_table(bad, kinds={"n": "number"})


def test_missing_infinite_and_rounded_values_are_answered_with_their_row(tmp_path):
    holes = write(tmp_path / "holes.parquet", {"a": [1.0, None, 3.0], "b": ["x", "y", None]})
    with pytest.raises(DataError, match=r"row 2, column a: 1 missing in column a, 1 missing in column b"):
        read_table(holes)
    assert read_table(holes, missing="drop")["a"].tolist() == [1.0]
    assert read_table(holes, missing="keep")["b"].tolist() == ["x", "y", ""]
    infinite = write(tmp_path / "infinite.parquet", {"a": [1.0, 2.0, float("inf")]})
    with pytest.raises(DataError, match="row 3, column a: 'inf'") as caught:
        read_table(infinite)
    assert caught.value.code == "FILE-NONFINITE"
    large = write(tmp_path / "large.parquet", {"a": [1, 2**53 + 1, 2**53 + 2], "b": [2**60, 0, 1]})
    assert read_table(large).warnings == (
        "FILE-DIGITS: digits of 1 value are lost in column a, first in row 2: above 2^53; is it an id?",
    )


@pytest.mark.parametrize("cut", [4, 100, -1, -9], ids=["magic only", "start only", "last byte", "footer"])
def test_bf41_a_cut_file_is_refused(cut, tmp_path, here):
    path = write(tmp_path / "train.parquet", {"a": np.arange(1000.0), "y": np.arange(1000)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="footer is unreadable") as caught:
        read_table(path)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-PARQUET", 3)
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("which", [(0,), (0, 3), (0, 1, 2, 3), (1,), (3,)], ids=str)
@pytest.mark.parametrize("claimed", [1001, 500, 10**9, 10**15])
def test_bf42_a_forged_count_is_refused(which, claimed, tmp_path, here):
    path = write(tmp_path / "train.parquet", {"a": np.arange(1000.0), "y": np.arange(1000)})
    path.write_bytes(forged(path.read_bytes(), claimed, which))
    if claimed == 500 and which == (0, 1, 2, 3):  # no lie to be seen: the first half of the file, whole
        assert read_table(path).n_rows == 500
        return
    with pytest.raises(LimitError, match=r"claims \d+ rows") as caught:
        read_table(path)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-PARQUET", 8)


def test_bf42_more_rows_than_the_memory_holds_are_refused_before_they_are_read(tmp_path, monkeypatch, here):
    path = write(tmp_path / "train.parquet", {"a": np.zeros(1_000_000)})
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", None)
    with pytest.raises(LimitError, match=r"about 1000000 rows x 1 column need 7\.63 MiB") as caught:
        read_table(path, memory=1_000_000)
    assert caught.value.code == "FILE-TOO-LARGE"


def test_damaged_data_are_refused(tmp_path, here):
    path = write(tmp_path / "train.parquet", {"a": np.random.default_rng(0).normal(size=5000)}, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(DataError, match="unreadable") as caught:
        read_table(path)
    assert caught.value.code == "FILE-PARQUET"


def test_bf44_the_parts_of_a_folder_are_read_in_order(tmp_path):
    write(tmp_path / "part-2.parquet", {"a": [3.0], "b": ["z"]})
    write(tmp_path / "part-1.parquet", {"a": [1.0, 2.0], "b": ["x", "y"]})
    (tmp_path / "_SUCCESS").touch()
    table = read_table(tmp_path)
    assert [column.tolist() for column in table.columns] == [[1.0, 2.0, 3.0], ["x", "y", "z"]]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"a": [3.0], "b": ["z"]}, "column b is string, in .*part-1.parquet it is double"),
        ({"a": [3.0]}, "column b is not there"),
        ({"a": [3.0], "b": [1.0], "c": [1.0]}, "column c is double, in .*part-1.parquet it is not there"),
        ({"b": [3.0], "a": [1.0]}, "in another order"),
    ],
)
def test_bf44_a_part_of_another_schema_is_refused(second, says, tmp_path, here):
    write(tmp_path / "part-1.parquet", {"a": [1.0], "b": [2.0]})
    write(tmp_path / "part-2.parquet", second)
    with pytest.raises(DataError, match=says) as caught:
        read_table(tmp_path)
    assert (caught.value.code, caught.value.where) == ("FILE-SCHEMA", str(tmp_path / "part-2.parquet"))


def test_no_rows_and_no_target_are_answered(tmp_path, here):
    path = write(tmp_path / "train.parquet", {"a": pa.array([], pa.float64())})
    with pytest.raises(DataError, match="1 column, 0 rows") as caught:
        read_table(path)
    assert caught.value.code == "FILE-NO-ROWS"
    with pytest.raises(DataError, match="no column 'y'") as caught:
        read_table(path, target="y")
    assert caught.value.code == "FILE-NO-TARGET"


def test_bf45_a_wide_file_is_refused(tmp_path, here):
    path = write(tmp_path / "train.parquet", {f"c{k}": [1.0] for k in range(30)})
    with pytest.raises(LimitError, match="30 columns, the limit is 20") as caught:
        read_table(path, max_columns=20)
    assert caught.value.code == "FILE-TOO-WIDE"


def test_a_parquet_file_is_known_by_its_first_bytes(tmp_path):
    path = write(tmp_path / "train.csv", {"a": [1.0], "b": [2.0]})
    assert read_table(path)["b"].tolist() == [2.0]


def test_bf48_a_file_that_changes_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "train.parquet", {"a": [1.0]})
    stamp = source._stamp
    stamps = iter([(1, 1, 1)])
    monkeypatch.setattr(source, "_stamp", lambda status: next(stamps, stamp(status)))
    with pytest.raises(StorageError, match="changed while it was read"):
        read_table(path)


@pytest.mark.parametrize("ending", ["import os; os.abort()", "raise SystemExit(3)"], ids=["abort", "exit"])
def test_a_file_that_ends_its_reader_leaves_this_process_alone(ending, tmp_path, monkeypatch):
    path = write(tmp_path / "train.parquet", {"a": [1.0]})
    monkeypatch.setattr(parquet_process, "_PROGRAM", ending)
    with pytest.raises(DataError, match="ends its reader") as caught:
        read_table(path)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-PARQUET", 3)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells how much memory a process has")
@pytest.mark.parametrize(("megabytes", "said"), [(32, "fits"), (256, "MemoryError")])
def test_the_reader_has_a_limit_of_memory(megabytes, said):
    code = f"""
import thalweg.exchange.tables.parquet_process as process
process._limit_memory(128 << 20)
try:
    bytearray({megabytes} << 20)
    print("fits")
except MemoryError:
    print("MemoryError")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said


@pytest.mark.deep
def test_two_hundred_mutated_files_are_read_or_refused(tmp_path):
    rng = np.random.default_rng(7)
    path = write(tmp_path / "train.parquet", {"a": np.arange(300.0), "b": [f"t{k % 7}" for k in range(300)]})
    whole = path.read_bytes()
    answers = set()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 6)):  # most of the trouble is in the footer
            first = 0 if rng.random() < 0.3 else len(content) - 1200
            content[rng.integers(first, len(content))] = rng.integers(256)
        path.write_bytes(content)
        try:
            answers.add(f"{read_table(path, missing='drop').n_rows} rows")
        except ThalwegError as error:
            answers.add(error.code)
    assert {"300 rows", "FILE-PARQUET"} <= answers


def test_without_pyarrow_one_line_names_the_extra(tmp_path, monkeypatch):
    path = write(tmp_path / "train.parquet", {"a": [1.0]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StorageError) as caught:
        read_table(path)
    message = str(caught.value)
    assert re.fullmatch(r"error\[FILE-PARQUET-EXTRA\] .*: .* pip install 'thalweg\[arrow\]'", message)
    assert caught.value.exit_status == 6
