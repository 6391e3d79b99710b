"""Small charts of points in a plane as SVG that needs no script: their colours are those of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.report.contours import text, ticks
from thalweg.report.line_chart import HEIGHT, WIDTH, escaped, log_ticks

Array = NDArray[Any]

_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 10, 26
_ROOM = 0.06
_NAME = 16  # beside the axis's name no number is written


@final
@dataclass(frozen=True, eq=False)
class Trace:
    """Points of one kind.

    Parameters
    ----------
    style : str
        Their class in the style sheet.
    x, y : ndarray (n,)
        What is no finite number, and on logarithmic axes what is not positive, is left out.
    dots, line : bool
        Whether each has a dot; whether neighbours are joined.
    titles : sequence of str
        What is shown where a pointer rests on a dot.
    bounding : bool
        Whether the picture is made large enough for them.
    """

    style: str
    x: Array
    y: Array
    dots: bool = True
    line: bool = False
    titles: Sequence[str] = field(default=())
    bounding: bool = True


def plane_chart(traces: Sequence[Trace], label: str, across: str, *, log: bool = False, square: bool = False) -> str:
    """Draw points over numbers.

    Parameters
    ----------
    traces : sequence of Trace
        The last stands above the others.
    label : str
        What a reader of the screen hears; no markup.
    across : str
        The name of the axis across, in a word.
    log : bool
        Whether both axes are logarithmic.
    square : bool
        Whether both axes have the same ends.

    Returns
    -------
    str
        An ``svg`` element.

    Examples
    --------
    >>> drawn = plane_chart([Trace("mine", np.array([1.0, 2.0]), np.array([1.0, 4.0]))], "two points", "x")
    >>> drawn.count("<circle"), drawn.count("<path")
    (2, 0)
    """
    ends_x, ends_y = (
        _ends([trace.x for trace in traces if trace.bounding], log),
        _ends([trace.y for trace in traces if trace.bounding], log),
    )
    if square:
        ends_x = ends_y = (min(ends_x[0], ends_y[0]), max(ends_x[1], ends_y[1]))
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (right - _LEFT) * _share(value, ends_x, log)

    def y(value: float) -> float:
        return bottom - (bottom - _TOP) * _share(value, ends_y, log)

    parts = [f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escaped(label)}">']
    for value, said in _ticks(ends_y, log, 5):
        at = f"{y(value):.1f}"
        parts += [
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>',
            f'<text class="up" x="{_LEFT - 6}" y="{y(value) + 4:.1f}">{said}</text>',
        ]
    parts.append(f'<text class="up" x="{_LEFT - 6}" y="{HEIGHT - 8}">{escaped(across)}</text>')
    parts += [
        f'<text class="across" x="{x(value):.1f}" y="{HEIGHT - 8}">{said}</text>'
        for value, said in _ticks(ends_x, log, 6)
        if x(value) > _LEFT + _NAME
    ]
    window = (_LEFT - 4, _TOP - 4, right - _LEFT + 8, bottom - _TOP + 8)
    size = 'x="{}" y="{}" width="{}" height="{}"'.format(*window)
    parts.append(f'<svg {size} viewBox="{" ".join(map(str, window))}">')
    parts += [_drawn(trace, x, y, log=log) for trace in traces]
    return "".join([*parts, "</svg></svg>"])


def _drawn(trace: Trace, x: Callable[[float], float], y: Callable[[float], float], *, log: bool) -> str:
    """Return the marks of a trace."""
    points: list[tuple[float, float] | None] = []
    for a, b in zip(trace.x.tolist(), trace.y.tolist(), strict=True):
        there = math.isfinite(a) and math.isfinite(b) and not (log and (a <= 0 or b <= 0))
        points.append((x(a), min(max(y(b), -2 * HEIGHT), 3 * HEIGHT)) if there else None)
    drawn = ""
    if trace.line:
        joined = [(p, q) for p, q in pairwise(points) if p is not None and q is not None]
        path = "".join(f"M{p[0]:.1f} {p[1]:.1f}L{q[0]:.1f} {q[1]:.1f}" for p, q in joined)
        drawn += f'<path class="{trace.style}" d="{path}"/>' if path else ""
    for k, point in enumerate(points if trace.dots else ()):
        if point is not None:
            told = f"<title>{escaped(trace.titles[k])}</title>" if trace.titles else ""
            drawn += f'<circle class="{trace.style}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="2.8">{told}</circle>'
    return drawn


def _share(value: float, ends: tuple[float, float], log: bool) -> float:
    return ((math.log10(value) if log else value) - ends[0]) / (ends[1] - ends[0])


def _ends(arrays: Sequence[Array], log: bool) -> tuple[float, float]:
    """Return the ends of an axis with some room; on a logarithmic one their exponents."""
    values = np.concatenate([np.asarray(a, dtype=np.float64) for a in arrays]) if arrays else np.empty(0)
    values = values[np.isfinite(values)]
    if log:
        values = np.log10(values[values > 0])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-12 * max(abs(high), abs(low), 1e-300):
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    room = _ROOM * (high - low)
    return low - room, high + room


def _ticks(ends: tuple[float, float], log: bool, most: int) -> list[tuple[float, str]]:
    return log_ticks(*ends) if log else [(value, text(value)) for value in ticks(*ends, most)]
