"""What a name is that a body reads and does not make: a module, a function, a number, a count of rows, or data."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.elements import ROWS_OF
from thalweg.check.subjects.inline.flow import SELF, leaves, reads_of
from thalweg.check.subjects.signature import NUMBERS

MODULE, FUNCTION, NUMBER, ROWS, DATA = "module", "function", "number", "rows", "data"
_KNOWN = {"numpy", "math", "cmath", "copy", "functools", "itertools", "operator", "typing", "collections", "tqdm"}
"""Packages whose functions know nothing of data."""
_SIZES = {"shape", "size"}
_COUNTED = (words.ITERATIONS, words.BATCH, words.SIZE, words.COUNT, words.TOLERANCE)
Definition = ast.FunctionDef | ast.ClassDef


@final
class Surroundings:
    """The names around a body, as far as the text shows them.

    Parameters
    ----------
    tree : ast.Module
    chain : tuple of ast.stmt
        The statements that the body stands in, from outside, the loop or method itself last.
    """

    def __init__(self, tree: ast.Module, chain: tuple[ast.stmt, ...]) -> None:
        self.tree, self.chain = tree, chain
        self.modules: set[str] = set(dir(builtins))
        self.functions: set[str] = set()
        self.values: dict[str, list[ast.expr]] = {}
        self.arguments: dict[str, ast.expr | None] = {}
        self._through: dict[str, frozenset[str]] = {}
        owners = [node for node in chain if isinstance(node, Definition)]
        self.owner = next((node for node in owners if isinstance(node, ast.ClassDef)), None)
        self._read(tree.body)
        if self.owner is not None:
            for method in self.owner.body:
                if isinstance(method, ast.FunctionDef):
                    self.functions.add(f"{SELF}.{method.name}")
                    self._through[f"{SELF}.{method.name}"] = _reads_outside(method)
                    self._read_method(method)
        for node in owners:
            if isinstance(node, ast.FunctionDef):
                self.arguments.update(_defaults(node.args))
                self._read(node.body)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for leaf in leaves(body):
            node = leaf.node
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {(a.asname or a.name).partition(".")[0] for a in node.names}
                known = isinstance(node, ast.Import) or (node.module or "").partition(".")[0] in _KNOWN
                (self.modules if known else self.functions).update(names)
            elif isinstance(node, Definition):
                self.functions.add(node.name)
                if isinstance(node, ast.FunctionDef):
                    self._through[node.name] = _reads_outside(node)
            else:
                for name, value in _assigned(node):
                    self.values.setdefault(name, []).append(value)
                    if isinstance(value, ast.Lambda):
                        self.functions.add(name)

    def _read_method(self, method: ast.FunctionDef) -> None:
        """Read what attributes are given; arguments with a default stand for it."""
        defaults = _defaults(method.args)
        for leaf in leaves(method.body):
            for name, value in _assigned(leaf.node):
                if not name.startswith(f"{SELF}."):
                    continue
                if isinstance(value, ast.Name) and value.id in defaults:
                    self.arguments.setdefault(name, defaults[value.id])
                    continue
                self.values.setdefault(name, []).append(value)

    def through(self, names: frozenset[str]) -> frozenset[str]:
        """Return names, and those that the functions and methods among them read of what is not their own."""
        found, new = names, names
        while new:
            new = frozenset().union(*(self._through.get(name, frozenset()) for name in new)) - found
            found |= new
        return found

    def unread(self, role: str) -> set[str]:
        """Return the numbers of a role that nothing in the text reads."""
        read = {
            node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        return {name for name in {*self.values} - read if words.role_of(name) == role and self.number(name) is not None
                and len(name) > 1 and "." not in name}  # fmt: skip

    def kind(self, name: str) -> str:
        """Return what a name is."""
        if name.startswith(ROWS_OF):
            return ROWS
        if name in self.functions:
            return FUNCTION
        if self.number(name) is not None:
            return NUMBER
        role = words.role_of(name)
        for value in self.values.get(name, ()):
            if _counts(value):
                return ROWS
        if name in self.arguments or name not in self.values:
            if role in _COUNTED or name.lower() in ("n", "m"):
                return ROWS
            if role in NUMBERS and (name in self.arguments or len(name.removeprefix(f"{SELF}.").strip("_")) > 1):
                return NUMBER
        if name in self.modules and name not in self.values and name not in self.arguments:
            return MODULE
        return NUMBER if name in self.values and role in NUMBERS and not self._arrays(name) else DATA

    def _arrays(self, name: str) -> bool:
        """Whether a name is made by a call, as arrays are."""
        return any(isinstance(value, ast.Call | ast.List | ast.Dict) for value in self.values.get(name, ()))

    def number(self, name: str, depth: int = 0) -> float | None:
        """Return the number that a name is given, the first one."""
        if name in self.arguments:
            default = self.arguments[name]
            return None if default is None else self._literal(default, depth)
        for value in self.values.get(name, ())[:1]:
            return self._literal(value, depth)
        return None

    def _literal(self, node: ast.expr, depth: int = 0) -> float | None:
        match node:
            case ast.Constant(bool()):
                return None
            case ast.Constant(int() | float() as number):
                return number
            case ast.UnaryOp(ast.USub(), inner):
                found = self._literal(inner, depth)
                return None if found is None else -found
            case ast.Name(name) if depth < 5:
                return self.number(name, depth + 1)
            case ast.Attribute(ast.Name("self"), name) if depth < 5:
                return self.number(f"{SELF}.{name}", depth + 1)
            case ast.BinOp(left, op, right):
                a, b = self._literal(left, depth), self._literal(right, depth)
                return None if a is None or b is None else _reckoned(a, op, b)
        return None


def _reckoned(a: float, op: ast.operator, b: float) -> float | None:
    try:
        match op:
            case ast.Add():
                return a + b
            case ast.Sub():
                return a - b
            case ast.Mult():
                return a * b
            case ast.Div():
                return a / b
            case ast.Pow() if abs(b) < 100:
                return float(a**b)
    except (ArithmeticError, TypeError):
        pass
    return None


def _reads_outside(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names that a function reads and does not make: globals, and attributes of its object."""
    made = frozenset().union(*(leaf.writes for leaf in leaves(function.body))) | frozenset(_defaults(function.args))
    return frozenset(name for name in reads_of(function) if name.startswith(f"{SELF}.") or name not in made)


def _defaults(arguments: ast.arguments) -> dict[str, ast.expr | None]:
    named = [*arguments.posonlyargs, *arguments.args]
    given: list[ast.expr | None] = [None] * (len(named) - len(arguments.defaults))
    found = dict(zip((a.arg for a in named), [*given, *arguments.defaults], strict=True))
    found.update(zip((a.arg for a in arguments.kwonlyargs), arguments.kw_defaults, strict=True))
    found.pop(SELF, None)
    return found


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield names and what they are given; tuples are taken apart."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        pairs = [(node.target, node.value)]
    while pairs:
        target, value = pairs.pop(0)
        if isinstance(target, ast.Tuple | ast.List):
            apart = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
            values = value.elts if apart and isinstance(value, ast.Tuple | ast.List) else [value] * len(target.elts)
            pairs = [*zip(target.elts, values, strict=True), *pairs]
        elif isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == SELF:
            yield f"{SELF}.{target.attr}", value


def _counts(node: ast.expr) -> bool:
    """Whether an expression says how many there are: ``len(y)``, ``X.shape[0]``, ``y.size``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "len"
    return isinstance(node, ast.Attribute) and node.attr in _SIZES
