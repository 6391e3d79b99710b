"""How code is brought to make one step: called, made into an object first, built by another function, or resumed."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.held import Held
from thalweg.check.subjects.signature import EMPTY, NUMBERS, Argument, Signature
from thalweg.check.subjects.stage import Dial, Stage, Unanswerable


@dataclass(frozen=True, eq=False)
class Actor(ABC):
    """Something that makes steps.

    Parameters
    ----------
    signature : Signature
        Of what is called at every step.
    beginning : Beginning
        What it finds at a fresh start.
    pre, post : tuple of str
        Methods without arguments that are called before and after the calls of a step.
    """

    signature: Signature
    beginning: Beginning
    pre: tuple[str, ...] = field(default=(), kw_only=True)
    post: tuple[str, ...] = field(default=(), kw_only=True)

    def begin(self, stage: Stage) -> None:
        """Make a fresh start on a stage."""
        self.beginning.restore()
        self._begin(stage)

    @abstractmethod
    def _begin(self, stage: Stage) -> None: ...

    def step(self, stage: Stage, part: int) -> Any:
        """Make one call of a step."""
        return self._step(stage, part)

    def _step(self, stage: Stage, part: int) -> Any:
        call = stage.call or self.signature.function
        values = stage.values(self.signature, part)
        if self.signature.positional:
            ordered = [value for name, value in values.items() if name in self.signature.positional]
            named = {name: value for name, value in values.items() if name not in self.signature.positional}
            return call(*ordered, **named)
        return call(**values)

    def around(self, stage: Stage, calls: Callable[[], list[Any]]) -> list[Any]:
        """Make the calls of a step, with what comes before and after them."""
        for name in self.pre:
            getattr(stage.instance, name)()
        results = calls()
        for name in self.post:
            getattr(stage.instance, name)()
        return results

    def leave(self) -> None:
        """Put everything back as it was."""
        self.beginning.leave()


@final
@dataclass(frozen=True, eq=False)
class FunctionActor(Actor):
    """A function that is called at every step, perhaps with a companion that makes its memory."""

    companion: Signature | None = None

    def _begin(self, stage: Stage) -> None:
        stage.call = self.signature.function
        for space in self.beginning.spaces:
            _fit_zeros(stage, space, self.beginning.names())
        _turn_globals(stage, self.beginning, self.signature)
        if self.companion is not None:
            for part in range(stage.arrangement.parts):
                made = self.companion.called(stage.values(self.companion, part))
                _remember(stage, part, self.signature, self.companion, made)


@final
@dataclass(frozen=True, eq=False)
class ObjectActor(Actor):
    """A class: an object is made of it, and a method is called at every step."""

    maker: Signature | None = None
    instance: Any = None
    method: str = "step"
    setup: Signature | None = None
    setup_name: str = ""

    def _begin(self, stage: Stage) -> None:
        if self.maker is None:
            stage.instance = deepcopy(self.instance)
        else:
            stage.instance = self.maker.called(stage.values(self.maker, making=True))
        if not isinstance(stage.arrangement, Held):
            _fit_zeros(stage, getattr(stage.instance, "__dict__", {}))
        stage.call = getattr(stage.instance, self.method)
        if self.setup is not None:
            made = getattr(stage.instance, self.setup_name)(**stage.values(self.setup))
            if made is not None and made is not stage.instance:
                _remember(stage, 0, self.signature, self.setup, made)
        if isinstance(stage.arrangement, Held):
            stage.arrangement.put(stage.instance, stage.arrays)
        _turn_globals(stage, self.beginning, self.signature)
        _turn_attributes(stage, self.maker)

    def _step(self, stage: Stage, part: int) -> Any:
        if isinstance(stage.arrangement, Held):
            stage.arrangement.put_slopes(stage.instance, stage.grads[part])
        return super()._step(stage, part)


@final
@dataclass(frozen=True, eq=False)
class FactoryActor(Actor):
    """A function that returns the update: ``make_adam(lr) -> update``, or several functions that belong together."""

    factory: Signature
    pick: int | None = None
    companion: Signature | None = None
    companion_pick: int | None = None

    def _begin(self, stage: Stage) -> None:
        made = self.factory.called(stage.values(self.factory, making=True))
        stage.memory = [{} for _ in stage.memory]  # what the factory was given is no argument of the step
        functions = list(made.values()) if isinstance(made, Mapping) else made
        stage.call = made if self.pick is None else functions[self.pick]
        _turn_cells(stage)
        if self.companion is not None and self.companion_pick is not None:
            state = functions[self.companion_pick](**stage.values(self.companion))
            _remember(stage, 0, self.signature, self.companion, state)


@final
@dataclass(frozen=True, eq=False)
class GeneratorActor(Actor):
    """A generator that is sent gradients and gives back parameters or steps."""

    running: list[Any] = field(default_factory=list)

    def _begin(self, stage: Stage) -> None:
        stage.dials.clear()
        made = self.signature.called(stage.values(self.signature, making=True))
        self.running[:] = [made]
        next(made)

    def _step(self, stage: Stage, part: int) -> Any:
        return self.running[0].send(stage.grads[part])


def _remember(stage: Stage, part: int, signature: Signature, maker: Signature, made: Any) -> None:
    """Give memory that a companion made to the arguments that are for it, by name, else in order."""
    wanted = [a for a in signature.arguments if a.role in (words.MEMORY, words.CONFIG) or _open(a)]
    if len(wanted) == 1:
        stage.memory[part][wanted[0].name] = made
        return
    names = next((names for names in maker.anatomy.returned if isinstance(made, tuple | list)), [])
    if isinstance(made, Mapping):
        names, made = list(made), list(made.values())
    if not isinstance(made, tuple | list):
        return
    slots = {a.name for a in signature.arguments}
    if len(names) == len(made) and set(names) & {a.name for a in wanted}:
        stage.memory[part].update({n: v for n, v in zip(names, made, strict=True) if n in slots})
    elif len(made) == len(wanted):
        stage.memory[part].update({a.name: v for a, v in zip(wanted, made, strict=True)})
    else:
        counts = [a for a in signature.arguments if a.role in (words.MEMORY, words.COUNT, words.CONFIG)]
        if len(made) == len(counts):
            stage.memory[part].update({a.name: v for a, v in zip(counts, made, strict=True)})


def _fit_zeros(stage: Stage, space: dict[str, Any], names: Iterable[str] | None = None) -> None:
    """Let memory that was made for parameters of other shapes, and is still zero, have the shapes of the tape.

    What is one object under two names stays one: that two averages share their memory is a mistake to be seen.
    """
    fitted: dict[int, Any] = {}
    for name in (set(names) & set(space)) if names is not None else list(space):
        value = space[name]
        if isinstance(value, np.ndarray) and value.ndim and _is_zero(value):
            space[name] = fitted.setdefault(id(value), _zeros_like(stage, 0, value))
        elif isinstance(value, list) and value and all(_is_zero(one) for one in value):
            value[:] = [_zeros_like(stage, k, one) for k, one in enumerate(value)]
        elif isinstance(value, dict) and value and all(_is_zero(one) for one in value.values()):
            names_held = stage.params[0] if isinstance(stage.params[0], dict) else {}
            for key, one in list(value.items()):
                known = words.stem(str(key), [str(k) for k in names_held])
                value[key] = np.zeros_like(names_held[known]) if known in names_held else one


def _is_zero(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0 and not np.any(value)


def _zeros_like(stage: Stage, index: int, value: Any) -> Any:
    shapes = stage.arrangement.shapes
    if index >= len(shapes) or stage.arrangement.single or value.shape in shapes or value.shape[1:] in shapes:
        return value
    return np.zeros(shapes[index])


def _open(argument: Argument) -> bool:
    return argument.role is None and argument.required


def _turn(stage: Stage, holder: Any, name: str, base: Any) -> None:
    stage.dials.append(Dial(holder, name, float(base)))
    stage.used.setdefault(words.RATE, float(base))


def _is_rate(stage: Stage, name: str, value: Any) -> bool:
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    return number and (name == stage.rate_name or (stage.rate_name is None and words.role_of(name) == words.RATE))


def _turn_attributes(stage: Stage, maker: Signature | None) -> None:
    """Find the learning rates among an object's attributes, and what other numbers it holds."""
    held = getattr(stage.instance, "__dict__", {})
    others = {a.name for a in maker.arguments if a.role != words.RATE} if maker is not None else set()
    for name, value in list(held.items()):
        if _is_rate(stage, name, value) and name.strip("_") not in others:  # alpha beside lr is a decay
            _turn(stage, stage.instance, name, value)
        for inner, numbers in _settings(value):
            for key, number in numbers:
                if isinstance(key, str) and _is_rate(stage, key, number):
                    _turn(stage, inner, key, number)


def _settings(value: Any) -> Iterator[tuple[Any, list[tuple[Any, Any]]]]:
    """Yield what in an attribute holds settings, hyperparameters or groups of parameters, with what is in it."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one, list(one.items())
        elif type(one).__module__ not in ("builtins", "numpy") and not callable(one):
            yield one, list(getattr(one, "__dict__", {}).items())


def _turn_globals(stage: Stage, beginning: Beginning, signature: Signature) -> None:
    """Find the learning rate among the globals that a function reads, where it is no argument."""
    if signature.has(words.RATE):
        return
    names = beginning.names()
    for space in beginning.spaces:
        for name in names & set(space):
            value = space[name]
            if _is_rate(stage, name, value):
                _turn(stage, space, name, value)
            for inner, numbers in _settings(value) if words.role_of(name) == words.CONFIG else ():
                for key, number in numbers:
                    if isinstance(key, str) and _is_rate(stage, key, number):
                        _turn(stage, inner, key, number)
    _turn_cells(stage)


def _turn_cells(stage: Stage) -> None:
    """Find the learning rate in the closure of what is called."""
    call = inspect.unwrap(stage.call) if stage.call is not None else None
    call = getattr(call, "__func__", call)
    code = getattr(call, "__code__", None)
    for name, cell in zip(getattr(code, "co_freevars", ()), getattr(call, "__closure__", None) or (), strict=False):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if _is_rate(stage, name, value):
            _turn(stage, cell, "cell_contents", value)
        elif isinstance(value, float) and (role := words.role_of(name)) in NUMBERS:
            stage.used.setdefault(role or "", value)


__all__ = ["EMPTY", "Actor", "FactoryActor", "FunctionActor", "GeneratorActor", "ObjectActor", "Unanswerable"]
