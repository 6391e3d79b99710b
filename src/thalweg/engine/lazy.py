"""The epoch loop on CSR rows that touches only the columns which occur: its cost is that of the entries, not of theta.

For rules that leave a coordinate without a gradient as it is, or shrink it by a factor that all such coordinates share
(see :mod:`thalweg.formulas.rest`). Shared factors are kept apart, as one *scale* for theta and one for each slot; what
stands in the arrays is the value divided by its scale. Where no factor is needed the bits are those of the general
loop; where there is one, values differ by the rounding of one product and one quotient in each update that they take
part in. Soft thresholds of an l1 penalty are caught up with: see :mod:`thalweg.engine.thresholds`.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signatures below.

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.arithmetic import block, fetch, fma, nested
from thalweg.engine.compile import (
    CLIP,
    COLUMNS_OF_CSR,
    INDICES,
    LOSS,
    NUMBER_TABLE,
    NUMBERS,
    TABLE,
    UPDATE,
    call_loss,
    frozen,
    kernel_from_text,
    matrix,
    native,
    vector,
)
from thalweg.engine.drivers import call_clip
from thalweg.engine.pointers import caller
from thalweg.engine.thresholds import LIMIT, bring_all_to, bring_to
from thalweg.formulas.formula import Rule
from thalweg.formulas.loops import indent, kernel_text
from thalweg.formulas.lowering import Lowered
from thalweg.formulas.program import Program
from thalweg.formulas.rest import Factors

# A scale below this is multiplied into all values, and starts at one again: their quotients stay far from overflow.
LEAST = {"float64": 2.0**-300, "float32": 2.0**-30}

PLACES = types.Array(types.int32, 1, "C", readonly=True)


# -- the update of some coordinates

SCATTERED_ARGUMENTS = "params, state, hyper, rates, scales, places, grads, columns, pull, squares, t, resting"


def scattered_text(rule: Rule, factors: Factors, dtype: str, *, pulled: bool) -> tuple[str, str]:
    """Write the update of the coordinates in some rows of a matrix of weights: name and text.

    ``places`` are the rows, ``grads`` their gradients; ``scales`` are those of theta and the slots, moved on by their
    factors where the other coordinates are ``resting``. With ``pulled`` a penalty's ``pull * theta`` is added to the
    gradient, and the sum of squares of theta is kept in ``squares``.
    """
    return _scattered_text(rule._program, tuple(map(ast.unparse, factors)), dtype, pulled)


@lru_cache(maxsize=512)
def _scattered_text(program: Program, factors: tuple[str, ...], dtype: str, pulled: bool) -> tuple[str, str]:
    theta, grad, _, *slots = program.arguments
    lowered = Lowered(program, dtype)
    names = [theta, *slots]
    places = ["params[i]", *(f"state[{k}, i]" for k in range(len(slots)))]
    scaled = [k for k, factor in enumerate(factors) if factor != "1.0"]

    def read(k: int) -> str:
        return f"np.{dtype}({places[k]} * scale_{k}_row)" if k in scaled else places[k]

    def written(k: int) -> str:
        value = lowered.outputs[k]
        return f"np.{dtype}(({value}) * inverse_{k}_row)" if k in scaled else value

    coordinate = [
        *(f"{name} = {read(k)}" for k, name in enumerate(names)),
        f"{grad} = grads[at]" + (f" + pull_row * {theta}" if pulled else ""),
        *([f"before_row = np.float64({theta})"] if pulled else []),
        *lowered.body,
        *([f"after_row = np.float64({lowered.outputs[0]})"] if pulled else []),
        *(f"{place} = {written(k)}" for k, place in enumerate(places)),
        *(["gone_row += before_row * before_row", "come_row += after_row * after_row"] if pulled else []),
    ]
    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars) if h != "learning_rate"),
        *(["learning_rate = rates[0]"] if "learning_rate" in program.scalars else []),
        *lowered.step,
        *(
            line
            for k in scaled
            for line in (
                f"scale_{k}_row = scales[{k}]",
                f"factor_{k}_row = {factors[k]} if resting else 1.0",
                f"scales[{k}] = scale_{k}_row * factor_{k}_row",
                f"inverse_{k}_row = 1.0 / scales[{k}]",
            )
        ),
        *([f"pull_row = np.{dtype}(pull)", "gone_row = come_row = 0.0"] if pulled else []),
        "if columns == 1:",
        "    for at in range(places.size):",
        "        i = np.uint64(places[at])",
        *indent(coordinate, 2),
        "else:",
        "    for row in range(places.size):",
        "        for column in range(columns):",
        "            at = row * columns + column",
        "            i = np.uint64(places[row]) * np.uint64(columns) + np.uint64(column)",
        *indent(coordinate, 3),
    ]
    if pulled:
        shrunk = "factor_0_row * factor_0_row * " if 0 in scaled else ""
        lines += [f"squares[0] = {shrunk}(squares[0] - gone_row) + come_row"]
    return kernel_text(f"scattered_{program.name}", dtype, SCATTERED_ARGUMENTS, lines)


def scattered_signature(dtype: str) -> Any:
    """Type of the update: see :data:`SCATTERED_ARGUMENTS`."""
    v, m, f = vector(dtype), matrix(dtype), types.float64
    return types.void(v, m, NUMBERS, NUMBERS, NUMBERS, PLACES, v, types.int64, f, NUMBERS, f, types.int64)


call_scattered = caller(scattered_signature)


def scattered_kernel(rule: Rule, factors: Factors, dtype: str, *, pulled: bool) -> Any:
    """Return the compiled update."""
    return kernel_from_text(*scattered_text(rule, factors, dtype, pulled=pulled), scattered_signature(dtype))


# -- the loop


@nested
def multiply_in(theta, state, scales, weights):
    """Multiply the scales into the values, and let them start at one again."""
    if scales[0] != 1.0:
        for i in range(weights):
            theta[i] = theta[i] * scales[0]
        scales[0] = 1.0
    for s in range(state.shape[0]):
        if scales[s + 1] != 1.0:
            for i in range(weights):
                state[s, i] = state[s, i] * scales[s + 1]
            scales[s + 1] = 1.0


def lazy(
    code, values, indices, indptr, targets, weights, orders, batch_size, shape,
    theta, grad, state, hyper, rates, factors, scales, ones, touched, stamps, work, intercepts,
    loss_hyper, clip_value, clip_norm, pull, squares, least, strength, book, since, t, trace, scratch,
):  # fmt: skip
    """Run epochs on CSR rows, touching the columns of each batch, and return the count of updates reached.

    Parameters
    ----------
    code : (PLACES,) int64
        Addresses of the kernels: of the loss, of the scattered update, and of clipping or 0.
    shape : (1, 3) int64
        Features, columns, 1 when there are intercepts.
    hyper : (1 or 2, hyperparameters) float64
        Of the weights, and last those of the intercepts.
    scales, ones : (1 + slots,) float64
        Scales of theta and the slots, all 1 at the start and at the end; and ones.
    touched : (features,) int32
        Scratch.
    stamps : (features,) int64
        Zeros at the start.
    work : scratch, at least ``2 * batch * columns + (features + 1) * columns``
    intercepts : (1,) int32
        The row of the intercepts, were they one of the weights: the number of features.
    pull : float
        The penalty is ``pull * w**2 / 2``; 0 for none.
    squares : (1,) float64
        Sum of squares of the weights.
    least : float
        The smallest scale.
    strength : float
        Of an l1 penalty, met by a soft threshold after each update; 0 for none.
    book : (updates of an epoch + 2, 3) float64
        Where there is one: zeros; see :mod:`thalweg.engine.thresholds`.
    since : (features,) int64
        Zeros.
    scratch : (2,) float64

    Other arguments are those of :func:`thalweg.engine.drivers.epoch`. ``grad`` holds the gradient of the last update.
    """
    features, columns, intercept = shape[0, 0], shape[0, 1], shape[0, 2]
    steps = trace.shape[0]
    rows_in_epoch = orders.shape[1]
    per_epoch = (rows_in_epoch + batch_size - 1) // batch_size
    single = batch_size == 1 and columns == 1 and steps > 1
    bias = features * columns
    shared = scales.size > 0 and least > 0.0
    sums, rate = scratch[:1], scratch[1:2]
    buffer_at = 2 * batch_size * columns
    count = 0
    begun, counted = 0, t  # the update at which the limits were zero; updates made before this call
    for j in range(grad.size):
        grad[j] = 0
    for k in range(steps):
        order = orders[(k // per_epoch) % orders.shape[0]]
        first = (k % per_epoch) * batch_size
        last = min(first + batch_size, rows_in_epoch)
        rows = order[first:last]
        batch = rows.size
        factor = 1.0 / batch
        scale = scales[0]
        whole = scale == 1.0
        scores = block(work, 0, batch, columns)
        slopes = block(work, batch * columns, batch, columns)
        if last < rows_in_epoch:
            fetch(indptr, order[min(last + 8, rows_in_epoch - 1)])
            row = order[min(last + 2, rows_in_epoch - 1)]
            for at in range(indptr[row], indptr[row + 1], 16):
                fetch(indices, at)
            for at in range(indptr[row], indptr[row + 1], 8):
                fetch(values, at)
        if strength > 0.0:
            for i in range(batch):
                for e in range(indptr[rows[i]], indptr[rows[i] + 1]):
                    bring_to(theta, np.int64(indices[e]), columns, book, since, k - begun)
        alone = single  # and no column twice
        for i in range(batch):
            start, stop = indptr[rows[i]], indptr[rows[i] + 1]
            places, entries = indices[start:stop], values[start:stop]
            if columns == 1:
                score = theta[bias] if intercept and whole else theta.dtype.type(0)
                before = np.int32(-1)
                for e in range(places.size):
                    column = places[e]
                    alone &= column > before
                    before = column
                    score = fma(entries[e], theta[np.uint64(column)], score)
                scores[i, 0] = score
            else:
                for c in range(columns):
                    scores[i, c] = theta[bias + c] if intercept and whole else theta.dtype.type(0)
                for e in range(places.size):
                    cell = np.uint64(places[e]) * np.uint64(columns)
                    for c in range(columns):
                        scores[i, c] = fma(entries[e], theta[cell + np.uint64(c)], scores[i, c])
            if not whole:
                for c in range(columns):
                    score = theta.dtype.type(scores[i, c] * scale)
                    scores[i, c] = score + theta[bias + c] if intercept else score
        sums[0] = 0.0
        call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
        trace[k, 0] = sums[0] * factor + 0.5 * pull * squares[0]
        if not np.isfinite(trace[k, 0]):
            break

        for n in range(count):
            for c in range(columns):
                grad[touched[n] * columns + c] = 0
        count = 0
        if alone:  # the columns of the batch are those of its row
            start, stop = indptr[rows[0]], indptr[rows[0] + 1]
            entries = values[start:stop]
            cells = stop - start
            into = work[buffer_at : buffer_at + cells]
            slope = slopes[0, 0]
            for e in range(cells):
                into[e] = slope * entries[e]
        else:
            for i in range(batch):
                start, stop = indptr[rows[i]], indptr[rows[i] + 1]
                places, entries = indices[start:stop], values[start:stop]
                for e in range(places.size):
                    column = places[e]
                    if stamps[column] <= k:
                        stamps[column] = k + 1
                        touched[count] = column
                        count += 1
                    cell = np.int64(column) * columns
                    for c in range(columns):
                        grad[cell + c] = fma(slopes[i, c], entries[e], grad[cell + c])
            for n in range(count):
                for c in range(columns):
                    work[buffer_at + n * columns + c] = grad[touched[n] * columns + c]
            cells = count * columns
        last_cell = buffer_at + cells
        if intercept:
            last_cell += columns
            for c in range(columns):
                total = theta.dtype.type(0)
                for i in range(batch):
                    total += slopes[i, c]
                work[buffer_at + cells + c] = total
        if code[CLIP] != 0:
            call_clip(code[CLIP], (work[buffer_at:last_cell], clip_value, clip_norm, 1, 1))
        if not alone:
            for n in range(count):
                for c in range(columns):
                    grad[touched[n] * columns + c] = work[buffer_at + n * columns + c]
            for c in range(last_cell - buffer_at - cells):
                grad[bias + c] = work[buffer_at + cells + c]
        t += 1.0
        rate[0] = rates[0] * factors[k]
        into = work[buffer_at : buffer_at + cells]
        if alone:
            start, stop = indptr[rows[0]], indptr[rows[0] + 1]
            call_scattered(
                code[UPDATE],
                (theta, state, hyper[0], rate, scales, indices[start:stop], into, columns, pull, squares, t, 1),
            )
        else:
            call_scattered(
                code[UPDATE],
                (theta, state, hyper[0], rate, scales, touched[:count], into, columns, pull, squares, t, 1),
            )
        if intercept:
            own = work[buffer_at + cells : buffer_at + cells + columns]
            free = hyper[hyper.shape[0] - 1]
            call_scattered(code[UPDATE], (theta, state, free, rate, ones, intercepts, own, columns, 0.0, scratch, t, 0))
        if strength > 0.0:
            made = k + 1 - begun
            book[made, LIMIT] = book[made - 1, LIMIT] + strength * rate[0]
            if last == rows_in_epoch:  # so that it does not matter how many are made in one call
                bring_all_to(theta, columns, book, since, made, strength, trace[begun:])
                begun = k + 1
        if shared:
            # At the end of an epoch too, so that it does not matter how many are made in one call.
            due = last == rows_in_epoch
            for s in range(scales.size):
                due |= scales[s] < least
            if due:
                multiply_in(theta, state, scales, bias)
    if shared:
        multiply_in(theta, state, scales, bias)
    left = int(t - counted) - begun
    if strength > 0.0 and left > 0:
        bring_all_to(theta, columns, book, since, left, strength, trace[begun:])
    return t


@lru_cache(maxsize=2)
def lazy_driver(dtype: str) -> Any:
    """Return the compiled loop."""
    v, m = vector(dtype), matrix(dtype)
    f, n, touched = types.float64, types.int64, types.Array(types.int32, 1, "C")
    data = (frozen(v), COLUMNS_OF_CSR, frozen(INDICES), frozen(m), frozen(v), TABLE, n, TABLE)
    descent = (v, v, m, NUMBER_TABLE, NUMBERS, NUMBERS, NUMBERS, NUMBERS, touched, INDICES, v, PLACES)
    numbers = (NUMBERS, f, f, f, NUMBERS, f)
    thresholds = (f, NUMBER_TABLE, INDICES)
    return native(
        lazy, types.float64(INDICES, *data, *descent, *numbers, *thresholds, f, NUMBER_TABLE, NUMBERS), allocates=False
    )
