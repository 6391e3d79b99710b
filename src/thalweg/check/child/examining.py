"""A file on its way through an examination: run, searched, and told piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from thalweg.check.child.loading import LOOP, Loaded, load
from thalweg.check.child.messages import Question
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.written import Written

_MOST = 3  # statements that are named as left out, where nothing was found
Keep = Callable[[Mapping[str, Any]], None]


class Told(Protocol):
    """What is said of a piece of code."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""


Examinations = Callable[[Question, Loaded, Source], Iterator[Told]]
"""Yields the diagnoses of a file that was run; raises CannotRun where there is nothing to examine."""


def examined(
    question: Question, written: Written, keep: Keep, examinations: Examinations, *, wanted: str | None, advice: str
) -> dict[str, Any]:
    """Run a file and examine what is in it.

    Parameters
    ----------
    question : Question
    written : Written
        The text of its file.
    keep : callable
        Takes each diagnosis, as plain data, as soon as it is made: a later one may not end.
    examinations : callable
    wanted : str or None
        The name that must be there after the file ran.
    advice : str
        What to do where all there is stands in a loop.

    Returns
    -------
    dict
        The other parts of an :class:`~thalweg.check.child.messages.Answer`.
    """
    loaded = load(written, wanted)
    notes = _notes(loaded, written)
    source = Source(str(loaded.module.__file__), written.text, cells=written.cells)
    try:
        for told in examinations(question, loaded, source):
            keep(told.as_dict())
    except CannotRun as failure:
        return _nothing(failure, question.name, loaded, written, notes, advice)
    return {"notes": notes}


def _nothing(
    failure: CannotRun, name: str | None, loaded: Loaded, written: Written, notes: tuple[str, ...], advice: str
) -> dict[str, Any]:
    """Say why there is nothing to examine; what was left out may be why."""
    reason, line = failure.reason, failure.line
    missed = None if name is None else loaded.without(name.partition(".")[0])
    if missed is not None:
        reason, line = f"makes {name!r:.60} where it is not run: {missed.why}", missed.line
    loop = next((part for part in loaded.left_out if part.why == LOOP), None)
    if loop is not None and name is None:
        notes += (f"{written.where(loop.line)} is left out: {loop.why}; {advice}",)
    failed = [part for part in loaded.left_out if part.why.startswith(("it fails", "it takes"))][:_MOST]
    notes += tuple(f"{written.where(part.line)} is left out: {part.why}" for part in failed if part is not missed)
    return {"reason": reason, "where": written.where(line), "stop": "code", "notes": notes}


def _notes(loaded: Loaded, written: Written) -> tuple[str, ...]:
    """Say what else a reader must know of a file."""
    notes = [f"{why}; what uses it cannot be examined" for why in loaded.missing.values()]
    notes += [f"cell {number} is left out: it {what}" for number, what in (written.left_out or {}).items()]
    return tuple(notes)
