"""What the user's expressions are worth while the code is played: which of them is the textbook's second moment.

Names lie and differ from author to author; values do not. Each line that runs has its expressions evaluated in its own
frame just before it does, as far as that has no effects, at one step of the tape.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.mending.splices import Layout
from thalweg.check.subjects.code import Code
from thalweg.check.subjects.subject import Subject
from thalweg.check.tape import Tape

Array = NDArray[Any]

HARMLESS = frozenset({
    "sqrt", "square", "power", "pow", "abs", "fabs", "absolute", "sign", "sum", "mean", "max", "maximum", "min",
    "minimum", "zeros_like", "ones_like", "zeros", "ones", "asarray", "array", "float", "int", "str", "len", "norm",
    "exp", "log", "dot", "get", "copy", "where", "clip", "multiply", "divide", "add", "subtract", "float64", "format",
})  # fmt: skip
"""What an expression may call and still be evaluated twice."""
_KINDS = (
    ast.BinOp, ast.UnaryOp, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Call, ast.Tuple, ast.List,
    ast.IfExp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context, ast.JoinedStr, ast.FormattedValue,
    ast.keyword, ast.Slice,
)  # fmt: skip
_ENTRIES = 16
"""How many entries of a dictionary, attributes of an object or names of a module are looked at."""


@final
@dataclass(frozen=True, eq=False)
class Value:
    """What an expression was worth: a number, or numbers for the coordinates ``where``."""

    numbers: Array
    where: Array | None = None

    def same(self, other: Any, tolerance: float) -> bool:
        """Whether a value of the textbook, a number or one per coordinate, is this."""
        theirs = np.asarray(other, dtype=np.float64)
        if self.where is None:
            if theirs.ndim and not np.all(theirs == theirs.flat[0]):
                return False
            theirs = theirs.reshape(-1)[0]
        elif theirs.ndim != 1 or theirs.size <= int(self.where.max()):  # of another array than the textbook's last
            return False
        else:
            theirs = theirs[self.where]
        return alike(self.numbers, theirs, tolerance)


def alike(a: Array, b: Array, tolerance: float) -> bool:
    """Whether two values agree to a relative tolerance; what is no number agrees with what is none."""
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= tolerance * np.maximum(np.abs(a), np.abs(b))
    return bool(np.all(near | (a == b) | (~np.isfinite(a) & ~np.isfinite(b))))


@final
@dataclass
class Record:
    """What ran at a step, and what it was worth.

    Parameters
    ----------
    ran : set of ast.stmt
        Statements that ran at any time.
    values : dict
        Of expressions, by node.
    nearby : dict
        Of everything that could be read before a statement, by its text.
    """

    ran: set[ast.stmt] = field(default_factory=set)
    values: dict[ast.expr, Value] = field(default_factory=dict)
    nearby: dict[ast.stmt, dict[str, Value]] = field(default_factory=dict)


def harmless(node: ast.AST, also: frozenset[str] = frozenset()) -> bool:
    """Whether an expression may be evaluated once more; ``also`` has further names that it may call."""
    for part in ast.walk(node):
        if not isinstance(part, _KINDS):
            return False
        if isinstance(part, ast.Call):
            called = part.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name not in HARMLESS and name not in also:
                return False
    return True


def expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """Return the expressions that a statement itself reads: of a loop or condition only its head."""
    for name, value in ast.iter_fields(statement):
        if name in ("body", "orelse", "finalbody", "handlers"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from (node for node in ast.walk(part) if isinstance(node, ast.expr))


def record(subject: Subject, layout: Layout, tape: Tape, step: int) -> Record:
    """Play a subject and record what its expressions are worth at a step.

    Parameters
    ----------
    subject : Subject
        Made of the layout's text, by :meth:`Rebuilder.rebuilt`.
    layout : Layout
    tape : Tape
    step : int
        From 1.
    """
    watch = Watch(layout, subject.source.path if subject.source else "")
    if step > 1:
        watch.during(lambda: subject.play(tape.first(step - 1)), keep=False)
    alone = isinstance(subject, Code) and subject.plans[0].arrangement.single
    watch.before, watch.every = dict(watch.counts), step if alone else 0
    watch.counts.clear()
    watch.during(lambda: subject.play(tape.first(step)), keep=True)
    return watch.collated(tape)


@final
class Watch:
    """Listens to the lines of a text while its code runs.

    Parameters
    ----------
    layout : Layout
        Of the text.
    filename : str
        Under which it was compiled.
    calls : frozenset of str
        What expressions may call, beside ``HARMLESS``, and still be evaluated once more.

    Attributes
    ----------
    counts : dict
        How often each statement ran.
    found : dict
        What expressions were worth just before their line ran, by node, in the order of the passes.
    near : dict
        What could be read before a statement, by its text.
    """

    def __init__(self, layout: Layout, filename: str, calls: frozenset[str] = frozenset()) -> None:
        self.layout, self.filename, self.calls = layout, filename, calls
        self.by_line: dict[int, ast.stmt] = {}
        for node in ast.walk(layout.tree):
            if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.ClassDef):
                # Of a statement in several lines, such as a dictionary, any may be the first to run.
                last = node.lineno if hasattr(node, "body") else node.end_lineno or node.lineno
                for line in range(node.lineno, last + 1):
                    self.by_line.setdefault(line, node)
        self.counts: dict[ast.stmt, int] = {}
        self.before: dict[ast.stmt, int] = {}
        self.every = 0  # one coordinate after the other is played: every so many passes of a line are the step
        self.keep = False
        self.last: dict[int, int] = {}
        self.found: dict[ast.expr, list[Any]] = {}
        self.near: dict[ast.stmt, dict[str, list[Any]]] = {}
        self.codes: dict[ast.expr, CodeType] = {}
        self.texts: dict[ast.AST | None, dict[str, CodeType]] = {}

    def during(self, run: Callable[[], object], *, keep: bool) -> None:
        """Run something with the listener on; what ran before it failed is kept."""
        self.keep = keep
        previous = sys.gettrace()
        sys.settrace(self._enter)
        try:
            run()
        except Exception:  # noqa: BLE001, S110 - what ran before it failed is recorded
            pass
        finally:
            sys.settrace(previous)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        return self._line if frame.f_code.co_filename == self.filename else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        statement = self.by_line.get(frame.f_lineno) if event == "line" else None
        last = self.last.get(id(frame), 0)
        self.last[id(frame)] = frame.f_lineno
        # A statement of several lines goes through them, and comes back to its first one to store what it made.
        if statement is not None and not self._in_the_same(statement, last):
            count = self.counts.get(statement, 0)
            self.counts[statement] = count + 1
            late = (count + 1) % self.every == 0 if self.every else count >= self.before.get(statement, 0)
            if self.keep and late:
                self._note(statement, frame)
        return self._line

    def _in_the_same(self, statement: ast.stmt, last: int) -> bool:
        end = statement.end_lineno or statement.lineno
        if hasattr(statement, "body"):  # a loop comes back to its head
            return statement.lineno < last <= end
        return statement.lineno < end and statement.lineno <= last <= end

    def _note(self, statement: ast.stmt, frame: FrameType) -> None:
        names, around = frame.f_locals, frame.f_globals
        for node in expressions(statement):
            if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del) or not harmless(node, self.calls):
                continue
            if node not in self.codes:
                self.codes[node] = compile(ast.Expression(node), "<expression>", "eval")
            self.found.setdefault(node, []).append(_evaluated(self.codes[node], around, names))
        if isinstance(statement, ast.AugAssign) and harmless(statement.target):  # it is read as well
            target = statement.target
            if target not in self.codes:
                self.codes[target] = compile(ast.unparse(target), "<expression>", "eval")
            self.found.setdefault(target, []).append(_evaluated(self.codes[target], around, names))
        near = self.near.setdefault(statement, {})
        for text, value in self._readable(statement, names, around):
            near.setdefault(text, []).append(value)

    def _readable(
        self, statement: ast.stmt, names: Mapping[str, Any], around: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        """Return everything with a numeric value that an expression put into this line could read."""
        function = self.layout.functions.get(statement)
        if function not in self.texts:
            self.texts[function] = _own_texts(self.layout, function)
        said = set()
        for text, code in self.texts[function].items():
            value = _evaluated(code, around, names)
            if value is not None:
                said.add(text)
                yield text, value
        shown = {n: v for n, v in list(around.items()) if isinstance(v, int | float) and not n.startswith("_")}
        for name, value in [*names.items(), *list(shown.items())[: 2 * _ENTRIES]]:
            for text, inner in _parts(name, value):
                number = _numeric(inner) if text not in said else None
                if number is not None:
                    said.add(text)
                    yield text, number

    def collated(self, tape: Tape) -> Record:
        """Put what was seen together: what came array by array, or number by number, is one value."""
        made = Record(ran=set(self.counts))
        for node, seen in self.found.items():
            value = _collated(seen, tape)
            if value is not None:
                made.values[node] = value
        for statement, near in self.near.items():
            often = max(map(len, near.values()), default=0)  # a name of the pass before is not there in the first one
            values = {text: _collated(seen, tape) for text, seen in near.items() if len(seen) == often}
            made.nearby[statement] = {text: value for text, value in values.items() if value is not None}
        return made


def _own_texts(layout: Layout, function: ast.FunctionDef | None) -> dict[str, CodeType]:
    """Return the names, attributes and entries that a function reads anywhere."""
    found: dict[str, CodeType] = {}
    for node in ast.walk(function) if function is not None else ():
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Name) and harmless(node):
            text = layout.source(node)  # with its author's quotes and blanks
            if text not in found and "\n" not in text:
                found[text] = compile(text, "<expression>", "eval")
    return found


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    if isinstance(value, dict):
        for key, inner in list(value.items())[:_ENTRIES]:
            if isinstance(key, str):
                yield f"{name}[{key!r}]", inner
    elif isinstance(value, list | tuple) and len(value) <= 4:
        yield from ((f"{name}[{k}]", inner) for k, inner in enumerate(value))
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        own = list(vars(value).items())[:_ENTRIES]
        yield from ((f"{name}.{key}", inner) for key, inner in own)


def _evaluated(code: CodeType, around: dict[str, Any], names: Mapping[str, Any]) -> Array | None:
    try:
        with np.errstate(all="ignore"):
            return _numeric(eval(code, around, names))  # noqa: S307 - the user's own expression, where it stands
    except Exception:  # noqa: BLE001 - a name that is not there yet
        return None


def _numeric(value: Any) -> Array | None:
    """Return a copy of a number, or of an array or list of numbers; None for anything else."""
    if isinstance(value, bool | str | bytes) or not isinstance(value, int | float | np.ndarray | np.generic | list):
        return None
    try:
        made = np.array(value)
        return made.astype(np.float64) if made.dtype.kind in "fiu" and made.size else None
    except (ValueError, TypeError, OverflowError):
        return None


def _collated(seen: list[Array | None], tape: Tape) -> Value | None:
    parts = [x for x in seen if x is not None]
    if not parts:  # a comprehension's own names are not there in the line's frame: what has a value counts
        return None
    if all(x.ndim == 0 for x in parts) and all(alike(x, parts[0], 0.0) for x in parts):
        return Value(parts[0])
    where = _places([x.size for x in parts], tape)
    return None if where is None else Value(np.concatenate([x.reshape(-1) for x in parts]), where)


def _places(sizes: list[int], tape: Tape) -> Array | None:
    """Return the coordinates of what came in parts: all of them in order, or whole arrays in order."""
    if sum(sizes) == tape.size:
        return np.arange(tape.size)
    arrays = [np.arange(own.start, own.stop) for own in tape.slices()]
    found: list[Array] = []
    for size in sizes:
        while arrays and arrays[0].size != size:
            arrays.pop(0)
        if not arrays:
            return None
        found.append(arrays.pop(0))
    return np.concatenate(found)
