"""The update rules of a file, examined one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.check.child.examining import Keep
from thalweg.check.child.examining import examined as examined_by
from thalweg.check.child.inside import Inside
from thalweg.check.child.loading import MODULE, Loaded
from thalweg.check.child.messages import Question
from thalweg.check.diagnosis import Diagnosis, cannot_run, examine
from thalweg.check.subjects import adapt
from thalweg.check.subjects.finding import find
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.check.written import Written

_ADVICE = "to examine its update, put that into a function such as def step(w, g)"


def examined(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Run a file, find the update rules in it, and say what each is; see :mod:`.examining`."""
    return examined_by(question, written, keep, _examinations, wanted=question.name, advice=_ADVICE)


def _examinations(question: Question, loaded: Loaded, source: Source) -> Iterator[Diagnosis]:
    own = {**loaded.own, "__name__": MODULE}
    found = {one.name: one.update for one in find(own, source, question.name)}
    if not found:
        found = {name: value for name, value in own.items() if live(value) is not None}
    inside = Inside(question, source)
    refused: list[Diagnosis] = []  # told in their place, unless nothing can be told but what stands inside a loop
    trainers: list[Diagnosis] = []  # what calls another one, and is told only where nothing else is
    told = False
    for name, update in found.items():
        made = [_diagnosed(name, update, question, source)]
        if made[0].kind == "cannot_run" or _is_still(made[0]):
            made = list(inside.examined(name)) or made
        if made[0].kind == "cannot_run" and question.name is None and _calls(update, set(found) - {name}):
            trainers += made
            continue
        if made[0].kind == "cannot_run" and not told:
            refused += made
            continue
        yield from (*refused, *made)
        told, refused = True, []
    if told:
        return
    others = list(inside.examined())
    yield from others or refused or trainers
    if not others and not refused and not trainers:
        inside.explain()
        raise CannotRun("holds nothing that looks like an update rule")


def _calls(update: Any, names: set[str]) -> bool:
    """Whether a function uses one of some others."""
    return inspect.isfunction(update) and bool(names & set(inspect.unwrap(update).__code__.co_names))


def _diagnosed(name: str, update: Any, question: Question, source: Source) -> Diagnosis:
    """Examine one piece of code, whatever it does, under the name by which it was found."""
    if inspect.iscoroutinefunction(update):
        return cannot_run(name, CannotRun("it is a coroutine (async def): calling it makes no step"), source)
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
        return cannot_run(name, failure, source)
    except SystemExit as error:
        return cannot_run(name, CannotRun(f"it leaves Python with sys.exit({error.code!r:.40})"), source)


def _is_still(made: Diagnosis) -> bool:
    """Whether code did nothing to what it was given."""
    return made.kind == "unknown" and made.observed is not None and not np.any(made.observed.moves != 0)


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
