"""The softmax loss over whole rows: the native twin of :func:`thalweg.formulas.losses.softmax`.

Rows are turned over in registers, so that vectors run along rows, not along the classes of one: no lane is idle where
classes are few, and each row's sums still run over its classes in their order, whatever the vectors' width.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg.engine.elementary import exp, log1p
from thalweg.engine.tiles import PANEL_BYTES, call_of, empty_panel, tile_shape
from thalweg.engine.vectors import INTEGER, Writer

# What is kept per line, a vector each: its largest score and the first class that has it, the sum of its targets, of
# targets times scores, of all shares but the largest; its weight, the size of its slopes.
TOP, BEST, MASS, EXPECTED, REST, WEIGHT, SIZE = range(7)
KEPT = 8


def _write_turn(writer: Writer, *, back: bool) -> Any:
    """Copy ``steps`` cells of one line per lane into a panel, a step to a vector; or ``back`` again.

    A table says where each line begins. Whole squares of the panel are filled.
    """

    def body(*given: Any) -> None:
        lines, places, panel, steps = given
        w, builder = writer, writer.builder
        heads = [w.at(lines, builder.load(w.at(places, r))) for r in range(w.lanes)]

        def square(number: Any) -> list[Any]:
            first = w.times(number, w.lanes)
            flags = w.mask(builder.sub(steps, first))
            cells = [w.at(panel, w.times(builder.add(first, INTEGER(k)), w.lanes)) for k in range(w.lanes)]
            if back:
                for head, line in zip(heads, w.turned([w.load_panel(cell) for cell in cells]), strict=True):
                    w.store(line, w.at(head, first), flags)
            else:
                for cell, step in zip(cells, w.turned([w.load(w.at(h, first), flags) for h in heads]), strict=True):
                    w.store_panel(step, cell)
            return []

        w.loop(w.pieces(steps, w.lanes), [], square)

    arguments = [writer.pointer, INTEGER.as_pointer(), writer.pointer, INTEGER]
    return writer.function("turn_back" if back else "turn_in", arguments, body)


class _Lines:
    """The vectors of a block of lines, in a function being written: its panels' steps, and what is kept per line."""

    def __init__(self, w: Writer, kept: Any, first: Any) -> None:
        self.w, self.kept, self.first = w, kept, first
        self.span = PANEL_BYTES // w.size // KEPT
        self.new = w.builder.icmp_signed("==", first, INTEGER(0))

    def start(self, k: int, value: float) -> Any:
        """What was kept after earlier classes; a number before the first."""
        w = self.w
        return w.builder.select(self.new, w.spread(w.scalar(value)), self.held(k))

    def held(self, k: int) -> Any:
        return self.w.load_panel(self.w.at(self.kept, k * self.span))

    def hold(self, k: int, x: Any) -> None:
        self.w.store_panel(x, self.w.at(self.kept, k * self.span))

    def step(self, panel: Any, k: Any) -> Any:
        return self.w.at(panel, self.w.times(k, self.w.lanes))

    def number(self, k: Any) -> Any:
        """Number of the class of a step, in every lane."""
        return self.w.spread(self.w.builder.sitofp(self.w.builder.add(self.first, k), self.w.scalar))


def _write_top(writer: Writer) -> Any:
    """Find the largest score of every line, and the first class that has it."""

    def body(*given: Any) -> None:
        scores, kept, first, steps = given
        w, builder = writer, writer.builder
        lines = _Lines(w, kept, first)

        def step(k: Any, top: Any, best: Any) -> list[Any]:
            score = w.load_panel(lines.step(scores, k))
            larger = builder.fcmp_ordered(">", score, top)
            return [builder.select(larger, score, top), builder.select(larger, lines.number(k), best)]

        top, best = w.loop(steps, [lines.start(TOP, -np.inf), lines.start(BEST, 0.0)], step)
        lines.hold(TOP, top)
        lines.hold(BEST, best)

    return writer.function("softmax_top", [writer.pointer] * 2 + [INTEGER] * 2, body)


def _write_below(writer: Writer) -> Any:
    """Take a line's largest score from each; sum its targets, and targets times what is left."""

    def body(*given: Any) -> None:
        scores, truths, kept, first, steps = given
        w, builder = writer, writer.builder
        lines = _Lines(w, kept, first)
        top = lines.held(TOP)

        def step(k: Any, mass: Any, expected: Any) -> list[Any]:
            place = lines.step(scores, k)
            below = builder.fsub(w.load_panel(place), top)
            w.store_panel(below, place)
            truth = w.load_panel(lines.step(truths, k))
            return [builder.fadd(mass, truth), builder.fadd(expected, builder.fmul(truth, below))]

        mass, expected = w.loop(steps, [lines.start(MASS, 0.0), lines.start(EXPECTED, 0.0)], step)
        lines.hold(MASS, mass)
        lines.hold(EXPECTED, expected)

    return writer.function("softmax_below", [writer.pointer] * 3 + [INTEGER] * 2, body)


def _write_rest(writer: Writer) -> Any:
    """Sum the shares of all classes but the best, whose own is one, or nan where a score is infinite.

    The formula's own way: what the largest leaves is summed apart, so that a sure and right answer keeps its small
    loss and slope.
    """

    def body(*given: Any) -> None:
        shares, kept, first, steps = given
        w, builder = writer, writer.builder
        lines = _Lines(w, kept, first)
        best, one = lines.held(BEST), w.spread(w.scalar(1.0))

        def step(k: Any, rest: Any) -> list[Any]:
            share = w.load_panel(lines.step(shares, k))
            largest = builder.fcmp_ordered("==", lines.number(k), best)
            return [builder.fadd(rest, builder.select(largest, builder.fsub(share, one), share))]

        (rest,) = w.loop(steps, [lines.start(REST, 0.0)], step)
        lines.hold(REST, rest)

    return writer.function("softmax_rest", [writer.pointer] * 2 + [INTEGER] * 2, body)


def _write_slopes(writer: Writer) -> Any:
    """Turn shares into slopes."""

    def body(*given: Any) -> None:
        shares, truths, kept, first, steps = given
        w, builder = writer, writer.builder
        lines = _Lines(w, kept, first)
        best, mass, rest = lines.held(BEST), lines.held(MASS), lines.held(REST)
        total = builder.fadd(w.spread(w.scalar(1.0)), rest)
        part = builder.fdiv(lines.held(SIZE), total)

        def step(k: Any) -> list[Any]:
            place = lines.step(shares, k)
            share, truth = w.load_panel(place), w.load_panel(lines.step(truths, k))
            largest = builder.fcmp_ordered("==", lines.number(k), best)
            others = builder.select(largest, rest, builder.fsub(total, share))
            slope = builder.fsub(builder.fmul(builder.fsub(mass, truth), share), builder.fmul(truth, others))
            w.store_panel(builder.fmul(slope, part), place)
            return []

        w.loop(steps, [], step)

    return writer.function("softmax_slopes", [writer.pointer] * 3 + [INTEGER] * 2, body)


_turn_in = call_of(lambda writer: _write_turn(writer, back=False), "pppi")
_turn_back = call_of(lambda writer: _write_turn(writer, back=True), "pppi")
_find_top = call_of(_write_top, "ppii")
_take_top = call_of(_write_below, "pppii")
_sum_rest = call_of(_write_rest, "ppii")
_make_slopes = call_of(_write_slopes, "pppii")


def softmax(targets, scores, rows, weights, factor, hyper, slopes, sums):
    """Cross-entropy of softmax, row by row: the native twin of :func:`thalweg.formulas.losses.softmax`.

    A line is one row of the batch in one lane; ``scores`` and ``slopes`` hold line after line.
    """
    outputs = targets.shape[1]
    lanes = sums.size
    one = scores.dtype.type(1)
    if outputs == 1:  # the only class is right: no loss and no slope, or nan where a score is not finite
        for i in range(scores.shape[0]):
            for lane in range(lanes):
                slopes[i, lane] = scores[i, lane] - scores[i, lane]
                sums[lane] += np.float64(slopes[i, lane])
        return
    shares, truths, kept = empty_panel(scores), empty_panel(scores), empty_panel(scores)
    places, known = empty_panel(rows), empty_panel(rows)  # where the lines of a block begin, and where their targets do
    _, side = tile_shape(scores)
    most, span = shares.size // side, kept.size // KEPT  # classes, and lines, at a time
    count = scores.shape[0] * lanes
    row_of = lane_of = lane = 0
    for first in range(0, count, side):
        inside = count - first if count - first < side else side
        at = first % span
        for r in range(side):  # beyond the last line, the last one again
            row = rows[row_of]
            places[r] = (first + (r if r < inside else inside - 1)) * outputs
            known[r] = row * outputs
            weight = weights[row] if weights.size > 0 else one
            kept[WEIGHT * span + at + r] = weight
            kept[SIZE * span + at + r] = weight * factor
            if r + 1 < inside or first + side < count:
                lane_of += 1
                if lane_of == lanes:
                    lane_of = 0
                    row_of += 1
        for begin in range(0, outputs, most):
            steps = outputs - begin if outputs - begin < most else most
            _turn_in(scores, (scores, begin, places, 0, shares, 0, steps))
            _find_top(scores, (shares, 0, kept, at, begin, steps))
        for begin in range(0, outputs, most):
            steps = outputs - begin if outputs - begin < most else most
            if outputs > most:
                _turn_in(scores, (scores, begin, places, 0, shares, 0, steps))
            _turn_in(scores, (targets, begin, known, 0, truths, 0, steps))
            _take_top(scores, (shares, 0, truths, 0, kept, at, begin, steps))
            for cell in range(steps * side):
                shares[cell] = exp(shares[cell])
            _sum_rest(scores, (shares, 0, kept, at, begin, steps))
            if outputs > most:
                _turn_back(scores, (slopes, begin, places, 0, shares, 0, steps))
        for begin in range(0, outputs, most):
            steps = outputs - begin if outputs - begin < most else most
            if outputs > most:
                _turn_in(scores, (slopes, begin, places, 0, shares, 0, steps))
                _turn_in(scores, (targets, begin, known, 0, truths, 0, steps))
            _make_slopes(scores, (shares, 0, truths, 0, kept, at, begin, steps))
            _turn_back(scores, (slopes, begin, places, 0, shares, 0, steps))
        if at + side == span or first + side >= count:
            for r in range(at + inside):  # one long loop, so that it vectorises
                kept[MASS * span + r] *= log1p(kept[REST * span + r])
            for r in range(at + inside):
                loss = np.float64(kept[MASS * span + r]) - np.float64(kept[EXPECTED * span + r])
                sums[lane] += np.float64(kept[WEIGHT * span + r]) * loss
                lane = lane + 1 if lane + 1 < lanes else 0
