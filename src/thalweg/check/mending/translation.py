"""The textbook's correction in the user's own words: which expression is the wrong one, and what it is to be.

The explanation with the mistake does what the user's code does, so that its values are the values in the code. Where
the textbook's text differs, every expression of the user's that is worth what the wrong part is worth is a place, and
the right part is spelled with whatever the user has that is worth what it reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from thalweg.check.catalogue.edits import Statements
from thalweg.check.mending.recording import Record
from thalweg.check.mending.splices import Change, Layout, Splice, bracketed, needed
from thalweg.check.mending.targets import Block, Target

Scope = Mapping[str, Any]
LIKELY = 3
"""How many spellings of one name are tried."""
_EQUAL = 1e-7


def pairs(wrong: ast.AST, right: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """Return what differs between two statements or expressions, the smallest part first.

    Examples
    --------
    >>> found = pairs(ast.parse("a / (1 - b**t)").body[0], ast.parse("a / (1 - c**t)").body[0])
    >>> [(ast.unparse(a), ast.unparse(b)) for a, b in found][:2]
    [('b', 'c'), ('b ** t', 'c ** t')]
    """
    own = [(wrong, right)] if isinstance(wrong, ast.expr) and isinstance(right, ast.expr) else []
    if type(wrong) is not type(right):
        return own
    differing: list[tuple[ast.AST, ast.AST]] = []
    for name in wrong._fields:
        mine, theirs = getattr(wrong, name), getattr(right, name)
        many = isinstance(mine, list) and isinstance(theirs, list)
        if many and len(mine) != len(theirs):
            return own
        for a, b in zip(mine, theirs, strict=True) if many else [(mine, theirs)]:
            if isinstance(a, ast.operator):
                if type(a) is not type(b):
                    return own
            elif isinstance(a, ast.AST) and isinstance(b, ast.AST):
                if ast.unparse(a) != ast.unparse(b):
                    differing.append((a, b))
            elif a != b:
                return own
    inner = [pair for a, b in differing for pair in pairs(a, b)]
    return [*inner, *own]


@final
class Translator:
    """Spells expressions of the textbook in the user's words.

    Parameters
    ----------
    layout : Layout
    record : Record
        What the user's expressions are worth.
    statements : list of ast.stmt
        The textbook's, with the mistake.
    scopes : list of mapping
        What the textbook's statements read at the same step.
    tolerance : float
        To which values agree.
    """

    def __init__(
        self,
        layout: Layout,
        record: Record,
        statements: Statements,
        scopes: list[dict[str, Any]],
        tolerance: float,
    ) -> None:
        self.layout, self.record, self.scopes, self.statements = layout, record, scopes, statements
        self.made: dict[str, list[int]] = {}
        for k, statement in enumerate(statements):
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                self.made.setdefault(statement.targets[0].id, []).append(k)
        self.tolerance = max(tolerance / 10, _EQUAL)
        read = [node for node in record.values if isinstance(getattr(node, "ctx", ast.Load()), ast.Load)]
        self.order = sorted(read, key=layout.span)

    def worth(self, node: ast.expr, at: int) -> Any:
        """Return what an expression of the textbook is worth before a statement; None where it cannot be read."""
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<textbook>", "eval")
        try:
            with np.errstate(all="ignore"):
                return eval(code, {}, dict(self.scopes[at]))  # noqa: S307 - the catalogue's own text
        except NameError:
            return None

    def sites(self, worth: Any) -> list[ast.expr]:
        """Return the user's expressions that are worth the same, in the order of the text."""
        if worth is None:
            return []
        return [node for node in self.order if self.record.values[node].same(worth, self.tolerance)]

    def spelled(self, node: ast.expr, at: int, place: ast.stmt) -> Iterator[str]:
        """Spell an expression of the textbook in a line of the user's, the likeliest spelling first."""
        if isinstance(node, ast.Constant):
            yield ast.unparse(node)
            return
        worth = self.worth(node, at)
        known = self._known(node, worth, place) if worth is not None else []
        yield from known[:LIKELY]
        if isinstance(node, ast.Name):
            if node.id == "t" and not known:
                counter = self.counter(place)
                yield from [counter[0]] if counter is not None else []
            if not known and node.id in self.made:
                yield from self._defined(node.id, at, place)
            if np.ndim(worth) == 0 and isinstance(worth, float) and node.id != "t":
                yield repr(float(worth))
            return
        made = self._composed(node, at, place)
        if made is not None and made not in known[:LIKELY]:
            yield made

    def _defined(self, name: str, at: int, place: ast.stmt) -> Iterator[str]:
        """Spell what the user has no name for as the textbook's line makes it."""
        before = [k for k in self.made[name] if k < at]
        statement = self.statements[before[-1]] if before else None
        if isinstance(statement, ast.Assign):
            made = self._composed(statement.value, before[-1], place)
            yield from [made] if made is not None else []

    def _composed(self, node: ast.expr, at: int, place: ast.stmt) -> str | None:
        """Spell an expression part by part."""
        if isinstance(node, ast.BinOp):
            left, right = (next(self.spelled(part, at, place), None) for part in (node.left, node.right))
            if left is None or right is None:
                return None
            sign = sign_of(node)
            left, right = bracketed(left, needed(node, "left")), bracketed(right, needed(node, "right"))
            power = sign == "**" and " ** " not in self.layout.text  # as its author writes powers
            return f"{left}**{right}" if power else f"{left} {sign} {right}"
        if isinstance(node, ast.UnaryOp):
            inner = next(self.spelled(node.operand, at, place), None)
            return None if inner is None else f"-{bracketed(inner, 7)}"
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = (next(self.spelled(part, at, place), None) for part in (node.left, node.comparators[0]))
            sign = ast.unparse(ast.Compare(ast.Name("a"), node.ops, [ast.Name("b")]))[2:-2]
            return None if left is None or right is None else f"{left} {sign} {right}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts = [next(self.spelled(part, at, place), None) for part in node.args]
            said = [part for part in parts if part is not None]
            return f"{self.function(node.func.attr)}({', '.join(said)})" if len(said) == len(parts) else None
        return None

    def function(self, name: str) -> str:
        """Return how the user calls a function of NumPy."""
        for node in ast.walk(self.layout.tree):
            if isinstance(node, ast.Call):
                called = node.func
                if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == name:
                    return ast.unparse(called)
        for node in ast.walk(self.layout.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in ("numpy", "math", "torch", "jax.numpy"):
                        return f"{alias.asname or alias.name}.{name}"
        return f"np.{name}"

    def _known(self, node: ast.expr, worth: Any, place: ast.stmt) -> list[str]:
        """Return what the user has that is worth so much, that of the same line and function first."""
        if not isinstance(node, ast.Name) and np.all(np.asarray(worth) == 0):
            return []  # anything times a memory that is still empty
        near = self.record.nearby.get(place, {})
        found = [text for text, value in near.items() if value.same(worth, self.tolerance)]
        own, name = self.layout.source(place), ast.unparse(node)
        return sorted(found, key=lambda text: (name not in text, text not in own, not text.isidentifier()))

    def counter(self, place: ast.stmt) -> tuple[str, Change] | None:
        """Return a counter of steps for a class that has none: its name, and the lines that make and count it."""
        method = self.layout.functions.get(place)
        kind = self.layout.parents.get(method, (None, ""))[0] if method is not None else None
        if method is None or not isinstance(kind, ast.ClassDef) or not method.args.args:
            return None
        maker = next((f for f in kind.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
        body = [s for s in method.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if maker is None or maker is method or not body or not maker.args.args:
            return None
        name = "t" if f"{method.args.args[0].arg}.t" not in self.layout.text else "steps"
        text, own = f"{method.args.args[0].arg}.{name}", f"{maker.args.args[0].arg}.{name}"
        end, start = self.layout.rows(maker.body[-1])[1], self.layout.rows(body[0])[0]
        made = Splice(end, end, f"{self.layout.indent(maker.body[-1])}{own} = 0\n")
        return text, (made, Splice(start, start, f"{self.layout.indent(body[0])}{text} += 1\n"))

    def change(self, site: ast.expr, text: str) -> Change:
        """Return the change that puts a spelled expression in its place, with the counter that it may need."""
        counter = self.counter(self.statement(site))
        made = self.layout.replaced(site, text)
        new = counter is not None and counter[0] in text and counter[0] not in self.layout.text
        return (made, *counter[1]) if counter is not None and new else (made,)

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement in which an expression stands."""
        while not isinstance(node, ast.stmt):
            node = self.layout.parents[node][0]
        return node


def translations(target: Target, translator: Translator) -> Iterator[Change]:
    """Return changes of the user's text that say what the textbook says, the smallest first."""
    for block in target.blocks:
        if len(block.wrong) == len(block.right) == 1:
            yield from _substituted(block, translator)
    for block in target.blocks:
        if len(block.wrong) == len(block.right) == 1:
            yield from _throughout(block, translator)


def _substituted(block: Block, translator: Translator) -> Iterator[Change]:
    wrong, right = block.wrong[0], block.right[0]
    assert isinstance(wrong, ast.Assign)  # noqa: S101 - the textbook has nothing else
    assert isinstance(right, ast.Assign)  # noqa: S101 - the same
    yield from _other_line(block, translator)
    for found, meant in pairs(wrong.value, right.value):
        yield from _augmented(found, meant, block.at, translator)
        sites = translator.sites(translator.worth(found, block.at))
        if isinstance(found, ast.Name):  # where it is read comes before where it is made
            sites.sort(key=lambda node: not isinstance(node, ast.Name | ast.Attribute | ast.Subscript))
        for site in sites:
            place = translator.statement(site)
            sign = _other_sign(translator.layout, found, meant, site)
            if sign is not None:
                yield (sign,)
            for text in translator.spelled(meant, block.at, place):
                yield translator.change(site, text)


def _other_line(block: Block, translator: Translator) -> Iterator[Change]:
    """Put a line of the textbook that assigns another name in the place of the user's."""
    wrong, right = block.wrong[0], block.right[0]
    assert isinstance(wrong, ast.Assign)  # noqa: S101 - the textbook has nothing else
    assert isinstance(right, ast.Assign)  # noqa: S101 - the same
    goal = ast.parse(ast.unparse(right.targets[0]), mode="eval").body
    if ast.unparse(wrong.targets[0]) == ast.unparse(goal):
        return
    for site in translator.sites(translator.worth(wrong.value, block.at)):
        place = translator.statement(site)
        if isinstance(place, ast.Assign) and place.value is site:
            names = [name for name in translator.spelled(goal, block.at, place) if not name[:1].isdigit()]
            value = next(translator.spelled(right.value, block.at, place), None)
            if names and value is not None:
                yield (Splice(*translator.layout.span(place), f"{names[0]} = {value}"),)


def _other_sign(layout: Layout, found: ast.expr, meant: ast.expr, site: ast.expr) -> Splice | None:
    """Return the splice of an operator, where nothing else differs: what stands on its sides stays as it is."""
    if not (isinstance(found, ast.BinOp) and isinstance(meant, ast.BinOp) and isinstance(site, ast.BinOp)):
        return None
    same = ast.unparse(found.left) == ast.unparse(meant.left) and ast.unparse(found.right) == ast.unparse(meant.right)
    if not same or type(site.op) is not type(found.op) or type(found.op) is type(meant.op):
        return None
    old, new = sign_of(found), sign_of(meant)
    start, stop = layout.span(site.left)[1], layout.span(site.right)[0]
    at = layout.text.find(old, start, stop)
    return Splice(at, at + len(old), new) if at >= 0 else None


def _augmented(found: ast.expr, meant: ast.expr, at: int, translator: Translator) -> Iterator[Change]:
    """Return ``-=`` for ``+=`` where these are the textbook's operators."""
    if not (isinstance(found, ast.BinOp) and isinstance(meant, ast.BinOp)) or type(found.op) is type(meant.op):
        return
    if ast.unparse(found.left) != ast.unparse(meant.left) or ast.unparse(found.right) != ast.unparse(meant.right):
        return
    values, layout = translator.record.values, translator.layout
    worth = translator.worth(found.left, at), translator.worth(found.right, at)
    for node in sorted(translator.record.ran, key=layout.span):
        if not isinstance(node, ast.AugAssign) or type(node.op) is not type(found.op):
            continue
        own = values.get(node.target), values.get(node.value)
        if all(
            v is not None and w is not None and v.same(w, translator.tolerance) for v, w in zip(own, worth, strict=True)
        ):
            start, stop = layout.span(node.target)[1], layout.span(node.value)[0]
            place = layout.text.find(f"{sign_of(found)}=", start, stop)
            if place >= 0:
                yield (Splice(place, place + len(sign_of(found)), sign_of(meant)),)


def sign_of(node: ast.BinOp) -> str:
    """Return an operator as it is written."""
    return ast.unparse(ast.BinOp(ast.Name("a"), node.op, ast.Name("b")))[2:-2]


def _throughout(block: Block, translator: Translator) -> Iterator[Change]:
    """Change all places of one line together: a name that stands in it twice."""
    wrong, right = block.wrong[0], block.right[0]
    assert isinstance(wrong, ast.Assign)  # noqa: S101 - the textbook has nothing else
    assert isinstance(right, ast.Assign)  # noqa: S101 - the same
    changes: dict[ast.stmt, list[Any]] = {}
    for found, meant in pairs(wrong.value, right.value):
        if not isinstance(found, ast.Name | ast.Constant):
            continue
        for site in translator.sites(translator.worth(found, block.at)):
            place = translator.statement(site)
            text = next(translator.spelled(meant, block.at, place), None)
            if text is not None:
                splice = translator.layout.replaced(site, text)
                if splice not in changes.setdefault(place, []):
                    changes[place].append(splice)
    yield from (tuple(splices) for splices in changes.values() if len(splices) > 1)
