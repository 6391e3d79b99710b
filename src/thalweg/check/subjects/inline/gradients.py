"""Where in an expression the gradient stands, and whether it is the gradient or its negative."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.flow import SELF, reads_of

_SLOPES = {
    "grad", "grads", "gradient", "gradients", "nabla", "derivative", "slope", "dw", "db", "dtheta", "g", "jac",
    "backward", "backprop", "backpropagation",
}  # fmt: skip
_TARGETS = {
    "y", "t", "target", "targets", "label", "labels", "true", "train", "yb", "ys", "yi", "expected", "actual",
    "desired", "want", "wanted", "goal", "truth", "gt", "real",
}  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class Cut:
    """A part of an expression that is the gradient, or holds it as a factor.

    Parameters
    ----------
    node : ast.expr
        What is replaced.
    factors : tuple of (str, ast.expr)
        ``*`` or ``/``, and what the gradient is multiplied or divided by beside what belongs to it.
    inside : tuple of ast.expr
        What makes up the gradient.
    """

    node: ast.expr
    factors: tuple[tuple[str, ast.expr], ...]
    inside: tuple[ast.expr, ...]


def cuts(node: ast.expr, tainted: Callable[[ast.AST], bool], steering: Callable[[ast.AST], bool]) -> list[Cut] | None:
    """Return the parts of an expression that are gradients; None where they cannot be told from the rest.

    Parameters
    ----------
    node : ast.expr
    tainted : callable
        Whether an expression reads data.
    steering : callable
        Whether it reads what belongs to the update: hyperparameters, memory.
    """
    if not tainted(node):
        return []
    if not steering(node):
        return [Cut(node, (), (node,))]
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub(), right):
            parts = [cuts(left, tainted, steering), cuts(right, tainted, steering)]
            return None if None in parts else [cut for part in parts for cut in part or ()]
        case ast.BinOp(_, ast.Mult() | ast.Div() | ast.MatMult(), _):
            return _of_product(node, tainted, steering)
        case ast.UnaryOp(_, inner):
            return cuts(inner, tainted, steering)
        case ast.Call(_, [only], []) if not tainted(node.func):
            return cuts(only, tainted, steering)
    return None


def _of_product(
    node: ast.BinOp, tainted: Callable[[ast.AST], bool], steering: Callable[[ast.AST], bool]
) -> list[Cut] | None:
    factors = _factors(node)
    outside = [(op, factor) for op, factor in factors if not tainted(factor) and steering(factor)]
    inside = [factor for op, factor in factors if tainted(factor) or not steering(factor)]
    mixed = [factor for factor in inside if tainted(factor) and steering(factor)]
    if not mixed:
        return [Cut(node, tuple(("*" if op == "@" else op, f) for op, f in outside), tuple(inside))]
    if len(mixed) == 1 and all(f is mixed[0] or not tainted(f) for f in inside):
        return cuts(mixed[0], tainted, steering)
    return None


def _factors(node: ast.expr, op: str = "*") -> list[tuple[str, ast.expr]]:
    """Return the factors of a product in order; those of a divisor stay together."""
    if isinstance(node, ast.BinOp) and op != "/":
        if isinstance(node.op, ast.Mult):
            return [*_factors(node.left, op), *_factors(node.right, "*")]
        if isinstance(node.op, ast.MatMult):
            return [*_factors(node.left, op), *_factors(node.right, "@")]
        if isinstance(node.op, ast.Div):
            return [*_factors(node.left, op), *_factors(node.right, "/")]
    return [(op, node)]


def sign_of(node: ast.AST, values: Mapping[str, ast.expr], depth: int = 0) -> int:
    """Return -1 where an expression is the negative of a gradient, as far as its text shows: ``X.T @ (y - h)``.

    Parameters
    ----------
    node : ast.AST
    values : mapping
        What the names of the forward pass are given, by name.
    """
    if depth > 12:
        return 1
    match node:
        case ast.Constant(int() | float() as number) if not isinstance(number, bool):
            return -1 if number < 0 else 1
        case ast.UnaryOp(ast.USub(), inner):
            return -sign_of(inner, values, depth)
        case ast.BinOp(left, ast.Sub(), right):
            if _is_target(left) != _is_target(right):
                return -1 if _is_target(left) else 1
            return sign_of(left, values, depth)
        case ast.BinOp(ast.UnaryOp(ast.USub(), left), ast.Add(), right) if _is_target(left):
            return sign_of(right, values, depth)
        case ast.BinOp(left, ast.Add(), _):
            return sign_of(left, values, depth)
        case ast.BinOp(left, ast.Mult() | ast.Div() | ast.MatMult(), right):
            return sign_of(left, values, depth) * sign_of(right, values, depth)
        case ast.BinOp(_, ast.Pow(), _):
            return 1
        case ast.Call(func, arguments, _):
            made = 1
            for argument in arguments:
                made *= sign_of(argument, values, depth + 1)
            return made * (sign_of(func.value, values, depth + 1) if isinstance(func, ast.Attribute) else 1)
        case ast.Subscript(value, _) | ast.Attribute(value, _):
            return sign_of(value, values, depth + 1)
        case ast.Name(name) if name in values and not _is_target(node):
            return sign_of(values[name], {k: v for k, v in values.items() if k != name}, depth + 1)
    return 1


def shows_sign(node: ast.AST, values: Mapping[str, ast.expr], depth: int = 0) -> bool:
    """Whether an expression comes of a difference from what the model should give, or of a function for gradients."""
    if depth > 12:
        return False
    for part in ast.walk(node):
        if (
            isinstance(part, ast.BinOp)
            and isinstance(part.op, ast.Sub)
            and _is_target(part.left) != _is_target(part.right)
        ):
            return True
        if isinstance(part, ast.Call):
            called = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
            if set(words.tokens(called)) & _SLOPES:
                return True
        if isinstance(part, ast.Name) and part.id in values:
            rest = {name: value for name, value in values.items() if name != part.id}
            if shows_sign(values[part.id], rest, depth + 1):
                return True
    return False


def is_slope(name: str) -> bool:
    """Whether a name says that it is a gradient, and not only that it is a difference."""
    return bool(set(words.tokens(name)) & _SLOPES)


def _is_target(node: ast.AST) -> bool:
    """Whether an expression is what the model should give: by its name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _is_target(node.func.value)
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr not in ("T", "values"):
            break
        node = node.value
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == SELF:
        node = ast.Name(node.attr)
    if not isinstance(node, ast.Name):
        return False
    parts = words.tokens(node.id)
    guessed = {"hat", "pred", "preds", "predicted", "prediction", "out", "output", "h", "p", "prob", "probs"}
    if set(parts) & guessed:
        return False
    return bool(parts) and (bool(set(parts) & _TARGETS) or words.role_of(node.id) == words.DATA)


def reads_without(node: ast.AST, left_out: set[ast.AST]) -> frozenset[str]:
    """Return the names that an expression reads outside of some of its parts."""
    if node in left_out:
        return frozenset()
    if not any(child in left_out for child in ast.walk(node)):
        return reads_of(node)
    found: frozenset[str] = frozenset()
    for child in ast.iter_child_nodes(node):
        found |= reads_without(child, left_out)
    return found
