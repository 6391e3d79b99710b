"""Functions that make the update: closures, several functions that belong together, objects; and generators."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor, FactoryActor, FunctionActor, GeneratorActor, ObjectActor
from thalweg.check.subjects.arrangements import Arrangement
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.casting import casts
from thalweg.check.subjects.classes import bound, methods_of
from thalweg.check.subjects.functions import bare, every_cast, first_that_plays
from thalweg.check.subjects.layouts import layouts
from thalweg.check.subjects.loops import MOST_CALLS, LoopPlan, is_loop, loop_plans
from thalweg.check.subjects.play import Plan, guarded
from thalweg.check.subjects.signature import PAIRS, Signature, signature_of
from thalweg.check.subjects.stage import Stage
from thalweg.check.subjects.subject import Source


def is_factory(signature: Signature) -> bool:
    """Whether a function has functions or classes inside and is given no gradient."""
    anatomy = signature.anatomy
    given = signature.has(words.GRADIENTS, words.LAYER, PAIRS, words.FUNCTION, words.BOTH)
    returned = {name for names in anatomy.returned for name in names}
    inside = bool(set(anatomy.nested) & returned) or any("lambda" in name for name in returned)
    made = any(name[:1].isupper() and "(" in name for name in returned)
    packed = bool(anatomy.nested) and bool(returned)
    return not given and (inside or made or packed)


def factory_plans(
    function: Callable[..., Any], given: Mapping[str, float], rate_name: str | None, source: Source | None
) -> tuple[Plan, ...]:
    """Return the ways to play what a function makes.

    Raises
    ------
    CannotRun
        It makes nothing that could be played.
    """
    factory = next(casts(signature_of(function, source, rate_name, bare(function)), held=True))
    beginning = Beginning(bare(function))
    first = next(layouts(factory))

    def tries() -> Iterator[tuple[Actor, Arrangement]]:
        made = _made(factory, beginning, first, given, rate_name, source)
        for actor, others in _actors(made, factory, beginning, source):
            yield from every_cast(actor.signature, partial(_recast, actor), others, held=True)

    return first_that_plays(tries(), given, rate_name, source)


def _recast(actor: Actor, cast: Signature) -> tuple[Actor]:
    return (replace(actor, signature=cast),)


def _made(
    factory: Signature,
    beginning: Beginning,
    layout: Arrangement,
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
) -> Any:
    """Call the factory once, to see what it makes."""
    probing = FactoryActor(factory, beginning, factory)
    with guarded(probing, source):
        beginning.restore()
        stage = Stage(layout, [np.zeros(shape) for shape in layout.shapes], given, 1, rate_name)
        return factory.called(stage.values(factory, making=True))


def _actors(
    made: Any, factory: Signature, beginning: Beginning, source: Source | None
) -> Iterator[tuple[Actor, list[Signature]]]:
    """Yield what may be played of what a factory made."""
    if inspect.isroutine(made):
        yield FactoryActor(signature_of(made, source), beginning, factory), [factory]
        return
    if inspect.isgenerator(made):
        yield GeneratorActor(factory, beginning), []
        return
    several = list(made.values()) if isinstance(made, Mapping) else made
    if isinstance(several, tuple | list):
        functions = {k: f for k, f in enumerate(several) if inspect.isroutine(f)}
        read = {k: signature_of(f, source) for k, f in functions.items()}
        makers = [k for k, f in functions.items() if _is_maker(f.__name__)]
        steps = sorted(read, key=lambda k: (k in makers, not read[k].has(words.GRADIENTS, words.LAYER, PAIRS)))
        for k in steps:
            for maker in [*(m for m in makers if m != k), None]:
                companion = read[maker] if maker is not None else None
                yield FactoryActor(read[k], beginning, factory, k, companion, maker), [factory, *read.values()]
        return
    for name in methods_of(type(made)):
        step = bound(signature_of(getattr(type(made), name), source))
        yield ObjectActor(step, beginning, factory, None, name), [factory]


def _is_maker(name: str) -> bool:
    return bool(set(words.tokens(name)) & {"init", "initialize", "initial", "start", "reset", "create", "setup"})


def generator_plans(
    function: Callable[..., Any], given: Mapping[str, float], rate_name: str | None, source: Source | None
) -> tuple[Plan | LoopPlan, ...]:
    """Return the ways to play a generator that is sent gradients, or asks for them.

    Raises
    ------
    CannotRun
        There is none.
    """
    signature = signature_of(function, source, rate_name, bare(function))
    beginning = Beginning(bare(function))
    if is_loop(signature):
        walked = replace(signature, function=lambda **given: list(islice(function(**given), MOST_CALLS)))
        return loop_plans(iter([FunctionActor(walked, beginning)]), given, rate_name, source)

    tries = every_cast(signature, lambda cast: (GeneratorActor(cast, beginning),), held=True)
    return first_that_plays(tries, given, rate_name, source)
