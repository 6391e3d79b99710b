"""Whole models written as functions: a forward pass, a cost and a backward pass, or fewer that do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from types import MethodType
from typing import Any, final

import numpy as np

from thalweg.check.subjects.gradients import worlds as w
from thalweg.check.subjects.gradients.binding import (
    UnboundError,
    arguments,
    called,
    choices_of,
    needed,
    parameters,
    returned_names,
    roles,
    unpacked,
)
from thalweg.check.subjects.gradients.known import KNOWN
from thalweg.check.subjects.gradients.names import plain, role
from thalweg.check.subjects.gradients.passing import both, laid_beside, take
from thalweg.check.subjects.gradients.points import initialised, made_points, numeric, own_points
from thalweg.check.subjects.gradients.reading import Given, Reading

Function = Callable[..., Any]


@final
@dataclass(frozen=True, eq=False)
class Model:
    """Functions that belong together.

    Parameters
    ----------
    cost : callable or None
        Gives the loss; None where ``backward`` gives both.
    backward : callable
        Gives the gradient.
    forward : callable or None
        Gives what the other two are called with.
    """

    cost: Function | None
    backward: Function
    forward: Function | None = None

    @property
    def members(self) -> tuple[Function, ...]:
        """The functions, each once."""
        return tuple(dict.fromkeys(f for f in (self.forward, self.cost, self.backward) if f is not None))

    def takes(self, *wanted: str) -> list[str]:
        """Return the names of arguments with one of these roles, over all functions."""
        found = {name: None for f in self.members for name, told in roles(f).items() if told in wanted}
        return list(found)

    def ways(self) -> list[tuple[str, list[str]]]:
        """Return how the parameters may be handed over, with the names."""
        first = self.variables()
        if first[0] != "inputs":
            return [first]
        return [first, ("point", list(dict.fromkeys(n for f in self.members for n in needed(f))))]  # f(x, y)

    def variables(self) -> tuple[str, list[str]]:
        """Return how the parameters are handed over, and the names: as one structure, as pieces, or as globals."""
        whole = [name for name in self.takes("parameters") if self._is_handed_in(name)]
        if whole:
            return "whole", whole
        pieces = [name for name in self.takes("piece") if self._is_handed_in(name)]
        if pieces:
            return "pieces", pieces
        seen = {name: None for f in self.members for name in _globals_of(f)}
        if seen and self.takes("inputs", "targets"):
            return "globals", list(seen)
        inputs = self.takes("inputs", "output")
        if len(inputs) == 1 and self.takes("targets"):
            return "inputs", inputs
        alone = [name for f in (self.cost or self.backward, self.backward) for name in needed(f)]
        others = ("targets", "cache", "upstream")
        return "point", list(dict.fromkeys(name for name in alone if role(name) not in others))

    def _is_handed_in(self, name: str) -> bool:
        """Tell whether an argument is the caller's to give, not one that the forward pass gives."""
        if self.forward is None or name in parameters(self.forward):
            return True
        made = {plain(given) for given in returned_names(self.forward) if given}
        return plain(name) not in made


def _globals_of(function: Function) -> list[str]:
    """Return the names of a function's globals that hold parameters."""
    scope, code = getattr(function, "__globals__", {}), getattr(function, "__code__", None)
    return [
        name
        for name in (code.co_names if code else ())
        if role(name) in ("piece", "parameters") and isinstance(scope.get(name), (float, dict, np.ndarray))
    ]


@final
@dataclass(eq=False)
class Run:
    """A model with its data, as functions of its parameters.

    The attributes are also what the gradient's doctor sees of it: names of arrays and numbers.
    """

    model: Model
    way: str
    names: list[str]
    X: Any
    Y: Any
    by_role: dict[str, Any]
    by_name: dict[str, Any]
    alone: bool = False
    cost: Function | None = field(init=False)
    backward: Function = field(init=False)
    forward: Function | None = field(init=False)
    lambd: float = field(init=False)
    keep_prob: float = field(init=False)

    def __post_init__(self) -> None:
        self.cost, self.backward, self.forward = self.model.cost, self.model.backward, self.model.forward
        self.lambd, self.keep_prob = self.by_role.get("penalty", 0.0), self.by_role.get("keep", 1.0)

    def value(self, x: Any) -> Any:
        """Return the cost at ``x``."""
        known, by_role = self._passed(x)
        if self.cost is None:
            result = called(self.backward, arguments(self.backward, known, by_role))
            return both(result, self.backward)[0]
        if self.forward is not None and self.cost is self.forward:
            return known["the cost"]
        result = called(self.cost, arguments(self.cost, known, by_role))
        if isinstance(result, tuple):
            return both(result, self.cost)[0]
        return result

    def gradient(self, x: Any) -> Any:
        """Return the gradient at ``x``, in a structure that can be laid beside it."""
        known, by_role = self._passed(x)
        result = called(self.backward, arguments(self.backward, known, by_role))
        return laid_beside(both(result, self.backward)[1] if self.cost is None else result, self.backward, x)

    def _passed(self, x: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is known after the forward pass, by name and by role."""
        known, by_role = dict(self.by_name), dict(self.by_role)
        if self.way == "globals":
            for name, value in x.items():
                self.backward.__globals__[name] = value
        elif self.way == "whole":
            x = x[self.names[0]] if self.alone else x
            by_role["parameters"] = x
            if isinstance(x, Mapping):
                known |= {str(key): value for key, value in x.items() if role(str(key)) == "piece"}
            elif isinstance(x, (list, tuple)) and len(x) == len(self.by_name.get("the names", ())):
                known |= dict(zip(self.by_name["the names"], x, strict=True))
        elif isinstance(x, Mapping):
            known |= x
        else:
            known[self.names[0]] = x
        if self.forward is None or not self._needs_forward(known, by_role):
            return known, by_role
        result = called(self.forward, arguments(self.forward, known, by_role))
        take(result, self.forward, known, by_role)
        return known, by_role

    def _needs_forward(self, known: dict[str, Any], by_role: dict[str, Any]) -> bool:
        if self.forward is self.cost:
            return True
        for function in (self.cost, self.backward):
            if function is not None:
                try:
                    arguments(function, known, by_role)
                except UnboundError:
                    return True
        return False


# -- the ways to put one to the test


def readings(model: Model, scope: Mapping[str, Any], text: str, at: Any = None, at_name: str = "") -> Iterator[Reading]:
    """Yield the ways in which a model can be put to the test: the file's own data first, then made ones."""
    for way, names in model.ways():
        yield from _one_way(model, way, names, scope, text, at, at_name)


def readings_by_known_losses(
    backward: Function, forward: Function | None, scope: Mapping[str, Any], text: str, at: Any = None, at_name: str = ""
) -> Iterator[Reading]:
    """Yield the ways to test a backward pass that descends on a loss which the file does not write down."""
    for way in readings(Model(KNOWN[0][1], backward, forward), scope, text, at, at_name):
        run = way.fun.__self__ if isinstance(way.fun, MethodType) else None
        if way.tier != 1 or not isinstance(run, Run):
            continue
        for told, loss in KNOWN:
            same = replace(run, model=Model(loss, backward, forward))
            yield replace(way, fun=same.value, grad=same.gradient, form="known_loss", told=told)
            try:
                run.value(way.x)
            except Exception:  # noqa: BLE001 - what fails with one loss fails with all
                break


def _one_way(
    model: Model, way: str, names: list[str], scope: Mapping[str, Any], text: str, at: Any, at_name: str
) -> Iterator[Reading]:
    takes_data = bool(model.takes("inputs", "targets")) and way != "point"
    own = list(own_worlds(model, scope)) if takes_data else []
    sized = bool(model.takes("size_hidden"))
    blank = w.World("rows", None, None, w.FEATURES, 1, "real")
    made = w.worlds(text) if takes_data else [blank]
    fixed = [*own_points(way, names, scope), *((x, ()) for x in initialised(way, names, scope, blank))]
    own_ends = list(dict.fromkeys(ends for x, _ in fixed for ends in w.ends_of(x))) if takes_data else []
    if own_ends:  # lengths that the file has set
        made = [world for ends in own_ends for world in w.worlds(text, ends)]
    shape = np.shape(at) if numeric(at) else ()
    asked: list[tuple[Any, tuple[Given, ...]]] = [] if at is None else [(at, (Given(at_name, shape, "asked"),))]
    for world in (*own, *made):
        if way == "inputs" and (world.own or world.layout == "one"):
            continue
        points = asked or [*own_points(way, names, scope), *made_points(model.members, sized, way, names, scope, world)]
        for (x, given), more, extras in product(points, _choices(model), _extras(model)):
            if x is None:
                continue
            by_role = {"inputs": world.X, "targets": world.Y, **extras} if takes_data else dict(extras)
            by_role |= {"count": world.rows, "rate": w.RATE} if world.X is not None else {}
            sizes = (world.features, w.HIDDEN[0], world.outputs)
            by_role |= dict(zip(("size_in", "size_hidden", "size_out"), sizes, strict=True))
            by_role["sizes"] = list(sizes)
            by_name: dict[str, Any] = dict(more)
            if way == "whole" and isinstance(x, (list, tuple)):
                by_name["the names"] = next((u for f in model.members for u in [unpacked(f, names[0])] if u), ())
            alone = way == "whole" and isinstance(x, np.ndarray)
            if alone:
                x = {names[0]: x}  # noqa: PLW2901 - so that the block has the name that it has in the file
            run = Run(model, way, names, world.X, world.Y, by_role, by_name, alone)
            tier = 0 if world.own else 2 if world.layout == "one" else 1
            yield Reading(run.value, run.gradient, x, (*given, *_given(world, model, takes_data)), tier)


def _given(world: w.World, model: Model, takes_data: bool) -> tuple[Given, ...]:
    if not takes_data:
        return ()
    if world.own:
        return tuple(Given(n, np.shape(v), "file") for n, v in zip(world.own, (world.X, world.Y), strict=True))
    named = [(next(iter(model.takes("inputs")), ""), world.X), (next(iter(model.takes("targets")), ""), world.Y)]
    return tuple(Given(name, np.shape(value), "made") for name, value in named if name)


def _choices(model: Model) -> list[dict[str, str]]:
    """Return the texts that arguments may be given, such as which activation."""
    free = {
        name: choices_of(f, name)
        for f in model.members
        for name in needed(f)
        if role(name) == "" and choices_of(f, name)
    }
    return [dict(zip(free, each, strict=True)) for each in product(*free.values())]


def _extras(model: Model) -> list[dict[str, float]]:
    """Return strengths of penalties and dropout: those that both passes take, or none."""
    found: dict[str, float] = {}
    both = [f for f in (model.cost, model.backward) if f is not None]
    if all("penalty" in roles(f).values() for f in both):
        found["penalty"] = w.PENALTY
    elif any(role(name) == "penalty" for f in both for name in needed(f)):
        found["penalty"] = 0.0
    forward = model.forward if model.forward is not None else both[0]
    for name, on, off in (("keep", w.KEEP, 1.0), ("drop", 1 - w.KEEP, 0.0)):
        takers = [f for f in (forward, model.backward) if name in roles(f).values()]
        if forward in takers:
            found[name] = on
        elif takers:
            found[name] = off
    return [found]


MOST_ROWS = 40


def own_worlds(model: Model, scope: Mapping[str, Any]) -> Iterator[w.World]:
    """Yield the data of the file itself: names that the functions' arguments have, or that mean the same."""
    arrays = {
        name: value
        for name, value in scope.items()
        if not name.startswith("_") and isinstance(value, (np.ndarray, list)) and _numbers(value)
    }
    inputs = [name for name in arrays if name in model.takes("inputs")] or [n for n in arrays if role(n) == "inputs"]
    targets = [name for name in arrays if name in model.takes("targets")] or [n for n in arrays if role(n) == "targets"]
    for x_name, y_name in product(inputs[:2], targets[:2]):
        X, Y = arrays[x_name], arrays[y_name]
        a, b = np.asarray(X), np.asarray(Y)
        if a.ndim == 1 and b.ndim == 1 and a.shape == b.shape:
            yield w.World("line", X, Y, 1, 1, "own", (x_name, y_name))
            return
        if a.ndim == 2 and b.ndim and len(a) == len(b) and (a.shape != b.shape or len(a) > a.shape[1]):
            if a.size > 2000 and isinstance(X, np.ndarray):
                X, Y = X[:MOST_ROWS], Y[:MOST_ROWS]
            wide = b.shape[1] if b.ndim == 2 else _classes(b)
            yield w.World("rows", X, Y, a.shape[1], wide, "own", (x_name, y_name))
            return
        if a.ndim == 2 and b.ndim and a.shape[-1] == b.shape[-1]:
            if a.size > 2000:
                X, Y = a[:, :MOST_ROWS], b[..., :MOST_ROWS]
            yield w.World("columns", X, Y, a.shape[0], b.shape[0] if b.ndim == 2 else 1, "own", (x_name, y_name))
            return


def _classes(labels: Any) -> int:
    """Return how many outputs labels ask for: one for two classes or for real targets."""
    many = len(np.unique(labels))
    return many if labels.dtype.kind in "iu" and many > 2 else 1


def _numbers(value: Any) -> bool:
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.dtype.kind in "fiub" and 0 < array.ndim <= 2 and array.size > 1
