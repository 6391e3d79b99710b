"""Objects that hold their own parameters: a layer or a network with a method that updates its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.answers import Answers
from thalweg.check.subjects.arrangements import Arrangement, Shapes, as_array

Array = NDArray[Any]
Slot = tuple[str, Any]
"""An attribute, and the index or key in it; None where the attribute is the array."""


@final
@dataclass(frozen=True)
class Held(Arrangement):
    """Arrays in the attributes of the object whose method is called.

    Parameters
    ----------
    shapes : tuple of tuple of int
    slots : tuple of (str, index)
        Where each array is: an attribute, and for lists and dictionaries the index in it.
    slopes : tuple of str
        Attributes in which the method looks for gradients.
    """

    slots: tuple[Slot, ...] = ()
    slopes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The attributes, each once."""
        return list(dict.fromkeys(name for name, _ in self.slots))

    def put(self, instance: Any, arrays: Any) -> None:
        """Set the object's parameters."""
        for (name, index), array in zip(self.slots, arrays, strict=True):
            if index is None:
                setattr(instance, name, array.copy())
            else:
                getattr(instance, name)[index] = array.copy()

    def put_slopes(self, instance: Any, grads: Any) -> None:
        """Set the gradients that the object is expected to have by now."""
        for slope in self.slopes:
            if len(self.names) == 1 and self.slots[0][1] is not None:
                setattr(instance, slope, grads)
            else:
                setattr(instance, slope, self.slope(slope, grads))

    def slope(self, name: str, grads: Any) -> Any:
        """Return the gradients that a name asks for: of one attribute, or of all."""
        known = words.stem(name, self.names)
        if known is None and len(self.names) > 1:
            bias = "b" in words.tokens(name)[-1][:2] if words.tokens(name) else False
            known = next((n for n in self.names if n.lower().lstrip("_").startswith("b") == bias), None)
        whole = name.lower() in ("grads", "gradients", "grad", "gradient")
        if whole or known is None:
            return grads
        own = [grads[k] for k, (n, _) in enumerate(self.slots) if n == known]
        return own[0] if (known, None) in self.slots else own

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [[a.copy() for a in arrays]]

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        return [_Slopes(self, arrays)]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        arrays = []
        for (name, index), shape in zip(self.slots, self.shapes, strict=True):
            try:
                held = getattr(found[0], name)
                array = as_array(held if index is None else held[index], shape)
            except (AttributeError, KeyError, IndexError, TypeError):
                return None
            if array is None:
                return None
            arrays.append(array)
        return arrays

    def _zeros(self) -> list[Any]:
        return [[np.zeros(shape) for shape in self.shapes]]


class _Slopes(list[Any]):
    """Gradients in order, which can be asked for by name as well."""

    def __init__(self, layout: Held, arrays: Sequence[Array]) -> None:
        super().__init__(a.copy() for a in arrays)
        keys = [str(index) if isinstance(index, str) else name for name, index in layout.slots]
        self._named = Answers(
            zip(keys, self, strict=True), lambda key: self[keys.index(words.stem(str(key), keys) or "")]
        )

    def __getitem__(self, index: Any) -> Any:
        return self._named[index] if isinstance(index, str) else super().__getitem__(index)


def held_layouts(instance: Any, slopes: tuple[str, ...]) -> Iterator[Held]:
    """Yield the layout of an object's own arrays, if it has 24 numbers in them."""
    slots: list[Slot] = []
    shapes: list[tuple[int, ...]] = []
    for name, value in vars(instance).items():
        if words.role_of(name) != words.PARAMETERS:
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            slots.append((name, None))
            shapes.append(value.shape)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for index, one in items:
            if isinstance(one, np.ndarray) and one.dtype.kind == "f":
                slots.append((name, index))
                shapes.append(one.shape)
    if sum(prod(shape) for shape in shapes) == 24:
        yield Held(_shapes(shapes), tuple(slots), slopes)


def _shapes(shapes: list[tuple[int, ...]]) -> Shapes:
    return tuple(shapes)
