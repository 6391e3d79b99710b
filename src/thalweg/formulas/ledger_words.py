"""What the ledger says beside the formula's own names and numbers; other languages fill in the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final


def _as_it_is(text: str) -> str:
    return text


@final
@dataclass(frozen=True, kw_only=True)
class LedgerWords:
    """The words of the ledger in a terminal.

    Attributes
    ----------
    coordinate : str
        Head of a column, of ``number``.
    inside : str
        Before a line of a formula that another one calls, of ``name``.
    yes, no : str
        Of a condition.
    noted : str
        What something means: ``name``, ``meaning``.
    here, here_between, idle, decides : str
        How large a share is, of ``low`` and ``high``; and whether that matters.
    update, updates, one_coordinate, coordinates : str
        Which are told, of ``first`` and ``last``.
    left_updates, left_coordinates : str
        What is not told, of ``told``, ``count``, ``further``.
    example : str
        Of ``gradients`` that were not asked for.
    sentence : callable
        From a sentence of the ledger to the same in this language.
    """

    coordinate: str = "coord. {number}"
    inside: str = "in {name}: "
    yes: str = "yes"
    no: str = "no"
    noted: str = "{name}: {meaning}"
    here: str = "; here {low}"
    here_between: str = "; here {low} to {high}"
    idle: str = ": too little to matter"
    decides: str = ": it decides how long steps are"
    update: str = "update {first}"
    updates: str = "updates {first} to {last}"
    one_coordinate: str = "coordinate {first}"
    coordinates: str = "coordinates {first} to {last}"
    left_updates: str = "Told: {told} of {count}. Others: --step {further}, or --steps 1-5."
    left_coordinates: str = "Told: {told} of {count}. Others: --coordinates {further}."
    example: str = "an example: --gradients {gradients}"
    sentence: Callable[[str], str] = _as_it_is

    def few(self, what: str, ends: tuple[int, int]) -> str:
        """Return which updates or coordinates are told.

        Examples
        --------
        >>> ENGLISH.few("update", (2, 2)), ENGLISH.few("coordinate", (1, 3))
        ('update 2', 'coordinates 1 to 3')
        """
        one, many = {"update": (self.update, self.updates), "coordinate": (self.one_coordinate, self.coordinates)}[what]
        return (one if ends[0] == ends[1] else many).format(first=ends[0], last=ends[1])


ENGLISH = LedgerWords()
