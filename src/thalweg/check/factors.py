"""Factors by name: 2, the number of rows, a share of dropout, a number that the caller's functions can see."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NEAR = 1e-6  # a measured factor is a named one when they agree to this, or to the bound of the measurement


def constant_ratio(g: Array, s: Array, b: Array) -> tuple[float, float] | None:
    """Return the one factor between a gradient and the slopes, with its uncertainty; None if there is no such one."""
    if not s.size or not np.any(s):
        return None
    factor = float(g @ s / (s @ s))
    slack = b * max(1.0, abs(factor)) + NEAR * np.abs(factor * s)
    if np.any(np.abs(g - factor * s) > 2 * slack):
        return None
    clear = np.abs(s) > 0.1 * np.max(np.abs(s))
    doubt = float(np.max(slack[clear] / np.abs(s[clear])))
    return (factor, doubt) if doubt < 0.01 * abs(factor) else None


def named_factor(factor: float, slack: float, named: Mapping[str, float]) -> tuple[str, str, str] | None:
    """Return code, title and mend of a factor: 2, the number of rows, a share of dropout, a number the caller named."""

    def close(value: float) -> bool:
        return abs(factor - value) <= (slack + NEAR) * max(value, factor)

    if close(2):
        return "factor_2", "a factor of 2 too many", "Does the loss have the 1/2 whose derivative takes the 2 away?"
    if close(0.5):
        return (
            "factor_half",
            "a factor of 2 is missing",
            "The square's derivative is 2 (z - y) where the loss has no 1/2.",
        )
    rows = [(name, value) for name, value in named.items() if name.startswith(("rows", "columns")) and value > 1]
    rows.sort(key=lambda item: not item[0].startswith("rows"))
    for name, m in rows:
        what = f"{m:g} {name.split(' ', 1)[0]} of {name.split(' ', 1)[1]}"
        for extra, told in ((1.0, ""), (2.0, ", and a factor of 2"), (0.5, ", and a factor of 1/2")):
            if close(m * extra):
                mend = f"Divide by m = {m:g}: the loss is a mean, the gradient a sum."
                return "missing_1_m", f"1/m is missing{told}: there are {what}", mend
            if close(extra / m):
                mend = f"Divide by m = {m:g} once: in the error or in the gradient, not in both."
                return "twice_1_m", f"divided by m once too often{told}: there are {what}", mend
    for name, value in named.items():
        if name.startswith(("rows", "columns")) or not 0 < abs(value) < math.inf or abs(value) in (1.0, 2.0, 0.5):
            continue
        kept = value if 0 < value < 1 else None
        forms = [(value, name), (1 / value, f"1/{name}")]
        if kept is not None:
            forms += [(1 - kept, f"1 - {name}"), (1 / (1 - kept), f"1/(1 - {name})")]
        for number, form in forms:
            if close(abs(number)):
                if kept is not None and any(word in name.lower() for word in ("keep", "drop", "prob", "p")):
                    return _unscaled(form)
                mend = f"{name} stands in only one of loss and gradient, or twice in one."
                return "factor_named", f"a factor of {form} = {number:.6g}", mend
    return None


def _unscaled(form: str) -> tuple[str, str, str]:
    title = f"the mask's scale is not the same in both passes: a factor of {form}"
    mend = "Divide by keep_prob forward and backward (inverted dropout), by the same mask."
    return "mask_unscaled", title, mend


def spelled(value: float, named: Mapping[str, float]) -> str:
    """Return how a number is made of those the caller named, or an empty text."""
    rows = [("", 1.0), *((f" / {v:g}", v) for k, v in named.items() if k.startswith("rows"))]
    for name, number in named.items():
        if name.startswith(("rows", "columns")) or not 0 < abs(number) < math.inf:
            continue
        for told, m in rows:
            for extra, sign in ((1.0, ""), (2.0, "2 * "), (0.5, "1/2 * ")):
                if abs(extra * abs(number) / m - value) <= 1e-6 * value:
                    return f"{sign}{name}{told}"
    return ""


def numbers_near(names: Iterable[tuple[str, Any]]) -> dict[str, float]:
    """Return the numbers among named values, and the counts of rows and columns of the arrays among them."""
    found: dict[str, float] = {}
    for name, value in names:
        if isinstance(value, (bool, str)):
            continue
        if isinstance(value, (int, float, np.integer, np.floating)):
            found.setdefault(name, float(value))
        elif isinstance(value, list) and len(value) > 1 and not isinstance(value[0], (np.ndarray, dict)):
            found.setdefault(f"rows {name}", float(len(value)))
        elif isinstance(value, np.ndarray) and value.ndim in (1, 2) and value.dtype.kind in "fiub":
            found.setdefault(f"rows {name}", float(value.shape[0]))
            if value.ndim == 2:
                found.setdefault(f"columns {name}", float(value.shape[1]))
    return found
