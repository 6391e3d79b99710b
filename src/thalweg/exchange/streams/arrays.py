"""Arrays as streams: in memory or mapped from a file, dense or CSR."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.stream import Chunk, Columns, Stream
from thalweg.errors import DataError
from thalweg.exchange.streams.tabular import Roles
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.source import cannot_open

Array = NDArray[Any]

# Bytes of a chunk, about: what is mapped of a file at one time.
_BYTES = 4 << 20


@final
class ArrayStream(Stream):
    """Rows of an array, with targets beside it.

    Parameters
    ----------
    X : ndarray (n, features) or SciPy CSR
        A memory map is let go of piece by piece, so that the process does not grow with it.
    y : ndarray (n,) or (n, outputs), or None
    weights : ndarray (n,) or None
    name : str
    """

    read_ahead = True

    def __init__(self, X: Any, y: Any, weights: Any = None, name: str = "array") -> None:
        self.name, self._X = name, X
        self._y = None if y is None else _beside("y", y, X.shape[0])
        self._weights = None if weights is None else _beside("sample_weight", weights, X.shape[0])
        self.n_rows = int(X.shape[0])

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        for some in _pieces(self._X, self.n_rows or 0):
            yield Chunk(taken(self._X, some), *self._beside(some))

    def targets(self) -> Iterator[Chunk]:
        """Go through the targets alone."""
        for some in _pieces(self._X, self.n_rows or 0):
            y, weights = self._beside(some)
            yield Chunk(np.empty((some.stop - some.start, 0)), y, weights)

    def _beside(self, some: slice) -> tuple[Array | None, Array | None]:
        return (
            None if self._y is None else taken(self._y, some),
            None if self._weights is None else taken(self._weights, some),
        )


@final
class RecordArrayStream(Stream):
    """Rows of an array with named fields."""

    read_ahead = True

    def __init__(self, records: Array, roles: Roles, name: str) -> None:
        self.name, self._records, self._roles = name, records, roles
        self.feature_names = self._features = roles.features(records.dtype.names or (), shown(name, 200))
        self.n_rows = len(records)
        for field in self._features:
            kind = records.dtype[field]
            if kind.kind not in "biuf" or kind.shape:
                what = f"field {shown(field)} is {kind}; features are numbers"
                raise DataError("FILE-TYPE", shown(name, 200), what, "Leave it out with drop=[...].")

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        for some in _pieces(self._records, len(self._records)):
            piece = taken(self._records, some)
            y = [np.array(piece[name]) for name in self._roles.targets]
            several = self._roles.target is not None and not isinstance(self._roles.target, str)
            weights = None if self._roles.weight is None else np.array(piece[self._roles.weight])
            X = Columns([piece[name] for name in self._features])
            yield Chunk(X, np.column_stack(y) if several else y[0] if y else None, weights)


def load(path: Path) -> Array:
    """Map a .npy file.

    Raises
    ------
    StorageError
        It cannot be opened.
    DataError
        FILE-NPY: it is no array of numbers.
    """
    name = shown(str(path), 200)
    try:
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except OSError as error:
        raise cannot_open(name, error) from error
    except ValueError as error:
        raise DataError("FILE-NPY", name, f"is no array that can be mapped: {shown(str(error), 100)}") from error


def taken(array: Any, some: slice) -> Any:
    """Return some rows; those of a memory map as a copy, and its pages are given back: they can be read again."""
    mapped = _mapping(array)
    if mapped is None or not hasattr(mapped, "madvise") or array.strides[0] <= 0:
        return array[some]
    rows = np.array(array[some])
    start = array.__array_interface__["data"][0] - np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    first = start + some.start * array.strides[0]
    stop = start + some.stop * array.strides[0]
    first, stop = first // mmap.PAGESIZE * mmap.PAGESIZE, stop // mmap.PAGESIZE * mmap.PAGESIZE
    if stop > first:
        mapped.madvise(mmap.MADV_DONTNEED, first, stop - first)
    return rows


def _mapping(array: Any) -> mmap.mmap | None:
    """Return the map of a file behind an array, where nothing that was written to it could be lost."""
    if not isinstance(array, np.memmap) or array.mode == "c" or not array.flags.c_contiguous:
        return None
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def _pieces(array: Any, rows: int) -> Iterator[slice]:
    width = array.nnz * 12 / max(rows, 1) if hasattr(array, "nnz") else array.itemsize * array[:1].size
    step = max(1, int(_BYTES // max(width, 1)))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def _beside(where: str, given: Any, rows: int) -> Array:
    array: Array = np.asanyarray(given)
    if array.shape[:1] != (rows,):
        raise DataError("DATA-ROWS", where, f"has shape {array.shape}, X has {rows} rows")
    return array
