"""Which rule a piece of code says it is: by its name, its class, its documentation, its file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from thalweg.check.subjects.subject import Source
from thalweg.check.subjects.words import promised


def hint_of(update: Any, source: Source | None = None) -> str | None:
    """Return the rule that the code promises, or None.

    Examples
    --------
    >>> def my_rmsprop_step(w, dw): ...
    >>> hint_of(my_rmsprop_step)
    'rmsprop'
    """
    owner = getattr(update, "__self__", None)
    names = [getattr(update, "__name__", ""), getattr(type(owner), "__name__", "") if owner is not None else ""]
    if not isinstance(update, type) and not inspect.isroutine(update):
        names.append(type(update).__name__)
    for name in names:
        if (rule := promised(name)) is not None and rule != "gradient_descent":
            return rule
    documented = inspect.getdoc(update) if isinstance(update, type) or inspect.isroutine(update) else None
    first = next((line for line in (documented or "").splitlines() if line.strip()), "")
    if (rule := promised(first)) is not None:
        return rule
    for name in names:
        if (rule := promised(name)) is not None:
            return rule
    return promised(Path(source.path).stem) if source is not None else None
