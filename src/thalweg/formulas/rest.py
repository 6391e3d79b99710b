"""What a rule does to a coordinate whose gradient is zero, read off its formula.

Most coordinates of sparse rows have no gradient in an update. Where a rule leaves those as they are, or only shrinks
them by a factor that they share, an update has to touch no others than those that have one.

The formula is evaluated with 0 in the place of the gradient, on *forms*: sums of theta and slots with scalar factors.
``x + 0`` is ``x``, ``0 * x`` and ``sign(0)`` are 0, ``0 / x`` is 0 where ``x`` is provably not. What is no such form is
not known, and so is all that follows from it. A proof about real numbers: what is not finite ends a run anyway.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from thalweg.formulas.formula import Penalty, Rule
from thalweg.formulas.program import Program

# Functions that are 0 at 0.
_VANISH = frozenset("sqrt abs absolute sign expm1 log1p tanh sin square arctan sinh".split())
_ONE = ast.Constant(1.0)

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}

Factors = tuple[ast.expr, ...]
#: Nothing changes.
AS_IT_IS = _ONE


@dataclass(frozen=True)
class _Scalar:
    """The same for all coordinates.

    Attributes
    ----------
    text : ast.expr or None
        In terms of hyperparameters alone; None where it depends on the count of updates.
    value : float or None
        Its number, where that stays the same for a whole run.
    """

    text: ast.expr | None
    value: float | None


@dataclass(frozen=True)
class _Form:
    """One value per coordinate.

    Attributes
    ----------
    terms : mapping or None
        Factor of each of theta and the slots; empty for zero; None where it is no such form.
    least : float
        A bound from below.
    text : str or None
        What it is made of, where that is known: the same text is the same value.
    """

    terms: Mapping[str, ast.expr] | None
    least: float = -float("inf")
    text: str | None = None


_UNKNOWN = _Form(None)
_ZERO = _Form({}, 0.0, "0")
_Value = _Scalar | _Form


def factors_at_rest(rule: Rule, *, pulled: bool = False) -> Factors | None:
    """Return the factors by which theta and each slot change in an update whose gradient is zero.

    Parameters
    ----------
    rule : Rule
        With its numbers; its learning rate may follow a schedule.
    pulled : bool
        The gradient is ``pull * theta`` instead, as that of an l2 penalty is.

    Returns
    -------
    tuple of ast.expr, or None
        In terms of the hyperparameters and of ``pull``; the constant 1 where nothing changes. None where an update does
        anything else.

    Examples
    --------
    >>> from thalweg.formulas.rules import adagrad, adam, gradient_descent, rmsprop
    >>> [ast.unparse(factor) for factor in factors_at_rest(adagrad)]
    ['1.0', '1.0']
    >>> [ast.unparse(factor) for factor in factors_at_rest(rmsprop)]
    ['1.0', 'rho']
    >>> [ast.unparse(factor) for factor in factors_at_rest(gradient_descent, pulled=True)]
    ['1.0 - learning_rate * pull']
    >>> factors_at_rest(adam) is None
    True
    """
    program = rule._program
    numbers = numbers_of(rule)
    theta, grad, _, *slots = program.arguments
    above = _never_below_zero(rule, numbers)
    known: dict[str, _Value] = {name: _Form({name: _ONE}, above[name]) for name in (theta, *slots)}
    known[grad] = _Form({theta: ast.Name("pull", ast.Load())}) if pulled else _ZERO
    made = _evaluated(program, numbers, known)
    factors: list[ast.expr] = []
    for name, value in zip((theta, *slots), made, strict=True):
        if not isinstance(value, _Form) or value.terms is None or set(value.terms) != {name}:
            return None
        factors.append(value.terms[name])
    return tuple(factors)


def made_of_memory(rule: Rule) -> bool:
    """Whether an update without a gradient leaves the slots as they are, and makes theta of them alone.

    Theta is then what the last update with a gradient has made it, as long as the hyperparameters, the learning rate
    among them, are what they were.

    Examples
    --------
    >>> from thalweg.formulas.rules import adam, ftrl, gradient_descent
    >>> [made_of_memory(rule) for rule in (ftrl, adam, gradient_descent)]
    [True, False, False]
    """
    program, numbers = rule._program, numbers_of(rule)
    theta, grad, _, *slots = program.arguments
    above = _never_below_zero(rule, numbers)
    known: dict[str, _Value] = {name: _Form({name: _ONE}, above[name], name) for name in (theta, *slots)}
    made, *kept = _evaluated(program, numbers, {**known, grad: _ZERO})
    same = [isinstance(x, _Form) and x.terms == {slot: _ONE} for slot, x in zip(slots, kept, strict=True)]
    if not isinstance(made, _Form) or made.text is None or not all(same):
        return False
    reads = {node.id for node in ast.walk(ast.parse(made.text)) if isinstance(node, ast.Name)}
    return reads.isdisjoint((theta, *program.scalar_arguments))


def _never_below_zero(rule: Rule, numbers: Mapping[str, float]) -> dict[str, float]:
    """Return bounds from below: 0 of slots that start there or above, and stay where all of them do; else -inf."""
    theta, grad, _, *slots = rule._program.arguments
    anywhere = -float("inf")
    starts = rule.init(np.zeros(1))[:, 0] if slots else np.zeros(0)
    bounds = {theta: anywhere} | {
        slot: 0.0 if start >= 0 else anywhere for slot, start in zip(slots, starts, strict=True)
    }
    while True:
        known: dict[str, _Value] = {name: _Form(None, bound) for name, bound in bounds.items()}
        made = _evaluated(rule._program, numbers, known | {grad: _UNKNOWN})[1:]
        kept = {
            slot: bounds[slot] if _Reader.as_form(x).least >= 0 else anywhere
            for slot, x in zip(slots, made, strict=True)
        }
        if kept == {slot: bounds[slot] for slot in slots}:
            return bounds
        bounds |= kept


def pull_of(penalty: Penalty) -> float | None:
    """Return c where a penalty on w is ``c * w**2 / 2``, with the derivative ``c * w``; None for any other.

    Examples
    --------
    >>> from thalweg.formulas.penalties import elastic_net, l2
    >>> pull_of(l2(alpha=0.25)), pull_of(elastic_net)
    (0.25, None)
    """
    program = penalty._program
    (weight,) = program.arguments
    numbers = numbers_of(penalty)
    slope = _evaluated(program, numbers, {weight: _Form({weight: _ONE})})[1]
    zero = _evaluated(program, numbers, {weight: _ZERO})[0]
    if not (isinstance(slope, _Form) and slope.terms and isinstance(zero, _Form) and zero.terms == {}):
        return None
    return number_of(slope.terms[weight], numbers)


def numbers_of(formula: Rule | Penalty) -> dict[str, float]:
    """Return the hyperparameters by the names that they have in the program."""
    given = map(float, formula.hyperparameters.values())
    return dict(zip(formula._program.scalars, given, strict=True))


def number_of(factor: ast.expr, numbers: Mapping[str, float]) -> float:
    """Return a factor's number."""
    match factor:
        case ast.Constant():
            return float(ast.literal_eval(factor))
        case ast.Name(id=name):
            return numbers[name]
        case ast.UnaryOp(operand=operand):
            return -number_of(operand, numbers)
        case ast.BinOp(left=left, op=op, right=right):
            return _number(op, number_of(left, numbers), number_of(right, numbers))
    raise AssertionError(f"no factor: {ast.unparse(factor)}")  # pragma: no cover - nothing else is built here


def _number(op: ast.operator, a: float, b: float) -> float:
    match op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div():
            return a / b if b else float("nan")
    raise AssertionError(f"no operator of a factor: {op}")  # pragma: no cover - nothing else is built here


def _evaluated(program: Program, numbers: Mapping[str, float], known: dict[str, _Value]) -> list[_Value]:
    """Return the outputs of a program."""
    for name in program.scalars:
        # A learning rate changes from update to update, so that its number says nothing.
        known[name] = _Scalar(ast.Name(name, ast.Load()), None if name == "learning_rate" else numbers[name])
    for name in program.scalar_arguments:
        known[name] = _Scalar(None, None)
    for statement in program.statements:
        known[statement.name] = _Reader(known).value(statement.value)
    return [_Reader(known).value(output) for output in program.outputs]


class _Reader:
    """Evaluates an expression on scalars and forms."""

    def __init__(self, known: Mapping[str, _Value]) -> None:
        self._known = known
        self._found: dict[ast.expr, _Value] = {}

    def value(self, node: ast.expr) -> _Value:
        """Return what an expression is."""
        if node not in self._found:
            found = self._value(node)
            if isinstance(found, _Form) and found.text is None:
                found = replace(found, text=self._text(node, found))
            self._found[node] = found
        return self._found[node]

    def _text(self, node: ast.expr, found: _Form) -> str | None:
        """Return what a form is made of."""
        if found.terms is not None and list(found.terms.values()) == [_ONE]:
            return next(iter(found.terms))
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                parts = [operand]
            case ast.BinOp(left=left, right=right):
                parts = [left, right]
            case ast.Call(args=arguments):
                parts = arguments
            case _:
                return None
        texts = [self._named(part) for part in parts]
        if any(text is None for text in texts):
            return None
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()) if texts[1] == "0":
                return texts[0]
            case ast.BinOp(op=op):
                return f"({texts[0]} {_SIGNS[type(op)]} {texts[1]})" if type(op) in _SIGNS else None
            case ast.Call(func=function):
                return f"{ast.unparse(function).replace('.', '_')}({', '.join(map(str, texts))})"
        return f"(-{texts[0]})"

    def _named(self, node: ast.expr) -> str | None:
        """Return what an expression is made of."""
        found = self.value(node)
        if isinstance(found, _Form):
            return found.text
        return None if found.text is None else f"({ast.unparse(found.text)})"

    def _value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name(id=name):
                return self._known.get(name, _UNKNOWN)
            case ast.Constant(value=bool()):
                return _UNKNOWN
            case ast.Constant():
                number = float(ast.literal_eval(node))
                return _Scalar(ast.Constant(number), number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._binary(ast.Sub(), _Scalar(ast.Constant(0.0), 0.0), self.value(operand))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(left, right)
            case ast.BinOp(op=ast.Mult()):
                return self._product(node)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self.value(left), self.value(right))
            case ast.IfExp(body=body, orelse=other):
                return self._either(self.value(body), self.value(other))
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        return _UNKNOWN

    def _product(self, node: ast.expr) -> _Value:
        """Return a product; the same factor twice is a square, which is never below zero."""
        factors: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            factors.insert(0, left.right)
            left = left.left
        factors.insert(0, left)
        values: list[_Value] = []
        while factors:
            first = factors.pop(0)
            again = next((k for k, other in enumerate(factors) if ast.dump(other) == ast.dump(first)), None)
            if again is None:
                values.append(self.value(first))
            else:
                del factors[again]
                values.append(self._square(self.value(first)))
        made = values[0]
        for value in values[1:]:
            made = self._binary(ast.Mult(), made, value)
        return made

    def _square(self, x: _Value) -> _Value:
        if isinstance(x, _Scalar):
            return self._binary(ast.Mult(), x, x)
        return _ZERO if x.terms == {} else _Form(None, 0.0)

    def _power(self, base: ast.expr, exponent: ast.expr) -> _Value:
        x, n = self.value(base), self.value(exponent)
        if isinstance(x, _Scalar) or not isinstance(n, _Scalar):
            # A power of scalars is not taken into a factor, but is a scalar all the same.
            both = isinstance(x, _Scalar) and isinstance(n, _Scalar)
            return _Scalar(None, None) if both else _UNKNOWN
        if n.value is not None and n.value > 0 and x.terms == {}:
            return _ZERO
        return _Form(None, 0.0) if n.value in (0.5, 2.0) else _UNKNOWN

    def _call(self, name: str, arguments: list[ast.expr]) -> _Value:
        values = [self.value(argument) for argument in arguments]
        if all(isinstance(value, _Scalar) for value in values):
            return _Scalar(None, None)
        if name == "where":
            return self._either(values[1], values[2])
        if name in {"maximum", "minimum", "max", "min"}:
            return self._bounded(values, largest=name in {"maximum", "max"})
        (x, *_) = values
        if name in _VANISH and isinstance(x, _Form) and x.terms == {}:
            return _ZERO
        if name == "sqrt" and isinstance(x, _Form):
            return _Form(None, max(x.least, 0.0) ** 0.5)
        return _Form(None, 0.0) if name in {"abs", "absolute", "square"} else _UNKNOWN

    def _bounded(self, values: list[_Value], *, largest: bool) -> _Value:
        forms = [self.as_form(value) for value in values]
        same = self._either(*forms)
        terms = same.terms if isinstance(same, _Form) else None
        bounds = [form.least for form in forms]
        return _Form(terms, max(bounds) if largest else min(bounds))

    def _either(self, a: _Value, b: _Value) -> _Value:
        """Return what holds for both."""
        if isinstance(a, _Scalar) and isinstance(b, _Scalar):
            return _Scalar(None, None)
        a, b = self.as_form(a), self.as_form(b)
        least = min(a.least, b.least)
        if a.terms is None or b.terms is None or set(a.terms) != set(b.terms):
            return _Form(None, least)
        same = all(ast.dump(a.terms[name]) == ast.dump(b.terms[name]) for name in a.terms)
        return _Form(a.terms if same else None, least)

    @staticmethod
    def as_form(x: _Value) -> _Form:
        """Return what a scalar is for each coordinate."""
        if isinstance(x, _Form):
            return x
        if x.value == 0.0:
            return _ZERO
        return _Form(None, -float("inf") if x.value is None else x.value)

    def _binary(self, op: ast.operator, a: _Value, b: _Value) -> _Value:
        if isinstance(a, _Scalar) and isinstance(b, _Scalar):
            return self._of_scalars(op, a, b)
        match op:
            case ast.Add() | ast.Sub():
                return self._sum(op, self.as_form(a), self.as_form(b))
            case ast.Mult():
                scaled, factor = (a, b) if isinstance(a, _Form) else (b, a)
                return self._scaled(op, scaled, factor) if isinstance(scaled, _Form) else _UNKNOWN
            case ast.Div() if isinstance(a, _Form):
                return self._scaled(op, a, b)
            case ast.Div() if self.as_form(a).terms == {} and isinstance(b, _Form) and b.least > 0:
                return _ZERO
        return _UNKNOWN

    @staticmethod
    def _of_scalars(op: ast.operator, a: _Scalar, b: _Scalar) -> _Scalar:
        if isinstance(op, ast.Mult) and 0.0 in (a.value, b.value):
            return _Scalar(ast.Constant(0.0), 0.0)
        if not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            return _Scalar(None, None)
        text = None if a.text is None or b.text is None else ast.BinOp(a.text, op, b.text)
        value = None if a.value is None or b.value is None else _number(op, a.value, b.value)
        return _Scalar(text, value)

    @staticmethod
    def _sum(op: ast.operator, a: _Form, b: _Form) -> _Form:
        if isinstance(op, ast.Sub) and a.text is not None and a.text == b.text:
            return _ZERO
        least = a.least + b.least if isinstance(op, ast.Add) else -float("inf")
        if b.terms == {}:
            least = a.least
        if a.terms is None or b.terms is None:
            return _Form(a.terms if b.terms == {} else b.terms if a.terms == {} else None, least)
        terms = dict(a.terms)
        for name, factor in b.terms.items():
            zero = ast.Constant(0.0)
            first = terms.get(name, zero)
            terms[name] = factor if first is zero and isinstance(op, ast.Add) else ast.BinOp(first, op, factor)
        return _Form(terms, least)

    @staticmethod
    def _scaled(op: ast.operator, x: _Form, factor: _Value) -> _Form:
        """Return ``x * factor`` or ``x / factor``."""
        if isinstance(factor, _Form):
            if x.terms == {} and (isinstance(op, ast.Mult) or factor.least > 0):
                return _ZERO
            if isinstance(op, ast.Mult) and factor.terms == {}:
                return _ZERO
            return _Form(None, 0.0 if x.least >= 0 and factor.least >= 0 else -float("inf"))
        if x.terms == {}:
            return _ZERO
        if isinstance(op, ast.Mult) and factor.value == 0.0:
            return _ZERO
        # The learning rate is above zero, or zero.
        rate = isinstance(factor.text, ast.Name) and factor.text.id == "learning_rate"
        above = rate or (factor.value is not None and factor.value >= 0)
        least = 0.0 if x.least >= 0 and above else -float("inf")
        if x.terms is None or factor.text is None:
            return _Form(None, least)
        one = isinstance(factor.text, ast.Constant) and factor.text.value == 1.0
        terms = {name: _times(op, f, factor.text, same=one) for name, f in x.terms.items()}
        return _Form(terms, least)


def _times(op: ast.operator, factor: ast.expr, other: ast.expr, *, same: bool) -> ast.expr:
    if same:
        return factor
    if isinstance(op, ast.Mult) and factor is _ONE:
        return other
    if isinstance(op, ast.Mult):
        return ast.BinOp(other, op, factor)
    return ast.BinOp(factor, op, other)
