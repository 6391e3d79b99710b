"""The objective of linear models: scores, loss, gradient, on dense rows and on CSR; one column of weights or many.

The weights are a matrix (features x columns), columns innermost, followed by one intercept per column. Several
outputs are columns; several lanes are columns too, ``outputs`` of them each. Sums are taken in one stated order
(:func:`thalweg.engine.arithmetic.dot`), the same for one column (:func:`dense`) and for many (:mod:`.wide`), so that a
lane has the bits of the same run alone.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from thalweg.engine.arithmetic import block, dot, fma
from thalweg.engine.compile import LOSS, call_loss, native, objective_signature
from thalweg.engine.fetching import fetch_ahead
from thalweg.engine.wide import wide


def dense(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Add the loss sums of a batch of dense rows to ``sums``; write ``factor`` times the sum of gradients to ``grad``.

    For one column of weights. Other objectives take the same arguments.

    Parameters
    ----------
    theta, grad : (features * columns + columns or features * columns,)
        Weights, then intercepts. An empty ``grad`` asks for the losses alone.
    X : (n, features)
    values, indices, indptr : empty here; CSR rows in :func:`sparse`
    targets, weights : (n, outputs), (n,) or empty
    rows : (batch,) int64
        Rows of this batch.
    factor : float
        One over the batch's weight, for means.
    shape : (1, 3) int64
        Features, columns, 1 when there are intercepts.
    work : scratch, at least ``2 * batch``
    sums : (lanes,) float64
    code : (11,) int64
        Addresses of the kernels, in the order of :mod:`thalweg.engine.compile`.
    """
    features, intercepts = shape[0, 0], shape[0, 2]
    batch = rows.size
    scores = block(work, 0, batch, 1)
    slopes = block(work, batch, batch, 1)
    for i in range(batch):
        fetch_ahead(X, targets, rows, i)
        score = dot(X[rows[i]], theta, features)
        scores[i, 0] = score + theta[features] if intercepts else score
    call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
    if grad.size == 0:
        return
    for j in range(grad.size):
        grad[j] = theta.dtype.type(0)
    for i in range(batch):
        x = X[rows[i]]
        slope = slopes[i, 0]
        for j in range(features):
            grad[j] = fma(slope, x[j], grad[j])
        if intercepts:
            grad[features] += slope


def sparse(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Do what :func:`dense` does on CSR rows; sums run over the stored entries, in their order."""
    features, columns, intercepts = shape[0, 0], shape[0, 1], shape[0, 2]
    batch = rows.size
    cells = batch * columns
    scores = block(work, 0, batch, columns)
    slopes = block(work, cells, batch, columns)
    bias = features * columns
    for i in range(batch):
        for c in range(columns):
            scores[i, c] = theta[bias + c] if intercepts else theta.dtype.type(0)
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            at = np.int64(indices[k]) * columns
            for c in range(columns):
                scores[i, c] = fma(values[k], theta[at + c], scores[i, c])
    call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
    if grad.size == 0:
        return
    for j in range(grad.size):
        grad[j] = theta.dtype.type(0)
    for i in range(batch):
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            at = np.int64(indices[k]) * columns
            for c in range(columns):
                grad[at + c] = fma(slopes[i, c], values[k], grad[at + c])
        if intercepts:
            for c in range(columns):
                grad[bias + c] += slopes[i, c]


def gram(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Squared error of all rows at once, from their second moments: the cost does not depend on the number of rows.

    With the objective expanded around a centre c near its minimum, where it was computed from the rows themselves,
    ``loss(theta) = loss(c) + g(c)'(theta - c) + (theta - c)'H(theta - c) / 2`` loses no digits to cancellation.

    Parameters
    ----------
    shape : (1, 3) int64
        Parameters per column, columns, 0.
    work : flat
        Centre (parameters x columns), gradient there (the same), H (parameters x parameters), loss there per column,
        then scratch of one column.
    """
    size, columns = shape[0, 0], shape[0, 1]
    cells = size * columns
    at_hessian = 2 * cells
    at_loss = at_hessian + size * size
    at_column = at_loss + columns
    for c in range(columns):
        for j in range(size):
            work[at_column + j] = theta[j * columns + c] - work[j * columns + c]
        total = np.float64(work[at_loss + c])
        for j in range(size):
            row = work[at_hessian + j * size : at_hessian + (j + 1) * size]
            bent = dot(row, work[at_column : at_column + size], size)
            slope = work[cells + j * columns + c]
            moved = np.float64(work[at_column + j])
            total += moved * (np.float64(slope) + np.float64(bent) / 2)
            grad[j * columns + c] = (slope + bent) * theta.dtype.type(factor)
        sums[c * sums.size // columns] += total


OBJECTIVES = {"dense": dense, "wide": wide, "sparse": sparse, "gram": gram}


@lru_cache(maxsize=6)
def objective(kind: str, dtype: str) -> Any:
    """Return a compiled objective: ``"dense"`` (one column), ``"wide"``, ``"sparse"`` or ``"gram"``."""
    return native(OBJECTIVES[kind], objective_signature(dtype))
