"""The update rules of a file, examined one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.check.child.loading import LOOP, MODULE, Loaded, load
from thalweg.check.child.messages import Question
from thalweg.check.diagnosis import Diagnosis, examine
from thalweg.check.subjects import adapt
from thalweg.check.subjects.finding import find
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.check.tape import standard
from thalweg.check.verdict import Verdict
from thalweg.check.written import Written

_MOST = 3  # statements that are named as left out, where nothing was found
Keep = Callable[[Mapping[str, Any]], None]


def examined(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Run a file, find the update rules in it, and say what each is.

    Parameters
    ----------
    question : Question
    written : Written
        The text of its file.
    keep : callable
        Takes each diagnosis, as plain data, as soon as it is made: a later one may not end.

    Returns
    -------
    dict
        The other parts of an :class:`~thalweg.check.child.messages.Answer`.
    """
    loaded = load(written, question.name)
    notes = notes_of(loaded, written)
    source = Source(written.path, written.text, cells=written.cells)
    own = {**loaded.own, "__name__": MODULE}
    try:
        found = {one.name: one.update for one in find(own, source, question.name)}
    except CannotRun as failure:
        return _nothing(failure.reason, question.name, loaded, written, notes)
    if not found:
        found = {name: value for name, value in own.items() if live(value) is not None}
    if not found:
        return _nothing("holds nothing that looks like an update rule", None, loaded, written, notes)
    for name, update in found.items():
        keep(_diagnosed(name, update, question, source).as_dict())
    return {"notes": notes}


def _nothing(reason: str, name: str | None, loaded: Loaded, written: Written, notes: tuple[str, ...]) -> dict[str, Any]:
    """Say why there is nothing to examine; what was left out may be why."""
    missed = None if name is None else loaded.without(name.partition(".")[0])
    if missed is not None:
        reason = f"makes {name!r:.60} where it is not run: {missed.why}"
    loop = next((part for part in loaded.left_out if part.why == LOOP), None)
    if loop is not None and name is None:
        advice = "to examine its update, put that into a function such as def step(w, g)"
        notes += (f"{written.where(loop.line)} is left out: {loop.why}; {advice}",)
    failed = [part for part in loaded.left_out if part.why.startswith(("it fails", "it takes"))][:_MOST]
    notes += tuple(f"{written.where(part.line)} is left out: {part.why}" for part in failed if part is not missed)
    return {"reason": reason, "where": written.where(missed and missed.line), "stop": "code", "notes": notes}


def _diagnosed(name: str, update: Any, question: Question, source: Source) -> Diagnosis:
    """Examine one piece of code, whatever it does, under the name by which it was found."""
    if inspect.iscoroutinefunction(update):
        return _refused(name, "it is a coroutine (async def): calling it makes no step", source)
    try:
        subject = adapt(
            update,
            rule=question.rule,
            numbers=question.numbers,
            learning_rate_parameter=question.learning_rate_parameter,
            source=source,
        )
        made = replace(examine(subject), name=name)
        doubt = _doubt(subject, made)
        note = "; ".join(part for part in (doubt, made.verdict.note) if part)
        return replace(made, verdict=replace(made.verdict, note=note)) if doubt else made
    except CannotRun as failure:
        place = f"{source.where(failure.line)}: " if failure.line else ""
        return _refused(name, place + failure.reason, source)
    except SystemExit as error:
        return _refused(name, f"it leaves Python with sys.exit({error.code!r:.40})", source)


def _refused(name: str, reason: str, source: Source) -> Diagnosis:
    """Return the diagnosis of code that cannot be run."""
    return Diagnosis(name, Verdict("cannot_run", note=reason), source, (), None, None, standard())


def _doubt(subject: Subject, diagnosis: Diagnosis) -> str:
    """Say what may keep code from being known: it does nothing, or not the same twice."""
    observed = diagnosis.observed
    if diagnosis.verdict.kind != "unknown" or observed is None:
        return ""
    if not np.any(observed.moves != 0):
        return "it never moves a parameter"
    once, again = (subject.play(diagnosis.tape).thetas for _ in range(2))
    return (
        "" if np.array_equal(once, again, equal_nan=True) else "it does not do the same twice: is there chance in it?"
    )


def notes_of(loaded: Loaded, written: Written) -> tuple[str, ...]:
    """Say what else a reader must know of a file."""
    notes = [f"{why}; what uses it cannot be examined" for why in loaded.missing.values()]
    notes += [f"cell {number} is left out: it {what}" for number, what in (written.left_out or {}).items()]
    return tuple(notes)
