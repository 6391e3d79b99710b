"""Files that are either there as a whole or not there: the one way in which anything is written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from thalweg.errors import StorageError
from thalweg.exchange.tables.cells import shown


def atomic_write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader, a crash or a loss of power sees the old content or the new one, never a part.

    The bytes go into a new file in the same folder, are flushed to the disk, and take the name in one step; then
    the folder is flushed too. On an error, also an interrupt, the new file is removed.

    Parameters
    ----------
    path : path-like
        The file. One that is there is replaced; a link is followed.
    content : bytes
        All of it.

    Raises
    ------
    StorageError
        FILE-WRITE, with the reason: no such folder, no permission, a full disk, a folder or device of this name.
    """
    with atomic_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file piece by piece, which is there when the ``with`` block ends, and not at all when it is left early.

    Parameters
    ----------
    path : path-like
        As of :func:`atomic_write`.

    Yields
    ------
    file
        To write bytes to.

    Raises
    ------
    StorageError
        As :func:`atomic_write`.
    """
    target = _regular(path)
    part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error


def clear_parts(path: str | os.PathLike[str]) -> None:
    """Remove what kills in the midst of writing this file have left beside it; nobody else may be writing it.

    Raises
    ------
    StorageError
        FILE-WRITE: it cannot be removed.
    """
    target = Path(path).resolve()
    begun = re.compile(re.escape(f".{target.name[:80]}.") + r"[0-9a-f]{12}\.part")
    parts: list[Path] = []
    with contextlib.suppress(OSError):
        parts = [each for each in target.parent.iterdir() if begun.fullmatch(each.name)]
    for part in parts:
        try:
            part.unlink(missing_ok=True)
        except OSError as error:
            what = f"cannot be removed: {shown(error.strerror or str(error), 120)}"
            raise StorageError("FILE-WRITE", shown(str(part), 200), what) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise StorageError now where `atomic_write` would raise it after hours of work: the folder is tried.

    Parameters
    ----------
    path : path-like
        The file that will be written.
    """
    target = _regular(path)
    part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            os.close(handle)
        finally:
            part.unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise StorageError now where `make_folder`, or a file in it, would raise it later; makes nothing.

    Parameters
    ----------
    path : path-like
        The folder that will be made.
    """
    for folder in (Path(path), *Path(path).absolute().parents):
        try:
            mode = folder.stat().st_mode
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise _cannot_write(path, error) from error
        if not stat.S_ISDIR(mode):
            raise _cannot_write(path, NotADirectoryError(errno.ENOTDIR, "it is not a folder"))
        check_writable(folder / "records")
        return


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return the folder after making it, with those above it, where it is not there.

    Raises
    ------
    StorageError
        FILE-WRITE where it cannot be made, or a file has its name.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return folder


def _regular(path: str | os.PathLike[str]) -> Path:
    """Return the file behind the path, links followed; StorageError where it is a folder, a device or a pipe."""
    try:
        target = Path(path).resolve()
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL in the name
        raise _cannot_write(path, error) from error
    if not stat.S_ISREG(mode):
        what = "cannot be written: it is a folder" if stat.S_ISDIR(mode) else "cannot be written: it is not a file"
        raise StorageError("FILE-WRITE", shown(str(path), 200), what, "Name a file.")
    return target


def _flush_folder(folder: Path) -> None:
    """Flush the new name to the disk; where folders cannot be opened (Windows) the system does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: str | os.PathLike[str], error: Exception) -> StorageError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = ""
    if isinstance(error, FileNotFoundError):
        reason, hint = "there is no such folder", "Make the folder first, or name another."
    elif isinstance(error, PermissionError):
        reason, hint = "no permission to write there", "Name a folder of yours."
    return StorageError("FILE-WRITE", shown(str(path), 200), f"cannot be written: {shown(reason, 120)}", hint)
