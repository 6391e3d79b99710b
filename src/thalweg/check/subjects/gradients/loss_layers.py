"""Losses written as layers: forward is given scores and targets, backward nothing, for it keeps what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from thalweg.check.subjects.gradients.binding import needed, parameters
from thalweg.check.subjects.gradients.names import role

Function = Callable[..., Any]


def loss_layer(kind: type, told: Mapping[str, str]) -> tuple[Function, Function] | None:
    """Return a loss of two arguments and its derivative, made of a class; None where it is no such layer.

    Parameters
    ----------
    kind : type
    told : mapping of str
        Its methods, and what part in a gradient each has.

    Examples
    --------
    >>> class Half:
    ...     def forward(self, y_pred, y_true):
    ...         self.error = y_pred - y_true
    ...         return self.error**2 / 2
    ...     def backward(self):
    ...         return self.error
    >>> loss, derivative = loss_layer(Half, {"forward": "forward", "backward": "backward"})
    >>> derivative(y_pred=3.0, y_true=1.0)
    2.0
    """
    if needed(kind):
        return None
    ends = [name for name, said in told.items() if said == "backward" and not _own(kind, name)]
    starts = [name for name, said in told.items() if said in ("forward", "cost") and _is_loss(kind, name)]
    if not ends or not starts:
        return None
    forward, backward = starts[0], ends[0]

    def loss(**given: Any) -> Any:
        return getattr(kind(), forward)(**given)

    def derivative(**given: Any) -> Any:
        thing = kind()
        getattr(thing, forward)(**given)
        return getattr(thing, backward)()

    arguments = list(_own(kind, forward).values())
    for function in (loss, derivative):
        function.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined]
    return loss, derivative


def _own(kind: type, name: str) -> dict[str, inspect.Parameter]:
    """Return the arguments of a method beside the object."""
    told = parameters(getattr(kind, name))
    return {key: each for key, each in told.items() if key != "self"}


def _is_loss(kind: type, name: str) -> bool:
    own = [key for key, each in _own(kind, name).items() if each.default is inspect.Parameter.empty]
    return len(own) == 2 and any(role(key) == "targets" for key in own)
