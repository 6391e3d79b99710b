"""What other libraries hand over through Arrow's PyCapsule interface: tables, readers, query results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

from thalweg.exchange.streams.tabular import BatchStream, Roles

_NAME = "Arrow stream"


@final
class CapsuleStream(BatchStream):
    """Rows of an object with ``__arrow_c_stream__``.

    Whether it can be asked twice it does not say. A reader of record batches cannot; of anything else it is believed,
    and rows that are missing the second time are an error.

    References
    ----------
    Apache Arrow, The Arrow PyCapsule Interface: ``ArrowArrayStream`` export.
    """

    def __init__(self, source: Any, roles: Roles, *, text: bool = False) -> None:
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        self.name, self._source = _NAME, source
        self.repeatable = not isinstance(source, arrow.RecordBatchReader)
        self.read_ahead = isinstance(source, arrow.Table | arrow.RecordBatchReader)  # others may be tied to a thread
        self.n_rows = source.num_rows if isinstance(source, arrow.Table) else None
        self._reader = arrow.RecordBatchReader.from_stream(source)
        self._begin(self._reader.schema, roles, text=text)

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Go through the record batches, with these columns."""
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        reader, self._reader = self._reader, None
        reader = reader or arrow.RecordBatchReader.from_stream(self._source)
        for batch in reader:
            yield batch.select(list(names))
