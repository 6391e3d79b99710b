"""A formula computed node by node, as Python itself would: every value that comes by is kept."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any, final

from thalweg.formulas.outline import Body
from thalweg.formulas.source import Source

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip


@final
class Walk:
    """One update: every node that was evaluated, with its value.

    Parameters
    ----------
    calls : mapping
        The helper's body for each call of one, by the identity of the call's node.

    Attributes
    ----------
    seen : dict
        Values by the identity of their nodes; of ``a if condition else b`` one side only.
    at : (Source, ast.stmt) or None
        The statement that is being computed.
    """

    def __init__(self, calls: Mapping[int, Body]) -> None:
        self.calls = calls
        self.seen: dict[int, Any] = {}
        self.at: tuple[Source, ast.stmt] | None = None

    def run(self, body: Body, names: dict[str, Any]) -> Any:
        """Run the lines of a function and return what it returns; several values as a list."""
        for statement in body.statements:
            self.at = body.source, statement
            match statement:
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    made = [self.value(v, body, names) for v in values]  # all read before any is written
                    names.update({ast.unparse(name): one for name, one in zip(targets, made, strict=True)})
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    names[name] = self.value(value, body, names)
                case ast.Return(value=ast.Tuple(elts=elements)):
                    return [self.value(element, body, names) for element in elements]
                case ast.Return(value=ast.expr() as value):
                    return self.value(value, body, names)
        raise AssertionError("a formula returns")  # pragma: no cover - checked when it was read

    def value(self, node: ast.expr, body: Body, names: dict[str, Any]) -> Any:
        """Return the value of an expression and remember it."""
        self.seen[id(node)] = found = self._value(node, body, names)
        return found

    def _value(self, node: ast.expr, body: Body, names: dict[str, Any]) -> Any:
        def of(part: ast.expr) -> Any:
            return self.value(part, body, names)

        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return names[name] if name in names else _outer(body.scope, name)
            case ast.Attribute(value=ast.Name(id=module), attr=attribute):
                return getattr(_outer(body.scope, module), attribute)
            case ast.UnaryOp(op=sign, operand=operand):
                return _UNARY[type(sign)](of(operand))
            case ast.BinOp(left=left, op=sign, right=right):
                return _BINARY[type(sign)](of(left), of(right))
            case ast.Compare(left=left, ops=[compared], comparators=[right]):
                return _COMPARED[type(compared)](of(left), of(right))
            case ast.BoolOp(op=word, values=values):
                found = of(values[0])
                for part in values[1:]:
                    found = found and of(part) if isinstance(word, ast.And) else found or of(part)
                return found
            case ast.IfExp(test=test, body=first, orelse=other):
                return of(first) if of(test) else of(other)
            case ast.Call() if id(node) in self.calls:
                helper = self.calls[id(node)]
                given = {name: of(argument) for name, argument in helper.arguments.items()}
                return self.run(helper, {**helper.defaults, **given})
            case ast.Call(func=function, args=arguments):
                return of(function)(*map(of, arguments))
        raise AssertionError(f"not in the language: {ast.unparse(node)}")  # pragma: no cover - checked when read


def _outer(scope: Mapping[str, Any], name: str) -> Any:
    return scope[name] if name in scope else getattr(builtins, name)
