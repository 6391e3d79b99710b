"""Paths as text: differences of whole numbers, a few signs each, so that hundreds of paths fit into a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.paths import Path, PathStanding
from thalweg.report.contours import UNIT, WIDTH, Array, View
from thalweg.report.numbers import rate_text

#: Rules that have a colour at first, as many as page.css has; plain gradient descent is among them.
COLOURS, PLAIN = 7, "gradient_descent"
#: Signs that all paths together may take; rates far from the best are left out where there are more.
MOST_SIGNS = 560_000
#: Widths of the picture beyond which a point is drawn nearer.
_BEYOND = 20
#: What is left above the minimum is written as so many times its logarithm, down to this share of the start's.
_DIGITS, _LEAST = 2500, 1e-15
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def paths_data(view: View, standings: Sequence[PathStanding]) -> dict[str, Any]:
    """Return what the script reads.

    Parameters
    ----------
    view : View
    standings : sequence of PathStanding
        Best first; so are the rules.
    """
    paths = view.paths
    names = [standing.name for standing in standings]
    few = names[:COLOURS] if PLAIN in names[:COLOURS] or PLAIN not in names else [*names[: COLOURS - 1], PLAIN]
    tried = {name: paths.of(name) for name in names}
    best = {standing.name: tried[standing.name].index(standing.path) for standing in standings}
    above = max(float(paths.paths[0].values[0]) - paths.minimum, 1e-300)
    written = {name: [_written(view, path, above, 1) for path in tried[name]] for name in names}
    reach, stride = _reach(written, best), 1
    if reach == 0:  # the best alone, and every so many of their updates
        alone = {name: [_written(view, tried[name][best[name]], above, 1)] for name in names}
        stride = -(-_size(alone.values()) // MOST_SIGNS)
        if stride > 1:
            written = {name: [_written(view, path, above, stride) for path in tried[name]] for name in names}
    rules = []
    for name in names:
        first = max(0, best[name] - reach)
        kept = written[name][first : best[name] + reach + 1]
        rules.append({"name": name, "few": name in few, "best": best[name] - first, "rates": kept})
    return {
        "width": WIDTH,
        "height": view.height,
        "unit": UNIT,
        "low": [float(f"{v:.9g}") for v in view.low],
        "high": [float(f"{v:.9g}") for v in view.high],
        "minimum": float(f"{paths.minimum:.9g}"),
        "above": float(f"{above:.9g}"),
        "digits": _DIGITS,
        "floor": round(_DIGITS * math.log10(_LEAST)),
        "steps": paths.steps,
        "stride": stride,
        "rules": rules,
    }


def _reach(written: dict[str, list[dict[str, Any]]], best: dict[str, int]) -> int:
    """Return how many rates on each side of the best there is room for."""
    longest = max(len(tried) for tried in written.values())
    for reach in range(longest, 0, -1):
        if (
            _size(tried[max(0, best[name] - reach) : best[name] + reach + 1] for name, tried in written.items())
            <= MOST_SIGNS
        ):
            return reach
    return 0


def _size(written: Iterable[list[dict[str, Any]]]) -> int:
    """Return the signs that paths take."""
    return sum(len(path["p"]) + len(path["v"]) + 60 for tried in written for path in tried)


def _written(view: View, path: Path, above: float, stride: int) -> dict[str, Any]:
    """Return one path as texts: points, values, rate, the last of its points, and the update that lost it.

    With a ``stride`` above 1 every so many updates stand in it, and the last that all paths make.
    """
    kept = np.arange(0, len(path.points), stride)
    if kept[-1] != view.paths.steps == len(path.points) - 1:
        kept = np.append(kept, view.paths.steps)
    points = _nearer(view.place(path.points), view.size)[kept]
    left = np.maximum(path.values[kept] - view.paths.minimum, _LEAST * above) / above
    return {
        "rate": rate_text(path.arm.learning_rate) if path.arm.learning_rate is not None else "",
        "p": signs(np.rint(points * UNIT).astype(np.int64)),
        "v": signs(np.rint(_DIGITS * np.log10(left)).astype(np.int64)[:, None]),
        "n": len(kept) - 1,
        "lost": path.diverged,
    }


def _nearer(points: Array, size: Array) -> Array:
    """Draw points far outside nearer, those that are left to from inside along their line."""
    low, high = -_BEYOND * size, (_BEYOND + 1) * size
    outside: NDArray[np.bool_] = np.logical_or(points < low, points > high).max(axis=1)
    found = np.clip(points, low, high)
    for k in np.flatnonzero(outside[1:] & ~outside[:-1]) + 1:
        step = points[k] - points[k - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(
                step > 0, (high - points[k - 1]) / step, np.where(step < 0, (low - points[k - 1]) / step, 1.0)
            )
        found[k] = points[k - 1] + min(float(room.min()), 1.0) * step
    return found


def signs(whole: NDArray[np.int64]) -> str:
    """Write rows (n, columns) of whole numbers as differences, five bits a sign, the lowest first; one bit is minus.

    Rows at the end that repeat the one before are left out.

    Examples
    --------
    >>> signs(np.array([[5], [4], [40], [40]]))
    'KDoC'
    """
    changes = np.flatnonzero(np.diff(whole, axis=0).any(axis=1))
    last = int(changes[-1]) + 2 if changes.size else 1
    steps = np.diff(whole[:last], axis=0, prepend=0)
    written = []
    for step in steps.ravel().tolist():
        bits = 2 * abs(step) + (step < 0)
        while True:
            bits, low = divmod(bits, 32)
            written.append(_ALPHABET[low + 32 * (bits > 0)])
            if not bits:
                break
    return "".join(written)
