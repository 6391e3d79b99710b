"""Jobs that a team shares: a product by blocks of rows and columns, an update by stretches of coordinates.

A piece makes cells of its own, each in the order in which one thread would: no bit depends on how many there are.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the native functions by their arguments.

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from numba import types

from thalweg.engine.arithmetic import address_of, matrix_at, nested, vector_at
from thalweg.engine.compile import (
    FLOATS,
    INDICES,
    PRODUCT_PIECE,
    SHARE_PRODUCT,
    SHARE_UPDATE,
    TEAM,
    UPDATE,
    UPDATE_PIECE,
    call_update,
    native,
    update_signature,
)
from thalweg.engine.pointers import caller
from thalweg.engine.products import DESCRIBED, describe, matrix_of, product
from thalweg.engine.team import JOB, JOB_CELLS, MOST_PIECES, PIECE, share
from thalweg.engine.tiles import tile_shape

WHOLE, REAL = types.int64, types.float64
# Multiply-adds of a product from which it is shared, and coordinates of an update: some microseconds on one thread.
LARGE_PRODUCT, LARGE_UPDATE = 1 << 19, 1 << 15
# A product is cut into so many pieces at least, so that threads end together, and an update into pieces of this size.
PIECES, STRETCH = 4, 1 << 13


@nested
def shared_product(code, a, b, start, out):
    """Do what :func:`thalweg.engine.products.product` does, with the team if there is one and the product is large."""
    if code[TEAM] == 0 or out.shape[0] * out.shape[1] * a.shape[1] < LARGE_PRODUCT:
        product(a, b, start, out)
    else:
        call_share_product(code[SHARE_PRODUCT], (code, a, b, start, out))


def share_product(code, a, b, start, out):
    """Hand a product out."""
    rows, columns = out.shape
    tile_rows, lanes = tile_shape(a)
    blocks = -(-columns // (2 * lanes))
    parts = -(-PIECES // blocks)
    height = -(-rows // (parts * tile_rows)) * tile_rows
    parts = -(-rows // height)
    job = vector_at(code[TEAM] + JOB, JOB_CELLS, WHOLE)
    job[0], job[1], job[2] = code[PRODUCT_PIECE], height, 2 * lanes
    for k, matrix in enumerate((a, b, start, out)):
        describe(job, 3 + k * DESCRIBED, matrix)
    share(code[TEAM], blocks * parts)


def _product_piece(kind: Any) -> Callable[..., None]:
    def product_piece(team, piece):
        job = vector_at(team + JOB, JOB_CELLS, WHOLE)
        a = matrix_of(job, 3, kind)
        b = matrix_of(job, 3 + DESCRIBED, kind)
        start = matrix_of(job, 3 + 2 * DESCRIBED, kind)
        out = matrix_of(job, 3 + 3 * DESCRIBED, kind)
        height, width = job[1], job[2]
        blocks = -(-out.shape[1] // width)
        top, left = (piece // blocks) * height, (piece % blocks) * width
        product(a, b, start, out, top, top + height, left, left + width)

    return product_piece


@nested
def shared_update(code, theta, grad, state, hyper, rates, lanes, t, start, stop):
    """Make the update of coordinates ``start`` to ``stop``, with the team if there is one and they are many."""
    if code[TEAM] == 0 or stop - start < LARGE_UPDATE:
        call_update(code[UPDATE], (theta, grad, state, hyper, rates, lanes, t, start, stop))
    else:
        call_share_update(code[SHARE_UPDATE], (code, theta, grad, state, hyper, rates, lanes, t, start, stop))


def share_update(code, theta, grad, state, hyper, rates, lanes, t, start, stop):
    """Hand an update out."""
    stretch = max(STRETCH, -(-(stop - start) // MOST_PIECES))
    job = vector_at(code[TEAM] + JOB, JOB_CELLS, WHOLE)
    job[0], job[1], job[2] = code[UPDATE_PIECE], code[UPDATE], stretch
    job[3], job[4], job[5] = address_of(theta), address_of(grad), theta.size
    job[6], job[7] = address_of(state), state.shape[0]
    job[8], job[9] = address_of(hyper), hyper.size
    job[10], job[11] = address_of(rates), rates.size
    job[12], job[13], job[14] = address_of(lanes), lanes.shape[0], lanes.shape[1]
    job[15], job[16] = start, stop
    vector_at(code[TEAM] + JOB, JOB_CELLS, REAL)[17] = t
    share(code[TEAM], -(-(stop - start) // stretch))


def _update_piece(kind: Any) -> Callable[..., None]:
    def update_piece(team, piece):
        job = vector_at(team + JOB, JOB_CELLS, WHOLE)
        size, first = job[5], job[15] + piece * job[2]
        theta, grad = vector_at(job[3], size, kind), vector_at(job[4], size, kind)
        state, lanes = matrix_at(job[6], job[7], size, kind), matrix_at(job[12], job[13], job[14], kind)
        hyper, rates = vector_at(job[8], job[9], REAL), vector_at(job[10], job[11], REAL)
        t = vector_at(team + JOB, JOB_CELLS, REAL)[17]
        call_update(job[1], (theta, grad, state, hyper, rates, lanes, t, first, min(first + job[2], job[16])))

    return update_piece


def _product_signature(dtype: str) -> Any:
    """``(code, a, b, start, out)``."""
    view = types.Array(FLOATS[dtype], 2, "A")
    return types.void(INDICES, view, view, view, view)


def _update_signature(dtype: str) -> Any:
    """``(code, ...)``, then as an update."""
    return types.void(INDICES, *update_signature(dtype).args)


call_share_product = caller(_product_signature)
call_share_update = caller(_update_signature)


@lru_cache(maxsize=2)
def kernels(dtype: str) -> tuple[Any, ...]:
    """Return the kernels that share a product and an update, and those that make a piece of either."""
    kind = FLOATS[dtype]
    sharing = native(share_product, _product_signature(dtype)), native(share_update, _update_signature(dtype))
    return *sharing, native(_product_piece(kind), PIECE), native(_update_piece(kind), PIECE)
