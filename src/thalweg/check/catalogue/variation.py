"""A variation: one entry of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, final

from thalweg.check.catalogue.edits import Edit, Statements


@final
@dataclass(frozen=True)
class Variation:
    """One way in which rules are written otherwise: a mistake, or a convention.

    Parameters
    ----------
    code : str
        Stable name.
    kind : {"mistake", "convention"}
        Whether the code is to be changed.
    title : str
        The finding in a few words.
    explanation : str
        Two sentences: what it does, and why it matters.
    source : str
        Thread, paper or seed where it was seen.
    edits : tuple of Edit
        Applied one after the other; the entry fits where all of them do.
    rules : tuple of str
        Names of the rules to which it belongs; empty for all that the edits fit.
    numbers : mapping
        Hyperparameters it brings along, with usual values.
    slots : mapping
        Memory it brings along, with where it starts.
    form : bool
        A convention under which the usual numbers have to be translated.
    last : bool
        It changes a number wherever that stands, and so comes after all others.
    several_arrays : bool
        It needs more than one parameter array.
    beside : str
        Code of a mistake without which nothing can show it, as with guards that a right rule never needs.
    equal_arrays : bool
        It shows, or can run at all, only where all parameter arrays are of one size.
    some_arrays : bool
        It is looked for only where parameter arrays do not all do the same: in all of them it is another rule.
    """

    code: str
    kind: Literal["mistake", "convention"]
    title: str
    explanation: str
    source: str
    edits: tuple[Edit, ...]
    rules: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    slots: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    form: bool = False
    beside: str = ""
    last: bool = False
    several_arrays: bool = False
    equal_arrays: bool = False
    some_arrays: bool = False

    @property
    def cost(self) -> float:
        """What it adds to an explanation: two conventions are believed before two mistakes."""
        return 1.0 if self.kind == "mistake" else 0.6

    def apply(self, statements: Statements) -> Statements | None:
        """Return the statements with this variation, or None where it does not fit."""
        changed = statements
        for edit in self.edits:
            made = edit.apply(changed)
            if made is None:
                return None
            changed = made
        return changed
