"""The pictures of a diagnosis: paths that part, lengths of steps, the effect of each finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.diagnosis import Diagnosis
from thalweg.check.picture import Picture
from thalweg.check.tape import Tape
from thalweg.check.wording.phrases import PageWords
from thalweg.report.contours import text
from thalweg.report.line_chart import Line, line_chart

Array = NDArray[Any]

SHOWN = 3
"""How many parameters are drawn."""
_RARE = 0.6  # share of zeros from which gradients are rare
_SLIGHT = 0.05  # of its way, below which two paths are hardly told apart
_NEAR = 3.0  # heights of the right path within which the other is followed


@final
@dataclass(frozen=True)
class Chart:
    """A picture with its heading, and its numbers as rows of a table."""

    heading: str
    svg: str
    rows: tuple[tuple[str, ...], ...] = ()


def path_charts(words: PageWords, diagnosis: Diagnosis) -> list[Chart]:
    """Draw how far the parameters that tell most have come, each on gradients of its own kind."""
    if diagnosis.observed is None:
        return []
    tape, mine = diagnosis.tape, diagnosis.observed.thetas
    rule = None if diagnosis.expected is None else diagnosis.expected.thetas
    charts = []
    for k in _telling(tape, mine, rule):
        lines = [Line("mine", np.abs(mine[1:, k] - mine[0, k]), dots=True)]
        if rule is not None:
            lines.insert(0, Line("rule", np.abs(rule[1:, k] - rule[0, k])))
        heading = words.coordinate.format(number=k + 1, gradients=_gradients(words, tape.gradients[:, k]))
        label = f"{heading}. {words.moved}"
        svg = line_chart(lines, label, words.steps, first=1, log=True, mark=diagnosis.verdict.parts_at)
        charts.append(Chart(heading, svg, _rows(tape, mine, rule, k)))
    return charts


def size_chart(words: PageWords, diagnosis: Diagnosis) -> Chart | None:
    """Draw the length of the code's steps over the rule's; None where there is no rule, or both are the same."""
    if diagnosis.observed is None or diagnosis.expected is None or diagnosis.verdict.parts_at is None:
        return None
    mine, rule = np.abs(diagnosis.observed.moves), np.abs(diagnosis.expected.moves)
    with np.errstate(all="ignore"):
        ratio = np.where((rule > diagnosis.expected.noise) & (mine > 0), mine / rule, np.nan)
    ratio = np.where(np.isfinite(ratio), ratio, np.nan)
    seen = np.isfinite(ratio).any(axis=1)
    low, middle, high = (np.full(len(ratio), np.nan) for _ in range(3))
    low[seen], middle[seen], high[seen] = (
        np.nanmin(ratio[seen], 1),
        np.nanmedian(ratio[seen], 1),
        np.nanmax(ratio[seen], 1),
    )
    lines = [Line("band", low, upper=high), Line("mine", middle, dots=True)]
    svg = line_chart(
        lines, words.sizes_about, words.steps, first=1, log=True, level=1.0, mark=diagnosis.verdict.parts_at
    )
    return Chart(words.ratio, svg)


def effect_chart(words: PageWords, picture: Picture) -> Chart:
    """Draw what an entry of the catalogue does by itself."""
    start = picture.without[0]
    lines = [
        Line("rule", picture.without - start),
        Line("mine", picture.with_it - start),
    ]
    heading = words.gradients[picture.gradients]
    if picture.apart < _SLIGHT:
        heading += words.slight.format(share=text(100 * picture.apart, 2))
    return Chart(heading, line_chart(lines, f"{picture.rule}: {heading}", words.steps, most=_NEAR))


def _telling(tape: Tape, mine: Array, rule: Array | None) -> list[int]:
    """Return the parameters to draw: where the paths part most, then one of ordinary and one of constant gradients."""
    alive = np.flatnonzero((tape.gradients != 0).any(axis=0))
    busy = (tape.gradients != 0).mean(axis=0)
    # The most ordinary: gradients around 1 at every step; the steadiest: those that change least.
    sizes = np.where(tape.gradients == 0, np.nan, np.abs(tape.gradients))
    middle = np.array([np.nanmedian(sizes[:, k]) if k in alive else np.inf for k in range(tape.size)])
    ordinary = alive[np.argmin(np.abs(np.log10(middle[alive])) + 10 * (1 - busy[alive]))]
    steady = alive[np.argmin(np.ptp(tape.gradients[:, alive], axis=0) / middle[alive])]
    chosen = [int(ordinary), int(steady)]
    if rule is not None:
        with np.errstate(all="ignore"):
            apart = np.abs(np.log10(np.abs(np.diff(mine, axis=0)) / np.abs(np.diff(rule, axis=0))))
        far = np.where(np.isfinite(apart), apart, 0.0).mean(axis=0)
        lost = ~np.isfinite(mine).all(axis=0)
        chosen = [int(alive[np.argmax((far + 100 * lost)[alive])]), *chosen]
    smallest = int(alive[np.argmin(middle[alive])])
    return list(dict.fromkeys([*chosen, smallest]))[:SHOWN]


def _gradients(words: PageWords, values: Array) -> str:
    """Say what the gradients of a parameter are like."""
    there = np.abs(values[values != 0])
    if not there.size:
        return words.constant.format(size="0")
    if np.ptp(values) == 0:
        return words.constant.format(size=text(float(values[0]), 2))
    size = text(float(f"{np.median(there):.1g}"), 1)
    return (words.rare if np.mean(values == 0) > _RARE else words.around).format(size=size)


def _rows(tape: Tape, mine: Array, rule: Array | None, k: int) -> tuple[tuple[str, ...], ...]:
    """Return step, factor on the rate, gradient, the code's step and the rule's."""
    with np.errstate(invalid="ignore"):
        steps = np.diff(mine[:, k])
        right = np.full(len(steps), np.nan) if rule is None else np.diff(rule[:, k])
    columns = zip(tape.rates, tape.gradients[:, k], steps, right, strict=True)
    return tuple((str(t), *(_number(float(value)) for value in row)) for t, row in enumerate(columns, 1))


def _number(value: float) -> str:
    return text(value) if np.isfinite(value) else str(value)
