"""The outline of a rule: its own lines, and of each line the parts whose numbers tell something.

It is read off the syntax tree of the text that the author wrote, helper functions included, so that a rule of the
user's own has one as well.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal, final

from thalweg.formulas.meanings import Names, of_line, of_part
from thalweg.formulas.source import Source

if TYPE_CHECKING:
    from thalweg.formulas.kinds import Rule

SMALL = 1e-2
"""Up to which size a number that is written into a denominator is taken for its guard."""

Kind = Literal["gradient", "before", "part", "share", "value", "move"]


@final
@dataclass(frozen=True, eq=False)
class Entry:
    """One row of the ledger: what is told of a line.

    Parameters
    ----------
    kind : {"gradient", "before", "part", "share", "value", "move"}
        What came; theta or a slot as it was; a part of a line; how much of a denominator a guard such as epsilon makes
        up; what the line gives a name; how far theta went.
    text : str
        The name, or the part as it is written.
    line : int
        Of the formula's lines, from 0; -1 before them.
    node : ast.expr or None
        What to compute.
    coordinates : bool
        Whether there is one value per coordinate.
    guard : ast.expr or None
        Of a share: what its share is asked of.
    rooted : bool
        The guard stands under a root, and the share is that of the root.
    meaning : str
        What the number is, in a few words; may be empty.
    """

    kind: Kind
    text: str
    line: int
    node: ast.expr | None = None
    coordinates: bool = True
    guard: ast.expr | None = None
    rooted: bool = False
    meaning: str = ""


@final
@dataclass(frozen=True)
class Line:
    """A line of the formula.

    Parameters
    ----------
    number : int
        In its file, from 1.
    text : str
        As it is written, on one line.
    inside : str
        Name of the helper function that it belongs to; empty for the rule's own.
    """

    number: int
    text: str
    inside: str = ""


@final
@dataclass(eq=False)
class Body:
    """One call of a function: the rule's own, or that of a helper.

    Attributes
    ----------
    source : Source
        Of the function.
    statements : list of ast.stmt
        Without the docstring.
    arguments : dict
        Of a helper: the expressions that its arguments are given.
    defaults : dict
        Of a helper: the values of those that are not.
    scope : mapping
        Outer names, as the function sees them.
    """

    source: Source
    statements: list[ast.stmt]
    scope: Mapping[str, Any]
    arguments: dict[str, ast.expr] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


@final
class Outline:
    """The lines of a rule, its rows, and the calls of helpers in it.

    Parameters
    ----------
    rule : Rule
    rated : bool
        Whether the learning rate changes from update to update, and is told with each.

    Attributes
    ----------
    lines : list of Line
        In the order in which they are computed.
    entries : list of Entry
        In the same order.
    body : Body
        The rule's own.
    calls : dict
        The helper's body for each call of one, by the identity of the call's node.

    Examples
    --------
    >>> from thalweg.formulas.rules import rmsprop
    >>> [entry.text for entry in Outline(rmsprop).entries if entry.line == 0]
    ['rho * v', '(1 - rho) * g * g', 'v']
    """

    def __init__(self, rule: Rule, *, rated: bool = False) -> None:
        self.lines: list[Line] = []
        self.calls: dict[int, Body] = {}
        self.slots = rule.slots
        named = ("theta", *rule.slots)
        self.entries = [Entry("gradient", "g", -1), *(Entry("before", name, -1) for name in named)]
        if rated:
            self.entries.insert(0, Entry("before", "learning_rate", -1, coordinates=False))
        source = rule._source
        definition = source.definition
        self.body = Body(source, _statements(definition), rule.formula.__globals__)
        names = Names(frozenset(rule.hyperparameters), frozenset(rule.slots))
        known = dict.fromkeys(rule.hyperparameters, "fixed") | {"t": "scalar"}
        reader = _Reader(self, source, names, known | dict.fromkeys(("theta", "g", *rule.slots), "coordinates"))
        reader.body(self.body, ("theta", *rule.slots))


def _statements(definition: ast.FunctionDef) -> list[ast.stmt]:
    first = definition.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return definition.body[1:] if said else definition.body


@final
class _Reader:
    """Reads one function; ``known`` tells of each name whether it is fixed, a scalar that moves, or coordinates."""

    def __init__(self, outline: Outline, source: Source, names: Names, known: dict[str, str], inside: str = "") -> None:
        self.outline, self.source, self.names, self.known, self.inside = outline, source, names, known, inside

    # -- lines

    def body(self, body: Body, returned: tuple[str, ...]) -> str:
        """Read all lines; return what the value of a helper is."""
        gives = "fixed"
        for statement in body.statements:
            if isinstance(statement, ast.Assign):
                self._assignment(statement)
            elif isinstance(statement, ast.Return) and statement.value is not None:
                gives = self._returned(statement, statement.value, returned)
        return gives

    def _assignment(self, statement: ast.Assign) -> None:
        target, value = statement.targets[0], statement.value
        at_once = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        targets = target.elts if at_once and isinstance(target, ast.Tuple) else [target]
        values = value.elts if at_once and isinstance(value, ast.Tuple) else [value]
        self._helpers(values)
        line = self._line(statement)
        kinds = [self.kind(v) for v in values]
        shares = [self._parts(one, line, ast.unparse(name)) for name, one in zip(targets, values, strict=True)]
        for name, one, kind, share in zip(targets, values, kinds, shares, strict=True):
            if isinstance(name, ast.Name):
                said = of_line(name.id, one, self.names, scalar=kind != "coordinates")
                self._add(Entry("value", name.id, line, one, kind == "coordinates", meaning=said), share)
                self.known[name.id] = kind

    def _returned(self, statement: ast.Return, value: ast.expr, returned: tuple[str, ...]) -> str:
        elements = value.elts if isinstance(value, ast.Tuple) else [value]
        self._helpers(elements)
        line = self._line(statement)
        shares = [self._parts(one, line) for one in elements]
        if not returned:  # a helper's
            kind = self.kind(elements[0])
            self._add(Entry("value", self.inside, line, elements[0], kind == "coordinates"), shares[0])
            return kind
        for name, one, share in zip(returned, elements, shares, strict=True):
            computed = isinstance(one, ast.Name) and one.id == name  # above, where its row stands
            if not computed:
                said = of_line(name, one, self.names, scalar=False)
                self._add(Entry("value", name, line, one, meaning=said), share)
            if name == "theta":
                self._add(Entry("move", "theta moved by", line, meaning="theta after minus theta before"))
        return "coordinates"

    def _line(self, statement: ast.stmt) -> int:
        number = self.source.first_line + statement.lineno - 1
        self.outline.lines.append(Line(number, self.text(statement), self.inside))
        return len(self.outline.lines) - 1

    def _add(self, *entries: Entry | None) -> None:
        self.outline.entries += [entry for entry in entries if entry is not None]

    def text(self, node: ast.AST) -> str:
        """Return a piece of the formula as its author wrote it."""
        segment = ast.get_source_segment(self.source.text, node) or ""
        return ast.unparse(node) if "#" in segment or not segment else " ".join(segment.split())

    # -- helpers

    def _helpers(self, values: list[ast.expr]) -> None:
        """Read the helpers that a line calls, each call by itself, before the line."""
        for call in (call for value in values for call in _calls(value)):
            helper = self.source.scope.get(call.func.id) if isinstance(call.func, ast.Name) else None
            if isinstance(helper, Source):
                self._helper(call, helper)

    def _helper(self, call: ast.Call, helper: Source) -> None:
        function: FunctionType = helper.function()
        given = inspect.signature(function).bind(*call.args, **{k.arg: k.value for k in call.keywords if k.arg})
        parameters = inspect.signature(function).parameters
        defaults = {n: p.default for n, p in parameters.items() if n not in given.arguments}
        body = Body(helper, _statements(helper.definition), function.__globals__, dict(given.arguments), defaults)
        self.outline.calls[id(call)] = body
        known = dict.fromkeys(defaults, "fixed") | {n: self.kind(v) for n, v in given.arguments.items()}
        inner = _Reader(self.outline, helper, Names(frozenset(defaults), frozenset()), known, helper.name)
        inner.body(body, ())

    # -- parts

    def kind(self, node: ast.expr) -> str:
        """Tell whether an expression is fixed for the run, a scalar that moves with t, or has coordinates."""
        found = {self.known.get(n.id, "fixed") for n in ast.walk(node) if isinstance(n, ast.Name)}
        return "coordinates" if "coordinates" in found else "scalar" if "scalar" in found else "fixed"

    def _parts(self, value: ast.expr, line: int, given: str = "") -> Entry | None:
        """Add the rows of the parts of a value, the same text once a line; return the row of the value's own share."""
        told = {entry.text for entry in self.outline.entries if entry.line == line}
        divides = {id(node) for node in _denominators(value)}
        for node in self._within(value):
            text = self.text(node)
            if text not in told:
                told.add(text)
                said = of_part(node, self.names, given)
                part = Entry("part", text, line, node, self.kind(node) == "coordinates", meaning=said)
                self._add(part, self._share(node, line, divides))
        return self._share(value, line, divides)

    def _telling(self, node: ast.expr) -> bool:
        bare = isinstance(node, ast.Name | ast.Constant | ast.Attribute)
        return not (bare or isinstance(node, ast.UnaryOp)) and self.kind(node) != "fixed"

    def _with(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield the parts of an expression, and itself where it tells something."""
        yield from self._within(node)
        if self._telling(node):
            yield node

    def _within(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield the parts of an expression without itself, in the order in which they are computed."""
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                for term, _ in terms(node):
                    yield from self._within(term)
                    moving = self.kind(term) == "coordinates" or isinstance(term, ast.Call | ast.BinOp)
                    power = isinstance(term, ast.BinOp) and isinstance(term.op, ast.Pow) and self.kind(term) == "scalar"
                    if moving and not power and self._telling(term):
                        yield term
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                for factor in (left, right):
                    product = isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Mult | ast.Pow)
                    few = isinstance(factor, ast.BinOp) and self.kind(factor) == "scalar" and not self._gathers(factor)
                    yield from self._within(factor) if product or few else self._with(factor)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                yield from self._with(left)
                yield from self._with(right)
            case ast.BinOp(left=base, op=ast.Pow()):
                yield from self._with(base)
            case ast.UnaryOp(operand=operand):
                yield from self._within(operand)
            case ast.Call(args=arguments):
                for argument in arguments:
                    yield from self._with(argument)
            case ast.Compare(left=left, comparators=[right]):
                yield from self._with(left)
                yield from self._with(right)
            case ast.BinOp(left=left, right=right):
                yield from self._with(left)
                yield from self._with(right)
            case ast.IfExp(test=test, body=body, orelse=other):
                yield from self._with(test)
                yield from self._within(body)
                yield from self._within(other)
            case ast.BoolOp(values=values):
                for part in values:
                    yield from self._with(part)

    def _gathers(self, node: ast.expr) -> bool:
        """Whether there is a power of t in it: the corrections of a start at zero."""
        return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow) for n in ast.walk(node))

    # -- guards of divisions

    def _share(self, node: ast.expr, line: int, divides: set[int]) -> Entry | None:
        """Return the row that tells how much of a sum, or of the root of one, its guard makes up."""
        if isinstance(node, ast.IfExp):
            return self._share(node.body, line, divides) or self._share(node.orelse, line, divides)
        under = _under_root(node)
        total = node if under is None else under
        guard = self._guard(total, divides)
        if guard is None:
            return None
        name = self.text(guard)
        where = " of the root" if under is not None else ""
        meaning = f"how much of {self.text(node)} it makes up"
        text = f"{name}'s share{where}"
        return Entry("share", text, line, total, guard=guard, rooted=under is not None, meaning=meaning)

    def _guard(self, node: ast.expr, divides: set[int]) -> ast.expr | None:
        """Return the fixed term of a sum that keeps it from zero: epsilon, or what stands in its place."""
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and self.kind(node) == "coordinates"):
            return None
        for term, plus in terms(node):
            small = isinstance(term, ast.Constant) and 0 < float(ast.literal_eval(term)) <= SMALL
            own = isinstance(term, ast.Name) and self.known.get(term.id) == "fixed"
            epsilon = isinstance(term, ast.Name) and "eps" in term.id.lower()
            if plus and (small or own) and (epsilon or id(node) in divides):
                return term
        return None


def terms(node: ast.expr, *, plus: bool = True) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the terms of a sum in their order, and whether each is added."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from terms(node.left, plus=plus)
        yield node.right, plus and isinstance(node.op, ast.Add)
    else:
        yield node, plus


def _under_root(node: ast.expr) -> ast.expr | None:
    match node:
        case ast.Call(func=ast.Attribute(attr="sqrt"), args=[under]):
            return under
        case ast.BinOp(left=under, op=ast.Pow(), right=ast.Constant(value=0.5)):
            return under
    return None


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in an expression, each after those in its arguments."""
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)
    if isinstance(node, ast.Call):
        yield node


def _denominators(node: ast.expr) -> Iterator[ast.expr]:
    """Yield everything that an expression divides by, down to the sums under roots."""
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div):
            yield from _down_to_sums(part.right)


def _down_to_sums(node: ast.expr) -> Iterator[ast.expr]:
    yield node
    under = _under_root(node)
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            yield from _down_to_sums(left)
            yield from _down_to_sums(right)
        case ast.IfExp(body=body, orelse=other):
            yield from _down_to_sums(body)
            yield from _down_to_sums(other)
        case _ if under is not None:
            yield from _down_to_sums(under)
