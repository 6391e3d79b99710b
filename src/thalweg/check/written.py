"""The text that is examined, and the way from its lines back to what its author sees."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from thalweg.errors import DataError

_PYTHON_2 = (
    "Missing parentheses in call to 'print'", "Missing parentheses in call to 'exec'",
    "multiple exception types must be parenthesized",
)  # fmt: skip


@final
class NotCodeError(DataError):
    """A file that is no Python: why, and in which line of its text.

    Parameters
    ----------
    where : str
        File, with line and cell where there are any.
    what : str
        What is wrong with it.
    line : int, optional
        Line of the text.
    """

    def __init__(self, where: str, what: str, line: int | None = None) -> None:
        super().__init__("CHECK-FILE", where, what)
        self.line = line


@final
@dataclass(frozen=True)
class Written:
    r"""The text of a script, or the code cells of a notebook one below the other.

    Parameters
    ----------
    path : str
        The file.
    text : str
        Python; lines end in a line feed. Of a notebook, magics and shell commands are blank, so that lines keep their
        numbers.
    cells : tuple of (int, int)
        Of a notebook, in which line of the text each code cell begins, and its number; empty for a script.
    left_out : mapping of int to str
        Cells that are no Python, by number from 1, and what is wrong with them; Jupyter would run the others as well.

    Examples
    --------
    >>> Written("adam.py", "m = 0").where(1)
    'adam.py:1'
    >>> Written("homework.ipynb", "m = 0\nv = 0\nt = 0", cells=((1, 1), (2, 2))).where(3)
    'homework.ipynb, cell 2, line 2'
    """

    path: str
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    left_out: Mapping[int, str] | None = None

    def where(self, line: int | None) -> str:
        """Return the place of a line as its author sees it: file and line, or file, code cell and line in it."""
        name = Path(self.path).name
        if line is None:
            return name
        if not self.cells:
            return f"{name}:{line}"
        start, number = [cell for cell in self.cells if cell[0] <= line][-1]
        return f"{name}, cell {number}, line {line - start + 1}"


def check_syntax(written: Written) -> ast.Module:
    """Parse the text.

    Raises
    ------
    NotCodeError
        It is no Python; with the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an invalid escape: the author's, and harmless
            return ast.parse(written.text)
    except SyntaxError as error:
        raise NotCodeError(written.where(error.lineno), _said(error), error.lineno) from None
    except (RecursionError, MemoryError):
        raise NotCodeError(written.where(None), "is nested too deeply to be read") from None
    except ValueError as error:
        raise NotCodeError(written.where(None), f"is no Python: {error}") from None


def _said(error: SyntaxError) -> str:
    """Say what a syntax error is."""
    message = error.msg or "it cannot be parsed"
    if any(message.startswith(old) for old in _PYTHON_2):
        return f"is Python 2: {message.partition('.')[0]}"
    return f"is not Python: {message}"
