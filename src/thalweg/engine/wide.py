"""The objective of linear models with many columns on dense rows: lanes, several outputs, or both.

A column's score is the dot product of :func:`thalweg.engine.arithmetic.dot`, in its order of sums, so that a lane has
the bits of the same run alone; vectors run along the columns.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signature in `compile.objective_signature`.

from __future__ import annotations

from typing import Any

from thalweg.engine.arithmetic import block
from thalweg.engine.compile import LOSS, call_loss
from thalweg.engine.products import nothing, product, turned, upright
from thalweg.engine.tiles import call_of
from thalweg.engine.vectors import INTEGER, Writer

# Running sums of a dot product.
SUMS = 8


def _write_scores(writer: Writer) -> Any:
    """``out = x @ theta + bias`` for C-ordered x (m, features), theta (features + 1 or features, columns)."""
    rows = 3 if writer.processor.tile_rows == 8 else 1  # as many running sums as there are registers

    def body(*given: Any) -> None:
        x, m, features, theta, columns, intercept, out = given
        w, builder = writer, writer.builder
        zero = w.spread(w.scalar(0.0))
        whole = builder.sdiv(features, INTEGER(SUMS))
        rest = builder.srem(features, INTEGER(SUMS))
        bias = w.times(features, columns)
        none = builder.icmp_signed("==", whole, INTEGER(0))
        some = builder.icmp_signed(">", intercept, INTEGER(0))

        def strip(number: Any) -> list[Any]:
            first = w.times(number, w.lanes)
            flags = w.mask(builder.sub(columns, first))
            panel, target = w.at(theta, first), w.at(out, first)
            last = w.load(w.at(panel, bias), builder.and_(flags, w.spread(some)))

            def tile(number: Any) -> list[Any]:
                start = w.times(number, rows)
                places = [builder.add(start, r) for r in w.row_numbers(rows, builder.sub(m, start))]
                heads = [w.at(x, w.times(place, features)) for place in places]

                def eight(k: Any, *sums: Any) -> list[Any]:
                    done = w.times(k, SUMS)
                    following = list(sums)
                    for q in range(SUMS):
                        j = builder.add(done, INTEGER(q))
                        right = w.load(w.at(panel, w.times(j, columns)), flags)
                        for r, head in enumerate(heads):
                            left = w.spread(builder.load(w.at(head, j)))
                            following[r * SUMS + q] = w.fma(left, right, sums[r * SUMS + q])
                    return following

                def one(k: Any, *sums: Any) -> list[Any]:
                    j = builder.add(w.times(whole, SUMS), k)
                    right = w.load(w.at(panel, w.times(j, columns)), flags)
                    left = [w.spread(builder.load(w.at(head, j))) for head in heads]
                    return [w.fma(a, right, tail) for a, tail in zip(left, sums, strict=True)]

                sums = w.loop(whole, [zero] * (rows * SUMS), eight)
                tails = w.loop(rest, [zero] * rows, one)
                for r, (tail, place) in enumerate(zip(tails, places, strict=True)):
                    s = sums[r * SUMS : (r + 1) * SUMS]
                    even = builder.fadd(builder.fadd(s[0], s[4]), builder.fadd(s[2], s[6]))
                    odd = builder.fadd(builder.fadd(s[1], s[5]), builder.fadd(s[3], s[7]))
                    score = builder.select(none, tail, builder.fadd(builder.fadd(even, odd), tail))
                    score = builder.select(some, builder.fadd(score, last), score)
                    w.store(score, w.at(target, w.times(place, columns)), flags)
                return []

            w.loop(w.pieces(m, rows), [], tile)
            return []

        w.loop(w.pieces(columns, w.lanes), [], strip)

    pointer = writer.pointer
    return writer.function("scores", [pointer, INTEGER, INTEGER, pointer, INTEGER, INTEGER, pointer], body)


_scores = call_of(_write_scores, "piipiip")


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
        x = X[rows[i]]
        for j in range(features):
            gathered[i, j] = x[j]
    _scores(theta, (gathered, 0, batch, features, theta, 0, columns, intercepts, scores, 0))
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
