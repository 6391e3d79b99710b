"""What the library says when a user's input cannot be used.

Every user error is a :class:`ThalwegError`, which is a :class:`ValueError`: a stable code, the place, what is
wrong there, and what to do. The command line prints it in at most five lines and leaves with ``exit_status``.
"""

from __future__ import annotations

from typing import ClassVar


def shown(text: str, limit: int = 40) -> str:
    r"""Return ``text`` as a message may print it: at most `limit` characters, nothing that moves the cursor.

    Control characters, escape sequences and marks that reverse the writing direction appear as ``\\x1b`` or
    ``\\u202e``, so that a cell can neither repaint a terminal nor pass for another.

    Examples
    --------
    >>> shown("\x1b[31mred")
    '\\x1b[31mred'
    >>> len(shown("x" * 1000))
    40
    """
    cut = text[: limit + 1]
    safe = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


class ThalwegError(ValueError):
    """An answer to a mistake in the user's input: where, what, and what to do.

    Parameters
    ----------
    code : str
        Stable name of the mistake in capitals, such as ``"FILE-RAGGED"``.
    where : str
        Place: file with line and column, or parameter. May be empty.
    what : str
        What is wrong, with the value seen and the values allowed.
    hint : str
        What to do, in one or two lines. May be empty.
    """

    exit_status: ClassVar[int] = 4

    def __init__(self, code: str, where: str, what: str, hint: str = "") -> None:
        super().__init__(code, where, what, hint)
        self.code, self.where, self.what, self.hint = code, where, what, hint

    def __str__(self) -> str:
        place = f" {self.where}:" if self.where else ""
        lines = [f"error[{self.code}]{place} {self.what}"]
        lines += [f"  {line}" for line in self.hint.splitlines()]
        return "\n".join(lines)


class UsageError(ThalwegError):
    """A command line that cannot be understood."""

    exit_status = 2


class DataError(ThalwegError):
    """A table or array that cannot be used."""

    exit_status = 3


class SettingError(ThalwegError):
    """A hyperparameter or a setting outside what is allowed."""

    exit_status = 4


class FormulaError(ThalwegError):
    """A formula that its author has to change, answered when the decorator runs."""

    exit_status = 4


class DivergedError(ThalwegError):
    """A run that left the finite numbers."""

    exit_status = 5


class StorageError(ThalwegError):
    """A file or folder that cannot be read or written."""

    exit_status = 6


class ModelFileError(ThalwegError):
    """A model file that is damaged, of another kind, or could run code."""

    exit_status = 7


class LimitError(ThalwegError):
    """A request that needs more memory, time or width than is allowed."""

    exit_status = 8
