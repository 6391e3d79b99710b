"""How parameters and gradients are laid out for the code: one array, numbers, lists, dictionaries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.answers import Answers

Array = NDArray[Any]
Shapes = tuple[tuple[int, ...], ...]

FLAT: Shapes = ((24,),)
COLUMN: Shapes = ((24, 1),)
PAIR: Shapes = ((4, 5), (4,))
PAIR_OF_COLUMNS: Shapes = ((4, 5), (4, 1))
TWO_LAYERS: Shapes = ((2, 5), (2, 1), (4, 2), (4, 1))
"""Shapes of W1, b1, W2 and b2 of a network with 5 inputs, 2 hidden units and 4 outputs: 24 numbers."""
SIZES = [5, 2, 4]
"""The units of that network, layer by layer."""


@dataclass(frozen=True)
class Arrangement(ABC):
    """A layout of some arrays.

    Parameters
    ----------
    shapes : tuple of tuple of int
        Of the arrays, in the order of the tape.
    """

    shapes: Shapes = FLAT

    single: ClassVar[bool] = False
    """Whether the code sees one coordinate at a time."""

    @property
    def parts(self) -> int:
        """How many calls make one step."""
        return 1

    @property
    def labels(self) -> tuple[str, ...]:
        """What the code calls the arrays; none where it gives them no names."""
        return ()

    def params(self, arrays: Sequence[Array]) -> list[Any]:
        """Lay out parameters: one object for every call of a step."""
        return self._lay(arrays)

    def gradients(self, arrays: Sequence[Array], params: Sequence[Any]) -> list[Any]:
        """Lay out gradients for parameters that were laid out; objects that hold their gradient are given it."""
        return self._slopes(arrays, params)

    def asked(self, name: str, slopes: Any) -> Any:  # noqa: ARG002 - of what holds several kinds of arrays
        """Return those of laid out gradients that a name asks for."""
        return slopes

    def read(self, found: Sequence[Any]) -> list[Array] | None:
        """Return the arrays of objects of this layout, None where they have another."""
        return self._read(found)

    def zeros(self, part: int) -> Any:
        """Return memory of the same layout that holds nothing yet."""
        return self._zeros()[part]

    def key(self, part: int) -> Any:
        """Return what an array is called."""
        return self._keys()[part]

    @abstractmethod
    def _lay(self, arrays: Sequence[Array]) -> list[Any]: ...

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        return self._lay(arrays)

    @abstractmethod
    def _read(self, found: Sequence[Any]) -> list[Array] | None: ...

    @abstractmethod
    def _zeros(self) -> list[Any]: ...

    def _keys(self) -> Sequence[Any]:
        return [f"w{part}" for part in range(self.parts)]


def as_array(found: Any, shape: tuple[int, ...]) -> Array | None:
    """Return numbers as an array of a shape; None where they are of another size or no numbers."""
    if isinstance(found, np.ndarray | np.generic | int | float | list | tuple) and not isinstance(found, bool):
        try:
            array = np.asarray(found, dtype=np.float64)
        except (ValueError, TypeError):
            return None
        if array.size == prod(shape):
            return array.reshape(shape).copy()
    held = getattr(found, "data", None) if not isinstance(found, np.ndarray) else None
    return as_array(held, shape) if isinstance(held, np.ndarray | float) else None


@final
@dataclass(frozen=True)
class Whole(Arrangement):
    """One array."""

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [arrays[0].copy()]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        array = as_array(found[0], self.shapes[0])
        return None if array is None else [array]

    def _zeros(self) -> list[Any]:
        return [np.zeros(self.shapes[0])]


@final
@dataclass(frozen=True)
class Number(Arrangement):
    """One number at a time: every coordinate is a run of its own."""

    shapes: Shapes = ((1,),)

    single: ClassVar[bool] = True

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [float(arrays[0][0])]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        array = as_array(found[0], (1,))
        return None if array is None else [array]

    def _zeros(self) -> list[Any]:
        return [0.0]


@final
@dataclass(frozen=True)
class One(Arrangement):
    """A list with one number in it: every coordinate is a run of its own."""

    shapes: Shapes = ((1,),)

    single: ClassVar[bool] = True

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [[float(arrays[0][0])]]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        array = as_array(found[0], (1,))
        return None if array is None else [array]

    def _zeros(self) -> list[Any]:
        return [[0.0]]


@final
@dataclass(frozen=True)
class Each(Arrangement):
    """Several arrays, of which every call sees one and its name."""

    shapes: Shapes = PAIR
    names: tuple[Any, ...] = ("W", "b")

    @property
    def parts(self) -> int:
        """One call for every array."""
        return len(self.shapes)

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [array.copy() for array in arrays]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        arrays = [as_array(one, shape) for one, shape in zip(found, self.shapes, strict=True)]
        return None if any(a is None for a in arrays) else [a for a in arrays if a is not None]

    def _zeros(self) -> list[Any]:
        return [np.zeros(shape) for shape in self.shapes]

    def _keys(self) -> Sequence[Any]:
        return self.names


@final
@dataclass(frozen=True)
class Items(Arrangement):
    """A list or tuple of arrays, or of numbers."""

    shapes: Shapes = PAIR
    kind: type[list[Any] | tuple[Any, ...]] = list
    numbers: bool = False

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [self.kind(float(a) if self.numbers else a.copy() for a in arrays)]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        return arrays_in(found[0], self.shapes)

    def _zeros(self) -> list[Any]:
        return [[0.0 if self.numbers else np.zeros(shape) for shape in self.shapes]]


def arrays_in(found: Any, shapes: Shapes) -> list[Array] | None:
    """Return the arrays of a sequence, or of a dictionary's values in order."""
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, np.ndarray) and not found.ndim:  # a number, such as a loss or a counter
        return None
    if not isinstance(found, list | tuple | np.ndarray) or len(found) != len(shapes):
        return None
    arrays = [as_array(one, shape) for one, shape in zip(found, shapes, strict=True)]
    return None if any(a is None for a in arrays) else [a for a in arrays if a is not None]


@final
@dataclass(frozen=True)
class Separate(Arrangement):
    """Several arrays as arguments of their own: ``update(w, b, dw, db)``."""

    shapes: Shapes = PAIR
    names: tuple[str, ...] = ("w", "b")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return self.names

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [tuple(a.copy() for a in arrays)]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        return arrays_in(found[0], self.shapes)

    def _zeros(self) -> list[Any]:
        return [tuple(np.zeros(shape) for shape in self.shapes)]


@final
@dataclass(frozen=True)
class SeparateNumbers(Arrangement):
    """Two numbers as arguments of their own; every coordinate is a run in which both are the same."""

    shapes: Shapes = ((1,),)
    count: int = 2

    single: ClassVar[bool] = True

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [(float(arrays[0][0]),) * self.count]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        arrays = arrays_in(found[0], ((1,),) * self.count)
        return None if arrays is None else arrays[:1]

    def _zeros(self) -> list[Any]:
        return [(0.0,) * self.count]


def _own(array: Array) -> Any:
    """Return a copy; a number where there is but one."""
    return float(array) if array.shape == () else array.copy()


@final
@dataclass(frozen=True)
class Keyed(Arrangement):
    """A dictionary of arrays, with the gradients under the same keys or others."""

    shapes: Shapes = TWO_LAYERS
    names: tuple[Any, ...] = ("W1", "b1", "W2", "b2")
    slopes: str = ""
    """What stands before a key in the gradients; ``{}_grad`` where it is not a prefix."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The keys."""
        return tuple(str(name) for name in self.names)

    def slope_name(self, name: Any) -> Any:
        """Return the key of a gradient."""
        if not self.slopes:
            return name
        return self.slopes.format(name) if "{}" in self.slopes else f"{self.slopes}{name}"

    def _like(self, name: Any) -> tuple[int, ...]:
        known = words.stem(str(name), [str(n) for n in self.names])
        if known is None:
            raise KeyError(name)
        return self.shapes[[str(n) for n in self.names].index(known)]

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        held = [(name, _own(a)) for name, a in zip(self.names, arrays, strict=True)]

        def answer(key: Any) -> Any:
            raise KeyError(key)

        return [Answers(held, answer)]

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        held = [(self.slope_name(name), _own(a)) for name, a in zip(self.names, arrays, strict=True)]

        def answer(key: Any) -> Any:
            known = words.stem(str(key), [str(n) for n in self.names])
            if known is None:
                raise KeyError(key)
            return arrays[[str(n) for n in self.names].index(known)].copy()

        if isinstance(_params[0], Answers):
            _params[0].slopes = {str(n): _own(a) for n, a in zip(self.names, arrays, strict=True)}
        return [Answers(held, answer)]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        held = found[0]
        if not isinstance(held, Mapping) or not all(dict.__contains__(dict(held), name) for name in self.names):
            return None
        arrays = [as_array(held[name], shape) for name, shape in zip(self.names, self.shapes, strict=True)]
        return None if any(a is None for a in arrays) else [a for a in arrays if a is not None]

    def _zeros(self) -> list[Any]:
        return [Answers([], lambda key: np.zeros(self._like(key)))]


@final
@dataclass(frozen=True)
class Nested(Arrangement):
    """Dictionaries or tuples of W and b, one per layer, in a list or a dictionary."""

    shapes: Shapes = TWO_LAYERS
    outer: tuple[Any, ...] = (0, 1)
    inner: tuple[Any, ...] = ("W", "b")
    slopes: str = ""

    def _rows(self, arrays: Sequence[Array], prefix: str = "") -> Any:
        width = len(self.inner)
        pairs = [arrays[0:width], arrays[width : 2 * width]]
        rows: list[Any] = []
        for pair in pairs:
            if self.inner == (0, 1):
                rows.append(tuple(a.copy() for a in pair))
            else:
                rows.append(_forgiving({prefix + str(n): a.copy() for n, a in zip(self.inner, pair, strict=True)}))
        return rows if self.outer == (0, 1) else dict(zip(self.outer, rows, strict=True))

    def _lay(self, arrays: Sequence[Array]) -> list[Any]:
        return [self._rows(arrays)]

    def _slopes(self, arrays: Sequence[Array], _params: Sequence[Any]) -> list[Any]:
        rows = _params[0].values() if isinstance(_params[0], dict) else _params[0]
        for k, row in enumerate(rows if self.inner != (0, 1) else ()):
            if isinstance(row, Answers):
                width = len(self.inner)
                pair = arrays[width * k : width * k + width]
                row.slopes = {str(n): a.copy() for n, a in zip(self.inner, pair, strict=True)}
        return [self._rows(arrays, self.slopes)]

    def _read(self, found: Sequence[Any]) -> list[Array] | None:
        try:
            flat = [found[0][o][i] for o in self.outer for i in self.inner]
        except (KeyError, IndexError, TypeError):
            return None
        return arrays_in(flat, self.shapes)

    def _zeros(self) -> list[Any]:
        return [self._rows([np.zeros(shape) for shape in self.shapes])]


def _forgiving(held: dict[str, Array]) -> Answers:
    def answer(key: Any) -> Any:
        known = words.stem(str(key), held)
        if known is None or words.role_of(str(key)) != words.GRADIENTS:
            raise KeyError(key)
        return held[known]

    return Answers(held.items(), answer)
