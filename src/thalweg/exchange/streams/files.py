"""Tables in files as record batches: Parquet and CSV, one file or a folder of parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

from thalweg.errors import DataError
from thalweg.exchange.streams.tabular import BatchStream, Roles
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.parquet import check_schema, open_file, unreadable
from thalweg.exchange.tables.source import Source, examine

# Rows of a batch, bytes that are read of a file at a time, and columns at most.
_ROWS, _BYTES, _COLUMNS = 32768, 1 << 20, 100_000


@final
class ParquetStream(BatchStream):
    """Rows of Parquet files of one schema, one after another."""

    def __init__(self, name: str, paths: Sequence[Path], roles: Roles, *, text: bool = False) -> None:
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere
        import pyarrow.parquet

        self.name = name
        self._sources = [examine(path) for path in paths]
        rows, schema = 0, None
        for source in self._sources:
            with open_file(source, _COLUMNS, arrow) as file:
                rows += file.metadata.num_rows
                if schema is None:
                    schema = file.schema_arrow
                check_schema(file.schema_arrow, schema, source.name, self._sources[0].name)
        self.n_rows = rows
        self._begin(schema, roles, text=text)

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Go through the record batches, with these columns."""
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere
        import pyarrow.parquet

        for source in self._sources:
            source.check_unchanged()
            # Unbuffered, the reader would hold whole groups of rows, of which a file may have a single one.
            with open_file(source, _COLUMNS, arrow, buffer_size=_BYTES, pre_buffer=False) as file:
                try:
                    yield from file.iter_batches(_ROWS, columns=list(names), use_threads=False)
                except (arrow.ArrowException, OSError) as error:
                    raise unreadable(source.name, "the data are unreadable", error) from error
            source.check_unchanged()


@final
class DelimitedStream(BatchStream):
    """Rows of CSV or TSV files with a header and the same columns, one after another.

    The first megabyte of the first file settles which columns are numbers. Whole numbers are read as float64, so that a
    fraction may come later.
    """

    def __init__(self, name: str, paths: Sequence[Path], roles: Roles, *, text: bool = False) -> None:
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        self.name = name
        self._sources = [examine(path) for path in paths]
        first = self._sources[0]
        with self._open(first, {}) as reader:
            types = arrow.types
            self._types = {
                field.name: arrow.float64()
                if types.is_integer(field.type) or types.is_floating(field.type) or types.is_null(field.type)
                else field.type
                for field in reader.schema
            }
            schema = arrow.schema(list(self._types.items()))
        self._begin(schema, roles, text=text)

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Go through the record batches, with these columns."""
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere

        types = {name: self._types[name] for name in names}
        for source in self._sources:
            source.check_unchanged()
            with self._open(source, types) as reader:
                try:
                    yield from reader
                except (arrow.ArrowException, OSError) as error:
                    raise _unreadable(source, error) from error
            source.check_unchanged()

    @staticmethod
    def _open(source: Source, types: dict[str, Any]) -> Any:  # pyarrow's CSVStreamingReader
        import pyarrow as arrow  # noqa: ICN001 - as elsewhere
        from pyarrow import csv

        mark = "\t" if source.ending in {".tsv", ".tab"} else ","
        convert = csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=False, include_missing_columns=False
        )
        try:
            return csv.open_csv(
                str(source.path),
                read_options=csv.ReadOptions(block_size=_BYTES, use_threads=False),
                parse_options=csv.ParseOptions(delimiter=mark),
                convert_options=convert,
            )
        except KeyError as error:
            what = f"has no column {shown(str(error), 60)}"
            raise DataError("FILE-SCHEMA", source.name, what, "All parts must have the same columns.") from error
        except (arrow.ArrowException, OSError) as error:
            raise _unreadable(source, error) from error


def _unreadable(source: Source, error: Exception) -> DataError:
    reason = shown(str(error).splitlines()[0] if str(error) else type(error).__name__, 160)
    return DataError("FILE-CSV", source.name, reason, "Correct the file, or leave the column out with drop=[...].")
