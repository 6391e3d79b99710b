"""The data of a call made ready: a path, data frames of any library, arrays; and rows of the caller's own beside."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from thalweg.errors import DataError
from thalweg.exchange.frames import as_column, check_complete, columns_of, frame_of
from thalweg.exchange.tables import Table
from thalweg.exchange.tables.cells import shown
from thalweg.studies.design import Design
from thalweg.studies.study import Aside, Study


def study_of(X: Any, y: Any, design: Design, own: tuple[Any, ...] = ()) -> tuple[Study, str]:
    """Make the data ready; return it with the first arguments of the call as they are to be read.

    Parameters
    ----------
    X, y
        As :func:`thalweg.compare` takes them.
    design : Design
    own : tuple
        Rows to choose with, where the design takes none out of the others: X, y and weights, the last may be left out;
        beside a path, a path and the name of its target column, which may be left out too.

    Raises
    ------
    DataError, SettingError, LimitError
        Whatever is wrong with the data.
    """
    if isinstance(X, str | os.PathLike):
        return _of_path(os.fspath(X), y, design, own)
    frame = frame_of(X)
    if frame is not None:
        return _of_frame(X, frame, y, design, own)
    if y is None or isinstance(y, str):
        raise DataError("DATA-ROWS", "y", "must be an array beside an array X")
    aside = None
    if own:
        _check_kind(own, array=True)
        aside = Aside(*own)
    return Study.of_arrays(X, y, design, aside=aside), "X, y"


def _of_path(place: str, y: Any, design: Design, own: tuple[Any, ...]) -> tuple[Study, str]:
    from thalweg.exchange.datasets import load
    from thalweg.exchange.tables import read_table

    if y is not None and not isinstance(y, str):
        what = f"must be the name of a column of {place!r:.60}, got {type(y).__name__}"
        raise DataError("DATA-ROWS", "y", what)
    table = load(place) if str(place).startswith("dataset:") else read_table(place, target=y)
    target = y if isinstance(y, str) else table.default_target
    if target is None:
        raise DataError("FILE-NO-TARGET", str(place), "which column is to be predicted?", "Name it as y.")
    aside = None
    if own:
        other, *rest = own
        if not isinstance(other, str | os.PathLike) or (rest and rest[0] not in (target, None)):
            what = f"must be a path, as X is, and the same target {shown(target)}"
            raise DataError("DATA-ROWS", "validation", what)
        table_of_own = read_table(os.fspath(other), target=target, kinds=dict(table.kinds))
        aside = Aside(table_of_own, None, rest[1] if len(rest) > 1 else None)
    return Study.of_table(table, target, design, table.warnings, aside), f"{place!r}, {target!r}"


class _Framed(NamedTuple):
    """A data frame as a table."""

    table: Table
    target: str
    first: str
    warnings: list[str]


def _of_frame(X: Any, frame: Any, y: Any, design: Design, own: tuple[Any, ...]) -> tuple[Study, str]:
    found = _framed(frame, y)
    aside = None
    if own:
        _check_kind(own, array=False)
        other = frame_of(own[0])
        framed = _framed(other, own[1], "validation, ", target=found.target)
        aside = Aside(replace(framed.table, warnings=tuple(framed.warnings)), None, own[2] if len(own) > 2 else None)
    study = Study.of_table(found.table, found.target, design, found.warnings, aside)
    told = frame[y].to_numpy() if isinstance(y, str) else np.asarray(y)
    return replace(study, frame=X, labels=told.dtype if told.dtype.kind in "biu" else None), found.first


def _framed(frame: Any, y: Any, where: str = "", target: str | None = None) -> _Framed:
    """Return a data frame as a table with its target, which may be one of its columns or stand beside it.

    Parameters
    ----------
    frame : narwhals.DataFrame
    y : str or array_like
    where : str
        What errors begin with.
    target : str, optional
        What the target is to be called; that of the other rows.
    """
    if y is None:
        raise DataError("DATA-ROWS", f"{where}y", "must be the name of a column of X, or a column beside it")
    names, columns, warnings = columns_of(frame)
    first, named = "X, y", str(y)
    if isinstance(y, str):
        first = f"X, {y!r}"
        if target is not None and y in names:
            names[names.index(y)] = named = target
    else:
        values = np.asarray(y, dtype=object)
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if values.ndim != 1 or len(values) != len(frame):
            what = f"must be one column of {len(frame)} rows, has shape {values.shape}"
            raise DataError("DATA-ROWS", f"{where}y", what)
        named = target or str(getattr(y, "name", None) or "y")
        while target is None and named in names:
            named += "_"
        if named in names:  # a frame that holds the target, and the target beside it
            columns.pop(names.index(named))
            names.remove(named)
        names, columns = [*names, named], [*columns, as_column(values.tolist(), f"{where}y")[0]]
    if named in names:
        said = "y" if first == "X, y" else f"column {shown(named)}"
        check_complete(columns[names.index(named)], f"{where}{said}")
    return _Framed(Table(names, columns, "X"), named, first, warnings)


def _check_kind(own: tuple[Any, ...], *, array: bool) -> None:
    """Raise where rows to choose with are of another kind than those to learn from."""
    framed = not isinstance(own[0], str | os.PathLike) and frame_of(own[0]) is not None
    if len(own) < 2 or framed == array or (array and isinstance(own[0], str | os.PathLike)):
        kind = "arrays" if array else "a data frame"
        what = f"must be {kind}, as X is: (X, y) or (X, y, weights)"
        raise DataError("DATA-ROWS", "validation", what)


def written_own(own: tuple[Any, ...]) -> str:
    """Return rows of the caller's own as a call names them."""
    if isinstance(own[0], str | os.PathLike):
        return repr(own[0] if len(own) == 1 else own)
    y = repr(own[1]) if isinstance(own[1], str) else "y_val"
    return f"(X_val, {y}{', weights_val' * (len(own) > 2)})"
