"""With which numbers a file calls its own functions and classes: what the author means where there is no default."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from thalweg.check.subjects.subject import Source

Numbers = Mapping[str | int, float]
"""Numbers by the name of the argument, or by its position."""


def called_with(name: str, source: Source | None) -> Numbers:
    r"""Return the plain numbers in the first call of a name in a text.

    Examples
    --------
    >>> called_with("sgd", Source("a.py", "rate = 0.5\ndef sgd(w, g, lr): ...\nsgd(w, g, rate)"))
    {2: 0.5}
    """
    return {} if source is None else dict(_calls(source.text).get(name, {}))


@lru_cache(maxsize=8)
def _calls(text: str) -> dict[str, Numbers]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    known = _plain_names(tree)
    found: dict[str, Numbers] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given: dict[str | int, float] = {}
            if not any(isinstance(arg, ast.Starred) for arg in node.args):
                given.update({k: v for k, arg in enumerate(node.args) if (v := _number(arg, known)) is not None})
            given.update({k.arg: v for k in node.keywords if k.arg and (v := _number(k.value, known)) is not None})
            if given:
                found.setdefault(name, given)
    return found


def _plain_names(tree: ast.Module) -> dict[str, float]:
    """Return the names that are given one plain number in the whole text, and nothing else."""
    held: dict[str, float | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(t, node.value) for t in node.targets]
            for target, value in pairs:
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs += list(zip(target.elts, value.elts, strict=False))
                elif isinstance(target, ast.Name):
                    number = _number(value, {})
                    held[target.id] = number if held.get(target.id, number) == number else None
        elif isinstance(node, ast.AugAssign | ast.For) and isinstance(node.target, ast.Name):
            held[node.target.id] = None
    return {name: number for name, number in held.items() if number is not None}


def _number(node: ast.expr, known: Mapping[str, float]) -> float | None:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
