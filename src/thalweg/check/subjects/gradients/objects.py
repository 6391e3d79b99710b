"""Networks, layers and activations written as classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, final

import numpy as np

from thalweg.check.subjects.gradients import worlds as w
from thalweg.check.subjects.gradients.binding import arguments, called, needed, roles
from thalweg.check.subjects.gradients.holding import Holder
from thalweg.check.subjects.gradients.names import part, role
from thalweg.check.subjects.gradients.passing import both, laid_beside, take
from thalweg.check.subjects.gradients.reading import Given, NotThisWayError, Reading

Function = Callable[..., Any]


def methods_of(kind: type) -> dict[str, str]:
    """Return the methods of a class that have a part in a gradient, with that part."""
    found: dict[str, str] = {}
    for name, value in inspect.getmembers(kind):
        if name == "__call__" and inspect.isfunction(value):
            found[name] = "forward"
        elif not name.startswith("__") and (inspect.isfunction(value) or inspect.ismethod(value)):
            said = part(name) or ("forward" if name in ("predict", "call", "output", "function") else "")
            if said in ("forward", "cost", "backward"):
                found[name] = said
    return found


def built(kind: type, world: w.World, scope: Mapping[str, Any]) -> Iterator[Any]:
    """Yield objects of a class, made with arguments that fit a world."""
    hidden = w.HIDDEN[0]
    for sizes in ([world.features, hidden, world.outputs], [world.features, *w.HIDDEN[:2], world.outputs], [world.features, world.outputs]):  # fmt: skip
        by_role: dict[str, Any] = {
            "sizes": sizes, "size_in": world.features, "size_hidden": hidden, "size_out": world.outputs,
            "inputs": world.X, "targets": world.Y, "count": world.rows, "rate": w.RATE, "penalty": w.PENALTY,
        }  # fmt: skip
        weights = w.drawn({"W": (world.features, world.outputs), "b": (world.outputs,)})
        state = np.random.get_state()  # noqa: NPY002 - a constructor may draw from it
        try:
            given = arguments(
                kind,
                weights,
                {k: v for k, v in by_role.items() if k not in ("penalty", "rate")} | _asked(kind, by_role),
            )
            yield called(kind, given)
        except Exception:  # noqa: BLE001 - a stranger's constructor may fail in any way
            continue
        finally:
            np.random.set_state(state)  # noqa: NPY002 - the same
        if not any(told == "sizes" for told in roles(kind).values()):
            return


def _asked(kind: type, by_role: Mapping[str, Any]) -> dict[str, Any]:
    """Return rate and penalty, where the constructor takes them."""
    told = roles(kind).values()
    return {name: by_role[name] for name in ("penalty", "rate") if name in told}


@final
@dataclass(eq=False)
class ObjectRun:
    """An object's methods with data, as functions of its parameters.

    The attributes are also what the gradient's doctor sees of it: names of arrays and numbers.
    """

    holder: Holder
    thing: Any
    cost: str
    backward: str
    forward: str
    outer_cost: Function | None
    X: Any
    Y: Any
    by_role: dict[str, Any]
    keys: list[str]
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
            take(called(method, given), method, known, by_role)
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
            return np.sum(self._weights(out) * out)
        if self.cost:
            method = getattr(made, self.cost)
            result = called(method, self._arguments(method, known, by_role))
            return both(result, method)[0] if isinstance(result, tuple) else result
        if self.outer_cost is not None:
            return np.sum(called(self.outer_cost, arguments(self.outer_cost, {}, by_role)))
        method = getattr(made, self.backward)
        return both(called(method, self._arguments(method, known, by_role)), method)[0]

    def _weights(self, out: Any) -> Any:
        if not isinstance(out, np.ndarray):
            return 1.0
        rng = np.random.default_rng(31)
        return rng.uniform(0.5, 2, out.shape) * np.where(np.arange(out.size).reshape(out.shape) % 3 == 1, -1, 1)

    def gradient(self, x: Mapping[str, Any]) -> Any:
        """Return the gradients: returned, kept by the object, or read off what an update moved."""
        made, known, by_role = self._start(x)
        if self.cost and self.cost != self.backward:
            method = getattr(made, self.cost)
            called(method, self._arguments(method, known, by_role))  # it may keep what the backward pass needs
        method = getattr(made, self.backward)
        if self.upstream:
            by_role["upstream"] = self._weights(by_role["output"])
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
            came = (
                result[0] if isinstance(result, tuple) else result.get("dx") if isinstance(result, Mapping) else result
            )
            found["input"] = came
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


def object_readings(kind: type, instances: list[tuple[str, Any]], scope: Mapping[str, Any], text: str, outer: list[Function]) -> Iterator[Reading]:  # fmt: skip
    """Yield the ways to test a class: as a network with its loss, else as a layer."""
    told = methods_of(kind)
    costs = [name for name, said in told.items() if said == "cost"]
    forwards = [name for name, said in told.items() if said == "forward"]
    backwards = [name for name, said in told.items() if said == "backward"] or costs
    for backward in sorted(backwards, key=lambda name: (len(name), name)):
        method = getattr(kind, backward)
        named = list(inspect.signature(method).parameters.values())
        own = [p.name for p in named if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        said = {role(name) for name in own}
        is_layer = "upstream" in said or (len(own) == 1 and not said & {"inputs", "targets", "output"})
        if is_layer and forwards:
            yield from _as_layer(kind, backward, forwards[0], scope)
            continue
        yield from _as_network(kind, instances, backward, costs, forwards, scope, text, outer)


def _as_network(
    kind: type, instances: list[tuple[str, Any]], backward: str, costs: list[str], forwards: list[str],
    scope: Mapping[str, Any], text: str, outer: list[Function],
) -> Iterator[Reading]:  # fmt: skip
    needs = {role(name) for f in (backward, *costs[:1]) for name in roles(getattr(kind, f)) if name != "self"}
    for world in w.worlds(text):
        things = [thing for _, thing in instances] if instances else list(built(kind, world, scope))
        things += list(built(kind, world, scope)) if instances else []
        for thing in things:
            holder = Holder(thing)
            x = w.redrawn(holder.parameters())
            if not x:
                x = _lazily(thing, world)
                if not x:
                    continue
                holder = Holder(thing)
            by_role = {
                "inputs": world.X,
                "targets": world.Y,
                "count": world.rows,
                "rate": w.RATE,
                "keep": 1.0,
                "drop": 0.0,
            }
            by_role["penalty"] = w.PENALTY
            _steady(thing)
            given = (*(Given(k, np.shape(v), "made") for k, v in x.items()), Given("X", np.shape(world.X), "made"), Given("y", np.shape(world.Y), "made"))  # fmt: skip
            tier = 2 if world.layout == "one" else 1
            for cost, forward in product([c for c in costs if c != backward] or [""], [*forwards[:2], ""]):
                options: list[Function | None] = (
                    [None] if cost or ("targets" in needs and backward in costs) else [None, *outer]
                )
                for outer_cost in options:
                    run = ObjectRun(holder, thing, cost, backward, forward, outer_cost, world.X, world.Y, by_role, [])
                    yield Reading(run.value, run.gradient, x, given, tier)


def _lazily(thing: Any, world: w.World) -> dict[str, Any]:
    """Give an object the parameters that it would get when it is fitted: attributes that it starts as None."""
    empty = [name for name, value in vars(thing).items() if value is None and role(name) in ("piece", "parameters")]
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


def _as_layer(kind: type, backward: str, forward: str, scope: Mapping[str, Any]) -> Iterator[Reading]:
    rng = np.random.default_rng(41)
    for shape, turned in (((7, 4), False), ((4, 7), True), ((4, 1), True), ((1, 4), False), ((7,), False), ((2, 3, 4, 4), False)):  # fmt: skip
        world = w.World("columns" if turned else "rows", rng.normal(size=shape), None, 4, 3, "real")
        makings = list(built(kind, world, scope))
        if turned:
            weights = w.drawn({"W": (3, 4), "b": (3, 1)})
            try:
                makings.append(called(kind, arguments(kind, weights, {})))
            except Exception:  # noqa: BLE001, S110 - a stranger's constructor may fail in any way
                pass
        for thing in makings:
            holder = Holder(thing)
            _steady(thing)
            x = {"input": world.X, **w.redrawn(holder.parameters())}
            by_role: dict[str, Any] = {"rate": w.RATE, "count": world.rows if len(shape) > 1 else 1}
            given = tuple(Given(k, np.shape(v), "made") for k, v in x.items())
            for averaged in (False, True) if len(x) > 1 else (False,):
                run = ObjectRun(
                    holder, thing, "", backward, forward, None, None, None, by_role, [], takes_input=True,
                    upstream=True, averaged=averaged,
                )  # fmt: skip
                tier = 2 if 1 in shape or len(shape) == 1 else 1
                yield Reading(run.value, run.gradient, x, given, tier, "averaged" if averaged else "")
