"""The ledger as a terminal shows it: the formula's lines, and under each its numbers in columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.formulas.ledger import Ledger, Row
from thalweg.formulas.ledger_words import ENGLISH, LedgerWords
from thalweg.formulas.widths import cells, padded

WIDTH = 80
DIGITS = 4
IDLE = 1e-3
"""Up to which share of a denominator epsilon is said not to matter."""
_LABEL = 34  # columns that a part of a line has at least


@final
@dataclass(frozen=True)
class Column:
    """One column of numbers: of an update and a coordinate, both as indices."""

    head: str
    step: int
    coordinate: int


def text(ledger: Ledger, width: int = WIDTH, digits: int = DIGITS, words: LedgerWords = ENGLISH) -> str:
    """Return a ledger as text: all updates, side by side where there is one coordinate.

    Parameters
    ----------
    ledger : Ledger
    width : int
        Columns of the terminal.
    digits : int
        Significant digits of the numbers.
    words : LedgerWords
        The language.

    Examples
    --------
    >>> from thalweg.formulas.rules import gradient_descent
    >>> print(text(gradient_descent.explain([2.0, -1.0])))
                                           t = 1       t = 2
    g                                          2          -1
    theta                                      1        0.98
    return theta - learning_rate * g
      learning_rate * g                     0.02       -0.01
      = theta                               0.98        0.99
      theta moved by                       -0.02        0.01
    """
    blocks = columns(ledger, width, digits, range(ledger.steps), range(ledger.size), words)
    told = ["\n".join(line for line, _ in table(ledger, block, width, digits, words)) for block in blocks]
    return "\n\n".join(told)


def glance(ledger: Ledger) -> str:
    """Return the first table of a ledger, and how much more there is; what a notebook shows.

    Examples
    --------
    >>> from thalweg.formulas.rules import signsgd
    >>> print(glance(signsgd.explain([2.0] * 9)).splitlines()[-1])
    updates 1 to 3 of 9; print() shows all
    """
    blocks = columns(ledger, WIDTH, DIGITS, range(ledger.steps), range(ledger.size))
    lines = [line for line, _ in table(ledger, blocks[0], WIDTH, DIGITS)]
    if len(blocks) > 1:
        steps = [int(ledger.times[column.step]) for column in (blocks[0][0], blocks[0][-1])]
        told = ENGLISH.few("update", (steps[0], steps[1]))
        lines += ["", f"{told} of {ledger.steps}; print() shows all"]
    return "\n".join(lines)


def columns(
    ledger: Ledger, width: int, digits: int, steps: Sequence[int], coordinates: Sequence[int],
    words: LedgerWords = ENGLISH,
) -> list[list[Column]]:  # fmt: skip
    """Divide what is to be shown into tables that fit: of one coordinate by updates, of several an update each."""
    most = fitting(width, digits)
    if len(coordinates) == 1:
        all_of_them = [[Column(f"t = {ledger.times[step]}", step, coordinates[0]) for step in steps]]
    else:
        all_of_them = [[Column(words.coordinate.format(number=k + 1), step, k) for k in coordinates] for step in steps]
    return [row[k : k + most] for row in all_of_them for k in range(0, len(row), most)]


def fitting(width: int, digits: int) -> int:
    """Return how many columns of numbers fit beside the parts of a line."""
    return max((width - _LABEL) // _cell(digits), 1)


def _cell(digits: int) -> int:
    return digits + 8  # sign, point, exponent and two blanks


def table(
    ledger: Ledger, block: Sequence[Column], width: int, digits: int, words: LedgerWords = ENGLISH
) -> Iterator[tuple[str, bool]]:
    """Yield the lines of one table, and whether each is a line of the formula or a heading."""
    cell = _cell(digits)
    label = min(width - cell * len(block), _longest(ledger))

    def numbers(row: Row) -> str:
        return "".join(_right(number(row, column, digits, words), cell) for column in block)

    yield f"{_when(ledger, block):<{label}}" + "".join(_right(column.head, cell) for column in block), True
    for row in (row for row in ledger.rows if row.line < 0):
        yield f"{row.text:<{label}}{numbers(row)}", False
    for index, line in enumerate(ledger.lines):
        rows = [row for row in ledger.rows if row.line == index]
        inside = f"  {words.inside.format(name=line.inside)}" if line.inside else ""
        written = f"{inside}{line.text}"
        if len(rows) == 1 and cells(written) < label:
            yield f"{padded(written, label)}{numbers(rows[0])}", True
            continue
        for piece in textwrap.wrap(written, width, subsequent_indent="    ", break_long_words=False):
            yield piece, True
        for row in rows:
            yield from _row(row, words.sentence(row.text), label, numbers)


def _longest(ledger: Ledger) -> int:
    """Return how many columns the longest part needs, so that numbers stand near it on a wide terminal."""
    return max(_LABEL, *(len(row.text) + 5 for row in ledger.rows))


def _when(ledger: Ledger, block: Sequence[Column]) -> str:
    steps = {column.step for column in block}
    return f"t = {ledger.times[steps.pop()]}" if ledger.size > 1 and len(steps) == 1 else ""


def _right(text: str, width: int) -> str:
    return " " * max(width - cells(text), 0) + text


def _row(row: Row, text: str, label: int, numbers: Callable[[Row], str]) -> Iterator[tuple[str, bool]]:
    """Yield a row; a part that is too long goes on in further lines, and its numbers stand beside the last."""
    written = f"= {text}" if row.kind == "value" else text
    margin = "    " if row.kind == "share" else "  "
    pieces = textwrap.wrap(written, label - len(margin) - 1, subsequent_indent="  ", break_long_words=False)
    for piece in pieces[:-1]:
        yield margin + piece, False
    last = margin + pieces[-1]
    if cells(last) >= label:
        yield last, False
        last = ""
    yield f"{padded(last, label)}{numbers(row)}", False


def number(row: Row, column: Column, digits: int, words: LedgerWords = ENGLISH) -> str:
    """Return one number as text: ``-`` where the update did not come by it, ``%`` of shares, yes or no.

    Examples
    --------
    >>> from thalweg.formulas.rules import rmsprop
    >>> told = rmsprop.explain([1e-8])
    >>> [number(row, Column("", 0, 0), 3) for row in told.rows if row.kind == "share"]
    ['76 %']
    """
    if not row.told[column.step]:
        return "-"
    value: Any = row.values[column.step]
    value = (value[column.coordinate] if row.coordinates else value).item()
    if isinstance(value, bool):
        return words.yes if value else words.no
    if row.kind == "share":
        return "-" if math.isnan(value) else f"{100 * value:.{min(digits, 3)}g} %"
    return f"{value + 0.0:.{digits}g}"  # a negative zero shows no sign


def notes(ledger: Ledger, words: LedgerWords = ENGLISH) -> list[str]:
    """Return what the numbers that are the same for all coordinates mean, and whether epsilon matters, a line each.

    Examples
    --------
    >>> from thalweg.formulas.rules import adagrad
    >>> print(notes(adagrad(epsilon=1.0).explain([0.1]))[0])
    epsilon's share: how much of np.sqrt(s) + epsilon it makes up; here 90.9 %: it decides how long steps are
    """
    told = dict.fromkeys((row.text, row.meaning) for row in ledger.rows if row.line >= 0 and _common(row))
    say = words.sentence
    return [
        words.noted.format(name=say(name), meaning=say(meaning)) + _how_large(ledger, meaning, words)
        for name, meaning in told
        if meaning
    ]


def _common(row: Row) -> bool:
    return row.kind == "share" or not row.coordinates


def _how_large(ledger: Ledger, meaning: str, words: LedgerWords) -> str:
    """Say between what the shares of one sum lie, and whether that matters."""
    found = [row for row in ledger.rows if row.kind == "share" and row.meaning == meaning]
    if not found:
        return ""
    shares = np.concatenate([row.values[row.told].ravel() for row in found])
    shares = shares[np.isfinite(shares)]
    if not shares.size:
        return ""
    low, high = (f"{100 * share:.3g} %" for share in (shares.min(), shares.max()))
    here = (words.here if low == high else words.here_between).format(low=low, high=high)
    if shares.max() < IDLE:
        return here + words.idle
    return here + words.decides if shares.min() > 1 / 2 else here
