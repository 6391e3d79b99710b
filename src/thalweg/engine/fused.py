"""One sample a step: loss, gradient and update of a linear model written as a single loop.

The text is put together from the same lowered pieces as the separate kernels, in the same order of arithmetic, so it
gives the same bits; it saves the calls between them. :mod:`.fused_lanes` does the same for many learning rates.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.compile import NUMBERS, TABLE, frozen, kernel_from_text, matrix, vector
from thalweg.formulas.formula import Loss, Rule
from thalweg.formulas.loops import indent, kernel_text
from thalweg.formulas.lowering import Lowered
from thalweg.formulas.program import Program

ARGUMENTS = "params, state, hyper, rates, factors, loss_hyper, X, targets, orders, t, trace, width"


# Up to this many parameters are padded to one vector, and a loop is compiled for each number of them. The loops take
# the number as an argument: where the compiler knows it, it writes eight scalar roots instead of a vector of them.
WIDTH = 8

# Rows that together are larger than this wait for memory when they come in any order: they are asked for this many
# updates before they are used.
NEAR, AHEAD = 1 << 20, 12
LINE = 64  # bytes of memory that come together


def fused_text(rule: Rule, loss: Loss, dtype: str, features: int, *, intercept: bool, far: bool) -> tuple[str, str]:
    """Write the loop: name and text."""
    short = features < WIDTH and features + int(intercept) <= WIDTH
    return _text(rule._program, loss._program, dtype, features if short else 0, intercept, far)


@lru_cache(maxsize=512)
def _text(program: Program, objective: Program, dtype: str, padded: int, intercept: bool, far: bool) -> tuple[str, str]:
    """Write the loop for ``padded`` features in one vector, or, with 0, for any number of them in memory.

    Rows that are ``far`` are fetched ahead.
    """
    corrections, spared = spared_corrections(program)
    step = Lowered(spared, dtype)
    cost = Lowered(objective, dtype, prefix="loss_")
    y, z = (f"loss_{a}" for a in objective.arguments)
    value, slope = cost.outputs
    layout = _padded if padded else _memory
    fetched = [
        f"next_row = orders[epoch, min(place + {AHEAD}, orders.shape[1] - 1)]",
        f"for at in range(next_row * X.shape[1], (next_row + 1) * X.shape[1], {LINE // np.dtype(dtype).itemsize}):",
        "    fetch(X, at)",
        "fetch(X, (next_row + 1) * X.shape[1] - 1)",  # a row need not begin where a line does
        "fetch(targets, next_row)",
    ]
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
                *(fetched if far else []),
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


def spared_corrections(program: Program) -> tuple[_Corrections, Program]:
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


def loop_signature(dtype: str, *more: Any) -> Any:
    """Type of a loop over updates of one sample each; ``more`` are the arguments of its own."""
    v, m = vector(dtype), matrix(dtype)
    numbers, rows = (NUMBERS,) * 4, (frozen(m), frozen(m), TABLE)
    return types.float64(v, m, *numbers, *rows, types.float64, matrix("float64"), *more)


def fused_kernel(rule: Rule, loss: Loss, dtype: str, features: int, *, intercept: bool, far: bool = False) -> Any:
    """Return the compiled loop; with ``far`` it asks for rows before it needs them."""
    text = fused_text(rule, loss, dtype, features, intercept=intercept, far=far)
    return kernel_from_text(*text, loop_signature(dtype, types.int64))
