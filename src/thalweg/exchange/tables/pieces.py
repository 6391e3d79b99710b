"""A table that goes by: some of its rows at a time, so that a file of any size takes the same memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.content import Choice, Missing, Progress
from thalweg.exchange.tables.delimited import read_blocks
from thalweg.exchange.tables.parquet_process import read_pieces as read_parquet
from thalweg.exchange.tables.records import TextFormat
from thalweg.exchange.tables.source import examine, part_files
from thalweg.exchange.tables.table import Table

if TYPE_CHECKING:
    import os

    from thalweg.exchange.tables.columns import Kind


@final
class Pieces:
    """The rows of a file in pieces, each a :class:`Table`.

    Parameters
    ----------
    path : path-like
        A file or folder that :func:`~thalweg.exchange.tables.read_table` reads.
    form : TextFormat
        How delimited text is written.
    kinds : mapping of str to {"number", "text"}
        Columns that must be there, and what they hold.
    drop : sequence of str
        Columns that are left out.
    max_columns : int
    target : str, optional
        A column that must be there, and have no missing cell.
    missing : {"keep", "drop"}, optional
        What becomes of missing cells: they stay NaN, or empty text; their rows are left out. With None they are
        refused, counted to the end of the file as ``read_table`` does.

    Attributes
    ----------
    name : str
        What messages call the table.
    delimiter : str or None
        That of a text file, from the first piece on.
    warnings : tuple of str
        What was noticed, once all pieces have gone by.

    Raises
    ------
    DataError, StorageError, LimitError, UsageError
        While going through it: as ``read_table``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        form: TextFormat,
        *,
        kinds: Mapping[str, Kind],
        drop: Sequence[str] = (),
        max_columns: int = 10_000,
        target: str | None = None,
        missing: Missing | None = "keep",
    ) -> None:
        self.name = shown(str(path), 200)
        self.delimiter: str | None = None
        self.warnings: tuple[str, ...] = ()
        self._path, self._form = path, form
        self._choice = Choice(target, frozenset(drop), dict(kinds), missing, max_columns, sys.maxsize)

    def __iter__(self) -> Iterator[Table]:
        parts = part_files(self._path)
        any_ending = self._form.delimiter is not None
        sources = [examine(part) for part in parts] or [examine(self._path, any_ending=any_ending)]
        if not parts and sources[0].format != "parquet":
            progress = Progress()
            for _ in read_blocks(sources[0], self._form, self._choice, progress):
                self.delimiter = progress.delimiter
                yield self._table([reader.name for reader in progress.readers], progress.take(self._choice))
            progress.end(self._choice, sources[0].name)
            self.warnings = tuple(progress.warnings)
            return
        for content in read_parquet(sources, self._choice, self.name):
            if len(content.columns[0]):
                yield self._table(content.names, content.columns)
            self.warnings = content.warnings

    def _table(self, names: Sequence[str], columns: Sequence[Any]) -> Table:
        return Table(names, columns, self.name)
