"""Which lines of a backward pass could be the ones: what all wrong blocks are made of, and no right one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

from thalweg.check.subjects.gradients.binding import returned_names, tree_of
from thalweg.check.subjects.gradients.names import of_gradient, words

MOST = 4


@final
@dataclass(frozen=True)
class Statement:
    """An assignment or a return: where it stands, what it sets, what it is made of, whether it computes anything."""

    line: int
    text: str
    sets: tuple[str, ...]
    uses: frozenset[str]
    works: bool = True


def suspects(
    functions: Sequence[Callable[..., Any]], wrong: Sequence[str], right: Sequence[str]
) -> tuple[tuple[int, str], ...]:
    """Return the lines to look at: number in the file, and text.

    Parameters
    ----------
    functions : sequence of callable
        In which the gradients are computed.
    wrong, right : sequence of str
        Blocks of parameters.

    Returns
    -------
    tuple of (int, str)
        In the order of the file, at most four.
    """
    statements = [s for f in functions for s in _statements(f)]
    if not statements:
        return ()
    firsts = [name for f in functions for name in returned_names(f)[:1] if name]
    bad = [_made_of(_own(statements, block, firsts), statements) for block in wrong]
    good = set().union(*(_made_of(_own(statements, block, firsts), statements) for block in right)) if right else set()
    bad = [lines for lines in bad if lines]
    if not bad:
        ends = [s for s in statements if not s.sets][-1:]
        return tuple((s.line, s.text) for s in ends)
    shared = set.intersection(*bad) - good
    if not right:  # with nothing to tell them apart by, the errors that all are made of
        shared = {s for s in shared if any(_is_gradient(name) for name in s.sets)}
    seeds = {s for block in wrong for s in _own(statements, block, firsts)} - good
    chosen = {s for s in shared if s.works} or {s for s in seeds if s.works} or shared or seeds
    return tuple(dict.fromkeys((s.line, s.text) for s in sorted(chosen, key=lambda s: s.line)))[:MOST]


def _keeps_gradients(name: str) -> bool:
    return bool(set(words(name)) & {"grad", "grads", "gradient", "gradients"})


def _is_gradient(name: str) -> bool:
    return of_gradient(name) != name.lower() or bool(set(words(name)) & {"grad", "delta", "error", "gradient"})


def _statements(function: Callable[..., Any]) -> Iterable[Statement]:
    tree = tree_of(function)
    if tree is None:
        return
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(function))
    except (OSError, TypeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            sets = [name for target in targets for name in _names_set(target)]
            values = _paired(targets, node.value)
            for name in sets:
                value = values.get(name, node.value)
                uses = _uses(value) | (_uses(node.target) if isinstance(node, ast.AugAssign) else frozenset())
                works = isinstance(node, ast.AugAssign) or _works(value)
                yield Statement(first + node.lineno - 1, lines[node.lineno - 1].strip(), (name,), uses, works)
            if isinstance(node.value, ast.Dict):
                yield from _of_dictionary(node.value, first, lines)
        elif isinstance(node, ast.Return) and node.value is not None:
            if isinstance(node.value, ast.Dict):
                yield from _of_dictionary(node.value, first, lines)
            yield Statement(first + node.lineno - 1, lines[node.lineno - 1].strip(), (), _uses(node.value))


def _works(value: ast.expr) -> bool:
    return not isinstance(value, (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.Dict))


def _paired(targets: Sequence[ast.expr], value: ast.expr) -> dict[str, ast.expr]:
    """Return the values of ``a, b = 1, 2`` by name."""
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(targets[0].elts, value.elts, strict=False)
        return {n: v for t, v in pairs for n in _names_set(t)}
    return {}


def _of_dictionary(node: ast.Dict, first: int, lines: Sequence[str]) -> Iterable[Statement]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and not isinstance(value, ast.Name):
            yield Statement(first + value.lineno - 1, lines[value.lineno - 1].strip(), (key.value,), _uses(value))


def _names_set(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Attribute):
        return [target.attr]
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for each in target.elts for name in _names_set(each)]
    if isinstance(target, ast.Subscript):
        key = target.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            kept = isinstance(target.value, (ast.Name, ast.Attribute)) and _keeps_gradients(_names_set(target.value)[0])
            return [f"d{key.value}" if kept and not _is_gradient(key.value) else key.value]
        if isinstance(key, ast.BinOp) and isinstance(key.left, ast.Constant):
            return [str(key.left.value)]
        if isinstance(key, ast.JoinedStr) and key.values and isinstance(key.values[0], ast.Constant):
            return [str(key.values[0].value)]
        return _names_set(target.value)
    return []


def _uses(node: ast.AST) -> frozenset[str]:
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
            found.add(str(each.slice.value))
    return frozenset(found)


def _own(statements: Sequence[Statement], block: str, firsts: Sequence[str]) -> set[Statement]:
    """Return the statements that set the gradient of a block; that of a layer's input is what is returned first."""
    if block == "input":
        return {s for s in statements for n in s.sets if n in firsts}
    low = block.replace("]", "").replace("[", ".").split(".")[-1].lower()
    name = low if not low.isdigit() else block.split("[", maxsplit=1)[0].lower()
    exact = {s for s in statements for n in s.sets if of_gradient(n) == name and n.lower() != name}
    if exact:
        return exact
    letters = name.rstrip("0123456789_")
    return {s for s in statements for n in s.sets if of_gradient(n) in (letters, name[:1]) and n.lower() != letters}


def _made_of(seeds: set[Statement], statements: Sequence[Statement]) -> set[Statement]:
    """Return the statements that these are made of, themselves included."""
    found, waiting = set(seeds), list(seeds)
    while waiting:
        for name in waiting.pop().uses:
            for s in statements:
                if name in s.sets and s not in found:
                    found.add(s)
                    waiting.append(s)
    return found
