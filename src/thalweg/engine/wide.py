"""The objective of linear models with many columns on dense rows: lanes, several outputs, or both.

A column's score is the dot product of :func:`thalweg.engine.arithmetic.dot`, in its order of sums, so that a lane has
the bits of the same run alone; vectors run along the columns.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from thalweg.engine.arithmetic import block
from thalweg.engine.compile import LOSS, call_loss
from thalweg.engine.fetching import fetch_ahead
from thalweg.engine.products import nothing, product, turned, upright
from thalweg.engine.tiles import PANEL_BYTES, call_of, empty_panel
from thalweg.engine.vectors import INTEGER, Writer

# Running sums of a dot product, in the order in which pairs of them are added: those of one half, then of the other.
SUMS = 8
HALVES = ((0, 4, 2, 6), (1, 5, 3, 7))
# Rows of a tile. With two vectors of columns and half of the sums at a time that fills 32 registers, and what is loaded
# is used two or three times; with all of the sums at once it would be loads that take the time.
ROWS = 3
# Rows from which it pays to copy a strip of weights.
FAR_ROWS = 12


def _write_scores(writer: Writer) -> Any:
    """``out = x @ theta + bias`` for C-ordered x (m, features), theta (features + 1 or features, columns)."""
    most = 2 if writer.processor.tile_rows == 8 else 1

    def body(*given: Any) -> None:
        x, m, features, theta, columns, intercept, near, out = given
        w, builder = writer, writer.builder
        zero = w.spread(w.scalar(0.0))
        whole = builder.sdiv(features, INTEGER(SUMS))
        rest = builder.srem(features, INTEGER(SUMS))
        bias = w.times(features, columns)
        none = builder.icmp_signed("==", whole, INTEGER(0))
        some = builder.icmp_signed(">", intercept, INTEGER(0))

        def strip(first: Any, left: Any, vectors: int) -> None:
            sides = [v * w.lanes for v in range(vectors)]
            masks = [w.mask(left, side) for side in sides]
            panel, target = w.at(theta, first), w.at(out, first)
            there = [builder.and_(mask, w.spread(some)) for mask in masks]
            last = [w.load(w.at(panel, bias, side), mask) for side, mask in zip(sides, there, strict=True)]

            def loaded(base: Any) -> list[Any]:
                return [w.load(w.at(base, side), mask) for side, mask in zip(sides, masks, strict=True)]

            def bring(j: Any) -> list[Any]:
                for side, x in zip(sides, loaded(w.at(panel, w.times(j, columns))), strict=True):
                    w.store_panel(x, w.at(near, w.times(j, w.lanes * vectors), side))
                return []

            # Rows far apart share few places in the first cache: where many tiles pass over them they are brought near.
            fits = builder.icmp_signed("<=", features, INTEGER(PANEL_BYTES // (w.size * w.lanes * vectors)))
            fits = builder.and_(fits, builder.icmp_signed(">=", m, INTEGER(FAR_ROWS)))
            w.loop(builder.select(fits, features, INTEGER(0)), [], bring)
            panel = builder.select(fits, near, panel)
            apart = builder.select(fits, INTEGER(w.lanes * vectors), columns)

            def tile(number: Any) -> list[Any]:
                start = w.times(number, ROWS)
                places = [builder.add(start, r) for r in w.row_numbers(ROWS, builder.sub(m, start))]
                heads = [w.at(x, w.times(place, features)) for place in places]

                def products(j: Any, sums: Sequence[Any]) -> list[Any]:
                    right = loaded(w.at(panel, w.times(j, apart)))
                    factors = [w.spread(builder.load(w.at(head, j))) for head in heads]
                    pairs = itertools.product(factors, right)
                    return [w.fma(a, b, one) for (a, b), one in zip(pairs, sums, strict=True)]

                def half(numbers: Sequence[int]) -> list[Any]:
                    def step(k: Any, *sums: Any) -> list[Any]:
                        done, following = w.times(k, SUMS), []
                        for place, q in enumerate(numbers):
                            here = sums[place * cells : (place + 1) * cells]
                            following += products(builder.add(done, INTEGER(q)), here)
                        return following

                    s = w.loop(whole, [zero] * (cells * len(numbers)), step)
                    a, b, c, d = (s[place * cells : (place + 1) * cells] for place in range(len(numbers)))
                    return added(added(a, b), added(c, d))

                def added(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
                    return [builder.fadd(a, b) for a, b in zip(one, other, strict=True)]

                cells = ROWS * vectors
                even, odd = (half(numbers) for numbers in HALVES)
                tails = w.loop(rest, [zero] * cells, lambda k, *s: products(builder.add(w.times(whole, SUMS), k), s))
                scores = added(added(even, odd), tails)
                for cell, (score, tail) in enumerate(zip(scores, tails, strict=True)):
                    r, v = divmod(cell, vectors)
                    plain = builder.select(none, tail, score)
                    moved = builder.select(some, builder.fadd(plain, last[v]), plain)
                    w.store(moved, w.at(target, w.times(places[r], columns), sides[v]), masks[v])
                return []

            w.loop(w.pieces(m, ROWS), [], tile)

        def strips(number: Any) -> list[Any]:
            first = w.times(number, w.lanes * most)
            left = builder.sub(columns, first)
            if most == 1:
                strip(first, left, 1)
                return []
            with builder.if_else(builder.icmp_signed(">", left, INTEGER(w.lanes))) as (many, few):
                with many:
                    strip(first, left, most)
                with few:
                    strip(first, left, 1)
            return []

        w.loop(w.pieces(columns, w.lanes * most), [], strips)

    pointer = writer.pointer
    return writer.function("scores", [pointer, INTEGER, INTEGER, pointer, INTEGER, INTEGER, pointer, pointer], body)


_scores = call_of(_write_scores, "piipiipp")


def wide(
    theta, grad, X, values, indices, indptr, targets, weights, rows, factor, shape, work, sums,
    code, loss_hyper, activation_hyper, dropout, seed, step,
):  # fmt: skip
    """Do what :func:`thalweg.engine.linear.dense` does, for many columns.

    The rows of the batch are gathered once, for all lanes; scratch is ``batch * (features + 2 * columns)``.
    """
    features, columns, intercepts = shape[0, 0], shape[0, 1], shape[0, 2]
    batch = rows.size
    cells = batch * columns
    scores = block(work, 0, batch, columns)
    slopes = block(work, cells, batch, columns)
    gathered = block(work, 2 * cells, batch, features)
    for i in range(batch):
        fetch_ahead(X, targets, rows, i)
        x = X[rows[i]]
        for j in range(features):
            gathered[i, j] = x[j]
    call = (gathered, 0, batch, features, theta, 0, columns, intercepts, empty_panel(theta), 0, scores, 0)
    _scores(theta, call)
    call_loss(code[LOSS], (targets, scores, rows, weights, factor, loss_hyper, slopes, sums))
    if grad.size == 0:
        return
    into = upright(block(grad, 0, features, columns))
    product(turned(gathered), upright(slopes), nothing(slopes), into)
    if intercepts:
        last = grad[features * columns :]
        for c in range(columns):
            last[c] = theta.dtype.type(0)
        for i in range(batch):
            for c in range(columns):
                last[c] += slopes[i, c]
