"""The objective of the multilayer perceptron: any depth and width over one flat vector of parameters.

Matrix products go to BLAS on buffers laid out beforehand; activations are two generated kernels for the whole
network, told the number of the layer's activation.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from thalweg.engine.compile import (
    BACKWARD,
    FORWARD,
    LOSS,
    call_backward,
    call_forward,
    call_loss,
    native,
    objective_signature,
)
from thalweg.engine.streams import kept, layer_key

# Columns of `shape`, one row per layer; offsets count from the start of `theta` or of `work`.
FAN_IN, FAN_OUT, WEIGHTS, BIAS, ACTIVATION, INPUTS, UNITS, MASK, DELTAS = range(9)


@register_jitable
def _draw(mask, bound, key):
    """Fill a mask with 0 and one over the share kept (inverted dropout)."""
    size = mask.dtype.type(2.0**53 / bound)
    units = np.uint64(mask.shape[1])
    for i in range(mask.shape[0]):
        for k in range(mask.shape[1]):
            position = np.uint64(i) * units + np.uint64(k)
            mask[i, k] = size if kept(key, position, np.uint64(bound)) else mask.dtype.type(0)


def network(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Add the loss sum of a batch to ``sums``; write ``factor`` times the sum of gradients to ``grad``.

    Parameters
    ----------
    theta, grad : flat parameters and gradient
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
    before = work[: batch * features].reshape((batch, features))
    for i in range(batch):
        x = X[rows[i]]
        for j in range(features):
            before[i, j] = x[j]
    first = before
    for layer in range(depth):
        fan_in, fan_out = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        cells = batch * fan_out
        w = theta[shape[layer, WEIGHTS] : shape[layer, WEIGHTS] + fan_in * fan_out].reshape((fan_in, fan_out))
        inputs = work[shape[layer, INPUTS] : shape[layer, INPUTS] + cells].reshape((batch, fan_out))
        units = work[shape[layer, UNITS] : shape[layer, UNITS] + cells].reshape((batch, fan_out))
        np.dot(before, w, inputs)
        bias = theta[shape[layer, BIAS] : shape[layer, BIAS] + fan_out]
        call_forward(code[FORWARD], (shape[layer, ACTIVATION], activation_hyper, bias, inputs, units))
        before = units
        if dropout[layer] != 0.0:
            mask = work[shape[layer, MASK] : shape[layer, MASK] + cells].reshape((batch, fan_out))
            if dropout[layer] > 0.0:
                _draw(mask, dropout[layer], layer_key(seed, step, np.uint64(layer)))
            before = work[shape[layer, MASK] + cells : shape[layer, MASK] + 2 * cells].reshape((batch, fan_out))
            for i in range(batch):
                for k in range(fan_out):
                    before[i, k] = units[i, k] * mask[i, k]

    outputs = shape[depth - 1, FAN_OUT]
    deltas = work[shape[depth - 1, DELTAS] : shape[depth - 1, DELTAS] + batch * outputs].reshape((batch, outputs))
    call_loss(code[LOSS], (targets, units, rows, weights, factor, loss_hyper, deltas, sums))
    for layer in range(depth - 1, -1, -1):
        fan_in, fan_out = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        w = theta[shape[layer, WEIGHTS] : shape[layer, WEIGHTS] + fan_in * fan_out].reshape((fan_in, fan_out))
        dw = grad[shape[layer, WEIGHTS] : shape[layer, WEIGHTS] + fan_in * fan_out].reshape((fan_in, fan_out))
        db = grad[shape[layer, BIAS] : shape[layer, BIAS] + fan_out]
        for k in range(fan_out):
            db[k] = theta.dtype.type(0)
        for i in range(batch):
            for k in range(fan_out):
                db[k] += deltas[i, k]
        if layer == 0:
            np.dot(first.T, deltas, dw)
            break
        cells = batch * fan_in
        below = shape[layer - 1, UNITS]
        units = work[below : below + cells].reshape((batch, fan_in))
        inputs = work[shape[layer - 1, INPUTS] : shape[layer - 1, INPUTS] + cells].reshape((batch, fan_in))
        next_deltas = work[shape[layer - 1, DELTAS] : shape[layer - 1, DELTAS] + cells].reshape((batch, fan_in))
        if dropout[layer - 1] != 0.0:
            mask = work[shape[layer - 1, MASK] : shape[layer - 1, MASK] + cells].reshape((batch, fan_in))
            dropped = work[shape[layer - 1, MASK] + cells : shape[layer - 1, MASK] + 2 * cells].reshape((batch, fan_in))
            np.dot(dropped.T, deltas, dw)
            np.dot(deltas, w.T, next_deltas)
            for i in range(batch):
                for k in range(fan_in):
                    next_deltas[i, k] *= mask[i, k]
        else:
            np.dot(units.T, deltas, dw)
            np.dot(deltas, w.T, next_deltas)
        call_backward(code[BACKWARD], (shape[layer - 1, ACTIVATION], activation_hyper, inputs, units, next_deltas))
        deltas = next_deltas


@lru_cache(maxsize=2)
def objective(dtype: str) -> Any:
    """Return the compiled objective."""
    return native(network, objective_signature(dtype))
