"""The pictures of a gradient's verdict: how the Taylor remainder falls, and the gradient against the slope."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.check.gradient_verdict import BlockVerdict, GradientVerdict
from thalweg.check.wording.gradient_lines import shape_told
from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.report.contours import text
from thalweg.report.diagnosis_charts import Chart
from thalweg.report.plane_chart import Trace, plane_chart

Array = NDArray[Any]

REMAINDERS, COMPARISONS = 6, 4
"""How many blocks are drawn."""
ROWS = 100
"""How many coordinates a table has; those that differ come first."""


def remainder_charts(say: GradientPhrases, verdict: GradientVerdict) -> list[Chart]:
    """Draw the remainder of blocks over the step, beside a line that falls as its square; the wrong blocks first."""
    blocks = sorted((b for b in verdict.blocks if b.numbers.steps), key=lambda block: block.right is not False)
    return [_remainder(say, block) for block in blocks[:REMAINDERS]]


def _remainder(say: GradientPhrases, block: BlockVerdict) -> Chart:
    words, numbers = say.page, block.numbers
    h, rest, floor = (np.array(values) for values in (numbers.steps, numbers.remainders, numbers.floor))
    clear = np.flatnonzero(np.isfinite(rest) & (rest > floor))
    traces = [Trace("floor", h, floor, dots=False, line=True)]
    if clear.size:
        # Of a wrong gradient the two start together, of a right one they come together where h is small.
        at = clear[0] if block.right is False else clear[len(clear) // 2]
        guide = rest[at] * (h / h[at]) ** 2
        seen = guide > 0.1 * floor.min()
        traces.append(Trace("rule", h[seen], guide[seen], dots=False, line=True))
    traces.append(Trace("mine", h, rest, line=True))
    heading = words.block_straight if block.order is None else words.block_falls
    told = heading.format(name=block.name, shape=shape_told(block, say), order=block.order)
    return Chart(told, plane_chart(traces, f"{told}. {words.remainder}", words.step, log=True))


def comparison_charts(say: GradientPhrases, verdict: GradientVerdict) -> list[Chart]:
    """Draw the gradient of the wrong blocks over the measured slope, a dot for each coordinate."""
    wrong = [b for b in verdict.blocks if b.right is False and b.numbers.places]
    return [_comparison(say, block) for block in wrong[:COMPARISONS]]


def _comparison(say: GradientPhrases, block: BlockVerdict) -> Chart:
    words, numbers = say.page, block.numbers
    given, slope = np.array(numbers.given), np.array(numbers.measured)
    differs = np.array(numbers.differs)
    titles = [
        f"{_coordinate(block, place)}: {words.gradient} {_number(g)}, {words.slope} {_number(s)}"
        for place, g, s in zip(numbers.places, numbers.given, numbers.measured, strict=True)
    ]
    values = np.concatenate([given[np.isfinite(given)], slope])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    room = 0.05 * (high - low) or abs(high) or 1.0
    ends = np.array([low - room, high + room])
    traces = [Trace("rule", ends, ends, dots=False, line=True)]
    for style, chosen in (("same", ~differs), ("mine", differs)):
        places = np.flatnonzero(chosen)
        traces.append(Trace(style, slope[places], given[places], titles=[titles[k] for k in places]))
    told = words.block.format(name=block.name, shape=shape_told(block, say))
    svg = plane_chart(traces, f"{told}. {words.compared}", words.slope, square=True)
    return Chart(told, svg, _rows(block))


def _rows(block: BlockVerdict) -> tuple[tuple[str, ...], ...]:
    """Return coordinate, gradient, slope and bound; the coordinates that differ first."""
    n = block.numbers
    order = sorted(range(len(n.places)), key=lambda k: not n.differs[k])[:ROWS]
    return tuple(
        (_coordinate(block, n.places[k]), _number(n.given[k]), _number(n.measured[k]), _number(n.bounds[k], 1))
        for k in order
    )


def _coordinate(block: BlockVerdict, place: int) -> str:
    if not block.shape:
        return block.name
    inside = np.unravel_index(place, block.shape)
    return f"{block.name}[{', '.join(str(int(i)) for i in inside)}]"


def _number(value: float, digits: int = 7) -> str:
    return text(value, digits) if np.isfinite(value) else str(value)
