"""Networks, layers and activations written as classes."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, final

import numpy as np

from thalweg.check.subjects.gradients import worlds as w
from thalweg.check.subjects.gradients.binding import arguments, called, needed, parameters, roles
from thalweg.check.subjects.gradients.holding import Holder
from thalweg.check.subjects.gradients.known import KNOWN
from thalweg.check.subjects.gradients.layers import weights_of
from thalweg.check.subjects.gradients.names import part, role
from thalweg.check.subjects.gradients.passing import both, laid_beside, take
from thalweg.check.subjects.gradients.reading import Given, NotThisWayError, Reading

Function = Callable[..., Any]


_FORWARD = ("predict", "call", "output", "function", "propagate", "activate")


def _errors_of(out: Any) -> Any:
    """Return errors for what came out; a loss that a layer gives takes 1."""
    return weights_of(out) if isinstance(out, np.ndarray) else 1.0


def methods_of(kind: type) -> dict[str, str]:
    """Return the methods of a class that have a part in a gradient, with that part."""
    found: dict[str, str] = {}
    for name, value in inspect.getmembers(kind):
        if name == "__call__" and inspect.isfunction(value):
            found[name] = "forward"
        elif not name.startswith("__") and (inspect.isfunction(value) or inspect.ismethod(value)):
            said = part(name) or (
                "forward" if name in ("predict", "call", "output", "function", "propagate", "activate") else ""
            )
            if said in ("forward", "cost", "backward"):
                found[name] = said
    return found


def built(kind: type, world: w.World) -> Iterator[Any]:
    """Yield objects of a class, made with arguments that fit a world."""
    hidden = w.HIDDEN[0]
    ends = world.features, world.outputs
    for sizes in ([ends[0], hidden, ends[1]], [ends[0], *w.HIDDEN[:2], ends[1]]):
        by_role: dict[str, Any] = {
            "sizes": sizes, "size_in": world.features, "size_hidden": hidden, "size_out": world.outputs,
            "inputs": world.X, "targets": world.Y, "count": world.rows, "rate": w.RATE, "penalty": w.PENALTY,
        }  # fmt: skip
        weights = w.drawn({"W": (world.features, world.outputs), "b": (world.outputs,)})
        state = np.random.get_state()  # noqa: NPY002 - a constructor may draw from it
        asked = {name: by_role[name] for name in ("penalty", "rate") if name in roles(kind).values()}
        given = {name: value for name, value in by_role.items() if name not in ("penalty", "rate")} | asked
        try:
            yield called(kind, arguments(kind, weights, given))
        except Exception:  # noqa: BLE001, S112 - a stranger's constructor may fail in any way
            continue
        finally:
            np.random.set_state(state)  # noqa: NPY002 - the same
        if not any(told == "sizes" for told in roles(kind).values()):
            return


@final
@dataclass(eq=False)
class ObjectRun:
    """An object's methods with data, as functions of its parameters.

    The attributes are also what the gradient's doctor sees of it: names of arrays and numbers.
    """

    holder: Holder
    cost: str
    backward: str
    forward: str
    outer_cost: Function | None
    X: Any
    Y: Any
    by_role: dict[str, Any]
    takes_input: bool = False
    upstream: bool = False
    averaged: bool = False
    lambd: float = field(init=False)

    def __post_init__(self) -> None:
        self.lambd = float(self.by_role.get("penalty", 0.0))

    def _start(self, x: Mapping[str, Any]) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        made = self.holder.copied({k: v for k, v in x.items() if k in self.holder.paths})
        known = {k: v for k, v in x.items() if k in self.holder.paths}
        by_role = dict(self.by_role)
        if self.takes_input:
            by_role["inputs"] = x["input"]
        if self.forward:
            method = getattr(made, self.forward)
            given = self._arguments(method, known, by_role)
            result = called(method, given)
            if result is None:  # it keeps what came out
                kept = [value for name, value in vars(made).items() if role(name) == "output" and value is not None]
                by_role |= {"output": kept[-1]} if kept else {}
            else:
                take(result, method, known, by_role)
        return made, known, by_role

    def _arguments(self, method: Function, known: Mapping[str, Any], by_role: Mapping[str, Any]) -> dict[str, Any]:
        own = needed(method)
        if self.takes_input and len(own) == 1 and method.__name__ == self.forward:
            return {own[0]: by_role["inputs"]}
        return arguments(method, {}, {**by_role, "parameters": known})

    def value(self, x: Mapping[str, Any]) -> Any:
        """Return the loss, or the weighted sum of what comes out."""
        made, known, by_role = self._start(x)
        if self.upstream:
            out = by_role["output"]
            return np.sum(_errors_of(out) * out)
        if self.cost:
            method = getattr(made, self.cost)
            result = called(method, self._arguments(method, known, by_role))
            return both(result, method)[0] if isinstance(result, tuple) else result
        if self.outer_cost is not None:
            return np.sum(called(self.outer_cost, arguments(self.outer_cost, {}, by_role)))
        method = getattr(made, self.backward)
        return both(called(method, self._arguments(method, known, by_role)), method)[0]

    def gradient(self, x: Mapping[str, Any]) -> Any:
        """Return the gradients: returned, kept by the object, or read off what an update moved."""
        made, known, by_role = self._start(x)
        if self.cost and self.cost != self.backward:
            method = getattr(made, self.cost)
            called(method, self._arguments(method, known, by_role))  # it may keep what the backward pass needs
        method = getattr(made, self.backward)
        if self.upstream:
            by_role["upstream"] = _errors_of(by_role["output"])
            own = needed(method)
            if len(own) == 1 and role(own[0]) != "upstream":
                result = called(method, {own[0]: by_role["upstream"]})
            else:
                result = called(method, self._arguments(method, known, by_role))
        else:
            result = called(method, self._arguments(method, known, by_role))
        return self._gathered(made, method, result, x)

    def _gathered(self, made: Any, method: Function, result: Any, x: Mapping[str, Any]) -> Any:
        held = [k for k in x if k in self.holder.paths]
        found: dict[str, Any] = {}
        if (not self.cost and self.outer_cost is None and not self.upstream) or (
            isinstance(result, tuple) and self.cost == self.backward
        ):
            result = both(result, method)[1]
        if self.takes_input:
            by_key = result.get("dx") if isinstance(result, Mapping) else result
            found["input"] = result[0] if isinstance(result, tuple) else by_key
            if isinstance(result, tuple) and len(result) == len(held) + 1:
                found |= laid_beside(result[1:], method, {k: x[k] for k in held}) if held else {}
        elif result is not None and not (isinstance(result, np.ndarray) and len(held) != 1):
            found |= self._by_path(laid_beside(result, method, self._structure(x)), held)
        missing = [k for k in held if found.get(k) is None]
        if missing:
            found |= {k: v for k, v in self.holder.left(made).items() if k in missing}
        missing = [k for k in held if found.get(k) is None]
        if missing:
            moved = self.holder.moved(made, {k: x[k] for k in held}, w.RATE)
            found |= {k: v for k, v in (moved or {}).items() if k in missing}
        if not any(value is not None for value in found.values()):
            raise NotThisWayError("no gradient is returned, kept or descended on")
        if self.averaged:
            rows = len(x["input"]) if "input" in x else self.by_role.get("count", 1)
            found = {k: v if k == "input" or v is None else np.asarray(v) * rows for k, v in found.items()}
        return found

    def _structure(self, x: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as the object groups them: lists of weights and of biases."""
        grouped: dict[str, Any] = {}
        for name in x:
            path = self.holder.paths.get(name)
            if path is None:
                continue
            if len(path) == 2 and isinstance(path[1], int):
                grouped.setdefault(path[0], []).append(x[name])
            else:
                grouped[name] = x[name]
        return grouped

    def _by_path(self, found: Any, held: list[str]) -> dict[str, Any]:
        if not isinstance(found, Mapping):
            return {held[0]: found} if len(held) == 1 else dict(zip(held, found, strict=False))
        flat: dict[str, Any] = {}
        for name in held:
            path = self.holder.paths[name]
            hit = found.get(name)
            if hit is None and len(path) == 2 and isinstance(path[1], int) and path[0] in found:
                hit = found[path[0]][path[1]]
            flat[name] = hit
        return flat


# -- the ways to put one to the test


def object_readings(kind: type, instances: list[Any], text: str, outer: list[Function]) -> Iterator[Reading]:
    """Yield the ways to test a class: as a network with its loss, else as a layer.

    Parameters
    ----------
    kind : type
    instances : list
        Objects of the class that the file made.
    text : str
        Of the file.
    outer : list of callable
        Losses of a prediction that the file has beside the class.
    """
    told = methods_of(kind)
    costs = [name for name, said in told.items() if said == "cost"]
    forwards = [name for name, said in told.items() if said == "forward"]
    backwards = [name for name, said in told.items() if said == "backward"] or costs
    for backward in sorted(backwards, key=lambda name: (len(name), name)):
        own = [name for name in parameters(getattr(kind, backward)) if name != "self"]
        said = {role(name) for name in own}
        is_layer = "upstream" in said or (len(own) == 1 and not said & {"inputs", "targets", "output"})
        if is_layer and forwards:
            yield from _as_layer(kind, backward, forwards[0])
        else:
            yield from _as_network(kind, instances, backward, costs, forwards, text, outer)


def _as_network(
    kind: type, instances: list[Any], backward: str, costs: list[str], forwards: list[str], text: str,
    outer: list[Function],
) -> Iterator[Reading]:  # fmt: skip
    gives_both = backward in costs
    all_worlds = w.worlds(text)
    plain = next(built(kind, all_worlds[0]), None)
    own_ends = w.ends_of(Holder(plain).parameters()) if plain is not None else []
    if own_ends and plain is not None and not needed(kind):  # lengths that the class has set
        all_worlds = [world for ends in own_ends for world in w.worlds(text, ends)]
    for world in all_worlds:
        by_role: dict[str, Any] = {
            "inputs": world.X, "targets": world.Y, "count": world.rows, "rate": w.RATE, "keep": 1.0, "drop": 0.0,
            "penalty": w.PENALTY,
        }  # fmt: skip
        tier = 2 if world.layout == "one" else 1
        for thing in [*instances, *built(kind, world)]:
            holder = Holder(thing)
            x = w.redrawn(holder.parameters())
            if not x:
                x = _lazily(thing, world)
                holder = Holder(thing)
            if not x:
                continue
            _steady(thing)
            named = {**x, "X": world.X, "y": world.Y}
            given = tuple(Given(name, np.shape(value), "made") for name, value in named.items())
            for cost, forward in product([c for c in costs if c != backward] or [""], [*forwards[:2], ""]):
                beside: list[tuple[str, Function | None]] = [("", None)]
                if not cost and not gives_both:
                    beside += [("", f) for f in outer] or (KNOWN if forward else ())
                for told, outer_cost in beside:
                    run = ObjectRun(holder, cost, backward, forward, outer_cost, world.X, world.Y, by_role)
                    yield Reading(run.value, run.gradient, x, given, tier, "known_loss" if told else "", told)


def _lazily(thing: Any, world: w.World) -> dict[str, Any]:
    """Give an object the parameters that it would get when it is fitted: attributes that it starts as None."""
    nothing: tuple[Any, ...] = (None, [], 0)
    unmade = [name for name, value in vars(thing).items() if not isinstance(value, np.ndarray) and value in nothing]
    empty = [name for name in unmade if role(name) in ("piece", "parameters")]
    for like in w.shapes(empty, world):
        made = w.drawn(like)
        for name, value in made.items():
            setattr(thing, name, value)
        return made
    return {}


def _steady(thing: Any) -> None:
    """Set an object's own learning rate to 1, so that what an update moves is the gradient."""
    for name in list(vars(thing)):
        if role(name) == "rate" and isinstance(getattr(thing, name), float):
            setattr(thing, name, w.RATE)


def _as_layer(kind: type, backward: str, forward: str) -> Iterator[Reading]:
    rng = np.random.default_rng(41)
    for shape in ((7, 4), (4, 7), (4, 1), (1, 4), (7,), (2, 3, 4, 4)):
        turned = shape[0] == 4
        world = w.World("columns" if turned else "rows", rng.normal(size=shape), None, 4, 3, "real")
        makings = list(built(kind, world))
        if turned:
            with contextlib.suppress(Exception):  # a stranger's constructor may fail in any way
                makings.append(called(kind, arguments(kind, w.drawn({"W": (3, 4), "b": (3, 1)}), {})))
        for thing in makings:
            holder = Holder(thing)
            _steady(thing)
            x = {"input": world.X, **w.redrawn(holder.parameters())}
            by_role: dict[str, Any] = {"rate": w.RATE, "count": world.rows if len(shape) > 1 else 1, "inputs": world.X}
            given = tuple(Given(name, np.shape(value), "made") for name, value in x.items())
            tier = 2 if 1 in shape or len(shape) == 1 else 1
            for averaged in (False, True) if len(x) > 1 else (False,):
                run = ObjectRun(
                    holder, "", backward, forward, None, world.X, None, by_role,
                    takes_input=True, upstream=True, averaged=averaged,
                )  # fmt: skip
                yield Reading(run.value, run.gradient, x, given, tier, "averaged" if averaged else "")
