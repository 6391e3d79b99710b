"""The update rules of a file, examined one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thalweg.check.child.loading import MODULE, Loaded, load
from thalweg.check.child.messages import Question
from thalweg.check.diagnosis import Diagnosis, examine
from thalweg.check.subjects import adapt
from thalweg.check.subjects.finding import find
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.subjects.subject import CannotRun, Source
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
    failed = [part for part in loaded.left_out if part.why.startswith(("it fails", "it takes"))][:_MOST]
    notes += tuple(f"{written.where(part.line)} is left out: {part.why}" for part in failed if part is not missed)
    return {"reason": reason, "where": written.where(missed and missed.line), "stop": "code", "notes": notes}


def _diagnosed(name: str, update: Any, question: Question, source: Source) -> Diagnosis:
    """Examine one piece of code, whatever it does."""
    try:
        subject = adapt(
            update,
            rule=question.rule,
            numbers=question.numbers,
            learning_rate_parameter=question.learning_rate_parameter,
            source=source,
        )
        return examine(subject)
    except CannotRun as failure:
        place = f"{source.where(failure.line)}: " if failure.line else ""
        reason = place + failure.reason
    except SystemExit as error:
        reason = f"it leaves Python with sys.exit({error.code!r:.40})"
    return Diagnosis(name, Verdict("cannot_run", note=reason), source, (), None, None, standard())


def notes_of(loaded: Loaded, written: Written) -> tuple[str, ...]:
    """Say what else a reader must know of a file."""
    notes = [f"{why}; what uses it cannot be examined" for why in loaded.missing.values()]
    notes += [f"cell {number} is left out: it {what}" for number, what in (written.left_out or {}).items()]
    return tuple(notes)
