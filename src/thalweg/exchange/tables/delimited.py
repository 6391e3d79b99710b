"""A delimited text file (CSV, TSV), read block by block into columns; nothing is guessed past a contradiction."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

from thalweg.errors import DataError, UsageError
from thalweg.exchange.tables.cells import NumberFormat, counted, is_missing, place, shown
from thalweg.exchange.tables.columns import DECIDING_ROWS, ColumnReader, raise_first
from thalweg.exchange.tables.content import Choice, Content, Progress, check_memory, check_names, check_width, finish
from thalweg.exchange.tables.layout import (
    DELIMITERS,
    Layout,
    find_layout,
    is_comment_above,
    most_common_width,
    ragged,
    take_sample,
)
from thalweg.exchange.tables.records import LONGEST_LINE, Records, TextFormat
from thalweg.exchange.tables.source import Source, physical_lines

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

Record = tuple[int, list[str]]
#: Rows that stand in memory as text at one time.
_BLOCK_ROWS = 10_000


def read_delimited(source: Source, form: TextFormat, choice: Choice) -> Content:
    """Read a delimited text file.

    The shape of a block of rows is checked before its cells, and of several cells that cannot be used the first is
    named. Missing cells are counted to the end of the file.

    Raises
    ------
    DataError, StorageError, LimitError, UsageError
        As listed at :func:`thalweg.exchange.tables.read_table`.
    """
    progress = Progress()
    for _ in read_blocks(source, form, choice, progress):
        pass
    return finish(progress.readers, choice, source.name, progress.delimiter, progress.warnings)


def read_blocks(source: Source, form: TextFormat, choice: Choice, progress: Progress) -> Generator[None]:
    """Read a delimited text file block by block; after each the readers of ``progress`` hold it too."""
    with closing(physical_lines(source, form.encoding, LONGEST_LINE)) as lines:
        sample = take_sample(lines)
        if sample and '"' not in sample[0]:  # before millions of names become millions of objects
            width = 1 + max(map(sample[0].count, [form.delimiter] if form.delimiter else DELIMITERS))
            check_width(width, choice.max_columns, source.name)
        layout = find_layout(sample, form, source.ending, source.name)
        records = Records(itertools.chain(sample, lines), layout.delimiter, form.comment, source.name)
        rows = iter(records)
        first = next(rows, None)
        if first is None:
            raise DataError("FILE-EMPTY", source.name, "the file has only blank lines or comments")
        names = _names(first, form, choice, layout, source.name)
        if not form.header:
            rows = itertools.chain([first], rows)
        trailing = form.header and len(names) > 1 and not names[-1]
        read = names[:-1] if trailing else names
        check_names(read, choice, place(source.name, line=first[0]))
        numbers = NumberFormat(form.decimal, form.thousands)
        readers = {
            position: ColumnReader(name, choice.kinds.get(name), numbers)
            for position, name in enumerate(read)
            if name not in choice.drop
        }
        progress.readers, progress.delimiter = list(readers.values()), layout.delimiter
        begun = "".join(sample)
        characters = source.unpacked * len(begun) / len(begun.encode(form.encoding, "replace"))
        count, size = 0, DECIDING_ROWS
        while block := _block(rows, size, len(names), layout, source.name):
            columns = list(zip(*(fields for _, fields in block), strict=True))
            at = [line for line, _ in block]
            if trailing:
                _check_unnamed(columns[-1], at, len(names), source.name)
            raise_first([reader.add(columns[k], at) for k, reader in readers.items()], source.name)
            count, size = count + len(block), _BLOCK_ROWS
            whole = max(1.0, characters / records.characters)
            needed = sum(reader.bytes for reader in readers.values())
            check_memory(whole * count, len(readers), whole * needed, choice.memory, source.name)
            yield
    source.check_unchanged()
    if not count:
        what = f"a header with {counted(len(read), 'column')}, 0 rows"
        raise DataError("FILE-NO-ROWS", source.name, what, "Rows belong below the header.")
    warnings = progress.warnings
    warnings += layout.warnings
    if blank := records.blank_lines:
        warnings.append(f"FILE-BLANK: {counted(blank, 'blank line')} skipped")
    if trailing:
        warnings.append(f"FILE-TRAILING: column {len(names)} has no name and no values; left out")


def _names(first: Record, form: TextFormat, choice: Choice, layout: Layout, table: str) -> list[str]:
    """Return the column names: from the first record, as given, or c1, c2, ..."""
    line, fields = first
    check_width(len(fields), choice.max_columns, table)
    if not form.header:
        if form.names is None:
            return [f"c{k}" for k in range(1, len(fields) + 1)]
        if len(form.names) != len(fields):
            what = f"{len(form.names)} names given, but line {line} has {len(fields)} fields"
            raise UsageError("OPTION-NAMES", table, what)
        return list(form.names)
    if is_comment_above(fields, layout):
        raise ragged(line, fields, most_common_width(layout.records[1:])[0], layout, table)
    names, numbers = [field.strip(" \t") for field in fields], NumberFormat(form.decimal, form.thousands)
    numeric = [name for name in names if numbers.number(name) is not None]
    fractions = [name for name in numeric if not name.isdecimal()]
    unnamed = [name for name in names if is_missing(name)]
    if numeric and (len(numeric) + len(unnamed) == len(names) or (fractions and 2 * len(numeric) >= len(names))):
        what = f"no header: {len(numeric)} of {len(names)} names are numbers, such as '{shown(numeric[0])}'"
        raise DataError("FILE-NO-HEADER", place(table, line=line), what, "Pass --no-header, or name the columns.")
    return names


def _block(rows: Iterator[Record], size: int, width: int, layout: Layout, table: str) -> list[Record]:
    """Return the next rows; all of the same width."""
    block = list(itertools.islice(rows, size))
    for line, fields in block:
        if len(fields) != width:
            raise ragged(line, fields, width, layout, table)
    return block


def _check_unnamed(cells: Sequence[str], lines: Sequence[int], column: int, table: str) -> None:
    """Raise DataError where the last column, which has no name, has a value all the same."""
    for line, cell in zip(lines, cells, strict=True):
        if cell.strip(" \t"):
            what = f"column {column} has no name, but a value in line {line}: '{shown(cell)}'"
            raise DataError("FILE-EMPTY-NAME", place(table, line=1, column=column), what, "Name it in the header.")
