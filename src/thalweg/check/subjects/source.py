"""The text in which a function or class was written, as far as Python knows it."""

from __future__ import annotations

import inspect
import linecache
from types import FunctionType
from typing import Any

from thalweg.check.subjects.subject import Source


def written(update: Any) -> Source | None:
    """Return the file, or the cell of a notebook, in which something was written; None where there is none.

    Parameters
    ----------
    update : function, method, class or object
        Of an object, its class is looked for.
    """
    while hasattr(update, "func"):  # functools.partial
        update = update.func
    update = inspect.unwrap(getattr(update, "__func__", update)) if callable(update) else update
    if not (inspect.isroutine(update) or isinstance(update, type)):
        update = type(update)
    try:
        path = inspect.getsourcefile(update)
    except (TypeError, OSError):
        return None
    lines = linecache.getlines(path) if path else []
    return Source(str(path), "".join(lines)) if lines else None


def namespace_of(value: object) -> dict[str, Any] | None:
    """Return the globals in which a function, or a class's methods, were defined; None for anything else."""
    if isinstance(value, FunctionType):
        return value.__globals__
    if isinstance(value, type):
        return next((member.__globals__ for member in vars(value).values() if isinstance(member, FunctionType)), None)
    return None
