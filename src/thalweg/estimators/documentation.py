"""Docstrings that are inherited: a parameter is documented by the class that has it, and told by all below it."""

from __future__ import annotations

import inspect
import re
from typing import TypeVar

from thalweg.estimators.base import DescentEstimator

E = TypeVar("E", bound=DescentEstimator)


def documented(kind: type[E]) -> type[E]:
    r'''Complete the docstring of an estimator by what the classes above it document.

    Parameters stand in the order of the signature, each in the words of the nearest class that has them; attributes and
    notes of the classes above follow its own. Without docstrings (``python -OO``) there is nothing to complete.

    Parameters
    ----------
    kind : subclass of DescentEstimator

    Returns
    -------
    kind
        The same class.

    Raises
    ------
    KeyError
        A parameter without documentation, when the class is made.

    Examples
    --------
    >>> @documented
    ... class Valley(DescentEstimator):
    ...     """A model.\n\nParameters\n----------\nwidth : int\n    Of its floor."""
    ...
    ...     def __init__(self, verbose=0, width=1): ...
    >>> print(*Valley.__doc__.splitlines()[4:8], sep="\n")
    verbose : int
        1 prints the loss of every epoch.
    width : int
        Of its floor.
    '''
    if not kind.__doc__:
        return kind
    line = [_sections(each) for each in kind.__mro__ if issubclass(each, DescentEstimator)]
    parameters, attributes = (_entries(line, title) for title in ("Parameters", "Attributes"))
    told = line[0] | {
        "Parameters": "\n".join(parameters[name] for name in inspect.signature(kind).parameters),
        "Attributes": "\n".join(attributes.values()),
        "Notes": "\n\n".join(sections["Notes"] for sections in line if "Notes" in sections),
    }
    order = ("", "Parameters", "Attributes", "Notes", *line[0])
    texts = {title: told[title] for title in order if told[title]}
    headed = (f"{title}\n{'-' * len(title)}\n{text}" if title else text for title, text in texts.items())
    kind.__doc__ = "\n\n".join(headed) + "\n"
    return kind


def _sections(kind: type) -> dict[str, str]:
    """Return the sections of a class's own docstring by title, what stands before them under none."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.cleandoc(vars(kind)["__doc__"] or ""), flags=re.MULTILINE)
    return {title: text.strip() for title, text in zip(("", *parts[1::2]), parts[::2], strict=True)}


def _entries(line: list[dict[str, str]], title: str) -> dict[str, str]:
    """Return what is documented in a section by name, with its name; the nearest class has the word."""
    found: dict[str, str] = {}
    for sections in line:
        for entry in re.split(r"^(?=\w+ : )", sections.get(title, ""), flags=re.MULTILINE)[1:]:
            found.setdefault(entry.partition(" : ")[0], entry.rstrip())
    return found
