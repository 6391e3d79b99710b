"""Arrays as callers give them: rows, targets and weights, checked where they enter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import DataError

Array = NDArray[Any]


def read(X: Any, y: Any) -> tuple[Any, Array, Any]:
    """Check rows and targets.

    Parameters
    ----------
    X : array_like, memory map (n, features) or SciPy sparse
    y : array_like (n,) or (n, outputs)
        Numbers, or labels.

    Returns
    -------
    X : ndarray, memory map or CSR
    y : ndarray (n,) or (n, outputs)
        float64, or labels as objects of str.
    labels : dtype or None
        Of the target as it came, where it was integers or booleans.

    Raises
    ------
    DataError
        Whatever is wrong with them.
    """
    from scipy.sparse import issparse

    sparse = issparse(X)
    X = X.tocsr() if sparse else X if isinstance(X, np.memmap) else np.asarray(X)
    if getattr(X, "ndim", 0) != 2 or X.dtype.kind not in "biuf":
        raise DataError("DATA-SHAPE", "X", f"must be rows and columns of numbers, is {X.dtype} of shape {X.shape}")
    y = np.asarray(y)
    if y.shape[:1] != X.shape[:1] or y.ndim > 2:
        raise DataError("DATA-ROWS", "y", f"has shape {y.shape}, X has {X.shape[0]} rows")
    if X.shape[1] == 0 or (y.ndim == 2 and y.shape[1] == 0):
        raise DataError("DATA-SHAPE", "y" if X.shape[1] else "X", "has no column")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    labels = y.dtype if y.dtype.kind in "biu" else None
    y = _numbers_or_labels(y)
    _check_finite("X", X.data if sparse else X)
    _check_finite("y", y)
    return X, y, labels


def weights_of(given: Any, rows: int) -> Array | None:
    """Return checked weights of so many rows, or None.

    Raises
    ------
    DataError
        DATA-WEIGHTS: another number of them, or such as are negative, not finite, or all zero.
    """
    if given is None:
        return None
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("DATA-WEIGHTS", "weights", f"must be numbers: {error}") from None
    if weights.shape != (rows,):
        raise DataError("DATA-WEIGHTS", "weights", f"have shape {weights.shape}, there are {rows} rows")
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.any()):
        raise DataError("DATA-WEIGHTS", "weights", "must be finite and >= 0, and not all 0")
    return weights


def _numbers_or_labels(y: Array) -> Array:
    """Return a target as float64, or as labels that are objects of str."""
    from thalweg.exchange.frames import as_column, check_complete

    if y.dtype.kind in "biuf":
        return y.astype(np.float64)
    if y.ndim == 2:
        raise DataError("DATA-NUMBERS", "y", f"several columns must be numbers, got {y.dtype}")
    found = as_column(y.tolist(), "y")[0]
    check_complete(found, "y")
    return found


def _check_finite(where: str, values: Array) -> None:
    """Look for what is not finite, in blocks: a memory map may be larger than memory."""
    if values.dtype.kind != "f":
        return
    length = max(1, (1 << 20) // max(1, values[:1].size))
    for first in range(0, len(values), length):
        bad = ~np.isfinite(values[first : first + length])
        if bad.any():
            row = first + int(np.argwhere(bad)[0][0])
            raise DataError("DATA-FINITE", where, f"row {row} is not finite", "Fill it, or leave the row out.")
