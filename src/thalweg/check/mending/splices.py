"""Changes of a text at the places where its syntax tree says: everything else stays as its author wrote it."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import final


@final
@dataclass(frozen=True, order=True)
class Splice:
    """Text that takes the place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


Change = tuple[Splice, ...]
"""What is changed together."""


def spliced(text: str, splices: Iterable[Splice]) -> str | None:
    """Return the text with all splices, each once; None where two of them overlap.

    Examples
    --------
    >>> spliced("v = b * v + g", [Splice(12, 13, "g**2"), Splice(0, 1, "s")])
    's = b * v + g**2'
    """
    parts: list[str] = []
    last = 0
    for splice in sorted(set(splices)):
        if splice.start < last:
            return None
        parts += [text[last : splice.start], splice.text]
        last = splice.end
    return "".join([*parts, text[last:]])


_LEVELS: tuple[tuple[tuple[type[ast.AST], ...], int], ...] = (
    ((ast.Add, ast.Sub), 5),
    ((ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.MatMult), 6),
    ((ast.Pow,), 8),
)
_ATOM = 10


def level(node: ast.AST) -> int:
    """Return how tightly an expression holds together: 5 for sums, 6 for products, 8 for powers, 10 for names."""
    if isinstance(node, ast.BinOp):
        return next((k for kinds, k in _LEVELS if isinstance(node.op, kinds)), 4)
    if isinstance(node, ast.UnaryOp):
        return 2 if isinstance(node.op, ast.Not) else 7
    if isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp | ast.NamedExpr | ast.Yield | ast.Await | ast.Starred):
        return 0
    if isinstance(node, ast.Compare):
        return 3
    return 0 if isinstance(node, ast.Tuple) else _ATOM


def needed(parent: ast.AST | None, field: str) -> int:
    """Return how tightly what stands in a field of a parent has to hold together to need no brackets."""
    if isinstance(parent, ast.BinOp):
        own = level(parent)
        if isinstance(parent.op, ast.Pow):
            return 9 if field == "left" else 7
        return own if field == "left" else own + 1
    if isinstance(parent, ast.UnaryOp):
        return 7
    if isinstance(parent, ast.Attribute | ast.Subscript) and field == "value":
        return _ATOM
    return 4 if isinstance(parent, ast.Compare) else 0


def bracketed(text: str, need: int) -> str:
    """Return an expression's text, in brackets where it does not hold together tightly enough.

    Examples
    --------
    >>> bracketed("a + b", 6), bracketed("a * b", 6)
    ('(a + b)', 'a * b')
    """
    return f"({text})" if level(ast.parse(text, mode="eval").body) < need else text


@final
class Layout:
    """Where the nodes of a text's syntax tree stand in it.

    Parameters
    ----------
    text : str
        Python, as its author wrote it.

    Raises
    ------
    SyntaxError
        The text is not Python.

    Examples
    --------
    >>> layout = Layout("动量 = b * 动量 + (1 - b) * g")
    >>> layout.source(layout.tree.body[0].value.right)
    '(1 - b) * g'
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self._plain = text.isascii()
        self.parents: dict[ast.AST, tuple[ast.AST, str]] = {}
        for node in ast.walk(self.tree):
            for field, value in ast.iter_fields(node):
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.parents[child] = (node, field)

    def _offset(self, line: int, column: int) -> int:
        if not self._plain:  # columns of a syntax tree are counted in bytes
            column = len(self.lines[line - 1].encode()[:column].decode())
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return where a node starts and ends, in characters of the text."""
        assert node.end_lineno is not None  # noqa: S101 - the parser sets it
        assert node.end_col_offset is not None  # noqa: S101 - the same
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, in which a character stands."""
        return min(bisect_right(self._starts, offset), max(len(self.lines), 1))

    def replaced(self, node: ast.expr, text: str) -> Splice:
        """Return the splice that puts an expression in the place of another, with the brackets it needs."""
        start, end = self.span(node)
        parent, field = self.parents.get(node, (None, ""))
        need = needed(parent, field)
        outer = self._brackets(start, end) if not isinstance(parent, ast.Call) else None
        if outer is not None:
            tight = level(ast.parse(text, mode="eval").body) >= max(need, 7)
            return Splice(*(outer if tight else (start, end)), text)
        return Splice(start, end, bracketed(text, need))

    def _brackets(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the span of the brackets round an expression, where it has its own."""
        before, after = start - 1, end
        while before >= 0 and self.text[before] in " \t":
            before -= 1
        while after < len(self.text) and self.text[after] in " \t":
            after += 1
        if before < 0 or after >= len(self.text) or self.text[before] != "(" or self.text[after] != ")":
            return None
        return before, after + 1

    def rows(self, first: ast.stmt, last: ast.stmt | None = None) -> tuple[int, int]:
        """Return the span of whole lines that statements fill, the line break included."""
        last = last or first
        assert last.end_lineno is not None  # noqa: S101 - the parser sets it
        start = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
        return self._starts[start - 1], self._starts[last.end_lineno]

    def alone(self, statement: ast.stmt) -> bool:
        """Whether nothing but the statement, and a comment, stands in its lines."""
        (start, end), (row, stop) = self.span(statement), self.rows(statement)
        return not self.text[row:start].strip() and self.text[end:stop].strip()[:1] in ("", "#")

    def indent(self, statement: ast.stmt) -> str:
        """Return the blanks before a statement."""
        line = self.lines[statement.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    @cached_property
    def functions(self) -> dict[ast.AST, ast.FunctionDef]:
        """The innermost function in which each node stands."""
        found: dict[ast.AST, ast.FunctionDef] = {}
        for node in ast.walk(self.tree):  # outer functions come first
            if isinstance(node, ast.FunctionDef):
                for statement in node.body:
                    found.update(dict.fromkeys(ast.walk(statement), node))
        return found
