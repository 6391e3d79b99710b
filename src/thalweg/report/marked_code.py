"""A person's code with marks at its lines: what is wrong, what would be right, where to look."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from thalweg.check.subjects.subject import Source

_AROUND = 8  # lines of code before and after a marked one, where the code is long
_MOST = 60  # lines that are shown whole


def marked_code(
    source: Source | None, name: str, mends: Sequence[Mapping[str, Any]], looks: Sequence[int] = ()
) -> list[tuple[str, str, str]]:
    """Return lines of a person's code.

    Parameters
    ----------
    source : Source or None
    name : str
        Of the function, class or method that is shown.
    mends : sequence of mapping
        Each with ``line``, ``found`` and ``right``.
    looks : sequence of int
        Further lines of the file that are marked.

    Returns
    -------
    list of (str, str, str)
        What the line is ("" as it is, "-" wrong, "+" right in its place, ">" to be looked at, "gap" left out), its
        number and its text.
    """
    if source is None:
        return []
    lines = source.text.split("\n")
    here: dict[int, list[Mapping[str, Any]]] = {}
    for mend in mends:
        here.setdefault(int(mend["line"]) - source.first_line + 1, []).append(mend)
    looked = {line - source.first_line + 1 for line in looks}
    wanted = _wanted(source.text, name, len(lines), here.keys() | looked)
    found: list[tuple[str, str, str]] = []
    before = gone = 0
    come: list[str] = []
    for at in sorted(wanted):
        if before and at != before + 1:
            found.append(("gap", "", "..."))
        before = at
        for mend in here.get(at, ()):
            if mend["found"]:
                gone, come = len(mend["found"].split("\n")), mend["right"].splitlines()
            else:
                found += [("+", "", line) for line in mend["right"].splitlines()]
        if at > len(lines):
            break
        kind = "-" if gone else ">" if at in looked else ""
        found.append((kind, source.where(at).rpartition(":")[2].rpartition("line ")[2], lines[at - 1]))
        if gone:
            gone -= 1
            if gone == 0:
                found += [("+", "", line) for line in come]
    return found


def _wanted(text: str, name: str, count: int, marked: set[int]) -> set[int]:
    """Return the lines that are shown: those of the function where it is short, and those around marks."""
    begin, end = _extent(text, name) or (1, count)
    end = min(end, count)
    wanted = set(range(begin, end + 1)) if end - begin < _MOST else set()
    for at in marked:
        low, high = (begin, end) if begin <= at <= end else (1, count)
        wanted |= set(range(max(at - _AROUND, low), min(at + _AROUND, high) + 1))
    return wanted or set(range(begin, begin + _MOST))


def _extent(text: str, name: str) -> tuple[int, int] | None:
    """Return the lines of a function, class or method by its name."""
    try:
        tree: ast.AST = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = None
    for part in name.split("."):
        inner = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == part
        ]
        if not inner:
            break
        tree = found = inner[-1]
    return None if found is None else (found.lineno, found.end_lineno or found.lineno)
