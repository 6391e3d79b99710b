"""Numbers and lists of names as sentences take them."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Names that a sentence lists before it says how many more there are.
LISTED = 5


def significant(value: float, digits: int = 3, *, zeros: bool = True) -> str:
    """Return a finite number with so many significant digits, more where they stand before the point anyway.

    Very small and very large ones have an exponent. ``zeros`` keeps those that end the digits, so that columns line up.

    Examples
    --------
    >>> [significant(x) for x in (0.12345, 53.25, 1234.5, 0.0000123, 2e9, 0.5, 0.0)]
    ['0.123', '53.2', '1234', '1.23e-05', '2e+09', '0.500', '0.00']
    >>> [significant(x, zeros=False) for x in (0.5, 12.0, 1e-320)]
    ['0.5', '12', '1e-320']
    """
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}"
    exponent = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:.{max(0, digits - 1 - exponent)}f}"
    return text if zeros or "." not in text else text.rstrip("0").rstrip(".")


def number(value: float, digits: int = 3) -> str:
    """Return a number as a sentence says it.

    Examples
    --------
    >>> [number(x) for x in (0.12345, 12.0, 0.5, float("inf"), float("nan"))]
    ['0.123', '12', '0.5', 'infinite', 'unknown']
    """
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return significant(value, digits, zeros=False)


def apart(*values: float) -> list[str]:
    """Return numbers with as many digits as it takes to see that they differ: three to five.

    Examples
    --------
    >>> apart(0.23637, 0.23643), apart(0.1, 0.1)
    (['0.23637', '0.23643'], ['0.1', '0.1'])
    """
    for digits in (3, 4, 5):
        shown = [number(value, digits) for value in values]
        if len(set(shown)) == len(set(values)):
            break
    return shown


def listed(names: Sequence[str], limit: int = LISTED) -> str:
    """Return names as a sentence lists them.

    Examples
    --------
    >>> listed(["adam"]), listed(["adam", "lion"]), listed(["a", "b", "c"]), listed(list("abcdefgh"))
    ('adam', 'adam and lion', 'a, b and c', 'a, b, c, d, e and 3 more')
    """
    if len(names) > limit + 1:  # "and 1 more" is longer than most names
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: float, noun: str) -> str:
    """Return ``1 rule``, ``2 rules``, ``2.5 epochs``; large counts with commas between thousands.

    Examples
    --------
    >>> counted(1, "run"), counted(2.5, "epoch"), counted(12000, "row"), counted(3, "loss")
    ('1 run', '2.5 epochs', '12,000 rows', '3 losses')
    """
    plural = noun if count == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,.10g} {plural}"


def a(noun: str) -> str:
    """Return a noun with its article.

    Examples
    --------
    >>> a("rule"), a("estimator")
    ('a rule', 'an estimator')
    """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def legible(text: str, limit: int = 60) -> str:
    r"""Return a user's text on one line, at most so long, without characters that move a cursor.

    Examples
    --------
    >>> legible("houses.csv"), legible("\x1b[31mred\n")
    ('houses.csv', '\\x1b[31mred\\n')
    """
    safe = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text[: limit + 1])
    return safe if len(safe) <= limit else f"{safe[: limit - 3]}..."
