"""A mend: the user's own line, and how it would be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
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


def changed_lines(old: list[str], new: list[str]) -> Iterator[tuple[int, int, list[str], list[str]]]:
    """Yield where two texts differ: first and last line, from 0, the lines there, those that take their place.

    Examples
    --------
    >>> list(changed_lines(["a", "b"], ["a", "c", "d"]))
    [(1, 2, ['b'], ['c', 'd'])]
    """
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if i_end - i == j_end - j:
            yield from ((k, k + 1, old[k : k + 1], new[k - i + j : k - i + j + 1]) for k in range(i, i_end))
        else:
            yield i, i_end, old[i:i_end], new[j:j_end]
