"""What each statement of a body reads and writes, in order."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import final

Compound = ast.If | ast.For | ast.While | ast.With | ast.Try
SELF = "self"


@final
@dataclass(frozen=True, eq=False)
class Leaf:
    """A statement without a block of its own, or the head of one that has.

    Parameters
    ----------
    node : ast.stmt
    reads, writes : frozenset of str
        Names; ``self.w`` is one, and so is the base of ``w[0]`` and ``layer.w``.
    kept : frozenset of str
        Written names of which something is left as it was: ``w -= d``, ``w[0] = d``.
    within : tuple of ast.stmt
        The blocks it stands in, from outside.
    indices : frozenset of str
        Names that say to which elements something is assigned.
    """

    node: ast.stmt
    reads: frozenset[str]
    writes: frozenset[str]
    kept: frozenset[str]
    within: tuple[ast.stmt, ...] = ()
    indices: frozenset[str] = frozenset()

    @property
    def value(self) -> ast.expr | None:
        """What is assigned."""
        node = self.node
        return node.value if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) else None


def name_of(node: ast.AST) -> str | None:
    """Return the name that an expression goes by: ``w`` of ``w[0]``, ``self.w`` of ``self.w.T``."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == SELF:
            return f"{SELF}.{node.attr}"
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
            continue
        return None


def reads_of(node: ast.AST) -> frozenset[str]:
    """Return the names that an expression reads; those of comprehensions are their own."""
    found: set[str] = set()
    own: set[str] = set()

    def walk(part: ast.AST) -> None:
        if isinstance(part, ast.comprehension):
            own.update(n.id for n in ast.walk(part.target) if isinstance(n, ast.Name))
        if isinstance(part, ast.Lambda):
            own.update(a.arg for a in part.args.args)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == SELF:
            found.add(f"{SELF}.{part.attr}")
            return
        if isinstance(part, ast.Name):
            found.add(part.id)
        for child in ast.iter_child_nodes(part):
            walk(child)

    walk(node)
    return frozenset(found - own)


def leaves(body: Iterable[ast.stmt], within: tuple[ast.stmt, ...] = ()) -> Iterator[Leaf]:
    """Yield the statements of a body in the order in which they stand."""
    walked = {name: base for block in within if isinstance(block, ast.For) for name, base in _walked(block)}
    for leaf in _leaves(body, within):
        through = {walked[name] for name in leaf.kept if name in walked}
        read = {walked[name] for name in leaf.reads if name in walked}
        if leaf.within == within and (through or read):  # what walks through a list in place of its elements
            yield replace(
                leaf, reads=leaf.reads | read | through, writes=leaf.writes | through, kept=leaf.kept | through
            )
        else:
            yield leaf


def _leaves(body: Iterable[ast.stmt], within: tuple[ast.stmt, ...]) -> Iterator[Leaf]:
    for node in body:
        inside = (*within, node)
        match node:
            case ast.For():
                yield _leaf(node, node.iter, [node.target], within)
                yield from leaves([*node.body, *node.orelse], inside)
            case ast.While() | ast.If():
                yield _leaf(node, node.test, [], within)
                yield from leaves([*node.body, *node.orelse], inside)
            case ast.With():
                yield from leaves(node.body, inside)
            case ast.Try():
                blocks = [*node.body, *(s for h in node.handlers for s in h.body), *node.orelse, *node.finalbody]
                yield from leaves(blocks, inside)
            case ast.Assign():
                yield _leaf(node, node.value, node.targets, within)
            case ast.AnnAssign() if node.value is not None:
                yield _leaf(node, node.value, [node.target], within)
            case ast.AugAssign():
                yield _leaf(node, node.value, [node.target], within, kept=True)
            case ast.FunctionDef() | ast.ClassDef():
                yield Leaf(node, reads_of(node), frozenset({node.name}), frozenset(), within)
            case _:
                yield Leaf(node, reads_of(node), frozenset(), frozenset(), within)


def _leaf(
    node: ast.stmt, value: ast.expr, targets: list[ast.expr], within: tuple[ast.stmt, ...], *, kept: bool = False
) -> Leaf:
    reads = set(reads_of(value))
    writes: set[str] = set()
    partly: set[str] = set()
    indices: set[str] = set()
    for target in targets:
        for part in _targets(target):
            name = name_of(part)
            if name is None:
                continue
            writes.add(name)
            if kept or not (
                isinstance(part, ast.Name) or (name.startswith(f"{SELF}.") and isinstance(part, ast.Attribute))
            ):
                partly.add(name)
            if isinstance(part, ast.Subscript):
                indices |= reads_of(part.slice)
    return Leaf(
        node, frozenset(reads | partly | indices), frozenset(writes), frozenset(partly), within, frozenset(indices)
    )


def _walked(block: ast.For) -> Iterator[tuple[str, str]]:
    """Yield the names that walk through lists, and those of the lists: ``for k, (p, g) in enumerate(zip(ps, gs))``."""
    pairs: list[tuple[ast.expr, ast.expr]] = [(block.target, block.iter)]
    while pairs:
        target, source = pairs.pop()
        match source:
            case ast.Call(ast.Name("enumerate"), [inner, *_]) if (
                isinstance(target, ast.Tuple) and len(target.elts) == 2
            ):
                pairs.append((target.elts[1], inner))
            case ast.Call(ast.Name("zip"), several) if isinstance(target, ast.Tuple) and len(target.elts) == len(
                several
            ):
                pairs += zip(target.elts, several, strict=True)
            case ast.Name() | ast.Attribute() if isinstance(target, ast.Name):
                base = name_of(source)
                if base is not None:
                    yield target.id, base


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value)
    else:
        yield target
