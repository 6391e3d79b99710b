"""The database of a store: how it is made, opened, brought up to date, and written in transactions."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

from thalweg import __version__
from thalweg.comparison.store.place import DAMAGE, alone, answer, cannot_open, file_of, named
from thalweg.errors import StorageError

#: What all stores begin with, and which tables they have.
APPLICATION, SCHEMA = 0x74686C77, 1

#: All that a new store needs. Keys, payloads and seals are bytes: a damaged one is read, and found out, like any other.
TABLES = """
CREATE TABLE comparisons (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    description BLOB NOT NULL,
    created TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE records (
    comparison INTEGER NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    kind TEXT NOT NULL,
    arm BLOB NOT NULL,
    seed INTEGER NOT NULL,
    payload BLOB NOT NULL,
    seconds BLOB NOT NULL,
    machine BLOB NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (comparison, kind, arm, seed)
);
CREATE TABLE units (
    comparison INTEGER NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    unit TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    lease REAL NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (comparison, unit)
) WITHOUT ROWID;
"""

#: For each older schema the statements that lead to the next one. There is none before the first.
MIGRATIONS: Mapping[int, str] = {}


@final
class Database:
    """A connection to a store. Threads may share it; processes may not, also not by forking: each opens its own.

    Parameters
    ----------
    path : path-like
        The file.
    new : bool
        Make a store where there is none.
    patience : float
        Seconds to wait for a process that has the store to itself.

    Raises
    ------
    StorageError
        STORE-OPEN, STORE-MISSING, STORE-CORRUPT, STORE-BUSY; the file is then as it was.
    """

    def __init__(self, path: str | os.PathLike[str], *, new: bool, patience: float) -> None:
        if not new and not os.path.lexists(path):
            hint = "A comparison makes one. Name another with --store."
            raise StorageError("STORE-MISSING", named(path), "there is no store of runs", hint)
        self.file = file_of(path)
        self.patience = patience
        self._lock = threading.RLock()
        with alone(self.file, patience):
            fresh = not self.file.exists()
            _look(self.file, patience)
            try:
                with self._answering():
                    self._connection = self._connect()
                    try:
                        self._prepare()
                    except BaseException:
                        self._connection.close()
                        raise
            except BaseException:
                if fresh:  # it holds nothing yet
                    self.file.unlink(missing_ok=True)
                raise

    def close(self) -> None:
        """Close the connection; the last one to close leaves a single file behind."""
        with self._lock:
            self._connection.close()

    # -- opening

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.file.as_uri()}?mode=rwc",
            uri=True,
            timeout=self.patience,
            isolation_level=None,  # transactions begin where this file says so
            check_same_thread=False,
        )
        connection.text_factory = bytes  # damaged text is found by its seal, not by whoever decodes it
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "cell_size_check = ON", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _prepare(self) -> None:
        """Make the tables, or bring those of an older version up to date, in one transaction."""
        application, schema = self._header()
        if (application, schema) == (0, 0) and not self._fetch("SELECT count(*) FROM sqlite_master"):
            # Deleted comparisons give their room back. Only an empty database can be told so.
            self._connection.execute("PRAGMA auto_vacuum = FULL")
            self._change(TABLES)
        else:
            _refuse_foreign(self.file, application, schema)
            if schema < SCHEMA:
                self._change(";".join(MIGRATIONS[older] for older in range(schema, SCHEMA)))
        mode = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != b"wal":
            what = "cannot be opened as a store: its file system has no memory that processes share"
            hint = "Name a file on a disk of this machine with --store."
            raise StorageError("STORE-OPEN", named(self.file), what, hint)

    def _change(self, statements: str) -> None:
        with self.writing() as connection:
            for statement in statements.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _header(self) -> tuple[int, int]:
        return self._fetch("PRAGMA application_id"), self._fetch("PRAGMA user_version")

    def _fetch(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])

    # -- work

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Write in one transaction: all of it is on the disk when the block ends, or nothing of it ever is.

        Parameters
        ----------
        durable : bool
            False for what a loss of power may undo, claims say: the disk, which takes most of the time, is not waited
            for. A durable transaction later takes it along.
        """
        with self._lock, self._answering():
            if not durable:
                self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                self._begin("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                if not durable:
                    self._connection.execute("PRAGMA synchronous = FULL")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read the store as it is at one moment, whoever writes meanwhile."""
        with self._lock, self._answering():
            try:
                self._begin("BEGIN")
                yield self._connection
            finally:
                self._roll_back()

    def _begin(self, how: str) -> None:
        """Begin, waiting also where SQLite itself does not: while others get on, and one mends what a kill has left.

        SQLite lets nobody in by turns: in a crowd on a slow machine one may be passed over for longer than its
        patience, which is for a store in which nothing moves.
        """
        deadline, commits = time.monotonic() + self.patience, self._commits_of_others()
        while True:
            try:
                self._connection.execute(how)
            except sqlite3.OperationalError as error:
                if not _passes(error):
                    raise
                if time.monotonic() > deadline:
                    before, commits = commits, self._commits_of_others()
                    if commits in (before, None):
                        raise
                    deadline = time.monotonic() + self.patience
                time.sleep(0.01)
            else:
                return

    def _commits_of_others(self) -> int | None:
        """Return a number that is another after somebody else has written; None where that cannot be known now."""
        try:
            return self._fetch("PRAGMA data_version")
        except sqlite3.OperationalError as error:
            if not _passes(error):
                raise
            return None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # after some errors SQLite has done it already
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # the store is closed: a mistake in the program, not in the file
        except DAMAGE as error:
            raise answer(self.file, error, self.patience) from error


def _passes(error: sqlite3.OperationalError) -> bool:
    """Tell whether another process is all that stands in the way."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)


def _look(file: Path, patience: float) -> None:
    """Refuse a file that is not ours without writing to it, nor to anything beside it."""
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_open(file, error) from error
    if not os.access(file, os.W_OK):  # else it would be found out after hours of work
        raise cannot_open(file, PermissionError())
    log, journal = (_size(file.with_name(f"{file.name}{end}")) for end in ("-wal", "-journal"))
    if not size and log:  # SQLite would take the file for new, and delete the log
        raise answer(file, sqlite3.DatabaseError("it is empty, but there is a log of what it held"), patience)
    if not size:
        return
    if size < _SMALLEST:  # SQLite would take it for new
        raise answer(file, _not_a_database(), patience)
    try:
        # Through SQLite, as a file: were it opened here, closing it would drop the locks that this process has on it.
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
            page = connection.execute("PRAGMA page_size").fetchone()[0]
    except DAMAGE as error:
        if log or journal:
            return  # a writer was stopped: SQLite puts the file right when it opens it
        raise answer(file, error, patience) from error
    if size % page and not (log or journal):
        raise answer(file, sqlite3.DatabaseError("the file is cut"), patience)
    if (application, schema) != (0, 0):
        _refuse_foreign(file, application, schema)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # another process has closed the store just now
        return 0


def _not_a_database() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    return error


_SMALLEST = 512  # bytes of a page, of which every database has one


def _refuse_foreign(file: Path, application: int, schema: int) -> None:
    if application != APPLICATION:
        what = "is a database of another program"
        raise StorageError("STORE-OPEN", named(file), what, "It is left as it is. Name another file with --store.")
    if schema > SCHEMA:
        what = f"was written by a newer version: schema {schema}; thalweg {__version__} reads up to {SCHEMA}"
        hint = "It is left as it is. Install a newer thalweg, or name another file with --store."
        raise StorageError("STORE-OPEN", named(file), what, hint)
    if schema != SCHEMA and schema not in MIGRATIONS:
        damaged = sqlite3.DatabaseError(f"there is no schema {schema}")
        raise answer(file, damaged, 0)
