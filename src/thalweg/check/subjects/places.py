"""Where the new parameters are found after a step: returned, written to, kept in an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.answers import Layer, Model
from thalweg.check.subjects.stage import Stage

Where = Literal["result", "params", "instance", "memory"]
DEEP = 3
MANY = 80


@final
@dataclass(frozen=True)
class Place:
    """A way from what a step leaves behind to the new parameters.

    Parameters
    ----------
    where : {"result", "params", "instance", "memory"}
        Returned, the objects that were given, the object whose method was called, or its memory.
    path : tuple
        Indices, keys and names of attributes to follow.
    gathered : tuple of int
        Positions of separate arrays among what was found.
    """

    where: Where
    path: tuple[Any, ...] = ()
    gathered: tuple[int, ...] = ()

    def fetch(self, stage: Stage, result: Any, part: int) -> Any:
        """Follow the way; None where it ends."""
        root: Any = {
            "result": result, "params": stage.params[part], "instance": stage.instance, "memory": stage.memory[part]
        }[self.where]  # fmt: skip
        found = follow(root, self.path)
        if self.gathered and isinstance(found, list | tuple) and len(found) > max(self.gathered):
            return tuple(found[k] for k in self.gathered)
        return found


def aside(path: tuple[Any, ...]) -> bool:
    """Whether the names on a way say that something else lies at its end: a gradient, a memory, a value."""
    others = (words.GRADIENTS, words.FUNCTION, words.OBJECTIVE, words.MEMORY, words.BOTH)
    return any(isinstance(step, str) and words.role_of(step) in others for step in path[-1:])


def follow(root: Any, path: tuple[Any, ...]) -> Any:
    """Return what lies at the end of a path; None where it ends before."""
    for step in path:
        try:
            named = isinstance(step, str) and not isinstance(root, Mapping)
            root = getattr(root, step) if named else root[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            return None
    return root


def paths(root: Any, depth: int = DEEP) -> Iterator[tuple[Any, ...]]:
    """Yield the ways into a value, the shortest first."""
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(root, ())]
    count = 0
    while waiting and count < MANY:
        value, path = waiting.pop(0)
        count += 1
        yield path
        if len(path) < depth:
            waiting += [(child, (*path, step)) for step, child in _children(value)]


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from list(value.items())[:30]
    elif isinstance(value, list | tuple):
        if isinstance(value, list) and len(value) > 1:
            yield -1, value[-1]  # the end of what grows
        yield from list(enumerate(value))[:30]
    elif isinstance(value, Layer | Model | np.ndarray | str | type) or callable(value):
        return
    elif hasattr(value, "__dict__"):
        yield from list(vars(value).items())[:40]
