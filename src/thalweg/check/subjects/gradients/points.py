"""Parameters at which a gradient is tested: the file's own, those that its functions start with, or made ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from thalweg.check.subjects.gradients import worlds as w
from thalweg.check.subjects.gradients.binding import arguments, called, keys_of, returned_names, roles, unpacked
from thalweg.check.subjects.gradients.names import part, plain, role
from thalweg.check.subjects.gradients.reading import Given

Function = Callable[..., Any]


def own_points(way: str, names: list[str], scope: Mapping[str, Any]) -> Iterator[tuple[Any, tuple[Given, ...]]]:
    """Yield the parameters that the file has under these names; others of their shapes where they show too little."""
    if way in ("pieces", "globals", "point"):
        if not all(_is_point(scope.get(name)) for name in names) or not names:
            return
        found: Any = {name: _floating(scope[name]) for name in names}
    else:
        hits = [n for n in (*names, *(k for k in scope if role(k) == "parameters")) if _is_point(scope.get(n))]
        if not hits:
            return
        found, names = _floating(scope[hits[0]]), hits[:1]
    given = tuple(Given(name, np.shape(scope[name]) if numeric(scope[name]) else (), "file") for name in names)
    if w.dull(found) or way == "globals":
        made = tuple(Given(each.name, each.shape, "made") for each in given)
        yield w.redrawn(found), made
    else:
        yield found, given


def numeric(value: Any) -> bool:
    """Tell whether a value is a number or an array."""
    return isinstance(value, (float, int, np.ndarray, np.generic))


def _is_point(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(numeric(v) or isinstance(v, (list, dict, str)) for v in value.values()) and any(
            isinstance(v, (np.ndarray, float, list, dict)) for v in value.values()
        )  # fmt: skip
    if isinstance(value, (list, tuple)):
        return bool(value) and all(numeric(v) or _is_point(v) for v in value)
    return numeric(value) and not isinstance(value, bool)


def _floating(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return value.astype(float)
    return float(value) if isinstance(value, int) else value


def made_points(
    members: Sequence[Function], sized: bool, way: str, names: list[str], scope: Mapping[str, Any], world: w.World
) -> Iterator[tuple[Any, tuple[Given, ...]]]:
    """Yield parameters that fit a world: by the file's own function that starts them, else by their names."""
    if way == "inputs":
        form = np.shape(world.Y) if world.kind != "labels" else (w.ROWS, w.OUTPUTS)
        drawn = w.drawn({names[0]: form})
        yield drawn, _shapes_of(drawn)
        return
    for x in initialised(way, names, scope, world):
        yield x, _shapes_of(x)
    if way == "globals":
        return
    keys = names
    if way == "whole":
        keys = next((k for f in members for n in names for k in [keys_of(f, n)] if k), [])
        in_order = next((k for f in members for n in names for k in [unpacked(f, n)] if k), [])
        for like in w.shapes(in_order or keys, world):
            drawn = w.drawn(like)
            x = tuple(drawn[name] for name in in_order) if in_order else drawn
            yield x, _shapes_of(drawn)
        if not keys and not in_order:
            n, h, k = world.features, w.HIDDEN[0], world.outputs
            flat = [((n * h + h) + (h * k + k),)] if sized else []
            vectors: list[dict[str, tuple[int, ...]]] = [{names[0]: form} for form in flat]
            for found in (*vectors, *w.shapes(["theta"], world)):
                made = w.drawn(found)
                yield next(iter(made.values())), _shapes_of(made)
            if world.X is None:
                for form in ((3,), (3, 1), (2,), (4, 3)):
                    yield w.drawn({"x": form})["x"], (Given(names[0], form, "made"),)
        return
    if way == "point" or world.X is None:
        forms: list[tuple[int, ...]] = [(3,), (), (2,), (3, 1), (4, 3)] if len(names) == 1 else [(), (3,)]
        for form in forms:
            made = w.drawn(dict.fromkeys(names, form))
            yield made, _shapes_of(made)
    for like in w.shapes(keys, world):
        made = w.drawn(like)
        yield made, _shapes_of(made)


def _shapes_of(x: Any) -> tuple[Given, ...]:
    if isinstance(x, Mapping):
        return tuple(Given(str(k), np.shape(v), "made") for k, v in x.items() if numeric(v))
    return (Given("x", np.shape(x) if numeric(x) else (), "made"),)


def initialised(way: str, names: list[str], scope: Mapping[str, Any], world: w.World) -> Iterator[Any]:
    """Yield what the file's functions that start the parameters give, with values drawn anew."""
    for name, function in scope.items():
        if not callable(function) or isinstance(function, type) or part(name) != "initial":
            continue
        deep = any(told == "sizes" for told in roles(function).values())
        for hidden in (w.HIDDEN[:1], w.HIDDEN[:2]) if deep else (w.HIDDEN[:1],):
            sizes = [world.features, *hidden, world.outputs]
            by_role: dict[str, Any] = {
                "sizes": sizes, "size_in": world.features, "size_hidden": w.HIDDEN[0], "size_out": world.outputs,
                "inputs": world.X, "targets": world.Y, "count": world.rows if world.X is not None else 1,
            }  # fmt: skip
            state = np.random.get_state()  # noqa: NPY002 - theirs may seed the generator of the process
            try:
                made = called(function, arguments(function, {}, by_role))
            except Exception:  # noqa: BLE001, S112 - a stranger's function may fail in any way
                continue
            finally:
                np.random.set_state(state)  # noqa: NPY002 - the same
            made = w.redrawn(made)
            if isinstance(made, Mapping):
                if way == "whole" or all(n in made for n in names):
                    yield made
            elif way != "whole" and isinstance(made, tuple):
                told = returned_names(function)
                if len(told) == len(made) and all(told):
                    by_name = {plain(str(n)): value for n, value in zip(told, made, strict=True)}
                    if all(plain(n) in by_name for n in names):
                        yield {n: by_name[plain(n)] for n in names}
                        continue
                if len(made) == len(names):
                    yield dict(zip(names, made, strict=True))
            elif way == "whole":
                yield made
            elif isinstance(made, np.ndarray) and len(names) == 1:
                yield {names[0]: made}
