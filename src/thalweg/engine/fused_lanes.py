"""One sample a step at many learning rates: loss, gradient and update of all lanes of a rule written as a single loop.

As in :mod:`.fused`, pieces and order of arithmetic are those of the separate kernels: a lane has the bits of a run
alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numba import types

from thalweg.engine.compile import kernel_from_text
from thalweg.engine.fused import WIDTH, loop_signature, spared_corrections
from thalweg.formulas.formula import Loss, Rule
from thalweg.formulas.loops import indent, kernel_text
from thalweg.formulas.lowering import Lowered
from thalweg.formulas.program import Program

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
    corrections, spared = spared_corrections(program)
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


def fused_lanes_kernel(rule: Rule, loss: Loss, dtype: str, features: int) -> Any:
    """Return the compiled loop over many lanes."""
    text = lanes_text(rule, loss, dtype, features)
    return kernel_from_text(*text, loop_signature(dtype, types.int64, types.uint64))
