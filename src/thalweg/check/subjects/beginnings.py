"""A fresh start: what a function finds in its module, its closure and its defaults, as it was before anything ran."""

from __future__ import annotations

import contextlib
import dis
import inspect
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, final

import numpy as np

_FIXED = (ModuleType, BuiltinFunctionType, type, FunctionType, np.ufunc)
_MISSING: Any = object()
"""Stands for a name or a cell that held nothing."""


@final
class Beginning:
    """Everything that functions remember between calls: globals, closures, defaults, attributes.

    Taken once; every :meth:`restore` gives the functions copies of their own to change, and :meth:`leave` puts the
    objects back that were there, which no run has touched.

    Parameters
    ----------
    function : callable
        The function, and through the names in it the functions and classes of the same module that it uses.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        reached = list(_reached(function))
        self.functions = [one for one in reached if isinstance(one, FunctionType)]
        self.saved: list[tuple[Callable[[Any], None], Any]] = []
        seen: set[tuple[int, str]] = set()
        for kind in (one for one in reached if isinstance(one, type)):
            held = {k: v for k, v in vars(kind).items() if not k.startswith("__") and _is_data(v)}
            self.saved += [(_attribute_setter(kind, name), value) for name, value in held.items()]
        for one in self.functions:
            space, made = one.__globals__, _stored(one.__code__)
            for name in _names(one.__code__):
                known = name in space and _remembers(space[name])
                if (known or (name in made and name not in space)) and (id(space), name) not in seen:
                    seen.add((id(space), name))
                    self.saved.append((_setter(space, name), space.get(name, _MISSING)))
            for cell in one.__closure__ or ():
                value = _content(cell)
                if _remembers(value):
                    self.saved.append((_cell_setter(cell), value))
            if one.__defaults__ is not None:
                self.saved.append((_attribute_setter(one, "__defaults__"), one.__defaults__))
            if one.__kwdefaults__ is not None:
                self.saved.append((_attribute_setter(one, "__kwdefaults__"), one.__kwdefaults__))
        self.attributes = [(one, dict(one.__dict__)) for one in self.functions]

    def restore(self) -> None:
        """Make everything as it was, in copies."""
        memo: dict[int, Any] = {}
        for put, value in self.saved:
            put(_copied(value, memo))
        for one, held in self.attributes:
            one.__dict__.clear()
            one.__dict__.update({k: _copied(v, memo) if _remembers(v) else v for k, v in held.items()})

    def leave(self) -> None:
        """Put back the objects themselves."""
        for put, value in self.saved:
            put(value)
        for one, held in self.attributes:
            one.__dict__.clear()
            one.__dict__.update(held)

    @property
    def spaces(self) -> list[dict[str, Any]]:
        """The modules' names that the functions see."""
        return list({id(one.__globals__): one.__globals__ for one in self.functions}.values())

    def names(self) -> set[str]:
        """Return all global names that the functions use."""
        return {name for one in self.functions for name in _names(one.__code__)}


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    if value is _MISSING:
        return value
    try:
        return deepcopy(value, memo)
    except Exception:  # noqa: BLE001 - what cannot be copied (locks, generators) is shared by all runs
        return value


def _remembers(value: Any) -> bool:
    return not isinstance(value, _FIXED)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _setter(space: dict[str, Any], name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        if value is _MISSING:
            space.pop(name, None)
        else:
            space[name] = value

    return put


def _cell_setter(cell: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        if value is _MISSING:
            with contextlib.suppress(ValueError):  # it is empty
                del cell.cell_contents
        else:
            cell.cell_contents = value

    return put


def _attribute_setter(one: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(one, name, value)


def _names(code: CodeType) -> set[str]:
    """Return the global names and attributes that a code uses, nested functions included."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _stored(code: CodeType) -> set[str]:
    """Return the names that a code makes or changes in its module, nested functions included."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _stored(constant)
    return found


def _is_data(value: Any) -> bool:
    return value is None or isinstance(value, int | float | list | dict | set | np.ndarray)


def _reached(function: Callable[..., Any]) -> Iterator[FunctionType | type]:
    """Yield a function and the functions and classes of its module, its class and its closure that it may call."""
    waiting: list[Any] = [function]
    seen: set[int] = set()
    home = getattr(inspect.unwrap(function), "__module__", None)
    while waiting and len(seen) < 300:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, type):
            if one.__module__ == home:
                yield one
                waiting += [m for base in one.__mro__[:-1] for m in vars(base).values()]
            continue
        if isinstance(one, property):
            waiting += [one.fget, one.fset]
            continue
        one = getattr(one, "__func__", one)
        if not isinstance(one, FunctionType):
            if hasattr(one, "__wrapped__"):
                waiting.append(one.__wrapped__)
            continue
        if one.__module__ != home and one is not function:
            continue
        yield one
        waiting += [one.__globals__[n] for n in _names(one.__code__) if n in one.__globals__]
        waiting += [_content(cell) for cell in one.__closure__ or ()]
        if hasattr(one, "__wrapped__"):
            waiting.append(one.__wrapped__)
