"""The language of formulas: a function is read as a syntax tree, checked, and laid out flat.

A formula is a docstring, assignments to plain names, and one ``return``. What it may use is listed in
:data:`ARRAY_FUNCTIONS` and :data:`SCALAR_FUNCTIONS`; everything else is answered when the decorator runs, with the
line. Two kinds of values exist: *coordinates* (one value per parameter, an array in NumPy) and *scalars*
(hyperparameters, ``t`` and what follows from them).
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from thalweg.errors import FormulaError

ARRAY_FUNCTIONS = frozenset(
    "sqrt abs absolute sign maximum minimum where exp expm1 log log1p tanh sin cos square power arctan cosh sinh "
    "hypot logaddexp copysign isfinite".split()
)
SCALAR_FUNCTIONS = frozenset("sqrt exp expm1 log log1p log2 log10 sin cos tan tanh atan pow floor ceil fabs".split())
BUILTINS = frozenset(("abs", "max", "min", "float"))
IN_PLACE_OF = {"max": "np.maximum", "min": "np.minimum", "float": "nothing: an array stays an array"}

# Names that the generated loops use themselves; a formula's own variable of that name gets an underscore.
RESERVED = frozenset(
    "params grad state hyper rates lanes i row column start stop np math total weight weights "
    "targets scores slopes rows factor sums kind bias inputs units deltas size".split()
)


@dataclass(frozen=True)
class Source:
    """A function's text, and the values of the names in it that are not its own."""

    name: str
    text: str
    filename: str
    first_line: int
    scope: Mapping[str, Any] = field(repr=False)

    def function(self) -> FunctionType:
        """Build the function anew, with the outer values frozen as they were when it was read."""
        namespace: dict[str, Any] = {"__name__": "thalweg.formula", **self.scope}
        for name, value in self.scope.items():
            if isinstance(value, Source):
                namespace[name] = value.function()
        tree = ast.parse(self.text)
        ast.increment_lineno(tree, self.first_line - 1)
        exec(compile(tree, self.filename, "exec"), namespace)  # noqa: S102 - the author's own text, as they wrote it
        made: FunctionType = namespace[self.name]
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # Modules do not pickle; the two that a formula can use go by name.
        scope = {k: v.__name__ if isinstance(v, ModuleType) else v for k, v in self.scope.items()}
        return _unpickle, (self.name, self.text, self.filename, self.first_line, scope)

    def error(self, code: str, node: ast.AST | None, what: str, hint: str = "") -> FormulaError:
        """Name the line of ``node``, quote it, and say what is wrong."""
        line = getattr(node, "lineno", 1)
        quoted = self.text.splitlines()[line - 1].strip()
        place = f"{Path(self.filename).name}, line {self.first_line + line - 1}, in {self.name}"
        return FormulaError(code, place, what, "\n".join(part for part in (quoted[:100], hint) if part))


def _unpickle(name: str, text: str, filename: str, first_line: int, scope: Mapping[str, Any]) -> Source:
    modules = {"numpy": np, "math": math}
    return Source(
        name, text, filename, first_line, {k: modules[v] if isinstance(v, str) else v for k, v in scope.items()}
    )


@dataclass(frozen=True)
class Statement:
    """One assignment of the flat program; ``coordinates`` tells whether the value is one per parameter."""

    name: str
    value: ast.expr
    coordinates: bool


@dataclass(frozen=True)
class Program:
    """A checked formula: helpers inlined, constants written as numbers, tuples taken apart."""

    name: str
    arguments: tuple[str, ...]
    scalars: tuple[str, ...]  # hyperparameters
    scalar_arguments: tuple[str, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[ast.expr, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the result: signature, statements, inlined helpers and constants."""
        lines = [self.name, *self.arguments, "*", *self.scalars]
        lines += [f"{s.name} = {ast.unparse(s.value)}" for s in self.statements]
        lines += [ast.unparse(output) for output in self.outputs]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def only(self, *outputs: int, given: str = "") -> Program:
        """Keep the named outputs and the statements that they need; what ``given`` names is held by the caller."""
        kept = [self.outputs[k] for k in outputs]
        live = {n.id for output in kept for n in ast.walk(output) if isinstance(n, ast.Name)}
        statements = []
        for statement in reversed(self.statements):
            if statement.name in live and statement.name != given:
                live.discard(statement.name)
                live |= {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
                statements.append(statement)
        return replace(self, statements=tuple(reversed(statements)), outputs=tuple(kept))

    def uses(self, name: str) -> bool:
        """Tell whether any statement or output reads ``name``."""
        parts = [*(s.value for s in self.statements), *self.outputs]
        return any(isinstance(n, ast.Name) and n.id == name for part in parts for n in ast.walk(part))


def read(function: Callable[..., Any] | str) -> Source:
    """Fetch the text of a function and freeze the outer values it uses.

    Parameters
    ----------
    function : function or str
        A ``def`` (a lambda is refused), or its text.

    Raises
    ------
    FormulaError
        No source text can be had, or a name in it is unknown or of a kind that a formula cannot use.
    """
    outer: Mapping[str, Any] = {"np": np, "math": math}
    if isinstance(function, str):
        text, filename, first_line = textwrap.dedent(function).strip("\n"), "<formula>", 1
    else:
        text, filename, first_line, outer = _fetch(function)
    try:
        definition = ast.parse(text).body[0]
    except SyntaxError as error:
        raise FormulaError("FORMULA-SYNTAX", f"line {error.lineno}", str(error.msg)) from None
    if not isinstance(definition, ast.FunctionDef):
        raise FormulaError(
            "FORMULA-SOURCE", filename, "a formula is a function written with def", "Give it a name and a def."
        )
    skipped = definition.lineno - 1  # the decorators stand above the def
    text = "\n".join(text.splitlines()[skipped:])
    source = Source(definition.name, text, filename, first_line + skipped, {})
    return Source(source.name, source.text, filename, source.first_line, dict(_outer_values(source, outer)))


def _fetch(function: Callable[..., Any]) -> tuple[str, str, int, Mapping[str, Any]]:
    name = getattr(function, "__name__", repr(function))
    if not isinstance(function, FunctionType):
        raise FormulaError(
            "FORMULA-SOURCE", name, f"a formula is a function written with def, got {type(function).__name__}"
        )
    try:
        lines, first_line = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise FormulaError(
            "FORMULA-SOURCE",
            name,
            "the text of this function cannot be read (typed at a bare prompt, or made by exec)",
            "Write it in a file or a notebook cell, or pass its text as a string: rule('def my_rule(...): ...').",
        ) from None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    outer = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells.items() if _filled(cell)}}
    return textwrap.dedent("".join(lines)), inspect.getsourcefile(function) or "<unknown>", first_line, outer


def _filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _outer_values(source: Source, outer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of every outer name: NumPy, math, numbers, helper functions."""
    definition = _definition(source)
    own = {a.arg for a in (*definition.args.args, *definition.args.kwonlyargs)}
    own |= {n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    # Annotations are no part of the formula; defaults and the body are.
    parts = [*definition.body, *definition.args.defaults, *(d for d in definition.args.kw_defaults if d is not None)]
    for node in (n for part in parts for n in ast.walk(part)):
        if not isinstance(node, ast.Name) or node.id in own or (node.id in BUILTINS and node.id not in outer):
            continue
        if node.id not in outer:
            known = " It is a Python built-in." if hasattr(builtins, node.id) else ""
            raise source.error("FORMULA-NAME", node, f"unknown name {node.id!r}.{known}", _allowed())
        value = outer[node.id]
        if value is np or value is math:
            yield node.id, value
        elif isinstance(value, bool | int | float | np.floating | np.integer):
            yield node.id, value.item() if isinstance(value, np.generic) else value
        elif isinstance(value, FunctionType):
            yield node.id, read(value)
        else:
            raise source.error(
                "FORMULA-NAME",
                node,
                f"{node.id!r} is a {type(value).__name__}; a formula can use numbers and helper functions",
                _allowed(),
            )


def _allowed() -> str:
    return (
        "Allowed: arithmetic, np."
        + " np.".join(sorted(ARRAY_FUNCTIONS)[:8])
        + " ...; on scalars math.sqrt and the like."
    )


def _definition(source: Source) -> ast.FunctionDef:
    (definition,) = (node for node in ast.parse(source.text).body if isinstance(node, ast.FunctionDef))
    return definition


def check(source: Source, scalars: tuple[str, ...] = ()) -> Program:
    """Check a formula against the language and lay it out flat.

    Parameters
    ----------
    source : Source
        What :func:`read` returned.
    scalars : tuple of str
        Positional arguments that are scalars; all others are coordinates.
    """
    definition = _definition(source)
    arguments = tuple(a.arg for a in definition.args.args)
    hyperparameters = tuple(a.arg for a in definition.args.kwonlyargs)
    flat = _Flattener(source)
    for name in hyperparameters:
        flat.know(name, of_coordinates=False)
    for name in arguments:
        flat.know(name, of_coordinates=name not in scalars)
    flat.protected = frozenset(flat.scalar)
    outputs = flat.body(definition)
    return Program(
        source.name,
        tuple(flat.rename(a) for a in arguments),
        tuple(flat.rename(h) for h in hyperparameters),
        tuple(flat.rename(a) for a in arguments if a in scalars),
        tuple(flat.statements),
        outputs,
    )


class _Flattener:
    """Walks one function: checks each node, inlines helpers, tells coordinates from scalars."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.statements: list[Statement] = []
        self.scalar: set[str] = set()
        self.coordinates: set[str] = set()
        self.protected: frozenset[str] = frozenset()
        self.inlined: dict[str, int] = {}
        self.prefix = ""

    def rename(self, name: str) -> str:
        name = self.prefix + name
        return f"{name}_" if name in RESERVED else name

    def know(self, name: str, of_coordinates: bool) -> None:
        """Remember what a name holds, under the author's name and under the loop's."""
        (self.coordinates if of_coordinates else self.scalar).update((name, self.rename(name)))

    def error(self, code: str, node: ast.AST, what: str, hint: str = "") -> FormulaError:
        return self.source.error(code, node, what, hint)

    # -- statements

    def body(self, definition: ast.FunctionDef) -> tuple[ast.expr, ...]:
        statements = definition.body
        if isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
            statements = statements[1:]  # the docstring
        if not statements or not isinstance(statements[-1], ast.Return) or statements[-1].value is None:
            raise self.error(
                "FORMULA-RETURN",
                statements[-1] if statements else definition,
                "a formula ends with return and its new values",
            )
        for statement in statements[:-1]:
            self.statement(statement)
        value = statements[-1].value
        elements = value.elts if isinstance(value, ast.Tuple) else [value]
        return tuple(self.expression(e) for e in elements)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(node, name, self.expression(value))
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(
                values
            ):
                if not all(isinstance(target, ast.Name) for target in targets):
                    raise self.error("FORMULA-SYNTAX", node, "only plain names can be assigned")
                checked = [self.expression(value) for value in values]  # all read before any is written, as Python does
                temporaries = [self.fresh(f"{target.id}_new") for target in targets if isinstance(target, ast.Name)]
                for temporary, value in zip(temporaries, checked, strict=True):
                    self.append(temporary, value)
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                for name, temporary in zip(names, temporaries, strict=True):
                    self.assign(node, name, ast.Name(temporary, ast.Load()))
            case ast.AugAssign(target=ast.Name(id=name)):
                raise self.error(
                    "FORMULA-IN-PLACE",
                    node,
                    f"'{name} {_symbol(node.op)}= ...' writes into the caller's array",
                    f"Write {name} = {name} {_symbol(node.op)} ...",
                )
            case ast.If():
                raise self.error(
                    "FORMULA-BRANCH",
                    node,
                    "'if' would choose one branch for all coordinates at once",
                    "Write np.where(condition, a, b); for a scalar condition write a if condition else b.",
                )
            case ast.For() | ast.While():
                raise self.error(
                    "FORMULA-LOOP", node, "a formula has no loops: it is applied to every coordinate already"
                )
            case ast.Return():
                raise self.error("FORMULA-RETURN", node, "a formula has one return, at its end")
            case _:
                kind = type(node).__name__
                raise self.error(
                    "FORMULA-SYNTAX",
                    node,
                    f"{kind} is not part of the language",
                    "Only assignments to plain names and one return.",
                )

    def assign(self, node: ast.AST, name: str, value: ast.expr) -> None:
        if name in self.protected or (name in self.scalar):
            raise self.error(
                "FORMULA-NAME-CLASH",
                node,
                f"{name!r} already names a scalar here and cannot be given another value",
                f"Give the new value a name of its own, such as {name}_t.",
            )
        renamed = self.rename(name)
        of_coordinates = self.touches_coordinates(value)
        if name in self.coordinates and not of_coordinates:
            raise self.error(
                "FORMULA-NAME-CLASH",
                node,
                f"{name!r} holds one value per coordinate and is now given a scalar",
                "Use another name.",
            )
        self.know(name, of_coordinates)
        self.statements.append(Statement(renamed, value, of_coordinates))

    def append(self, name: str, value: ast.expr) -> None:
        of_coordinates = self.touches_coordinates(value)
        (self.coordinates if of_coordinates else self.scalar).add(name)
        self.statements.append(Statement(name, value, of_coordinates))

    def fresh(self, name: str) -> str:
        taken = self.scalar | self.coordinates | RESERVED
        if name not in taken:
            return name
        return next(f"{name}{k}" for k in range(2, 10_000) if f"{name}{k}" not in taken)

    # -- expressions

    def touches_coordinates(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.coordinates for n in ast.walk(node))

    def expression(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return node
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.UnaryOp(op=op, operand=operand):
                inner = self.expression(operand)
                if isinstance(op, ast.Not) and self.touches_coordinates(inner):
                    raise self.error(
                        "FORMULA-BRANCH", node, "'not' asks for one truth value of all coordinates", "Write ~condition."
                    )
                return ast.UnaryOp(op, inner)
            case ast.BinOp(left=left, op=op, right=right):
                if not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow | ast.BitAnd | ast.BitOr):
                    raise self.error("FORMULA-SYNTAX", node, f"the operator {_symbol(op)} is not part of the language")
                return ast.BinOp(self.expression(left), op, self.expression(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                    raise self.error("FORMULA-SYNTAX", node, "only < <= > >= == != compare numbers")
                return ast.Compare(self.expression(left), [op], [self.expression(right)])
            case ast.Compare():
                raise self.error(
                    "FORMULA-BRANCH",
                    node,
                    "a chain of comparisons asks for one truth value",
                    "Write (a < b) & (b < c).",
                )
            case ast.BoolOp(op=op, values=values):
                inner_values = [self.expression(v) for v in values]
                if any(self.touches_coordinates(v) for v in inner_values):
                    word, sign = ("and", "&") if isinstance(op, ast.And) else ("or", "|")
                    raise self.error(
                        "FORMULA-BRANCH",
                        node,
                        f"'{word}' asks for one truth value of all coordinates",
                        f"Write (a) {sign} (b).",
                    )
                return ast.BoolOp(op, inner_values)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = self.expression(test)
                if self.touches_coordinates(condition):
                    raise self.error(
                        "FORMULA-BRANCH",
                        node,
                        "'a if condition else b' would choose one branch for all coordinates at once",
                        "Write np.where(condition, a, b).",
                    )
                return ast.IfExp(condition, self.expression(body), self.expression(orelse))
            case ast.Call():
                return self.call(node)
            case _:
                kind = type(node).__name__
                raise self.error(
                    "FORMULA-SYNTAX", node, f"{kind} ({ast.unparse(node)[:40]}) is not part of the language", _allowed()
                )

    def name(self, node: ast.expr, name: str) -> ast.expr:
        if name in self.coordinates or name in self.scalar:
            return ast.Name(self.rename(name), ast.Load())
        value = self.source.scope.get(name)
        if isinstance(value, bool | int | float):
            return ast.Constant(value)
        if value is None:
            raise self.error("FORMULA-NAME", node, f"{name!r} is used before it has a value")
        raise self.error("FORMULA-SYNTAX", node, f"{name!r} is a {type(value).__name__}, not a number")

    def call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Attribute(value=ast.Name(id=module), attr=attribute) if isinstance(
                self.source.scope.get(module), ModuleType
            ):
                return self.library_call(node, self.source.scope[module], attribute)
            case ast.Name(id=name) if isinstance(self.source.scope.get(name), Source):
                return self.inline(node, self.source.scope[name])
            case ast.Name(id=name) if name in BUILTINS and name not in self.source.scope:
                arguments = [self.expression(a) for a in node.args]
                if name != "abs" and any(self.touches_coordinates(a) for a in arguments):
                    raise self.error(
                        "FORMULA-BRANCH",
                        node,
                        f"{name}() asks for one value of all coordinates",
                        f"Use {IN_PLACE_OF[name]}.",
                    )
                return ast.Call(ast.Name(name, ast.Load()), arguments, [])
            case _:
                raise self.error("FORMULA-NAME", node, f"unknown function {ast.unparse(node.func)!r}", _allowed())

    def library_call(self, node: ast.Call, module: ModuleType, attribute: str) -> ast.expr:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.error(
                "FORMULA-SYNTAX", node, f"{ast.unparse(node.func)} takes positional arguments only in a formula"
            )
        arguments = [self.expression(a) for a in node.args]
        touched = any(self.touches_coordinates(a) for a in arguments)
        if module is math:
            if attribute not in SCALAR_FUNCTIONS:
                raise self.error("FORMULA-NAME", node, f"math.{attribute} is not part of the language", _allowed())
            if touched:
                raise self.error(
                    "FORMULA-BRANCH", node, f"math.{attribute} takes one number, not an array", f"Use np.{attribute}."
                )
            return ast.Call(ast.Attribute(ast.Name("math", ast.Load()), attribute, ast.Load()), arguments, [])
        if attribute not in ARRAY_FUNCTIONS:
            near = f" (did you mean np.{_nearest(attribute)}?)" if _nearest(attribute) else ""
            raise self.error("FORMULA-NAME", node, f"unknown function np.{attribute}{near}", _allowed())
        if attribute == "where" and len(arguments) != 3:
            raise self.error("FORMULA-SYNTAX", node, "np.where takes a condition and two values")
        widens = not touched or (attribute == "where" and not any(self.touches_coordinates(a) for a in arguments[1:]))
        if widens:
            hint = "Write ** 0.5 or a function of math; in np.where make one of the two values depend on a coordinate."
            raise self.error(
                "FORMULA-WIDENS",
                node,
                f"np.{attribute} of scalars gives a float64, which would widen float32 arrays",
                hint,
            )
        return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), attribute, ast.Load()), arguments, [])

    def inline(self, node: ast.Call, helper: Source) -> ast.expr:
        """Write a helper's statements here, under names of their own, and give back its value."""
        definition = _definition(helper)
        parameters = inspect.Signature(
            [
                *(inspect.Parameter(a.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD) for a in definition.args.args),
                *(inspect.Parameter(a.arg, inspect.Parameter.KEYWORD_ONLY) for a in definition.args.kwonlyargs),
            ]
        )
        defaults = dict(
            zip(
                [a.arg for a in definition.args.args][-len(definition.args.defaults) or None :],
                definition.args.defaults,
                strict=False,
            )
        )
        defaults |= {
            a.arg: d
            for a, d in zip(definition.args.kwonlyargs, definition.args.kw_defaults, strict=True)
            if d is not None
        }
        try:
            bound = parameters.bind_partial(*node.args, **{k.arg: k.value for k in node.keywords if k.arg})
        except TypeError as error:
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name}: {error}") from None
        missing = [p for p in parameters.parameters if p not in bound.arguments and p not in defaults]
        if missing:
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name} misses the argument {missing[0]!r}")
        given = {name: self.expression(value) for name, value in bound.arguments.items()}

        self.inlined[helper.name] = self.inlined.get(helper.name, 0) + 1
        inner = _Flattener(helper)
        times = self.inlined[helper.name]
        inner.prefix = f"{self.prefix}{helper.name}{times if times > 1 else ''}_"
        inner.inlined = self.inlined
        for name in parameters.parameters:
            value = given.get(name)
            value = _Flattener(helper).expression(defaults[name]) if value is None else value
            inner.know(name, self.touches_coordinates(value))
            self.append(inner.rename(name), value)
        inner.protected = frozenset(inner.scalar)
        outputs = inner.body(definition)
        for statement in inner.statements:
            self.statements.append(statement)
            (self.coordinates if statement.coordinates else self.scalar).add(statement.name)
        if len(outputs) != 1:
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name} gives {len(outputs)} values; a helper gives one")
        return outputs[0]


def _symbol(op: ast.operator) -> str:
    return {
        ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
        ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    }[type(op)]  # fmt: skip


def _nearest(name: str) -> str | None:
    import difflib

    found = difflib.get_close_matches(name, sorted(ARRAY_FUNCTIONS), n=1, cutoff=0.6)
    return found[0] if found else None
