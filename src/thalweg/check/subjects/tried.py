"""Whether something is an update rule, where no name says so: it is played, and seen to go where gradients send it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from thalweg.check.subjects import adapt
from thalweg.check.subjects.anatomy import Anatomy
from thalweg.check.subjects.behaviour import descends
from thalweg.check.subjects.code import Code
from thalweg.check.subjects.play import Plan
from thalweg.check.subjects.signature import signature_of
from thalweg.check.subjects.subject import CannotRun, Source

MOST = 12
"""How many functions and classes of a file are played for it."""


def that_descend(own: Mapping[str, Any], source: Source | None) -> Iterator[tuple[str, Any]]:
    """Yield what moves parameters by its gradients, by name.

    Parameters
    ----------
    own : mapping
        Functions and classes.
    source : Source or None

    Yields
    ------
    tuple of (str, object)
    """
    tried = 0
    for name, value in own.items():
        if not _holds_a_number(value, source) or tried >= MOST:
            continue
        tried += 1
        try:
            subject = adapt(value, source=source)
        except (CannotRun, ValueError, TypeError):
            continue
        if isinstance(subject, Code) and isinstance(subject.plans[0], Plan) and descends(subject.plans[0], source):
            yield name, value


def _holds_a_number(value: Any, source: Source | None) -> bool:
    """Whether a fraction stands in a text, as an argument's default or for itself: how far to go is one."""
    functions = [f for f in vars(value).values() if inspect.isfunction(f)] if isinstance(value, type) else [value]
    for function in functions:
        try:
            signature = signature_of(function, source)
        except (ValueError, TypeError):
            continue
        if len(signature.arguments) > 4 or any(isinstance(a.default, float) for a in signature.arguments):
            return True
        if _has_fraction(signature.anatomy):
            return True
    return False


def _has_fraction(anatomy: Anatomy) -> bool:
    nodes = ast.walk(anatomy.tree) if anatomy.tree is not None else ()
    return any(isinstance(node, ast.Constant) and isinstance(node.value, float) for node in nodes)
