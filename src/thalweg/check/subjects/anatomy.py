"""What the text of a function shows of its arguments: called, indexed by keys, walked through, counted up."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

from thalweg.check.subjects.subject import Source

Definition = ast.FunctionDef | ast.Lambda


@final
@dataclass
class Use:
    """How one name is used."""

    called: bool = False
    keys: list[str] = field(default_factory=list)
    """Constant strings it is indexed with."""
    made_keys: bool = False
    """Indexed with strings that are put together, such as ``"W" + str(l)``."""
    prefixes: list[str] = field(default_factory=list)
    indices: set[int] = field(default_factory=set)
    indexed: bool = False
    points: bool = False
    """Says which of several something is: ``memory[i]``."""
    walked: bool = False
    """Iterated, zipped, enumerated, or asked for its length."""
    mapped: bool = False
    """Asked for keys or items."""
    attributes: list[str] = field(default_factory=list)
    taken_apart: list[str] = field(default_factory=list)
    """Names that the result of calling it is taken apart into."""
    counted: bool = False
    """Increased by one inside."""
    paired: bool = False
    """Taken without its first and without its last: ``zip(sizes[:-1], sizes[1:])``."""
    unpacked: list[str] = field(default_factory=list)
    """Names it is taken apart into: ``m, v = state``."""
    elements: list[str] = field(default_factory=list)
    """Names that each of its elements is taken apart into in a loop."""
    assigned: bool = False
    """Given a new value, or written to."""
    tested: bool = False
    """Compared with None or tested for being empty."""
    measures: bool = False
    """Says how large something is: ``np.zeros(n)``, ``[0.0] * n``, ``range(n)``."""
    defaults: dict[str, float] = field(default_factory=dict)
    """Numbers that stand in for keys that are missing: ``config.setdefault("lr", 0.1)``."""
    raises: bool = False
    """Is an exponent, as the number of a step is: ``beta ** t``."""
    choices: list[str] = field(default_factory=list)
    """Strings it is compared with."""


@final
@dataclass(frozen=True, eq=False)
class Anatomy:
    """A function's syntax tree, read for how names are used."""

    tree: ast.AST | None
    line: int = 1

    def use(self, name: str) -> Use:
        """Return how a name is used in the whole function; ``"self.params"`` is a name as well."""
        return self._uses.get(name) or Use()

    def all(self) -> dict[str, Use]:
        """Return the uses of all names."""
        return self._uses

    @cached_property
    def _uses(self) -> dict[str, Use]:
        uses: dict[str, Use] = {}
        if self.tree is None:
            return uses

        def at(node: ast.AST) -> Use | None:
            name = dotted(node)
            return None if name is None else uses.setdefault(name, Use())

        for node in ast.walk(self.tree):
            _read(node, at)
            _read_writing(node, at)
        for name, use in list(uses.items()):  # a variable that walks through an argument stands for it
            use.elements = next(self._apart(name), [])
            aliases = [alias for alias in self._walkers(name) if alias in uses]
            use.attributes += [attribute for alias in aliases for attribute in uses[alias].attributes]
        return uses

    def _apart(self, name: str) -> Iterator[list[str]]:
        """Yield the names that loops take the elements of ``name`` apart into."""
        for node in ast.walk(self.tree) if self.tree is not None else ():
            if isinstance(node, ast.For | ast.comprehension):
                for element in _targets(node.target, node.iter, name):
                    if isinstance(element, ast.Tuple):
                        yield [dotted(e) or "" for e in element.elts]

    def _walkers(self, name: str) -> Iterator[str]:
        """Yield names that stand for the elements of ``name`` in loops."""
        for node in ast.walk(self.tree) if self.tree is not None else ():
            if isinstance(node, ast.For | ast.comprehension):
                yield from (t.id for t in _targets(node.target, node.iter, name) if isinstance(t, ast.Name))

    @cached_property
    def returned(self) -> list[list[str]]:
        """For every return statement the names, or texts, of what it gives back."""
        found = []
        body = getattr(self.tree, "body", None)
        if isinstance(self.tree, ast.Lambda):
            return [_names(self.tree.body)]
        for node in _own(body or []):
            if isinstance(node, ast.Return) and node.value is not None:
                found.append(_names(node.value))  # noqa: PERF401 - the condition narrows a type
        return found

    @cached_property
    def strings(self) -> list[str]:
        """All constant strings in it, docstrings left out."""
        texts = [n.value for n in ast.walk(self.tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)] if (
            self.tree is not None
        ) else []  # fmt: skip
        return [text for text in texts if len(text) < 40]

    @cached_property
    def constants(self) -> dict[str, float]:
        """Names that are given a plain number, once, in the body."""
        found: dict[str, float] = {}
        often: set[str] = set()
        for node in ast.walk(self.tree) if self.tree is not None else ():
            pairs: list[tuple[ast.expr, ast.expr]] = []
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        pairs += list(zip(target.elts, node.value.elts, strict=False))
                    else:
                        pairs.append((target, node.value))
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                pairs.append((node.target, node.value))
            for target, value in pairs:
                name, number = dotted(target), _number(value)
                if name is None:
                    continue
                if number is None or name in found:
                    often.add(name)
                else:
                    found[name] = number
        return {name: number for name, number in found.items() if name not in often}

    @cached_property
    def nested(self) -> list[str]:
        """Names of functions defined inside."""
        return [n.name for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef) and n is not self.tree] if (
            self.tree is not None
        ) else []  # fmt: skip


def dotted(node: ast.AST) -> str | None:
    """Return ``name`` or ``self.name``; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return f"self.{node.attr}"
    return None


def _read(node: ast.AST, at: Callable[[ast.AST], Use | None]) -> None:
    """Note what one node says about the names in it."""
    match node:
        case ast.Call(func=func, args=args):
            if (use := at(func)) is not None:
                use.called = True
            if isinstance(func, ast.Attribute) and (use := at(func.value)) is not None:
                use.mapped = use.mapped or func.attr in ("keys", "items", "values", "get", "setdefault")
                if func.attr in ("get", "setdefault", "pop") and args:
                    _asked(use, args)
            if isinstance(func, ast.Name) and func.id in ("zip", "enumerate", "len", "list", "reversed", "map", "iter"):
                for arg in args:
                    if (use := at(arg)) is not None:
                        use.walked = True
        case ast.Subscript(value=value, slice=index):
            if (use := at(value)) is not None:
                _indexed(use, index)
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
            if (use := at(iterated)) is not None:
                use.walked = True
        case ast.Attribute(value=value, attr=attr):
            at(node)
            if (use := at(value)) is not None:
                use.attributes.append(attr)
        case ast.Compare(left=left) | ast.UnaryOp(op=ast.Not(), operand=left):
            if (use := at(left)) is not None:
                use.tested = True
        case _:
            pass
    _read_measures(node, at)
    _read_choices(node, at)


def _asked(use: Use, args: list[ast.expr]) -> None:
    """Note the key that is asked for, and the number that stands in for it."""
    if isinstance(args[0], ast.Constant):
        use.attributes.append(f"[{args[0].value!s}]")
        if len(args) > 1 and (number := _number(args[1])) is not None:
            use.defaults.setdefault(str(args[0].value), number)


_MAKERS = ("zeros", "ones", "empty", "full", "range", "arange")


def _read_measures(node: ast.AST, at: Callable[[ast.AST], Use | None]) -> None:
    """Note what says how large something is, or which of several."""
    measured: list[ast.AST] = []
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[first, *others]) if name in _MAKERS:
            measured = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]  # type: ignore[assignment]
            measured = [*measured, *(others if name == "range" else ())]
        case ast.BinOp(left=ast.List(elts=[ast.Constant()]), op=ast.Mult(), right=right):
            measured = [right]
        case ast.BinOp(op=ast.Pow(), right=right) | ast.Call(func=ast.Attribute(attr="power"), args=[_, right]):
            counter = right.left if isinstance(right, ast.BinOp) else right
            if (use := at(counter)) is not None:
                use.raises = True
        case ast.Subscript(slice=index) if (use := at(index)) is not None:
            use.points = True
        case ast.While(test=ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.NotEq()], comparators=[right])):
            measured = [right]
        case _:
            return
    for one in measured:
        if (use := at(one)) is not None:
            use.measures = True


def _read_choices(node: ast.AST, at: Callable[[ast.AST], Use | None]) -> None:
    """Note with which strings something is compared: ``kind == "sgd"``, ``match kind``, ``kind in (...)``."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.In()], comparators=[right]):
            held = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
        case ast.Match(subject=left, cases=cases):
            held = [p.value for case in cases for p in ast.walk(case.pattern) if isinstance(p, ast.MatchValue)]
        case _:
            return
    if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and not left.args:  # kind.lower()
        left = left.func.value
    if (use := at(left)) is not None:
        texts = [one.value for one in held if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        use.choices += [text for text in texts if text not in use.choices]


def _read_writing(node: ast.AST, at: Callable[[ast.AST], Use | None]) -> None:
    """Note what one node writes to names."""
    match node:
        case ast.AugAssign(target=target, op=op, value=value):
            base = target.value if isinstance(target, ast.Subscript) else target
            if (use := at(base)) is not None:
                use.assigned = True
                one = isinstance(value, ast.Constant) and value.value == 1
                use.counted = use.counted or (one and isinstance(op, ast.Add) and base is target)
        case ast.Assign(targets=[target], value=value):
            _assigned(target, value, at)
        case _:
            pass


def _assigned(target: ast.expr, value: ast.expr, at: Callable[[ast.AST], Use | None]) -> None:
    for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
        base = part.value if isinstance(part, ast.Subscript) else part
        if (use := at(base)) is not None:
            use.assigned = True
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Call) and (use := at(value.func)) is not None:
        use.taken_apart = [dotted(element) or "" for element in target.elts]
    if isinstance(target, ast.Tuple | ast.List) and (use := at(value)) is not None:
        use.unpacked = [dotted(element) or "" for element in target.elts]
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=1)):
            if (name := dotted(target)) is not None and name == dotted(left) and (use := at(target)) is not None:
                use.counted = True
        case _:
            pass


def _indexed(use: Use, index: ast.expr) -> None:
    if (isinstance(index, ast.Slice) and index.lower is index.upper is None) or _is_ellipsis(index):
        return  # all of an array
    use.indexed = True
    match index:
        case ast.Slice(lower=None, upper=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            use.paired = True
        case _:
            pass
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        use.keys.append(index.value)
    elif isinstance(index, ast.Constant) and isinstance(index.value, int):
        use.indices.add(index.value)
    else:
        prefix = _prefix(index)
        if prefix is not None:
            use.made_keys = True
            use.prefixes.append(prefix)


def _is_ellipsis(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and index.value is ...


def _prefix(index: ast.expr) -> str | None:
    """Return how a key that is put together begins: ``"dW"`` of ``f"dW{l}"`` and of ``"dW" + str(l)``."""
    match index:
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *_]):
            return text
        case ast.JoinedStr():
            return ""
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Add() | ast.Mod()):
            return text.split("%")[0]
        case ast.BinOp(left=left, op=ast.Add()):
            return _prefix(left)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return text.split("{")[0]
        case _:
            return None


def _targets(target: ast.expr, iterated: ast.expr, name: str) -> Iterator[ast.expr]:
    """Yield what takes the elements of ``name`` in a loop, also inside zip and enumerate."""
    if dotted(iterated) == name:
        yield target
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name):
        if iterated.func.id == "zip" and isinstance(target, ast.Tuple):
            for arg, element in zip(iterated.args, target.elts, strict=False):
                yield from _targets(element, arg, name)
        if iterated.func.id == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            yield from _targets(target.elts[1], iterated.args[0], name)


def _own(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk through statements without entering nested functions."""
    queue: list[ast.AST] = list(statements)
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.AsyncFunctionDef):
            queue[:0] = list(ast.iter_child_nodes(node))


def _names(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Tuple | ast.List):
        return [dotted(element) or ast.unparse(element) for element in value.elts]
    return [dotted(value) or ast.unparse(value)]


def _number(value: ast.expr) -> float | None:
    try:
        number = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
    return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None


def dissect(function: Callable[..., Any], source: Source | None = None) -> Anatomy:
    """Read the text of a function, from the source given or from where Python knows it; without text, nothing."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return Anatomy(None)
    if source is not None and (tree := _inside(source, code.co_name, code.co_firstlineno)) is not None:
        return Anatomy(tree, code.co_firstlineno)
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError, RecursionError):
        return Anatomy(None)
    kinds = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = next((node for node in ast.walk(tree) if isinstance(node, kinds)), None)
    return Anatomy(found, code.co_firstlineno)


def _inside(source: Source, name: str, line: int) -> ast.AST | None:
    """Find a function in a text by its name and line."""
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, RecursionError, ValueError):
        return None
    at = line - source.first_line + 1
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= at <= node.lineno:
                return node
        if isinstance(node, ast.Lambda) and name == "<lambda>" and node.lineno == at:
            return node
    return None
