"""Parameters laid out as objects that hold their gradients: variables, layers, models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.answers import Answers, Cell, Layer, Model, Variable, slot_of
from thalweg.check.subjects.arrangements import PAIR, TWO_LAYERS, Arrangement, Shapes, arrays_in, as_array

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Variables(Arrangement):
    """Parameter objects that hold their gradient: ``p.data``, ``p.grad``; in a list, or one alone."""

    shapes: Shapes = PAIR
    alone: bool = False
    grouped: bool = False
    """Whether the list stands in a group: ``[{"params": [...]}]``."""

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        made = [Variable.holding(a) for a in arrays]
        return [[{"params": made}] if self.grouped else made[0] if self.alone else made]

    def _ungrouped(self, held: Any) -> Any:
        try:
            return held[0]["params"] if self.grouped else held
        except (TypeError, KeyError, IndexError):
            return None

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        held = [_params[0]] if self.alone else self._ungrouped(_params[0])
        for variable, slope in zip(held, arrays, strict=True):
            if isinstance(variable, Variable):
                variable.slope = Variable.holding(slope)
        return [arrays[0].copy() if self.alone else [a.copy() for a in arrays]]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        return arrays_in([found[0]] if self.alone else self._ungrouped(found[0]), self.shapes)

    def _zeros(self) -> list[Any]:
        zeros = [np.zeros(shape) for shape in self.shapes]
        return [zeros[0] if self.alone else zeros]


@final
@dataclass(frozen=True)
class Cells(Arrangement):
    """A list with one parameter object that holds a number and its gradient; every coordinate is a run of its own."""

    shapes: Shapes = ((1,),)

    single: ClassVar[bool] = True

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [[Cell(float(arrays[0][0]))]]

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        slope = float(arrays[0][0])
        _params[0][0].grad = slope
        return [[slope]]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        held = found[0]
        if not isinstance(held, list) or len(held) != 1 or not isinstance(held[0], Cell):
            return None
        array = as_array(held[0].data, (1,))
        return None if array is None else [array]

    def _zeros(self) -> list[Any]:
        return [[0.0]]


@final
@dataclass(frozen=True)
class Layers(Arrangement):
    """Layers that hold weights and gradients: each call sees one, or all in a list or a model."""

    shapes: Shapes = TWO_LAYERS
    together: str = ""
    """Empty, ``"list"`` or ``"model"``."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Weights and biases, layer by layer."""
        return ("W1", "b1", "W2", "b2")

    @property
    def parts(self) -> int:
        """One call for every layer, or one for all."""
        return 1 if self.together else 2

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        layers = [Layer(arrays[0].copy(), arrays[1].copy()), Layer(arrays[2].copy(), arrays[3].copy())]
        if self.together == "model":
            return [Model(layers)]
        return [layers] if self.together else list(layers)

    def asked(self, name: str, slopes: Any) -> Any:
        """Return the gradients of the weights, of the biases, or of both layer by layer."""
        slot = slot_of(name) if self.together else None
        return [pair[slot == "db"] for pair in slopes] if slot in ("dW", "db") else slopes

    def _layers(self, params: Sequence[Any]) -> list[Any] | None:
        layers = list(params)
        if self.together:
            held = params[0]
            layers = list(held.layers) if isinstance(held, Model) else held if isinstance(held, list) else []
        return layers if len(layers) == 2 and all(isinstance(layer, Layer) for layer in layers) else None

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        layers = self._layers(_params) or []
        for layer, weight, bias in zip(layers, arrays[0::2], arrays[1::2], strict=True):
            layer.dW, layer.db = weight.copy(), bias.copy()
        grads = [(w.copy(), b.copy()) for w, b in zip(arrays[0::2], arrays[1::2], strict=True)]
        return [grads] if self.together else list(grads)

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        layers = self._layers(found)
        if layers is None:
            return None
        return arrays_in([part for layer in layers for part in (layer.W, layer.b)], self.shapes)

    def _zeros(self) -> list[Any]:
        def of(part: int) -> Answers:
            shapes = self.shapes[2 * part : 2 * part + 2]
            return Answers([], lambda key: np.zeros(shapes[words.stem(str(key), ("W", "b")) == "b"]))

        return [of(part) for part in range(self.parts)]

    def _keys(self) -> Sequence[Any]:
        return range(self.parts)
