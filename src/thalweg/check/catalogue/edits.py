"""Edits of a rule's statements: how one line of the textbook becomes the line that somebody wrote.

Patterns are text, compared as syntax trees. A capital letter stands for any expression, the same one each time:
``Replace("np.sqrt(X) + epsilon", "np.sqrt(X + epsilon)")``.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import final

Statements = list[ast.stmt]
Bound = dict[str, ast.expr]


class Edit(ABC):
    """A change of a list of statements."""

    @abstractmethod
    def apply(self, statements: Statements) -> Statements | None:
        """Return the statements after the change, new where changed; None where the edit does not fit."""


OUTSIDE = frozenset({"total", "waiting", "fallen"})
"""What variations keep beside the rule's memory: gradients that pile up or come late, a rate that is written back."""
SHARED = "shared = True"
"""Not a statement of a step but a mark: the memory is one for all parameter arrays."""


@cache
def _parsed(text: str) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(text).body)


def _wild(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and len(node.id) == 1 and node.id.isupper()


def _match(pattern: ast.AST, node: ast.AST, bound: Bound) -> bool:
    """Compare a pattern with a node; capital letters are bound to what stands in their place."""
    if isinstance(pattern, ast.Name) and _wild(pattern):
        if not isinstance(node, ast.expr):
            return False
        known = bound.setdefault(pattern.id, node)
        return known is node or ast.unparse(known) == ast.unparse(node)  # read or written, the same name
    if type(pattern) is not type(node):
        return False
    for field in pattern._fields:
        mine, theirs = getattr(pattern, field), getattr(node, field)
        if isinstance(mine, ast.AST):
            if not (isinstance(theirs, ast.AST) and _match(mine, theirs, bound)):
                return False
        elif isinstance(mine, list):
            if len(mine) != len(theirs) or not all(_match(a, b, bound) for a, b in zip(mine, theirs, strict=True)):
                return False
        elif mine != theirs:
            return False
    return True


class _Fill(ast.NodeTransformer):
    """Put what the capital letters were bound to in their place."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    def visit_Name(self, node: ast.Name) -> ast.expr:
        filled = self.bound.get(node.id, node) if _wild(node) else node
        return ast.Name(filled.id, node.ctx) if isinstance(filled, ast.Name) else filled


def _filled(text: str, bound: Bound) -> Statements:
    return [_Fill(bound).visit(statement) for statement in ast.parse(text).body]


class _Substitute(ast.NodeTransformer):
    """Replace every expression that a pattern matches, the outermost first."""

    def __init__(self, pattern: ast.expr, new: str) -> None:
        self.pattern, self.new, self.count = pattern, new, 0

    def visit(self, node: ast.AST) -> ast.AST:
        bound: Bound = {}
        loaded = isinstance(getattr(node, "ctx", None), ast.Load | None)
        if isinstance(node, ast.expr) and loaded and _match(self.pattern, node, bound):
            self.count += 1
            (statement,) = _filled(self.new, bound)
            assert isinstance(statement, ast.Expr)  # noqa: S101 - an expression replaces an expression
            return statement.value
        visited: ast.AST = self.generic_visit(node)
        return visited


def _is_statement(text: str) -> bool:
    return isinstance(_parsed(text)[0], ast.Assign)


@final
@dataclass(frozen=True)
class Replace(Edit):
    """Put other text in the place of a statement, or of an expression wherever it stands.

    Parameters
    ----------
    old : str
        A statement or an expression.
    new : str
        What stands there instead; of a statement, any number of lines, and none removes it.
    within : str
        For expressions, the name to whose assignments the replacement is confined; all when empty.
    last : bool
        Of the statements that match, replace the last one, not the first.

    Examples
    --------
    >>> statements = list(ast.parse("v = b * v + (1 - b) * g**2").body)
    >>> [ast.unparse(s) for s in Replace("g**2", "g").apply(statements) or ()]
    ['v = b * v + (1 - b) * g']
    """

    old: str
    new: str
    within: str = ""
    last: bool = False

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        whole = _is_statement(self.old)
        if self.last:
            for k in reversed(range(len(statements))):
                made = _replaced(self, statements[k])
                if made is not None:
                    return [*statements[:k], *made, *statements[k + 1 :]]
            return None
        changed: Statements = []
        found = False
        for statement in statements:
            made = None
            if whole and not found:
                made = _replaced(self, statement)
            elif not whole and self.within in ("", _assigned(statement)):
                made = _substituted(self, statement)
            found = found or made is not None
            changed += [statement] if made is None else made
        return changed if found else None


# Statements are shared by all that is made of them, and what an edit makes of one is made once: a search tries
# thousands of combinations of the same few changes.


@cache
def _replaced(edit: Replace, statement: ast.stmt) -> Statements | None:
    """Return what stands in the place of a statement that the pattern matches."""
    bound: Bound = {}
    if not _match(_parsed(edit.old)[0], statement, bound):
        return None
    return _filled(edit.new, bound) if edit.new else []


@cache
def _substituted(edit: Replace, statement: ast.stmt) -> Statements | None:
    """Return a statement with its matching expressions replaced, or None where there are none."""
    (pattern,) = _parsed(edit.old)
    assert isinstance(pattern, ast.Expr)  # noqa: S101 - narrows the type
    # Most changes fit most lines not at all: that is seen without a copy.
    if not _fixed(pattern) <= read_by(statement) or not any(
        type(node) is type(pattern.value) and _match(pattern.value, node, {}) for node in _expressions(statement)
    ):
        return None
    copy = ast.parse(text_of(statement)).body[0]
    assert isinstance(copy, ast.Assign)  # noqa: S101 - narrows the type
    substitute = _Substitute(pattern.value, edit.new)
    value = substitute.visit(copy.value)
    assert isinstance(value, ast.expr)  # noqa: S101 - narrows the type
    copy.value = value
    return [copy] if substitute.count else None


@cache
def _expressions(statement: ast.stmt) -> tuple[ast.expr, ...]:
    """Return the expressions that a statement reads, and their parts."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    return tuple(node for node in ast.walk(value) if isinstance(node, ast.expr)) if value is not None else ()


@cache
def text_of(statement: ast.stmt) -> str:
    """Return a statement as text; it is made once, since statements are shared and never changed."""
    return ast.unparse(statement)


def is_shared(statements: Statements) -> bool:
    """Whether statements bear the mark of one memory for all parameter arrays."""
    return _parsed(SHARED)[0] in statements


@cache
def _fixed(pattern: ast.stmt) -> frozenset[str]:
    """Return the names of a pattern that stand for themselves: what a statement must read to match."""
    return frozenset(name for name in read_by(pattern) if not (len(name) == 1 and name.isupper()))


@final
@dataclass(frozen=True)
class Either(Edit):
    """Make the first of several changes that fits: a line reads otherwise once another variation has been there.

    Examples
    --------
    >>> rootless = Either((Replace("np.sqrt(X) + e", "X + e"), Replace("np.sqrt(X + e)", "X + e")))
    >>> [ast.unparse(s) for s in rootless.apply(list(ast.parse("d = np.sqrt(v + e)").body)) or ()]
    ['d = v + e']
    """

    edits: tuple[Edit, ...]

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        made = (edit.apply(statements) for edit in self.edits)
        return next((changed for changed in made if changed is not None), None)


@final
@dataclass(frozen=True)
class Perhaps(Edit):
    """Make a change where it fits, and none where it does not."""

    edit: Edit

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        changed = self.edit.apply(statements)
        return statements if changed is None else changed


@final
@dataclass(frozen=True)
class First(Edit):
    """Add statements before all others."""

    text: str

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        given = {_assigned(s) for s in _parsed(self.text)}
        read = frozenset[str]().union(*map(read_by, statements))
        waiting = given & {"stale", "total", "theta_before"}  # read by what a later edit puts in
        return [*_parsed(self.text), *statements] if waiting or given & read else None


@final
@dataclass(frozen=True)
class Forget(Edit):
    """Set the rule's memory to zero before each step; not what other variations keep outside of it."""

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        kept = [name for name in memory(statements) if name not in OUTSIDE]
        text = "\n".join(f"{name} = np.zeros_like({name})" for name in kept)
        return [*_parsed(text), *statements] if kept else None


@final
@dataclass(frozen=True)
class Share(Edit):
    """Let one memory serve all parameter arrays: a mark for the playing, which then takes them one after the other."""

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        return [*_parsed(SHARED), *statements] if memory(statements) else None


@final
@dataclass(frozen=True)
class Last(Edit):
    """Add statements after all others; only where the names they read are assigned."""

    text: str

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        assigned = {_assigned(s) for s in statements} | {"theta", "g", "learning_rate", "weight_decay", "np"}
        read = {n.id for s in _parsed(self.text) for n in ast.walk(s) if isinstance(n, ast.Name)}
        return [*statements, *_parsed(self.text)] if read <= assigned else None


@final
@dataclass(frozen=True)
class Move(Edit):
    """Carry the statement that assigns a name before the one that assigns another."""

    name: str
    before: str

    def apply(self, statements: Statements) -> Statements | None:  # noqa: D102 - as declared
        places = [_assigned(s) for s in statements]
        if places.count(self.name) != 1 or self.before not in places:
            return None
        here, there = places.index(self.name), places.index(self.before)
        if here <= there:
            return None
        rest = statements[:here] + statements[here + 1 :]
        return [*rest[:there], statements[here], *rest[there:]]


def memory(statements: Statements) -> list[str]:
    """Return the names that a step reads before it assigns them, and assigns: what is kept from step to step."""
    assigned = {_assigned(s) for s in statements} - {"theta", "g", "t"}
    kept: list[str] = []
    given: set[str] = set()
    for statement in statements:
        kept += [name for name in _in_order(statement) if name in assigned and name not in given and name not in kept]
        given.add(_assigned(statement))
    return kept


@cache
def _in_order(statement: ast.stmt) -> tuple[str, ...]:
    """Return the names that a statement reads, each once."""
    read = (n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return tuple(dict.fromkeys(read))


@cache
def read_by(statement: ast.stmt) -> frozenset[str]:
    """Return the names that a statement reads."""
    return frozenset(_in_order(statement))


@cache
def _assigned(statement: ast.stmt) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""
