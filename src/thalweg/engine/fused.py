"""One sample a step: loss, gradient and update of a linear model written as a single loop, for one lane and for many.

The text is put together from the same lowered pieces as the separate kernels, in the same order of arithmetic, so it
gives the same bits; it saves the calls between them.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

from numba import types

from thalweg.engine.compile import NUMBERS, TABLE, frozen, kernel_from_text, matrix, vector
from thalweg.formulas.formula import Loss, Rule
from thalweg.formulas.language import Program
from thalweg.formulas.lowering import Lowered, indent, kernel_text

ARGUMENTS = "params, state, hyper, rates, factors, loss_hyper, X, targets, orders, t, trace, width"


# Up to this many parameters are padded to one vector, and a loop is compiled for each number of them. The loops take
# the number as an argument: where the compiler knows it, it writes eight scalar roots instead of a vector of them.
WIDTH = 8


def fused_text(rule: Rule, loss: Loss, dtype: str, features: int, *, intercept: bool) -> tuple[str, str]:
    """Write the loop: name and text."""
    short = features < WIDTH and features + int(intercept) <= WIDTH
    return _text(rule._program, loss._program, dtype, features if short else 0, intercept)


@lru_cache(maxsize=512)
def _text(program: Program, objective: Program, dtype: str, padded: int, intercept: bool) -> tuple[str, str]:
    """Write the loop for ``padded`` features in one vector, or, with 0, for any number of them in memory."""
    corrections, spared = _spared(program)
    step = Lowered(spared, dtype)
    cost = Lowered(objective, dtype, prefix="loss_")
    y, z = (f"loss_{a}" for a in objective.arguments)
    value, slope = cost.outputs
    layout = _padded if padded else _memory
    load, score, move, store = layout(program, step, z, dtype, padded, intercept)
    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars) if h != "learning_rate"),
        *(f"loss_{h} = loss_hyper[{k}]" for k, h in enumerate(objective.scalars)),
        *cost.step,
        *corrections.before_the_loop(),
        *load,
        "epoch = 0",
        "place = 0",
        "for k in range(trace.shape[0]):",
        *indent(
            [
                "sample = orders[epoch, place]",
                "place += 1",
                "if place == orders.shape[1]:",
                "    place = 0",
                "    epoch = epoch + 1 if epoch + 1 < orders.shape[0] else 0",
                "x = X[sample]",
                *score,
                f"{y} = targets[sample, 0]",
                *cost.body,
                f"trace[k, 0] = np.float64({value})",
                "if not np.isfinite(trace[k, 0]):",
                "    break",
                f"slope = {slope}",
                "t += 1.0",
                *(["learning_rate = rates[0] * factors[k]"] if "learning_rate" in program.scalars else []),
                *corrections.in_the_step(),
                *step.step,
                *move,
            ]
        ),
        *store,
        "return t",
    ]
    return kernel_text(f"fused_{program.name}_{objective.name}", dtype, ARGUMENTS, lines)


Pieces = tuple[list[str], list[str], list[str], list[str]]


def _memory(program: Program, step: Lowered, z: str, dtype: str, features: int, intercept: bool) -> Pieces:
    """Parameters and slots in their arrays, any number of features: load, score, move, store."""
    del dtype, features  # this text serves all
    theta, grad, _, *slots = program.arguments
    places = ["params[i]", *(f"state[{k}, i]" for k in range(len(slots)))]

    def move(g: str) -> list[str]:
        return [
            f"{theta} = params[i]",
            f"{grad} = {g}",
            *(f"{slot} = {place}" for slot, place in zip(slots, places[1:], strict=True)),
            *step.body,
            *(f"{place} = {output}" for place, output in zip(places, step.outputs, strict=True)),
        ]

    score = [f"{z} = dot(x, params, features)", *([f"{z} = {z} + params[features]"] if intercept else [])]
    bias = ["i = features", *move("slope")] if intercept else []
    return ["features = X.shape[1]"], score, ["for i in range(features):", *indent(move("slope * x[i]")), *bias], []


def _padded(program: Program, step: Lowered, z: str, dtype: str, features: int, intercept: bool) -> Pieces:
    """Parameters and slots side by side in blocks of eight, the rest zeros: load, score, move, store.

    A loop of exactly eight over blocks at known places is one vector operation each, without a test for overlap.
    """
    theta, grad, _, *slots = program.arguments
    size = features + int(intercept)
    blocks = [(theta, "params[i]"), *((slot, f"state[{k}, i]") for k, slot in enumerate(slots))]
    at = {name: WIDTH * (k + 1) for k, (name, _) in enumerate(blocks)}  # the first block holds the sample
    load = [
        f"near = np.zeros({WIDTH * (len(blocks) + 1)}, np.{dtype})",
        *([f"near[{features}] = np.{dtype}(1.0)"] if intercept else []),
        f"for i in range({size}):",
        *indent([f"near[{at[name]} + i] = {place}" for name, place in blocks]),
    ]
    score = [
        f"for i in range({features}):",
        "    near[i] = x[i]",
        f"{z} = np.{dtype}(0.0)",
        *(f"{z} = fma(x[{j}], near[{at[theta] + j}], {z})" for j in range(features)),
        *([f"{z} = {z} + near[{at[theta] + features}]"] if intercept else []),
    ]
    move = [
        "for i in range(width):",
        *indent(
            [
                f"{grad} = slope * near[i]",
                *(f"{name} = near[{at[name]} + i]" for name, _ in blocks),
                *step.body,
                *(f"near[{at[name]} + i] = {output}" for (name, _), output in zip(blocks, step.outputs, strict=True)),
            ]
        ),
    ]
    store = [f"for i in range({size}):", *indent([f"{place} = near[{at[name]} + i]" for name, place in blocks])]
    return load, score, move, store


# Lanes that step side by side: two vectors of the widest kind, so that one's roots do not wait for the other's.
LANES = {"float64": 16, "float32": 32}
LANE_ARGUMENTS = "params, state, hyper, rates, factors, loss_hyper, X, targets, orders, t, trace, intercept, width"


def lanes_text(rule: Rule, loss: Loss, dtype: str, features: int) -> tuple[str, str]:
    """Write the loop for many learning rates: name and text.

    ``params`` is (rows of weights x lanes), flat, ``state`` (slots x the same). A block of lanes makes all its updates
    before the next block begins: its parameters and slots lie together, a row's slots after its weights, at distances
    that the compiler knows. Indices are unsigned, so that none is tested for being negative.
    """
    return _lanes_text(rule._program, loss._program, dtype, features if features < WIDTH else -1)


@lru_cache(maxsize=512)
def _lanes_text(program: Program, objective: Program, dtype: str, features: int) -> tuple[str, str]:
    """Write the loop for so many features, all their rows in one body, or, with -1, for any number of them."""
    corrections, spared = _spared(program)
    step = Lowered(spared, dtype, "learning_rate" if "learning_rate" in program.scalars else "")
    cost = Lowered(objective, dtype, prefix="loss_")
    near = _Near(program, step, LANES[dtype])
    width = near.width
    layout = _rows_in_one_body if features >= 0 else _rows_one_by_one
    y, _ = (f"loss_{a}" for a in objective.arguments)
    one_step = [
        "sample = orders[epoch, place]",
        "place += 1",
        "if place == orders.shape[1]:",
        "    place = 0",
        "    epoch = epoch + 1 if epoch + 1 < orders.shape[0] else 0",
        "x = X[sample]",
        f"{y} = targets[sample, 0]",
        "t += 1.0",
        *corrections.in_the_step(),
        *step.step,
        *(over_lanes("learning_rate = own[c] * factors[k]", *map(near.of_lane, step.lane)) if step.lane else []),
        *layout(near, step, cost, dtype, features),
        "for c in range(count):",
        f"    trace[k, lane + c] = np.float64({near.value})",
    ]
    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars) if h != "learning_rate"),
        *(f"loss_{h} = loss_hyper[{k}]" for k, h in enumerate(objective.scalars)),
        *cost.step,
        *corrections.before_the_loop(),
        "features = X.shape[1]",
        "blocks = features - features % 8",
        "size = features + intercept",
        # The compiler is told that no loop over lanes is longer, but not how long it is: a loop of known length would
        # be written out in scalars.
        f"width = min(width, np.uint64({width}))",
        "columns = np.uint64(rates.size)",
        # With room for an intercept, used or not.
        f"near = np.zeros({near.first} + (features + 1) * {near.row}, np.{dtype})",
        f"own = np.zeros({width})",
        "start = t",
        f"for block in range((rates.size + {width - 1}) // {width}):",
        *indent(
            [
                f"lane = np.uint64(block) * np.uint64({width})",
                "count = min(width, columns - lane)",
                "for c in range(count):",
                "    own[c] = rates[lane + c]",
                *near.all_rows("{near} = {there}"),
                "t = start",
                "epoch = 0",
                "place = 0",
                "for k in range(trace.shape[0]):",
                *indent(one_step),
                *near.all_rows("{there} = {near}"),
            ]
        ),
        "return t",
    ]
    return kernel_text(f"fused_lanes_{program.name}_{objective.name}", dtype, LANE_ARGUMENTS, lines)


def over_lanes(*lines: str) -> list[str]:
    """Write a loop over the lanes of a block."""
    return ["for c in range(width):", *indent(list(lines))]


class _Near:
    """Where a block of lanes keeps what: slopes, nine sums, the values per lane; then rows, each with its slots."""

    def __init__(self, program: Program, step: Lowered, width: int) -> None:
        self.width = width
        self.theta, self.grad, _, *self.slots = program.arguments
        self.body, self.outputs = step.body, step.outputs
        self.values = step.lane_values
        self.row = (1 + len(self.slots)) * width
        self.first = (10 + self.values) * width
        self.slope, self.value = self._head(0), self._head(9)
        self.sums = [self._head(1 + k) for k in range(8)]

    def _head(self, k: int) -> str:
        return f"near[np.uint64({k * self.width}) + c]"

    def at(self, base: str, k: int) -> str:
        """Return the place of a row's weights (k = 0) or of one of its slots."""
        return f"near[{base} + np.uint64({k * self.width}) + c]"

    def place(self, j: str) -> str:
        """Return the line that finds a row."""
        return f"at = hidden(np.uint64({self.first}) + np.uint64({j}) * np.uint64({self.row}))"

    def of_lane(self, line: str) -> str:
        """Put the places of the values per lane into a line."""
        for k in range(self.values):
            line = line.replace(f"lanes[{k}, column]", self._head(10 + k))
        return line

    def move(self, base: str, g: str) -> list[str]:
        """Return the update of a row whose gradient is ``g``."""
        places = [self.at(base, k) for k in range(1 + len(self.slots))]
        return [
            f"{self.theta} = {places[0]}",
            f"{self.grad} = {g}",
            *(f"{slot} = {place}" for slot, place in zip(self.slots, places[1:], strict=True)),
            *map(self.of_lane, self.body),
            *(f"{place} = {self.of_lane(output)}" for place, output in zip(places, self.outputs, strict=True)),
        ]

    def all_rows(self, copy: str) -> list[str]:
        """Return the loop that fetches the rows of a block, or brings them back."""
        there = "np.uint64(j) * columns + lane + c"
        stored = [f"params[{there}]", *(f"state[{k}, {there}]" for k in range(len(self.slots)))]
        copies = [copy.format(near=self.at("at", k), there=place) for k, place in enumerate(stored)]
        return ["for j in range(size):", *indent([self.place("j"), "for c in range(count):", *indent(copies)])]


def _rows_in_one_body(near: _Near, step: Lowered, cost: Lowered, dtype: str, features: int) -> list[str]:
    """Score, loss and the update of every row for few features: nothing leaves the registers in between."""
    del step
    z = f"loss_{cost.program.arguments[1]}"
    value, slope = cost.outputs
    bases = [f"np.uint64({near.first + j * near.row})" for j in range(features + 1)]
    score = [
        f"{z} = np.{dtype}(0.0)",
        *(f"{z} = fma(x{j}, {near.at(bases[j], 0)}, {z})" for j in range(features)),
    ]
    after = [*cost.body, f"{near.value} = {value}", f"slope = {slope}"]
    rows = [line for j in range(features) for line in near.move(bases[j], f"slope * x{j}")]
    last = bases[features]
    return [
        *(f"x{j} = x[{j}]" for j in range(features)),
        "if intercept > 0:",
        *indent(over_lanes(*score, f"{z} = {z} + {near.at(last, 0)}", *after, *rows, *near.move(last, "slope"))),
        "else:",
        *indent(over_lanes(*score, *after, *rows)),
    ]


def _rows_one_by_one(near: _Near, step: Lowered, cost: Lowered, dtype: str, features: int) -> list[str]:
    """Score, loss and update row by row, for any number of features, in the order of :func:`arithmetic.dot`."""
    del step, features
    z = f"loss_{cost.program.arguments[1]}"
    value, slope = cost.outputs
    sums, tail = near.sums, near.value

    def add(j: str, to: str) -> list[str]:
        return [f"xj = x[{j}]", near.place(j), *over_lanes(f"{to} = fma(xj, near[at + c], {to})")]

    even, odd = (f"(({sums[k]} + {sums[k + 4]}) + ({sums[k + 2]} + {sums[k + 6]}))" for k in (0, 1))
    return [
        *over_lanes(f"{tail} = np.{dtype}(0.0)"),
        "for j in range(blocks, features):",
        *indent(add("j", tail)),
        "if blocks > 0:",
        *indent(over_lanes(*(f"{place} = np.{dtype}(0.0)" for place in sums))),
        "    for j in range(0, blocks, 8):",
        *indent([line for k in range(8) for line in add(f"(j + {k})", sums[k])], 2),
        *indent(over_lanes(f"{tail} = ({even} + {odd}) + {tail}")),
        "if intercept > 0:",
        *indent([near.place("features"), *over_lanes(f"{tail} += near[at + c]")]),
        *over_lanes(f"{z} = {tail}", *cost.body, f"{tail} = {value}", f"{near.slope} = {slope}"),
        "for j in range(features):",
        *indent(["xj = x[j]", near.place("j"), *over_lanes(*near.move("at", f"{near.slope} * xj"))]),
        "if intercept > 0:",
        *indent([near.place("features"), *over_lanes(*near.move("at", near.slope))]),
    ]


def _spared(program: Program) -> tuple[_Corrections, Program]:
    """Return a rule's program that spares the powers of its bias corrections."""
    corrections = _Corrections(program)
    statements = tuple(replace(s, value=corrections.visit(copy.deepcopy(s.value))) for s in program.statements)
    return corrections, replace(program, statements=statements)


class _Corrections(ast.NodeTransformer):
    """Spare the powers of bias corrections: ``1 - beta**t`` is 1.0 to the last bit once ``beta**t < 2**-54``.

    Two powers cost half of a step of Adam with five features. The time past which they are not needed is computed
    once per call.
    """

    def __init__(self, program: Program) -> None:
        # Numbers that stay as they are for a whole call: the learning rate follows its schedule.
        self.fixed = set(program.scalars) - {"learning_rate"}
        self.found: dict[str, str] = {}

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        match node:
            case ast.BinOp(
                left=ast.Constant(value=1),
                op=ast.Sub(),
                right=ast.BinOp(ast.Name(id=base), ast.Pow(), ast.Name(id="t")),
            ) if base in self.fixed:
                return ast.Name(self.found.setdefault(base, f"correction{len(self.found)}"), ast.Load())
        self.generic_visit(node)
        return node

    def before_the_loop(self) -> list[str]:
        return [f"{name}_over = correction_over({base})" for base, name in self.found.items()]

    def in_the_step(self) -> list[str]:
        return [f"{name} = 1.0 if t > {name}_over else 1 - {base} ** t" for base, name in self.found.items()]


def fused_kernel(rule: Rule, loss: Loss, dtype: str, features: int, *, intercept: bool) -> Any:
    """Return the compiled loop."""
    v, m = vector(dtype), matrix(dtype)
    signature = types.float64(
        v,
        m,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        frozen(m),
        frozen(m),
        TABLE,
        types.float64,
        matrix("float64"),
        types.int64,
    )
    return kernel_from_text(*fused_text(rule, loss, dtype, features, intercept=intercept), signature)


def fused_lanes_kernel(rule: Rule, loss: Loss, dtype: str, features: int) -> Any:
    """Return the compiled loop over many lanes."""
    v, m = vector(dtype), matrix(dtype)
    signature = types.float64(
        v,
        m,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        frozen(m),
        frozen(m),
        TABLE,
        types.float64,
        matrix("float64"),
        types.int64,
        types.uint64,
    )
    return kernel_from_text(*lanes_text(rule, loss, dtype, features), signature)
