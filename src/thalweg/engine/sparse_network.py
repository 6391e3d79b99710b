"""The objective of the multilayer perceptron on CSR rows: no row is laid out in full, no product meets a zero.

Only the first layer differs from :func:`thalweg.engine.network.network`: its sums run over the stored entries, in
their order. A zero adds nothing to a chain of fused multiply-adds, so where the entries of every row are in the order
of their columns, losses and gradients have the bits of the same network on dense rows.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

from functools import lru_cache
from typing import Any

from thalweg.engine.arithmetic import block, fma
from thalweg.engine.compile import (
    BACKWARD,
    DRAW,
    FORWARD,
    LOSS,
    call_backward,
    call_forward,
    call_loss,
    native,
    objective_signature,
)
from thalweg.engine.network import (
    ACTIVATION,
    BIAS,
    DELTAS,
    FAN_IN,
    FAN_OUT,
    INPUTS,
    MASK,
    UNITS,
    WEIGHTS,
    call_draw,
)
from thalweg.engine.products import nothing, repeated, strips, turned, upright
from thalweg.engine.shares import shared_product


def sparse_network(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Do what :func:`thalweg.engine.network.network` does, on CSR rows.

    Parameters
    ----------
    values, indices, indptr : CSR of the features
    work : scratch, laid out by :class:`thalweg.descent.models.Network` without room for the batch's rows.
    """
    batch = rows.size
    depth = shape.shape[0]
    width = shape[0, FAN_OUT]
    weight = block(theta, shape[0, WEIGHTS], shape[0, FAN_IN], width)
    inputs = block(work, shape[0, INPUTS], batch, width)
    for i in range(batch):
        for c in range(width):
            inputs[i, c] = theta[shape[0, BIAS] + c]
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            for c in range(width):
                inputs[i, c] = fma(values[k], weight[indices[k], c], inputs[i, c])

    below = inputs
    for layer in range(1, depth):
        fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        inputs = block(work, shape[layer - 1, INPUTS], batch, fan_in)
        below = block(work, shape[layer - 1, UNITS], batch, fan_in)
        call_forward(code[FORWARD], (shape[layer - 1, ACTIVATION], activation_hyper, inputs, below))
        if dropout[layer - 1] != 0.0:
            units = below
            mask = block(work, shape[layer - 1, MASK], batch, fan_in)
            if dropout[layer - 1] > 0.0:
                call_draw(code[DRAW], (mask, dropout[layer - 1], seed, step, layer - 1))
            below = block(work, shape[layer - 1, MASK] + batch * fan_in, batch, fan_in)
            for i in range(batch):
                for k in range(fan_in):
                    below[i, k] = units[i, k] * mask[i, k]
        inputs = block(work, shape[layer, INPUTS], batch, width)
        weight = block(theta, shape[layer, WEIGHTS], fan_in, width)
        bias = block(theta, shape[layer, BIAS], 1, width)
        shared_product(code, upright(below), upright(weight), repeated(bias, batch), upright(inputs))
        below = inputs

    deltas = block(work, shape[depth - 1, DELTAS], batch, shape[depth - 1, FAN_OUT])
    call_loss(code[LOSS], (targets, below, rows, weights, factor, loss_hyper, deltas, sums))
    if grad.size == 0:
        return
    below[0, 0] = 1  # the scores are used up: a cell for ones, whose product with a matrix sums its rows
    for layer in range(depth - 1, 0, -1):
        fan_in, width = shape[layer, FAN_IN], shape[layer, FAN_OUT]
        strips(work, shape[depth - 1, INPUTS], 0, 0, -1, deltas, block(grad, shape[layer, BIAS], 1, width))
        inputs = block(work, shape[layer - 1, INPUTS], batch, fan_in)
        units = block(work, shape[layer - 1, UNITS], batch, fan_in)
        below = units
        if dropout[layer - 1] != 0.0:
            below = block(work, shape[layer - 1, MASK] + batch * fan_in, batch, fan_in)
        into = block(grad, shape[layer, WEIGHTS], fan_in, width)
        shared_product(code, turned(below), upright(deltas), nothing(into), upright(into))
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

    width = shape[0, FAN_OUT]
    strips(work, shape[depth - 1, INPUTS], 0, 0, -1, deltas, block(grad, shape[0, BIAS], 1, width))
    into = block(grad, shape[0, WEIGHTS], shape[0, FAN_IN], width)
    for j in range(into.shape[0]):
        for c in range(width):
            into[j, c] = into.dtype.type(0)
    for i in range(batch):
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            for c in range(width):
                into[indices[k], c] = fma(values[k], deltas[i, c], into[indices[k], c])


@lru_cache(maxsize=2)
def objective(dtype: str) -> Any:
    """Return the compiled objective."""
    return native(sparse_network, objective_signature(dtype))
