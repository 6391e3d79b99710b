"""Single changes of a backward pass: a factor more or less, a penalty, another array, the slope, the axis."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.mending.changes import Ranked, assignments, constants, less, operators
from thalweg.check.mending.recording import Watch, expressions
from thalweg.check.mending.splices import Change, Layout, Splice, bracketed

Array = NDArray[Any]
Near = Mapping[str, Array]
Lack = tuple[Array, Array]
"""Of a wrong block: which coordinates, as places in the flattened block, and what its gradient lacks there."""

CALLS = frozenset({
    "tanh", "outer", "matmul", "reshape", "astype", "transpose", "cosh", "sinh", "expand_dims", "squeeze", "ravel",
    "argmax", "einsum", "average", "log1p", "expm1", "logaddexp", "flatten", "eye", "atleast_2d", "heaviside",
})  # fmt: skip
"""What expressions of networks call, beside what those of optimizers do."""
_ARRAYS, _SCALARS = 14, 8
_SIMPLE = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr
_SLOPES = ("{0} * (1 - {0})", "1 - {0}**2", "{0} > 0")
"""Slopes of sigmoid, tanh and ReLU by what they gave, and of ReLU by z."""
_PARTS_OF_SLOPES = ("1 - {0}", "{0}**2")
_MADE_OF = ("array", "asarray", "concatenate", "hstack", "vstack", "stack", "append", "extend")
_SLOPE_WORDS = ("prime", "deriv", "grad", "slope", "backward", "\u5bfc")
_FAMILIES = {
    "penalty": ("l2_loss_only", "l2_gradient_only", "l1_"),
    "factor": ("factor", "missing_1_m", "twice_1_m", "mask_unscaled", "l2_half", "l2_twice", "l2_scaled", "l2_not_over",
               "l2_over"),
    "slope": ("activation_slope_missing", "activation_slope_other", "output_", "mask_missing"),
    "axis": ("bias_", "rows_"),
    "name": ("activation_slope_at_a", "activation_slope_of_z", "activation_slope_layer", "previous_", "weights_",
             "swapped"),
}  # fmt: skip
"""Which changes answer which causes: they are tried first."""


def backward_changes(
    layout: Layout, watch: Watch, looked: AbstractSet[int], helpers: Mapping[str, int], causes: AbstractSet[str],
    lacks: Sequence[Lack],
) -> list[Ranked]:  # fmt: skip
    """Return single changes of all lines that ran, each with its rank: the likelier, the lower.

    Parameters
    ----------
    layout : Layout
    watch : Watch
        Of one run of the backward pass.
    looked : set of int
        Lines from which all that is wrong is made, and nothing that is right: they come first.
    helpers : mapping of int
        Functions of the file by name, and how many arguments they need.
    causes : set of str
        Codes of the causes that were found.
    lacks : sequence of Lack
        Of the wrong blocks.
    """
    found: list[Ranked] = []
    made = {name for statement in watch.counts if statement.lineno in looked for name in _sets(statement)}
    asked = {family for family, starts in _FAMILIES.items() if any(code.startswith(starts) for code in causes)}
    for statement in sorted(watch.counts, key=lambda node: (node.lineno, node.col_offset)):
        function = layout.functions.get(statement)
        if function is None or not isinstance(statement, _SIMPLE | ast.For | ast.If | ast.While):
            continue
        far = 0.0 if statement.lineno in looked or _sets(statement) & made else 2.0
        line = _Line(layout, watch, statement, function, helpers, lacks)
        found += [
            (rank / 4 + far if family in asked else rank + far, change) for family, rank, change in line.changes()
        ]
    # Of several lines the one that is nearest to the gradient.
    found.sort(key=lambda pair: (pair[0], -max(splice.start for splice in pair[1])))
    return found


@final
class _Line:
    """One line, what it could read, and what it gave."""

    def __init__(
        self, layout: Layout, watch: Watch, statement: ast.stmt, function: ast.FunctionDef, helpers: Mapping[str, int],
        lacks: Sequence[Lack],
    ) -> None:  # fmt: skip
        self.lacks = lacks
        self.layout, self.watch, self.statement, self.function = layout, watch, statement, function
        one = [name for name, count in helpers.items() if count == 1 and name != function.name]
        self.slopes = [name for name in one if any(word in name.lower() for word in _SLOPE_WORDS)]
        self.others = [name for name in one if name not in self.slopes]
        near = {}
        for text, seen in watch.near.get(statement, {}).items():
            said = self._spelled(text)
            if said and seen and seen[-1] is not None:
                near[said] = seen[-1]
        self.arrays: Near = {text: value for text, value in near.items() if value.ndim and value.size > 1}
        self.numbers = {text: float(value.reshape(-1)[0]) for text, value in near.items() if value.size == 1}
        self.keys = {
            id(part)
            for node in [*expressions(statement), *getattr(statement, "targets", ())]
            if isinstance(node, ast.Subscript)
            for part in ast.walk(node.slice)
        }

    def _spelled(self, text: str) -> str:
        """Return a name as its author would write it; empty where it would be true of one layer alone."""
        if "[" not in text or text in self._text():
            return text
        if text[text.index("[") + 1 :].rstrip("]").isdigit() or self._in_loop():
            return ""
        return text.replace("['", '["').replace("']", '"]') if '["' in self.layout.text else text

    def _text(self) -> str:
        return self.layout.source(self.function)

    def _in_loop(self) -> bool:
        node: ast.AST = self.statement
        while node in self.layout.parents:
            node = self.layout.parents[node][0]
            if isinstance(node, ast.For | ast.While):
                return True
        return False

    def changes(self) -> Iterator[tuple[str, float, Change]]:
        """Yield the changes of this line, each with its family and its rank."""
        layout, statement = self.layout, self.statement
        if isinstance(statement, ast.For | ast.If | ast.While):
            for node in expressions(statement) if isinstance(statement, ast.For) else ():
                yield from (("", *one) for one in constants(layout, node, 1.0))
            return
        if layout.alone(statement) and not isinstance(statement, ast.Return):
            without = "pass\n" if len(self._siblings()) == 1 else ""
            start, end = layout.rows(statement)
            yield "", 0.9, (Splice(start, end, f"{layout.indent(statement)}{without}" if without else ""),)
        inside = (node for target in getattr(statement, "targets", ()) for node in ast.walk(target))
        nodes: list[ast.AST] = [*expressions(statement), *inside]
        for node in (node for node in dict.fromkeys(nodes) if isinstance(node, ast.expr)):
            if isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                number = isinstance(node, ast.Constant)
                yield from (("", *one) for one in self._of_expression(node))
                yield from (("factor" if number else "name", *one) for one in self._of_name(node))
                if isinstance(node, ast.Call):
                    yield from (("axis", *one) for one in self._of_call(node))
        for value in self._values():
            yield from (("factor", *one) for one in self._scaled(value))
            yield from (("penalty", *one) for one in self._penalised(value))
            yield from (("slope", *one) for one in self._times(value))
        yield from (("penalty", *one) for one in self._of_target())

    def _siblings(self) -> list[ast.stmt]:
        parent, field = self.layout.parents[self.statement]
        inside = getattr(parent, field)
        return inside if isinstance(inside, list) else [inside]

    def _worth(self, node: ast.expr) -> Array | None:
        seen = [value for value in self.watch.found.get(node, ()) if value is not None]
        if seen:
            return np.asarray(seen[-1])
        if isinstance(self.statement, ast.Assign) and node is self.statement.value:
            return self._made(ast.unparse(self.statement.targets[0]))
        return None

    def _made(self, text: str) -> Array | None:
        """Return what a name is worth in a later line."""
        later = (near for other, near in self.watch.near.items() if other.lineno > self.statement.lineno)
        values: list[Array] = [near[text][-1] for near in later if near.get(text) and near[text][-1] is not None]
        return values[0] if values else None

    def _values(self) -> list[ast.expr]:
        """Return what the line gives: its value, the parts of a tuple or dictionary, and the terms of sums in them."""
        value = getattr(self.statement, "value", None)
        if value is None or (isinstance(self.statement, ast.Expr) and isinstance(value, ast.Constant)):
            return []
        waiting: list[Any] = [value]
        found: list[ast.expr] = []
        while waiting:
            node: Any = waiting.pop(0)
            if isinstance(node, ast.Tuple | ast.List):
                waiting += node.elts
            elif isinstance(node, ast.Dict):
                waiting += node.values
            elif isinstance(node, ast.Call) and _name_of(node) in _MADE_OF:
                waiting += node.args
            elif isinstance(node, ast.Name) and isinstance(self.statement, ast.Return) and node is not value:
                continue  # it is changed where it is made, and returned under its name
            elif isinstance(node, ast.expr):
                found.append(node)
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
                    waiting += [node.left, node.right]
        return found

    # -- a factor

    def _scaled(self, node: ast.expr) -> Iterator[Ranked]:
        own, tight = self.layout.source(node), bracketed(self.layout.source(node), 6)
        put = self.layout.replaced
        yield 0.3, (put(node, f"-{bracketed(own, 7)}"),)
        yield 0.3, (put(node, f"2 * {tight}"),)
        yield 0.35, (put(node, f"{tight} / 2"),)
        for text, value in self._factors():
            rank = 0.2 if text.isidentifier() else 0.25
            yield rank, (put(node, f"{tight} / {text}"),)
            yield rank + 0.1, (put(node, f"{tight} * {text}"),)
            if 0 < value < 1:
                yield 0.5, (put(node, f"{tight} / (1 - {text})"),)
                yield 0.5, (put(node, f"{tight} * (1 - {text})"),)

    def _factors(self) -> list[tuple[str, float]]:
        """Return numbers that a line could be multiplied by: named ones first, then counts of rows and columns."""
        loops = {name for name, x in self.numbers.items() if self._counts_layers(name)}
        numbers = [(text, x) for text, x in self.numbers.items() if text not in loops]
        named = [(text, x) for text, x in numbers if np.isfinite(x) and x not in (0.0, 1.0, -1.0)]
        named.sort(key=lambda pair: (not self._is_read(pair[0]), len(pair[0])))
        counts = []
        for text, value in list(self.arrays.items())[:_ARRAYS]:
            if text.isidentifier() or "." in text:
                counts += [(f"{text}.shape[{axis}]", float(length)) for axis, length in enumerate(value.shape)]
        counts.sort(key=lambda pair: not self._is_argument(pair[0].partition(".shape")[0]))
        return [*named[:_SCALARS], *counts[: 2 * _SCALARS]]

    def _counts_layers(self, text: str) -> bool:
        """Tell whether a number says how many layers there are, or at which of them a loop stands."""
        targets = (n.target for n in ast.walk(self.function) if isinstance(n, ast.For | ast.comprehension))
        turning = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        return text in turning or text == "L" or "layer" in text.lower()

    def _is_read(self, text: str) -> bool:
        return any(ast.unparse(n) == text for n in ast.walk(self.function) if isinstance(n, ast.Name | ast.Attribute))

    def _is_argument(self, text: str) -> bool:
        given = self.function.args
        return text in {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)}

    # -- a penalty

    def _penalised(self, node: ast.expr) -> Iterator[Ranked]:
        worth = self._worth(node)
        if worth is None or worth.ndim == 0:
            return
        own = self.layout.source(node)
        small = [(text, x) for text, x in self._factors() if 0 < abs(x) < 1e4]
        alike = [text for text, value in self.arrays.items() if value.shape == worth.shape and text != own]
        for text in alike[:_ARRAYS]:
            for factor, x in self._strengths(small):
                rank = 0.1 if self._lacking(x * self.arrays[text]) else 0.9
                yield rank, (self.layout.replaced(node, f"{own} + {factor} * {text}"),)

    def _strengths(self, small: list[tuple[str, float]]) -> list[tuple[str, float]]:
        named = [(text, x) for text, x in small if ".shape" not in text]
        counts = [(text, x) for text, x in small if x > 1 and float(x).is_integer()]
        single = [form for text, x in named for form in ((text, x), (f"2 * {text}", 2 * x), (f"{text} / 2", x / 2))]
        return single + [(f"{a} / {b}", x / m) for a, x in named for b, m in counts if a != b]

    def _lacking(self, term: Array) -> bool:
        """Tell whether a term is what the gradient of a wrong block lacks, wherever it lacks anything."""
        flat = term.reshape(-1)
        for places, lack in self.lacks:
            missed = np.abs(lack) > 1e-9 * np.max(np.abs(lack), initial=0.0)
            fits = flat.size > np.max(places, initial=0) and missed.any()
            if fits and np.allclose(flat[places][missed], lack[missed], rtol=1e-4, atol=0):
                return True
        return False

    # -- an array

    def _times(self, node: ast.expr) -> Iterator[Ranked]:
        worth = self._worth(node)
        if worth is None:
            return
        own = self.layout.source(node)
        tight = bracketed(own, 6)
        for text in [text for text, value in self.arrays.items() if value.shape == worth.shape and text != own][
            :_ARRAYS
        ]:
            yield 0.5, (self.layout.replaced(node, f"{own} + {text}"),)
            yield 0.6, (self.layout.replaced(node, f"{own} - {text}"),)
        for rank, form in self._forms(worth.shape, own):
            yield rank + 0.4, (self.layout.replaced(node, f"{tight} * {bracketed(form, 7)}"),)
            yield rank + 0.6, (self.layout.replaced(node, f"{tight} / {bracketed(form, 7)}"),)

    def _forms(self, shape: tuple[int, ...], own: str) -> Iterator[tuple[float, str]]:
        """Yield arrays of a shape, and slopes of activations made of them."""
        alike = [text for text, value in self.arrays.items() if value.shape == shape and text != own]
        alike.sort(key=lambda text: not self._is_read(text))
        for text in alike[:_ARRAYS]:
            yield 0.3, text
            for name in self.slopes:
                yield 0.15, f"{name}({text})"
            for form in _SLOPES:
                yield 0.2, form.format(text)
            for form in _PARTS_OF_SLOPES:
                yield 0.4, form.format(text)
            for name in self.others if self._is_argument(text) else ():
                yield 0.4, f"{name}({text})"
                for form in _SLOPES[:2]:
                    yield 0.35, form.format(f"{name}({text})")

    def _of_expression(self, node: ast.expr) -> Iterator[Ranked]:
        layout = self.layout
        worth = self._worth(node)
        if id(node) in self.keys and (worth is None or worth.size < 2):
            yield from constants(layout, node, 0.8)
            if isinstance(node, ast.Name | ast.BinOp | ast.UnaryOp):
                yield 0.2, (layout.replaced(node, f"{layout.source(node)} - 1"),)
                yield 0.2, (layout.replaced(node, f"{layout.source(node)} + 1"),)
            return
        # What is there and should not be, or should be another, before what has to be added.
        yield from constants(layout, node, 0.06)
        yield from ((0.05 * rank, change) for rank, change in operators(layout, node))
        yield from ((0.03 * rank, change) for rank, change in less(layout, node))
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield 0.3, (layout.replaced(node, layout.source(node.value)),)
        if worth is None:
            worth = np.empty(()) if isinstance(node, ast.Call) else None
        if worth is None:
            return
        own = layout.source(node)
        named = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
        if worth.ndim == 2 and not isinstance(node, ast.BinOp):
            yield 0.5, (layout.replaced(node, f"{bracketed(own, 10)}.T"),)
        if worth.ndim:
            yield 0.5, (layout.replaced(node, f"{bracketed(own, 9)}**2"),)
            for rank, form in self._forms(worth.shape, "" if named else own):
                yield rank + 0.5, (layout.replaced(node, form),)
        if worth.ndim or isinstance(node, ast.Call):
            for text in list(self.numbers)[:_SCALARS]:
                yield 0.8, (layout.replaced(node, f"{own} + {text}"),)

    def _of_name(self, node: ast.expr) -> Iterator[Ranked]:
        """Another name of the same kind; a name, or twice as much, for a number."""
        layout = self.layout
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            for told in (2 * node.value, node.value / 2):
                yield 0.1, (layout.replaced(node, repr(int(told) if float(told).is_integer() else told)),)
            for text in self.numbers:
                yield 0.15, (layout.replaced(node, text),)
            return
        if isinstance(node, ast.Name) and self._is_container(node):
            for other in self._containers() - {node.id}:
                yield 0.7, (layout.replaced(node, other),)
        worth = self._worth(node)
        if id(node) in self.keys and (worth is None or worth.size < 2):
            return  # another count in the place of an index would be right for one depth alone
        if worth is None or not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return
        own = layout.source(node)
        if worth.size == 1:
            for text, x in self.numbers.items():
                if text != own and x != float(worth.reshape(-1)[0]):
                    yield 0.7, (layout.replaced(node, text),)
            return
        for text, value in self.arrays.items():
            if text != own and value.shape == worth.shape:
                yield 0.4, (layout.replaced(node, text),)
            elif text != own and value.ndim == worth.ndim == 2:
                yield 0.9, (layout.replaced(node, text),)

    def _is_container(self, node: ast.Name) -> bool:
        parent, field = self.layout.parents.get(node, (None, ""))
        return isinstance(parent, ast.Subscript) and field == "value"

    def _containers(self) -> set[str]:
        """Return the names that the function takes entries of."""
        subscripted = (n.value for n in ast.walk(self.function) if isinstance(n, ast.Subscript))
        return {value.id for value in subscripted if isinstance(value, ast.Name)}

    def _of_call(self, node: ast.Call) -> Iterator[Ranked]:
        """Another axis of a sum, and a sum for a mean."""
        name = _name_of(node)
        if name not in ("sum", "mean"):
            others = self.slopes if name in self.slopes else ()
            yield from ((0.7, (self.layout.replaced(node.func, other),)) for other in others if other != name)
            return
        end = self.layout.span(node.func)[1]
        yield 0.4, (Splice(end - len(name), end, "mean" if name == "sum" else "sum"),)
        if not any(k.arg == "axis" for k in node.keywords):
            stop = self.layout.span(node)[1] - 1
            comma = ", " if node.args or node.keywords else ""
            for told in ("axis=0", "axis=1", "axis=0, keepdims=True", "axis=1, keepdims=True"):
                yield 0.3, (Splice(stop, stop, f"{comma}{told}"),)

    # -- where it goes

    def _of_target(self) -> Iterator[Ranked]:
        """Only a part of an array, and a line more."""
        statement, layout = self.statement, self.layout
        if isinstance(statement, ast.AugAssign | ast.Assign):
            yield from assignments(layout, statement)
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return
        target = statement.targets[0]
        if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            return
        own, worth = ast.unparse(target), self._made(ast.unparse(target))
        if worth is None or not worth.ndim:
            return
        alike = {text for text, value in self.arrays.items() if value.shape == worth.shape}
        rests = ["[1:]", "[:, 1:]"] if worth.ndim == 2 else ["[1:]"]
        for rest in rests:
            if own in alike:  # it is there before: only the rest of it is changed
                whole = [n for n in ast.walk(statement) if isinstance(n, ast.expr) and ast.unparse(n) in alike]
                inner = {id(part) for n in whole for part in ast.walk(n) if part is not n}
                outer = [n for n in whole if id(n) not in inner]
                yield 0.7, tuple(Splice(layout.span(n)[1], layout.span(n)[1], rest) for n in outer)
        end = layout.rows(statement)[1]
        if not layout.alone(statement):
            return
        small = [(text, x) for text, x in self._factors() if 0 < abs(x) < 1e4]
        for text in [text for text in alike if text != own][:_ARRAYS]:
            for factor, x in self._strengths(small):
                for rest in rests if self._lacking(x * self.arrays[text]) else ():
                    line = f"{layout.indent(statement)}{own}{rest} += {factor} * {text}{rest}\n"
                    yield 0.3, (Splice(end, end, line),)
        for text in sorted(alike):
            line = f"{layout.indent(statement)}{own}[{text} <= 0] = 0\n"
            yield 0.8, (Splice(end, end, line),)


def _sets(statement: ast.stmt) -> set[str]:
    """Return the names that a line gives a value, or changes entries of."""
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    else:
        targets = [statement.target] if isinstance(statement, ast.AugAssign) else []
    found = set()
    for target in targets:
        base: ast.AST = target
        while isinstance(base, ast.Subscript):
            base = base.value
        found |= {base.id} if isinstance(base, ast.Name) else set()
    return found


def _name_of(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
