"""Numbers as a reader wants them, and as a chart needs them: no digit that means nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

from thalweg.comparison.wording import significant

#: What a missing number looks like in a table.
NONE = "\N{EN DASH}"
#: Digits that a chart can show.
_DRAWN = 5


def loss_text(value: float | None, digits: int = 4) -> str:
    """Write a loss with ``digits`` significant digits.

    Examples
    --------
    >>> loss_text(0.2364271), loss_text(12.0), loss_text(3.21e-07), loss_text(float("inf"))
    ('0.2364', '12.00', '3.21e-07', 'diverged')
    """
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "diverged"
    return significant(value, digits)


def rate_text(value: float | None) -> str:
    """Write a learning rate.

    Examples
    --------
    >>> rate_text(0.00316), rate_text(3.16e-05), rate_text(None) == NONE
    ('0.00316', '3.16e-05', True)
    """
    return NONE if value is None else f"{value:.3g}"


def count_text(value: float | None) -> str:
    """Write a count, thousands apart.

    Examples
    --------
    >>> count_text(12.0), count_text(2.5), count_text(123456), count_text(None) == NONE
    ('12', '2.5', '123,456', True)
    """
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


def share_text(part: int, whole: int) -> str:
    """Write a share as per cent.

    Examples
    --------
    >>> share_text(0, 45), share_text(10, 45), share_text(1, 450), share_text(0, 0) == NONE
    ('0 %', '22 %', '< 1 %', True)
    """
    if not whole:
        return NONE
    if part and 100 * part < whole:
        return "< 1 %"
    return f"{100 * part / whole:.0f} %"


def seconds_text(seconds: float) -> str:
    """Write a short time with two digits.

    Examples
    --------
    >>> seconds_text(1.76e-05), seconds_text(0.0123), seconds_text(4.2), seconds_text(130.0)
    ('18 µs', '12 ms', '4.2 s', '130 s')
    """
    if not math.isfinite(seconds):
        return NONE
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= 0.9995 * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def drawn(value: float | None) -> float | None:
    """Round a number to what a chart shows; None where there is none.

    Examples
    --------
    >>> drawn(0.123456789), drawn(21.0), drawn(float("inf"))
    (0.12346, 21, None)
    """
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{_DRAWN}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def all_drawn(values: Iterable[float | None]) -> list[float | None]:
    """Round every number, see :func:`drawn`."""
    return [drawn(value) for value in values]
