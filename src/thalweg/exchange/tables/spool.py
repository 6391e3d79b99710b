"""A table on disk while it is worked with: read once from its file, gone through as often as is wanted.

Text files are read a hundred times slower than numbers as they stand in memory. What the reader made of a file, cells
checked and gaps settled, goes into a file without a name, strip by strip; the system takes it back when the process
ends, however that comes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Self, final

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import DataError, StorageError
from thalweg.exchange.tables.cells import place, shown
from thalweg.exchange.tables.table import Table

if TYPE_CHECKING:
    import os

    from thalweg.exchange.tables.columns import Kind, Values

#: Rows that stand together on disk, and are read together: 160 KiB of twenty columns.
STRIP = 1024
#: Different cells that a column of text may have: they are held in memory.
MOST_TEXTS = 1 << 20


@final
class Spool:
    """Columns of numbers and text on disk.

    Parameters
    ----------
    tables : iterable of Table
        The pieces, with the same columns.
    folder : path-like
        Where the file is to be; it needs eight bytes a cell.
    name : str
        What messages call the table.

    Attributes
    ----------
    names : tuple of str
    kinds : dict of str to {"number", "text"}
    n_rows : int
    texts : dict of str to ndarray of str objects
        The different cells of each column of text, as they came.

    Raises
    ------
    DataError
        DATA-ROWS: there is no row. DATA-TEXT: a column of more than a million different texts. And whatever the pieces
        raise.
    StorageError
        FILE-WRITE: the folder cannot be written to, or the disk is full.

    Examples
    --------
    >>> spool = Spool([Table(["x", "y"], [[0.5, 1.5], ["a", "b"]]), Table(["x", "y"], [[2.5], ["a"]])], ".", "t")
    >>> table, first = spool.read([0])
    >>> table["y"].tolist(), float(table["x"].sum())
    (['a', 'b', 'a'], 4.5)
    >>> spool.close()
    """

    def __init__(self, tables: Iterable[Table], folder: str | os.PathLike[str], name: str) -> None:
        self.name, self.n_rows = name, 0
        self.names: tuple[str, ...] = ()
        self.kinds: dict[str, Kind] = {}
        self.texts: dict[str, Values] = {}
        self._lock = threading.Lock()
        self._digest = hashlib.blake2b(digest_size=16)
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix=".thalweg-")  # noqa: SIM115 - it is kept
        except OSError as error:
            raise self._cannot_write(error) from error
        self._end = weakref.finalize(self, self._file.close)
        try:
            codes = self._fill(tables)
        except BaseException:
            self.close()
            raise
        self.texts = {column: np.array([*known, None], object)[:-1] for column, known in codes.items()}

    @property
    def strips(self) -> int:
        """Number of strips."""
        return -(-self.n_rows // STRIP)

    def read(self, strips: Sequence[int]) -> tuple[Table, NDArray[np.int64]]:
        """Return the rows of some strips, one strip after another, with their numbers from 0.

        Raises
        ------
        StorageError
            FILE-OPEN: the disk does not give back what was written.
        """
        size = len(self.names) * STRIP * 8
        parts, numbers = [], []
        for strip in strips:
            with self._lock:  # a thread that reads ahead, and one that looks at scores
                self._file.seek(strip * size)
                content = self._file.read(size)
            if len(content) < size:
                raise StorageError("FILE-OPEN", self.name, "the disk does not give back what was written to it")
            first, last = strip * STRIP, min(self.n_rows, (strip + 1) * STRIP)
            parts.append(np.frombuffer(content).reshape(len(self.names), STRIP)[:, : last - first])
            numbers.append(np.arange(first, last))
        cells = np.concatenate(parts, axis=1)
        cells.flags.writeable = False
        columns: list[Values] = []
        for k, name in enumerate(self.names):
            if name in self.texts:
                column = self.texts[name][cells[k].astype(np.intp)]
                column.flags.writeable = False
                columns.append(column)
            else:
                columns.append(cells[k])
        return Table(self.names, columns, self.name), np.concatenate(numbers)

    def digest(self) -> bytes:
        """Return a digest of all cells, for which it does not matter how the pieces were cut."""
        whole = self._digest.copy()
        for texts in self.texts.values():
            whole.update(json.dumps(texts.tolist()).encode())
        return whole.digest()

    def close(self) -> None:
        """Give the file back."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _fill(self, tables: Iterable[Table]) -> dict[str, dict[str, int]]:
        """Write the pieces strip by strip; return the numbers of the texts of each column."""
        codes: dict[str, dict[str, int]] = {}
        strip, filled = np.empty((0, STRIP)), 0
        for table in tables:
            if not self.names:
                self.names, self.kinds = table.names, table.kinds
                strip = np.zeros((len(self.names), STRIP))
                codes = {column: {} for column, kind in self.kinds.items() if kind == "text"}
            columns = [_coded(table[each], codes[each]) if each in codes else table[each] for each in self.names]
            crowded = next((each for each, known in codes.items() if len(known) > MOST_TEXTS), None)
            if crowded is not None:
                raise _too_many(self.name, crowded)
            taken = 0
            while taken < table.n_rows:
                count = min(STRIP - filled, table.n_rows - taken)
                for k, column in enumerate(columns):
                    strip[k, filled : filled + count] = column[taken : taken + count]
                taken, filled = taken + count, filled + count
                if filled == STRIP:
                    self._write(strip)
                    filled = 0
            self.n_rows += table.n_rows
        if not self.n_rows:
            raise DataError("DATA-ROWS", self.name, "has no rows")
        if filled:
            strip[:, filled:] = 0.0
            self._write(strip)
        return codes

    def _write(self, strip: NDArray[np.float64]) -> None:
        try:
            self._file.write(strip.data)
            self._file.flush()
        except OSError as error:
            raise self._cannot_write(error) from error
        self._digest.update(strip.data)

    def _cannot_write(self, error: OSError) -> StorageError:
        hint = "It is put on disk beside the model, eight bytes a cell: name an --output on a disk with more room."
        what = f"cannot be put on disk: {shown(error.strerror or str(error), 120)}"
        return StorageError("FILE-WRITE", self.name, what, hint)


def _coded(cells: Values, codes: dict[str, int]) -> NDArray[np.float64]:
    """Return the number of each text; new ones get the next."""
    return np.array([codes.setdefault(cell, len(codes)) for cell in cells.tolist()], np.float64)


def _too_many(table: str, column: str) -> DataError:
    what = f"more than {MOST_TEXTS} different texts; is it an id or a free text?"
    return DataError("DATA-TEXT", place(table, column=column), what, f"Leave it out with --drop {shown(column)}.")
