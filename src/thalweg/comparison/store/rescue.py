"""What can still be read of a damaged store: each record by itself, by its seal, whatever is wrong around it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import Any

from thalweg.comparison.store import rows
from thalweg.comparison.store.database import Database
from thalweg.comparison.store.place import DAMAGE, cannot_open, named
from thalweg.comparison.store.records import CONFIRMATION, RUN, Kept
from thalweg.errors import StorageError

_MAGIC = b"SQLite format 3\0"
_ROWS_OF_A_PAGE = 16  # more than there are: a record is longer than a sixteenth of a page
_MOST_COMPARISONS = 10_000
_BATCH = 500


def rescue(damaged: str | PathLike[str], target: Database) -> tuple[int, int]:
    """Copy all that is whole from a damaged store to another; the damaged file is only read.

    Parameters
    ----------
    damaged : path-like
    target : Database
        What it has already stays.

    Returns
    -------
    comparisons, records : int
        How many were whole.

    Raises
    ------
    StorageError
        STORE-OPEN where the file cannot be read, or is no database at all.
    """
    with tempfile.TemporaryDirectory(prefix="thalweg-") as folder:
        copy = _copy(Path(damaged), Path(folder))
        with closing(sqlite3.connect(copy, isolation_level=None)) as source:
            source.text_factory = bytes
            return _carry_over(source, target, copy.stat().st_size // 4096)


def _copy(damaged: Path, folder: Path) -> Path:
    """Copy a store with its log, and fill up with zeros what has been cut off: SQLite reads nothing of a cut file."""
    copy = folder / "copy.sqlite"
    try:
        shutil.copyfile(damaged, copy)
        for end in ("-wal", "-journal"):
            if (log := damaged.with_name(f"{damaged.name}{end}")).exists():
                shutil.copyfile(log, f"{copy}{end}")
        with copy.open("r+b") as file:
            head = file.read(100)
            if not head.startswith(_MAGIC):
                raise StorageError("STORE-OPEN", named(damaged), "is not a store: nothing in it can be read")
            page = int.from_bytes(head[16:18], "big")
            size = int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)
            if copy.stat().st_size < size < 100 * copy.stat().st_size:
                file.truncate(size)
    except (OSError, ValueError) as error:
        raise error if isinstance(error, StorageError) else cannot_open(damaged, error) from error
    return copy


def _carry_over(source: sqlite3.Connection, target: Database, pages: int) -> tuple[int, int]:
    numbers: dict[int, tuple[str, int]] = {}
    with target.writing() as connection:
        for number in range(1, min(_last(source, "comparisons") or _MOST_COMPARISONS, _MOST_COMPARISONS) + 1):
            found = _row(source, "SELECT key, description, created, seal FROM comparisons WHERE id = ?", number)
            if found is not None and rows.is_sealed(*found):
                key = found[0].decode()
                numbers[number] = key, rows.adopt(connection, *found)
    carried = 0
    waiting: dict[tuple[int, str], list[Kept]] = {}
    for rowid in range(1, max(_last(source, "records") or 0, _ROWS_OF_A_PAGE * pages) + 1):
        found = _row(source, f"SELECT comparison, kind, {rows.COLUMNS} FROM records WHERE rowid = ?", rowid)  # noqa: S608
        if found is None or found[0] not in numbers or found[1] not in (RUN.encode(), CONFIRMATION.encode()):
            continue
        number, kind = found[0], found[1].decode()
        waiting.setdefault((number, kind), []).extend(rows.whole([found[2:]], numbers[number][0], kind))
        if len(waiting[number, kind]) >= _BATCH:
            carried += _insert(target, numbers[number], kind, waiting.pop((number, kind)))
    for (number, kind), records in waiting.items():
        carried += _insert(target, numbers[number], kind, records)
    return len(numbers), carried


def _insert(target: Database, comparison: tuple[str, int], kind: str, records: list[Kept]) -> int:
    key, number = comparison
    with target.writing() as connection:
        rows.insert(connection, number, key, kind, records)
    return len(records)


def _last(source: sqlite3.Connection, table: str) -> int | None:
    found = _row(source, f"SELECT max(rowid) FROM {table}")  # noqa: S608 - a constant
    return found[0] if found is not None and isinstance(found[0], int) else None


def _row(source: sqlite3.Connection, statement: str, *values: int) -> tuple[Any, ...] | None:
    """Return a row, None where it is not there or cannot be read."""
    try:
        found: tuple[Any, ...] | None = source.execute(statement, values).fetchone()
    except DAMAGE:
        return None
    return found
