"""The rows of a store's tables: which are there, which of them are whole, and how they get there."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from thalweg.comparison.store.place import named
from thalweg.comparison.store.records import CONFIRMATION, RUN, Kept, seal_of

COLUMNS = "arm, seed, payload, seconds, machine, seal"
_SELECT = f"SELECT {COLUMNS} FROM records WHERE comparison = ? AND kind = ?"  # noqa: S608 - the line above
_INSERT = f"INSERT INTO records (comparison, kind, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - the same

_TYPES = [bytes, int, bytes, bytes, bytes]  # what SQLite gives for these columns, the seal apart, if they are whole

Row = tuple[Any, ...]


class Held(NamedTuple):
    """One comparison of a store.

    Attributes
    ----------
    key : str
    description : dict
        As it was registered; empty where it is damaged.
    created : str
        When, in UTC: ``"2026-11-20 13:05:07"``; empty where the description is damaged.
    runs, confirmations : int
        How many are kept.
    """

    key: str
    description: dict[str, Any]
    created: str
    runs: int
    confirmations: int


# -- comparisons


def find(connection: sqlite3.Connection, key: str) -> tuple[int, bool] | None:
    """Return the number of a comparison, and whether its description is whole."""
    row = connection.execute("SELECT id, description, created, seal FROM comparisons WHERE key = ?", (key,)).fetchone()
    return None if row is None else (row[0], is_sealed(key.encode(), *row[1:]))


def register(connection: sqlite3.Connection, key: str, description: bytes) -> int:
    """Insert a comparison, or its description anew; return its number."""
    created = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S}"
    connection.execute(
        "INSERT INTO comparisons (key, description, created, seal) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE"
        " SET description = excluded.description, created = excluded.created, seal = excluded.seal",
        (key, description, created, seal_of(key.encode(), created.encode(), description)),
    )
    (number,) = connection.execute("SELECT id FROM comparisons WHERE key = ?", (key,)).fetchone()
    return int(number)


def adopt(connection: sqlite3.Connection, key: bytes, description: bytes, created: bytes, seal: bytes) -> int:
    """Insert a comparison as it was in another store, where it is new; return its number here."""
    connection.execute(
        "INSERT INTO comparisons (key, description, created, seal) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (key.decode(), description, created.decode(), seal),
    )
    (number,) = connection.execute("SELECT id FROM comparisons WHERE key = ?", (key.decode(),)).fetchone()
    return int(number)


def list_all(connection: sqlite3.Connection) -> list[Held]:
    """Return all comparisons, the latest first."""
    count = "SELECT count(*) FROM records WHERE comparison = id AND kind = '{}'"
    counts = ", ".join(f"({count.format(kind)})" for kind in (RUN, CONFIRMATION))
    found = []
    for key, text, created, seal, *sizes in connection.execute(
        f"SELECT key, description, created, seal, {counts} FROM comparisons"  # noqa: S608 - constants
    ):
        whole = is_sealed(key, text, created, seal)
        name = named(key.decode(errors="replace")) if isinstance(key, bytes) else ""
        found.append(Held(name, json.loads(text) if whole else {}, created.decode() if whole else "", *sizes))
    return sorted(found, key=lambda held: (held.created, held.key), reverse=True)


def is_sealed(key: object, description: object, created: object, seal: object) -> bool:
    """Tell whether a description is as it was registered."""
    if not (isinstance(key, bytes) and isinstance(created, bytes) and isinstance(description, bytes)):
        return False
    return seal_of(key, created, description) == seal


# -- records


def select(
    connection: sqlite3.Connection, number: int, kind: str, arm: bytes | None = None, seed: int | None = None
) -> list[Row]:
    """Return the rows of a comparison, of one arm, or the one row of an arm and a seed."""
    where, values = "", [number, kind]
    for name, value in (("arm", arm), ("seed", seed)):
        if value is not None:
            where, values = f"{where} AND {name} = ?", [*values, value]
    return connection.execute(_SELECT + where, values).fetchall()


def whole(found: Iterable[Row], key: str, kind: str, arm: bytes | None = None) -> list[Kept]:
    """Return the records whose seal is theirs; of one arm, for a damaged index can lead to another."""
    records = []
    for *values, seal in found:
        if [type(value) for value in values] == _TYPES:
            record = Kept(*values)
            if record.seal(key, kind) == seal and arm in (None, record.arm):
                records.append(record)
    return records


def insert(connection: sqlite3.Connection, number: int, key: str, kind: str, records: list[Kept]) -> int:
    """Insert records that are not there, or there but damaged; return how many those were."""
    lines = [(number, kind, *record, record.seal(key, kind)) for record in records]
    added = connection.executemany(f"{_INSERT} ON CONFLICT (comparison, kind, arm, seed) DO NOTHING", lines).rowcount
    if added == len(lines):
        return added
    for line, record in zip(lines, records, strict=True):  # another was first; unless what is there is damaged
        if not whole(select(connection, number, kind, record.arm, record.seed), key, kind, record.arm):
            connection.execute(
                "DELETE FROM records WHERE comparison = ? AND kind = ? AND arm = ? AND seed = ?",
                (number, kind, record.arm, record.seed),
            )
            added += connection.execute(_INSERT, line).rowcount
    return added
