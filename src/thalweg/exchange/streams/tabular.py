"""Record batches as chunks: columns of numbers are the features, one column or several the target."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.stream import Chunk, Columns, Stream
from thalweg.errors import DataError, StorageError
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.content import no_column
from thalweg.exchange.tables.parquet import refuse_types, role_of

Array = NDArray[Any]

# Types whose memory NumPy takes as it is.
_PLAIN = {"double", "float", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"}


@dataclass(frozen=True)
class Roles:
    """Which columns are what.

    Attributes
    ----------
    target : str, sequence of str or None
        The column, or columns, to predict.
    weight : str or None
        The column with the weights of the rows.
    drop : tuple of str
        Columns that are left out.
    """

    target: str | Sequence[str] | None = None
    weight: str | None = None
    drop: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    def features(self, names: Sequence[str], table: str) -> tuple[str, ...]:
        """Return the names of the features, in their order.

        Raises
        ------
        DataError
            FILE-NO-TARGET, DATA-COLUMN-MISSING: a name that no column has. FILE-DUP-COLUMN: one that two have.
            FILE-NO-FEATURES: no column is left.
        """
        twice = next((name for name in names if list(names).count(name) > 1), None)
        if twice is not None:
            raise DataError("FILE-DUP-COLUMN", table, f"'{shown(twice)}' is the name of two columns", "Rename one.")
        for code, wanted in (
            ("FILE-NO-TARGET", self.targets),
            ("DATA-COLUMN-MISSING", (*self.drop, *([self.weight] if self.weight else []))),
        ):
            for name in wanted:
                if name not in names:
                    raise no_column(code, name, list(names), table)
        left = tuple(name for name in names if name not in {*self.targets, *self.drop, self.weight})
        if not left:
            raise DataError("FILE-NO-FEATURES", table, "has no column beside the target")
        return left


class BatchStream(Stream):
    """Rows that come as record batches of Arrow."""

    read_ahead = True
    roles: Roles
    #: Columns of the features, in their order.
    features: tuple[str, ...]

    @abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Go through the record batches, with these columns."""

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        for first, batch in self._numbered(self._wanted(self.features)):
            columns = zip(self._plain, batch.columns[: len(self.features)], strict=True)
            yield self._chunk(Columns([numbers(column, plain=plain) for plain, column in columns]), batch, first)

    def targets(self) -> Iterator[Chunk]:
        """Go through the targets alone; the features are not read."""
        for first, batch in self._numbered(self._wanted(())):
            yield self._chunk(np.empty((batch.num_rows, 0)), batch, first)

    def columns(self) -> Iterator[tuple[dict[str, Array], Chunk]]:
        """Go through the rows with the features by name: numbers with nan, or text with empty cells, as objects."""
        for first, batch in self._numbered(self._wanted(self.features)):
            columns = {name: cells(batch.column(name)) for name in self.features}
            yield columns, self._chunk(np.empty((batch.num_rows, 0)), batch, first)

    def _begin(self, schema: Any, roles: Roles, *, text: bool) -> None:  # pyarrow's Schema
        """Settle the columns; with ``text`` they may hold text."""
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        table = shown(self.name, 200)
        self.roles, self.features = roles, roles.features(schema.names, table)
        fields = [schema.field(name) for name in self.features]
        kinds = {field.name: role_of(field.type, None, arrow) for field in fields}
        refuse_types(fields, kinds, table)
        words = [name for name, kind in kinds.items() if kind.endswith("text")]
        if words and not text:
            listed = ", ".join(map(shown, words[:5])) + (" ..." if len(words) > 5 else "")
            hint = "Pass prepare=True to encode text and standardise numbers, or drop=[...] to leave columns out."
            raise DataError("DATA-KIND", table, f"columns of text: {listed}", hint)
        self.feature_names = None if words else self.features
        self._plain = [str(field.type) in _PLAIN for field in fields]

    def _wanted(self, features: Sequence[str]) -> tuple[str, ...]:
        return (*features, *self.roles.targets, *([self.roles.weight] if self.roles.weight else []))

    def _numbered(self, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Go through the batches, each with the number of its first row."""
        first = 0
        for batch in self.batches(names):
            yield first, batch
            first += batch.num_rows

    def _chunk(self, X: Any, batch: Any, first: int) -> Chunk:  # pyarrow's RecordBatch
        y = [self._complete(batch, name, first, target(batch.column(name))) for name in self.roles.targets]
        weights = None
        if self.roles.weight:
            weights = self._complete(batch, self.roles.weight, first, numbers(batch.column(self.roles.weight)))
        several = self.roles.target is not None and not isinstance(self.roles.target, str)
        return Chunk(X, np.column_stack(y) if several else y[0] if y else None, weights)

    def _complete(self, batch: Any, name: str, first: int, values: Array) -> Array:
        """Return the values of a target or of weights, none of which may be missing."""
        column = batch.column(name)
        if column.null_count:
            row = first + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            where = f"{shown(self.name, 200)}, row {row}, column {shown(name)}"
            raise DataError("FILE-MISSING", where, "is missing; a target is not filled in", "Leave the row out.")
        return values


def numbers(column: Any, *, plain: bool = False) -> Array:  # pyarrow's Array
    """Return a column of numbers, without a copy where it is ``plain`` and whole; nan where it has none."""
    if plain and not column.null_count:
        return np.asarray(column.to_numpy(zero_copy_only=True))
    import pyarrow as arrow  # noqa: ICN001 - as elsewhere

    types = arrow.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not types.is_primitive(column.type) or types.is_boolean(column.type) or types.is_decimal(column.type):
        column = column.cast(arrow.float64())
    if column.null_count and not types.is_floating(column.type):
        column = column.cast(arrow.float64(), safe=False)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def cells(column: Any) -> Array:  # pyarrow's Array
    """Return a column as a table holds it: float64 with nan, or objects of str, empty where missing."""
    import pyarrow as arrow  # noqa: ICN001 - as elsewhere

    if role_of(column.type, None, arrow).endswith("text"):
        column = column.dictionary_decode() if arrow.types.is_dictionary(column.type) else column
        values = np.empty(len(column), object)
        values[:] = column.cast(arrow.string()).fill_null("").to_pylist()
    else:
        values = numbers(column).astype(np.float64)
    values.flags.writeable = False
    return values


def target(column: Any) -> Array:  # pyarrow's Array
    """Return a column of targets: numbers, or text as NumPy's."""
    import pyarrow as arrow  # noqa: ICN001 - as elsewhere

    if not role_of(column.type, None, arrow).endswith("text"):
        return numbers(column)
    coded = column if arrow.types.is_dictionary(column.type) else column.dictionary_encode()
    words = np.array([str(word) for word in coded.dictionary.to_pylist()], dtype=str)
    if not len(words):
        return np.zeros(len(column), dtype="U1")
    return np.asarray(words[coded.indices.fill_null(0).to_numpy(zero_copy_only=False)])


def arrow_needed(what: str) -> StorageError:
    """Return the answer to something that only pyarrow reads where it is not installed."""
    return StorageError("FILE-ARROW-EXTRA", what, "reading it as a stream needs pyarrow: pip install 'thalweg[arrow]'")
