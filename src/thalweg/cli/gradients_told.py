"""Gradients as they are told on the command line: numbers, or a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.cli.options import written_number
from thalweg.errors import DataError, SettingError, StorageError
from thalweg.exchange.tables.cells import shown

Array = NDArray[Any]
_FILES = (".npy", ".csv", ".tsv", ".txt", ".gz", ".parquet")


def gradients_told(text: str) -> Array:
    """Return gradients (updates, n): ``0.1,-0.2`` are two updates, ``0.1/5,-0.2/3`` are two of two coordinates.

    Raises
    ------
    SettingError
        What is no number; updates of unequal length.
    StorageError, DataError
        A file that cannot be read, or that has other cells than numbers.

    Examples
    --------
    >>> gradients_told("0.1/5, -0.2/3").tolist()
    [[0.1, 5.0], [-0.2, 3.0]]
    """
    if text.endswith(_FILES):
        return _of_file(Path(text))
    rows = [numbers_told(piece, "--gradients") for piece in text.split(",") if piece.strip()]
    if len({row.size for row in rows}) > 1:
        first = next(k for k, row in enumerate(rows) if row.size != rows[0].size)
        what = f"update 1 has {rows[0].size} coordinates, update {first + 1} has {rows[first].size}"
        raise SettingError("SETTING-SHAPE", "--gradients", what, "Updates are divided by ',', coordinates by '/'.")
    if not rows:
        raise SettingError("SETTING-SHAPE", "--gradients", "there is none", "Write them as in --gradients 0.1,-0.2.")
    return np.stack(rows)


def numbers_told(text: str, option: str) -> Array:
    """Return numbers between ``/``.

    Raises
    ------
    SettingError
        One that is no finite number.
    """
    values = [written_number(piece) for piece in text.split("/")]
    for piece, value in zip(text.split("/"), values, strict=True):
        if value is None or not np.isfinite(value):
            what = f"'{shown(piece.strip())}' is not a finite number"
            hint = f"Give numbers, or a file that ends in {', '.join(_FILES[:3])}." if option == "--gradients" else ""
            raise SettingError("SETTING-TYPE", option, what, hint)
    return np.array(values, dtype=np.float64)


def of_type(values: Array, dtype: str, option: str) -> Array:
    """Return numbers in another type.

    Raises
    ------
    SettingError
        One is too large for it.
    """
    with np.errstate(over="ignore"):
        made = values.astype(dtype)
    if not np.all(np.isfinite(made)):
        largest = float(np.max(np.abs(values)))
        raise SettingError("SETTING-RANGE", option, f"{largest:g} is too large for {dtype}")
    return made


def span(text: str | None, option: str, most: int, what: str) -> tuple[int, int] | None:
    """Return first and last of ``3`` or ``2-5``; None where nothing was told.

    Raises
    ------
    SettingError
        No such span, or one that reaches beyond what there is.

    Examples
    --------
    >>> span("2-5", "--steps", 9, "update"), span("3", "--steps", 9, "update")
    ((2, 5), (3, 3))
    """
    if text is None:
        return None
    first, dash, last = (part.strip() for part in text.partition("-"))
    ends = (first, last if dash else first)
    if not all(end.isdecimal() and end.isascii() and len(end) < 10 for end in ends):
        raise SettingError("SETTING-TYPE", option, f"must be a count such as 3, or 2-5; got {text!r:.40}")
    low, high = int(ends[0]), int(ends[1])
    if not 1 <= low <= high <= most:
        there = f"there is one {what}" if most == 1 else f"there are {what}s 1 to {most}"
        raise SettingError("SETTING-RANGE", option, f"{text[:40]}: {there}")
    return low, high


def _of_file(path: Path) -> Array:
    """Return the numbers of a file, an update in each row."""
    where = shown(str(path), 200)
    array = _of_npy(path, where) if path.suffix == ".npy" else _of_table(path)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "iufb" or not array.size:
        what = f"holds {array.dtype} of shape {array.shape}; wanted numbers, (updates,) or (updates, coordinates)"
        raise DataError("DATA-SHAPE", where, what)
    if not np.all(np.isfinite(array)):
        row, column = (int(k) + 1 for k in np.argwhere(~np.isfinite(array))[0])
        raise DataError("DATA-FINITE", f"{where}, update {row}, coordinate {column}", "is not a finite number")
    return array.astype(np.float64)


def _of_npy(path: Path, where: str) -> Array:
    try:
        loaded: Array = np.load(path, allow_pickle=False)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise StorageError("FILE-OPEN", where, shown(reason, 120)) from error
    except (ValueError, EOFError) as error:
        raise DataError("FILE-FORMAT", where, f"is not an array of NumPy: {shown(str(error), 120)}") from error
    return loaded


def _of_table(path: Path) -> Array:
    from thalweg.exchange.tables import read_table

    table = read_table(path, header=not _begins_with_numbers(path))
    words = [name for name, kind in table.kinds.items() if kind == "text"]
    if words:
        what = f"column {shown(words[0])} is text; gradients are numbers"
        raise DataError("DATA-TEXT", shown(str(path), 200), what)
    return np.column_stack([table[name] for name in table.names])


def _begins_with_numbers(path: Path) -> bool:
    """Whether the first line of a text file has numbers alone, and so no names."""
    if path.suffix in {".parquet", ".gz"}:
        return False
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(1 << 16)
    except OSError:
        return False  # answered where it is read
    for mark in ",;\t|":
        first = first.replace(mark, " ")
    return bool(first.split()) and all(written_number(cell) is not None for cell in first.split())
