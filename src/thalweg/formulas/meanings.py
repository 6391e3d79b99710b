"""What the parts of an update rule are, in a few words, read off their form."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Names:
    """Which names of a formula are hyperparameters, and which are slots."""

    hyperparameters: frozenset[str]
    slots: frozenset[str]


def of_part(node: ast.expr, names: Names, given: str = "") -> str:
    """Return what a part of a line is; empty where its form says nothing.

    Parameters
    ----------
    node : ast.expr
    names : Names
    given : str
        The name that the line gives a value.

    Examples
    --------
    >>> names = Names(frozenset({"beta1"}), frozenset({"m"}))
    >>> of_part(ast.parse("1 - beta1**t", mode="eval").body, names)
    'the weight that an average with beta1 has gathered since it started at zero; it nears 1'
    """
    match node:
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=right) if _is_power_of_t(right, names):
            kept = ast.unparse(right.left) if isinstance(right, ast.BinOp) else ""
            return f"the weight that an average with {kept} has gathered since it started at zero; it nears 1"
        case ast.BinOp(left=ast.Name(id=kept), op=ast.Mult(), right=ast.Name(id=old)):
            if old == given and _kept(kept, old, names):
                return f"what is left of {old}"
        case ast.BinOp(op=ast.Mult()) if _decays(node):
            return "decay: theta shrinks by this much, whatever the gradient"
        case ast.BinOp(left=left, op=ast.Mult()) if _adds(left, names):
            return "what this update adds"
        case ast.Call(func=ast.Attribute(attr="sign")):
            return "the direction alone, not the size"
    return ""


def of_line(name: str, value: ast.expr, names: Names, *, scalar: bool) -> str:
    """Return what a line gives a name; empty where its form says nothing.

    Examples
    --------
    >>> names = Names(frozenset({"rho"}), frozenset({"v"}))
    >>> of_line("v", ast.parse("rho * v + (1 - rho) * g * g", mode="eval").body, names, scalar=False)
    'average of g * g that forgets with rho'
    """
    if scalar:
        return _of_scalar(value, names)
    match value:
        case ast.BinOp(left=ast.BinOp(left=ast.Name(id=kept), op=ast.Mult(), right=ast.Name(id=old)), op=ast.Add()):
            if old != name or not _kept(kept, old, names):
                return ""
            new = value.right
            averaged = _averaged(new, kept)
            if averaged:
                return f"average of {averaged} that forgets with {kept}"
            return f"sum of {ast.unparse(new)} in which the past fades by {kept}"
        case ast.BinOp(left=ast.Name(id=old), op=ast.Add(), right=new) if old == name and name in names.slots:
            return f"sum of {ast.unparse(new)} over all updates"
    return ""


def _of_scalar(value: ast.expr, names: Names) -> str:
    match value:
        case ast.BinOp(left=ast.Name(id="learning_rate"), op=ast.Div(), right=right) if _is_correction(right, names):
            return "the learning rate, made larger while the average that it multiplies is young"
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Div(), right=ast.Call(args=[under])) if _is_correction(
            under, names
        ):
            return "brings the root of an average that started at zero to its size"
        case ast.BinOp(op=ast.Div(), right=right) if _is_correction(right, names):
            return "brings an average that started at zero to its size"
    return ""


def _is_power_of_t(node: ast.expr, names: Names) -> bool:
    match node:
        case ast.BinOp(left=ast.Name(id=base), op=ast.Pow(), right=ast.Name(id="t")):
            return base in names.hyperparameters
    return False


def _is_correction(node: ast.expr, names: Names) -> bool:
    match node:
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=right):
            return _is_power_of_t(right, names)
    return False


def _kept(kept: str, old: str, names: Names) -> bool:
    """Whether the second is memory and the first says how much of it stays."""
    return old in names.slots and kept in names.hyperparameters


def _adds(node: ast.expr, names: Names) -> bool:
    """Whether a product begins with ``1 - beta``: the share of what is new in an average."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        node = node.left
    match node:
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=ast.Name(id=name)):
            return name in names.hyperparameters
    return False


def _averaged(node: ast.expr, kept: str) -> str:
    """Return ``x`` of ``(1 - kept) * x``, as text."""
    text = ast.unparse(node)
    weight = f"(1 - {kept}) * "
    return text.removeprefix(weight) if text.startswith(weight) else ""


def _decays(node: ast.expr) -> bool:
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return used == {"learning_rate", "weight_decay", "theta"}
