"""What comes back from strangers' functions, and which part of it is what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from thalweg.check.subjects.gradients.binding import returned_names
from thalweg.check.subjects.gradients.names import of_gradient, role, words
from thalweg.check.subjects.gradients.reading import NotThisWayError

Function = Callable[..., Any]


def take(result: Any, forward: Function, known: dict[str, Any], by_role: dict[str, Any]) -> None:
    """Take what the forward pass returned, by the names it has there."""
    parts = result if isinstance(result, tuple) else (result,)
    names = returned_names(forward)
    for name, part in zip(names if len(names) == len(parts) else (None,) * len(parts), parts, strict=True):
        if name is not None:
            known.setdefault(name, part)
        if isinstance(part, (float, int, np.ndarray, np.generic)) and np.size(part) == 1:
            known.setdefault("the cost", part)
            if np.ndim(part) == 0:
                by_role.setdefault("output", part)
        elif isinstance(part, Mapping):
            by_role["cache"] = part
            known |= {str(key): value for key, value in part.items() if str(key) not in known}
        elif isinstance(part, (list, tuple)):
            by_role["cache"] = part
            if len(parts) == 1 and part and isinstance(part[-1], np.ndarray):
                by_role.setdefault("output", part[-1])
    arrays = [part for part in parts if isinstance(part, np.ndarray) and part.ndim]
    if arrays and "output" not in by_role:
        told = [part for name, part in zip(names, parts, strict=False) if name and role(name) == "output"]
        # The last activation: what comes first beside a cache, what comes last in a row of them.
        by_role["output"] = (told or arrays)[0 if "cache" in by_role else -1]
    by_role.setdefault("cache", result)
    if "output" not in by_role and isinstance(by_role["cache"], Mapping):
        numbered = [k for k in by_role["cache"] if isinstance(k, str) and k[:1] in ("A", "a") and k[1:].isdigit()]
        if numbered:
            by_role["output"] = by_role["cache"][max(numbered, key=lambda k: int(k[1:]))]


def both(result: Any, function: Function) -> tuple[Any, Any]:
    """Take cost and gradients apart that came back together, in either order."""
    if not isinstance(result, (tuple, list)) or len(result) < 2:
        raise NotThisWayError("one value came back")
    names = returned_names(function)
    names = names if len(names) == len(result) else (None,) * len(result)
    plain = [k for k, part in enumerate(result) if not isinstance(part, (Mapping, list, tuple)) and part is not None]
    numbers = [k for k in plain if np.size(result[k]) == 1]
    told = [k for k in numbers if names[k] and set(words(names[k] or "")) & {"cost", "loss", "j", "error", "l", "e"}]
    if not numbers:
        raise NotThisWayError("no number came back")
    first = (told or numbers)[0]
    rest = [part for k, part in enumerate(result) if k != first]
    of_rest = [name for k, name in enumerate(names) if k != first]
    if len(rest) > 1 and any(isinstance(part, Mapping) for part in rest):  # (grads, cost, accuracy), caches
        rest = [next(part for part in rest if isinstance(part, Mapping))]
    if len(rest) == 1:
        return result[first], rest[0]
    return result[first], _Named(rest, of_rest)


class _Named(list[Any]):
    """Gradients with the names under which they were returned."""

    def __init__(self, parts: list[Any], names: list[str | None]) -> None:
        super().__init__(parts)
        self.names = names


def laid_beside(result: Any, function: Function, x: Any) -> Any:
    """Return gradients in the structure of the parameters, by their names where they have some."""
    if not isinstance(x, Mapping):
        return list(result) if isinstance(result, tuple) and not hasattr(result, "_fields") else result
    if isinstance(result, Mapping):
        if _nested(x):
            return result
        lowered = {of_gradient(str(key)): value for key, value in result.items()}
        return {key: result.get(key, result.get(f"d{key}", lowered.get(str(key).lower()))) for key in x}
    if not isinstance(result, (tuple, list)):
        if len(x) == 1:
            return {next(iter(x)): result}
        return result
    names = result.names if isinstance(result, _Named) else returned_names(function)
    if len(names) == len(result) and all(names):
        lowered = {of_gradient(str(name)): value for name, value in zip(names, result, strict=True)}
        if all(str(key).lower() in lowered for key in x):
            return {key: lowered[str(key).lower()] for key in x}
        initials = {name[0]: value for name, value in lowered.items()}  # nabla_b and nabla_w of biases and weights
        if len(initials) == len(lowered) == len(x) and all(str(key)[0].lower() in initials for key in x):
            return {key: initials[str(key)[0].lower()] for key in x}
        if any(str(key).lower() in lowered for key in x):
            return {key: lowered.get(str(key).lower()) for key in x}
    parts = list(result)
    if len(parts) == len(x):
        return dict(zip(x, parts, strict=True))
    if len(x) == 1 and all(np.ndim(part) == 0 for part in parts):
        return {next(iter(x)): parts}
    raise NotThisWayError(f"{len(parts)} gradients came back for {len(x)} parameters")


def _nested(x: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, (Mapping, list, tuple)) for value in x.values())
