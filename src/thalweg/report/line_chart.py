"""Small line charts as SVG that needs no script: their colours are those of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.report.contours import text, ticks

Array = NDArray[Any]

WIDTH, HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 10, 26
_DECADES = 5  # most labels on a logarithmic axis
_DEEPEST = 12  # decades below the largest value that are shown


@final
@dataclass(frozen=True, eq=False)
class Line:
    """One line, or with ``upper`` the band between two.

    Parameters
    ----------
    style : str
        Its class in the style sheet.
    values : ndarray (n,)
        One per step; what is no finite number, and on a logarithmic axis what is not positive, is a gap.
    upper : ndarray (n,), optional
        The other edge of a band.
    dots : bool
        Whether every step has a dot.
    """

    style: str
    values: Array
    upper: Array | None = None
    dots: bool = False


def line_chart(
    lines: Sequence[Line],
    label: str,
    axis: str = "",
    *,
    first: int = 0,
    log: bool = False,
    mark: int | None = None,
    level: float | None = None,
    most: float = math.inf,
) -> str:
    """Draw lines over steps.

    Parameters
    ----------
    lines : sequence of Line
        The last stands above the others.
    label : str
        What a reader of the screen hears; no markup.
    axis : str
        The name of the axis of steps, in a word.
    first : int
        The step of the first value.
    log : bool
        Whether the axis of values is logarithmic.
    mark : int, optional
        A step that is marked.
    level : float, optional
        A value that is marked.
    most : float
        Values further than this from the first line's middle, in units of its height, leave the picture.

    Returns
    -------
    str
        An ``svg`` element.

    Examples
    --------
    >>> drawn = line_chart([Line("mine", np.array([1.0, 2.0, 4.0]))], "three steps")
    >>> drawn.count("<path"), drawn.count("<text")
    (1, 8)
    """
    count = len(lines[0].values)
    low, high = _range(lines, log=log, level=level, most=most)

    def x(step: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (step - first) / max(count - 1, 1)

    def y(value: float) -> float:
        share = ((math.log10(value) if log else value) - low) / (high - low)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share

    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escaped(label)}">']
    for value, said in log_ticks(low, high) if log else [(v, text(v)) for v in ticks(low, high, 5)]:
        at = f"{y(value):.1f}"
        parts += [
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>',
            f'<text class="up" x="{_LEFT - 6}" y="{y(value) + 4:.1f}">{said}</text>',
        ]
    parts.append(f'<text class="up" x="{_LEFT - 6}" y="{HEIGHT - 8}">{escaped(axis)}</text>')
    parts += [
        f'<text class="across" x="{x(step):.1f}" y="{HEIGHT - 8}">{step}</text>' for step in _step_ticks(first, count)
    ]
    if level is not None:
        parts.append(f'<line class="level" x1="{_LEFT}" x2="{right}" y1="{y(level):.1f}" y2="{y(level):.1f}"/>')
    if mark is not None:
        parts.append(f'<line class="mark" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{_TOP}" y2="{bottom}"/>')
    # Lines in a window of their own, which cuts off what leaves it.
    window = (_LEFT - 4, _TOP - 4, right - _LEFT + 8, bottom - _TOP + 8)
    size = 'x="{}" y="{}" width="{}" height="{}"'.format(*window)
    parts.append(f'<svg {size} viewBox="{" ".join(map(str, window))}">')
    parts += [_drawn(line, first, x, y, log=log, low=low, high=high) for line in lines]
    return "".join([*parts, "</svg></svg>"])


def _drawn(line: Line, first: int, x: Any, y: Any, *, log: bool, low: float, high: float) -> str:
    """Return a line with its gaps, or a band."""
    edge = 2 * (high - low)

    def point(k: int, values: Array) -> str | None:
        value = float(values[k])
        if not math.isfinite(value) or (log and value <= 0):
            return None
        size = math.log10(value) if log else value
        held = min(max(size, low - edge), high + edge)
        return f"{x(first + k):.1f} {y(10**held if log else held):.1f}"

    def broken(values: Array) -> list[list[str]]:
        pieces: list[list[str]] = [[]]
        for k in range(len(values)):
            place = point(k, values)
            if place is None:
                pieces.append([])
            else:
                pieces[-1].append(place)
        return [piece for piece in pieces if piece]

    if line.upper is not None:
        both = [k for k in range(len(line.values)) if point(k, line.values) and point(k, line.upper)]
        there = [point(k, line.values) or "" for k in both]
        back = [point(k, line.upper) or "" for k in reversed(both)]
        return f'<path class="{line.style}" d="M{"L".join([*there, *back])}Z"/>' if both else ""
    pieces = broken(line.values)
    path = "".join(f"M{'L'.join(piece)}" for piece in pieces if len(piece) > 1)
    dots = [place for piece in pieces for place in piece if line.dots or len(piece) == 1]
    drawn = f'<path class="{line.style}" d="{path}"/>' if path else ""
    for place in dots:
        cx, cy = place.split(" ")
        drawn += f'<circle class="{line.style}" cx="{cx}" cy="{cy}" r="2.2"/>'
    return drawn


def _range(lines: Sequence[Line], *, log: bool, level: float | None, most: float) -> tuple[float, float]:
    """Return the ends of the axis; on a logarithmic one their exponents."""
    arrays = [line.values for line in lines] + [line.upper for line in lines if line.upper is not None]
    values = np.concatenate([np.asarray(a, dtype=np.float64) for a in arrays] + [[] if level is None else [level]])
    values = values[np.isfinite(values)]
    if log:
        values = np.log10(values[values > 0])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    own = np.asarray(lines[0].values, dtype=np.float64)
    own = own[np.isfinite(own)]
    if not log and math.isfinite(most) and own.size:
        size = float(np.ptp(own)) or abs(float(own[0])) or 1.0
        low, high = max(low, float(own.min()) - most * size), min(high, float(own.max()) + most * size)
    if log:
        low = max(low, high - _DEEPEST)
        if high - low < 0.4:
            low, high = (low + high) / 2 - 0.3, (low + high) / 2 + 0.3
    elif high - low < 1e-12 * max(abs(high), abs(low), 1e-300):
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    room = 0.06 * (high - low)
    return low - room, high + room


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return values and labels between two exponents: powers of ten, or 1-2-5 where there are too few."""
    whole = list(range(math.ceil(low), math.floor(high) + 1))
    if len(whole) >= 2:
        stride = math.ceil(len(whole) / _DECADES)
        return [(10.0**k, _power(k)) for k in whole if k % stride == 0]
    steps = [m * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    inside = [v for v in steps if low <= math.log10(v) <= high]
    if len(inside) < 2:
        inside = [v for v in ticks(10**low, 10**high, 4) if v > 0]
    return [(v, text(v)) for v in inside]


def _power(exponent: int) -> str:
    return text(10.0**exponent) if -3 <= exponent <= 4 else f"1e{exponent}"


def _step_ticks(first: int, count: int) -> list[int]:
    last = first + count - 1
    stride = next(s for s in (1, 2, 4, 5, 6, 10, 20, 50, 100, 10**9) if (count - 1) / s <= 6)
    return [step for step in range(0, last + 1, stride) if step >= first] or [first]


def escaped(words: str) -> str:
    """Return words as they may stand in an element or in quotes."""
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
