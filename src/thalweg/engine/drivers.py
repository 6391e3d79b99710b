"""The epoch loop: order -> batch -> objective -> clip, penalty, update -> next batch. Compiled once, for everything."""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signatures below.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.arithmetic import dot, nested
from thalweg.engine.compile import (
    AVERAGE,
    CLIP,
    COLUMNS_OF_CSR,
    GATHER,
    INDICES,
    MEASURE,
    NUMBER_TABLE,
    NUMBERS,
    OBJECTIVE,
    PENALISE,
    PENALTY,
    SETTLE,
    TABLE,
    call_objective,
    call_penalty,
    call_proximal,
    frozen,
    matrix,
    native,
    objective_signature,
    vector,
)
from thalweg.engine.compile import PROXIMAL as PROXIMAL_STEP
from thalweg.engine.fetching import fetch_first
from thalweg.engine.pointers import caller
from thalweg.engine.shares import shared_update

# How a kink of the penalty is met: by its slope, by a proximal step, or by staying in the orthant.
SLOPE, PROXIMAL, ORTHANT = range(3)
# A sum of squares above this has lost nothing to underflow, in float32 either.
SMALL = 1e-20


def epoch(
    code, X, values, indices, indptr, targets, weights, orders, batch_size, shape, work, loss_hyper, activation_hyper,
    dropout, seed,
    theta, grad, state, groups, hyper, rates, factors, lanes,
    penalised, penalty_hyper, kink, before, clip_value, clip_norm, columns,
    t, trace, scratch, kept, more,
):  # fmt: skip
    """Run epochs and return the count of updates reached.

    Parameters
    ----------
    code : (19,) int64
        Addresses of the kernels and of the team, in the order of :mod:`thalweg.engine.compile`; 0 where a run needs
        none.
    orders : (epochs, rows) or (1, rows) int64
        Order of the rows in each epoch, or one order for all.
    batch_size : int
        The last batch of an epoch is smaller when it does not divide.
    groups : (groups, 3) int64
        Slices of theta ``start, stop`` and the row of ``hyper`` for each: parameter groups.
    hyper : (kinds, hyperparameters) float64
    rates : (columns,) or (1,) float64
        Learning rate per column, before the schedule.
    factors : (steps of all epochs,) float64
        The schedule's factor for each update.
    lanes : scratch of a rule with one rate per column, else (1, 1)
    penalised : (segments, 2) int64
        Slices of theta under the penalty; row k of ``penalty_hyper`` belongs to segment k.
    kink : int
        SLOPE, PROXIMAL or ORTHANT.
    before : scratch of theta's size when ``kink`` is ORTHANT
    clip_value, clip_norm : float
        0 for none. The norm is taken per lane.
    columns : int
        Columns of theta when it is a matrix with lanes innermost, else 1.
    t : float
        Updates made before.
    trace : (steps of all epochs, lanes) float64
        Filled with the mean loss of each batch plus penalty, before its update.
    scratch : float64, at least 2 * lanes + columns + 1
    kept : (epochs, theta.size) or (0, theta.size)
        Filled with theta after each epoch; empty where nobody looks at it.
    more : None or tuple
        What few runs ask for, in a driver of its own that takes longer to compile: ``piece``, rows that the objective
        takes at once; ``gathered``, scratch of theta's size where that is less than a batch; ``norms`` (steps of all
        epochs, lanes), filled with the norm of the gradient of each batch's mean loss, or empty; ``mean``
        (theta.size,) and ``mean_weights`` (steps of all epochs,), ``mean += weight * (theta - mean)`` after each
        update, or empty.

    Returns
    -------
    float
        ``t`` after the last update made. The loop leaves before an update when a single run's loss is not finite.
    """
    steps = trace.shape[0]
    lane_count = trace.shape[1]
    sums = scratch[:lane_count]
    costs = scratch[lane_count : 2 * lane_count]
    current = scratch[2 * lane_count : 2 * lane_count + rates.size]
    unit = scratch[2 * lane_count + rates.size : 2 * lane_count + rates.size + 1]
    unit[0] = 1.0
    per_epoch = (orders.shape[1] + batch_size - 1) // batch_size
    for k in range(steps):
        order = orders[(k // per_epoch) % orders.shape[0]]
        first = (k % per_epoch) * batch_size
        last = first + batch_size if first + batch_size < order.size else order.size
        factor = 1.0 / (last - first)
        for lane in range(lane_count):
            sums[lane] = 0.0
        rows = order[first:last]
        fetch_first(X, targets, order, last, batch_size)
        arguments = (
            theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
            code, loss_hyper, activation_hyper, dropout, seed, np.uint64(t + 1.0),
        )  # fmt: skip
        if more is None or code[GATHER] == 0:
            call_objective(code[OBJECTIVE], arguments)
        if more is not None:
            piece, gathered, norms, mean, mean_weights = more
            if code[GATHER] != 0:
                call_gather(code[GATHER], (*arguments, gathered, piece))
            if code[MEASURE] != 0:
                call_measure(code[MEASURE], (grad, columns, norms[k]))
        if code[CLIP] != 0:
            call_clip(code[CLIP], (grad, clip_value, clip_norm, columns, lane_count))
        for lane in range(lane_count):
            costs[lane] = 0.0
        if code[PENALISE] != 0:
            call_penalise(
                code[PENALISE], (theta, grad, before, penalised, penalty_hyper, kink, columns, unit, costs, code)
            )
        for lane in range(lane_count):
            trace[k, lane] = sums[lane] * factor + costs[lane]
        if lane_count == 1 and not np.isfinite(trace[k, 0]):
            return t
        t += 1.0
        for c in range(rates.size):
            current[c] = rates[c] * factors[k]
        for g in range(groups.shape[0]):
            shared_update(code, theta, grad, state, hyper[groups[g, 2]], current, lanes, t, groups[g, 0], groups[g, 1])
        if code[SETTLE] != 0:
            call_settle(code[SETTLE], (theta, before, penalised, penalty_hyper, kink, current, code))
        if more is not None and code[AVERAGE] != 0:
            call_average(code[AVERAGE], (theta, mean, mean_weights[k]))
        if kept.shape[0] > 0 and (k + 1) % per_epoch == 0:
            copy(kept[k // per_epoch], theta, 0, theta.size)
    return t


# -- kernels of their own: most runs need none of them, and they are half of what there is to compile


def gather(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step, gathered, piece,
):  # fmt: skip
    """Call the objective for one piece of the batch after the other, and leave the sum of their gradients in ``grad``.

    Parameters
    ----------
    gathered : scratch of theta's size
    piece : int
        Rows that the objective takes at once.
    """
    for first in range(0, rows.size, piece):
        last = first + piece
        part = rows[first : last if last < rows.size else rows.size]
        # Each piece has masks of its own: its number stands above all counts of updates.
        masks = step + (np.uint64(first) << np.uint64(40))
        arguments = (
            theta, grad, X, values, indices, indptr, targets, weights, part, factor, shape, work, sums,
            code, loss_hyper, activation_hyper, dropout, seed, masks,
        )  # fmt: skip
        call_objective(code[OBJECTIVE], arguments)
        if first == 0:
            copy(gathered, grad, 0, grad.size)
        else:
            for i in range(grad.size):
                gathered[i] += grad[i]
    copy(grad, gathered, 0, grad.size)


def measure(grad, columns, norms):
    """Take the Euclidean norm of each lane's gradient; nan and inf where it is not finite."""
    if norms.size == 1:
        total = np.float64(dot(grad, grad, grad.size))
        if np.isfinite(total) and total > SMALL:
            norms[0] = np.sqrt(total)
            return
    outputs = columns // norms.size if columns > 1 else 1
    for lane in range(norms.size):
        largest, total = scaled_squares(grad, columns, lane, outputs)
        norms[lane] = largest * np.sqrt(total)


def clip(grad, clip_value, clip_norm, columns, lanes):
    """Clip the gradient by value, then each lane's by norm; what is not finite is left as it is."""
    if clip_value > 0.0:
        bound = grad.dtype.type(clip_value)
        for i in range(grad.size):
            if grad[i] > bound:
                grad[i] = bound
            elif grad[i] < -bound:
                grad[i] = -bound
    if clip_norm <= 0.0:
        return
    outputs = columns // lanes if columns > 1 else 1
    for lane in range(lanes):
        largest, total = scaled_squares(grad, columns, lane, outputs)
        if not (np.isfinite(largest) and largest > 0.0):
            continue
        if np.sqrt(total) > clip_norm / largest:
            scale = clip_norm / largest / np.sqrt(total)
            for first in range(0, grad.size, columns):
                for i in range(first + lane * outputs, first + (lane + 1) * outputs):
                    grad[i] = np.float64(grad[i]) * scale


@nested
def scaled_squares(grad, columns, lane, outputs):
    """Return the size of a lane's largest entry, and the sum of squares in its units: 1 where it is not finite or 0.

    The square of the largest entry itself may be more than a float holds.
    """
    largest = 0.0
    for first in range(0, grad.size, columns):
        for i in range(first + lane * outputs, first + (lane + 1) * outputs):
            size = abs(np.float64(grad[i]))
            largest = size if size > largest or size != size else largest  # noqa: PLR0124 - nan goes through
    if not (np.isfinite(largest) and largest > 0.0):
        return largest, 1.0
    total = 0.0
    for first in range(0, grad.size, columns):
        for i in range(first + lane * outputs, first + (lane + 1) * outputs):
            share = np.float64(grad[i]) / largest
            total += share * share
    return largest, total


def penalise(theta, grad, before, penalised, penalty_hyper, kink, columns, unit, costs, code):
    """Add the penalty to the costs, and its slope to the gradient where no proximal step does its work."""
    for s in range(penalised.shape[0]):
        start, stop = penalised[s, 0], penalised[s, 1]
        if kink != SLOPE:
            copy(before, grad, start, stop)
        if kink == ORTHANT:
            call_proximal(code[PROXIMAL_STEP], (before, penalty_hyper[s], unit, start, stop))
        call_penalty(code[PENALTY], (theta, grad, penalty_hyper[s], start, stop, columns, costs))
        if kink == PROXIMAL:
            copy(grad, before, start, stop)
        elif kink == ORTHANT:
            for i in range(start, stop):
                # A weight keeps to its side of zero; at zero, to the side that the slope beyond the kink asks for.
                if theta[i] == 0:
                    grad[i] = before[i]
                    before[i] = -before[i]
                else:
                    before[i] = theta[i]


def settle(theta, before, penalised, penalty_hyper, kink, current, code):
    """After the update: make the proximal step, or hold weights at zero that would leave their orthant."""
    for s in range(penalised.shape[0]):
        start, stop = penalised[s, 0], penalised[s, 1]
        if kink == PROXIMAL:
            call_proximal(code[PROXIMAL_STEP], (theta, penalty_hyper[s], current, start, stop))
        else:
            for i in range(start, stop):
                if (theta[i] >= 0 and before[i] <= 0) or (theta[i] <= 0 and before[i] >= 0):  # nan stays nan
                    theta[i] = 0


def average(theta, mean, weight):
    """Move the mean of the iterates towards the last one; no step at all where it does not count yet."""
    if weight == 0.0:
        return
    for i in range(theta.size):
        mean[i] += weight * (np.float64(theta[i]) - mean[i])


@nested
def copy(to, source, start, stop):
    """Copy a slice (a loop compiles twenty times faster than Numba's slice assignment)."""
    for i in range(start, stop):
        to[i] = source[i]


def gather_signature(dtype):
    """Type of :func:`gather`: an objective's, with scratch and the rows of a piece."""
    return types.void(*objective_signature(dtype).args, vector(dtype), types.int64)


def measure_signature(dtype):
    """``(grad, columns, norms)``."""
    return types.void(vector(dtype), types.int64, NUMBERS)


def average_signature(dtype):
    """``(theta, mean, weight)``."""
    return types.void(vector(dtype), NUMBERS, types.float64)


def clip_signature(dtype):
    """``(grad, clip_value, clip_norm, columns, lanes)``."""
    return types.void(vector(dtype), types.float64, types.float64, types.int64, types.int64)


def penalise_signature(dtype):
    """Type of :func:`penalise`."""
    v = vector(dtype)
    return types.void(v, v, v, TABLE, NUMBER_TABLE, types.int64, types.int64, NUMBERS, NUMBERS, INDICES)


def settle_signature(dtype):
    """Type of :func:`settle`."""
    v = vector(dtype)
    return types.void(v, v, TABLE, NUMBER_TABLE, types.int64, NUMBERS, INDICES)


call_gather = caller(gather_signature)
call_measure = caller(measure_signature)
call_average = caller(average_signature)
call_clip = caller(clip_signature)
call_penalise = caller(penalise_signature)
call_settle = caller(settle_signature)


PARTS: dict[str, tuple[Any, Any]] = {
    "gather": (gather, gather_signature),
    "measure": (measure, measure_signature),
    "clip": (clip, clip_signature),
    "penalise": (penalise, penalise_signature),
    "settle": (settle, settle_signature),
    "average": (average, average_signature),
}


@lru_cache(maxsize=2 * len(PARTS))
def part(name: str, dtype: str) -> Any:
    """Return a compiled part of the loop, one of :data:`PARTS`."""
    function, signature = PARTS[name]
    return native(function, signature(dtype))


@lru_cache(maxsize=4)
def driver(dtype: str, *, more: bool = False) -> Any:
    """Return the compiled epoch loop; with ``more``, that which takes more than None as its last argument."""
    v, m = vector(dtype), matrix(dtype)
    data = (frozen(m), frozen(v), COLUMNS_OF_CSR, frozen(INDICES), frozen(m), frozen(v), TABLE, types.int64)
    model = (TABLE, v, NUMBERS, NUMBER_TABLE, NUMBERS, types.uint64)
    descent = (v, v, m, TABLE, NUMBER_TABLE, NUMBERS, NUMBERS, m)
    regularisation = (TABLE, NUMBER_TABLE, types.int64, v, types.float64, types.float64, types.int64)
    last = types.Tuple((types.int64, v, NUMBER_TABLE, NUMBERS, NUMBERS)) if more else types.none
    traces = (types.float64, NUMBER_TABLE, NUMBERS, m)
    signature = types.float64(INDICES, *data, *model, *descent, *regularisation, *traces, last)
    return native(epoch, signature, allocates=False)
