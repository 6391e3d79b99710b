"""Streams: rows that come in chunks, and can be gone through again for the next epoch.

A stream says how its rows are found, not how they are cut: chunks may have any number of rows. What is made of them is
in :mod:`thalweg.descent.blocks`; what can be read as a stream, from files and from other libraries, in
``thalweg.exchange.streams``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Rows of columns that are turned into rows, and looked at, at a time: they stay in cache.
TILE = 4096


class Chunk(NamedTuple):
    """Consecutive rows of a stream.

    Attributes
    ----------
    X : ndarray (n, features), SciPy CSR, or Columns
        Features.
    y : ndarray (n,) or (n, outputs), or None
        Targets, as the caller has them: numbers or labels.
    weights : ndarray (n,) or None
        Of the rows; either all chunks of a stream have them or none.
    """

    X: Any
    y: Array | None = None
    weights: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])


def _address(column: Array) -> int:
    """Return where a column lies that a kernel can go through; 0 for one that it cannot."""
    plain = column.dtype in (np.float64, np.float32) and column.ndim == 1
    return column.ctypes.data if plain and column.flags.c_contiguous and column.flags.aligned else 0


@final
class Columns:
    """Features that lie as columns, one array each, as column-wise files hold them.

    Parameters
    ----------
    columns : sequence of ndarray (n,)
        Numbers, nan where there is none.

    Examples
    --------
    >>> Columns([np.array([1.0, 2.0]), np.array([3.0, 4.0])]).array().tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """

    def __init__(self, columns: Sequence[Array]) -> None:
        self.columns = list(columns)
        self.shape = (len(columns[0]), len(columns))
        self.dtype = np.result_type(*columns)
        self.ndim = 2
        self._addresses = np.array([_address(column) for column in columns], np.int64)
        alike = len({(column.dtype, column.shape) for column in columns}) == 1
        self._turned = alike and bool(self._addresses.all())

    def fill(self, out: Array, first: int) -> bool:
        """Write the rows from ``first`` on into ``out`` (rows, features), as many as it has.

        Returns
        -------
        bool
            Whether it was seen on the way that all are finite; False where nobody looked.
        """
        inside = first >= 0 and first + len(out) <= self.shape[0] and out.shape[1] == self.shape[1]
        if self._turned and inside and out.dtype == self.dtype and out.flags.c_contiguous:
            from thalweg.engine.columns import SEEN, turning

            seen = np.zeros(SEEN, out.dtype)
            turning(out.dtype.name)(self._addresses, first, out, seen)
            return not np.isnan(seen).any()
        for k, column in enumerate(self.columns):
            out[:, k] = column[first : first + len(out)]
        return False

    def array(self) -> Array:
        """Return the features as rows, in C order."""
        out = np.empty(self.shape, self.dtype)
        for first in range(0, len(out), TILE):
            self.fill(out[first : first + TILE], first)
        return out


class Stream(ABC):
    """Rows in chunks, in a fixed order.

    Estimators take one in the place of ``X``: ``fit(stream)``. Iterating over it gives its chunks, features as arrays:
    ``for X, y, weights in stream: scaler.partial_fit(X)``.

    Attributes
    ----------
    name : str
        What messages call it, such as its path.
    feature_names : tuple of str or None
        Where the columns have names.
    n_rows : int or None
        Where it is known without a look at the rows.
    classes : ndarray or None
        All labels there are, where the caller told them.
    repeatable : bool
        Whether it can be gone through more than once.
    block_size : int or None
        Rows that are shuffled together; None leaves it to the number of features.
    read_ahead : bool
        Whether a thread of its own may read it while the last rows are learned from.
    """

    name: str = "stream"
    feature_names: tuple[str, ...] | None = None
    n_rows: int | None = None
    classes: Array | None = None
    repeatable: bool = True
    block_size: int | None = None
    read_ahead: bool = False

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows from the first one on.

        Yields
        ------
        Chunk

        Raises
        ------
        DataError, StorageError
            What cannot be read.
        """

    def targets(self) -> Iterator[Chunk]:
        """Go through the rows for their targets and weights alone; features may be left out where that is cheaper.

        Yields
        ------
        Chunk
            ``X`` has as many rows, and perhaps no column.
        """
        return self.chunks()

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self.chunks():
            yield chunk._replace(X=chunk.X.array()) if isinstance(chunk.X, Columns) else chunk

    def map(self, function: Callable[[Any], Any], feature_names: Sequence[str] | None = None) -> Stream:
        """Return the stream of the same rows with other features.

        Parameters
        ----------
        function : callable
            From the features of a chunk, an array (n, features), to new ones (n, any number): a fitted scaler's
            ``transform``, say. It must treat each row for itself, or what is fitted depends on how the stream is cut.
        feature_names : sequence of str, optional
            Of the new features; none without.

        Returns
        -------
        Stream
        """
        return _Mapped(self, function, None if feature_names is None else tuple(feature_names))

    def __repr__(self) -> str:
        rows = "" if self.n_rows is None else f", {self.n_rows} rows"
        return f"{type(self).__name__.lstrip('_')}({self.name}{rows})"


@final
class _Mapped(Stream):
    """The rows of a stream, with other features."""

    def __init__(self, base: Stream, function: Callable[[Any], Any], names: tuple[str, ...] | None) -> None:
        self._base, self._function = base, function
        self.name, self.n_rows, self.classes = base.name, base.n_rows, base.classes
        self.repeatable, self.block_size, self.read_ahead = base.repeatable, base.block_size, base.read_ahead
        self.feature_names = names

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self._base:
            yield chunk._replace(X=self._function(chunk.X)) if chunk.rows else chunk

    def targets(self) -> Iterator[Chunk]:
        return self._base.targets()
