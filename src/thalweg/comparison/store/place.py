"""The file of a store: where it may be, who may make it, and what is said where SQLite can go no further."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from thalweg.errors import StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Locks of POSIX are between processes; this one is between the threads of ours.
_threads = threading.Lock()

_SAVE = "Save what is whole with `thalweg runs rescue {name} --store NEW`; or move it away, and runs are made anew."
_DISK = "Runs that were finished before are kept: with the cause gone, the same command goes on."


def named(path: str | os.PathLike[str]) -> str:
    """Return a path as a message may print it: nothing in it moves the cursor."""
    text = os.fspath(path)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "replace").decode() for sign in text)


def file_of(path: str | os.PathLike[str]) -> Path:
    """Return the file behind a path, links followed.

    Raises
    ------
    StorageError
        STORE-OPEN where no store can be: no such folder, a folder, a device, a loop of links.
    """
    try:
        file = Path(path).resolve()
        if not stat.S_ISDIR(file.parent.stat().st_mode):
            wrong = os.strerror(errno.ENOTDIR)
        else:
            mode = file.stat().st_mode if file.exists() else stat.S_IFREG
            wrong = "it is a folder" if stat.S_ISDIR(mode) else "" if stat.S_ISREG(mode) else "it is not a file"
    except (OSError, RuntimeError, ValueError) as error:
        raise cannot_open(path, error) from error
    if wrong:
        raise cannot_open(path, OSError(errno.EINVAL, wrong))
    return file


def cannot_open(path: str | os.PathLike[str], error: Exception) -> StorageError:
    """Return the answer to a place where no store can be."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = "Name another file with --store."
    if isinstance(error, FileNotFoundError):
        reason, hint = "there is no such folder", "Make the folder first, or name another file with --store."
    elif isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EROFS:
        reason, hint = "no permission to write there", "Name a file in a folder of yours with --store."
    return StorageError("STORE-OPEN", named(path), f"cannot be opened as a store: {named(reason)}", hint)


@contextlib.contextmanager
def alone(file: Path, patience: float) -> Iterator[None]:
    """Be the only one, of all processes, who opens a store; the lock is on a small file of its own beside it.

    Parameters
    ----------
    file : Path
        The store.
    patience : float
        Seconds to wait for another.

    Raises
    ------
    StorageError
        STORE-OPEN where the folder cannot be written, or its file system has no locks; STORE-BUSY where another has
        been opening the store all the time.
    """
    lock = file.with_name(f"{file.name}.lock")
    deadline = time.monotonic() + patience
    if not _threads.acquire(timeout=patience):
        raise busy(file, patience)
    try:
        with lock.open("ab") as handle:
            while not _lock(handle.fileno(), file):
                if time.monotonic() > deadline:
                    raise busy(file, patience)
                time.sleep(0.005)
            yield  # closing the handle gives the lock back, as does the end of the process
    except OSError as error:
        raise cannot_open(file, error) from error
    finally:
        _threads.release()


def _lock(handle: int, file: Path) -> bool:
    """Take the lock, or tell that another has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            # Of the kind that SQLite takes: where these fail, SQLite would wait a minute and then call it busy.
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        what = f"cannot be opened as a store: its file system has no locks ({named(error.strerror or str(error))})"
        hint = "Network folders are often so. Name a file on a disk of this machine with --store."
        raise StorageError("STORE-OPEN", named(file), what, hint) from error
    return True


def busy(file: Path, patience: float) -> StorageError:
    """Return the answer to a store that another process does not let go."""
    holder = _writer(file)
    who = f"process {holder}" if holder else "another process"
    what = f"{who} has held it for more than {patience:g} s"
    return StorageError(
        "STORE-BUSY", named(file), what, "Is that process stopped? End it, or let it go on; then again."
    )


def _writer(file: Path) -> int | None:
    """Return the process that writes to a store where the system tells it.

    The store's own files must not be opened for this: closing them would drop the locks that this process has.
    """
    try:
        shared = file.with_name(f"{file.name}-shm").stat()
        wanted = f"{os.major(shared.st_dev):02x}:{os.minor(shared.st_dev):02x}:{shared.st_ino}"
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.split()  # 1: POSIX ADVISORY WRITE pid device:inode first last
            if fields[1:4:2] == ["POSIX", "WRITE"] and fields[5:8] == [wanted, _WRITER, _WRITER]:
                return int(fields[4])
    except (OSError, ValueError, IndexError):
        pass
    return None


_WRITER = "120"  # the byte of the shared file that whoever writes has locked


#: What SQLite's errors are raised as: one that quotes damaged bytes may not even be readable.
DAMAGE = (sqlite3.Error, UnicodeDecodeError)


def answer(file: Path, error: Exception, patience: float) -> StorageError:
    """Return what to say where SQLite can go no further."""
    name = named(file)
    reason = named(str(error))[:120]
    # Errors of Python's module, such as text that cannot be read, have no code: they come from damage as well.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return busy(file, patience)
    if code == sqlite3.SQLITE_FULL:
        return StorageError("STORE-WRITE", name, "cannot be written: the disk is full", _DISK)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StorageError("STORE-WRITE", name, f"cannot be read or written: {reason}", _DISK)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StorageError("STORE-OPEN", name, f"cannot be opened as a store: {reason}", _DISK)
    if code == sqlite3.SQLITE_CONSTRAINT:
        what = "the comparison was deleted while its runs were made"
        return StorageError("STORE-GONE", name, what, "The same command begins it anew.")
    if code == sqlite3.SQLITE_NOTADB:
        what = "is not a store: SQLite does not know it"
        return StorageError("STORE-OPEN", name, what, "It is left as it is. Name another file with --store.")
    what = f"the store is damaged: {reason}"
    return StorageError("STORE-CORRUPT", name, what, f"It is left as it is.\n{_SAVE.format(name=name)}")
