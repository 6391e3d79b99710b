"""What is said of a user's loss or rule: what is wrong with it, and what it does."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final

WIDTH = 80


@final
@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    code : str
        Stable name.
    what : str
        What is wrong, with the numbers.
    mend : str
        What to change.
    """

    code: str
    what: str
    mend: str


@final
@dataclass(frozen=True)
class FormulaVerdict:
    """Is a formula what it says, and what does it do?

    Parameters
    ----------
    name : str
        Of the formula.
    faults : tuple of Fault
    properties : mapping of str to str
        What it does, by the name of the property.
    notes : tuple of str
        What a reader should know.

    Examples
    --------
    >>> FormulaVerdict("mine").verdict
    'right'
    """

    name: str
    faults: tuple[Fault, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["right", "wrong"]:
        """Wrong where there is a fault."""
        return "wrong" if self.faults else "right"

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def codes(self) -> frozenset[str]:
        """Codes of the faults."""
        return frozenset(fault.code for fault in self.faults)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"verdict": self.verdict, **asdict(self), "properties": dict(self.properties)}

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict as lines of at most 80 characters."""
        many = "nothing wrong was found" if self.right else f"{len(self.faults)} found"
        out = [f"{self.verdict}: {self.name}; {many}."]
        for fault in self.faults:
            out += _wrapped(f"{fault.what}", "  ")
            out += _wrapped(f"mend: {fault.mend}", "    ")
        for name, told in self.properties.items():
            out += _wrapped(f"{name}: {told}", "  ")
        for note in self.notes:
            out += _wrapped(f"note: {note}", "  ")
        return tuple(out)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
