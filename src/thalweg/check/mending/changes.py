"""Single changes of expressions, whatever the mistake: another name, another operator, a root more, a term less."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from typing import TypeGuard

import numpy as np

from thalweg.check.mending.recording import Record, Value, expressions
from thalweg.check.mending.splices import Change, Layout, Splice, bracketed
from thalweg.check.mending.translation import Translator

Ranked = tuple[float, Change]

_OPERATORS: tuple[tuple[type[ast.operator], str], ...] = (
    (ast.Add, "+"), (ast.Sub, "-"), (ast.Mult, "*"), (ast.Div, "/"), (ast.Pow, "**"),
)  # fmt: skip
_TWINS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "fmax": "fmin", "fmin": "fmax"}
_SHARES = (1e-6, 1.0)


def functions_that_ran(layout: Layout, record: Record) -> list[ast.FunctionDef]:
    """Return the functions of which any line ran, in the order of the text."""
    found = {layout.functions[s] for s in record.ran if s in layout.functions}
    return sorted(found, key=lambda f: f.lineno)


def steering(layout: Layout) -> set[ast.stmt]:
    """Return the lines on which it depends that a ``while`` comes to an end; changed, they may run for ever."""
    found: set[ast.stmt] = set()
    for loop in ast.walk(layout.tree):
        if isinstance(loop, ast.While):
            read = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
            found.add(loop)
            found |= {node for inner in loop.body for node in ast.walk(inner) if _steers(node, read)}
    return found


def _steers(node: ast.AST, read: set[str]) -> TypeGuard[ast.stmt]:
    if not isinstance(node, ast.stmt):
        return False
    parts = list(ast.walk(node))
    leaves = any(isinstance(part, ast.Yield | ast.YieldFrom | ast.Return | ast.Break | ast.Raise) for part in parts)
    stored = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return leaves or bool(stored & read)


def expression_changes(layout: Layout, record: Record, translator: Translator) -> Iterator[Ranked]:
    """Return single changes of the expressions of all lines that ran, each with its rank: the likelier, the lower."""
    kept = steering(layout)
    for function in functions_that_ran(layout, record):
        for default in [*function.args.defaults, *function.args.kw_defaults]:
            if default is not None:
                yield from constants(layout, default, 1.0)
        for statement in ast.walk(function):
            if not isinstance(statement, ast.stmt) or layout.functions.get(statement) is not function:
                continue
            if statement in kept:
                continue
            yield from _statement_changes(layout, record, translator, statement)
    for statement in sorted(record.ran - kept, key=layout.span):
        if statement not in layout.functions:  # a lambda's
            yield from _statement_changes(layout, record, translator, statement)
    read = {n.id for f in functions_that_ran(layout, record) for n in ast.walk(f) if isinstance(n, ast.Name)}
    for statement in layout.tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id in read for t in statement.targets
        ):
            yield from constants(layout, statement.value, 1.0)


def _statement_changes(layout: Layout, record: Record, translator: Translator, statement: ast.stmt) -> Iterator[Ranked]:
    near = record.nearby.get(statement, {})
    keys = {
        id(part) for node in expressions(statement) if isinstance(node, ast.Subscript) for part in ast.walk(node.slice)
    }
    nodes = [
        node
        for node in expressions(statement)
        if id(node) not in keys and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    if isinstance(statement, ast.For):  # how often: one more or less, nothing that could be a million
        for node in nodes:
            yield from constants(layout, node, 0.4)
            yield from less(layout, node)
        return
    for node in nodes:
        value = record.values.get(node)
        yield from constants(layout, node, 0.4)
        yield from operators(layout, node)
        yield from less(layout, node)
        if value is None:
            continue
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            yield from _renamed(layout, node, value, near)
        yield from _more(layout, node, value, near, translator)
    yield from _held(layout, statement, nodes)
    yield from _exchanged(layout, record, nodes)
    yield from _guards(layout, record, nodes)
    if isinstance(statement, ast.AugAssign | ast.Assign):
        yield from assignments(layout, statement)


def constants(layout: Layout, node: ast.expr, rank: float) -> Iterator[Ranked]:
    """Another number in the place of one that is written."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool | str) or node.value is None:
        return
    old = node.value
    if isinstance(old, int | float) and abs(old) < 100:
        for new in dict.fromkeys((old + 1, old - 1, 1 - old, 2, 0, 1)):
            if new != old and new >= 0:
                whole = isinstance(new, int) and isinstance(old, int)
                yield rank, (layout.replaced(node, f"{new:g}" if whole else repr(round(float(new), 12))),)


def operators(layout: Layout, node: ast.expr) -> Iterator[Ranked]:
    """Another operator, the other order, minimum for maximum."""
    if isinstance(node, ast.BinOp):
        left, right = layout.source(node.left), layout.source(node.right)
        sign = next((text for kind, text in _OPERATORS if isinstance(node.op, kind)), None)
        start, stop = layout.span(node.left)[1], layout.span(node.right)[0]
        between = layout.text[start:stop]
        if sign is None or between.count(sign) != 1:
            return
        opposite = {"+": "-", "-": "+", "*": "/", "/": "*"}.get(sign)
        for _, other in _OPERATORS:
            if other != sign:
                at = start + between.index(sign)
                yield (0.2 if other == opposite else 1.2), (Splice(at, at + len(sign), other),)
        if sign in ("-", "/", "**"):
            turned = f"{bracketed(right, 7)} {sign} {bracketed(left, 7)}"
            yield 0.8, (layout.replaced(node, turned),)
        if sign == "**" and isinstance(node.left, ast.BinOp):  # (1 - b)**t for 1 - b**t
            inner = node.left
            power = f"{layout.source(inner.left)} {_sign(inner)} {bracketed(layout.source(inner.right), 9)}**{right}"
            yield 0.3, (layout.replaced(node, power),)
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _TWINS:
            end = layout.span(node.func)[1]
            yield 0.5, (Splice(end - len(name), end, _TWINS[name]),)
        if len(node.args) == 2:
            yield 0.9, _swapped(layout, node.args[0], node.args[1])


def _sign(node: ast.BinOp) -> str:
    return next((text for kind, text in _OPERATORS if isinstance(node.op, kind)), "-")


def less(layout: Layout, node: ast.expr) -> Iterator[Ranked]:
    """A term, a factor, a root less."""
    if isinstance(node, ast.BinOp):
        yield 0.5, (layout.replaced(node, layout.source(node.left)),)
        yield 0.6, (layout.replaced(node, layout.source(node.right)),)
    elif isinstance(node, ast.UnaryOp):
        yield 0.5, (layout.replaced(node, layout.source(node.operand)),)
    elif isinstance(node, ast.Call) and node.args:
        yield 0.5, (layout.replaced(node, layout.source(node.args[0])),)


def _renamed(layout: Layout, node: ast.expr, value: Value, near: dict[str, Value]) -> Iterator[Ranked]:
    """Another name of the same kind: a number for a number, an array for an array."""
    own = layout.source(node)
    for text, other in near.items():
        alike = (other.where is None) == (value.where is None)
        if alike and text != own and not (other.where is None and float(other.numbers) == float(value.numbers)):
            yield (0.3 if text.isidentifier() or "." in text else 0.5), (layout.replaced(node, text),)


def _more(
    layout: Layout, node: ast.expr, value: Value, near: dict[str, Value], translator: Translator
) -> Iterator[Ranked]:
    """A root, a square, a factor, a correction, an epsilon more."""
    own = layout.source(node)
    tight, power = bracketed(own, 7), bracketed(own, 9)
    numbers = {text: float(v.numbers) for text, v in near.items() if v.where is None and np.isfinite(v.numbers)}
    counts = [text for text, x in numbers.items() if x >= 1 and x.is_integer()]
    if value.where is None:
        if float(value.numbers) >= 0 and not isinstance(node, ast.Constant):
            yield 0.3, (layout.replaced(node, f"{own} + 1"),)
            yield 0.4, (layout.replaced(node, f"{own} - 1"),)
        if 0 < float(value.numbers) < 1:
            yield 0.3, (layout.replaced(node, f"1 - {tight}"),)
            yield 0.6, (layout.replaced(node, f"1 + {tight}"),)
        for count in counts[:4]:
            yield 0.6, (layout.replaced(node, f"{power}**{count}"),)
            yield 0.8, (layout.replaced(node, f"{power}**({count} + 1)"),)
        return
    square = (
        f"{power}**2"
        if "**" in layout.text or "square" not in layout.text
        else f"{translator.function('square')}({own})"
    )
    yield 0.4, (layout.replaced(node, square),)
    for name in ("sqrt", "abs", "sign"):
        yield 0.5, (layout.replaced(node, f"{translator.function(name)}({own})"),)
    yield 0.6, (layout.replaced(node, f"-{tight}"),)
    for text, x in numbers.items():
        if _SHARES[0] < x < _SHARES[1]:
            yield 0.6, (layout.replaced(node, f"(1 - {text}) * {tight}"),)
            yield 0.8, (layout.replaced(node, f"{text} * {tight}"),)
            for count in counts[:4]:
                yield 0.7, (layout.replaced(node, f"{tight} / (1 - {text}**{count})"),)
        elif 0 < x <= _SHARES[0]:
            yield 0.6, (layout.replaced(node, f"{own} + {text}"),)
    for text, other in near.items():
        if other.where is not None and text != own:
            yield 1.4, (layout.replaced(node, f"{tight} * {text}"),)
            yield 1.5, (layout.replaced(node, f"{own} + {text}"),)


def _held(layout: Layout, statement: ast.stmt, nodes: list[ast.expr]) -> Iterator[Ranked]:
    """What was computed, where zeros are made anew."""
    function = layout.functions.get(statement)
    names = {n.id: None for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} if (
        function is not None
    ) else {}  # fmt: skip
    for node in nodes:
        if isinstance(node, ast.ListComp | ast.DictComp | ast.Call) and "zeros" in layout.source(node):
            for name in names:
                yield 0.7, (layout.replaced(node, name),)


def _swapped(layout: Layout, a: ast.expr, b: ast.expr) -> Change:
    return layout.replaced(a, layout.source(b)), layout.replaced(b, layout.source(a))


def _exchanged(layout: Layout, record: Record, nodes: list[ast.expr]) -> Iterator[Ranked]:
    """Two parts of one line in each other's place."""
    valued = [node for node in nodes if node in record.values and not isinstance(node, ast.Constant)]
    for a, b in combinations(valued[:24], 2):
        (start, end), (other, stop) = layout.span(a), layout.span(b)
        apart = end <= other or stop <= start
        same_kind = (record.values[a].where is None) == (record.values[b].where is None)
        if apart and same_kind and layout.source(a) != layout.source(b):
            yield 0.7, _swapped(layout, a, b)


def _guards(layout: Layout, record: Record, nodes: list[ast.expr]) -> Iterator[Ranked]:
    """Epsilon from inside a root to the outside, and back."""
    for node in nodes:
        if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.BinOp):
            inner = node.args[0]
            if isinstance(inner.op, ast.Add | ast.Sub):
                called, sign = layout.source(node.func), _sign(inner)
                outside = f"{called}({layout.source(inner.left)}) {sign} {layout.source(inner.right)}"
                yield 0.5, (layout.replaced(node, outside),)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and isinstance(node.left, ast.Call):
            call = node.left
            if len(call.args) == 1 and node.right in record.values:
                inside = f"{layout.source(call.args[0])} {_sign(node)} {layout.source(node.right)}"
                yield 0.6, (layout.replaced(node, f"{layout.source(call.func)}({inside})"),)


def assignments(layout: Layout, statement: ast.Assign | ast.AugAssign) -> Iterator[Ranked]:
    """``=`` for ``+=``, ``+=`` for ``-=``, and the other way round."""
    target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[-1]
    start, stop = layout.span(target)[1], layout.span(statement.value)[0]
    between = layout.text[start:stop]
    sign = between.strip(" (\t\\\n")
    if not sign.endswith("=") or between.count(sign) != 1:
        return
    at = start + between.index(sign)
    for other in ("=", "+=", "-=", "*="):
        if other != sign:
            yield (0.3 if {sign, other} == {"+=", "-="} else 0.6), (Splice(at, at + len(sign), other),)
    if isinstance(statement, ast.Assign) and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        yield 0.5, _swapped(layout, target.elts[0], target.elts[1])
