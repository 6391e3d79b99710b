"""Lines for terminals: signs of Chinese are two cells wide, and may be parted where they stand."""

from __future__ import annotations

import re
import unicodedata

_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_UNITS = re.compile(rf"\s+|[{_WIDE}]|[^\s{_WIDE}]+")
# Full-width , . ; : ! ? ) and others
_NEVER_FIRST = "\uff0c\u3002\uff1b\uff1a\uff01\uff1f\uff09\u3011\u300b\u3001\u201d\u2019\u2026"
_NEVER_LAST = "\uff08\u3010\u300a\u201c\u2018"  # ( and others


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes.

    Examples
    --------
    >>> cells("Adam"), cells("步长")
    (4, 4)
    """
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def wrapped(text: str, width: int, first: str = "", further: str | None = None) -> list[str]:
    """Break a text into lines of at most ``width`` cells: between words, and between Chinese signs.

    Parameters
    ----------
    text : str
    width : int
    first : str
        What stands before the first line.
    further : str, optional
        What stands before the others; as many blanks as ``first`` has cells when None.

    Examples
    --------
    >>> wrapped("偏差修正用错了 beta1。", 14)
    ['偏差修正用错了', 'beta1。']
    """
    after = " " * cells(first) if further is None else further
    lines: list[str] = []
    line, used = first, cells(first)
    begun = False
    units = _joined(_UNITS.findall(text))
    for unit in units:
        if unit.isspace():
            if begun:
                line, used = line + unit.replace("\n", " "), used + len(unit)
            continue
        size = cells(unit)
        if begun and used + size > width:
            lines.append(line.rstrip())
            line, used = after, cells(after)
        line, used, begun = line + unit, used + size, True
    return [*lines, line.rstrip()] if begun or first.strip() else lines


def _joined(units: list[str]) -> list[str]:
    """Join signs that must not begin or end a line to their neighbours."""
    out: list[str] = []
    for unit in units:
        if out and (unit[0] in _NEVER_FIRST or out[-1][-1] in _NEVER_LAST) and not out[-1].isspace():
            out[-1] += unit
        else:
            out.append(unit)
    return out


def shortened(text: str, width: int) -> str:
    """Return a text of at most ``width`` cells: of a longer one the beginning and the end, where names differ.

    Examples
    --------
    >>> shortened("homework_three_final.py", 15), shortened("sgd.py", 15)
    ('homewor…inal.py', 'sgd.py')
    """
    if cells(text) <= width:
        return text
    begin, end = "", ""
    while cells(begin + end) < width - 1:
        longer = (begin + text[len(begin)], end) if len(begin) <= len(end) else (begin, text[-len(end) - 1] + end)
        if cells("".join(longer)) > width - 1:
            break
        begin, end = longer
    return f"{begin}\N{HORIZONTAL ELLIPSIS}{end}"


def padded(text: str, width: int) -> str:
    """Return a text with blanks up to a width in cells.

    Examples
    --------
    >>> padded("步长", 6)
    '步长  '
    """
    return text + " " * max(width - cells(text), 0)
