"""Lowering: from the flat program of a formula to the lines of a native loop.

What depends only on scalars is *hoisted*: computed once per step, in float64, then rounded to the storage type. What
is left is the work per coordinate. The text has NumPy's own meaning (a Python number never widens an array), so the
loop and the formula agree bit for bit; the functions :data:`NOT_EXACT` come from another library and may differ in
the last place.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field

from thalweg.formulas.program import Program

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
