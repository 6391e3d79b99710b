"""Functions that make a step: over arrays, dictionaries, lists or numbers, with memory of every kind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor, FunctionActor
from thalweg.check.subjects.arrangements import Arrangement
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.behaviour import believable, descends, returned_as_another
from thalweg.check.subjects.casting import blind_casts, casts
from thalweg.check.subjects.layouts import first_of_each, layouts
from thalweg.check.subjects.play import NOTHING, Failure, Plan, settle
from thalweg.check.subjects.signature import Argument, Signature, signature_of
from thalweg.check.subjects.subject import CannotRun, Source

_MAKERS = {
    "init",
    "initialize",
    "initialise",
    "create",
    "make",
    "new",
    "zeros",
    "setup",
    "reset",
    "start",
    "empty",
    "get",
}


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that the text of a partial function is of."""
    while isinstance(function, functools.partial):
        function = function.func
    compiled: Callable[..., Any] = getattr(function, "py_func", function)
    return compiled


def function_plans(
    function: Callable[..., Any],
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
    companions: Iterable[Callable[..., Any]] = (),
) -> tuple[Plan, ...]:
    """Return the ways to play a function that makes a step.

    Raises
    ------
    CannotRun
        There is none.
    """
    signature = signature_of(function, source, rate_name, bare(function))
    beginning = Beginning(bare(function))
    fitting = [*_fitting(signature, companions, source), None]

    def actors(cast: Signature) -> Iterator[Actor]:
        if not any(a.role in (words.MEMORY, words.CONFIG) or (a.role is None and a.required) for a in cast.arguments):
            yield FunctionActor(cast, beginning, None)
            return
        for companion in fitting:
            yield FunctionActor(cast, beginning, companion)

    params = signature.having(words.PARAMETERS)
    held = any(words.role_of(name) == words.GRADIENTS for a in params for name in a.use.attributes)

    def blind() -> Iterator[tuple[Actor, Arrangement]]:
        for cast in blind_casts(signature):
            yield from ((FunctionActor(cast, beginning), layout) for layout in first_of_each(cast))

    tries = every_cast(signature, actors, held=held)
    return believed(lambda: first_that_plays(tries, given, rate_name, source), blind(), given, rate_name, source)


def believed(
    first: Callable[[], tuple[Plan, ...]],
    others: Iterator[tuple[Actor, Arrangement]],
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
) -> tuple[Plan, ...]:
    """Return what names lead to where names or moves speak for it, else another way that its moves speak for.

    Raises
    ------
    CannotRun
        Names lead nowhere, and neither does anything else.
    """
    plans: tuple[Plan, ...] = ()
    failure = CannotRun(NOTHING)
    try:
        plans = first()
        if believable(plans[0], source):
            return plans
    except CannotRun as why:
        failure = why
    for actor, layout in others:
        plan = Plan(actor, layout, None, given, _first_count(actor.signature), rate_name)
        found = settle(plan, source, steps=False, trusted=False)
        if (
            isinstance(found, Plan)
            and not returned_as_another(found)
            and any(descends(one, source) for one in _counted(found))
        ):
            return _counted(found)
    if plans:
        return plans
    raise failure


def every_cast(
    signature: Signature,
    actors: Callable[[Signature], Iterable[Actor]],
    others: Sequence[Signature] = (),
    *,
    held: bool,
) -> Iterator[tuple[Actor, Arrangement]]:
    """Yield every way to give roles to arguments, with every layout that these allow, and who may act in it.

    Parameters
    ----------
    signature : Signature
        Of the step.
    actors : callable
        Returns who may act in a cast, the likeliest first.
    others : sequence of Signature
        What is called beside the step, and has a say in the layout.
    held : bool
        Whether gradients may be kept with the parameters, and so are no argument.
    """
    for cast in casts(signature, held=held):
        for layout in layouts(cast, others):
            for actor in actors(cast):
                yield actor, layout


def first_that_plays(
    tries: Iterator[tuple[Actor, Arrangement]],
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
    most: int = 600,
) -> tuple[Plan, ...]:
    """Settle on the first of many ways in which the code moves parameters.

    Raises
    ------
    CannotRun
        It does in none; with the reason of the likeliest.
    """
    failures: list[Failure] = []
    steps: Plan | None = None
    unmoved: list[tuple[Actor, Arrangement]] = []
    first: tuple[str | None, ...] | None = None
    for count, (actor, layout) in enumerate(tries):
        if count >= most:
            break
        cast = tuple(a.role for a in actor.signature.arguments)
        first = first or cast
        named = all(a.role != words.PARAMETERS or not _silent(a) for a in actor.signature.arguments)
        if cast != first and (still := _still(unmoved, given, rate_name, source)) is not None:
            return (still,)
        plan = Plan(actor, layout, None, given, _first_count(actor.signature), rate_name)
        known = actor.signature.has(words.PARAMETERS, words.LAYER)
        with_steps = not known or actor.signature.has(words.GRADIENTS)
        found = settle(plan, source, steps=with_steps, trusted=cast == first and named)
        if isinstance(found, Failure):
            failures.append(found)
            if found.unmoved:
                unmoved.append((actor, layout))
            continue
        if found.outcome is not None and not found.outcome.sign:
            return _counted(found)
        steps = steps or found
        if not known:
            break
    if steps is not None:
        return _counted(steps)
    if (still := _still(unmoved, given, rate_name, source)) is not None:
        return (still,)
    severe = [failure for failure in failures if failure.severe]
    if not failures:
        raise CannotRun(NOTHING)
    chosen = (severe or failures)[0]
    raise CannotRun(chosen.reason, chosen.line)


def _silent(argument: Argument) -> bool:
    """Whether an argument was taken for the parameters though its name says nothing."""
    return argument.required and words.role_of(argument.name) in (None, words.COUNT, words.MEMORY)


def _still(
    unmoved: list[tuple[Actor, Arrangement]], given: Mapping[str, float], rate_name: str | None, source: Source | None
) -> Plan | None:
    """Return a way in which the code runs, though what it is given never moves, or moves from nowhere."""
    while unmoved:
        actor, layout = unmoved.pop(0)
        still = settle(Plan(actor, layout, None, given, 1, rate_name), source, still=True)
        if isinstance(still, Plan):
            return still
    return None


def _first_count(signature: Signature) -> int:
    """Return the likelier first value of a counter: 0 where the text adds one to it."""
    counters = signature.having(words.COUNT)
    return 0 if any(a.use.counted for a in counters) else 1


def _counted(plan: Plan) -> tuple[Plan, ...]:
    """Return a plan, and the same with the counter started at the other of 0 and 1."""
    if not plan.actor.signature.has(words.COUNT):
        return (plan,)
    other = replace(plan, first_count=1 - plan.first_count)
    return (plan, other)


def _fitting(signature: Signature, companions: Iterable[Callable[..., Any]], source: Source | None) -> list[Signature]:
    """Return the functions that may make the memory, the likeliest first."""
    name = getattr(signature.function, "__name__", "")
    promised = words.promised(name)
    ranked = []
    for companion in companions:
        made = words.tokens(companion.__name__)
        if not set(made) & _MAKERS:
            continue
        own = signature_of(companion, source)
        allowed = (words.PARAMETERS, words.GRADIENTS, words.SIZE, words.LAYER)
        if any(a.required and a.role not in allowed for a in own.arguments) or not own.anatomy.returned:
            continue
        same = words.promised(companion.__name__) == promised
        memory = bool(set(made) & {"state", "states", "velocity", "cache", "memory", "moments", "optimizer", "slots"})
        shared = len(set(made) & set(words.tokens(name)))
        if same or memory or shared or len(made) <= 2:
            ranked.append((-2 * (same and promised is not None) - memory - shared, own))
    return [own for _, own in sorted(ranked, key=lambda pair: pair[0])]
