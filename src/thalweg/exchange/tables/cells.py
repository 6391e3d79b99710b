"""One cell of a table: the number it is, or why it is none, and how a message may show it.

``float()`` alone is too kind for data files: it takes ``1_000``, ``nan``, ``infinity`` and full-width digits, and
turns ``1e400`` into infinity. A cell is a number here only if it is written in plain decimal digits, and then its
value is exactly that of ``float()``.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import UsageError
from thalweg.errors import shown as shown  # noqa: PLC0414 - where those who read tables look for it

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: What stands for "no value", compared without case. An empty cell counts too.
MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "null", "none", "?", "-"})

_NONFINITE = re.compile(r"[+-]?(inf|infinity|nan)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_THOUSANDS_OTHER = re.compile(r"[+-]?\d{1,3}([ '])\d{3}(\1\d{3})*([.,]\d+)?", re.ASCII)
_THOUSANDS_POINT = re.compile(r"[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})", re.ASCII)
_CODE = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?=.*_)\d[\d_]*(\.[\d_]*)?)", re.ASCII)
_UNIT = re.compile(r"[+-]?[$€£¥]\s?[+-]?[\d.,]+|[+-]?[\d.,]*\d[\d.,]*\s?[%‰€£¥]", re.ASCII)
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"""\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}([T\ ].*)?
    | \d{{1,2}}[-/.]\d{{1,2}}[-/.](\d{{4}}|\d{{2}})([T\ ].*)?
    | \d{{4}}-(0[1-9]|1[0-2])
    | \d{{1,2}}:\d{{2}}(:\d{{2}}([.,]\d+)?)?(\ ?[ap]m)?
    | \d{{1,2}}\.?[-\ ]{_MONTH}[-\ ,]+\d{{2,4}}.*
    | {_MONTH}\ \d{{1,2}},?\ \d{{2,4}}.*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
#: Characters that look like a sign, a space or a digit and are none: what they stand for.
_LOOKALIKES = {
    ord(sign): plain
    for signs, plain in (
        ("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63", "-"),
        ("\u00a0\u2007\u2009\u202f\u200b\u2060\ufeff", ""),
    )
    for sign in signs
}


def counted(number: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def did_you_mean(wanted: str, there: Iterable[str]) -> str:
    """Return the hint that names the nearest of the names there are, without regard to case; empty if none is near.

    Examples
    --------
    >>> did_you_mean("Ten_points", ["line", "ten-points"])
    "Did you mean 'ten-points'?"
    """
    folded = {name.casefold(): name for name in there}
    near = difflib.get_close_matches(wanted.casefold(), folded, n=1)
    return f"Did you mean '{shown(folded[near[0]])}'?" if near else ""


def place(table: str, *, line: int | None = None, row: int | None = None, column: str | int | None = None) -> str:
    """Return the place of a mistake, such as ``train.csv, line 3, column a``; lines, rows and columns from 1."""
    parts = [table]
    parts += [] if line is None else [f"line {line}"]
    parts += [] if row is None else [f"row {row}"]
    parts += [] if column is None else [f"column {shown(str(column))}"]
    return ", ".join(parts)


def is_missing(cell: str) -> bool:
    """Tell whether the cell stands for "no value": empty, ``NA``, ``null``, ``?``, ``-`` and the like."""
    return cell.strip(" \t").lower() in MISSING


def is_decimal_comma(cell: str) -> bool:
    """Tell whether the cell is a number with a decimal comma, such as ``1,5``; ``1,234`` might be a thousand."""
    text = cell.strip(" \t")
    return bool(_DECIMAL_COMMA.fullmatch(text)) and not _THOUSANDS_COMMA.fullmatch(text)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written in a file.

    Parameters
    ----------
    decimal : str, default "."
        The decimal mark: ``"."`` or ``","``.
    thousands : str, optional
        The mark between groups of three digits, such as ``","``, ``"'"`` or a space.

    Raises
    ------
    UsageError
        A mark that cannot be one, or the same mark for both.

    Examples
    --------
    >>> NumberFormat().number(" 1.5e3"), NumberFormat().number("1_000")
    (1500.0, None)
    >>> NumberFormat(decimal=",", thousands=".").number("1.234,5")
    1234.5
    """

    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in {".", ","}:
            raise UsageError("OPTION-DECIMAL", "--decimal", f"must be '.' or ',', got '{shown(self.decimal)}'")
        mark = self.thousands
        if mark is not None and (len(mark) != 1 or mark.isalnum() or mark in {"+", "-", '"', self.decimal}):
            what = f"must be one character such as ',' or ' ' and not the decimal mark, got '{shown(mark)}'"
            raise UsageError("OPTION-THOUSANDS", "--thousands", what)

    def number(self, cell: str) -> float | None:
        """Return the finite float64 nearest to the cell, as ``float()`` rounds, or None where it is no number."""
        text = cell.strip(" \t")
        if not _number_pattern(self.decimal, self.thousands).fullmatch(text):
            return None
        value = float(self._plain(text))
        return value if np.isfinite(value) else None

    def numbers(self, cells: Sequence[str]) -> tuple[NDArray[np.float64], list[int], int | None]:
        """Read a run of cells.

        Parameters
        ----------
        cells : sequence of str, length n

        Returns
        -------
        values : ndarray of float64, shape (n,)
            NaN where the cell is missing.
        missing : list of int
            Positions of the missing cells.
        bad : int or None
            Position of the first cell that is neither; then `values` is of no use.
        """
        quick = self._all_plain(cells)
        if quick is not None:
            return quick, [], None
        values, missing = np.full(len(cells), np.nan), []
        for position, cell in enumerate(cells):
            value = self.number(cell)
            if value is not None:
                values[position] = value
            elif is_missing(cell):
                missing.append(position)
            else:
                return values, missing, position
        return values, missing, None

    def loses_digits(self, cell: str, value: float) -> bool:
        """Tell whether the cell is a whole number that float64 cannot hold: the digits at its end are lost."""
        digits = self._plain(cell.strip(" \t")).lstrip("+-")
        return digits.isdecimal() and int(digits.lstrip("0") or "0") != abs(int(value))

    def is_word(self, cell: str) -> bool:
        """Tell whether the cell is text: no number, not missing, nothing that was meant to be a number or a date."""
        return not is_missing(cell) and self.number(cell) is None and self._reason(cell.strip(" \t")) == "word"

    def complaint(self, cell: str, column: str) -> tuple[str, str, str]:
        """Return code, text and hint for a cell of a numeric column that is no number."""
        text, seen, name = cell.strip(" \t"), f"'{shown(cell)}'", shown(column)
        leave_out = f"or leave the column out: --drop {name}"
        match self._reason(text):
            case "nonfinite":
                hint = f"Leave the cell empty if the value is missing (then --missing drop or mean), {leave_out}."
                return "FILE-NONFINITE", f"{seen} is not a finite number", hint
            case "overflow":
                hint = f"Correct the cell, {leave_out}."
                return "FILE-OVERFLOW", f"{seen} is not representable; float64 ends at 1.8e308", hint
            case "decimal comma":
                hint = "Pass --decimal ',' (and --delimiter ';' where the columns are separated by ';')."
                return "FILE-DECIMAL-COMMA", f"{seen} has a decimal comma", hint
            case "thousands comma":
                plain = text.replace(",", "")
                hint = f"--thousands ',' reads it as {shown(plain)}"
                if _DECIMAL_COMMA.fullmatch(text):
                    hint += f", --decimal ',' as {shown(text.replace(',', '.'))}"
                return "FILE-NOT-NUMBER", f"{seen} is not a number: what does the ',' mean?", hint + "."
            case "thousands":
                found = _THOUSANDS_OTHER.fullmatch(text)
                marks = f'--thousands "{found[1]}"' if found else "--thousands '.' --decimal ','"
                return "FILE-NOT-NUMBER", f"{seen} is not a number", f"Groups of three digits? Pass {marks}."
            case "character":
                odd = next(sign for sign in text if not sign.isascii())
                character = f"U+{ord(odd):04X} {unicodedata.name(odd, 'an unnamed character')}"
                return (
                    "FILE-NOT-NUMBER",
                    f"{seen} is not a number: it has {character}",
                    "Write it with plain digits, '-' and '.'.",
                )
            case "date":
                hint = f"Leave the column out (--drop {name}), encode it as numbers, or read it as text: --text {name}."
                return "FILE-NOT-NUMBER", f"{seen} looks like a date or time, not a number", hint
            case "code" | "unit":
                hint = f"Write it in plain digits such as 1000 or 0.5, or read the column as text: --text {name}."
                return "FILE-NOT-NUMBER", f"{seen} is not a plain decimal number", hint
            case _:
                hint = f"Correct the cell, {leave_out}, or read it as text: --text {name}."
                return "FILE-NOT-NUMBER", f"{seen} is not a number", hint

    def _reason(self, text: str) -> str:
        """Return why the stripped text is no number; ``"word"`` where it was never meant to be one."""
        if not text.isascii() and self.number(_in_ascii(text)) is not None:
            return "character"
        if _number_pattern(self.decimal, self.thousands).fullmatch(text):
            return "overflow"
        for reason, pattern in (
            ("nonfinite", _NONFINITE),
            ("thousands comma" if self.decimal == "." else "code", _THOUSANDS_COMMA),
            ("decimal comma", _DECIMAL_COMMA),
            ("thousands", _THOUSANDS_OTHER),
            ("thousands", _THOUSANDS_POINT),
            ("code", _number_pattern(".", None)),
            ("code", _CODE),
            ("unit", _UNIT),
            ("date", _DATE),
        ):
            if pattern.fullmatch(text):
                return reason
        return "word"

    def _plain(self, text: str) -> str:
        """Return the number as ``float()`` wants it: no marks between thousands, a decimal point."""
        if self.thousands is not None:
            text = text.replace(self.thousands, "")
        return text.replace(",", ".") if self.decimal == "," else text

    def _all_plain(self, cells: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the values if every cell is plainly a finite number; the road of nearly all cells, so a quick one."""
        joined = "".join(cells)
        if not joined.isascii() or joined.encode().translate(None, b"0123456789eE+- " + self.decimal.encode()):
            return None
        if self.decimal == ",":
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            return None
        return values if np.isfinite(values).all() else None


def _in_ascii(text: str) -> str:
    """Return the text with foreign digits, signs and spaces written as the plain ones they look like."""
    plain = unicodedata.normalize("NFKC", text.translate(_LOOKALIKES))
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain).strip()


@functools.cache
def _number_pattern(decimal: str, thousands: str | None) -> re.Pattern[str]:
    """Return the pattern of a number written with these marks."""
    point, whole = re.escape(decimal), r"\d+"
    if thousands is not None:
        whole = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", re.ASCII)
