"""Delimited text cut into records, strictly after RFC 4180: a field with a quote in it is quoted as a whole.

The standard library's reader takes a stray quote (``2"3``) for part of the text and does not say where a quote was
left open; the readers of data frames return shifted or empty tables for some files. Here every record carries the
physical line that it starts in, and every broken rule its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thalweg.errors import DataError, UsageError
from thalweg.exchange.tables.cells import place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Characters; a longer line, or a longer field between quotes, is no table.
LONGEST_LINE = 16 << 20
_INSIDE_QUOTES = re.compile(r'[^"]*+(?:""[^"]*+)*+')


@dataclass(frozen=True)
class TextFormat:
    """How a delimited file is written; see :func:`thalweg.exchange.tables.read_table` for the meanings."""

    delimiter: str | None = None
    encoding: str = "utf-8"
    comment: str | None = None
    decimal: str = "."
    thousands: str | None = None
    header: bool = True
    names: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        delimiter: str | None = None,
        encoding: str = "utf-8",
        comment: str | None = None,
        decimal: str = ".",
        thousands: str | None = None,
        *,
        header: bool = True,
        names: Iterable[str] | None = None,
    ) -> TextFormat:
        """Return the format that a caller describes; a delimiter may be called ``"tab"``."""
        mark = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter) if delimiter is not None else None
        return cls(mark, encoding, comment, decimal, thousands, header, None if names is None else tuple(names))

    def __post_init__(self) -> None:
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or mark in '"\r\n\0' or mark.isalnum()):
            what = f"must be one character such as ',' or a tab, got '{shown(mark)}'"
            raise UsageError("OPTION-DELIMITER", "--delimiter", what)
        if self.comment is not None and (not self.comment or self.comment[0] in {'"', self.delimiter}):
            what = f"must be a mark such as '#', got '{shown(self.comment)}'"
            raise UsageError("OPTION-COMMENT", "--comment", what)
        if self.names is not None and self.header:
            raise UsageError("OPTION-NAMES", "--names", "names are for a file without a header: pass --no-header too")


class Records:
    """The records of a delimited text, as (physical line number, fields).

    Blank lines and comments are passed over; `blank_lines` counts the former.
    """

    def __init__(self, lines: Iterable[str], delimiter: str, comment: str | None, table: str) -> None:
        self._lines = iter(lines)
        self._delimiter, self._comment, self._table = delimiter, comment, table
        self.line = self.characters = self.blank_lines = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for line in self._lines:
            self.line += 1
            self.characters += len(line)
            text = line.rstrip("\r\n")
            if not text or (text.isspace() and self._delimiter not in text):
                self.blank_lines += 1
            elif self._comment and text.startswith(self._comment):
                continue
            elif '"' in text:
                yield self.line, self._all_quoted(text) or self._quoted(line)
            else:
                yield self.line, text.split(self._delimiter)

    def _all_quoted(self, text: str) -> list[str] | None:
        """Return the fields of a line in which every field is quoted and holds no quote: many files are such."""
        inside, between = text[1:-1], f'"{self._delimiter}"'
        if len(text) < 2 or text[0] != '"' or text[-1] != '"' or inside.count('"') != 2 * inside.count(between):
            return None
        return inside.split(between)

    def _quoted(self, line: str) -> list[str]:
        """Return the fields of a record that has quotes, which may go on over the next lines."""
        fields: list[str] = []
        position = 0
        while True:
            if line.startswith('"', position):
                opened = self.line
                field, line, position = self._inside(line, position + 1, len(fields) + 1)
                fields.append(field)
                rest = line[position : position + 1]
                if rest and rest not in {self._delimiter, "\r", "\n"}:
                    since = f" (opened in line {opened})" if opened != self.line else ""
                    raise self._quote(self.line, len(fields), f"text after the closing quote{since}")
                if rest != self._delimiter:
                    return fields
                position += 1
                continue
            end = line.find(self._delimiter, position)
            field = line[position:].rstrip("\r\n") if end < 0 else line[position:end]
            if '"' in field:
                raise self._quote(self.line, len(fields) + 1, f"a quote inside an unquoted field: '{shown(field)}'")
            fields.append(field)
            if end < 0:
                return fields
            position = end + 1

    def _inside(self, line: str, position: int, column: int) -> tuple[str, str, int]:
        """Return a quoted field, and the line and position behind its closing quote."""
        opened, parts, length = self.line, [], 0
        while True:
            inside = _INSIDE_QUOTES.match(line, position)  # always matches, if only nothing
            end = inside.end() if inside else position
            parts.append(line[position:end])
            length += end - position
            if end < len(line):
                return "".join(parts).replace('""', '"'), line, end + 1
            line, position = next(self._lines, ""), 0
            if not line:
                raise self._quote(opened, column, "the quote opened here is never closed")
            if length > LONGEST_LINE:
                what = f"the quote opened here is not closed within {LONGEST_LINE >> 20} MiB"
                raise self._quote(opened, column, what)
            self.line += 1
            self.characters += len(line)

    def _quote(self, line: int, column: int, what: str) -> DataError:
        hint = 'Quote the whole field and double the quotes in it: "2""3"; no space before the opening quote.'
        return DataError("FILE-QUOTE", place(self._table, line=line, column=column), what, hint)
