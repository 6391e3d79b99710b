"""A mend: the user's own line, and how it would be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final


@final
@dataclass(frozen=True)
class Mend:
    """One change of the user's text that was proven by playing the changed text.

    Parameters
    ----------
    code : str
        Mistake of the catalogue that it removes.
    line : int
        Line of the file, from 1; of an added line, the line before which it belongs.
    found : str
        The lines as they are; empty where a line is added.
    right : str
        The lines as they would be right; empty where a line is to go.
    where : str
        Place for the reader, such as ``"adam.py:12"``.

    Examples
    --------
    >>> mend = Mend("uphill", 3, "    w = w + lr * g", "    w = w - lr * g", "sgd.py:3")
    >>> print(mend.diff())
    -    w = w + lr * g
    +    w = w - lr * g
    """

    code: str
    line: int
    found: str
    right: str
    where: str

    def diff(self) -> str:
        """Return the change as lines that begin with - and +."""
        gone = [f"-{line}" for line in self.found.splitlines()]
        come = [f"+{line}" for line in self.right.splitlines()]
        return "\n".join([*gone, *come])

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Mend:
        """Return what :meth:`as_dict` was made of."""
        return Mend(data["code"], int(data["line"]), data["found"], data["right"], data["where"])
