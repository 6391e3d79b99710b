"""Scores of rows that nothing is learned from, and what they say about classes.

A score is one chain of fused multiply-adds from its intercept on, in the order of the features. Nothing else decides
its bits: neither the rows beside it, nor how many there are, nor whether zeros are stored.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signatures below.

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numba import types

from thalweg.engine.arithmetic import block, flat, fma, nested
from thalweg.engine.compile import (
    COLUMNS_OF_CSR,
    INDICES,
    NUMBER_TABLE,
    TABLE,
    call_forward,
    frozen,
    matrix,
    native,
    vector,
)
from thalweg.engine.elementary import exp
from thalweg.engine.network import ACTIVATION, BIAS, FAN_IN, FAN_OUT, WEIGHTS
from thalweg.engine.products import nothing, product, repeated, upright

# Rows that go through a link, or a product, together: they stay in a small first-level cache.
ROWS = 256


def column(X, weights, bias, out):
    """Write ``X @ weights + bias`` for one column: eight rows side by side, so that no chain waits for itself.

    Parameters
    ----------
    X : (n, features)
    weights : (features,)
    bias : (1,), or empty for none
    out : (n, 1)
    """
    n, features = X.shape
    start = bias[0] if bias.size > 0 else out.dtype.type(0)
    whole = n - n % 8
    for i in range(0, whole, 8):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = start
        for j in range(features):
            w = weights[j]
            s0 = fma(X[i, j], w, s0)
            s1 = fma(X[i + 1, j], w, s1)
            s2 = fma(X[i + 2, j], w, s2)
            s3 = fma(X[i + 3, j], w, s3)
            s4 = fma(X[i + 4, j], w, s4)
            s5 = fma(X[i + 5, j], w, s5)
            s6 = fma(X[i + 6, j], w, s6)
            s7 = fma(X[i + 7, j], w, s7)
        out[i, 0], out[i + 1, 0], out[i + 2, 0], out[i + 3, 0] = s0, s1, s2, s3
        out[i + 4, 0], out[i + 5, 0], out[i + 6, 0], out[i + 7, 0] = s4, s5, s6, s7
    for i in range(whole, n):
        s0 = start
        for j in range(features):
            s0 = fma(X[i, j], weights[j], s0)
        out[i, 0] = s0


def columns(X, weights, bias, out):
    """Write ``X @ weights + bias`` for several columns: weights (features * columns,), bias (columns,) or empty."""
    n, features = X.shape
    width = out.shape[1]
    weight = block(weights, 0, features, width)
    for first in range(0, n, ROWS):
        rows = n - first if n - first < ROWS else ROWS
        some = block(flat(X), first * features, rows, features)
        into = block(flat(out), first * width, rows, width)
        if bias.size > 0:
            product(upright(some), upright(weight), repeated(block(bias, 0, 1, width), rows), upright(into))
        else:
            product(upright(some), upright(weight), nothing(into), upright(into))


def sparse(values, indices, indptr, weights, bias, out):
    """Do what :func:`columns` does on CSR rows, for any number of columns."""
    n, width = out.shape
    for i in range(n):
        if width == 1:
            score = bias[0] if bias.size > 0 else out.dtype.type(0)
            for k in range(indptr[i], indptr[i + 1]):
                score = fma(values[k], weights[indices[k]], score)
            out[i, 0] = score
            continue
        for c in range(width):
            out[i, c] = bias[c] if bias.size > 0 else out.dtype.type(0)
        for k in range(indptr[i], indptr[i + 1]):
            at = indices[k] * width
            for c in range(width):
                out[i, c] = fma(values[k], weights[at + c], out[i, c])


def forward(X, theta, shape, work, code, activation_hyper, out):
    """Write the scores of a network's layers.

    Parameters
    ----------
    X : (n, fan_in of the first layer)
    shape : (layers, 9) int64
        As :mod:`thalweg.engine.network` takes it; offsets into a work array are not read.
    work : scratch, 2 * rows * the widest layer; it decides how many rows go together
    code : (1,) int64
        Address of the activations' kernel.
    out : (n, fan_out of the last layer)
    """
    n, features = X.shape
    depth, outputs = shape.shape[0], out.shape[1]
    widest = 1
    for layer in range(depth):
        widest = max(widest, shape[layer, FAN_OUT])
    most = work.size // (2 * widest)
    for first in range(0, n, most):
        rows = n - first if n - first < most else most
        into = block(flat(out), first * outputs, rows, outputs)
        for layer in range(depth):
            fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
            weight = block(theta, shape[layer, WEIGHTS], fan_in, width)
            bias = repeated(block(theta, shape[layer, BIAS], 1, width), rows)
            inputs = block(work, 0, rows, width)
            units = block(work, most * widest, rows, fan_in)
            below = upright(block(flat(X), first * features, rows, features)) if layer == 0 else upright(units)
            product(below, upright(weight), bias, upright(into if layer == depth - 1 else inputs))
            if layer < depth - 1:
                units = block(work, most * widest, rows, width)
                call_forward(code[0], (shape[layer, ACTIVATION], activation_hyper, inputs, units))


# -- links


def two_classes(scores, out):
    """Write the probabilities of two classes from their one score (n, 1): ``1 / (1 + exp(z))`` and of ``-z``."""
    one = out.dtype.type(1)
    for i in range(scores.shape[0]):
        z = scores[i, 0]
        small = exp(-abs(z))
        likely, unlikely = one / (one + small), small / (one + small)
        out[i, 0] = unlikely if z > 0 else likely
        out[i, 1] = likely if z > 0 else unlikely


@nested
def answers(scores, out):
    """Write ``1 / (1 + exp(-z))`` for every score."""
    one = out.dtype.type(1)
    given, likely = flat(scores), flat(out)
    for i in range(likely.size):
        small = exp(-abs(given[i]))
        likely[i] = (one if given[i] > 0 else small) / (one + small)


def logistic(scores, out):
    """Write the logistic answer of every class (n, classes), each by itself."""
    answers(scores, out)


def each_class(scores, out):
    """Write the shares of the classes (n, classes) in the sum of their logistic answers; equal ones where that is 0."""
    n, width = scores.shape
    zero, one = out.dtype.type(0), out.dtype.type(1)
    answers(scores, out)
    for i in range(n):
        total = zero
        for k in range(width):
            total += out[i, k]
        for k in range(width):
            out[i, k] = one / out.dtype.type(width) if total == zero else out[i, k] / total


def softmax(scores, out):
    """Write ``exp(z)`` over the sum of all of a row's (n, classes)."""
    n, width = scores.shape
    shares = flat(out)
    for first in range(0, n, ROWS):
        last = n if n - first < ROWS else first + ROWS
        for i in range(first, last):
            top = scores[i, 0]
            for k in range(1, width):
                top = scores[i, k] if scores[i, k] > top else top
            for k in range(width):
                out[i, k] = scores[i, k] - top
        for cell in range(first * width, last * width):
            shares[cell] = exp(shares[cell])
        for i in range(first, last):
            total = out[i, 0]
            for k in range(1, width):
                total += out[i, k]
            for k in range(width):
                out[i, k] /= total


def _signature(kind: str, dtype: str) -> Any:
    v, m = frozen(vector(dtype)), frozen(matrix(dtype))
    out = matrix(dtype)
    if kind in {"column", "columns"}:
        return types.void(m, v, v, out)
    if kind == "sparse":
        return types.void(v, COLUMNS_OF_CSR, frozen(INDICES), v, v, out)
    if kind == "forward":
        return types.void(m, v, frozen(TABLE), vector(dtype), INDICES, NUMBER_TABLE, out)
    return types.void(m, out)


KERNELS: dict[str, Any] = {
    "column": column,
    "columns": columns,
    "sparse": sparse,
    "forward": forward,
    "two_classes": two_classes,
    "logistic": logistic,
    "each_class": each_class,
    "softmax": softmax,
}


@lru_cache(maxsize=16)
def kernel(kind: str, dtype: str) -> Any:
    """Return a compiled function of this module."""
    return native(KERNELS[kind], _signature(kind, dtype))
