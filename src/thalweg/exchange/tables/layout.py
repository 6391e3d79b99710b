"""The layout of a delimited file, from its first lines: which delimiter, and whether the lines agree with it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from thalweg.errors import DataError
from thalweg.exchange.tables.cells import NumberFormat, counted, is_decimal_comma, place
from thalweg.exchange.tables.records import Records, TextFormat
from thalweg.exchange.tables.source import TEXT_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Delimiters that are looked for; the first wins where two fit equally well, since commas also stand in text.
DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE_LINES, _SAMPLE_CHARACTERS = 100, 1 << 20
_COMMENT_MARKS = ("#", "%", "//")


class Fit(NamedTuple):
    """How well a delimiter fits the first lines; a greater one fits better."""

    cuts_first: bool
    agreeing: float  # share of the lines with the most common number of fields, 0 where that is one field


class Layout(NamedTuple):
    """The delimiter of a file, its first records, and what to say about the choice."""

    delimiter: str
    header: bool
    records: list[list[str]]
    warnings: tuple[str, ...] = ()


def take_sample(lines: Iterator[str]) -> list[str]:
    """Take the first lines: at most 100, and no more after a million characters."""
    sample: list[str] = []
    characters = 0
    while len(sample) < _SAMPLE_LINES and characters < _SAMPLE_CHARACTERS and (line := next(lines, None)) is not None:
        sample.append(line)
        characters += len(line)
    return sample


def find_layout(sample: Sequence[str], form: TextFormat, ending: str, table: str) -> Layout:
    """Find the delimiter from the first lines of a file.

    A delimiter that was asked for is taken. An ending that promises one (``.csv`` the comma, ``.tsv`` the tab) is
    believed unless the lines contradict it. Otherwise the delimiter decides that cuts the first line, and most lines
    into equally many fields.

    Parameters
    ----------
    sample : sequence of str
        The first lines.
    form : TextFormat
        What was asked for.
    ending : str
        The ending of the file's name, such as ``".csv"``.
    table : str
        The file, for messages.

    Raises
    ------
    DataError
        FILE-DELIMITER where the lines contradict the ending; FILE-DECIMAL-COMMA for ``1,5;2,5``.
    """
    tried = {mark: _begin(sample, mark, form.comment, table) for mark in DELIMITERS}
    fits = {mark: _fit(records) for mark, records in tried.items()}
    best = max(DELIMITERS, key=lambda mark: fits[mark])
    # A decimal comma keeps the comma busy: such a .csv usually has ';' between its columns.
    promised = TEXT_ENDINGS.get(ending) if form.decimal == "." else None
    mark = form.delimiter or promised or (best if fits[best] > Fit(False, 0.0) else ",")
    if mark == "," and form.decimal == ".":
        _refuse_decimal_comma(tried, fits, form, table)
    layout = Layout(mark, form.header, tried[mark] if mark in tried else _begin(sample, mark, form.comment, table))
    if _contradicts(fits[best], _fit(layout.records)):
        width, count = most_common_width(tried[best])
        what = f"looks like {_named(best)} ({width} fields in {count} of {len(tried[best])} lines), not {_named(mark)}"
        if form.delimiter is None:
            raise DataError("FILE-DELIMITER", table, what, f"Pass --delimiter {_named(best)}.")
        return layout._replace(warnings=(f"FILE-DELIMITER: {what}",))
    if _looks_spaced(layout.records):
        what = "looks like columns separated by spaces, which are not read"
        raise DataError("FILE-DELIMITER", table, what, "Save the table with commas or tabs between its columns.")
    return layout


def ragged(line: int, fields: Sequence[str], expected: int, layout: Layout, table: str) -> DataError:
    """Return the answer to a record with too few or too many fields.

    Parameters
    ----------
    line : int
        Its physical line.
    fields : sequence of str
        What it has.
    expected : int
        How many fields it should have.
    layout : Layout
        To see whether all other records agree with this one.
    table : str
        The file, for messages.
    """
    below, seen = layout.records[1:], counted(len(fields), "field")
    agree = layout.header and len(below) > 1 and all(len(record) == len(fields) for record in below)
    what = f"{seen}, expected {expected} (as in the {'header' if layout.header else 'first row'})"
    if line == 1:
        what = f"{seen}, but {expected} in the rows below"
    if fields[0].lstrip().startswith(_COMMENT_MARKS):
        sign = next(sign for sign in _COMMENT_MARKS if fields[0].lstrip().startswith(sign))
        hint = f"A comment? Pass --comment '{sign}'."
    elif agree and len(fields) > expected:
        what = f"{seen} under a {expected}-name header"
        hint = f"All {len(below)} rows looked at agree: name column {len(fields)} in the header."
    elif len(fields) > expected:
        hint = f"An unquoted {_named(layout.delimiter)} in a text column? Quote the field, or pass --delimiter."
    else:
        hint = "Is the line cut short, or a delimiter missing? Correct the line."
    return DataError("FILE-RAGGED", place(table, line=line), what, hint)


def is_comment_above(fields: Sequence[str], layout: Layout) -> bool:
    """Tell whether the first record looks like a comment that stands above the header."""
    below = layout.records[1:]
    return fields[0].startswith(_COMMENT_MARKS) and bool(below) and len(fields) != most_common_width(below)[0]


def most_common_width(records: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the most common number of fields, and how many records have it."""
    counts = Counter(map(len, records))
    return max(counts.items(), key=lambda item: (item[1], item[0])) if counts else (1, 0)


def _begin(sample: Sequence[str], mark: str, comment: str | None, table: str) -> list[list[str]]:
    """Return the records of the sample under a delimiter, up to the first that breaks the rules for quotes."""
    records: list[list[str]] = []
    try:
        records.extend(fields for _, fields in Records(sample, mark, comment, table))
    except DataError:  # a stray quote, or one still open where the sample ends: the reading itself will tell
        return records
    return records


def _fit(records: Sequence[Sequence[str]]) -> Fit:
    width, count = most_common_width(records)
    return Fit(bool(records) and len(records[0]) > 1, count / len(records) if width > 1 else 0.0)


def _contradicts(found: Fit, taken: Fit) -> bool:
    """Tell whether another delimiter fits so much better that the one taken must be wrong."""
    if taken == Fit(False, 0.0):  # a single column
        return found.agreeing >= 0.5
    if not taken.cuts_first:
        return found.cuts_first and found.agreeing >= 0.9
    return taken.agreeing < 0.9 and found == Fit(True, 1.0)


def _refuse_decimal_comma(
    tried: dict[str, list[list[str]]], fits: dict[str, Fit], form: TextFormat, table: str
) -> None:
    """Raise DataError for ``1,5;2,5``, which commas would cut too."""
    numbers = NumberFormat()
    for mark in DELIMITERS[:-1]:
        cells = [cell for fields in tried[mark][form.header :] for cell in fields]
        if fits[mark] != Fit(True, 1.0) or not any(map(is_decimal_comma, cells)):
            continue
        if all(is_decimal_comma(cell) or numbers.number(cell) is not None for cell in cells):
            what = f"looks like numbers with a decimal comma, separated by {_named(mark)}"
            hint = f"Pass --delimiter {_named(mark)} --decimal ','."
            raise DataError("FILE-DECIMAL-COMMA", place(table, line=1 + form.header), what, hint)


def _looks_spaced(records: Sequence[Sequence[str]]) -> bool:
    """Tell whether the only field of most records is a row of numbers, such as ``1.0  2.5  3``."""
    if most_common_width(records)[0] > 1:
        return False
    numbers = NumberFormat()
    rows = [fields[0].split() for fields in records]
    spaced = sum(len(row) > 1 and all(numbers.number(cell) is not None for cell in row) for row in rows)
    return 2 * spaced > len(rows)


def _named(mark: str) -> str:
    """Return the delimiter as messages and the command line write it."""
    return {"\t": "tab", " ": "space"}.get(mark, f"'{mark}'")
