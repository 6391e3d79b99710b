"""The text of the native loops: update, loss, penalty, proximal step, activation.

Each is written around a lowered formula; name and text of a function come out, which the engine compiles.
"""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache

from thalweg.formulas.lowering import Lowered
from thalweg.formulas.program import Program


def indent(lines: list[str], depth: int = 1) -> list[str]:
    """Indent lines by ``depth`` levels of four spaces."""
    return ["    " * depth + line for line in lines]


def kernel_text(stem: str, dtype: str, arguments: str, lines: list[str]) -> tuple[str, str]:
    """Give a loop a name of its own by content and write it as a function.

    Without the content in the name, another rule's code can be run (numba#10486).
    """
    content = hashlib.sha256("\n".join([stem, arguments, *lines]).encode()).hexdigest()[:12]
    name = f"{stem[:40]}_{dtype}_{content}"  # it becomes the name of a file
    return name, "\n".join([f"def {name}({arguments}):", *indent(lines)]) + "\n"


UPDATE_ARGUMENTS = "params, grad, state, hyper, rates, lanes, t, start, stop"


@lru_cache(maxsize=512)
def update_text(program: Program, dtype: str, *, lanes: bool) -> tuple[str, str]:
    """Write the update of a rule: name and text of ``f(params, grad, state, hyper, rates, lanes, t, start, stop)``.

    With ``lanes`` the coordinate ``i`` belongs to column ``i % rates.size`` and learns at ``rates[column]``; without,
    all coordinates learn at ``rates[0]``.
    """
    theta, grad, _, *slots = program.arguments
    has_rate = "learning_rate" in program.scalars
    lowered = Lowered(program, dtype, "learning_rate" if lanes and has_rate else "")
    # Slices, not offsets: an index that starts at zero needs no test for being negative, and the loop vectorises.
    load = [
        "params = params[start:stop]",
        "grad = grad[start:stop]",
        *(f"{slot}_row = state[{k}, start:stop]" for k, slot in enumerate(slots)),
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars) if h != "learning_rate"),
    ]
    places = ["params[i]", *(f"{slot}_row[i]" for slot in slots)]
    coordinate = [
        f"{theta} = params[i]",
        f"{grad} = grad[i]",
        *(f"{slot} = {place}" for slot, place in zip(slots, places[1:], strict=True)),
        *lowered.body,
        *(f"{place} = {value}" for place, value in zip(places, lowered.outputs, strict=True)),
    ]
    if lowered.per_lane:
        lines = [
            *load,
            *lowered.step,
            "for column in range(rates.size):",
            *indent(["learning_rate = rates[column]", *lowered.lane]),
            "for row in range(params.size // rates.size):",
            "    for column in range(rates.size):",
            "        i = row * rates.size + column",
            *indent(coordinate, 2),
        ]
    else:
        rate = ["learning_rate = rates[0]"] if has_rate else []
        lines = [*load, *rate, *lowered.step, "for i in range(params.size):", *indent(coordinate)]
    return kernel_text(f"{program.name}{'_lanes' if lowered.per_lane else ''}", dtype, UPDATE_ARGUMENTS, lines)


@lru_cache(maxsize=512)
def lane_values(program: Program) -> int:
    """Count the rows of ``lanes`` that a rule with one learning rate per column needs."""
    return Lowered(program, "float64", "learning_rate").lane_values if "learning_rate" in program.scalars else 0


LOSS_ARGUMENTS = "targets, scores, rows, weights, factor, hyper, slopes, sums"


@lru_cache(maxsize=512)
def loss_text(program: Program, dtype: str) -> tuple[str, str]:
    """Write a loss over a batch: adds its weighted sums to ``sums``, fills ``slopes`` with ``weight * factor * slope``.

    ``targets`` is (n, outputs) and indexed by ``rows``; ``scores`` and ``slopes`` are (batch, lanes * outputs), and
    ``scores`` is used up; ``weights`` is (n,) or empty; ``sums`` is float64, one per lane.
    """
    lowered = Lowered(program, dtype)
    y, z = program.arguments
    value, slope = lowered.outputs

    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars)),
        *lowered.step,
        *_flat("scores", "slopes"),
        "single = scores.shape[1] == 1",
        # Fetch the targets, then one long loop over both arrays, then the sums: apart, the middle one vectorises.
        "if single:",
        "    for i in range(flat_scores.size):",
        "        flat_slopes[i] = targets[rows[i], 0]",
        "elif targets.shape[1] == 1:",
        "    for i in range(scores.shape[0]):",
        "        target = targets[rows[i], 0]",
        "        for row in range(sums.size):",
        "            slopes[i, row] = target",
        "else:",
        "    for i in range(scores.shape[0]):",
        "        for row in range(sums.size):",
        "            for column in range(targets.shape[1]):",
        "                slopes[i, row * targets.shape[1] + column] = targets[rows[i], column]",
        "for i in range(flat_scores.size):",
        f"    {y} = flat_slopes[i]",
        f"    {z} = flat_scores[i]",
        *indent(lowered.body),
        f"    flat_slopes[i] = {slope}",
        f"    flat_scores[i] = {value}",
        "if single and weights.size == 0:",
        f"    size = np.{dtype}(factor)",
        "    total = 0.0",
        "    for i in range(flat_scores.size):",
        "        total += np.float64(flat_scores[i])",
        "        flat_slopes[i] *= size",
        "    sums[0] += total",
        "    return",
        "for i in range(scores.shape[0]):",
        f"    weight = weights[rows[i]] if weights.size > 0 else np.{dtype}(1.0)",
        f"    size = np.{dtype}(weight * factor)",
        "    if targets.shape[1] == 1:",
        "        for row in range(sums.size):",
        "            slopes[i, row] *= size",
        "            sums[row] += np.float64(weight) * np.float64(scores[i, row])",
        "        continue",
        "    for row in range(sums.size):",
        "        total = 0.0",
        "        for column in range(row * targets.shape[1], (row + 1) * targets.shape[1]):",
        "            total += np.float64(scores[i, column])",
        "            slopes[i, column] *= size",
        "        sums[row] += np.float64(weight) * total",
    ]
    return kernel_text(f"loss_{program.name}", dtype, LOSS_ARGUMENTS, lines)


PENALTY_ARGUMENTS = "params, grad, hyper, start, stop, columns, costs"


@lru_cache(maxsize=512)
def penalty_text(program: Program, dtype: str) -> tuple[str, str]:
    """Write a penalty: adds its slope to ``grad[start:stop]`` and its value to ``costs``, float64, one per lane.

    With several lanes the slice is a matrix of ``columns`` columns, as many for each lane.
    """
    lowered = Lowered(program, dtype)
    (weight,) = program.arguments
    value, slope = lowered.outputs
    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars)),
        *lowered.step,
        "params = params[start:stop]",
        "grad = grad[start:stop]",
        "if costs.size == 1:",
        "    total = costs[0]",
        "    for i in range(params.size):",
        *indent([f"{weight} = params[i]", *lowered.body, f"total += np.float64({value})", f"grad[i] += {slope}"], 2),
        "    costs[0] = total",
        "else:",
        "    size = columns // costs.size",
        "    for i in range(params.size):",
        *indent([f"{weight} = params[i]", *lowered.body], 2),
        f"        costs[i % columns // size] += np.float64({value})",
        f"        grad[i] += {slope}",
    ]
    return kernel_text(f"penalty_{program.name}", dtype, PENALTY_ARGUMENTS, lines)


PROXIMAL_ARGUMENTS = "params, hyper, sizes, start, stop"


@lru_cache(maxsize=512)
def proximal_text(program: Program, dtype: str) -> tuple[str, str]:
    """Write a proximal step on ``params[start:stop]``, its size one for all or, with several ``sizes``, per column."""
    weight, step = program.arguments
    lowered = Lowered(program, dtype)
    move = [f"{weight} = params[i]", *lowered.body, f"params[i] = {lowered.outputs[0]}"]
    lines = [
        *(f"{h} = hyper[{k}]" for k, h in enumerate(program.scalars)),
        "params = params[start:stop]",
        "for column in range(sizes.size):",
        f"    {step} = sizes[column]",
        *indent(lowered.step),
        "    for i in range(column, params.size, sizes.size):",
        *indent(move, 2),
    ]
    return kernel_text(f"proximal_{program.name}", dtype, PROXIMAL_ARGUMENTS, lines)


FORWARD_ARGUMENTS = "kind, hyper, inputs, units"
BACKWARD_ARGUMENTS = "kind, hyper, inputs, units, deltas"


@lru_cache(maxsize=512)
def forward_text(programs: tuple[Program, ...], dtype: str) -> tuple[str, str]:
    """Write ``units = activation(inputs)`` over a layer, for the activation numbered ``kind``."""
    lines = _flat("inputs", "units")
    for kind, program in enumerate(programs):
        lowered = Lowered(program.only(0), dtype)
        (z,) = program.arguments
        coordinate = [f"{z} = flat_inputs[i]", *lowered.body, f"flat_units[i] = {lowered.outputs[0]}"]
        lines += _case(kind, program, lowered.step, coordinate)
    return kernel_text("forward_" + "_".join(p.name for p in programs), dtype, FORWARD_ARGUMENTS, lines)


@lru_cache(maxsize=512)
def backward_text(programs: tuple[Program, ...], dtype: str) -> tuple[str, str]:
    """Write ``deltas *= slope`` over a layer (batch, units); the stored activation is used where it serves."""
    lines = _flat("inputs", "units", "deltas")
    for kind, program in enumerate(programs):
        slope, given = _slope(program)
        lowered = Lowered(slope, dtype, given={given: "flat_units[i]"} if given else {})
        (z,) = program.arguments
        coordinate = [
            *([f"{z} = flat_inputs[i]"] if slope.uses(z) else []),
            *lowered.body,
            f"flat_deltas[i] *= {lowered.outputs[0]}",
        ]
        lines += _case(kind, program, lowered.step, coordinate)
    return kernel_text("backward_" + "_".join(p.name for p in programs), dtype, BACKWARD_ARGUMENTS, lines)


def _flat(*names: str) -> list[str]:
    """One long loop vectorises whole; short rows would leave a rest in each."""
    return [f"flat_{name} = flat({name})" for name in names]


def _slope(program: Program) -> tuple[Program, str]:
    """The derivative alone, and the name under which the activation itself is already at hand."""
    activation = program.outputs[0]
    times = [s.name for s in program.statements].count(activation.id) if isinstance(activation, ast.Name) else 0
    given = activation.id if isinstance(activation, ast.Name) and times == 1 else ""
    return program.only(1, given=given), given


def _case(kind: int, program: Program, step: list[str], coordinate: list[str]) -> list[str]:
    load = [f"{h} = hyper[kind, {k}]" for k, h in enumerate(program.scalars)]
    loop = ["for i in range(flat_units.size):", *indent(coordinate)]
    return [f"{'if' if kind == 0 else 'elif'} kind == {kind}:", *indent([*load, *step, *loop])]
