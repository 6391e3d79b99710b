"""Records: what is cut is what the standard library's reader cuts, and what it would let pass is refused."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.errors import DataError
from thalweg.exchange.tables.records import Records


def standard(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def ours(text: str, delimiter: str) -> list[list[str]]:
    return [fields for _, fields in Records(io.StringIO(text, newline=""), delimiter, None, "table")]


def without_blank(rows: list[list[str]]) -> list[list[str]]:
    return [row for row in rows if row and not (len(row) == 1 and row[0].isspace())]


@settings(max_examples=1000)
@given(text=st.text('a1", ;\n\r', max_size=30), delimiter=st.sampled_from([",", ";"]))
def test_records_are_those_of_the_standard_reader_or_refused_for_their_quotes(text, delimiter):
    try:
        found = ours(text, delimiter)
    except DataError as error:
        found = error.code
    assert (
        found == "FILE-QUOTE"
        if isinstance(found, str)
        else without_blank(found) == without_blank(standard(text, delimiter))
    )


@given(text=st.text("a1, ;\n\r", max_size=30))
def test_a_text_without_quotes_is_never_refused(text):
    assert without_blank(ours(text, ",")) == without_blank(standard(text, ","))


@settings(max_examples=300)
@given(fields=st.lists(st.text('a",\n\r', max_size=6), min_size=1, max_size=5), rows=st.integers(1, 3))
def test_whatever_is_quoted_as_a_whole_is_read_back(fields, rows):
    text = "".join(",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n" for _ in range(rows))
    assert ours(text, ",") == [fields] * rows


def test_line_numbers_are_physical():
    text = 'a,b\r\n\r\n"x\ny\r\nz",1\r\n# no\r\n2,3'
    records = Records(io.StringIO(text, newline=""), ",", "#", "table")
    assert [line for line, _ in records] == [1, 3, 7]
    assert records.blank_lines == 1
