"""The update rules of a file, examined one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from thalweg.check.child.loading import Loaded, load
from thalweg.check.child.messages import Question
from thalweg.check.diagnosis import Diagnosis, examine
from thalweg.check.subjects import adapt
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.tape import standard
from thalweg.check.verdict import Verdict
from thalweg.check.written import Written

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
    found = _candidates(loaded, question.name)
    notes = _notes(loaded, written)
    if not found:
        what = "holds no function or class that looks like an update rule"
        if question.name is not None:
            what = f"has no {question.name!r:.60}"
            missed = loaded.without(question.name)
            if missed is not None:
                what = f"line {missed.line} is left out, which makes {question.name!r:.60}: {missed.why}"
        return {"reason": what, "where": written.where(None), "stop": "code", "notes": notes}
    source = Source(written.path, written.text, cells=written.cells)
    for name, update in found.items():
        keep(_diagnosed(name, update, question, source).as_dict())
    return {"notes": notes}


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


def _candidates(loaded: Loaded, name: str | None) -> dict[str, Any]:
    own = loaded.own
    if name is not None:
        return {name: own[name]} if name in own else {}
    return {name: value for name, value in own.items() if isinstance(value, FunctionType)}


def _notes(loaded: Loaded, written: Written) -> tuple[str, ...]:
    """Say what else a reader must know of a file."""
    notes = [f"{why}; what uses it cannot be examined" for why in loaded.missing.values()]
    notes += [f"cell {number} is left out: it {what}" for number, what in (written.left_out or {}).items()]
    return tuple(notes)
