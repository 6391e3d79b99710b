"""The nodes of an ONNX graph while it grows, and formulas written into it by running them on symbols.

An activation is a NumPy function. Called with a `Symbol` instead of an array it leaves the nodes that compute it, so
the graph holds what the formula says, a formula of one's own included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from thalweg.errors import SettingError

if TYPE_CHECKING:
    from thalweg.formulas.formula import Activation

Array = NDArray[Any]


class Node(NamedTuple):
    """One operation: what it is called in ONNX, names that go in, the name that comes out, and its attributes."""

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


@final
class Growing:
    """Nodes in order, and constants by name.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        What constants of formulas are.
    taken : iterable of str
        Names that are not free: those of inputs and outputs.

    Attributes
    ----------
    nodes : list of Node
    constants : dict of str to ndarray
    """

    def __init__(self, dtype: str, taken: Iterable[str] = ()) -> None:
        self.dtype = np.dtype(dtype)
        self.taken = set(taken)
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def name(self, wanted: str) -> str:
        """Return a name that nothing has yet, and take it."""
        free, k = wanted, 1
        while free in self.taken:
            free, k = f"{wanted}_{k}", k + 1
        self.taken.add(free)
        return free

    def constant(self, value: Array, wanted: str = "constant") -> str:
        """Add a constant, and return its name."""
        name = self.name(wanted)
        self.constants[name] = value
        return name

    def add(self, operation: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of what it computes."""
        output = to or self.name(operation.lower())
        self.nodes.append(Node(operation, inputs, output, attributes))
        return output

    def activation(self, chosen: Activation, at: str) -> str:
        """Add what a formula computes of a value, and return its name.

        Raises
        ------
        SettingError
            ONNX-FORMULA: it uses a function that ONNX has not.
        """
        try:
            value = chosen.formula(Symbol(self, at), **chosen.hyperparameters)[0]
        except _NoCounterpartError as error:
            what = f"'{chosen.name}' uses {error}, for which ONNX has nothing"
            raise SettingError("ONNX-FORMULA", "activation", what) from None
        return value.name if isinstance(value, Symbol) else at

    def needed(self, outputs: Iterable[str]) -> tuple[list[Node], dict[str, Array]]:
        """Return the nodes and constants that the outputs depend on: a formula gives its derivative too."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if node.output in wanted:
                kept.append(node)
                wanted |= set(node.inputs)
        return kept[::-1], {name: value for name, value in self.constants.items() if name in wanted}


@final
class Symbol(NDArrayOperatorsMixin):
    """Stands for an array in a formula; every operation on it becomes a node.

    Parameters
    ----------
    graph : Growing
    name : str
        Of the value that it stands for.
    """

    def __init__(self, graph: Growing, name: str) -> None:
        self.graph, self.name = graph, name

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **_: Any) -> Any:
        composed = _COMPOSED.get(ufunc.__name__)
        if composed is not None:
            return composed(*given)
        if method != "__call__" or ufunc.__name__ not in _OPERATIONS:
            raise _NoCounterpartError(f"np.{ufunc.__name__}")
        return self._add(_OPERATIONS[ufunc.__name__], *given)

    def __array_function__(self, function: Callable[..., Any], types: Any, given: Any, _: Any) -> Symbol:
        if function is not np.where:
            raise _NoCounterpartError(f"np.{function.__name__}")
        return self._add("Where", *given)

    def _add(self, operation: str, *given: Any) -> Symbol:
        names = [each.name if isinstance(each, Symbol) else self._number(each) for each in given]
        return Symbol(self.graph, self.graph.add(operation, *names))

    def _number(self, value: Any) -> str:
        return self.graph.constant(np.asarray(value, self.graph.dtype))


class _NoCounterpartError(TypeError):
    """A function that ONNX has not; its text is the function's name."""


_OPERATIONS = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "true_divide": "Div", "power": "Pow",
    "negative": "Neg", "absolute": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sin": "Sin",
    "cos": "Cos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "sign": "Sign", "maximum": "Max",
    "minimum": "Min", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual", "equal": "Equal",
}  # fmt: skip


def _log1p(x: Any) -> Any:
    """Return log(1 + x) without losing small x (Higham, Accuracy and Stability of Numerical Algorithms, 1.14.1)."""
    u = 1.0 + x
    return np.where(u == 1.0, x, np.log(u) * x / np.where(u == 1.0, 1.0, u - 1.0))


def _expm1(x: Any) -> Any:
    """Return exp(x) - 1 without losing small x (the same, 1.14.1)."""
    u = np.exp(x)
    d = u - 1.0
    plain = np.where(d == -1.0, d, np.where(u == 1.0, x, d))
    usual = np.where(np.abs(x) < 1.0, u, 2.0)  # a stand-in where the quotient is not used
    near = np.where(u == 1.0, 2.0, usual)
    return np.where(np.abs(x) < 1.0, np.where(u == 1.0, x, (near - 1.0) * x / np.log(near)), plain)


#: What ONNX has not, out of what it has.
_COMPOSED: dict[str, Callable[..., Any]] = {
    "log1p": _log1p,
    "expm1": _expm1,
    "square": lambda x: x * x,
    "hypot": lambda x, y: np.sqrt(x * x + y * y),
    "logaddexp": lambda x, y: np.maximum(x, y) + _log1p(np.exp(-np.abs(x - y))),
}
