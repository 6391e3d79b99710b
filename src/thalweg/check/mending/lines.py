"""Changes of whole lines: one less, one elsewhere, one more."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from thalweg.check.mending.changes import Ranked, functions_that_ran, steering
from thalweg.check.mending.recording import Record
from thalweg.check.mending.splices import Layout, Splice
from thalweg.check.mending.targets import Target
from thalweg.check.mending.translation import LIKELY, Translator

_SIMPLE = ast.Assign | ast.AugAssign | ast.Expr | ast.AnnAssign


def line_changes(layout: Layout, record: Record, target: Target, translator: Translator) -> Iterator[Ranked]:
    """Return changes of lines in the functions that ran, each with its rank: the likelier, the lower."""
    kept = steering(layout)
    for function in functions_that_ran(layout, record):
        own = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.stmt) and node is not function and layout.functions.get(node) is function
        ]
        own.sort(key=lambda node: (node.lineno, node.col_offset))
        whole = [node for node in own if layout.alone(node) and node not in kept]
        simple: list[ast.stmt] = [node for node in whole if isinstance(node, _SIMPLE) and not _documents(node)]
        needless = any(not block.right for block in target.blocks)  # the textbook has no such line
        for node in (node for node in simple if not _begins(node)):
            yield (0.05 if needless else 0.3), (Splice(*layout.rows(node), ""),)
        yield from _moved(layout, whole, simple)
        yield from _kept(layout, record, function, whole)
        yield from _apart(layout, function, whole)
        yield from _merged(layout, whole)
        yield from _counted(layout, record, function)
        yield from _once(layout, simple)
        yield from _missing(layout, target, translator, whole)


def _documents(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _begins(node: ast.stmt) -> bool:
    """Whether a line only gives memory its first value: without it the code would live on what it happens to find."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "setdefault"


def _moved(layout: Layout, whole: list[ast.stmt], simple: list[ast.stmt]) -> Iterator[Ranked]:
    """One line before or after another, into its block."""
    movable = [*simple, *(node for node in whole if isinstance(node, ast.Return))]
    place = {node: k for k, node in enumerate(whole)}
    for node in movable:
        start, end = layout.rows(node)
        for other in whole:
            if other is node:
                continue
            near = min(abs(place[node] - place[other]), 10)
            first, last = layout.rows(other)
            into = _indented(layout, node, layout.indent(other))
            inside = first <= start and end <= last  # the block in which it stands: only after it, or before it
            if not (start <= first and last <= end):
                if place[other] != place[node] + 1 or layout.indent(other) != layout.indent(node):
                    yield 0.4 + 0.05 * near, (Splice(start, end, ""), Splice(first, first, into))
                if inside or isinstance(other, ast.For | ast.If | ast.While | ast.With) or other is whole[-1]:
                    yield 0.4 + 0.05 * near, (Splice(start, end, ""), Splice(last, last, into))


def _indented(layout: Layout, node: ast.stmt, indent: str) -> str:
    start, end = layout.rows(node)
    old = layout.indent(node)
    rows = layout.text[start:end].splitlines()
    return "".join(f"{indent}{row.removeprefix(old)}\n" for row in rows)


def _kept(layout: Layout, record: Record, function: ast.FunctionDef, whole: list[ast.stmt]) -> Iterator[Ranked]:
    """Store what was read from an object or dictionary and changed: ``state["v"] = v``, or in place: ``v[:] = ...``."""
    own = _own_names(function)
    read = {
        name: stored
        for node in whole
        for name, value in _assigned(node)
        if (stored := _stored(value)) is not None and _belongs(value, own)
    }
    loops = {
        n.id for node in whole if isinstance(node, ast.For) for n in ast.walk(node.target) if isinstance(n, ast.Name)
    }
    for node in whole:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [t.id for t in targets if isinstance(t, ast.Name)]
        if isinstance(node, ast.For):
            continue
        for name in names:
            if name in read and not any(n == name for n, value in _assigned(node) if _stored(value) is not None):
                end = layout.rows(node)[1]
                yield 0.3, (Splice(end, end, f"{layout.indent(node)}{read[name]} = {name}\n"),)
            if isinstance(node, ast.Assign) and name not in read:
                end = layout.rows(node)[1]
                inner = (n for n in ast.walk(node.value) if isinstance(n, ast.Attribute | ast.Subscript))
                numeric = {ast.unparse(n) for n in inner if n in record.values and _belongs(n, own)}
                for stored in sorted(numeric):
                    yield 0.45, (Splice(end, end, f"{layout.indent(node)}{stored} = {name}\n"),)
            if (name in read or name in loops) and isinstance(node, ast.Assign):
                stop = layout.span(node.targets[-1])[1]
                yield 0.35, (Splice(stop, stop, "[:]"),)


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a line assigns, one by one or several from as many values."""
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            yield from ((t.id, value) for t, value in pairs if isinstance(t, ast.Name))


def _apart(layout: Layout, function: ast.FunctionDef, whole: list[ast.stmt]) -> Iterator[Ranked]:
    """Give what is made of memory a name of its own, so that the memory stays: ``m_hat = m / ...``."""
    for node in whole:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        own = ast.unparse(target)
        if isinstance(target, ast.Tuple) or own not in ast.unparse(node.value):
            continue
        base: ast.AST = target
        while isinstance(base, ast.Subscript):
            base = base.value
        name = f"{base.attr if isinstance(base, ast.Attribute) else getattr(base, 'id', 'new')}_hat"
        after = layout.span(node)[1]
        later = [
            other
            for other in ast.walk(function)
            if isinstance(other, ast.expr)
            and isinstance(getattr(other, "ctx", None), ast.Load)
            and layout.span(other)[0] > after
            and ast.unparse(other) == own
            and not any(isinstance(s, ast.Return) for s in _around(layout, other))
        ]
        yield 0.4, (Splice(*layout.span(target), name), *(Splice(*layout.span(other), name) for other in later))


def _around(layout: Layout, node: ast.AST) -> Iterator[ast.AST]:
    while node in layout.parents:
        node = layout.parents[node][0]
        yield node


def _merged(layout: Layout, whole: list[ast.stmt]) -> Iterator[Ranked]:
    """Give a line's value at once to the name to which the next one hands it on."""
    for node, following in pairwise(whole):
        if isinstance(node, ast.Assign) and isinstance(following, ast.Assign) and len(node.targets) == 1:
            own, target = ast.unparse(node.targets[0]), following.targets[0]
            if ast.unparse(following.value) == own and len(following.targets) == 1:
                renamed = Splice(*layout.span(node.targets[0]), layout.source(target))
                yield 0.3, (renamed, Splice(*layout.rows(following), ""))


def _own_names(function: ast.FunctionDef) -> set[str]:
    """Return the names that are a function's own: arguments, and what it assigns."""
    given = function.args
    names = {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    return names | {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _belongs(value: ast.expr, own: set[str]) -> bool:
    """Whether something may be stored there: in an object or dictionary of its own, never in a module."""
    base: ast.AST = value.func if isinstance(value, ast.Call) else value
    attributes = False
    while isinstance(base, ast.Attribute | ast.Subscript):
        attributes = attributes or (isinstance(base, ast.Attribute) and not isinstance(value, ast.Call))
        base = base.value
    return isinstance(base, ast.Name) and (base.id in own or not attributes)


def _stored(value: ast.expr) -> str | None:
    """Return where a value was read from, as something that can be assigned."""
    if isinstance(value, ast.Attribute | ast.Subscript):
        return ast.unparse(value)
    called = value.func if isinstance(value, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in ("get", "setdefault", "copy"):
        owner = ast.unparse(called.value)
        if called.attr == "copy":
            return owner if isinstance(called.value, ast.Attribute | ast.Subscript) else None
        assert isinstance(value, ast.Call)  # noqa: S101 - narrows the type
        return f"{owner}[{ast.unparse(value.args[0])}]" if value.args else None
    return None


def _counted(layout: Layout, record: Record, function: ast.FunctionDef) -> Iterator[Ranked]:
    """Count a step where nothing counts it, before the step or after it."""
    shared = {name for node in function.body if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    body = [s for s in function.body if not _documents(s) and not isinstance(s, ast.Global | ast.Nonlocal)]
    if not body or not layout.alone(body[0]) or not layout.alone(body[-1]):
        return
    start, end = layout.rows(body[0])[0], layout.rows(body[-1])[0 if isinstance(body[-1], ast.Return) else 1]
    indent = layout.indent(body[0])
    for text, value in record.nearby.get(body[0], {}).items():
        kept = "." in text or "[" in text or text in shared
        if kept and value.where is None and float(value.numbers) in (0.0, 1.0):
            yield 0.5, (Splice(start, start, f"{indent}{text} += 1\n"),)
            yield 0.55, (Splice(end, end, f"{indent}{text} += 1\n"),)


def _once(layout: Layout, simple: list[ast.stmt]) -> Iterator[Ranked]:
    """Make memory only where there is none: ``if not hasattr(self, "m"):``."""
    for node in simple:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            indent = layout.indent(node)
            start = layout.rows(node)[0]
            head = f'{indent}if not hasattr({target.value.id}, "{target.attr}"):\n'
            yield 0.4, (Splice(start, start + len(indent), f"{head}{indent}    "),)


def _missing(layout: Layout, target: Target, translator: Translator, whole: list[ast.stmt]) -> Iterator[Ranked]:
    """Add a line of the textbook that is nowhere in the code."""
    for block in target.blocks:
        if block.wrong or len(block.right) != 1 or not isinstance(block.right[0], ast.Assign):
            continue
        goal = ast.parse(ast.unparse(block.right[0].targets[0]), mode="eval").body  # the name, to be read
        for node in whole:
            names = [n for n in translator.spelled(goal, block.at, node) if not n[:1].isdigit()]
            value = next(translator.spelled(block.right[0].value, block.at, node), None)
            for name in names[:LIKELY] if value is not None else ():
                start, _ = layout.rows(node)
                yield 0.3, (Splice(start, start, f"{layout.indent(node)}{name} = {value}\n"),)
