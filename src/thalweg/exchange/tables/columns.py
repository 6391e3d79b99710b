"""A column while it is being read: number or text, and what was noticed in it.

The blocks of a file go through here one after another, so that a table of numbers never stands in memory as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from thalweg.errors import DataError
from thalweg.exchange.tables.cells import NumberFormat, counted, is_missing, place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Kind = Literal["number", "text"]
Unit = Literal["line", "row"]
Values: TypeAlias = "NDArray[np.float64] | NDArray[np.object_]"

#: Cells that decide, at the start of the file, whether a column is text.
DECIDING_ROWS = 1000
#: From here on not every whole number is a float64.
_EXACT = 2.0**53


class Mistake(NamedTuple):
    """A cell that cannot be used: where it stands, and code, text and hint of the answer."""

    line: int
    unit: Unit
    column: str
    answer: tuple[str, str, str]


def raise_first(mistakes: Iterable[Mistake | None], table: str) -> None:
    """Raise DataError for the mistake that stands first in the file, if there is one."""
    first = min(filter(None, mistakes), key=lambda mistake: mistake.line, default=None)
    if first is not None:
        code, what, hint = first.answer
        raise DataError(code, place(table, **{first.unit: first.line}, column=first.column), what, hint)


class ColumnReader:
    """Takes the cells of one column, block by block.

    Parameters
    ----------
    name : str
        The column's name.
    kind : {"number", "text"}, optional
        What the column is; every cell of a column declared text is taken literally. Without it the first block
        decides: a column is text where more than half of its cells that are not missing are words.
    numbers : NumberFormat
        How numbers are written.
    unit : {"line", "row"}
        What messages count: lines of a text file, or rows.
    """

    def __init__(self, name: str, kind: Kind | None, numbers: NumberFormat, unit: Unit = "line") -> None:
        self.name, self.kind, self.unit = name, kind, unit
        self.rows = 0
        self.bytes = 0
        self.missing: list[int] = []
        self.missing_cells = 0
        self.first_missing = 0
        self._literal = kind == "text"
        self._numbers = numbers
        self._parts: list[Values] = []
        self._seen: dict[str, str] = {}
        self._lost, self._first_lost = 0, 0

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> Mistake | None:
        """Take the next cells, which stand in `lines`; return the first that cannot be used."""
        if self.kind is None:
            self.kind = self._decide(cells)
        if self.kind == "text":
            missing = [] if self._literal else [k for k, cell in enumerate(cells) if is_missing(cell)]
            self._add_text(cells)
        else:
            values, missing, bad = self._numbers.numbers(cells)
            if bad is not None:
                answer = self._numbers.complaint(cells[bad], self.name)
                return Mistake(lines[bad], self.unit, self.name, answer)
            for k in np.flatnonzero(np.abs(values) >= _EXACT).tolist():
                if self._numbers.loses_digits(cells[k], float(values[k])):
                    self.count_lost(1, lines[k])
            self._append(values)
        self.count_missing(missing, lines)
        self.rows += len(cells)
        return None

    def add_values(self, values: Values, missing: Sequence[int]) -> None:
        """Take the next values of a typed file, ready as they are; `missing` holds positions among them."""
        self.count_missing(missing, range(self.rows + 1, self.rows + len(values) + 1))
        self._append(values)
        self.rows += len(values)

    def count_missing(self, positions: Sequence[int], lines: Sequence[int]) -> None:
        """Note missing cells, by their positions in the current block."""
        if positions and not self.first_missing:
            self.first_missing = lines[positions[0]]
        self.missing += [self.rows + k for k in positions]
        self.missing_cells += len(positions)

    def count_lost(self, count: int, line: int) -> None:
        """Note whole numbers that float64 cannot hold; the first stands in `line`."""
        self._first_lost = self._first_lost or line
        self._lost += count

    @property
    def warning(self) -> str | None:
        """What a careful reader would say of the column."""
        if not self._lost:
            return None
        where = f"column {shown(self.name)}, first in {self.unit} {self._first_lost}"
        values = counted(self._lost, "value")
        return f"FILE-DIGITS: digits of {values} are lost in {where}: above 2^53; is it an id?"

    def values(self) -> Values:
        """Return the column: float64 with NaN where a cell is missing, or object array of str."""
        if self.kind == "text":
            return np.concatenate([*self._parts, np.empty(0, object)])
        return np.concatenate([*self._parts, np.empty(0)])

    def waiting_gaps(self) -> list[int]:
        """Return the positions of missing cells among those that `take` would give."""
        taken = self.rows - sum(map(len, self._parts))
        return [k - taken for k in self.missing]

    def take(self) -> Values:
        """Return the cells since the last time, empty text where one is missing, and hold them no longer."""
        values = self.values()
        if self.kind == "text":
            values[self.waiting_gaps()] = ""
        self._parts.clear()
        self._seen.clear()
        self.missing.clear()
        values.flags.writeable = False
        return values

    def _decide(self, cells: Sequence[str]) -> Kind:
        """Return text where most cells that are there are words; a date or ``1_000`` is a failed number instead."""
        _, _, bad = self._numbers.numbers(cells)
        if bad is None:
            return "number"
        words = sum(self._numbers.is_word(cell) for cell in cells)
        there = sum(not is_missing(cell) for cell in cells)
        return "text" if 2 * words > there else "number"

    def _add_text(self, cells: Sequence[str]) -> None:
        """Keep one copy of every text, however often it stands in the column."""
        values = np.empty(len(cells), object)
        for k, cell in enumerate(cells):
            if (known := self._seen.get(cell)) is None:
                self._seen[cell] = known = cell
                self.bytes += len(cell) + 56
            values[k] = known
        self._append(values)

    def _append(self, values: Values) -> None:
        self._parts.append(values)
        self.bytes += values.nbytes
