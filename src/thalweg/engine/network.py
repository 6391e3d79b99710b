"""The objective of the multilayer perceptron: any depth and width over one flat vector of parameters.

Matrix products are those of :mod:`thalweg.engine.products`, on buffers laid out beforehand; activations are two
generated kernels for the whole network, told the number of the layer's activation.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.arithmetic import block
from thalweg.engine.compile import (
    BACKWARD,
    DRAW,
    FORWARD,
    LOSS,
    call_backward,
    call_forward,
    call_loss,
    matrix,
    native,
    objective_signature,
)
from thalweg.engine.fetching import fetch_ahead
from thalweg.engine.pointers import caller
from thalweg.engine.products import dots, nothing, product, repeated, strips, turned, upright
from thalweg.engine.products import sums as row_sums
from thalweg.engine.shares import shared_product
from thalweg.engine.streams import kept, layer_key

# Columns of `shape`, one row per layer; offsets count from the start of `theta` or of `work`.
FAN_IN, FAN_OUT, WEIGHTS, BIAS, ACTIVATION, INPUTS, UNITS, MASK, DELTAS = range(9)


def draw(mask, bound, seed, step, layer):
    """Fill a layer's mask of one update with 0 and one over the share kept (inverted dropout).

    A kernel of its own: a network without dropout does not wait for it to compile.
    """
    key = layer_key(seed, step, np.uint64(layer))
    size = mask.dtype.type(2.0**53 / bound)
    units = np.uint64(mask.shape[1])
    for i in range(mask.shape[0]):
        for k in range(mask.shape[1]):
            position = np.uint64(i) * units + np.uint64(k)
            mask[i, k] = size if kept(key, position, np.uint64(bound)) else mask.dtype.type(0)


def draw_signature(dtype: str) -> Any:
    """``(mask, bound, seed, step, layer)``."""
    return types.void(matrix(dtype), types.float64, types.uint64, types.uint64, types.int64)


call_draw = caller(draw_signature)


@lru_cache(maxsize=2)
def drawing(dtype: str) -> Any:
    """Return the compiled :func:`draw`."""
    return native(draw, draw_signature(dtype))


def network(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Add the loss sum of a batch to ``sums``; write ``factor`` times the sum of gradients to ``grad``.

    Parameters
    ----------
    theta, grad : flat parameters and gradient
        Without cells for the gradient, only the loss is added up.
    X : (n, fan_in of the first layer)
    shape : (layers, 9) int64
        The columns named above. A layer's weights are (fan_in, fan_out), C order.
    work : scratch, laid out by :class:`thalweg.descent.models.Network`; its first cells hold the batch's rows.
    dropout : (layers,) float64
        Share of units kept times 2**53, as a number; 0 for no dropout; negative where the mask that stands in
        ``work`` is to be used.
    seed, step : uint64
        Of the masks.
    """
    batch = rows.size
    depth = shape.shape[0]
    features = shape[0, FAN_IN]
    first = block(work, 0, batch, features)
    for i in range(batch):
        fetch_ahead(X, targets, rows, i)
        x = X[rows[i]]
        for j in range(features):
            first[i, j] = x[j]
    below = first
    for layer in range(depth):
        width = shape[layer, FAN_OUT]
        inputs = block(work, shape[layer, INPUTS], batch, width)
        units = block(work, shape[layer, UNITS], batch, width)
        weight = block(theta, shape[layer, WEIGHTS], shape[layer, FAN_IN], width)
        bias = block(theta, shape[layer, BIAS], 1, width)
        shared_product(code, upright(below), upright(weight), repeated(bias, batch), upright(inputs))
        below = inputs  # the output layer is linear
        if layer == depth - 1:
            break
        call_forward(code[FORWARD], (shape[layer, ACTIVATION], activation_hyper, inputs, units))
        below = units
        if dropout[layer] != 0.0:
            mask = block(work, shape[layer, MASK], batch, width)
            if dropout[layer] > 0.0:
                call_draw(code[DRAW], (mask, dropout[layer], seed, step, layer))
            below = block(work, shape[layer, MASK] + batch * width, batch, width)
            for i in range(batch):
                for k in range(width):
                    below[i, k] = units[i, k] * mask[i, k]

    deltas = block(work, shape[depth - 1, DELTAS], batch, shape[depth - 1, FAN_OUT])
    call_loss(code[LOSS], (targets, below, rows, weights, factor, loss_hyper, deltas, sums))
    if grad.size == 0:
        return
    below[0, 0] = 1  # the scores are used up: a cell for ones, whose product with a matrix sums its rows
    for layer in range(depth - 1, -1, -1):
        fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        strips(work, shape[depth - 1, INPUTS], 0, 0, -1, deltas, block(grad, shape[layer, BIAS], 1, width))
        below = first
        if layer > 0:
            below = block(work, shape[layer - 1, UNITS], batch, fan_in)
            if dropout[layer - 1] != 0.0:
                below = block(work, shape[layer - 1, MASK] + batch * fan_in, batch, fan_in)
        into = block(grad, shape[layer, WEIGHTS], fan_in, width)
        shared_product(code, turned(below), upright(deltas), nothing(into), upright(into))
        if layer == 0:
            break
        units = block(work, shape[layer - 1, UNITS], batch, fan_in)
        inputs = block(work, shape[layer - 1, INPUTS], batch, fan_in)
        passed = block(work, shape[layer - 1, DELTAS], batch, fan_in)
        weight = block(theta, shape[layer, WEIGHTS], fan_in, width)
        shared_product(code, upright(deltas), turned(weight), nothing(passed), upright(passed))
        if dropout[layer - 1] != 0.0:
            mask = block(work, shape[layer - 1, MASK], batch, fan_in)
            for i in range(batch):
                for k in range(fan_in):
                    passed[i, k] *= mask[i, k]
        call_backward(code[BACKWARD], (shape[layer - 1, ACTIVATION], activation_hyper, inputs, units, passed))
        deltas = passed


def narrow(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Do what :func:`network` does, for narrow layers: units by rows, so that vectors run along the batch.

    Along five units most of a vector would be empty.
    """
    batch = rows.size
    depth = shape.shape[0]
    features = shape[0, FAN_IN]
    first = block(work, 0, features, batch)
    for j in range(features):
        for i in range(batch):
            first[j, i] = X[rows[i], j]
    below = first
    for layer in range(depth):
        fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        inputs = block(work, shape[layer, INPUTS], width, batch)
        weights_at, bias = shape[layer, WEIGHTS], shape[layer, BIAS]
        if width > FEW and fan_in > FEW:
            for k in range(width):
                for i in range(batch):
                    inputs[k, i] = theta[bias + k]
            weight = block(theta, weights_at, fan_in, width)
            product(turned(weight), upright(below), upright(inputs), upright(inputs))
        else:
            strips(theta, weights_at, 1, width, bias, below, inputs)
        below = inputs  # the output layer is linear
        if layer == depth - 1:
            break
        units = block(work, shape[layer, UNITS], width, batch)
        call_forward(code[FORWARD], (shape[layer, ACTIVATION], activation_hyper, inputs, units))
        below = units
        if dropout[layer] != 0.0:
            mask = block(work, shape[layer, MASK], batch, width)
            if dropout[layer] > 0.0:
                call_draw(code[DRAW], (mask, dropout[layer], seed, step, layer))
            below = block(work, shape[layer, MASK] + batch * width, width, batch)
            for k in range(width):
                for i in range(batch):
                    below[k, i] = units[k, i] * mask[i, k]

    outputs = shape[depth - 1, FAN_OUT]
    deltas = block(work, shape[depth - 1, UNITS], outputs, batch)
    if outputs == 1:  # a row of the batch is a column of it
        scores = block(work, shape[depth - 1, INPUTS], batch, 1)
        slopes = block(work, shape[depth - 1, UNITS], batch, 1)
        call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
    else:
        scores = block(work, shape[depth - 1, UNITS], batch, outputs)
        slopes = block(work, shape[depth - 1, DELTAS], batch, outputs)
        for k in range(outputs):
            for i in range(batch):
                scores[i, k] = below[k, i]
        call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
        for k in range(outputs):
            for i in range(batch):
                deltas[k, i] = slopes[i, k]
    if grad.size == 0:
        return
    for layer in range(depth - 1, -1, -1):
        fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        weights_at = shape[layer, WEIGHTS]
        row_sums(deltas, grad, shape[layer, BIAS])
        below = first
        if layer > 0:
            below = block(work, shape[layer - 1, UNITS], fan_in, batch)
            if dropout[layer - 1] != 0.0:
                below = block(work, shape[layer - 1, MASK] + batch * fan_in, fan_in, batch)
        if fan_in * width > MANY:
            into = block(grad, weights_at, fan_in, width)
            product(upright(below), turned(deltas), nothing(into), upright(into))
        elif fan_in > width:
            dots(below, deltas, grad, weights_at, width, 1)
        else:
            dots(deltas, below, grad, weights_at, 1, width)
        if layer == 0:
            break
        units = block(work, shape[layer - 1, UNITS], fan_in, batch)
        inputs = block(work, shape[layer - 1, INPUTS], fan_in, batch)
        passed = block(work, shape[layer - 1, DELTAS], fan_in, batch)
        if fan_in > FEW and width > FEW:
            weight = block(theta, weights_at, fan_in, width)
            product(upright(weight), upright(deltas), nothing(passed), upright(passed))
        else:
            strips(theta, weights_at, width, 1, -1, deltas, passed)
        if dropout[layer - 1] != 0.0:
            mask = block(work, shape[layer - 1, MASK], batch, fan_in)
            for j in range(fan_in):
                for i in range(batch):
                    passed[j, i] *= mask[i, j]
        call_backward(code[BACKWARD], (shape[layer - 1, ACTIVATION], activation_hyper, inputs, units, passed))
        deltas = passed


# Up to so many rows or steps go row by row, and up to so many cells as dot products: a tile would be mostly empty.
FEW, MANY = 4, 64

# Layers up to this wide, on batches at least this large, go faster along the batch than along the units.
NARROW, LONG = 32, 16


def objective(dtype: str, widest: int, batch: int) -> Any:
    """Return the compiled objective for layers up to ``widest`` units and batches of ``batch`` rows."""
    chosen = narrow if widest <= NARROW and batch >= LONG else network
    return _compiled(chosen, dtype)


@lru_cache(maxsize=4)
def _compiled(chosen: Any, dtype: str) -> Any:
    return native(chosen, objective_signature(dtype))
