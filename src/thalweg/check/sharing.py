"""Many hypotheses played on the first steps of a tape: a line that reads the same values is computed once for all.

The thousands of pairs of variations of a rule are the same few lines, put together otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.catalogue.edits import Statements, read_by, text_of
from thalweg.check.tape import Tape

Array = NDArray[Any]

MOST_BYTES = 64 * 2**20
"""Of values that are kept; beyond that all are forgotten, and what is needed is computed again."""


class Line(NamedTuple):
    """A line of the textbook: what computes it, what it reads and what it assigns."""

    text: str
    function: FunctionType
    reads: tuple[str, ...]
    target: str


@final
class SharedPlay:
    """Plays statements on the first steps of a tape.

    Parameters
    ----------
    tape : Tape
    calls : sequence of ndarray
        For each step, how often any array was updated before each coordinate was, itself included.
    """

    def __init__(self, tape: Tape, calls: list[Array]) -> None:
        self.tape, self.calls = tape, calls
        self.gradients = list(tape.gradients)
        self.counts = [np.float64(index + 1) for index in range(tape.steps)]
        self.columns: dict[int, Array] = {}
        self.numbers: dict[float, np.float64] = {}
        self.memories: dict[tuple[str, int], tuple[Array, Any]] = {}
        self.kept: dict[tuple[Any, ...], Any] = {}
        self.bytes = 0

    def number(self, value: Any) -> Any:
        """Return a number of NumPy's, the same one for equal ones; columns of numbers as they are."""
        if isinstance(value, np.ndarray):
            self.columns[id(value)] = value
            return value
        return self.numbers.setdefault(value, np.float64(value))

    def memory(self, start: Any) -> Array:
        """Return memory that starts at a number, or a column of numbers; the same one for the same start."""
        if not isinstance(start, np.ndarray):
            start = self.number(start)
        key = ("memory", id(start))
        if key not in self.memories:
            self.memories[key] = np.zeros(self.tape.size) + start, start
        return self.memories[key][0]

    def thetas(self, statements: Statements, scope: Mapping[str, Any], steps: int) -> list[Array]:
        """Return theta before the first and after each of some steps; ``scope`` is left as it is.

        Values are told apart by what they are, not by how large: who wants lines to be shared gives the same objects.
        """
        here = dict(scope)
        rate, kept = here["learning_rate"], self.kept
        lines = [_line(statement) for statement in statements]
        found = [here["theta"]]
        for index in range(steps):
            here |= {"g": self.gradients[index], "t": self.counts[index], "now": self.counts[index]}
            here["calls"] = self.calls[index]
            here["learning_rate"] = self._rate(rate, index)
            for text, function, reads, target in lines:
                given = [here[name] for name in reads]
                key = (text, *map(id, given))
                made = kept.get(key)
                if made is None:
                    made = kept[key] = function(*given)
                    self.bytes += getattr(made, "nbytes", 8) + 200
                here[target] = made
            found.append(here["theta"])
        if self.bytes > MOST_BYTES:
            self._forget()
        return found

    def _forget(self) -> None:
        """Forget all values; those that were read are kept as long, so that no other object has their places."""
        for kept in (self.kept, self.memories, self.columns):
            kept.clear()
        self.bytes = 0

    def _rate(self, rate: Any, index: int) -> Any:
        factor = self.tape.rates[index]
        key = ("", id(rate), float(factor))
        if key not in self.kept:
            self.kept[key] = rate * factor
        return self.kept[key]


@cache
def _line(statement: ast.stmt) -> Line:
    """Return a statement, an assignment to a name, as a function of what it reads."""
    assert isinstance(statement, ast.Assign)  # noqa: S101 - the textbook has nothing else
    target, _, value = text_of(statement).partition(" = ")
    return _made(target, value, tuple(sorted(read_by(statement) - {"np"})))


@cache
def _made(target: str, value: str, reads: tuple[str, ...]) -> Line:
    function: FunctionType = eval(f"lambda {', '.join(reads)}: {value}", {"np": np})  # noqa: S307 - the catalogue's text
    return Line(value, function, reads, target)
