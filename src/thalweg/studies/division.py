"""Which rows are in which part: drawn by the design's seed, or, for a memory map, in the order in which they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import DataError
from thalweg.studies.design import Design

Array = NDArray[Any]

_DRAWN_TOGETHER = 1 << 16
# Cells of a memory map whose scales are looked at, and from which factor on it is said that they are not 1.
_LOOKED_AT, _FAR = 1_000_000, 10.0


def at_random(y: Array, design: Design, *, classes: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Divide rows by chance, classes in proportion; return where the parts are, and what looks wrong with them."""
    from thalweg.engine import streams
    from thalweg.exchange.parts import split

    parts = split(
        y,
        classes=classes,
        generator=streams.generator(streams.seed_sequence(design.seed), streams.SPLIT),
        validation=design.validation,
        test=design.test,
    )
    places = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    return _without_empty(places, design), parts.warnings


def in_order(rows: int, design: Design) -> dict[str, Any]:
    """Divide rows where they lie: the first to learn from, the last to look at last."""
    test = max(1, round(rows * design.test))
    validation = 0 if design.validation is None else max(1, round(rows * design.validation))
    first = rows - test - validation
    if first < 2:
        parts = "two" if design.validation is None else "three"
        raise DataError("DATA-FEW-ROWS", "X", f"{rows} rows are too few for {parts} parts")
    places = {"train": slice(0, first), "validation": slice(first, rows - test), "test": slice(rows - test, rows)}
    return _without_empty(places, design)


def row_by_row(rows: int, design: Design, most: int) -> NDArray[np.uint8]:
    """Draw the part of each row for itself: 0 to learn from, 1 to choose with, 2 to look at last.

    Parameters
    ----------
    rows : int
    design : Design
    most : int
        Rows that the last two parts have at most, each; more are learned from. They are drawn, so that there may be a
        few more or less.

    Returns
    -------
    ndarray of uint8 (rows,)
        Of the numbers of the rows and the seed alone.
    """
    from thalweg.engine import streams

    test = min(design.test, most / rows)
    aside = test + min(design.validation or 0.0, most / rows)
    generator = streams.generator(streams.seed_sequence(design.seed), streams.SPLIT, 1)
    parts = np.zeros(rows, np.uint8)
    for first in range(0, rows, _DRAWN_TOGETHER):
        some = parts[first : first + _DRAWN_TOGETHER]
        drawn = generator.random(len(some))
        some[drawn < aside] = 1
        some[drawn < test] = 2
    return parts


def check_seen(classes: list[Any], y: Array) -> None:
    """Raise where the rows to learn from lack a class."""
    lost = [label for label in classes if label not in set(y.tolist())]
    if lost:
        what = f"class {str(lost[0])!r:.40} is not among the first {len(y)} rows, which are those to learn from"
        raise DataError("DATA-ORDER", "y", what, "A memory map is divided in the order of its rows: shuffle them.")


def mapped_warnings(X: Any, design: Design, classes: int, parts: dict[str, Array]) -> tuple[str, ...]:
    """Return lines where a memory map cannot be used as it is, or where its rows are in no good order."""
    found = []
    if X.dtype != np.dtype(design.dtype) or not X.flags.c_contiguous:
        layout = "" if X.flags.c_contiguous else " in the order of columns"
        found.append(f"DATA-MAP: the memory map is {X.dtype}{layout}; it is copied into memory as {design.dtype}")
    first = np.asarray(X[: min(len(parts["train"]), 1 + _LOOKED_AT // X.shape[1])], dtype=np.float64)
    if design.standardize and _far(first):
        what = "a memory map is used as it is, and its columns are far from mean 0 and variance 1"
        found.append(f"DATA-MAP: {what}; rates are those of columns that are not standardised")
    poor = [part for part, y in parts.items() if len(np.unique(y.astype(str))) < classes]
    if poor:
        found.append(f"DATA-ORDER: the {poor[0]} part lacks a class: a memory map is divided in the order of its rows")
    return tuple(found)


def _far(rows: Array) -> bool:
    """Tell whether columns are far from mean 0 and variance 1; one that never changes has no scale."""
    with np.errstate(all="ignore"):
        means, deviations = rows.mean(axis=0), rows.std(axis=0)
    least = np.min(deviations, where=deviations > 0, initial=1.0)
    return bool(max(np.abs(means).max(), deviations.max()) > _FAR or least < 1 / _FAR)


def _without_empty(places: dict[str, Any], design: Design) -> dict[str, Any]:
    """Return where the parts are, without the validation part where that stands aside."""
    return {part: at for part, at in places.items() if part != "validation" or design.validation is not None}
