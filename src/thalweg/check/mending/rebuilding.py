"""The subject made anew from an edited text: its functions and classes, in the namespace from which they came.

Only definitions and assignments of plain values are executed again, and whatever was edited: a notebook that trains for
a minute is not trained anew for a changed line of its optimizer.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, final

from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.signature import Signature
from thalweg.check.subjects.source import namespace_of
from thalweg.check.subjects.subject import CannotRun, Subject

PLAIN = frozenset({
    "dict", "list", "set", "tuple", "float", "int", "zeros", "ones", "zeros_like", "ones_like", "array", "full",
    "defaultdict", "deque", "OrderedDict",
})  # fmt: skip
"""What an assignment may call and still be executed again."""


@final
@dataclass(frozen=True)
class _Piece:
    """A statement of a module's top level: its lines, counted from 0, its code, and whether it is executed again."""

    first: int
    stop: int
    code: CodeType
    again: bool


@final
class Rebuilder:
    """Makes the subject of an edited text, played in the way that was settled for the user's own text.

    Parameters
    ----------
    subject : Subject
        Any dataclass, in which functions and classes of the text stand at any depth.

    Raises
    ------
    CannotRun
        There is no text, or nothing in the subject is made by it alone.
    """

    def __init__(self, subject: Subject) -> None:
        if subject.source is None:
            raise CannotRun("there is no text to edit")
        self.subject, self.source = subject, subject.source
        self.spaces: dict[int, Mapping[str, Any]] = {}
        self.paths: dict[int, tuple[int, tuple[str, ...]]] = {}
        try:
            self.defined = tuple(_defined(ast.parse(self.source.text)))
        except (SyntaxError, ValueError, RecursionError):
            raise CannotRun("the text is no module of its own") from None
        self._walk(subject, self._known)
        if not self.paths:
            raise CannotRun("the code is not made by its text alone")

    def rebuilt(self, text: str) -> Subject:
        """Return the subject that an edited text makes.

        Raises
        ------
        Exception
            Whatever the edited text raises.
        """
        made = {key: executed(self.source.text, text, space, self.source.path) for key, space in self.spaces.items()}

        def anew(value: Any) -> Any:
            key, path = self.paths.get(id(value), (0, ()))
            return _looked_up(made[key], path) if path else value

        subject: Subject = self._walk(self.subject, anew)
        return replace(subject, source=replace(self.source, text=text))

    def _known(self, value: Any) -> Any:
        """Note where a function or class comes from."""
        space = namespace_of(value)
        for name in self.defined if space is not None else ():
            held = space.get(name) if space is not None else None
            inner = next((k for k, v in vars(held).items() if v is value), None) if isinstance(held, type) else None
            if held is value or inner is not None:
                self.spaces[id(space)] = space or {}
                self.paths[id(value)] = (id(space), (name,) if inner is None else (name, inner))
        return value

    def _walk(self, value: Any, change: Callable[[Any], Any]) -> Any:
        """Return a value in which every function and class is changed; itself where none is."""
        if isinstance(value, FunctionType | type):
            return change(value)
        if isinstance(value, functools.partial):
            func = self._walk(value.func, change)
            return value if func is value.func else functools.partial(func, *value.args, **value.keywords)
        if isinstance(value, Beginning):
            function: Any = self._walk(value.functions[0], change) if value.functions else None
            return value if not value.functions or function is value.functions[0] else Beginning(function)
        if isinstance(value, Signature):
            function = self._walk(value.function, change)
            return value if function is value.function else _signed(value, function)
        if isinstance(value, tuple):
            parts = [self._walk(part, change) for part in value]
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else tuple(parts)
        if is_dataclass(value) and (isinstance(value, Subject) or type(value).__module__.startswith("thalweg.")):
            changed = {f.name: self._walk(getattr(value, f.name), change) for f in fields(value) if f.init}
            changed = {name: new for name, new in changed.items() if new is not getattr(value, name)}
            return replace(value, **changed) if changed else value  # type: ignore[type-var]
        return self._walked_object(value, change)

    def _walked_object(self, value: Any, change: Callable[[Any], Any]) -> Any:
        """Return a live object as one of the edited class."""
        kind = type(value)
        if kind.__module__.startswith(("thalweg.", "builtins", "numpy")):
            return value
        new = change(kind)
        if new is kind:
            return value
        made = copy(value)
        made.__class__ = new
        return made


def _signed(signature: Signature, function: Any) -> Signature:
    """Return a signature of the same arguments for another function, with its own defaults."""
    parameters = inspect.signature(function).parameters
    arguments = tuple(
        replace(a, default=parameters[a.name].default) if a.name in parameters else a for a in signature.arguments
    )
    return replace(signature, function=function, arguments=arguments)


def _defined(tree: ast.Module | ast.If) -> Iterator[str]:
    """Yield the names that a module's text defines."""
    for node in tree.body:
        if isinstance(node, ast.If):
            yield from _defined(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def executed(text: str, edited: str, namespace: Mapping[str, Any], filename: str) -> dict[str, Any]:
    """Return the namespace that an edited text makes of the one that the text had made.

    Raises
    ------
    Exception
        Whatever the edited text raises.
    """
    made = dict(namespace)
    old, new = text.splitlines(keepends=True), edited.splitlines(keepends=True)
    same = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    most = min(len(old), len(new)) - same
    tail = next((k for k in range(most) if old[-1 - k] != new[-1 - k]), most)
    pieces = _pieces(text, filename)
    touched = [p for p in pieces if p.first < len(old) - tail and p.stop > same]
    first = min([same, *(p.first for p in touched)])
    stop = max([len(old) - tail, *(p.stop for p in touched)])
    fresh = "\n" * first + "".join(new[first : stop + len(new) - len(old)]) if old != new else ""
    changed = compile(fresh, filename, "exec") if fresh.strip() else None
    for piece in pieces:
        if changed is not None and piece.first >= first:
            exec(changed, made)  # noqa: S102 - the user's own text, in the process in which it was run before
            changed = None
        if piece.again and piece not in touched:
            with contextlib.suppress(Exception):  # what cannot be executed twice stays as it was
                exec(piece.code, made)  # noqa: S102 - the same
    if changed is not None:
        exec(changed, made)  # noqa: S102 - the same
    return made


@lru_cache(maxsize=4)
def _pieces(text: str, filename: str) -> tuple[_Piece, ...]:
    found = []
    for node in ast.parse(text).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        code = compile(ast.Module([node], []), filename, "exec")
        found.append(_Piece(first, node.end_lineno or node.lineno, code, _again(node)))
    return tuple(found)


def _again(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return True
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    calls = [n.func for n in ast.walk(node.value) if isinstance(n, ast.Call)]
    called = {f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else "" for f in calls}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return called <= PLAIN and all(isinstance(target, ast.Name | ast.Tuple) for target in targets)


def _looked_up(namespace: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = namespace.get(path[0])
    for name in path[1:]:
        found = getattr(found, name, None)
    return found
