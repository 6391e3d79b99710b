"""The gradients of a file, examined one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thalweg.check.child.loading import load
from thalweg.check.child.messages import Question
from thalweg.check.child.optimizers import notes_of
from thalweg.check.gradient_diagnosis import examinations
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.written import Written

Keep = Callable[[Mapping[str, Any]], None]


def examined(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Run a file, find the gradients in it, and say of each whether it is right.

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
    loaded = load(written, question.at or question.name)
    notes = notes_of(loaded, written)
    source = Source(str(loaded.module.__file__), written.text, cells=written.cells)
    asked = {"function": question.function, "gradient_function": question.gradient_function, "at": question.at}
    try:
        for told in examinations(loaded.own, source, question.name, **asked):
            keep(told.as_dict())
    except CannotRun as failure:
        return {"reason": failure.reason, "where": written.where(failure.line), "stop": "code", "notes": notes}
    return {"notes": notes}
