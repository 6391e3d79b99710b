"""A lifted update made playable: its arguments are what the text around it showed them to be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import FunctionActor
from thalweg.check.subjects.arrangements import Separate, SeparateNumbers
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.code import made_of
from thalweg.check.subjects.functions import first_that_plays
from thalweg.check.subjects.inline.function_text import FUNCTION
from thalweg.check.subjects.inline.lifting import Lifted, lifted
from thalweg.check.subjects.layouts import layouts, shapes_for
from thalweg.check.subjects.places import Place
from thalweg.check.subjects.play import Outcome
from thalweg.check.subjects.signature import signature_of
from thalweg.check.subjects.source import namespace_of
from thalweg.check.subjects.subject import Source, Subject


def loaded_inside(update: object, source: Source | None) -> tuple[Lifted, Callable[..., Any], Source] | None:
    """Return the one update inside a function or class of this process, with its function; None where there is none.

    Parameters
    ----------
    update : function or class
    source : Source or None
        The text of its module.

    Raises
    ------
    CannotRun
        There is one, and it cannot be followed.
    """
    space = namespace_of(update)
    name = getattr(update, "__qualname__", "<")
    if source is None or space is None or "<" in name:
        return None
    found = lifted(source.text, name)
    if len(found) != 1:
        return None
    tree = ast.parse(found[0].text)
    within = next(node for node in tree.body for part in ast.walk(node) if getattr(part, "name", "") == FUNCTION)
    made = dict(space)
    exec(compile(ast.Module([within], []), source.path, "exec"), made)  # noqa: S102 - lines of what runs here already
    return found[0], made[FUNCTION], source


def _seen_ahead(update: Lifted, parameters: list[str]) -> Outcome:
    """Return the outcome of an update that is known by where it asks for its gradients.

    On gradients that do not depend on where they are asked for, nothing else tells Nesterov's momentum from the plain.
    """
    count = len(update.returned)
    handed: dict[str, tuple[Any, ...]] = {name: (k,) for k, name in enumerate(update.returned[: count - update.ahead])}
    points = tuple(range(count - update.ahead, count))
    place = Place("result", points[:1]) if len(parameters) == 1 else Place("result", (), points)
    return Outcome(place, 0.0, handed)


def subject_of(
    update: Lifted,
    function: Callable[..., Any],
    source: Source,
    *,
    rule: str | None = None,
    numbers: Mapping[str, float] | None = None,
    learning_rate_parameter: str | None = None,
) -> Subject:
    """Make a lifted update playable.

    Parameters
    ----------
    update : Lifted
    function : callable
        The function of its text, after that was run.
    source : Source
        Its text.
    rule, numbers, learning_rate_parameter
        As :func:`thalweg.check.subjects.adapt` takes them.

    Raises
    ------
    CannotRun
        It does nothing that could be followed.
    """
    read = signature_of(function, source, learning_rate_parameter)
    known = {name: (role or None, part) for name, role, part in update.roles}
    arguments = []
    for argument in read.arguments:
        role, part = known.get(argument.name, (argument.role, None))
        role = words.RATE if argument.name == learning_rate_parameter else role
        arguments.append(replace(argument, role=role, part=part))
    signature = replace(read, arguments=tuple(arguments))
    actor = FunctionActor(signature, Beginning(function))
    parameters = [argument.name for argument in arguments if argument.role == words.PARAMETERS]
    if len(parameters) > 1:
        count, names = len(parameters), tuple(parameters)
        equal = (((24 // count),),) * count if 24 % count == 0 else shapes_for(count)  # for updates that mix arrays up
        ways = [Separate(shapes_for(count), names), Separate(equal, names), SeparateNumbers(count=count)]
        tries = [(actor, way) for way in (*ways, *layouts(signature))]
    else:
        tries = [(actor, way) for way in layouts(signature)]
    plans = first_that_plays(iter(tries), dict(numbers or {}), learning_rate_parameter, source)
    first = replace(plans[0], first_count=1)  # what it counts from stands in its text
    if update.ahead:
        first = replace(first, outcome=_seen_ahead(update, parameters))
    made = made_of(update.name or FUNCTION, (first,), hint=rule or update.hint, source=source, texts=(signature,))
    return replace(made, unsigned=not update.sure)
