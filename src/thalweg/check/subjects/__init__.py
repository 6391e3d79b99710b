"""What is examined: functions, classes and whole loops in whatever style people write them, made playable."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import FunctionActor
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.choices import Choice
from thalweg.check.subjects.classes import Method, class_plans, object_plans
from thalweg.check.subjects.code import made_of
from thalweg.check.subjects.factories import factory_plans, generator_plans, is_factory
from thalweg.check.subjects.formulas import formula_subject
from thalweg.check.subjects.functions import bare, function_plans
from thalweg.check.subjects.hints import hint_of
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.subjects.loops import LoopPlan, first_way, is_loop, loop_plans
from thalweg.check.subjects.play import Plan
from thalweg.check.subjects.signature import signature_of
from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.formulas.formula import Rule

__all__ = ["CannotRun", "Source", "Subject", "adapt"]


def adapt(
    update: Callable[..., Any] | object,
    *,
    rule: str | None = None,
    numbers: Mapping[str, float] | None = None,
    learning_rate_parameter: str | None = None,
    source: Source | None = None,
) -> Subject:
    """Make a piece of code playable.

    Parameters
    ----------
    update : callable or object
        What is examined.
    rule : str, optional
        The rule that it is meant to be.
    numbers : mapping, optional
        Hyperparameters by the names of our rules.
    learning_rate_parameter : str, optional
        Its parameter or attribute that is the learning rate.
    source : Source, optional
        Its text; looked for when None.

    Returns
    -------
    Subject

    Raises
    ------
    CannotRun
        It is nothing that could be played.
    """
    made = live(update)
    if made is not None:
        return replace(made, hint=rule or made.hint, numbers={**made.numbers, **(numbers or {})})
    if isinstance(update, Rule):
        formula = formula_subject(update, rule)
        return replace(formula, numbers={**formula.numbers, **(numbers or {})}, source=source)
    given, rate = dict(numbers or {}), learning_rate_parameter
    if isinstance(update, Choice):
        chosen = rule or update.hint or hint_of(update.update, source)
        return _chosen(update, chosen, given, rate, source)
    update = getattr(update, "py_func", update)  # what Numba has compiled is read and played as Python
    name = getattr(update, "__name__", None) or type(update).__name__
    hint = rule or hint_of(update, source)
    plans: tuple[Plan | LoopPlan, ...]
    if isinstance(update, Method):
        plans = class_plans(update.kind, given, rate, source, update.name)
    elif isinstance(update, type):
        plans = class_plans(update, given, rate, source)
    elif inspect.ismethod(update) and not isinstance(update.__self__, type):
        plans = object_plans(update.__self__, given, rate, source, update.__name__)
    elif inspect.isroutine(update) or hasattr(update, "func"):
        plans = _of_function(update, given, rate, source)
    else:
        plans = object_plans(update, given, rate, source)
    return made_of(name, plans, hint=hint, source=source, texts=(plans[0].actor.signature,))


def _chosen(
    choice: Choice, hint: str | None, given: Mapping[str, float], rate: str | None, source: Source | None
) -> Subject:
    """Play one of the rules that something offers."""
    plans: tuple[Plan | LoopPlan, ...]
    if isinstance(choice.update, type):
        plans = class_plans(choice.update, given, rate, source, None, choice.made)
    else:
        plans = _of_function(choice.made, given, rate, source)
    name = getattr(choice.update, "__name__", type(choice.update).__name__)
    return made_of(choice.named(name), plans, hint=hint, source=source, texts=(plans[0].actor.signature,))


def _of_function(
    function: Any, given: Mapping[str, float], rate: str | None, source: Source | None
) -> tuple[Plan | LoopPlan, ...]:
    """Play a function as what it looks like: a generator, a whole loop, a maker of functions, a step."""
    own = bare(function)
    if inspect.isgeneratorfunction(own):
        return generator_plans(function, given, rate, source)
    signature = signature_of(function, source, rate, own)
    if signature.has(words.DATA) and not signature.has(words.GRADIENTS, words.FUNCTION, words.BOTH):
        raise CannotRun("it makes its gradients itself, of data: only code that is given them can be followed")
    ways: list[Callable[[], tuple[Plan | LoopPlan, ...]]] = []
    if is_loop(signature):
        actors = iter([FunctionActor(signature, Beginning(own))])
        ways.append(lambda: loop_plans(actors, given, rate, source))
    if is_factory(signature):
        ways.append(lambda: factory_plans(function, given, rate, source))
    if not is_factory(signature) or signature.has(words.GRADIENTS):
        ways.append(lambda: function_plans(function, given, rate, source, _neighbours(function)))
    return first_way(ways)


def _neighbours(function: Any) -> list[Callable[..., Any]]:
    """Return the other functions of a function's module."""
    own = inspect.unwrap(bare(function))
    space = getattr(own, "__globals__", {})
    home = getattr(own, "__module__", None)
    return [f for f in list(space.values()) if inspect.isfunction(f) and f is not own and f.__module__ == home]
