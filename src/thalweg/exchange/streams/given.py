"""Chunks that the caller makes: lists, generators, functions that give iterators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

import numpy as np

from thalweg.descent.stream import Chunk, Columns, Stream
from thalweg.errors import DataError
from thalweg.exchange.streams.tabular import Roles
from thalweg.exchange.tables.cells import shown

_HINT = "Chunks are (X, y), (X, y, weights), or data frames with target='name'."


@final
class GivenStream(Stream):
    """Rows in chunks that the caller makes.

    Parameters
    ----------
    source : callable, iterable or iterator
        A function is called, and an iterable gone through, for each pass; an iterator lasts for one.
    roles : Roles
        For data frames.
    """

    def __init__(self, source: Callable[[], Iterable[Any]] | Iterable[Any], roles: Roles) -> None:
        self.name = "stream"
        self._source, self._roles = source, roles
        self.repeatable = not isinstance(source, Iterator)
        self._names: tuple[str, ...] | None = None
        self._begun = False

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        if self._begun and not self.repeatable:
            hint = "Give a function that makes a new one, a list, or a file."
            raise DataError("DATA-STREAM", self.name, "is an iterator, which can be gone through once", hint)
        self._begun = True
        given = self._source() if callable(self._source) else self._source
        try:
            items = iter(given)
        except TypeError:
            what = f"gives {type(given).__name__}, which cannot be gone through"
            raise DataError("DATA-STREAM", self.name, what, _HINT) from None
        first = 0
        for item in items:
            chunk = self._chunk(item, f"{self.name}, chunk at row {first}")
            yield chunk
            first += chunk.rows

    def _chunk(self, item: Any, where: str) -> Chunk:
        if isinstance(item, Chunk):
            return item
        if isinstance(item, tuple | list) and 2 <= len(item) <= 3:
            X, *beside = item
            frame = _frame(X)
            if frame is not None:
                X = self._features(frame, tuple(map(str, frame.columns)), where)
            y, weights = (None if given is None else np.asarray(given) for given in (*beside, None)[:2])
            return Chunk(_matrix(X, where), y, weights)
        frame = _frame(item)
        if frame is None:
            raise DataError("DATA-CHUNK", where, f"is {type(item).__name__}", _HINT)
        if not self._roles.targets:
            raise DataError("DATA-CHUNK", where, "is a data frame without its target's name", _HINT)
        names = self._roles.features([str(name) for name in frame.columns], where)
        columns = [frame[name].to_numpy() for name in self._roles.targets]
        weights = None if self._roles.weight is None else frame[self._roles.weight].to_numpy()
        several = not isinstance(self._roles.target, str)
        return Chunk(self._features(frame, names, where), np.column_stack(columns) if several else columns[0], weights)

    def _features(self, frame: Any, names: tuple[str, ...], where: str) -> Columns:  # narwhals' DataFrame
        """Return columns of a frame, which must be the same in every chunk."""
        if self._names is None:
            self._names = self.feature_names = names
        if names != self._names:
            odd = next((n for n in (*names, *self._names) if (n in names) != (n in self._names)), None)
            what = "the columns in another order" if odd is None else f"other columns than the first: {shown(odd)}"
            raise DataError("DATA-CHUNK", where, f"has {what}")
        text = [name for name in names if not (frame[name].dtype.is_numeric() or str(frame[name].dtype) == "Boolean")]
        if text:
            hint = "Encode it before, or leave it out with drop=[...]."
            raise DataError("DATA-KIND", where, f"column {shown(text[0])} does not hold numbers", hint)
        return Columns([np.asarray(frame[name].to_numpy()) for name in names])


def _frame(given: Any) -> Any:
    """Return a data frame as narwhals sees it, None for what is none."""
    if isinstance(given, np.ndarray) or hasattr(given, "tocsr"):
        return None
    import narwhals as nw

    if type(given).__name__ == "RecordBatch" and hasattr(given, "to_struct_array"):
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        given = arrow.Table.from_batches([given])
    frame = nw.from_native(given, pass_through=True, eager_only=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def _matrix(X: Any, where: str) -> Any:
    if isinstance(X, Columns) or hasattr(X, "tocsr"):
        return X
    try:
        return np.asarray(X)
    except ValueError as error:  # rows of different lengths
        raise DataError("DATA-CHUNK", where, f"is no array: {shown(str(error), 100)}", _HINT) from None
