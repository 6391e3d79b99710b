"""Data frames of any library: their columns as numbers with nan and text with empty cells, wherever rows come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import DataError
from thalweg.exchange.tables.cells import shown

Column = NDArray[Any]


def frame_of(given: Any) -> Any:
    """Return a data frame as narwhals sees it, None for what is none.

    Raises
    ------
    DataError
        DATA-COLUMNS: two columns of one name.
    """
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(given, pass_through=True, eager_only=True)
        if not isinstance(frame, nw.DataFrame):
            return None
        names = [str(name) for name in frame.columns]
    except DuplicateError as error:
        raise DataError("DATA-COLUMNS", "X", f"{' '.join(str(error).split()):.120}", "Rename one.") from error
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError("DATA-COLUMNS", "X", f"has two columns {shown(twice)}", "Rename one.")
    return frame


def columns_of(frame: Any) -> tuple[list[str], list[Column], list[str]]:
    """Return names, columns, and a line for each column with missing cells.

    Numbers and booleans become float64, nan where missing; text and categories become objects of str, empty where
    missing.

    Parameters
    ----------
    frame : narwhals.DataFrame

    Raises
    ------
    DataError
        DATA-KIND: a column of dates, say, or of numbers and text. DATA-FINITE: an infinite number.
    """
    names, columns, warnings = [], [], []
    for k, name in enumerate(frame.columns):
        where = f"column {shown(str(name))}"
        series = frame[:, k]
        column, missing = as_numbers(series, where) if series.dtype.is_numeric() else as_column(series.to_list(), where)
        names.append(str(name))
        columns.append(column)
        if missing:
            how = "filled with the mean of the training part" if column.dtype == np.float64 else "kept as a category"
            warnings.append(f"DATA-MISSING: {missing} missing in column {shown(str(name))} {how}")
    return names, columns, warnings


def as_numbers(series: Any, where: str) -> tuple[Column, int]:
    """Return a column of numbers of a frame, and how many are missing."""
    import narwhals as nw

    return _finite(np.array(series.cast(nw.Float64).to_numpy(), dtype=np.float64), where)


def as_column(cells: Sequence[Any], where: str) -> tuple[Column, int]:
    """Return cells as numbers or as text, and how many are missing."""
    missing = [_is_missing(cell) for cell in cells]
    there = [cell for cell, gone in zip(cells, missing, strict=True) if not gone]
    if all(isinstance(cell, str) for cell in there) and (there or not cells):
        text = np.empty(len(cells), object)
        text[:] = ["" if gone else cell for cell, gone in zip(cells, missing, strict=True)]
        return text, sum(missing)
    odd = next((cell for cell in there if not isinstance(cell, bool | int | float | np.number | np.bool_)), None)
    if odd is not None:
        kinds = "numbers and text" if isinstance(odd, str) else f"values such as {str(odd)!r:.40}"
        hint = "Make it numbers or text, or leave it out."
        raise DataError("DATA-KIND", where, f"holds {kinds}; a column holds numbers or text", hint)
    numbers = np.array([math.nan if gone else float(cell) for cell, gone in zip(cells, missing, strict=True)])
    return _finite(numbers, where)


def check_complete(target: Column, where: str) -> None:
    """Raise where a target has missing cells: they are not filled in."""
    gone = np.flatnonzero(np.isnan(target) if target.dtype == np.float64 else target == "")
    if gone.size:
        raise DataError("DATA-MISSING", where, f"row {gone[0]} is missing", "Leave the row out.")


def cells(X: Any, names: Sequence[str], kinds: Sequence[str]) -> NDArray[Any]:
    """Return columns of a frame, by name, or of an array, in order, as one array of objects: numbers and text.

    Parameters
    ----------
    X : data frame or array_like (n, columns)
    names : sequence of str
        The columns to take.
    kinds : sequence of {"number", "text"}
        What each must hold.

    Returns
    -------
    ndarray (n, len(names)) of float and str

    Raises
    ------
    DataError
        DATA-COLUMNS: a column is not there. DATA-KIND: it holds something else.
    """
    frame = frame_of(X)
    if frame is None:
        rows = np.asarray(X, dtype=object)
        if rows.ndim != 2 or rows.shape[1] != len(names):
            what = f"must have the {len(names)} columns {', '.join(map(shown, names)):.100}, has shape {rows.shape}"
            raise DataError("DATA-COLUMNS", "X", what)
        given = dict(zip(names, (rows[:, k].tolist() for k in range(len(names))), strict=True))
    else:
        given = {str(name): frame[:, k].to_list() for k, name in enumerate(frame.columns) if str(name) in names}
    lost = [name for name in names if name not in given]
    if lost:
        raise DataError("DATA-COLUMNS", "X", f"has no column {shown(lost[0])}")
    found = np.empty((len(given[names[0]]), len(names)), dtype=object)
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        column, missing = as_column(given[name], f"column {shown(name)}")
        if missing == len(column):
            column = np.full(len(column), math.nan if kind == "number" else "", dtype=object)
        elif (column.dtype == np.float64) != (kind == "number"):
            raise DataError("DATA-KIND", f"column {shown(name)}", f"must hold {_PLURAL[kind]}")
        found[:, k] = column
    return found


_PLURAL = {"number": "numbers", "text": "text"}


def _is_missing(cell: Any) -> bool:
    if cell is None:
        return True
    if isinstance(cell, str):
        return False
    return math.isnan(cell) if isinstance(cell, float | np.floating) else type(cell).__name__ in ("NAType", "NaTType")


def _finite(numbers: Column, where: str) -> tuple[Column, int]:
    """Return numbers, and how many are missing; DATA-FINITE where one is infinite."""
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        raise DataError("DATA-FINITE", where, f"row {infinite[0]} is not finite", "Fill it, or leave the row out.")
    return numbers, int(np.isnan(numbers).sum())
