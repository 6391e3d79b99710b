"""What must not be taken for a table of numbers although NumPy would: text, hidden cells, indices that lead outside."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from scipy.sparse import issparse

from thalweg.errors import DataError, LimitError
from thalweg.exchange.tables.source import free_memory


@final
class TextError(DataError, TypeError):
    """Text where numbers belong."""


@final
class RoomError(LimitError, MemoryError):
    """A table that memory does not hold. It is a MemoryError as well."""


def check_numbers(X: Any) -> None:
    """Refuse a table that holds text, masked cells, or indices that lead outside.

    scikit-learn turns ``"1.5"`` into 1.5, and takes what lies under a mask for a number.

    Parameters
    ----------
    X : array-like, data frame or SciPy sparse

    Raises
    ------
    TextError
        DATA-TEXT: the first cell or column of text. It is a TypeError as well.
    DataError
        DATA-MISSING: the first masked cell. DATA-SPARSE: an index outside the table.
    RoomError
        DATA-TOO-LARGE: an array that has to be copied, and does not fit into memory a second time.
    """
    if isinstance(X, np.ndarray):
        _check_room(X)
    if type(X) is np.ndarray and X.dtype.kind not in "USO":
        return
    if issparse(X):
        _check_sparse(X)
    elif isinstance(X, np.ndarray | list | tuple):
        _check_array(X)
    elif hasattr(X, "columns") or hasattr(X, "column_names"):
        _check_frame(X)


def _check_room(X: Any) -> None:
    """Refuse an array that cannot be learned from where it is, and has no room elsewhere."""
    if X.dtype.kind not in "biuf" or (X.dtype in (np.float64, np.float32) and X.flags.c_contiguous):
        return
    needed, free = X.size * (4 if X.dtype == np.float32 else 8), free_memory()
    if needed > free:
        room = f"{needed / 2**30:.3g} GiB as floats in rows, {free / 2**30:.3g} are free"
        what = f"of {X.dtype} and shape {X.shape} needs {room}"
        raise RoomError("DATA-TOO-LARGE", "X", what, "fit(thalweg.stream(X, y)) reads the rows piece by piece.")


def _check_array(X: Any) -> None:
    if np.ma.is_masked(X):
        cells = np.argwhere(np.ma.getmaskarray(X))
        what = f"{len(cells)} masked cells, the first in {_cell(cells[0])}"
        raise DataError("DATA-MISSING", "X", f"has {what}", "Fill them or leave their rows out: X.filled(...).")
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths, which scikit-learn names
        return
    if array.dtype.kind in "US" and array.size:
        raise TextError(
            "DATA-TEXT", "X", f"holds text, such as {array.flat[0]!r:.40}", "X.astype(float) makes numbers."
        )
    if array.dtype.kind == "O":
        for at, value in np.ndenumerate(array):
            if isinstance(value, str | bytes):
                what = f"holds the text {value!r:.40} in {_cell(at)}"
                raise TextError("DATA-TEXT", "X", what, "X.astype(float) makes numbers of text that stands for some.")


def _check_frame(X: Any) -> None:
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return
    for name, kind in frame.schema.items():
        if kind in {nw.String, nw.Binary}:
            raise TextError("DATA-TEXT", "X", f"column {name!r:.40} holds text", "Encode it, or leave it out.")


def _check_sparse(X: Any) -> None:
    # What is CSR is looked at where its rows are gone through; any other is made CSR by SciPy, which does not look.
    if X.format != "csr" and hasattr(X, "check_format"):
        try:
            X.check_format(full_check=True)
        except ValueError as error:
            raise DataError("DATA-SPARSE", "X", f"is no valid {X.format.upper()}: {error}") from None


def _cell(at: Any) -> str:
    return f"row {at[0]}" + (f", column {at[1]}" if len(at) > 1 else "")
