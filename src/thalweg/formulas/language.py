"""The language of formulas: a function is read as a syntax tree, checked, and laid out flat.

A formula is a docstring, assignments to plain names, and one ``return``. What it may use is listed in
:data:`~thalweg.formulas.source.ARRAY_FUNCTIONS` and :data:`~thalweg.formulas.source.SCALAR_FUNCTIONS`; everything else
is answered when the decorator runs, with the line. Two kinds of values exist: *coordinates* (one value per parameter,
an array in NumPy) and *scalars* (hyperparameters, ``t`` and what follows from them). A *condition* is no number: it
chooses, or it multiplies.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import math
from dataclasses import dataclass, field
from itertools import count
from types import ModuleType

from thalweg.errors import FormulaError
from thalweg.formulas.program import Program, Statement
from thalweg.formulas.reserved import reserved
from thalweg.formulas.source import (
    ARRAY_FUNCTIONS,
    BUILTINS,
    CONSTANTS,
    INSTEAD,
    SCALAR_FUNCTIONS,
    Source,
    allowed,
    own_names,
)

IN_PLACE_OF = {"max": "np.maximum", "min": "np.minimum", "float": "nothing: an array stays an array"}


def check(source: Source, scalars: tuple[str, ...] = ()) -> Program:
    """Check a formula against the language and lay it out flat.

    Parameters
    ----------
    source : Source
        What :func:`~thalweg.formulas.source.read` returned.
    scalars : tuple of str
        Positional arguments that are scalars; all others are coordinates.
    """
    definition = source.definition
    arguments = tuple(a.arg for a in (*definition.args.posonlyargs, *definition.args.args))
    hyperparameters = tuple(a.arg for a in definition.args.kwonlyargs)
    flat = _Flattener(source, _Flat(taken=own_names(definition)))
    for name in (*hyperparameters, *arguments):
        flat.know(name, of_coordinates=name in arguments and name not in scalars)
    flat.protected = frozenset(name for name, of_coordinates in flat.known.items() if not of_coordinates)
    try:
        outputs = flat.body(definition)
    except RecursionError:
        raise source.error("FORMULA-LONG", None, "the formula is nested too deeply to be read") from None
    return Program(
        source.name,
        tuple(flat.rename(a) for a in arguments),
        tuple(flat.rename(h) for h in hyperparameters),
        tuple(flat.rename(a) for a in arguments if a in scalars),
        tuple(flat.flat.statements),
        outputs,
    )


@dataclass
class _Flat:
    """What a formula and the helpers inlined in it share: the statements so far, and the names in them."""

    taken: set[str]
    statements: list[Statement] = field(default_factory=list)
    coordinates: set[str] = field(default_factory=set)
    conditions: set[str] = field(default_factory=set)

    def fresh(self, name: str) -> str:
        """Return a name that neither the author nor a generated loop uses, and take it."""
        if reserved(name):
            name = f"own_{name}" if name.startswith(("loss_", "flat_")) else f"{name}_"
        numbered = (f"{name}{k}" for k in count(2))
        while reserved(name) or name in self.taken:
            name = next(numbered)
        self.taken.add(name)
        return name


class _Flattener:
    """Walks one function: checks each node, inlines helpers, tells coordinates from scalars."""

    def __init__(self, source: Source, flat: _Flat, prefix: str = "") -> None:
        self.source = source
        self.flat = flat
        self.prefix = prefix
        self.known: dict[str, bool] = {}  # the author's names; whether each holds coordinates
        self.names: dict[str, str] = {}  # and what the loop calls them
        self.protected: frozenset[str] = frozenset()

    def rename(self, name: str) -> str:
        if name not in self.names:
            plain = not self.prefix and not reserved(name)
            self.names[name] = name if plain else self.flat.fresh(self.prefix + name)
        return self.names[name]

    def know(self, name: str, of_coordinates: bool) -> None:
        """Remember what one of the author's names holds."""
        self.known[name] = of_coordinates
        if of_coordinates:
            self.flat.coordinates.add(self.rename(name))

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
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                if not len(names) == len(targets) == len(values):
                    raise self.error("FORMULA-SYNTAX", node, "as many values as plain names are assigned at once")
                checked = [self.expression(value) for value in values]  # all read before any is written, as Python does
                temporaries = [self.flat.fresh(f"{self.prefix}{name}_new") for name in names]
                for temporary, value in zip(temporaries, checked, strict=True):
                    self.append(temporary, value)
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
                    f"{kind} ({ast.unparse(node)[:40]}) is not part of the language",
                    "Only assignments to plain names and one return.",
                )

    def assign(self, node: ast.AST, name: str, value: ast.expr) -> None:
        if name in self.protected or self.known.get(name) is False:
            raise self.error(
                "FORMULA-NAME-CLASH",
                node,
                f"{name!r} already names a scalar here and cannot be given another value",
                f"Give the new value a name of its own, such as {name}_t.",
            )
        of_coordinates = self.touches_coordinates(value)
        if self.known.get(name) and not of_coordinates:
            raise self.error(
                "FORMULA-NAME-CLASH",
                node,
                f"{name!r} holds one value per coordinate and is now given a scalar",
                "Use another name.",
            )
        self.know(name, of_coordinates)
        self.append(self.rename(name), value)

    def append(self, name: str, value: ast.expr) -> None:
        """Add a statement that gives a name of the loop a value."""
        of_coordinates = self.touches_coordinates(value)
        if of_coordinates:
            self.flat.coordinates.add(name)
        chooses = self.is_condition(value)  # asked before the name may be struck off: the value may read it
        (self.flat.conditions.add if chooses else self.flat.conditions.discard)(name)
        self.flat.statements.append(Statement(name, value, of_coordinates))

    # -- expressions, once checked: their names are those of the loop

    def touches_coordinates(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.flat.coordinates for n in ast.walk(node))

    def is_condition(self, node: ast.expr) -> bool:
        match node:
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.Invert()) | ast.Constant(value=bool()):
                return True
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()) | ast.Call(func=ast.Attribute(attr="isfinite")):
                return True
            case ast.Name(id=name):
                return name in self.flat.conditions
            case ast.IfExp(body=a, orelse=b) | ast.Call(func=ast.Attribute(attr="where"), args=[_, a, b]):
                return self.is_condition(a) and self.is_condition(b)
        return False

    def number(self, node: ast.expr) -> ast.expr:
        """Check an expression that has to be a number."""
        value = self.expression(node)
        if self.is_condition(value) and self.touches_coordinates(value):
            what = f"a condition is no number: {ast.unparse(node)[:40]}"
            raise self.error("FORMULA-CONDITION", node, what, "Write np.where(condition, a, b).")
        # One truth value is a number in Python, not in every place of a compiled loop.
        return ast.IfExp(value, ast.Constant(1.0), ast.Constant(0.0)) if self.is_condition(value) else value

    def condition(self, node: ast.expr, sign: str) -> ast.expr:
        """Check an expression that has to be a condition."""
        value = self.expression(node)
        if not self.is_condition(value):
            what = f"{sign} stands between conditions, not numbers: {ast.unparse(node)[:40]}"
            raise self.error("FORMULA-CONDITION", node, what, f"Write (a > 0) {sign} (b > 0).")
        return value

    # -- expressions, as the author wrote them

    def expression(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return node
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Attribute(value=ast.Name(id=module), attr=attribute) if self.is_module(module):
                if attribute not in CONSTANTS:
                    raise self.error("FORMULA-NAME", node, f"unknown constant {module}.{attribute}", allowed())
                return ast.Constant(CONSTANTS[attribute])
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(node, op, operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(node, left, op, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                    raise self.error("FORMULA-SYNTAX", node, "only < <= > >= == != compare numbers")
                return ast.Compare(self.number(left), [op], [self.number(right)])
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
                return ast.IfExp(condition, *self.alike(node, body, orelse))
            case ast.Call():
                return self.call(node)
            case _:
                kind = type(node).__name__
                raise self.error(
                    "FORMULA-SYNTAX", node, f"{kind} ({ast.unparse(node)[:40]}) is not part of the language", allowed()
                )

    def unary(self, node: ast.expr, op: ast.unaryop, operand: ast.expr) -> ast.expr:
        if isinstance(op, ast.USub | ast.UAdd):
            return ast.UnaryOp(op, self.number(operand))
        inner = self.expression(operand) if isinstance(op, ast.Not) else self.condition(operand, "~")
        of_coordinates = self.touches_coordinates(inner)
        if isinstance(op, ast.Not) and of_coordinates:
            raise self.error(
                "FORMULA-BRANCH", node, "'not' asks for one truth value of all coordinates", "Write ~condition."
            )
        if isinstance(op, ast.Invert) and not of_coordinates:
            raise self.error("FORMULA-CONDITION", node, "~ of one truth value is a number: ~True is -2", "Write not.")
        return ast.UnaryOp(op, inner)

    def binary(self, node: ast.expr, left: ast.expr, op: ast.operator, right: ast.expr) -> ast.expr:
        match op:
            case ast.BitAnd() | ast.BitOr():
                return ast.BinOp(self.condition(left, _symbol(op)), op, self.condition(right, _symbol(op)))
            case ast.Mult():
                a, b = self.expression(left), self.expression(right)
                if self.is_condition(a) and self.is_condition(b) and self.touches_coordinates(ast.BinOp(a, op, b)):
                    raise self.error("FORMULA-CONDITION", node, "conditions are joined by &, not by *")
                return ast.BinOp(a, op, b)
            case ast.Add() | ast.Sub() | ast.Div() | ast.Pow():
                return ast.BinOp(self.number(left), op, self.number(right))
        what = f"the operator {_symbol(op)} is not part of the language"
        raise self.error("FORMULA-SYNTAX", node, what, INSTEAD.get(_symbol(op), ""))

    def alike(self, node: ast.expr, *written: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Check the two values of a choice: both numbers, or both conditions."""
        a, b = (self.expression(value) for value in written)
        if self.is_condition(a) != self.is_condition(b) and self.touches_coordinates(ast.BinOp(a, ast.Add(), b)):
            raise self.error("FORMULA-CONDITION", node, "chooses between a condition and a number")
        return a, b

    def is_module(self, name: str) -> bool:
        return isinstance(self.source.scope.get(name), ModuleType)

    def name(self, node: ast.expr, name: str) -> ast.expr:
        if name in self.known:
            return ast.Name(self.rename(name), ast.Load())
        value = self.source.scope.get(name)
        if isinstance(value, bool | int | float):
            return _constant(value)
        if value is None:
            raise self.error("FORMULA-NAME", node, f"{name!r} is used before it has a value")
        raise self.error("FORMULA-SYNTAX", node, f"{name!r} is a {type(value).__name__}, not a number")

    def call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Attribute(value=ast.Name(id=module), attr=attribute) if self.is_module(module):
                return self.library_call(node, self.source.scope[module], attribute)
            case ast.Name(id=name) if isinstance(self.source.scope.get(name), Source):
                return self.inline(node, self.source.scope[name])
            case ast.Name(id=name) if name in BUILTINS and name not in self.source.scope:
                self.positional(node)
                self.expect_count(node, (2, 9) if name in ("max", "min") else (1, 1))
                arguments = [self.number(a) for a in node.args]
                if name != "abs" and any(self.touches_coordinates(a) for a in arguments):
                    raise self.error(
                        "FORMULA-BRANCH",
                        node,
                        f"{name}() asks for one value of all coordinates",
                        f"Use {IN_PLACE_OF[name]}.",
                    )
                return ast.Call(ast.Name(name, ast.Load()), arguments, [])
            case _:
                raise self.error("FORMULA-NAME", node, f"unknown function {ast.unparse(node.func)!r}", allowed())

    def positional(self, node: ast.Call) -> None:
        """Answer keywords and stars."""
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.error(
                "FORMULA-SYNTAX", node, f"{ast.unparse(node.func)} takes positional arguments only in a formula"
            )

    def expect_count(self, node: ast.Call, bounds: tuple[int, int]) -> None:
        """Answer a wrong number of arguments."""
        least, most = bounds
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            what = f"{ast.unparse(node.func)} takes {wanted} argument{'s' * (least > 1)}, got {len(node.args)}"
            raise self.error("FORMULA-ARITY", node, what)

    def library_call(self, node: ast.Call, module: ModuleType, attribute: str) -> ast.expr:
        if module is math:
            self.positional(node)
            return self.scalar_call(node, attribute)
        if attribute not in ARRAY_FUNCTIONS:
            near = difflib.get_close_matches(attribute, sorted(ARRAY_FUNCTIONS), n=1, cutoff=0.6)
            guess = f" (did you mean np.{near[0]}?)" if near and attribute not in INSTEAD else ""
            advice = INSTEAD.get(attribute, allowed())
            raise self.error("FORMULA-NAME", node, f"unknown function np.{attribute}{guess}", advice)
        self.positional(node)
        self.expect_count(node, (ARRAY_FUNCTIONS[attribute], ARRAY_FUNCTIONS[attribute]))
        if attribute == "where":
            arguments = [self.expression(node.args[0]), *self.alike(node, *node.args[1:])]
        else:
            arguments = [self.number(a) for a in node.args]
        if not any(self.touches_coordinates(a) for a in (arguments[1:] if attribute == "where" else arguments)):
            raise self.error(
                "FORMULA-WIDENS",
                node,
                f"np.{attribute} of scalars gives a float64, which would widen float32 arrays",
                "Write ** 0.5 or a function of math; in np.where make one of the two values depend on a coordinate.",
            )
        return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), attribute, ast.Load()), arguments, [])

    def scalar_call(self, node: ast.Call, attribute: str) -> ast.expr:
        """Check a call of a function of ``math``."""
        if attribute not in SCALAR_FUNCTIONS:
            raise self.error("FORMULA-NAME", node, f"math.{attribute} is not part of the language", allowed())
        self.expect_count(node, (SCALAR_FUNCTIONS[attribute], SCALAR_FUNCTIONS[attribute]))
        arguments = [self.number(a) for a in node.args]
        if any(self.touches_coordinates(a) for a in arguments):
            raise self.error(
                "FORMULA-BRANCH", node, f"math.{attribute} takes one number, not an array", f"Use np.{attribute}."
            )
        return ast.Call(ast.Attribute(ast.Name("math", ast.Load()), attribute, ast.Load()), arguments, [])

    def inline(self, node: ast.Call, helper: Source) -> ast.expr:
        """Write a helper's statements here, under names of their own, and give back its value."""
        signature = inspect.signature(helper.function())
        definition = helper.definition
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values()):
            raise helper.error("FORMULA-SYNTAX", definition, "a helper names each of its arguments, without stars")
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name} is called without stars in a formula")
        try:
            bound = signature.bind(*node.args, **{k.arg: k.value for k in node.keywords if k.arg})
        except TypeError as error:
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name}: {error}") from None
        given = {name: self.expression(value) for name, value in bound.arguments.items()}

        inner = _Flattener(helper, self.flat, f"{self.prefix}{helper.name}_")
        for name, parameter in signature.parameters.items():
            value = given[name] if name in given else inner.default(definition, name, parameter.default)
            inner.know(name, self.touches_coordinates(value))
            inner.append(inner.rename(name), value)
        inner.protected = frozenset(name for name, of_coordinates in inner.known.items() if not of_coordinates)
        outputs = inner.body(definition)
        if len(outputs) != 1:
            raise self.error("FORMULA-SYNTAX", node, f"{helper.name} gives {len(outputs)} values; a helper gives one")
        return outputs[0]

    def default(self, definition: ast.FunctionDef, name: str, value: object) -> ast.expr:
        """Return a helper's own default as a constant."""
        if not isinstance(value, bool | int | float):
            what = f"the default of {name!r} is a {type(value).__name__}, not a number"
            raise self.error("FORMULA-SYNTAX", definition, what)
        return _constant(value)


def _constant(value: float) -> ast.expr:
    """Write a number; a minus sign within a constant would bind more weakly than a power."""
    negative = not isinstance(value, bool) and (value < 0 or math.copysign(1.0, float(value)) < 0)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if negative else ast.Constant(value)


def _symbol(op: ast.operator) -> str:
    return {
        ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
        ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    }[type(op)]  # fmt: skip
