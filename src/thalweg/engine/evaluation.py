"""The losses of rows at several sets of parameters, block after block of rows, in one native call."""

# mypy: disable-error-code="no-untyped-def"
# Numba types this function by the signature below.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.compile import (
    COLUMNS_OF_CSR,
    INDICES,
    NUMBER_TABLE,
    NUMBERS,
    OBJECTIVE,
    TABLE,
    call_objective,
    frozen,
    matrix,
    native,
    vector,
)


def judge(
    code, thetas, nothing, X, values, indices, indptr, targets, weights, order, block, shape, work, sums,
    loss_hyper, activation_hyper, dropout,
):  # fmt: skip
    """Add up the losses of rows at each of several thetas.

    Parameters
    ----------
    code : (PLACES,) int64
        Addresses of the kernels, in the order of :mod:`thalweg.engine.compile`: the objective and what it calls.
    thetas : (thetas, parameters)
    nothing : (0,)
        No gradient is asked for.
    order : (rows,) int64
        The rows.
    block : int
        Rows of a call of the objective: their scores stay in cache.
    sums : (thetas, lanes) float64
        Added to.

    Other arguments are those of an objective; :func:`thalweg.engine.linear.dense` names them.
    """
    for m in range(thetas.shape[0]):
        for first in range(0, order.size, block):
            last = first + block if first + block < order.size else order.size
            call_objective(
                code[OBJECTIVE],
                (
                    thetas[m], nothing, X, values, indices, indptr, targets, weights, order[first:last], 1.0,
                    shape, work, sums[m], code, loss_hyper, activation_hyper, dropout, np.uint64(0), np.uint64(0),
                ),
            )  # fmt: skip


@lru_cache(maxsize=2)
def judging(dtype: str) -> Any:
    """Return the compiled :func:`judge`."""
    v, m = vector(dtype), matrix(dtype)
    rows = (frozen(m), frozen(v), COLUMNS_OF_CSR, frozen(INDICES), frozen(m), frozen(v), INDICES, types.int64)
    numbers = (TABLE, v, NUMBER_TABLE, NUMBERS, NUMBER_TABLE, NUMBERS)
    return native(judge, types.void(INDICES, m, v, *rows, *numbers))
