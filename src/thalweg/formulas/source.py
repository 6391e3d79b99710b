"""The text of a formula, and the outer values it uses, frozen when its decorator runs."""

from __future__ import annotations

import ast
import builtins
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from thalweg.errors import FormulaError

# How many arguments each function takes: a further one of NumPy's would be an array to write to.
ARRAY_FUNCTIONS = {
    **dict.fromkeys(
        "sqrt abs absolute sign exp expm1 log log1p tanh sin cos square arctan cosh sinh isfinite".split(), 1
    ),
    **dict.fromkeys("maximum minimum power hypot logaddexp copysign".split(), 2),
    "where": 3,
}
SCALAR_FUNCTIONS = {
    **dict.fromkeys("sqrt exp expm1 log log1p log2 log10 sin cos tan tanh atan floor ceil fabs".split(), 1),
    "pow": 2,
}
CONSTANTS = {name: float(getattr(math, name)) for name in ("pi", "e", "inf")}
BUILTINS = frozenset(("abs", "max", "min", "float"))
# What authors write that is no part of the language, and how a formula says it.
INSTEAD = {
    "clip": "Write np.minimum(np.maximum(x, low), high).",
    "reciprocal": "Write 1 / x.",
    "divide": "Write a / b.",
    "multiply": "Write a * b.",
    "%": "A formula has no remainder. Of scalars, write a - b * math.floor(a / b).",
    "//": "A formula has no rounded quotient. Of scalars, write math.floor(a / b).",
}
MODULES = {"numpy": np, "math": math}


def allowed() -> str:
    """Say in one line what a formula may use."""
    some = " np.".join(sorted(ARRAY_FUNCTIONS)[:8])
    return f"Allowed: arithmetic, np.{some} ...; on scalars math.sqrt and the like."


@dataclass(frozen=True)
class Source:
    """A function's text, and the values of the names in it that are not its own."""

    name: str
    text: str
    filename: str
    first_line: int
    scope: Mapping[str, Any] = field(repr=False)

    @property
    def definition(self) -> ast.FunctionDef:
        """The syntax tree of the function, new each time."""
        (definition,) = (node for node in ast.parse(self.text).body if isinstance(node, ast.FunctionDef))
        return definition

    def function(self) -> FunctionType:
        """Build the function anew, with the outer values frozen as they were when it was read."""
        namespace: dict[str, Any] = {"__name__": "thalweg.formula", **self.scope}
        for name, value in self.scope.items():
            if isinstance(value, Source):
                namespace[name] = value.function()
        tree = ast.parse(self.text)
        ast.increment_lineno(tree, self.first_line - 1)
        try:
            code = compile(tree, self.filename, "exec")
        except RecursionError:
            raise self.error("FORMULA-LONG", None, "the formula is nested too deeply to be read") from None
        exec(code, namespace)  # noqa: S102 - the author's own text, as they wrote it
        made: FunctionType = namespace[self.name]
        return made

    def __getstate__(self) -> dict[str, Any]:
        # Modules do not pickle; the two that a formula can use go by name.
        scope = {k: v.__name__ if isinstance(v, ModuleType) else v for k, v in self.scope.items()}
        return {**self.__dict__, "scope": scope}

    def __setstate__(self, state: dict[str, Any]) -> None:
        scope = {k: MODULES[v] if isinstance(v, str) else v for k, v in state["scope"].items()}
        self.__dict__.update({**state, "scope": scope})

    def error(self, code: str, node: ast.AST | None, what: str, hint: str = "") -> FormulaError:
        """Name the line of ``node``, quote it, and say what is wrong."""
        line = getattr(node, "lineno", 1)
        quoted = self.text.split("\n")[line - 1].strip()
        place = f"{Path(self.filename).name}, line {self.first_line + line - 1}, in {self.name}"
        return FormulaError(code, place, what, "\n".join(part for part in (quoted[:100], hint) if part))


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
    return _read(function, ())


def _read(function: Callable[..., Any] | str, callers: tuple[Any, ...]) -> Source:
    outer: Mapping[str, Any] = {"np": np, "math": math}
    if isinstance(function, str):
        lines = function.split("\n")
        blank = next((k for k, line in enumerate(lines) if line.strip()), 0)
        text, filename, first_line = _without_margin("\n".join(lines[blank:])), "<formula>", blank + 1
    else:
        text, filename, first_line, outer = _fetch(function)
    try:
        statements = ast.parse(text).body
    except (RecursionError, MemoryError):
        raise FormulaError("FORMULA-LONG", Path(filename).name, "the text is nested too deeply to be read") from None
    except SyntaxError as error:
        place = f"{Path(filename).name}, line {first_line - 1 + (error.lineno or 1)}"
        raise FormulaError("FORMULA-SYNTAX", place, str(error.msg)) from None
    match statements:
        case [ast.FunctionDef() as definition]:
            pass
        case _:
            found = ", ".join(type(s).__name__ for s in statements[:3]) or "nothing"
            place = f"{Path(filename).name}, line {first_line}"
            what = f"a formula is one function written with def, got {found}"
            raise FormulaError("FORMULA-SOURCE", place, what, "Give it a name and a def.")
    if isinstance(function, str):
        _check_defaults(definition, first_line)
    skipped = definition.lineno - 1  # the decorators stand above the def
    text = "\n".join(text.split("\n")[skipped:])
    source = Source(definition.name, text, filename, first_line + skipped, {})
    scope = dict(_outer_values(source, outer, (*callers, function)))
    return Source(source.name, source.text, filename, source.first_line, scope)


def _check_defaults(definition: ast.FunctionDef, first_line: int) -> None:
    """Let the defaults in a text be numbers only: they are computed before the body is checked."""
    numbers = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.unaryop, ast.operator, ast.expr_context)
    for default in (d for d in (*definition.args.defaults, *definition.args.kw_defaults) if d is not None):
        if not all(isinstance(node, numbers) for node in ast.walk(default)):
            place = f"<formula>, line {first_line - 1 + default.lineno}, in {definition.name}"
            raise FormulaError("FORMULA-SYNTAX", place, f"a default is a number, got {ast.unparse(default)[:40]}")


def _fetch(function: Callable[..., Any]) -> tuple[str, str, int, Mapping[str, Any]]:
    name = getattr(function, "__name__", repr(function))
    if not isinstance(function, FunctionType):
        raise FormulaError(
            "FORMULA-SOURCE", name, f"a formula is a function written with def, got {type(function).__name__}"
        )
    code = function.__code__
    if name == "<lambda>":
        place = f"{Path(code.co_filename).name}, line {code.co_firstlineno}"
        what = "a formula is a function written with def, got a lambda"
        raise FormulaError("FORMULA-SOURCE", place, what, "Give it a name and a def.")
    try:
        lines, first_line = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise FormulaError(
            "FORMULA-SOURCE",
            name,
            "the text of this function cannot be read (typed at a bare prompt, or made by exec)",
            "Write it in a file or a notebook cell, or pass its text as a string: rule('def my_rule(...): ...').",
        ) from None
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    outer = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells.items() if _filled(cell)}}
    return _without_margin("".join(lines)), inspect.getsourcefile(function) or "<unknown>", max(first_line, 1), outer


def _without_margin(text: str) -> str:
    """Take the first line's margin off every line that has it; a line of a docstring need not."""
    lines = text.split("\n")
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return "\n".join(line.removeprefix(margin) for line in lines)


def _filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _outer_values(source: Source, outer: Mapping[str, Any], callers: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Name and value of every outer name: NumPy, math, numbers, helper functions."""
    definition = source.definition
    own = own_names(definition)
    # Annotations are no part of the formula; defaults and the body are.
    parts = [*definition.body, *definition.args.defaults, *(d for d in definition.args.kw_defaults if d is not None)]
    for node in (n for part in parts for n in ast.walk(part)):
        if not isinstance(node, ast.Name) or node.id in own or (node.id in BUILTINS and node.id not in outer):
            continue
        imported = any(outer.get(node.id) is getattr(module, node.id, node) for module in (np, math))
        if (imported or node.id not in outer) and node.id in ARRAY_FUNCTIONS | INSTEAD:
            advice = INSTEAD.get(node.id, f"Write np.{node.id}.")
            raise source.error("FORMULA-NAME", node, f"{node.id!r} is not known without its module", advice)
        if node.id not in outer:
            known = " It is a Python built-in." if hasattr(builtins, node.id) else ""
            raise source.error("FORMULA-NAME", node, f"unknown name {node.id!r}.{known}", allowed())
        value = outer[node.id]
        if value is np or value is math:
            yield node.id, value
        elif isinstance(value, bool | int | float | np.floating | np.integer | np.bool_):
            yield node.id, value.item() if isinstance(value, np.generic) else value
        elif isinstance(value, FunctionType) and value in callers:
            raise source.error("FORMULA-LOOP", node, f"{node.id!r} calls itself: it would never end")
        elif isinstance(value, FunctionType):
            yield node.id, _read(value, callers)
        else:
            raise source.error(
                "FORMULA-NAME",
                node,
                f"{node.id!r} is a {type(value).__name__}; a formula can use numbers and helper functions",
                allowed(),
            )


def own_names(definition: ast.FunctionDef) -> set[str]:
    """Return the names of a function's arguments and of what it assigns."""
    arguments = definition.args
    own = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return own | {n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
