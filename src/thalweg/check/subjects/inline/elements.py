"""Elements of one array that lines of their own update, such as ``w[0]`` and ``w[1:]``, under names of their own."""

from __future__ import annotations

import ast
import re

from thalweg.check.subjects.inline.flow import name_of

ROWS_OF = "rows_of_"
"""How a name begins that stands for a number of rows."""


def apart(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text in which such elements are arrays by themselves, and what was written for each of their names.

    An array is taken apart where every one of its updates is of a fixed element or slice: the bias and the weights of
    one vector are two parameters.
    """
    moved: dict[str, set[str]] = {}
    whole: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        targets = (
            [node.target] if isinstance(node, ast.AugAssign) else node.targets if isinstance(node, ast.Assign) else []
        )
        for target in targets:
            name = name_of(target)
            if name is None:
                continue
            if isinstance(target, ast.Subscript) and _fixed(target.slice):
                moved.setdefault(name, set()).add(ast.get_source_segment(text, target) or "")
            elif isinstance(node, ast.AugAssign) or isinstance(target, ast.Subscript):
                whole.add(name)
    inserted = []
    for name, written in moved.items():
        if name in whole or len(written) < 2 or not any(":" in one for one in written):
            continue
        for one in sorted(written):
            new = f"{re.sub(r'[^0-9A-Za-z_.]', '_', one).rstrip('_')}_of"
            if new not in text:
                text = text.replace(one, new)
                inserted.append((new.replace("self.", "self_"), one))
    return text, tuple(inserted)


def counted(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text in which what is divided by the number of rows is divided by a name, and what was written."""
    inserted: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        rows = f"{ROWS_OF}{(found['of'] or found['array']).replace('.', '_')}"
        inserted[rows] = found["count"]
        return f"{found['before']}{rows}"

    pattern = r"(?P<before>/ ?)(?P<count>len\((?P<of>[\w.]+)\)|(?P<array>[\w.]+)\.(?:shape\[0\]|size\b))"
    return re.sub(pattern, named, text), tuple(inserted.items())


def at_index(text: str, block: ast.For, index: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text in which ``W[i]`` is an array by itself inside a loop that counts with ``i``, and what was written.

    Where the gradients are made in the same loop, layer by layer, its body is the update of one layer.
    """
    own = {
        ast.get_source_segment(text, target) or ""
        for node in ast.walk(block)
        for target in ([node.target] if isinstance(node, ast.AugAssign) else getattr(node, "targets", []))
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Name) and target.slice.id == index
    }
    plain = {one for one in own if re.fullmatch(r"[\w.]+\[\w+\]", one)}
    made = any(isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) for node in block.body)
    if len(plain) < len(own) or not plain or not made:
        return text, ()
    lines = text.split("\n")
    inserted = []
    for one in sorted(plain):
        new = f"{one.removesuffix(f'[{index}]')}_"
        while re.search(rf"\b{re.escape(new)}\b", text):
            new += "_"
        for k in range(block.lineno - 1, block.end_lineno or block.lineno):
            lines[k] = lines[k].replace(one, new)
        inserted.append((new.replace("self.", "self_"), one))
    return "\n".join(lines), tuple(inserted)


def _fixed(index: ast.expr) -> bool:
    if isinstance(index, ast.Slice):
        return all(part is None or _fixed(part) for part in (index.lower, index.upper, index.step))
    if isinstance(index, ast.UnaryOp):
        return _fixed(index.operand)
    return isinstance(index, ast.Constant) and isinstance(index.value, int)
