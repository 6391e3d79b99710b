"""Functions and classes that hold several rules: one is chosen by a string, or by a setting that is off."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from thalweg.check.subjects import words
from thalweg.check.subjects.anatomy import dissect
from thalweg.check.subjects.signature import Argument, signature_of
from thalweg.check.subjects.subject import Source

Settings = tuple[tuple[str, Any], ...]
_SWITCHES = {"nesterov": "nesterov", "amsgrad": "amsgrad", "centered": "rmsprop", "centred": "rmsprop"}
"""What may be switched on, and the rule that it makes."""


@final
@dataclass(frozen=True)
class Choice:
    """One of the rules that a function or a class offers.

    Parameters
    ----------
    update : callable
        The function or class.
    settings : tuple of (str, object)
        What is chosen, by the names of its arguments.
    hint : str or None
        The rule that this promises.
    """

    update: Callable[..., Any]
    settings: Settings
    hint: str | None = None

    @property
    def made(self) -> Callable[..., Any]:
        """The function or class, with the choice made."""
        return partial(self.update, **dict(self.settings))

    def named(self, name: str) -> str:
        """Return how one would write it.

        Examples
        --------
        >>> Choice(print, (("kind", "adam"),)).named("update")
        "update(kind='adam')"
        """
        return f"{name}({', '.join(f'{argument}={value!r}' for argument, value in self.settings)})"


def choices_of(update: Any, source: Source | None = None) -> Iterator[Choice]:
    """Yield the rules that a function or class offers, the one of its defaults first; nothing where it is but one.

    Examples
    --------
    >>> def update(kind, w, g):
    ...     return w - g if kind == "sgd" else w
    >>> [choice.named("update") for choice in choices_of(update)]
    ["update(kind='sgd')"]
    >>> def sgd(w, g, v, momentum=0.0, nesterov=False): ...
    >>> [choice.named("sgd") for choice in choices_of(sgd)]
    ['sgd()', 'sgd(momentum=0.9)', 'sgd(momentum=0.9, nesterov=True)']
    """
    functions = [f for f in vars(update).values() if inspect.isfunction(f)] if isinstance(update, type) else [update]
    if not all(inspect.isfunction(f) for f in functions):
        return
    try:
        arguments = signature_of(update, source).arguments
    except (ValueError, TypeError):
        return
    for argument in arguments:
        options = _options(argument, update, source)
        if options and (argument.required or any(words.promised(option) for option in options)):
            first = [argument.default] if argument.default in options else []
            for option in dict.fromkeys([*first, *options]):
                yield Choice(update, ((argument.name, option),), words.promised(option))
            return
    off = [a for a in arguments if a.role == "momentum" and not a.required and a.default in (0, None)]
    moving = tuple((a.name, words.USUAL["momentum"]) for a in off if a.default is not False)
    switches = [a for a in arguments if a.default is False and a.name.lower().removeprefix("use_") in _SWITCHES]
    if moving or switches:
        yield Choice(update, ())
    if moving:
        yield Choice(update, moving, "momentum")
    for a in switches:
        yield Choice(update, (*moving, (a.name, True)), _SWITCHES[a.name.lower().removeprefix("use_")])


def _options(argument: Argument, update: Any, source: Source | None) -> list[str]:
    """Return the strings with which an argument, or the attribute that keeps it, is compared."""
    options = list(argument.use.choices)
    held = [f for f in vars(update).values() if inspect.isfunction(f)] if isinstance(update, type) else []
    for anatomy in (dissect(f, source) for f in held):
        for name in (argument.name, f"self.{argument.name}", f"self._{argument.name}"):
            options += [text for text in anatomy.use(name).choices if text not in options]
    return options
