"""The catalogue of bad tables (rows BF01 to BF52): refused with code and place, or accepted with a warning."""

from __future__ import annotations

import csv
import gzip
import io
import os
import socket
import tracemalloc
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.catalogue import ACCEPTED, REFUSED

from thalweg.errors import DataError, LimitError, StorageError, ThalwegError, UsageError
from thalweg.exchange.tables import Table, delimited, match_columns, read_table, source

EVERY_EXAMPLE_IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_fit_to_print(text: str) -> bool:
    """Tell whether a message keeps to its form: at most five lines, nothing that moves the cursor."""
    lines = text.split("\n")
    return len(lines) <= 5 and all(line.isprintable() for line in lines)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.row)
def test_a_bad_table_is_refused_with_its_code_and_place(case, tmp_path):
    path = tmp_path / case.name
    path.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    with pytest.raises(case.kind) as caught:
        read_table(path, **case.options)
    error, message = caught.value, str(caught.value)
    assert error.code == case.code
    assert error.exit_status == {DataError: 3, LimitError: 8}[case.kind]
    assert error.where.startswith(str(path))
    assert error.where.endswith(case.where)
    assert [text for text in case.says if text not in message] == []
    assert is_fit_to_print(message)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.row)
def test_what_is_accepted_is_read_as_written_and_doubts_are_noted(case, tmp_path):
    path = tmp_path / case.name
    path.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    table = read_table(path, **case.options)
    assert table.names == tuple(case.columns)
    assert table.delimiter == case.delimiter
    assert table.warnings == case.warnings
    for name, expected in case.columns.items():
        np.testing.assert_array_equal(table[name], np.array(expected, dtype=table[name].dtype), strict=True)
        assert (table.kinds[name] == "text") == isinstance(expected[0], str)


# Files that cannot be opened (BF47, BF48, BF52)


def unreadable(tmp_path: Path, what: str) -> Path:
    path = tmp_path / "train.csv"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
    return path


@pytest.mark.parametrize(
    ("what", "reason"),
    [("missing", "no such file"), ("folder", "a folder"), ("pipe", "a pipe"), ("socket", "a socket")],
)
def test_bf47_what_is_no_file_is_refused_at_once(what, reason, tmp_path):
    with pytest.raises(StorageError, match=reason) as caught:
        read_table(unreadable(tmp_path, what))
    assert (caught.value.code, caught.value.exit_status) == ("FILE-OPEN", 6)
    assert is_fit_to_print(str(caught.value))


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has no other user to be")
def test_bf47_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("a,b\n1,2\n")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything; nobody may not
        os.seteuid(65534)
    try:
        with pytest.raises(StorageError, match="no permission") as caught:
            read_table(path)
    finally:
        os.seteuid(user)
    assert caught.value.code == "FILE-OPEN"


def test_bf47_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(StorageError, match="null byte") as caught:
        read_table("a\0b.csv")
    assert caught.value.code == "FILE-OPEN"
    assert is_fit_to_print(str(caught.value))


@pytest.mark.parametrize("replaced", [False, True], ids=["grows", "replaced"])
def test_bf48_a_file_that_changes_while_it_is_read_is_refused(replaced, tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    path.write_text("a,b\n" + "1,2\n" * 5000)
    check = delimited.raise_first

    def change_and_check(mistakes, table):
        if replaced:
            (tmp_path / "new.csv").write_text("a,b\n" + "1,3\n" * 5000)
            (tmp_path / "new.csv").replace(path)
        else:
            with path.open("a") as file:
                file.write("1,2\n")
        check(mistakes, table)

    monkeypatch.setattr(delimited, "raise_first", change_and_check)
    with pytest.raises(StorageError, match="changed while it was read") as caught:
        read_table(path)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-CHANGED", 6)


@pytest.mark.parametrize("address", ["https://example.org/train.csv", "s3://bucket/train.parquet", "file:///a.csv"])
def test_bf52_a_network_address_is_a_usage_error(address):
    with pytest.raises(UsageError, match="network addresses are not read") as caught:
        read_table(address)
    assert (caught.value.code, caught.value.exit_status) == ("FILE-OPEN", 2)


# Bombs (BF40)


def test_bf40_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    path, unpacked = tmp_path / "train.csv.gz", 64 << 20
    with gzip.open(path, "wb") as file:
        file.write(b"a,b\n")
        for _ in range(unpacked >> 20):
            file.write(b"1,2\n" * (1 << 18))
    assert path.stat().st_size < unpacked / 900
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="unpack") as caught:
            read_table(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (caught.value.code, caught.value.exit_status) == ("FILE-TOO-LARGE", 8)
    assert peak < unpacked / 8


def test_packed_data_of_the_usual_kind_are_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "_FREELY_UNPACKED", 1 << 16)
    path, values = tmp_path / "train.csv.gz", np.round(np.random.default_rng(0).normal(size=(20_000, 2)), 3)
    path.write_bytes(gzip.compress(("a,b\n" + "\n".join(f"{a},{b}" for a, b in values)).encode()))
    np.testing.assert_array_equal(np.column_stack(read_table(path).columns), values)


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
def test_a_table_that_outgrows_its_memory_is_refused(name, tmp_path):
    path, content = tmp_path / name, ("a,b\n" + "1,2\n" * 50_000).encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_table(path, memory=800_000).n_rows == 50_000
    with pytest.raises(LimitError, match="rows x 2 columns need") as caught:
        read_table(path, memory=700_000)
    assert caught.value.code == "FILE-TOO-LARGE"


# Settings that contradict themselves


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"delimiter": ",,"}, "OPTION-DELIMITER"),
        ({"delimiter": '"'}, "OPTION-DELIMITER"),
        ({"delimiter": "x"}, "OPTION-DELIMITER"),
        ({"comment": ""}, "OPTION-COMMENT"),
        ({"decimal": "x"}, "OPTION-DECIMAL"),
        ({"thousands": "."}, "OPTION-THOUSANDS"),
        ({"thousands": "1"}, "OPTION-THOUSANDS"),
        ({"missing": "median"}, "OPTION-MISSING"),
        ({"encoding": "utf-9"}, "OPTION-ENCODING"),
        ({"encoding": "base64"}, "OPTION-ENCODING"),
        ({"names": ["u", "v"]}, "OPTION-NAMES"),
        ({"names": ["u"], "header": False}, "OPTION-NAMES"),
        ({"kinds": {"a": "date"}}, "OPTION-KINDS"),
        ({"target": "a", "drop": ["a"]}, "OPTION-DROP"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_a_usage_error(options, code, tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError) as caught:
        read_table(path, **options)
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert is_fit_to_print(str(caught.value))


# Numbers are exact


def hard_decimals(count: int) -> list[str]:
    """Return decimals that a careless reader rounds wrongly: halfway between two floats, long, tiny, huge."""
    rng = np.random.default_rng(20)
    texts = []
    while len(texts) < count:
        value = rng.integers(2**63, dtype=np.uint64).view(np.float64)
        if not np.isfinite(value) or abs(value) > 1e300:
            continue
        middle = (Decimal(float(value)) + Decimal(float(np.nextafter(value, np.inf)))) / 2
        exponent, digits = rng.integers(-330, 290), int.from_bytes(rng.bytes(rng.integers(1, 12)))
        texts += [f"{middle:.17e}", f"{middle:.40e}", repr(float(value)), f"{digits}e{exponent}", f"-{digits / 7:.20f}"]
    return [text for text in texts if np.isfinite(float(text))][:count]


def test_twenty_thousand_hard_decimals_have_the_bits_of_python(tmp_path):
    texts = hard_decimals(25_000)[:20_000]
    assert len(texts) == 20_000
    path = tmp_path / "hard.csv"
    path.write_text("a,b\n" + "\n".join(f"{text},1" for text in texts))
    expected = np.array([float(text) for text in texts])
    assert read_table(path)["a"].tobytes() == expected.tobytes()


finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)


@EVERY_EXAMPLE_IN_ONE_FOLDER
@given(
    cells=st.lists(st.tuples(finite, words), min_size=1, max_size=20),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_is_written_is_read_back_to_the_same_bits(cells, quoting, delimiter, tmp_path):
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=quoting, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["number", "text"])
    writer.writerows(cells)
    path = tmp_path / "table.csv"
    path.write_bytes(written.getvalue().encode())
    table = read_table(path, delimiter=delimiter, kinds={"text": "text", "number": "number"})
    assert table["number"].tobytes() == np.array([number for number, _ in cells]).tobytes()
    assert table["text"].tolist() == [text for _, text in cells]


@EVERY_EXAMPLE_IN_ONE_FOLDER
@given(values=st.lists(st.tuples(finite, finite), min_size=1, max_size=20), bom=st.booleans(), last=st.booleans())
def test_line_ends_do_not_matter(values, bom, last, tmp_path):
    lines = ["a,b", *(f"{a!r},{b!r}" for a, b in values)]
    tables = []
    for end in ("\n", "\r\n", "\r"):
        path = tmp_path / "table.csv"
        path.write_bytes(b"\xef\xbb\xbf" * bom + (end.join(lines) + end * last).encode())
        tables.append(read_table(path))
    assert len({b"".join(column.tobytes() for column in table.columns) for table in tables}) == 1
    assert {table.warnings for table in tables} == {()}


@EVERY_EXAMPLE_IN_ONE_FOLDER
@given(
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["'", " ", "_", "\u00a0"]),
    value=st.integers(-(10**12), 10**12),
    cents=st.integers(0, 99),
)
def test_marks_between_thousands_are_read_as_they_are_written(decimal, thousands, value, cents, tmp_path):
    text = f"{value:,}".replace(",", thousands) + f"{decimal}{cents:02d}"
    path = tmp_path / "table.txt"
    path.write_text(f"a;b\n{text};1\n", encoding="utf-8")
    table = read_table(path, decimal=decimal, thousands=thousands)
    assert table["a"].tolist() == [float(f"{value}.{cents:02d}")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("pad", range(4))
def test_where_the_reading_is_cut_does_not_matter(end, pad, tmp_path):
    texts = [f"{'x' * pad}\u00e9\u20ac\U0001f600{k}" for k in range(20_000)]
    path = tmp_path / "train.csv"
    path.write_bytes(
        (f"text,number{end}" + end.join(f"{t},{k}" if k % 3 else f'"{t}",{k}' for k, t in enumerate(texts))).encode()
    )
    table = read_table(path)
    assert table["text"].tolist() == texts
    np.testing.assert_array_equal(table["number"], np.arange(20_000.0))


BASE = b'a,b,y\n1.5,"red, or ""so""",0\r\n-2e3,blue,1\n\n"3",red,0\n4,green,NA\n'


edits = st.lists(
    st.tuples(
        st.integers(0, len(BASE)),
        st.integers(0, 3),
        st.binary(max_size=3) | st.sampled_from([b'"', b",", b";", b"\r", b"\xef\xbb\xbf", b"1e400", b"NA", b"#"]),
    ),
    max_size=6,
)
asked = st.sampled_from(
    [{}, {"missing": "drop"}, {"missing": "mean"}, {"missing": "keep"}, {"encoding": "utf-16"}, {"encoding": "latin-1"}]
)


def check_that_it_is_read_or_refused(edits, options, tmp_path):
    content = BASE
    for position, length, inserted in edits:
        content = content[:position] + inserted + content[position + length :]
    path = tmp_path / "mutated.csv"
    path.write_bytes(content)
    try:
        table, messages = read_table(path, **options), []
    except ThalwegError as error:
        table, messages = Table([], []), [str(error)]
    assert all(map(is_fit_to_print, messages))
    assert all(map(str.isprintable, table.warnings))
    assert len({len(column) for column in table.columns}) <= 1
    kept = options.get("missing") == "keep"
    assert kept or all(np.isfinite(c).all() for c in table.columns if c.dtype == np.float64)


@settings(parent=EVERY_EXAMPLE_IN_ONE_FOLDER, max_examples=500)
@given(edits=edits, options=asked)
def test_a_mutated_table_is_read_or_refused_and_nothing_else(edits, options, tmp_path):
    check_that_it_is_read_or_refused(edits, options, tmp_path)


@pytest.mark.deep
@settings(parent=EVERY_EXAMPLE_IN_ONE_FOLDER, max_examples=200_000)
@given(edits=edits, options=asked)
def test_two_hundred_thousand_mutated_tables_are_read_or_refused(edits, options, tmp_path):
    check_that_it_is_read_or_refused(edits, options, tmp_path)


@EVERY_EXAMPLE_IN_ONE_FOLDER
@given(
    bad=st.lists(st.sampled_from(["x", "1_0", "inf", ""]), max_size=3), places=st.randoms(), block=st.integers(1, 40)
)
def test_the_answer_does_not_depend_on_the_size_of_a_block(bad, places, block, tmp_path):
    cells = [[f"{k}.5", f"{k}"] for k in range(60)]
    for cell in bad:
        cells[places.randrange(20, 60)][places.randrange(2)] = cell
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "\n".join(",".join(row) for row in cells))

    def answer() -> object:
        try:
            return [column.tolist() for column in read_table(path).columns]
        except DataError as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "DECIDING_ROWS", 10)
        whole = answer()
        patch.setattr(delimited, "_BLOCK_ROWS", block)
        assert answer() == whole


# The table itself


@pytest.fixture
def table() -> Table:
    return Table(["b", "a", "c"], [[1, 2, 3], [4.0, 5.0, 6.0], ["u", "v", "u"]], name="train.csv", default_target="c")


def test_a_table_is_float64_and_text_and_cannot_be_changed(table):
    assert {name: column.dtype.str for name, column in zip(table.names, table.columns, strict=True)} == {
        "b": "<f8",
        "a": "<f8",
        "c": "|O",
    }
    for column in table.columns:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[1]


def test_a_table_does_not_follow_the_array_it_was_made_from():
    values = np.array([1.0, 2.0])
    table = Table(["a"], [values])
    values[0] = 9.0
    assert table["a"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("names", "columns", "code"),
    [
        (["a", "a"], [[1.0], [2.0]], "FILE-DUP-COLUMN"),
        (["a"], [[1.0], [2.0]], "FILE-DUP-COLUMN"),
        (["a", "b"], [[1.0], [2.0, 3.0]], "FILE-RAGGED"),
        (["a"], [[[1.0], [2.0]]], "FILE-RAGGED"),
        (["a"], [[1.0, "x"]], "FILE-NOT-NUMBER"),
    ],
)
def test_what_is_no_table_is_refused(names, columns, code):
    with pytest.raises(DataError) as caught:
        Table(names, columns)
    assert caught.value.code == code


def test_split_target_takes_the_default_or_the_named_column(table):
    features, target = table.split_target()
    assert (features.names, features.default_target, target.tolist()) == (("b", "a"), None, ["u", "v", "u"])
    features, target = table.split_target("a")
    assert (features.names, features.default_target, target.tolist()) == (("b", "c"), "c", [4.0, 5.0, 6.0])


def test_split_target_names_the_nearest_column(table):
    with pytest.raises(DataError, match="no column 'A'; the table has b, a, c\n  Did you mean 'a'") as caught:
        table.split_target("A")
    assert (caught.value.code, caught.value.exit_status) == ("FILE-NO-TARGET", 3)


def test_a_target_alone_is_no_training_table():
    with pytest.raises(DataError, match="only column") as caught:
        Table(["y"], [[1.0]]).split_target("y")
    assert caught.value.code == "FILE-NO-FEATURES"


def test_rows_takes_masks_positions_and_slices(table):
    assert table.rows(np.array([2, 0]))["a"].tolist() == [6.0, 4.0]
    assert table.rows(np.array([True, False, True]))["c"].tolist() == ["u", "u"]
    assert table.rows(slice(1, None)).n_rows == 2


def test_bf49_columns_are_matched_by_name(table):
    matched = match_columns(table, {"a": "number", "b": "number"})
    assert (matched.names, matched["a"].tolist()) == (("a", "b"), [4.0, 5.0, 6.0])
    assert matched.warnings == ("DATA-COLUMN-EXTRA: the model does not use c",)
    assert match_columns(table, ["a", "b", "c"]).warnings == ()


def test_bf49_a_missing_column_is_named(table):
    with pytest.raises(DataError, match="no column 'd'") as caught:
        match_columns(table, ["a", "d"])
    assert (caught.value.code, caught.value.exit_status) == ("DATA-COLUMN-MISSING", 3)


def test_bf49_a_column_of_another_kind_is_refused(table):
    with pytest.raises(DataError, match="column c: the column is read as text") as caught:
        match_columns(table, {"c": "number"})
    assert caught.value.code == "DATA-COLUMN-KIND"


def test_bf50_hostile_names_are_shown_escaped_everywhere():
    hostile = "\x1b[31m\u202e<script>" + "x" * 1000
    table = Table([hostile, "y"], [[1.0, 2.0], [1.0, 2.0]], name=hostile)
    messages = [repr(table), *match_columns(table, ["y"]).warnings]
    for act in (lambda: table["z"], lambda: table.split_target(hostile[:-1])):
        with pytest.raises(DataError) as caught:
            act()
        messages.append(str(caught.value))
    assert all(map(is_fit_to_print, messages))
    assert max(map(len, messages)) < 700


def test_bf50_a_hostile_cell_is_cut_and_shown_escaped(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("a,b\n1,2\n2,3\n\x1b[2J\u202e" + "x" * 1000 + ",4\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'\\x1b\[2J\\u202ex+\.\.\.'") as caught:
        read_table(path)
    assert "x" * 30 not in str(caught.value)
    assert is_fit_to_print(str(caught.value))
