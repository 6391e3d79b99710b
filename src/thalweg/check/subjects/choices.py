"""Functions and classes of which a string says which rule they follow: ``update(kind="adam", ...)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from thalweg.check.subjects.anatomy import dissect
from thalweg.check.subjects.signature import Argument, signature_of
from thalweg.check.subjects.subject import Source


@final
@dataclass(frozen=True)
class Choice:
    """One of the rules that a function or a class offers.

    Parameters
    ----------
    update : callable
        The function or class.
    argument : str
        Its argument that chooses.
    option : str
        What is chosen.
    """

    update: Callable[..., Any]
    argument: str
    option: str

    @property
    def made(self) -> Callable[..., Any]:
        """The function or class, with the choice made."""
        return partial(self.update, **{self.argument: self.option})


def options_of(update: Any, source: Source | None = None) -> Iterator[tuple[Argument, list[str]]]:
    """Yield the arguments of a function, or of a class's constructor, that are compared with strings.

    Examples
    --------
    >>> def update(kind, w, g):
    ...     return w - g if kind == "sgd" else w
    >>> [(argument.name, options) for argument, options in options_of(update)]
    [('kind', ['sgd'])]
    """
    try:
        signature = signature_of(update, source)
    except (ValueError, TypeError):
        return
    held = [f for f in vars(update).values() if inspect.isfunction(f)] if isinstance(update, type) else []
    anatomies = [dissect(f, source) for f in held]
    for argument in signature.arguments:
        options = list(argument.use.choices)
        for anatomy in anatomies:
            for name in (argument.name, f"self.{argument.name}", f"self._{argument.name}"):
                options += [text for text in anatomy.use(name).choices if text not in options]
        if options:
            yield argument, options
