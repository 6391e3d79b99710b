"""Which number is the learning rate, where no name says so: the one with which every move grows in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.play import Plan, probe
from thalweg.check.subjects.signature import Argument, Signature
from thalweg.check.subjects.subject import CannotRun, Source

_PLACES = ("signature", "maker", "factory")
_SMALL = 1e-3
"""What stands in a denominator is smaller, if it is called epsilon."""
_TIMES = 2.0
"""A power of two: the moves of a rate that is scaled by it are the same to the last digit."""


def with_rate(plan: Plan, source: Source | None) -> Plan:
    """Return a plan that knows its learning rate, where it is a number under a name that says nothing.

    Parameters
    ----------
    plan : Plan
        With its outcome.
    source : Source or None

    Returns
    -------
    Plan
        The same one where a name says which it is, or where no number behaves like it.
    """
    if plan.rate_name is not None or _named(plan):
        return plan
    for place, argument in sorted(_numbers(plan), key=lambda number: number[1].role != words.RATE):
        made = _recast(plan, place, argument)
        base = argument.default if isinstance(argument.default, float) else argument.usual or words.USUAL[words.RATE]
        if _in_proportion(made, float(base), source):
            return made
    return plan


def _signatures(plan: Plan) -> Iterator[tuple[str, Signature]]:
    for place in _PLACES:
        held = getattr(plan.actor, place, None)
        if isinstance(held, Signature):
            yield place, held


def _named(plan: Plan) -> bool:
    """Whether a name says which number is the learning rate."""
    arguments = [a for _, signature in _signatures(plan) for a in signature.arguments]
    return any(a.role == words.RATE and not _silent(a) for a in arguments)


def _silent(argument: Argument) -> bool:
    """Whether a name says nothing: it is not known, or a letter that many things are called."""
    return words.role_of(argument.name) is None or argument.name in "abcdehkpqrsux"


def _numbers(plan: Plan) -> Iterator[tuple[str, Argument]]:
    """Yield the arguments that are numbers under names that say nothing."""
    for place, signature in _signatures(plan):
        for a in signature.arguments:
            plain = isinstance(a.default, float) or (a.required and a.role in (words.RATE, words.SHARE))
            long = a.role == "epsilon" and isinstance(a.default, float) and a.default > _SMALL  # Hinton's rate
            if plain and (_silent(a) or long):
                yield place, a


def _recast(plan: Plan, place: str, argument: Argument) -> Plan:
    """Return a plan in which one argument is the learning rate, and what was taken for it is a share."""
    signature: Signature = getattr(plan.actor, place)
    roles = {a.name: words.SHARE for a in signature.arguments if a.role == words.RATE}
    actor = replace(plan.actor, **{place: signature.recast({**roles, argument.name: words.RATE})})  # type: ignore[arg-type]
    return replace(plan, actor=actor, rate_name=argument.name)


def _in_proportion(plan: Plan, base: float, source: Source | None) -> bool:
    """Whether all moves are twice as long with twice the number."""
    tape = probe(plan.arrangement)
    twice = replace(plan, given={**plan.given, words.RATE: _TIMES * base})
    once = replace(plan, given={**plan.given, words.RATE: base})
    try:
        short, long = once.thetas(tape, source), twice.thetas(tape, source)
    except CannotRun:
        return False
    with np.errstate(all="ignore"):
        short, long = short - short[0], long - long[0]
        same = np.allclose(long, _TIMES * short, rtol=1e-9, atol=1e-12)
    return bool(same and np.any(short != 0))
