"""Columns made ready while they stream: numbers standardised, text one-hot, as learned in a pass of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np

from thalweg.descent.stream import Chunk, Stream
from thalweg.errors import DataError
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.streams.tabular import BatchStream
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.table import Table


@final
class PreparedStream(Stream):
    """The rows of a table, with features as :class:`~thalweg.exchange.preparation.Preparation` makes them.

    Attributes
    ----------
    preparation : Preparation
        Learned in one pass over the stream, of all its rows.
    """

    def __init__(self, base: BatchStream) -> None:
        if not base.repeatable:
            hint = "Give a table, a file, or something that can be asked twice."
            what = "can be gone through once; learning means and categories takes a pass of its own"
            raise DataError("DATA-STREAM", base.name, what, hint)
        self._base = base
        self.name, self.n_rows, self.read_ahead = base.name, base.n_rows, base.read_ahead
        self.preparation = Preparation.learn(self._tables(), shown(base.name, 200))
        self.feature_names = self.preparation.feature_names

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        for columns, chunk in self._base.columns():
            yield chunk._replace(X=self.preparation.transform(self._table(columns)).X)

    def targets(self) -> Iterator[Chunk]:
        """Go through the targets alone."""
        return self._base.targets()

    def _tables(self) -> Iterator[Table]:
        return (self._table(columns) for columns, _ in self._base.columns())

    def _table(self, columns: dict[str, np.ndarray[Any, Any]]) -> Table:
        return Table(list(columns), list(columns.values()), self.name)
