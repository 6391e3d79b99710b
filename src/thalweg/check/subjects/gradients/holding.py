"""Objects that hold parameters: where these are, how they are set, and where their gradients are left."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from thalweg.check.subjects.gradients.names import of_gradient, plain, role

Path = tuple[Any, ...]
DEPTH = 4

_GRADIENTS = frozenset({"grads", "grad", "gradients", "gradient", "梯度"})


@final
class Holder:
    """An object with parameters, as a dictionary of arrays by name.

    Parameters
    ----------
    thing : object
        It is never changed: every use begins with a copy.

    Examples
    --------
    >>> class Layer:
    ...     def __init__(self):
    ...         self.W, self.b, self.dW = np.ones((2, 3)), np.zeros(3), np.zeros((2, 3))
    >>> sorted(Holder(Layer()).parameters())
    ['W', 'b']
    """

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self.paths: dict[str, Path] = {}
        for path, _ in _arrays(thing, ()):
            self.paths[_name(path)] = path

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {name: _get(self.thing, path) for name, path in self.paths.items()}

    def copied(self, x: Mapping[str, Any]) -> Any:
        """Return a copy of the object with these parameters."""
        made = copy.deepcopy(self.thing)
        for name, path in self.paths.items():
            if name in x:
                _set(made, path, copy.deepcopy(x[name]))
        return made

    def moved(self, thing: Any, x: Mapping[str, Any], rate: float) -> dict[str, Any] | None:
        """Return the gradient that an update stands for, or None where nothing moved."""
        after = {name: _get(thing, path) for name, path in self.paths.items()}
        if any(np.shape(after[name]) != np.shape(x[name]) for name in x if name in after):
            return None
        moves = {name: (np.asarray(x[name]) - np.asarray(after[name])) / rate for name in x if name in after}
        return moves if any(np.any(move) for move in moves.values()) else None

    def left(self, thing: Any) -> dict[str, Any]:
        """Return the gradients that an object keeps, by the names of the parameters."""
        found: dict[str, Any] = {}
        for name, path in self.paths.items():
            owner, own = _owner(thing, path)
            for place, value in _attributes(owner).items():
                if plain(place) in _GRADIENTS or place.lower() in _GRADIENTS:
                    if isinstance(value, Mapping):
                        hit = [v for k, v in value.items() if str(k) == own or of_gradient(str(k)) == own.lower()]
                        found |= {name: hit[0]} if hit else {}
                elif of_gradient(place) in (own.lower(), own.lower()[:1] if len(own) > 1 else "") and place != own:
                    if isinstance(value, (np.ndarray, float, np.generic)) and place.lower() != own.lower():
                        found.setdefault(name, value)
                    elif isinstance(value, (list, dict)) and path[-1] != own:
                        try:
                            found.setdefault(name, value[path[-1]])
                        except (KeyError, IndexError):
                            continue
        return found


def _attributes(owner: Any) -> dict[str, Any]:
    slots = {name: getattr(owner, name) for name in getattr(type(owner), "__slots__", ()) if hasattr(owner, name)}
    return {**slots, **getattr(owner, "__dict__", {})}


_NO_PARAMETERS = ("inputs", "targets", "output", "cache", "rate", "penalty")


def _arrays(thing: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Walk over the arrays of parameters of an object, its layers included."""
    for name, value in _attributes(thing).items():
        said = role(name)
        is_gradient = of_gradient(name) != name.lower().strip("_") and name.lower() not in ("delta", "data")
        if is_gradient or plain(name) in _GRADIENTS or said in _NO_PARAMETERS:
            continue
        if _is_parameter(value, said):
            yield (*path, name), value
        elif isinstance(value, (dict, list)) and said in ("piece", "parameters", "sizes", ""):
            yield from _inside(value, (*path, name))
        elif len(path) < DEPTH and _is_object(value):
            yield from _arrays(value, (*path, name))


def _is_parameter(value: Any, said: str) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and said in ("piece", "parameters")
    return isinstance(value, float) and said == "piece"


def _inside(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    listed = value.items() if isinstance(value, dict) else enumerate(value)
    named = role(str(path[-1])) in ("piece", "parameters")
    for key, each in listed:
        said = "piece" if named and isinstance(each, np.ndarray) else role(str(key))
        if _is_parameter(each, said):
            yield (*path, key), each
        elif isinstance(each, (dict, list)) and len(path) < DEPTH:
            yield from _inside(each, (*path, key))
        elif _is_object(each) and len(path) < DEPTH:
            yield from _arrays(each, (*path, key))


def _is_object(value: Any) -> bool:
    if not hasattr(value, "__dict__") or isinstance(value, type) or inspect.isroutine(value):
        return False
    return type(value).__module__.split(".")[0] not in ("numpy", "builtins", "random")


def _name(path: Path) -> str:
    """Return the name of a parameter: ``params["W1"]`` is ``W1``, ``layers[0].W`` is ``layers[0].W``."""
    if len(path) == 1:
        return str(path[0])
    if len(path) == 2 and isinstance(path[1], str) and role(str(path[0])) in ("parameters", "piece"):
        return path[1]
    text = str(path[0])
    for key in path[1:]:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text


def _step(thing: Any, key: Any) -> Any:
    return thing[key] if isinstance(thing, (dict, list, tuple)) else getattr(thing, key)


def _get(thing: Any, path: Path) -> Any:
    for key in path:
        thing = _step(thing, key)
    return thing


def _set(thing: Any, path: Path, value: Any) -> None:
    inner = _get(thing, path[:-1])
    if isinstance(inner, (dict, list)):
        inner[path[-1]] = value
    else:
        setattr(inner, path[-1], value)


def _owner(thing: Any, path: Path) -> tuple[Any, str]:
    """Return the object that a parameter belongs to and the name it has there."""
    owner, own = thing, str(path[0])
    for k, key in enumerate(path):
        if not isinstance(_get(thing, path[:k]), (dict, list, tuple)):
            owner, own = _get(thing, path[:k]), str(key)
    if isinstance(path[-1], str):
        own = path[-1]
    return owner, own
