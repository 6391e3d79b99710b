"""Lowering: from the flat program of a formula to the text of a native loop.

What depends only on scalars is *hoisted*: computed once per step, in float64, then rounded to the storage type. What
is left is the work per coordinate. The text has NumPy's own meaning (a Python number never widens an array), so the
loop and the formula agree bit for bit; the functions :data:`NOT_EXACT` come from another library and may differ in
the last place.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from thalweg.formulas.language import Program

# Functions that NumPy and the C library compute by different methods: equal to 4 units in the last place.
NOT_EXACT = frozenset("exp expm1 log log1p tanh sin cos power arctan cosh sinh hypot logaddexp".split())


@dataclass
class Lowered:
    """A program split into what is done once per step and what is done per coordinate.

    Parameters
    ----------
    program : Program
        The checked formula.
    dtype : str
        ``"float64"`` or ``"float32"``: the storage type.
    per_lane : str
        Name of the scalar that differs from lane to lane (``"learning_rate"``), or ``""``. Hoisted values that
        depend on it are kept in ``lanes[k, column]``.
    prefix : str
        Put before every name of the formula, so that two formulas can share one loop.

    Attributes
    ----------
    step : list of str
        Lines to run once per step.
    lane : list of str
        Lines to run once per step and lane, filling ``lanes``.
    body : list of str
        Lines to run per coordinate.
    outputs : list of str
        What the formula returns, as expressions per coordinate.
    """

    program: Program
    dtype: str
    per_lane: str = ""
    prefix: str = ""
    given: dict[str, str] = field(default_factory=dict)
    step: list[str] = field(default_factory=list, init=False)
    lane: list[str] = field(default_factory=list, init=False)
    body: list[str] = field(default_factory=list, init=False)
    outputs: list[str] = field(default_factory=list, init=False)
    lane_values: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._of_lane = {self.per_lane} if self.per_lane else set()
        self._coordinates = {*self.program.arguments, *self.given} - set(self.program.scalar_arguments)
        self._hoisted: dict[str, str] = {}
        self._squares = 0
        # Scalars that no compiler can know: they follow from what a run brings.
        self._runtime = {*self.program.scalars, *self.program.scalar_arguments}
        for statement in self.program.statements:
            if statement.name in self.given:
                continue  # the caller holds this value already
            value = copy.deepcopy(statement.value)
            name = self._own(statement.name)
            if not statement.coordinates and self._touches(value, self._runtime):
                self._runtime.add(statement.name)
            if statement.coordinates:
                self._coordinates.add(statement.name)
                self.body.append(f"{name} = {self._text(self._hoist(value))}")
            elif self._touches(value, self._of_lane):
                self._of_lane.add(statement.name)
                self.lane.append(f"{name} = {self._scalar_text(self._hoist_from_lane(value))}")
            else:
                self.step.append(f"{name} = {self._scalar_text(value)}")
        self.outputs = [self._text(self._hoist(copy.deepcopy(output))) for output in self.program.outputs]

    # -- walking

    def _touches(self, node: ast.expr, names: set[str]) -> bool:
        return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))

    def _hoist(self, node: ast.expr) -> ast.expr:
        """Replace every maximal scalar part by a name that is computed once per step."""
        if not self._touches(node, self._coordinates):
            return self._hoisted_name(node)
        match node:
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=1 | 2 | 0.5)):
                return self._power(self._hoist(base), float(ast.literal_eval(node.right)))
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
                return self._power(self._hoist(base), -1)
            case ast.Call(func=ast.Attribute(attr="square"), args=[base]):
                return self._power(self._hoist(base), 2)
            case ast.Call():
                node.args = [self._hoist(a) for a in node.args]
            case ast.IfExp():
                node.test, node.body, node.orelse = (
                    self._truth(node.test),
                    self._hoist(node.body),
                    self._hoist(node.orelse),
                )
            case ast.BinOp():
                node.left, node.right = self._hoist(node.left), self._hoist(node.right)
            case ast.UnaryOp():
                node.operand = self._hoist(node.operand)
            case ast.Compare():
                node.left, node.comparators = self._hoist(node.left), [self._hoist(c) for c in node.comparators]
        return node

    def _power(self, base: ast.expr, exponent: float) -> ast.expr:
        """NumPy's own short cuts: x**2 is x * x, x**0.5 is sqrt(x), x**-1 is 1 / x."""
        if exponent == 1:
            return base
        if exponent == 0.5:
            return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "sqrt", ast.Load()), [base], [])
        if exponent == -1:
            return ast.BinOp(self._hoisted_name(ast.Constant(1.0)), ast.Div(), base)
        if not isinstance(base, ast.Name):
            self._squares += 1
            name = f"square{self._squares}"
            self.body.append(f"{self._own(name)} = {self._text(base)}")
            self._coordinates.add(name)
            base = ast.Name(name, ast.Load())
        return ast.BinOp(base, ast.Mult(), base)

    def _truth(self, condition: ast.expr) -> ast.expr:
        text = self._scalar_text(condition)
        if self._touches(condition, self._of_lane):
            return ast.Compare(self._hoisted_name(condition), [ast.NotEq()], [ast.Constant(0)])
        name = self._hoisted.setdefault(f"truth of {text}", f"c{len(self._hoisted)}")
        line = f"{self._own(name)} = {text}"
        if line not in self.step:
            self.step.append(line)
        return ast.Name(name, ast.Load())

    def _hoisted_name(self, node: ast.expr) -> ast.expr:
        text = self._scalar_text(node)
        of_lane = self._touches(node, self._of_lane)
        if of_lane:
            text = self._scalar_text(self._hoist_from_lane(copy.deepcopy(node)))
        if text not in self._hoisted:
            if of_lane:
                self._hoisted[text] = f"lanes[{self.lane_values}, column]"
                self.lane_values += 1
                self.lane.append(f"{self._hoisted[text]} = np.{self.dtype}({text})")
            else:
                name = f"c{len(self._hoisted)}"
                self._hoisted[text] = name
                self.step.append(f"{self._own(name)} = np.{self.dtype}({text})")
        name = self._hoisted[text]
        return ast.parse(name, mode="eval").body if of_lane else ast.Name(name, ast.Load())

    def _hoist_from_lane(self, node: ast.expr) -> ast.expr:
        """Within a value per lane, compute what no lane changes once per step (in float64, as Python would)."""
        if not self._touches(node, self._of_lane):
            if isinstance(node, ast.Name | ast.Constant):
                return node
            text = self._scalar_text(node)
            key = f"float {text}"
            if key not in self._hoisted:
                self._hoisted[key] = f"c{len(self._hoisted)}"
                self.step.append(f"{self._own(self._hoisted[key])} = {text}")
            return ast.Name(self._hoisted[key], ast.Load())
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and name != "func":
                setattr(node, name, self._hoist_from_lane(value))
            elif isinstance(value, list):
                setattr(node, name, [self._hoist_from_lane(v) if isinstance(v, ast.expr) else v for v in value])
        return node

    # -- writing

    def _own(self, name: str) -> str:
        return self.given.get(name, self.prefix + name)

    def _text(self, node: ast.expr) -> str:
        return ast.unparse(_Spelling(self._own).visit(copy.deepcopy(node)))

    def _scalar_text(self, node: ast.expr) -> str:
        return ast.unparse(_ScalarSpelling(self._own, self._runtime).visit(copy.deepcopy(node)))


class _Spelling(ast.NodeTransformer):
    """Spell array functions as their scalar equals, and names as the loop has them."""

    def __init__(self, own: object) -> None:
        self._own = own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in ("np", "math", "max", "min", "abs", "float", "lanes", "column"):
            return node
        return ast.Name(self._own(node.id), ast.Load())  # type: ignore[operator]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="where"), args=[condition, a, b]):
                return ast.IfExp(condition, a, b)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="power"), args=[a, b]):
                return ast.BinOp(a, ast.Pow(), b)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="exp" | "tanh" | "log1p" | "sign" as name)):
                node.func = ast.Name(name, ast.Load())  # the engine's own, which vectorise
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            return ast.BoolOp(ast.And() if isinstance(node.op, ast.BitAnd) else ast.Or(), [node.left, node.right])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return ast.UnaryOp(ast.Not(), node.operand) if isinstance(node.op, ast.Invert) else node


class _ScalarSpelling(_Spelling):
    """Spell values that are computed once per step, as Python computes them."""

    def __init__(self, own: object, runtime: set[str]) -> None:
        super().__init__(own)
        self._runtime = runtime

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        # The optimiser knows short cuts for x**0.5, x**3 and 2**x that differ from Python in the last place.
        power = isinstance(node.op, ast.Pow) and not all(self._unknown(part) for part in (node.left, node.right))
        spelled = super().visit_BinOp(node)
        return ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], []) if power else spelled

    def _unknown(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self._runtime for n in ast.walk(node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        whole = isinstance(node.value, int) and not isinstance(node.value, bool)
        return ast.Constant(float(ast.literal_eval(node))) if whole and abs(ast.literal_eval(node)) >= 2**53 else node


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
