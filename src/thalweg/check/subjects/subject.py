"""What is examined: a piece of code that updates parameters, in whatever style, ready to be played along a tape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from thalweg.check.tape import Tape, standard
from thalweg.check.trajectory import Trajectory
from thalweg.check.verdict import Verdict
from thalweg.errors import ThalwegError


@final
class CannotRun(ThalwegError):  # noqa: N818 - the verdict's own name
    """Code that cannot be played, with the reason and, where known, the line of the code.

    Parameters
    ----------
    reason : str
        One line, such as "ZeroDivisionError: division by zero".
    line : int or None
        Line in the text of the subject's source.

    Examples
    --------
    >>> CannotRun("ZeroDivisionError: division by zero", 12).line
    12
    """

    exit_status = 2

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__("SUBJECT-RUN", "", reason)
        self.reason, self.line = reason, line

    def __reduce__(self) -> tuple[Any, ...]:
        return CannotRun, (self.reason, self.line)


@final
@dataclass(frozen=True)
class Source:
    """The text that a subject was written in.

    Parameters
    ----------
    path : str
        File, as the reader knows it.
    text : str
        Its text, or the part that was read.
    first_line : int
        Line of the file at which ``text`` starts.
    cells : tuple of (int, int)
        For a notebook: the line of ``text`` at which a cell starts, and the number of the cell; ascending.

    Examples
    --------
    >>> Source("work/adam.py", "a = 1").where(12)
    'adam.py:12'
    >>> Source("notebook.ipynb", "...", cells=((1, 1), (8, 3))).where(12)
    'notebook.ipynb, cell 3, line 5'
    """

    path: str
    text: str
    first_line: int = 1
    cells: tuple[tuple[int, int], ...] = ()

    def where(self, line: int) -> str:
        """Say where a line of the text stands, in words for the reader; ``line`` is counted from 1 in ``text``."""
        name = Path(self.path).name
        before = [cell for cell in self.cells if cell[0] <= line]
        if before:
            start, number = before[-1]
            return f"{name}, cell {number}, line {line - start + 1}"
        return f"{name}:{self.first_line + line - 1}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        cells = [list(cell) for cell in self.cells]
        return {"path": self.path, "text": self.text, "first_line": self.first_line, "cells": cells}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Source:
        """Return what :meth:`as_dict` was made of."""
        cells = tuple((int(start), int(number)) for start, number in data["cells"])
        return Source(data["path"], data["text"], int(data["first_line"]), cells)


@dataclass(frozen=True, kw_only=True)
class Subject(ABC):
    """A piece of code that updates parameters.

    Parameters
    ----------
    name : str
        What it is called in the code.
    hint : str or None
        The rule that its name or its text promises.
    numbers : mapping
        Hyperparameters that can be read, by the names of our rules: learning_rate, beta1, beta2, epsilon, rho,
        momentum, weight_decay ...
    source : Source or None
        Its text.
    moves_rate : bool
        Whether the learning rate can be changed from step to step; otherwise it is played on ``tape.steady()``.
    note : str
        What had to be assumed to play it.
    has_momentum : bool
        Whether it has a number of that name: it promises momentum, then, whatever it is called.
    """

    name: str
    hint: str | None = None
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    source: Source | None = None
    moves_rate: bool = False
    note: str = ""
    has_momentum: bool = False

    def tape(self) -> Tape:
        """Return the tape that suits it: the learning rate moves where the code lets it."""
        return standard() if self.moves_rate else standard().steady()

    @property
    def arrays(self) -> tuple[str, ...]:
        """What it calls its parameter arrays, in the order of the tape; none where they have no names."""
        return ()

    def groupings(self) -> Iterator[Tape]:
        """Yield the same tape cut otherwise: what the code may take for one array."""
        yield from ()

    @abstractmethod
    def play(self, tape: Tape) -> Trajectory:
        """Play the code along the tape, from a fresh start each time.

        Raises
        ------
        CannotRun
            It fails, or does nothing that can be followed.
        """

    def judged(self, verdict: Verdict) -> Verdict:
        """Return the verdict on it in the light of what else is known about it."""
        return verdict

    def readings(self) -> Iterator[Subject]:
        """Return the ways in which the same code may be meant, the likeliest first."""
        yield self
