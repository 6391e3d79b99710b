"""What is examined: functions, classes and whole loops in whatever style people write them, made playable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from thalweg.check.subjects.functions import ArrayFunction
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.subjects.subject import CannotRun, Source, Subject


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
    if not callable(update):
        raise CannotRun(f"a {type(update).__name__} cannot be called")
    return ArrayFunction.of(update, rule=rule, numbers=numbers or {}, rate_name=learning_rate_parameter, source=source)
