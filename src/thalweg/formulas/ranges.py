"""Ranges of hyperparameters, written as intervals: ``"(0, inf)"``, ``"[0, 1)"``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from thalweg.errors import SettingError

# A hyperparameter of one of these names means the same thing in every formula.
STANDARD = {
    "learning_rate": "(0, inf)",
    "momentum": "[0, 1)",
    "beta": "[0, 1)",
    "beta1": "[0, 1)",
    "beta2": "[0, 1)",
    "beta3": "[0, 1)",
    "rho": "[0, 1)",
    "epsilon": "[0, inf)",
    "weight_decay": "[0, inf)",
    "alpha": "[0, inf)",
    "l1_ratio": "[0, 1]",
}


@dataclass(frozen=True)
class Range:
    """An interval of the real line."""

    low: float
    high: float
    low_open: bool
    high_open: bool

    @classmethod
    def read(cls, text: str) -> Range:
        """Read ``"[0, 1)"`` and the like.

        Raises
        ------
        ValueError
            It is not an interval.
        """
        found = re.fullmatch(r"([\[(])([^,]+),([^,]+)([\])])", text.strip())
        if found is None or not float(found[2]) < float(found[3]):
            raise ValueError(f"{text!r} is not an interval such as '[0, 1)' or '(0, inf)'")
        return cls(float(found[2]), float(found[3]), found[1] == "(", found[4] == ")")

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{'>' if self.low_open else '>='} {self.low:g}"
        return f"in {'(' if self.low_open else '['}{self.low:g}, {self.high:g}{')' if self.high_open else ']'}"


def check_number(where: str, value: object, allowed: str | None = None) -> float | int | bool:
    """Return ``value`` when it is a finite real number inside ``allowed``, else say what is wrong.

    Parameters
    ----------
    where : str
        Name of the parameter, for the message.
    value : object
        What the user gave. NumPy scalars become Python numbers.
    allowed : str, optional
        An interval such as ``"[0, 1)"``; any finite number without it.

    Raises
    ------
    SettingError
        ``SETTING-TYPE`` when it is no real number, ``SETTING-FINITE`` for nan and inf, ``SETTING-RANGE`` outside.
    """
    interval = Range.read(allowed) if allowed else None
    expected = f"must be {interval}" if interval else "must be a real number"
    number: Any = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    if isinstance(number, bool) and interval is None:
        return number
    if isinstance(number, bool) or not isinstance(number, Real):
        shown = repr(value)
        raise SettingError("SETTING-TYPE", where, f"must be a real number, got {type(value).__name__} {shown[:40]}")
    if not math.isfinite(number):
        raise SettingError("SETTING-FINITE", where, f"must be finite, got {number}")
    if interval is not None and float(number) not in interval:
        raise SettingError("SETTING-RANGE", where, f"{expected}, got {number}")
    return int(value) if isinstance(value, int | np.integer) else float(number)
