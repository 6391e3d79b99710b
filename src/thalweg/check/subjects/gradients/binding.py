"""Calling a stranger's function: which of its arguments is which, and what came back under which name."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from thalweg.check.subjects.gradients.names import plain, role

Known = Mapping[str, Any]


class UnboundError(Exception):
    """An argument for which nothing is known."""

    def __init__(self, function: str, argument: str) -> None:
        super().__init__(function, argument)
        self.function, self.argument = function, argument


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return the arguments of a function that have a name; none where it does not tell."""
    try:
        told = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    gathering = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: each for name, each in told.items() if each.kind not in gathering}


def needed(function: Any) -> list[str]:
    """Return the names of the arguments that have no default."""
    return [name for name, each in parameters(function).items() if each.default is inspect.Parameter.empty]


def roles(function: Any) -> dict[str, str]:
    """Return what the arguments of a function are, by name."""
    return {name: role(name) for name in parameters(function)}


def arguments(function: Any, known: Known, by_role: Known) -> dict[str, Any]:
    """Return what a function is to be called with.

    An argument takes the value of its own name, else that of its role, else its default, else what the file has under
    that name.

    Raises
    ------
    UnboundError
        For one that has none of these.
    """
    given: dict[str, Any] = {}
    lowered = {plain(name): value for name, value in known.items()}
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for name, each in parameters(function).items():
        if name in known:
            given[name] = known[name]
        elif plain(name) in lowered:
            given[name] = lowered[plain(name)]
        elif role(name) in by_role and not _is_a_number_by_itself(each):
            given[name] = by_role[role(name)]
        elif each.default is not inspect.Parameter.empty:
            continue
        elif name in scope and isinstance(scope[name], (int, float, str, list, tuple, dict, np.ndarray)):
            given[name] = scope[name]
        else:
            raise UnboundError(getattr(function, "__name__", "the function"), name)
    return given


def _is_a_number_by_itself(each: inspect.Parameter) -> bool:
    """Tell whether an argument named like the parameters is none of them: ``p=0.8`` is a probability."""
    return role(each.name) == "parameters" and isinstance(each.default, (int, float))


def called(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Call a function with arguments by name; those that take no names are given in order."""
    told = parameters(function)
    first = [given[name] for name, each in told.items() if each.kind is inspect.Parameter.POSITIONAL_ONLY]
    only = inspect.Parameter.POSITIONAL_ONLY
    named = {name: value for name, value in given.items() if told[name].kind is not only}
    return function(*first, **named)


def tree_of(function: Any) -> ast.FunctionDef | None:
    """Return the syntax tree of a function, or None where its text cannot be had."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else _tree(code)


@lru_cache(256)
def _tree(code: CodeType) -> ast.FunctionDef | None:
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    except (OSError, TypeError, SyntaxError, IndentationError):
        return None
    return body[0] if body and isinstance(body[0], ast.FunctionDef) else None


def returned_names(function: Any) -> tuple[str | None, ...]:
    """Return the names of what a function returns as a tuple: ``return dw, db`` gives ``("dw", "db")``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return () if code is None else _returned(code)


def names_within(function: Any) -> tuple[tuple[str, ...], ...]:
    """Return the names in each part of what a function returns together: ``return loss, [dW, db]``."""
    tree = tree_of(function)
    found = [value for value in _returns(tree) if isinstance(value, (ast.Tuple, ast.List))] if tree else []
    return tuple(tuple(_inside(part)) for part in found[-1].elts) if found else ()


def _inside(part: ast.expr) -> list[str]:
    if isinstance(part, ast.Dict):
        keys = [str(key.value) for key in part.keys if isinstance(key, ast.Constant)]
        return [*keys, *(value.id for value in part.values if isinstance(value, ast.Name))]
    parts = part.elts if isinstance(part, (ast.Tuple, ast.List)) else [part]
    return [each.id for each in parts if isinstance(each, ast.Name)]


@lru_cache(256)
def _returned(code: CodeType) -> tuple[str | None, ...]:
    tree = _tree(code)
    if tree is None:
        return ()
    found = _returns(tree)
    tuples = [value for value in found if isinstance(value, (ast.Tuple, ast.List))]
    if tuples:
        return tuple(element.id if isinstance(element, ast.Name) else None for element in tuples[-1].elts)
    names = [value.id for value in found if isinstance(value, ast.Name)]
    return tuple(names[-1:])


def _returns(tree: ast.FunctionDef) -> list[ast.expr | None]:
    """Return what a function returns, not those inside it."""
    inner = {
        id(node)
        for f in ast.walk(tree)
        if isinstance(f, (ast.FunctionDef, ast.Lambda)) and f is not tree
        for node in ast.walk(f)
    }
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and id(node) not in inner]


def keys_of(function: Any, argument: str) -> list[str]:
    """Return the names under which a function reads an argument: keys of a dictionary, or names it is unpacked into."""
    tree = tree_of(function)
    if tree is None:
        return []
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == argument:
            key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found[key.value] = None
            elif isinstance(key, ast.BinOp) and isinstance(key.left, ast.Constant) and isinstance(key.left.value, str):
                found |= {f"{key.left.value}{k}": None for k in (1, 2)}
            elif isinstance(key, ast.JoinedStr) and key.values and isinstance(key.values[0], ast.Constant):
                found |= {f"{key.values[0].value!s}{k}": None for k in (1, 2)}
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == argument
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found[str(node.args[0].value)] = None
    return list(found)


def unpacked(function: Any, argument: str) -> list[str]:
    """Return the names into which a function unpacks an argument: ``W1, b1, W2, b2 = params``."""
    tree = tree_of(function)
    for node in ast.walk(tree) if tree is not None else ():
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], (ast.Tuple, ast.List))
            and isinstance(node.value, ast.Name)
            and node.value.id == argument
        ):
            return [element.id for element in node.targets[0].elts if isinstance(element, ast.Name)]
    return []


def choices_of(function: Any, argument: str) -> list[str]:
    """Return the texts with which a function compares an argument, such as ``"relu"`` and ``"sigmoid"``."""
    tree = tree_of(function)
    found: dict[str, None] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == argument:
            for other in node.comparators:
                listed = other.elts if isinstance(other, (ast.Tuple, ast.List, ast.Set)) else [other]
                found |= {e.value: None for e in listed if isinstance(e, ast.Constant) and isinstance(e.value, str)}
    return list(found)
