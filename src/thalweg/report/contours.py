"""The function behind the paths: which part of the plane is drawn, and its contour as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.paths import Paths
from thalweg.comparison.wording import significant

Array = NDArray[np.float64]

#: Width of the picture in its own units, and the least and largest ratio of height to width.
WIDTH = 1000
_FLATTEST, _TALLEST = 0.55, 1.0
#: In outlines and paths stand whole numbers, so many to a unit of the picture: four digits of its width.
UNIT = 10
#: Shade of what is higher than every level.
_DARKEST = 0.22
_MINUS = "\N{MINUS SIGN}"


@final
class View:
    """From the function's variables to the units of the picture."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.low = np.array([paths.x[0], paths.y[0]])
        self.high = np.array([paths.x[-1], paths.y[-1]])
        width, height = self.high - self.low
        self.equal = _FLATTEST <= height / width <= _TALLEST
        self.size = np.array([WIDTH, round(WIDTH * float(np.clip(height / width, _FLATTEST, _TALLEST)))])

    @property
    def height(self) -> int:
        """Height in the units of the picture."""
        return int(self.size[1])

    def place(self, points: Array) -> Array:
        """Return points (n, 2) in the units of the picture, whose second axis points down."""
        shares = (points - self.low) / (self.high - self.low)
        shares[:, 1] = 1 - shares[:, 1]
        return np.asarray(shares * self.size)

    def inside(self, point: Array) -> bool:
        """Whether a point is in the picture."""
        return bool(((point >= self.low) & (point <= self.high)).all())


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return round numbers between two.

    Examples
    --------
    >>> ticks(-2.0, 2.0)
    [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    step = _round_up((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def text(value: float, digits: int = 4) -> str:
    """Write a number with a true minus sign."""
    written = significant(value, digits, zeros=False)
    return written.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", _MINUS)


@final
class Levels:
    """Which values to draw lines at, and what to call them: evenly spaced where values are alike, else as they spread.

    Attributes
    ----------
    values : list of float
        Rising.
    labels : list of str
    above_minimum : bool
        Labels tell the value above the minimum.
    """

    def __init__(self, paths: Paths) -> None:
        values = paths.values[np.isfinite(paths.values)]
        self.minimum = min(paths.minimum, float(values.min()))
        above = values - self.minimum
        few, most = np.quantile(above, [0.05, 0.95])
        top = float(np.quantile(above, 0.995)) if above.max() > 50 * most else float(above.max())
        self.logarithmic = bool(few > 0 and most / few > 100)
        if self.logarithmic:
            first = math.floor(2 * math.log10(float(np.quantile(above, 0.003)) or top * 1e-6))
            last = math.floor(2 * math.log10(top))
            stride = -(-(last - first + 1) // 14)
            found = [10.0 ** (k // 2) * (3.0 if k % 2 else 1.0) for k in range(last, first - 1, -stride)][::-1]
            self.values = [level + self.minimum for level in found if level < above.max()]
            self.labels = [text(level) for level in found if level < above.max()]
        else:
            spaced = top * (np.arange(1, 10) / 10) ** (2 if few > 0 and most / few > 10 else 1) + self.minimum
            self.values = _rounded(spaced, top)
            self.labels = [text(level) for level in self.values]
        self.above_minimum = self.logarithmic and abs(self.minimum) > 0.01 * max(self.values[0] - self.minimum, 1e-300)

    def shapes(self, view: View) -> list[str]:
        """Return, for each level, what is higher, as SVG paths in the units of the picture."""
        from contourpy import FillType, contour_generator

        above = np.maximum(view.paths.values - self.minimum, 0.0)
        above = np.where(np.isfinite(above), above, np.nanmax(np.where(np.isfinite(above), above, np.nan)))
        # Values on the grid are joined by straight lines: in the root of a bowl these are true, in its values not.
        levels = np.array(self.values) - self.minimum
        if self.logarithmic:
            tiny = levels[0] / 30
            z, cuts = np.log10(above + tiny), np.log10(levels + tiny)
        else:
            z, cuts = np.sqrt(above), np.sqrt(np.maximum(levels, 0.0))
        corners = view.place(np.column_stack([view.paths.x, view.paths.y]))
        generator = contour_generator(corners[:, 0], corners[:, 1], z, fill_type=FillType.OuterOffset, name="serial")
        return [_outline(*generator.filled(float(cut), float(z.max()) + 1.0)) for cut in cuts]

    def shade(self, k: int) -> float:
        """Return how dark what lies above level k is, 0 to 1."""
        return 1 - (1 - self.step) ** (k + 1)

    @property
    def step(self) -> float:
        """Return the shade that one level adds."""
        return float(1 - (1 - _DARKEST) ** (1 / len(self.values)))


def _rounded(spaced: Array, top: float) -> list[float]:
    """Round levels to few digits, each as far as its neighbours allow; zero is one of them where they pass it."""
    found: list[float] = []
    for level, gap in zip(spaced, np.gradient(spaced), strict=True):
        room = _round_up(max(gap, 0.01 * top) / 4)
        value = float(f"{round(level / room) * room:.6g}")
        if value not in found:
            found.append(value)
    if found[0] < 0 < found[-1]:
        found[int(np.argmin(np.abs(found)))] = 0.0
    return found


def _outline(polygons: Sequence[Array], offsets: Sequence[Array]) -> str:
    """Write polygons with their holes in tenths of a unit, leaving out points on straight lines."""
    parts = []
    for points, starts in zip(polygons, offsets, strict=True):
        for first, last in pairwise(starts):
            ring = np.rint(UNIT * _simplified(np.asarray(points[int(first) : int(last)]))).astype(int)
            moved = np.diff(ring, axis=0)
            moved = moved[moved.any(axis=1)]
            if len(moved) < 3:
                continue
            steps = " ".join(f"{x} {y}" for x, y in moved[:-1].tolist()).replace(" -", "-")
            parts.append(f"M{ring[0, 0]} {ring[0, 1]}l{steps}z")
    return "".join(parts)


def _simplified(ring: Array, tolerance: float = 0.05) -> Array:
    """Leave out every other point that its neighbours' chord passes closely, several times over."""
    for _ in range(4):
        if len(ring) < 8:
            break
        before, here, after = ring[:-2:2], ring[1:-1:2], ring[2::2]
        count = min(len(before), len(here), len(after))
        chord, arm = after[:count] - before[:count], here[:count] - before[:count]
        length = np.hypot(chord[:, 0], chord[:, 1])
        off = np.abs(chord[:, 0] * arm[:, 1] - chord[:, 1] * arm[:, 0])
        keep = np.ones(len(ring), dtype=bool)
        keep[1 : 2 * count : 2] = (off > tolerance * length) | (length > 40)
        ring = ring[keep]
    return ring
