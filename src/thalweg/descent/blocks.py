"""Blocks of a stream: its chunks cut anew, so that nothing depends on how they came.

A block begins at a row number that is a multiple of the size of blocks, whatever the chunks were, and holds whole
batches. What is made of a stream, updates and orders alike, follows from row numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.ahead import ahead
from thalweg.descent.batches import Rows
from thalweg.descent.stream import TILE, Chunk, Columns, Stream
from thalweg.errors import DataError

Array = NDArray[Any]

# Rows of a block at most, and bytes of its features: enough to shuffle in, few enough to hold four of them.
_MOST_ROWS, _MOST_BYTES, _MOST_SPARSE_ROWS = 1 << 16, 16 << 20, 1 << 14
_FEWEST_ROWS = 1 << 10
# A block in work, the one before it, one that waits and one that is being filled.
_BUFFERS = 4
# Entries whose squares are added up at a time to see that all are finite: BLAS takes one thread for so many.
_LOOKED_AT = 8192
# Chunks that are read before they are asked for.
_CHUNKS_AHEAD = 4


@final
@dataclass(frozen=True)
class Layout:
    """What all chunks of a stream have in common, as the first one shows it.

    Attributes
    ----------
    features : int
    sparse : bool
    dtype : {"float64", "float32"}
    target : tuple of int or None
        Shape of a row's target: () or (outputs,); None without targets.
    labels : bool
        Targets are no numbers.
    weighted : bool
    """

    features: int
    sparse: bool
    dtype: str
    target: tuple[int, ...] | None
    labels: bool
    weighted: bool

    @classmethod
    def of(cls, chunk: Chunk) -> Layout:
        """Return the layout that a chunk shows."""
        y = chunk.y
        return cls(
            features=int(chunk.X.shape[1]),
            sparse=_is_sparse(chunk.X),
            dtype="float32" if chunk.X.dtype == np.float32 else "float64",
            target=None if y is None else y.shape[1:],
            labels=y is not None and y.dtype.kind not in "biuf",
            weighted=chunk.weights is not None,
        )

    def difference(self, chunk: Chunk) -> str:
        """Return what is different in a later chunk, or nothing."""
        now = Layout.of(chunk)
        if now.features != self.features:
            return f"{now.features} columns, the first had {self.features}"
        if now.sparse != self.sparse:
            return f"{_kind(now)} features, the first had {_kind(self)} ones"
        if now.target != self.target:
            return f"targets of shape (n, *{now.target}), the first had (n, *{self.target})"
        if now.labels != self.labels:
            return f"{_targets(now)} for targets, the first had {_targets(self)}"
        if now.weighted != self.weighted:
            return "weights, the first had none" if now.weighted else "no weights, the first had some"
        if self.dtype == "float32" and now.dtype != "float32":
            return f"features of {chunk.X.dtype}, the first had float32"
        return ""


def _kind(layout: Layout) -> str:
    return "sparse" if layout.sparse else "dense"


def _targets(layout: Layout) -> str:
    return "labels" if layout.labels else "numbers"


def block_size(features: int, dtype: str, *, sparse: bool) -> int:
    """Return the rows of a block where nobody says otherwise: a power of 2, 65,536 where features are few.

    Examples
    --------
    >>> block_size(20, "float64", sparse=False), block_size(1000, "float64", sparse=False)
    (65536, 2048)
    """
    if sparse:
        return _MOST_SPARSE_ROWS
    rows = _MOST_BYTES // (max(features, 1) * np.dtype(dtype).itemsize)
    return min(_MOST_ROWS, max(_FEWEST_ROWS, 1 << max(rows, 1).bit_length() - 1))


def checked(chunks: Iterator[Chunk], name: str, layout: Layout | None = None) -> Iterator[tuple[int, Chunk]]:
    """Go through chunks that have rows, each with the number of its first row, in one form.

    Raises
    ------
    DataError
        DATA-CHUNK: a chunk that is no rows and targets, or is unlike the first, or unlike ``layout``.
    """
    first = 0
    for given in chunks:
        if not isinstance(given, Chunk):
            raise DataError("DATA-CHUNK", name, f"a chunk is {type(given).__name__}, not X, y", "See thalweg.stream.")
        chunk = _in_form(given, f"{name}, chunk at row {first}")
        if not chunk.rows:
            continue
        layout = layout or Layout.of(chunk)
        difference = layout.difference(chunk)
        if difference:
            raise DataError("DATA-CHUNK", f"{name}, chunk at row {first}", f"has {difference}")
        yield first, chunk
        first += chunk.rows


def _in_form(chunk: Chunk, where: str) -> Chunk:
    """Return a chunk of arrays of one length."""
    X, y, weights = chunk
    if _is_sparse(X):
        X = X.tocsr()
    elif not isinstance(X, Columns):
        X = np.asarray(X)
    if X.ndim != 2 or X.dtype.kind not in "biuf":
        raise DataError("DATA-CHUNK", where, f"must be rows and columns of numbers, is {X.dtype} of shape {X.shape}")
    if _is_sparse(X):
        try:
            X.check_format(full_check=True)
        except ValueError as error:
            raise DataError("DATA-SPARSE", where, f"is no valid CSR: {error}") from None
    y = None if y is None else np.asarray(y)
    weights = None if weights is None else np.asarray(weights)
    for what, given in (("targets", y), ("weights", weights)):
        if given is not None and (given.ndim == 0 or len(given) != X.shape[0]):
            count = f"{len(given)} {what}" if given.ndim else f"a single one of {what}"
            raise DataError("DATA-CHUNK", where, f"has {X.shape[0]} rows and {count}")
    if weights is not None and (weights.ndim != 1 or weights.dtype.kind not in "biuf"):
        raise DataError("DATA-CHUNK", where, f"has weights of {weights.dtype}, shape {weights.shape}; they are numbers")
    return Chunk(X, y, weights)


class Block(NamedTuple):
    """Rows of a stream from a fixed row number on, laid out for the kernels."""

    rows: Rows
    first: int
    last: bool


@final
@dataclass(frozen=True)
class Making:
    """How the targets and weights of a block are made.

    Attributes
    ----------
    encode : callable
        From targets as the caller has them, the number of their first row, and the dtype, to (n, outputs).
    weigh : callable
        From targets and weights (or None) as the caller has them to weights (n,), or None for equal ones.
    mean_weight : float
        What weights are measured against.
    """

    encode: Callable[[Array, int, str], Array]
    weigh: Callable[[Array, Array | None], Array | None]
    mean_weight: float = 1.0


@final
class Blocks:
    """The blocks of a stream, epoch after epoch.

    Parameters
    ----------
    stream : Stream
    making : Making
    update : int
        Rows of an update. Blocks have a multiple of it.
    least : int
        Rows of a block at least.
    count : int, optional
        Rows of the whole stream, where they were counted.
    dtype : {"float64", "float32"}, optional
        Of the rows; that of the first chunk without.

    Attributes
    ----------
    count : int or None
        Rows of the whole stream, at the latest from the end of the first epoch on.
    size : int
        Rows of a block, from the first one on; the last one may have fewer.
    """

    def __init__(
        self,
        stream: Stream,
        making: Making,
        *,
        update: int = 1,
        least: int = 1,
        count: int | None = None,
        dtype: str | None = None,
    ) -> None:
        self._stream, self._making, self._update, self._least, self._dtype = stream, making, update, least, dtype
        self.count = stream.n_rows if count is None else count
        self.size = 0
        self._layout: Layout | None = None
        self._opened: tuple[Block, Generator[Block]] | None = None
        self._buffers: list[Array] = []
        self._made_so_far = 0

    @property
    def name(self) -> str:
        """What messages call the stream."""
        return self._stream.name

    def first(self) -> Block:
        """Return the first block of the next epoch without taking it.

        Raises
        ------
        DataError
            DATA-ROWS: there is none. See :func:`checked` as well.
        """
        if self._opened is None:
            blocks = self._go(0)
            block = next(blocks, None)
            if block is None:
                raise DataError("DATA-ROWS", self._stream.name, "has no rows")
            self._opened = block, blocks
        return self._opened[0]

    def epoch(self, skip: int = 0) -> Generator[Block]:
        """Go through all blocks once; those of the first ``skip`` rows, a multiple of a block's, are passed over.

        A block's arrays stay what they are until the second block after it is asked for.
        """
        if self._opened is not None and not skip:
            (block, blocks), self._opened = self._opened, None
            try:
                yield block
                yield from blocks
            finally:
                blocks.close()
            return
        self.close()
        yield from self._go(skip)

    def close(self) -> None:
        """Let go of what :meth:`first` opened."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _go(self, skip: int) -> Generator[Block]:
        blocks = self._cut(skip)
        return ahead(blocks, 1) if self._stream.read_ahead else blocks

    def _cut(self, skip: int) -> Generator[Block]:
        """Cut the chunks into blocks."""
        chunks = self._stream.chunks()
        if not isinstance(chunks, Generator):
            yield from self._blocks_of(chunks, skip)
            return
        if self._stream.read_ahead:  # reading, cutting and learning, in three threads
            chunks = ahead(chunks, _CHUNKS_AHEAD)
        with closing(chunks):
            yield from self._blocks_of(chunks, skip)

    def _blocks_of(self, chunks: Iterator[Chunk], skip: int) -> Generator[Block]:
        part: _Part | None = None
        reached = 0
        for first, chunk in checked(chunks, self._stream.name, self._layout):
            layout, dtype = self._begin(chunk)
            taken, reached = 0, first + chunk.rows
            while taken < chunk.rows:
                if part is not None and part.filled == self.size:  # there is more: it was not the last
                    yield self._made(part, last=False)
                    part = None
                if part is None:
                    at = first + taken
                    if at < skip:
                        taken += min(skip - at, chunk.rows - taken)
                        continue
                    part = _Part(self._buffer(layout, dtype), at, layout, dtype, self.size, self._stream)
                taken += part.take(chunk, taken)
        if self.count not in (None, reached):
            what = f"gave {reached} rows; it has {self.count}" + (" by itself" * (self.count == self._stream.n_rows))
            hint = "A stream must give the same rows in every pass; does something write to it?"
            raise DataError("DATA-STREAM", self._stream.name, what, hint)
        self.count = reached
        if part is not None:
            yield self._made(part, last=True)

    def _begin(self, chunk: Chunk) -> tuple[Layout, str]:
        """Return the layout and the dtype of all chunks, which the first one settles."""
        if self._layout is None:
            layout = Layout.of(chunk)
            wanted = self._stream.block_size or block_size(
                layout.features, self._dtype or layout.dtype, sparse=layout.sparse
            )
            self.size = -(-max(wanted, self._least) // self._update) * self._update
            self._layout = layout
        return self._layout, self._dtype or self._layout.dtype

    def _buffer(self, layout: Layout, dtype: str) -> Array:
        if layout.sparse:
            return np.empty((0, 0))
        number = self._made_so_far % _BUFFERS
        self._made_so_far += 1
        if len(self._buffers) <= number:
            self._buffers.append(np.empty((self.size, layout.features), dtype))
        return self._buffers[number]

    def _made(self, part: _Part, *, last: bool) -> Block:
        y = np.concatenate(part.y) if len(part.y) > 1 else part.y[0]
        weights = None if not part.weights else np.concatenate(part.weights)
        dtype = part.dtype
        targets = np.ascontiguousarray(self._making.encode(y, part.first, dtype), dtype=dtype)
        given = self._making.weigh(y, weights)
        if given is None:
            used = np.empty(0, dtype)
        else:
            used = np.ascontiguousarray(given / (self._making.mean_weight or 1.0), dtype=dtype)
        return Block(part.rows(targets, used), part.first, last)


class _Part:
    """A block that is being filled."""

    def __init__(self, buffer: Array, first: int, layout: Layout, dtype: str, size: int, stream: Stream) -> None:
        self.X, self.first, self.layout, self.dtype, self.size = buffer, first, layout, dtype, size
        self._stream = stream
        self.filled = 0
        self.y: list[Array] = []
        self.weights: list[Array] = []
        self._sparse: list[Any] = []

    def take(self, chunk: Chunk, start: int) -> int:
        """Take rows of a chunk from ``start`` on, and return how many there was room for."""
        count = min(self.size - self.filled, chunk.rows - start)
        some = slice(start, start + count)
        if self.layout.sparse:
            X = chunk.X[some] if count < chunk.rows else chunk.X
            self._check_entries(X)
            self._sparse.append(X)
        else:
            for at in range(0, count, TILE):
                self._copy(chunk.X, start + at, self.X[self.filled + at : self.filled + min(at + TILE, count)], at)
        if chunk.y is None:
            raise DataError("DATA-CHUNK", self._stream.name, "has rows without targets; there is nothing to learn")
        self.y.append(chunk.y[some])
        if chunk.weights is not None:
            self._check_weights(chunk.weights[some])
            self.weights.append(chunk.weights[some])
        self.filled += count
        return count

    def _copy(self, X: Any, start: int, out: Array, at: int) -> None:
        """Copy the rows of a chunk from ``start`` on; they come to stand ``at`` rows behind those filled."""
        seen = False
        if isinstance(X, Columns):
            seen = X.fill(out, start)
        else:
            with np.errstate(over="ignore"):
                out[...] = X[start : start + len(out)]
        if not seen and not all_finite(out):
            row, column = (int(k) for k in np.argwhere(~np.isfinite(out))[0])
            raise self._not_finite(at + row, column)

    def rows(self, targets: Array, weights: Array) -> Rows:
        """Return the rows as the kernels take them."""
        dtype = self.dtype
        none = np.empty(0, dtype)
        if not self.layout.sparse:
            return Rows(self.X[: self.filled], targets, weights, none, np.empty(0, np.int32), np.empty(0, np.int64))
        starts = [np.zeros(1, np.int64)]
        for piece in self._sparse:
            starts.append(piece.indptr[1:].astype(np.int64) + starts[-1][-1])
        return Rows(
            np.empty((0, self.layout.features), dtype),
            targets,
            weights,
            np.concatenate([piece.data for piece in self._sparse]).astype(dtype, copy=False),
            np.concatenate([piece.indices for piece in self._sparse]).astype(np.int32, copy=False),
            np.concatenate(starts),
        )

    def _check_entries(self, X: Any) -> None:
        """Refuse entries of CSR that are not finite."""
        if not all_finite(X.data):
            at = int(np.flatnonzero(~np.isfinite(X.data))[0])
            raise self._not_finite(int(np.searchsorted(X.indptr, at, side="right")) - 1, int(X.indices[at]))

    def _not_finite(self, row: int, column: int) -> DataError:
        """Return the answer to a number that is none, so many rows behind those filled."""
        names = self._stream.feature_names
        named = f"column {names[column]!s:.60}" if names else f"column {column}"
        where = f"{self._stream.name}, row {self.first + self.filled + row}, {named}"
        return DataError("DATA-FINITE", where, "is not a finite number", "Fill it, or leave the row out.")

    def _check_weights(self, weights: Array) -> None:
        bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        if bad.size:
            where = f"{self._stream.name}, row {self.first + self.filled + int(bad[0])}"
            raise DataError("DATA-WEIGHTS", where, "has a weight that is not finite and >= 0")


def all_finite(entries: Array) -> bool:
    """Whether all numbers of an array in C order are finite; a fifth of the time of looking at each."""
    if entries.dtype.kind != "f":
        return True
    flat = entries.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):  # squares of finite numbers may overflow
        for start in range(0, flat.size, _LOOKED_AT):
            piece = flat[start : start + _LOOKED_AT]
            if not np.isfinite(np.dot(piece, piece)) and not np.isfinite(piece).all():
                return False
    return True


def _is_sparse(X: Any) -> bool:
    if isinstance(X, np.ndarray | Columns):
        return False
    from scipy.sparse import issparse

    return bool(issparse(X))
