"""Parquet, one file or a folder of parts, through pyarrow (extra ``arrow``); its types are used, converted or refused.

A footer may claim anything, so nothing is taken from it without a look: the row count is held against the size of
the file, the row groups, the columns, the memory, and in the end against the rows that were there. Even so pyarrow
ends the whole process over some damaged files; `thalweg.exchange.tables.parquet_process` has it read in one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import DataError, LimitError
from thalweg.exchange.tables.cells import NumberFormat, counted, shown
from thalweg.exchange.tables.columns import ColumnReader, Mistake, raise_first
from thalweg.exchange.tables.content import Choice, Content, Progress, check_memory, check_names, check_width, finish

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from thalweg.exchange.tables.source import Source

_BATCH_ROWS = 65_536
#: A column of one repeated value takes about 1 byte for 200 rows; a file cannot hold twenty times as many.
_ROWS_PER_BYTE = 4096


def read_parts(sources: Sequence[Source], choice: Choice, table: str) -> Content:
    """Read Parquet files of one schema, one after another.

    Parameters
    ----------
    sources : sequence of Source
        The parts in order.
    choice : Choice
        What is wanted.
    table : str
        The file or folder, for messages; rows are counted over all parts.

    Raises
    ------
    DataError
        FILE-PARQUET (unreadable), FILE-TYPE, FILE-SCHEMA, and the answers to names and cells.
    LimitError
        FILE-PARQUET where the footer claims more than there is; FILE-TOO-LARGE, FILE-TOO-WIDE.
    """
    progress = Progress()
    for _ in read_blocks(sources, choice, table, progress):
        pass
    return finish(progress.readers, choice, table, None, progress.warnings)


def read_blocks(sources: Sequence[Source], choice: Choice, table: str, progress: Progress) -> Generator[None]:
    """Read Parquet files batch by batch; after each the readers of ``progress`` hold it too."""
    import pyarrow as arrow  # noqa: ICN001  # as every function here calls it
    import pyarrow.parquet

    files = [open_file(source, choice.max_columns, arrow) for source in sources]
    schema = files[0].schema_arrow
    for source, file in zip(sources[1:], files[1:], strict=True):
        check_schema(file.schema_arrow, schema, source.name, sources[0].name)
    check_names(schema.names, choice, table)
    fields = [field for field in schema if field.name not in choice.drop]
    roles = {field.name: role_of(field.type, choice.kinds.get(field.name), arrow) for field in fields}
    refuse_types(fields, roles, table)
    rows = sum(file.metadata.num_rows for file in files)
    check_memory(rows, len(fields), 8.0 * rows * len(fields), choice.memory, table)
    readers = progress.readers = [_reader(field.name, roles[field.name]) for field in fields]
    for source, file in zip(sources, files, strict=True):
        found = 0
        for batch in _batches(file, [field.name for field in fields], source.name, arrow):
            found += batch.num_rows
            raise_first([_add(r, c, roles[r.name], arrow) for r, c in zip(readers, batch.columns, strict=True)], table)
            needed = sum(reader.bytes for reader in readers)
            check_memory(readers[0].rows, len(readers), needed, choice.memory, table)
            yield
        if found != file.metadata.num_rows:
            raise _forged(source.name, f"the footer claims {file.metadata.num_rows} rows, the file holds {found}")
    if not rows:
        raise DataError("FILE-NO-ROWS", table, f"{counted(len(schema), 'column')}, 0 rows")
    changed = [f"{shown(field.name)} ({field.type})" for field in fields if roles[field.name].startswith("as ")]
    progress.warnings += [f"FILE-TYPE: converted to float64 or text: {_listed(changed)}"] if changed else []


def open_file(source: Source, max_columns: int, arrow: Any, **more: Any) -> Any:  # pyarrow's ParquetFile
    """Open one file and hold its footer against its size."""
    try:
        file = arrow.parquet.ParquetFile(source.path, thrift_string_size_limit=100 << 20, **more)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise unreadable(source.name, "the footer is unreadable", error) from error
    footer = file.metadata
    check_width(footer.num_columns, max_columns, source.name)
    groups = [footer.row_group(k) for k in range(footer.num_row_groups)]
    if footer.num_rows > _ROWS_PER_BYTE * source.size:
        raise _forged(source.name, f"the footer claims {footer.num_rows} rows in {source.size} bytes")
    if footer.num_rows != sum(group.num_rows for group in groups):
        raise _forged(source.name, f"the footer claims {footer.num_rows} rows, its row groups have other counts")
    nested = footer.num_columns != len(file.schema_arrow)
    for group in [] if nested else groups:
        counts = {group.column(k).num_values for k in range(group.num_columns)}
        if counts - {group.num_rows}:
            raise _forged(source.name, f"a row group claims {group.num_rows} rows, its columns have other counts")
    return file


def _batches(file: Any, names: list[str], table: str, arrow: Any) -> Iterator[Any]:  # pyarrow
    """Yield the record batches, each looked through; what breaks in between is an unreadable file."""
    try:
        for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
            batch.validate(full=True)
            yield batch
    except (arrow.ArrowException, OSError) as error:
        raise unreadable(table, "the data are unreadable", error) from error


def role_of(kind: Any, wanted: str | None, arrow: Any) -> str:  # pyarrow's DataType
    """Return what becomes of a column of this type: number, text, as number, as text, parsed, or refused."""
    types = arrow.types
    coded = types.is_dictionary(kind)
    kind = kind.value_type if coded else kind
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    if text and wanted == "number":
        return "parsed"
    if text:
        return "as text" if coded else "text"
    if wanted == "text":
        return "as text" if types.is_integer(kind) or types.is_boolean(kind) else "refused"
    if types.is_integer(kind) or types.is_floating(kind):
        return "as number" if coded else "number"
    return "as number" if types.is_boolean(kind) or types.is_decimal(kind) else "refused"


def _reader(name: str, role: str) -> ColumnReader:
    return ColumnReader(name, "text" if role.endswith("text") else "number", NumberFormat(), "row")


def _add(reader: ColumnReader, column: Any, role: str, arrow: Any) -> Mistake | None:  # pyarrow's Array
    """Give a column reader the next values of its column."""
    column = column.dictionary_decode() if arrow.types.is_dictionary(column.type) else column
    start, gaps = reader.rows + 1, np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    rows = range(start, start + len(column))
    if role in {"text", "as text", "parsed"}:
        if role != "parsed":  # a text column is taken literally, so that only a null is missing
            reader.count_missing(gaps.tolist(), rows)
        return reader.add(column.cast(arrow.string()).fill_null("").to_pylist(), rows)
    if arrow.types.is_decimal(column.type):  # by way of Python, which rounds to the nearest float64
        values = np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
    else:
        values = np.array(column.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False))
    bad = np.flatnonzero(~np.isfinite(values) & column.is_valid().to_numpy(zero_copy_only=False))
    if bad.size:
        answer = NumberFormat().complaint(str(values[bad[0]]), reader.name)
        return Mistake(rows[int(bad[0])], "row", reader.name, answer)
    if arrow.types.is_integer(column.type):
        for k in np.flatnonzero(np.abs(values) >= 2.0**53):
            reader.count_lost(int(values[k]) != column[int(k)].as_py(), rows[int(k)])
    reader.add_values(values, gaps.tolist())
    return None


def check_schema(schema: Any, first: Any, table: str, first_table: str) -> None:  # pyarrow's Schema
    """Raise DataError where a part has other columns than the first part."""
    types, wanted = ({field.name: str(field.type) for field in s} for s in (schema, first))
    for name in [*wanted, *types]:
        if types.get(name) != wanted.get(name):
            was, now = wanted.get(name, "not there"), types.get(name, "not there")
            what = f"column {shown(name)} is {now}, in {first_table} it is {was}"
            raise DataError("FILE-SCHEMA", table, what, "All parts of a folder must have the same columns.")
    if schema.names != first.names:
        what = f"the columns are in another order than in {first_table}"
        raise DataError("FILE-SCHEMA", table, what, "All parts of a folder must have the same columns.")


def refuse_types(fields: Sequence[Any], roles: dict[str, str], table: str) -> None:
    """Raise DataError that lists the columns of types that are not read, and what becomes of the others."""
    refused = [f"{shown(field.name)} ({shown(str(field.type))})" for field in fields if roles[field.name] == "refused"]
    if refused:
        others = [field for field in fields if roles[field.name] != "refused"]
        used = [shown(field.name) for field in others if not roles[field.name].startswith("as ")]
        changed = [shown(field.name) for field in others if roles[field.name].startswith("as ")]
        names = " ".join(f"--drop {shown(field.name)}" for field in fields if roles[field.name] == "refused")
        hint = f"Used: {_listed(used) or 'none'}. Converted: {_listed(changed) or 'none'}.\n"
        hint += f"Leave the others out ({shown(names, 80)}), or write them as numbers or text."
        raise DataError("FILE-TYPE", table, f"columns of types that are not read: {_listed(refused)}", hint)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def unreadable(table: str, what: str, error: Exception) -> DataError:
    """Return the answer to a file that pyarrow cannot read."""
    reason = shown(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
    return DataError("FILE-PARQUET", table, f"{what}: {reason}", "Is the file complete? Copy or write it again.")


def _forged(table: str, what: str) -> LimitError:
    return LimitError("FILE-PARQUET", table, what, "The file is damaged or made up: write it again.")
