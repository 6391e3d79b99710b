"""Scores and probabilities by the engine's kernels, of rows in any layout: dense, CSR, read-only, of any number type.

Each row's bits are its own: the same alone, among others, in any order, dense or sparse.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import _is_sparse
from thalweg.errors import DataError, SettingError
from thalweg.formulas.formula import Activation

Array = NDArray[Any]

# Cells that are copied together where rows have to be laid out anew, and rows whose scores stay in cache.
_CELLS, _BLOCK = 1 << 18, 1 << 13


def affine(X: Any, weights: Array, bias: Array) -> Array:
    """Return ``X @ weights + bias``, (n, columns).

    Parameters
    ----------
    X : ndarray (n, features) or SciPy sparse
    weights : ndarray (features, columns)
    bias : ndarray (columns,), or empty

    Returns
    -------
    ndarray (n, columns), float64; float32 where X and the weights are

    Raises
    ------
    SettingError
        DATA-FEATURES: rows of another length.
    DataError
        DATA-SPARSE: a CSR that points outside itself.

    Examples
    --------
    >>> affine(np.array([[3.0, 4.0]]), np.array([[1.0], [2.0]]), np.array([0.5])).tolist()
    [[11.5]]
    """
    from thalweg.engine.scores import kernel

    sparse = _is_sparse(X)
    table: Any = X.tocsr() if sparse else np.asarray(X)
    features, columns = weights.shape
    _check_features(table, features)
    dtype = _common(table.dtype, weights.dtype)
    out = np.empty((table.shape[0], columns), dtype)
    flat, start = _laid_out(weights, dtype).reshape(-1), _laid_out(bias, dtype)
    if sparse:
        try:
            table.check_format(full_check=True)
        except ValueError as error:
            raise DataError("DATA-SPARSE", "X", f"is no valid CSR: {error}") from None
        arrays = (
            _laid_out(table.data, dtype),
            _laid_out(table.indices, np.dtype(np.int32)),
            _laid_out(table.indptr, np.dtype(np.int64)),
        )
        kernel("sparse", dtype.name)(*arrays, flat, start, out)
        return out
    score = kernel("column" if columns == 1 else "columns", dtype.name)
    for piece in _pieces(table, dtype):
        score(_laid_out(table[piece], dtype), flat, start, out[piece])
    return out


def through(
    X: Any,
    theta: Array,
    shapes: NDArray[np.int64],
    activations: tuple[Activation, ...],
    numbers: NDArray[np.float64],
) -> Array:
    """Return the scores of layers, (n, outputs): the last is linear, the others have activations.

    Parameters
    ----------
    X : ndarray (n, features) or SciPy sparse
    theta : ndarray
        All parameters of the network.
    shapes : ndarray (layers, 9)
        As the network's table has them.
    activations : tuple of Activation
        Distinct ones; the table numbers them.
    numbers : ndarray (activations, hyperparameters)

    Raises
    ------
    SettingError
        DATA-FEATURES: rows of another length.
    """
    if _is_sparse(X):
        return _through_sparse(X.tocsr(), theta, shapes, activations, numbers)
    from thalweg.engine.scores import ROWS, kernel

    table = np.asarray(X)
    features, widest = int(shapes[0, 0]), int(shapes[:, 1].max())
    _check_features(table, features)
    dtype = _common(table.dtype, theta.dtype)
    _, code = _activation(activations, dtype.name)
    rows = max(8, min(ROWS, table.shape[0], (1 << 15) // widest))
    work = np.empty(2 * rows * widest, dtype)
    out = np.empty((table.shape[0], int(shapes[-1, 1])), dtype)
    parameters, score = _laid_out(theta, dtype), kernel("forward", dtype.name)
    for piece in _pieces(table, dtype):
        score(_laid_out(table[piece], dtype), parameters, shapes, work, code, numbers, out[piece])
    return out


def _through_sparse(
    table: Any,
    theta: Array,
    shapes: NDArray[np.int64],
    activations: tuple[Activation, ...],
    numbers: NDArray[np.float64],
) -> Array:
    """Do what :func:`through` does on CSR rows: the first layer by entries, the others on the dense units it leaves."""
    fan_in, fan_out, weights, bias, kind = shapes[0, :5]
    first = theta[weights : weights + fan_in * fan_out].reshape(fan_in, fan_out), theta[bias : bias + fan_out]
    if len(shapes) == 1:
        return affine(table, *first)
    _check_features(table, int(fan_in))
    length = max(1, _CELLS // int(fan_out))
    parts = []
    for start in range(0, max(1, table.shape[0]), length):
        inputs = affine(table[start : start + length], *first)
        units = np.empty_like(inputs)
        activate, _ = _activation(activations, inputs.dtype.name)
        activate(int(kind), numbers, inputs, units)
        parts.append(through(units, theta, shapes[1:], activations, numbers))
    return np.concatenate(parts)


def shares(link: str, scores: Array, *, apart: bool = False) -> Array:
    """Return the probabilities of classes, (n, classes): rows sum to 1.

    Parameters
    ----------
    link : {"logistic", "softmax", "margin"}
        ``"margin"`` is that of the modified Huber loss: ``(score + 1) / 2`` between 0 and 1.
    scores : ndarray (n, scores)
        Before the link; one score stands for two classes. One per class but for softmax is one question per class: the
        answers are divided by their sum.
    apart : bool
        Leave those answers as they are: a row may be of several classes.

    Returns
    -------
    ndarray (n, classes), dtype of ``scores``

    Examples
    --------
    >>> shares("logistic", np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """
    from thalweg.engine.scores import kernel

    if link == "margin":
        both = np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores
        likely = (np.clip(both, -1, 1) + 1) / 2
        if apart:
            return np.asarray(likely)
        total = likely.sum(axis=1, keepdims=True)
        alike = np.full_like(likely, 1 / likely.shape[1])
        return np.asarray(np.divide(likely, total, out=alike, where=total > 0))
    one = scores.shape[1] == 1
    out = np.empty((scores.shape[0], 2 if one else scores.shape[1]), scores.dtype)
    several = "logistic" if apart else "each_class"
    kind = "softmax" if link == "softmax" else "two_classes" if one else several
    kernel(kind, scores.dtype.name)(np.ascontiguousarray(scores), out)
    return out


@lru_cache(maxsize=32)
def _activation(activations: tuple[Activation, ...], dtype: str) -> tuple[Any, NDArray[np.int64]]:
    """Return the activations' kernel, whose code lives as long as it does, and its address."""
    from thalweg.engine.compile import forward_kernel
    from thalweg.engine.pointers import address

    compiled = forward_kernel(activations, dtype)
    return compiled, np.array([address(compiled)])


def _check_features(table: Any, features: int) -> None:
    """Refuse rows of another length: the kernels go where the model's sizes send them."""
    if table.ndim != 2 or table.shape[1] != features:
        what = f"has shape {table.shape}, the model takes {features} columns"
        raise SettingError("DATA-FEATURES", "X", what)


def _common(rows: np.dtype[Any], parameters: np.dtype[Any]) -> np.dtype[Any]:
    """Return what rows and parameters are computed in."""
    return np.dtype(np.float32 if np.result_type(rows, parameters) == np.float32 else np.float64)


def _laid_out(array: Any, dtype: np.dtype[Any]) -> Array:
    """Return an array as the kernels take it: the one given, where it is that already."""
    return np.require(array, dtype, ["C", "A"])


def _pieces(table: Array, dtype: np.dtype[Any]) -> list[slice]:
    """Cut rows into pieces of which a copy stays in cache; into one piece where none is needed."""
    rows = table.shape[0]
    length = rows
    if table.dtype != dtype or not (table.flags.c_contiguous and table.flags.aligned):
        length = max(1, _CELLS // max(1, table.shape[1]))
    return [slice(first, first + length) for first in range(0, rows, max(1, length))]
