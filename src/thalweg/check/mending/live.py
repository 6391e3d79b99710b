"""Functions that are there already, given the code of an edited text for a while.

What calls them, and what they call, stays as it is: a network with its weights, a closure with its data.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, final

from thalweg.check.mending.splices import Splice, spliced
from thalweg.check.subjects.subject import Source


@final
class Live:
    """The functions of a file that was run.

    Parameters
    ----------
    scope : mapping
        The file's names after it ran.
    source : Source
        Its text; functions were compiled under ``source.path``.
    """

    def __init__(self, scope: Mapping[str, Any], source: Source) -> None:
        self.source = source
        self.functions: dict[str, list[FunctionType]] = {}
        for function in _functions(scope):
            if function.__code__.co_filename == source.path:
                self.functions.setdefault(function.__code__.co_qualname, []).append(function)
        self._tops = [(node, _first(node) - 1) for node in ast.parse(source.text).body]
        self._starts = [0]
        for line in source.text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    @contextlib.contextmanager
    def edited(self, splices: tuple[Splice, ...]) -> Iterator[bool]:
        """Let the functions run the text with these splices; tell whether any of them is changed by it.

        Raises
        ------
        SyntaxError
            The edited text is not Python.
        """
        before = {id(f): (f, f.__code__) for each in self.functions.values() for f in each}
        for code in self._codes(splices):
            for function in self.functions.get(code.co_qualname, ()):
                if function.__code__.co_freevars == code.co_freevars and _near(function.__code__, code):
                    function.__code__ = code
        try:
            yield any(f.__code__ is not code for f, code in before.values())
        finally:
            for function, own in before.values():
                function.__code__ = own

    def _codes(self, splices: tuple[Splice, ...]) -> Iterator[CodeType]:
        """Yield the codes of all functions in those statements of the top level that are edited."""
        for node, first in self._tops:
            start, end = self._starts[first], self._starts[node.end_lineno or node.lineno]
            own = tuple(
                Splice(s.start - start, s.end - start, s.text) for s in splices if start <= s.start and s.end <= end
            )
            text = spliced(self.source.text[start:end], own) if own else None
            if text is not None:
                yield from _inside(compile("\n" * first + text, self.source.path, "exec"))


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _near(old: CodeType, new: CodeType) -> bool:
    """Whether two codes of one name are of one definition: a text may define a name twice."""
    return abs(old.co_firstlineno - new.co_firstlineno) <= 2


def _functions(scope: Mapping[str, Any]) -> Iterator[FunctionType]:
    """Yield the functions of a module: its own, those in its classes, those that were made by others and kept."""
    for value in list(scope.values()):
        held = vars(value).values() if isinstance(value, type) else [value]
        for each in [*held, *(vars(value).values() if _is_plain(value) else ())]:
            inner = getattr(each, "__func__", None) or getattr(each, "fget", None) or each
            inner = getattr(inner, "__wrapped__", inner)
            if isinstance(inner, FunctionType):
                yield inner
                for cell in inner.__closure__ or ():
                    with contextlib.suppress(ValueError):
                        if isinstance(cell.cell_contents, FunctionType):
                            yield cell.cell_contents


def _is_plain(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value)
