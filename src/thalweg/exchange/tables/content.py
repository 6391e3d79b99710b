"""What is wanted of a table and what was read: names, columns, missing cells, limits; the same for every format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from thalweg.errors import DataError, LimitError, UsageError
from thalweg.exchange.tables.cells import counted, did_you_mean, place, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from thalweg.exchange.tables.columns import ColumnReader, Kind, Values

Missing = Literal["drop", "mean", "keep"]
_WAYS_OUT = "Pass --missing drop to leave these rows out, or --missing mean to fill in the column's mean."
_NOTHING_LEFT = "Every row has a missing cell: leave a column out with --drop."
_TARGET = "A target is not filled in: pass --missing drop."


@dataclass(frozen=True)
class Choice:
    """What is wanted of a table, and how far it may grow.

    Attributes
    ----------
    target : str, optional
        A column that must be there, and is never filled in.
    drop : frozenset of str
        Columns that are left out.
    kinds : mapping of str to {"number", "text"}
        Columns whose kind is known.
    missing : {"drop", "mean", "keep"}, optional
        What to do with missing cells.
    max_columns : int
        The most columns that are read.
    memory : int
        Bytes that the columns may take.
    """

    target: str | None
    drop: frozenset[str]
    kinds: Mapping[str, Kind]
    missing: Missing | None
    max_columns: int
    memory: int

    def __post_init__(self) -> None:
        if self.missing not in {None, "drop", "mean", "keep"}:
            what = f"must be 'drop', 'mean' or 'keep', got '{shown(str(self.missing))}'"
            raise UsageError("OPTION-MISSING", "--missing", what)
        for name, kind in self.kinds.items():
            if kind not in {"number", "text"}:
                what = f"a column is 'number' or 'text', got '{shown(str(kind))}' for {shown(name)}"
                raise UsageError("OPTION-KINDS", "kinds", what)


class Content(NamedTuple):
    """What was read: names, columns, the delimiter of a text file, warnings."""

    names: tuple[str, ...]
    columns: tuple[Values, ...]
    delimiter: str | None
    warnings: tuple[str, ...]


@dataclass
class Progress:
    """A table while it is being read: what reads its columns, and what was noticed by the end."""

    readers: list[ColumnReader] = field(default_factory=list)
    delimiter: str | None = None
    warnings: list[str] = field(default_factory=list)
    left_out: int = 0

    def take(self, choice: Choice) -> tuple[Values, ...]:
        """Return the columns' cells since the last time, without the rows that are to be dropped."""
        gaps = [reader.waiting_gaps() for reader in self.readers if reader.missing] if choice.missing == "drop" else []
        columns = tuple(reader.take() for reader in self.readers)
        if not gaps:
            return columns
        keep = np.ones(len(columns[0]), bool)
        for positions in gaps:
            keep[positions] = False
        self.left_out += int(np.count_nonzero(~keep))
        return tuple(column[keep] for column in columns)

    def end(self, choice: Choice, table: str) -> None:
        """Settle what a table that was taken in pieces lacks, and add what its columns noticed.

        Raises
        ------
        DataError
            FILE-MISSING, as :func:`finish`; there the cells of a table that is kept are told, here they are counted by
            whoever takes the pieces.
        """
        self.warnings += [reader.warning for reader in self.readers if reader.warning]
        holes = [reader for reader in self.readers if reader.missing_cells]
        if holes and choice.missing is None:
            raise _missing(table, holes, _WAYS_OUT)
        if self.left_out and self.left_out == self.readers[0].rows:
            raise _missing(table, holes, _NOTHING_LEFT)
        if self.left_out:
            self.warnings.append(_told_left_out(self.left_out))
        for reader in holes:
            if choice.missing == "keep" and reader.name == choice.target:
                raise _missing(table, [reader], _TARGET)


def check_width(width: int, limit: int, table: str) -> None:
    """Raise LimitError where a table has more columns than are read."""
    if width > limit:
        hint = f"Rows and columns swapped? Otherwise pass --max-columns {width}."
        raise LimitError("FILE-TOO-WIDE", table, f"{width} columns, the limit is {limit}", hint)


def check_names(names: Sequence[str], choice: Choice, header: str) -> None:
    """Raise DataError where a name is empty or stands twice, or a column that is asked for is not there.

    Parameters
    ----------
    names : sequence of str
        The names as the file has them.
    choice : Choice
        What is asked for.
    header : str
        The place of the names, for messages.
    """
    first: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name:
            hint = "Name it in the header." + (
                " An index that pandas wrote? Write with index=False." if not first else ""
            )
            raise DataError("FILE-EMPTY-NAME", f"{header}, column {position}", "the column has no name", hint)
        if name in first:
            what = f"'{shown(name)}' at columns {first[name]} and {position}"
            raise DataError("FILE-DUP-COLUMN", header, what, "Give one of them another name in the header.")
        first[name] = position
    for wanted in sorted(choice.drop | choice.kinds.keys()):
        if wanted not in first:
            raise no_column("DATA-COLUMN-MISSING", wanted, names, header)
    if choice.target is not None and choice.target not in first:
        raise no_column("FILE-NO-TARGET", choice.target, names, header)
    if choice.drop >= first.keys():
        raise UsageError("OPTION-DROP", "--drop", "no column is left")
    if choice.target in choice.drop:
        raise UsageError("OPTION-DROP", "--drop", f"'{shown(str(choice.target))}' is the target; it cannot be left out")


def no_column(code: str, wanted: str, names: Sequence[str], table: str) -> DataError:
    """Return the answer to a name that no column has: the names there are, and the nearest."""
    listed = ", ".join(shown(name) for name in names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    what = f"no column '{shown(wanted)}'; the table has {listed}"
    return DataError(code, table, what, did_you_mean(wanted, names))


def check_memory(rows: float, width: int, needed: float, memory: int, table: str) -> None:
    """Raise LimitError where a table needs more than the `memory` bytes it may take.

    Parameters
    ----------
    rows : float
        Rows it has, or will have by the look of its first ones.
    width : int
        Columns it has.
    needed : float
        Bytes for them.
    memory : int
        Bytes they may take.
    table : str
        The file, for messages.
    """
    if needed > memory:
        what = (
            f"about {counted(round(rows), 'row')} x {counted(width, 'column')} need {needed / 2**20:.3g} MiB of memory"
        )
        hint = f"At most {memory / 2**20:.3g} MiB may be used. Train on fewer rows, or leave columns out with --drop.\n"
        hint += "Read piece by piece a file of any size: train --stream, or fit(thalweg.stream(...))."
        raise LimitError("FILE-TOO-LARGE", table, what, hint)


def finish(
    columns: Sequence[ColumnReader], choice: Choice, table: str, delimiter: str | None, warnings: Sequence[str]
) -> Content:
    """Return the content of columns that are read to the end: missing cells settled, all warnings gathered.

    Raises
    ------
    DataError
        FILE-MISSING with the number of missing cells and the first place, where they cannot stay.
    """
    noticed = [*warnings, *(column.warning for column in columns if column.warning)]
    values = [column.values() for column in columns]
    holes = [k for k, column in enumerate(columns) if column.missing]
    if holes and choice.missing is None:
        raise _missing(table, [columns[k] for k in holes], _WAYS_OUT)
    if holes and choice.missing == "drop":
        keep = np.ones(columns[0].rows, bool)
        for k in holes:
            keep[columns[k].missing] = False
        if not keep.any():
            raise _missing(table, [columns[k] for k in holes], _NOTHING_LEFT)
        values, left_out = [array[keep] for array in values], int(np.count_nonzero(~keep))
        noticed.append(_told_left_out(left_out))
    elif choice.missing is not None:
        noticed += [_fill(columns[k], values[k], choice, table) for k in holes]
    for array in values:
        array.flags.writeable = False
    return Content(tuple(column.name for column in columns), tuple(values), delimiter, tuple(noticed))


def _fill(column: ColumnReader, values: Values, choice: Choice, table: str) -> str:
    """Put the column's mean, or the mark of a gap, in place of its missing cells; return the warning that says so."""
    count, name = len(column.missing), shown(column.name)
    if column.name == choice.target:
        raise _missing(table, [column], _TARGET)
    if choice.missing == "keep":
        if column.kind == "text":
            values[column.missing] = ""
        return f"FILE-MISSING: {count} missing in column {name} kept"
    if column.kind == "text":
        raise _missing(table, [column], f"Text has no mean: pass --missing drop, or --drop {name}.")
    if count == column.rows:
        raise _missing(table, [column], f"The column is empty: leave it out with --drop {name}.")
    values[column.missing] = mean = float(np.nanmean(values))
    return f"FILE-MISSING: {count} missing in column {name} filled with its mean {mean:.6g}"


def _told_left_out(rows: int) -> str:
    return f"FILE-MISSING: {counted(rows, 'row')} with missing cells left out"


def _missing(table: str, holes: Sequence[ColumnReader], hint: str) -> DataError:
    """Return FILE-MISSING: the first place, and up to three columns with their counts."""
    first = min(holes, key=lambda column: column.first_missing)
    counts = [f"{column.missing_cells} missing in column {shown(column.name)}" for column in holes[:3]]
    if len(holes) > 3:
        counts.append(f"and in {len(holes) - 3} more columns")
    where = place(table, **{first.unit: first.first_missing}, column=first.name)
    return DataError("FILE-MISSING", where, ", ".join(counts), hint)
