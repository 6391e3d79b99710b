"""Stand-ins for what an update is given: they answer under whatever name the code asks for.

Code reads ``params["w"]``, ``grads["dW1"]``, ``layer.dweights`` or ``p.grad``. Which names it uses is known only when
it asks; these objects answer by the vocabulary of :mod:`thalweg.check.subjects.words`, and remember what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words

Array = NDArray[Any]


@final
class Answers(dict[Any, Any]):
    """A dictionary that makes up what is missing from the name of the key.

    Parameters
    ----------
    answer : callable
        From a key that is missing to its value; raises KeyError where it has none. The value is kept.
    """

    def __init__(self, held: Iterable[tuple[Any, Any]], answer: Callable[[Any], Any]) -> None:
        super().__init__(held)
        self._answer = answer
        self.slopes: dict[str, Any] = {}
        """Gradients by the name of their parameter, where one dictionary holds both; they are not kept."""

    def __missing__(self, key: Any) -> Any:
        if self.slopes and words.role_of(str(key)) == words.GRADIENTS:
            known = words.stem(str(key), self.slopes)
            if known is not None:
                return self.slopes[known]
        value = self._answer(key)
        self[key] = value
        return value

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        from copy import deepcopy

        return {key: deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


@final
class Variable(np.ndarray[Any, np.dtype[Any]]):
    """An array that is a parameter object as well: ``p.data``, ``p.value`` and ``p.grad``."""

    slope: Array | None

    @staticmethod
    def holding(array: Array) -> Variable:
        """Return a variable with a copy of an array."""
        made = np.array(array, dtype=np.float64).view(Variable)
        made.slope = None
        return made

    def __array_finalize__(self, parent: Any) -> None:
        self.slope = None

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def _get(self) -> Any:
        made = self.view(Variable)  # some keep the slope on what the parameter holds
        made.slope = self.slope
        return made

    def _set(self, value: Any) -> None:
        self[...] = value

    data = value = val = array = weight = tensor = w = theta = property(_get, _set)

    def _get_slope(self) -> Any:
        return self.slope

    def _set_slope(self, value: Any) -> None:
        self.slope = value

    grad = gradient = g = dw = d = dvalue = derivative = property(_get_slope, _set_slope)

    requires_grad = trainable = True

    def assign(self, value: Any) -> Variable:
        """Take a new value, as a variable of TensorFlow does."""
        self[...] = value
        return self

    update = set_value = set_data = assign

    def assign_sub(self, step: Any) -> Variable:
        """Take a step away."""
        return self.assign(self - step)

    def assign_add(self, step: Any) -> Variable:
        """Add a step."""
        return self.assign(self + step)


@final
class Cell:
    """A single number with its slope, as pure Python code keeps them: ``p.data`` and ``p.grad`` are floats."""

    def __init__(self, value: float) -> None:
        self.__dict__["_held"] = {"value": value, "slope": 0.0}

    def __getattr__(self, name: str) -> Any:
        place = _place(name)
        if words.role_of(name) in (words.MEMORY, "momentum"):
            return 0.0  # what remembers something before the first step
        if name.startswith("__") or place is None:
            raise AttributeError(name)
        return self.__dict__["_held"][place]

    def __setattr__(self, name: str, value: Any) -> None:
        place = _place(name)
        if place is None:
            self.__dict__[name] = value
        else:
            self.__dict__["_held"][place] = value


def _place(name: str) -> str | None:
    role = words.role_of(name)
    return {words.PARAMETERS: "value", words.GRADIENTS: "slope"}.get(role or "")


@final
class Called(list[Any]):
    """A list that may be asked for with or without brackets: ``model.params`` and ``model.params()``."""

    def __call__(self, *_: Any, **__: Any) -> Called:
        """Return the list, whatever it is asked with."""
        return self


@final
class Layer:
    """A layer: weights, bias and their gradients under whatever names; what else is written is kept as memory."""

    def __init__(self, weight: Array, bias: Array) -> None:
        self.__dict__["_held"] = {"W": weight, "b": bias, "dW": np.zeros_like(weight), "db": np.zeros_like(bias)}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        held = self.__dict__["_held"]
        slot = slot_of(name)
        if slot in held:
            return held[slot]
        if slot == "parameters":
            return _Part(held, {"W": "W", "b": "b"}, lambda key: slot_of(key) or key)
        if slot == "gradients":
            return _Part(held, {"W": "dW", "b": "db"}, _slope_of)
        if name in ("trainable", "has_params", "has_weights", "requires_grad", "learnable", "is_trainable"):
            return True
        raise AttributeError(f"'Layer' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        slot = slot_of(name)
        if slot in self.__dict__["_held"]:
            self.__dict__["_held"][slot] = value
        elif slot == "parameters" and isinstance(value, Mapping):
            for key, array in value.items():
                self.__dict__["_held"][slot_of(key) or key] = array
        else:
            self.__dict__[name] = value


@final
class _Part(MutableMapping[str, Any]):
    """A layer's parameters, or their gradients, as a dictionary: what is written to it the layer has."""

    def __init__(self, held: dict[str, Any], places: dict[str, str], place: Callable[[str], str]) -> None:
        self._held, self._places, self._place = held, places, place

    def __getitem__(self, key: str) -> Any:
        return self._held[self._places.get(key) or self._place(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._held[self._places.get(key) or self._place(key)] = value

    def __delitem__(self, key: str) -> None:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _slope_of(key: str) -> str:
    slot = slot_of(key)
    return slot if slot in ("dW", "db") else f"d{slot}"


def slot_of(name: str) -> str | None:
    """Return which of a layer's arrays a name means.

    Examples
    --------
    >>> [slot_of(name) for name in ("weights", "dbiases", "grad_W", "weight_cache", "b")]
    ['W', 'db', 'dW', None, 'b']
    """
    role = words.role_of(name)
    lower = name.lower().lstrip("_")
    if role == words.GRADIENTS:
        if lower in ("grads", "gradients", "grad", "gradient"):
            return "gradients"
        return "db" if "bias" in lower or lower.rstrip("s").endswith("b") or lower.endswith("b_grad") else "dW"
    if role == words.PARAMETERS:
        if lower in ("params", "parameters", "param", "trainable_variables", "variables", "trainable_weights"):
            return "parameters"
        return "b" if lower.startswith("b") or "bias" in lower else "W"
    return None


@final
class Model:
    """A network as an optimizer sees it: its layers, or all of its parameters.

    Layers can be walked through, and asked for as ``model.layers``; parameters as ``model.parameters()``.
    """

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = Called(layers)

    def __iter__(self) -> Any:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return getattr(self, index)
        return self.layers[index]

    def __getattr__(self, name: str) -> Any:
        lower = name.lower().lstrip("_")
        if name.startswith("__"):
            raise AttributeError(name)
        if "layer" in lower:
            return self.layers
        index = int(lower[-1]) - 1 if lower[-1:].isdigit() else None
        if index is not None and 0 <= index < len(self.layers):
            return getattr(self.layers[index], lower[:-1])
        slot = slot_of(name)
        if slot in ("W", "b", "dW", "db"):
            return Called(getattr(layer, slot) for layer in self.layers)
        if slot == "parameters":
            return Called(getattr(layer, part) for layer in self.layers for part in ("W", "b"))
        if slot == "gradients":
            return Called(getattr(layer, part) for layer in self.layers for part in ("dW", "db"))
        raise AttributeError(f"'Model' object has no attribute {name!r}")
