"""Tables for training: read from CSV, TSV and Parquet, taken apart into features and target, checked.

A table is read as it is written or not at all: a cell that is no number in a column of numbers, a row with a field
too many, a missing cell are answered with their place and what to do. What is accepted with a doubt is noted in
`Table.warnings`, one line each, beginning with a code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import DataError
from thalweg.exchange.tables.cells import place, shown
from thalweg.exchange.tables.content import Choice, Missing, no_column
from thalweg.exchange.tables.delimited import read_delimited
from thalweg.exchange.tables.parquet_process import read_parquet
from thalweg.exchange.tables.records import TextFormat
from thalweg.exchange.tables.source import examine, free_memory, part_files

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from thalweg.exchange.tables.columns import Kind, Values


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Named columns of numbers and text, all of one length; nothing in it can be changed.

    Parameters
    ----------
    names : sequence of str
        The column names, each once.
    columns : sequence of array-like
        One per name, shape (rows,): numbers become float64, anything else an object array of str.
    name : str
        What messages call the table, such as its path.
    delimiter : str, optional
        The delimiter that was found in a text file.
    warnings : sequence of str
        One line each, such as ``"FILE-BLANK: 2 blank lines skipped"``.
    default_target : str, optional
        The column that `split_target` takes where none is named.

    Raises
    ------
    DataError
        Names that are not unique, or columns of unequal length.

    Examples
    --------
    >>> table = Table(["x", "y"], [[0.0, 0.5, 1.0], ["a", "b", "a"]])
    >>> features, target = table.split_target("y")
    >>> features.names, list(target), table.kinds
    (('x',), ['a', 'b', 'a'], {'x': 'number', 'y': 'text'})
    >>> float(table["x"].sum())
    1.5
    """

    names: tuple[str, ...]
    columns: tuple[Values, ...]
    name: str = "table"
    delimiter: str | None = None
    warnings: tuple[str, ...] = ()
    default_target: str | None = None

    def __init__(
        self,
        names: Iterable[str],
        columns: Iterable[Iterable[object]],
        name: str = "table",
        delimiter: str | None = None,
        warnings: Iterable[str] = (),
        default_target: str | None = None,
    ) -> None:
        fields = {
            "names": tuple(str(each) for each in names),
            "columns": tuple(_as_column(column) for column in columns),
            "name": name,
            "delimiter": delimiter,
            "warnings": tuple(warnings),
            "default_target": default_target,
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        if len(set(self.names)) < len(self.names) or len(self.names) != len(self.columns):
            what = f"{len(self.columns)} columns need as many different names, got {len(set(self.names))}"
            raise DataError("FILE-DUP-COLUMN", shown(name, 200), what)
        if len({len(column) for column in self.columns}) > 1:
            raise DataError("FILE-RAGGED", shown(name, 200), "the columns are not of one length")

    def __repr__(self) -> str:
        return f"Table({shown(self.name, 200)}: {self.n_rows} rows, {len(self.names)} columns)"

    def __getitem__(self, name: str) -> Values:
        """Return one column, shape (rows,).

        Raises
        ------
        DataError
            DATA-COLUMN-MISSING, with the nearest name.
        """
        if name not in self.names:
            raise no_column("DATA-COLUMN-MISSING", name, self.names, shown(self.name, 200))
        return self.columns[self.names.index(name)]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @property
    def kinds(self) -> dict[str, Kind]:
        """Whether each column holds numbers or text."""
        return {n: "number" if c.dtype == np.float64 else "text" for n, c in zip(self.names, self.columns, strict=True)}

    def select(self, names: Sequence[str]) -> Table:
        """Return a table of these columns, in this order; DATA-COLUMN-MISSING as for one column."""
        return self._with(names, [self[name] for name in names])

    def drop(self, names: Sequence[str]) -> Table:
        """Return the table without these columns."""
        for name in names:
            self[name]
        return self.select([name for name in self.names if name not in names])

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Table:
        """Return a table of some rows, named by a mask, by positions in any order, or by a slice."""
        return self._with(self.names, [column[index] for column in self.columns])

    def split_target(self, target: str | None = None) -> tuple[Table, Values]:
        """Take the target column out of the table.

        Parameters
        ----------
        target : str, optional
            Its name; `default_target` where it is left out.

        Returns
        -------
        features : Table
            All other columns.
        target : ndarray of float64 or of str objects, shape (rows,)

        Raises
        ------
        DataError
            FILE-NO-TARGET, with the names there are and the nearest; FILE-NO-FEATURES where nothing else is left.
        """
        wanted = self.default_target if target is None else target
        if wanted is None or wanted not in self.names:
            raise no_column("FILE-NO-TARGET", wanted or "", self.names, shown(self.name, 200))
        if len(self.names) == 1:
            what = f"the target '{shown(wanted)}' is the only column"
            raise DataError("FILE-NO-FEATURES", shown(self.name, 200), what, "A model needs features to learn from.")
        return self.drop([wanted]), self[wanted]

    def with_warnings(self, warnings: Iterable[str]) -> Table:
        """Return the table with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))

    def _with(self, names: Sequence[str], columns: Sequence[Values]) -> Table:
        kept = self.default_target if self.default_target in names else None
        return replace(self, names=tuple(names), columns=tuple(columns), default_target=kept)


def read_table(
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    comment: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    missing: Missing | None = None,
    header: bool = True,
    names: Sequence[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    drop: Sequence[str] = (),
    max_columns: int = 10_000,
    memory: int | None = None,
) -> Table:
    r"""Read a table from a file: delimited text, also packed with gzip; Parquet, one file or a folder of parts.

    Parameters
    ----------
    path : path-like
        The file. What it is decide its first bytes; an unknown ending is refused unless `delimiter` is given.
    target : str, optional
        A column that must be there. Looked for before the rows are read; its missing cells are never filled in.
    delimiter : str, optional
        The character between fields, or ``"tab"``. Found from the first lines if left out: ``.csv`` promises a
        comma, ``.tsv`` a tab (FILE-DELIMITER where the lines say otherwise); elsewhere tab, ``;``, ``|`` or ``,``.
    encoding : str
        The text encoding. A byte-order mark is left out of the first name.
    comment : str, optional
        Lines that start with it are passed over.
    decimal, thousands : str
        The decimal mark, ``"."`` or ``","``, and the mark between groups of three digits, if there is one.
    missing : {"drop", "mean", "keep"}, optional
        What to do with missing cells (empty, ``NA``, ``null``, ``?``, ``-`` ...): leave out the row; fill in the
        mean of the column over the whole file; keep NaN and empty text. Without it they are refused.
    header : bool
        Whether the first row has the names. Otherwise they are `names`, or c1, c2, ...
    names : sequence of str, optional
        Names for a text file without a header.
    kinds : mapping of str to {"number", "text"}, optional
        Columns whose kind is known; those declared text are taken literally, the empty cell too. A column of a text
        file that is not listed is text where most of its first 1000 cells are words, and otherwise of numbers.
    drop : sequence of str
        Columns that are left out; what stands in them does not matter.
    max_columns : int
        The most columns that are read.
    memory : int, optional
        Bytes that the table may take; half of the free memory if left out.

    Returns
    -------
    table : Table

    Raises
    ------
    DataError
        The content cannot be used (codes FILE-..., DATA-COLUMN-MISSING), with line and column.
    StorageError
        The file cannot be opened (FILE-OPEN), changed while it was read (FILE-CHANGED), or needs pyarrow.
    LimitError
        Too wide, too large, or unpacking to a suspicious size.
    UsageError
        A network address, or options that contradict each other.
    """
    form = TextFormat.of(delimiter, encoding, comment, decimal, thousands, header=header, names=names)
    room = free_memory() // 2 if memory is None else memory
    choice = Choice(target, frozenset(drop), dict(kinds or {}), missing, max_columns, room)
    parts = part_files(path)
    sources = [examine(part) for part in parts] or [examine(path, any_ending=delimiter is not None)]
    if parts or sources[0].format == "parquet":
        content = read_parquet(sources, choice, shown(str(path), 200))
    else:
        content = read_delimited(sources[0], form, choice)
    shown_path = shown(str(path), 200)
    return Table(content.names, content.columns, shown_path, content.delimiter, content.warnings, target)


def match_columns(table: Table, expected: Mapping[str, Kind] | Sequence[str]) -> Table:
    """Return the columns that a model expects, by name and in its order.

    Parameters
    ----------
    table : Table
        What is to be predicted.
    expected : mapping of str to {"number", "text"}, or sequence of str
        The names of the training features in order, and their kinds if they are known.

    Returns
    -------
    table : Table
        Columns that the model does not know are left out, with a warning.

    Raises
    ------
    DataError
        DATA-COLUMN-MISSING for a name that is not there, DATA-COLUMN-KIND for text where numbers stood.
    """
    for name in expected:
        table[name]
    for name, kind in expected.items() if isinstance(expected, Mapping) else ():
        if table.kinds[name] != kind:
            what = f"the column is read as {table.kinds[name]}, the model was trained on it as {kind}"
            raise DataError("DATA-COLUMN-KIND", place(shown(table.name, 200), column=name), what)
    extra = [shown(name) for name in table.names if name not in expected]
    chosen = table.select(list(expected))
    if not extra:
        return chosen
    listed = ", ".join(extra[:5]) + (f" and {len(extra) - 5} more" if len(extra) > 5 else "")
    return chosen.with_warnings([f"DATA-COLUMN-EXTRA: the model does not use {listed}"])


def _as_column(values: Iterable[object]) -> Values:
    """Return a column of float64, or of str in an object array; read-only, and a copy of what could still change."""
    frozen = isinstance(values, np.ndarray) and values.ndim == 1 and not values.flags.writeable
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        column: Values = values if frozen and values.dtype == np.float64 else values.astype(np.float64)
    elif isinstance(values, np.ndarray) and frozen and values.dtype == object and _all_text(values):
        column = values
    else:
        cells = list(values)
        if _all_text(cells):
            column = np.empty(len(cells), object)
            column[:] = [str(cell) for cell in cells]
        else:
            column = _numbers(cells)
    if column.ndim != 1:
        raise DataError("FILE-RAGGED", "", f"a column has one dimension, got shape {column.shape}")
    column.flags.writeable = False
    return column


def _all_text(cells: Iterable[object]) -> bool:
    return all(isinstance(cell, str) for cell in cells)


def _numbers(cells: list[object]) -> NDArray[np.float64]:
    try:
        return np.array(cells, np.float64)
    except (TypeError, ValueError):
        raise DataError("FILE-NOT-NUMBER", "", "a column holds numbers or text, not a mixture") from None
