"""Parameters as a caller holds them - an array, a number, a list or a dictionary - and as one flat vector of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import SettingError

Array = NDArray[Any]

# How a gradient's key is made of the key of its parameter, beside the key itself.
SPELLINGS = ("d{}", "d_{}", "D{}", "grad_{}", "g{}", "g_{}", "{}_grad", "grad{}", "grads_{}", "∂{}")


@final
@dataclass(frozen=True)
class Received:
    """A gradient as it came back, laid beside the blocks.

    Parameters
    ----------
    flat : ndarray (size,)
        Its numbers where their shapes fit, turned or spread where only the shape is wrong; NaN where a block is
        missing.
    shapes : mapping
        Blocks that came in another shape than their parameters', with the shape that came.
    missing : tuple of str
        Blocks without a gradient.
    exact : int
        Bits of precision that all of its numbers have in common: 53, 24 for float32's, 11 for half precision's.
    """

    flat: Array
    shapes: Mapping[str, tuple[int, ...]]
    missing: tuple[str, ...]
    exact: int


@final
class Blocks:
    """The blocks of a structure of arrays: their names, their shapes, their places in one flat vector.

    Parameters
    ----------
    x : number, array, or list, tuple or dictionary of these
        Structures may be nested. What is no number (such as a count of layers or a name) stays where it is.

    Raises
    ------
    SettingError
        GRADIENT-X: no numbers in it.

    Examples
    --------
    >>> blocks = Blocks({"W1": np.ones((2, 3)), "b1": np.zeros(3)})
    >>> blocks.names, blocks.flat.size
    (('W1', 'b1'), 9)
    """

    def __init__(self, x: Any) -> None:
        self._x = x
        self._leaves = list(_leaves(x, ()))
        if not self._leaves or not sum(np.size(leaf) for _, leaf in self._leaves):
            what = f"holds no floating-point numbers: {type(x).__name__}"
            raise SettingError("GRADIENT-X", "x", what, "Pass an array, or a list or dictionary of arrays.")
        self.names = tuple(_name(path) for path, _ in self._leaves)
        self.shapes = tuple(np.shape(leaf) for _, leaf in self._leaves)
        self.starts = tuple(np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)]).tolist())

    @cached_property
    def flat(self) -> Array:
        """All numbers, float64: (size,)."""
        return np.concatenate([np.asarray(leaf, dtype=np.float64).reshape(-1) for _, leaf in self._leaves])

    @property
    def size(self) -> int:
        """Count of all numbers."""
        return int(self.starts[-1])

    @cached_property
    def single(self) -> bool:
        """Whether any of the arrays holds less than float64."""
        return any(np.asarray(leaf).dtype in (np.float32, np.float16) for _, leaf in self._leaves)

    def slices(self) -> list[tuple[str, tuple[int, ...], slice]]:
        """Return name, shape and place of every block."""
        places = zip(self.starts[:-1], self.starts[1:], strict=True)
        return [
            (name, shape, slice(*place)) for name, shape, place in zip(self.names, self.shapes, places, strict=True)
        ]

    def rebuild(self, vector: Array) -> Any:
        """Return a structure like the caller's, fresh, with the numbers of a vector (size,), real or complex."""
        fresh: dict[tuple[Any, ...], Any] = {}
        whirled = np.iscomplexobj(vector)
        for (path, leaf), (_, shape, place) in zip(self._leaves, self.slices(), strict=True):
            if isinstance(leaf, np.ndarray):
                fresh[path] = np.array(vector[place].reshape(shape), dtype=vector.dtype if whirled else leaf.dtype)
            elif whirled:
                fresh[path] = complex(vector[place][0])
            else:
                fresh[path] = type(leaf)(vector[place][0]) if isinstance(leaf, np.generic) else float(vector[place][0])
        return _filled(self._x, (), fresh)

    def coordinate(self, index: int) -> str:
        """Return the name of one coordinate, such as ``W1[0, 2]``."""
        which = int(np.searchsorted(self.starts, index, side="right")) - 1
        shape = self.shapes[which]
        if not shape:
            return self.names[which]
        inside = np.unravel_index(index - self.starts[which], shape)
        return f"{self.names[which]}[{', '.join(str(int(i)) for i in inside)}]"

    def receive(self, grads: Any) -> Received:
        """Lay a gradient beside the blocks.

        Raises
        ------
        SettingError
            GRADIENT-STRUCTURE: it cannot be told which of its arrays belongs to which parameter.
        """
        arrays = self._matched(grads)
        flat = np.full(self.size, np.nan)
        shapes: dict[str, tuple[int, ...]] = {}
        missing = []
        for (name, shape, place), given in zip(self.slices(), arrays, strict=True):
            if given is None:
                missing.append(name)
                continue
            if given.shape != shape:
                shapes[name] = given.shape
            fitted = _fitted(given, shape)
            if fitted is not None:
                flat[place] = fitted.reshape(-1)
        return Received(flat, shapes, tuple(missing), _bits(flat))

    def _matched(self, grads: Any) -> list[Array | None]:
        """Return the gradient of every block, None for those that have none."""
        paths = [path for path, _ in self._leaves]
        if isinstance(grads, Mapping) and isinstance(self._x, Mapping):
            return [_looked_up(grads, path) for path in paths]
        if isinstance(grads, Mapping):
            found: list[Any] = [array for _, array in _leaves(grads, ())]
        elif isinstance(grads, (list, tuple)) and isinstance(self._x, (Mapping, list, tuple)):
            found = [array for _, array in _leaves(grads, ())]
        else:
            found = [grads]
        if len(found) == len(paths):
            return [_as_array(array) for array in found]
        if len(found) == 1 and np.size(found[0]) == self.size:  # one flat gradient for a structure
            whole = _as_array(found[0]).reshape(-1)
            return [whole[place].reshape(shape) for _, shape, place in self.slices()]
        if len(paths) == 1 and all(np.ndim(array) == 0 for array in found):  # a list of numbers for one vector
            return [_as_array(found)]
        what = f"{len(found)} arrays came back for {len(paths)} blocks of parameters ({', '.join(self.names[:6])})"
        raise SettingError("GRADIENT-STRUCTURE", "grad", what, "Return the gradients in the structure of x.")


def _leaves(x: Any, path: tuple[Any, ...]) -> Any:
    """Walk over the numbers of a structure, with the path to each."""
    if isinstance(x, Mapping):
        for key, value in x.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(x, (list, tuple)) and (path or any(not isinstance(v, (int, float)) for v in x)):
        for key, value in enumerate(x):
            yield from _leaves(value, (*path, key))
    elif isinstance(x, (list, tuple)):
        yield path, np.asarray(x, dtype=np.float64)
    elif isinstance(x, (float, np.floating)) or (isinstance(x, (int, np.integer)) and not path):
        yield path, x
    elif not isinstance(x, (str, bytes, bool, int)) and hasattr(x, "__array__"):
        array = np.asarray(x)
        if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
            yield path, array if array.ndim else array.item()
        elif array.dtype.kind in "iu" and not path:
            yield path, array.astype(np.float64)


def _filled(x: Any, path: tuple[Any, ...], fresh: Mapping[tuple[Any, ...], Any]) -> Any:
    """Return the structure with other numbers in it."""
    if path in fresh:
        return list(fresh[path]) if isinstance(x, list) else tuple(fresh[path]) if isinstance(x, tuple) else fresh[path]
    if isinstance(x, Mapping):
        return {key: _filled(value, (*path, key), fresh) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(_filled(value, (*path, key), fresh) for key, value in enumerate(x)))
    if isinstance(x, (list, tuple)):
        return type(x)(_filled(value, (*path, key), fresh) for key, value in enumerate(x))
    return x


def _name(path: tuple[Any, ...]) -> str:
    if not path:
        return "x"
    first, *rest = path
    return (str(first) if isinstance(first, str) else f"x[{first!r}]") + "".join(f"[{key!r}]" for key in rest)


def _looked_up(grads: Mapping[Any, Any], path: tuple[Any, ...]) -> Array | None:
    """Return the gradient at a path of keys, which may be spelled as gradients' are."""
    here: Any = grads
    for key in path:
        if isinstance(here, Mapping):
            spelled = [key, *(form.format(key) for form in SPELLINGS)] if isinstance(key, str) else [key]
            hit = next((s for s in spelled if s in here), None)
            if hit is None and isinstance(key, str):
                lowered = {str(k).lower(): k for k in here}
                hit = next((lowered[str(s).lower()] for s in spelled if str(s).lower() in lowered), None)
            if hit is None:
                return None
            here = here[hit]
        elif isinstance(here, (list, tuple)) and isinstance(key, int) and key < len(here):
            here = here[key]
        else:
            return None
    return None if here is None else _as_array(here)


def _as_array(given: Any) -> Array:
    array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        what = f"a gradient of type {array.dtype} came back"
        raise SettingError("GRADIENT-STRUCTURE", "grad", what, "Return real numbers, in the structure of x.")
    return array.astype(np.float64)


def _fitted(given: Array, shape: tuple[int, ...]) -> Array | None:
    """Return an array in the shape of its parameters, if there is one way to see it so."""
    if given.shape == shape:
        return given
    if len(shape) == 2 and given.shape == shape[::-1] and min(shape) > 1:
        return given.T
    if given.size == int(np.prod(shape)):
        return given.reshape(shape)
    if given.size == 1:
        return np.full(shape, given.reshape(-1)[0])
    return None


def _bits(flat: Array) -> int:
    """Return the bits of precision that all numbers share."""
    numbers = flat[np.isfinite(flat) & (flat != 0)]
    if numbers.size < 4:
        return 53
    mantissas, _ = np.frexp(numbers)
    for bits in (11, 24):
        scaled = np.ldexp(mantissas, bits)
        if np.array_equal(scaled, np.rint(scaled)):
            # Halves, quarters and whole numbers are exact in any precision and say nothing of it.
            plain = np.ldexp(mantissas, min(bits - 4, 8))
            return 53 if np.mean(plain == np.rint(plain)) > 0.5 else bits
    return 53
