"""Functions that draw: found by calling them twice, and held still by giving every call the same random numbers."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, final

import numpy as np

ASKED = ("rng", "generator", "random_state", "seed")


def reachable(function: Any, depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Walk over the named values a function can see: its defaults, its closure, the globals it names, its object.

    Functions of the caller that it names are followed, ``depth`` deep.
    """
    seen: set[int] = set()
    waiting = [(function, depth)]
    while waiting:
        here, left = waiting.pop(0)
        if id(here) in seen or left < 0:
            continue
        seen.add(id(here))
        if isinstance(here, partial):
            waiting.append((here.func, left))
            named = {**{f"argument {k}": v for k, v in enumerate(here.args)}, **here.keywords}
        elif inspect.ismethod(here):
            waiting.append((here.__func__, left))
            named = dict(getattr(here.__self__, "__dict__", {}))
        elif inspect.isfunction(here):
            named = _seen_by(here)
        elif callable(here) and hasattr(here, "__dict__") and not isinstance(here, type):
            named = dict(vars(here))
            call = type(here).__call__
            if inspect.isfunction(call):
                waiting.append((call, left))
        else:
            continue
        for name, value in named.items():
            yield name, value
            if inspect.isfunction(value) or inspect.ismethod(value) or isinstance(value, partial):
                waiting.append((value, left - 1))
            elif hasattr(value, "__dict__") and not isinstance(value, type) and not inspect.ismodule(value):
                yield from vars(value).items()  # a network or a configuration that is an object


def _seen_by(function: Any) -> dict[str, Any]:
    """Return what a function written in Python names."""
    code = function.__code__
    named = {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    for constant in code.co_consts:  # comprehensions and functions inside
        if inspect.iscode(constant):
            named |= {n: function.__globals__[n] for n in constant.co_names if n in function.__globals__}
    cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
    for name, cell in cells:
        try:
            named[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    defaults = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    named |= dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    return named | (function.__kwdefaults__ or {})


@final
class Sources:
    """Every source of random numbers that some functions can reach; each call begins where the first one did.

    Parameters
    ----------
    *functions : callable
        Functions whose generators are looked for, beside NumPy's and Python's own.
    """

    def __init__(self, *functions: Any) -> None:
        self._generators: list[Any] = []
        for function in functions:
            for _, value in reachable(function):
                if isinstance(value, np.random.Generator):
                    self._add(value.bit_generator)
                elif isinstance(value, (np.random.RandomState, random.Random)):
                    self._add(value)
        self._start = self._states()

    def _add(self, generator: Any) -> None:
        if all(generator is not known for known in self._generators):
            self._generators.append(generator)

    def _states(self) -> tuple[Any, ...]:
        own = [np.random.get_state(legacy=False), random.getstate()]  # noqa: NPY002 - what users' code draws from
        return tuple(own + [_state(generator) for generator in self._generators])

    def rewind(self) -> None:
        """Put every source back to where it was when it was found."""
        np.random.set_state(self._start[0])  # noqa: NPY002 - the same
        random.setstate(self._start[1])
        for generator, state in zip(self._generators, self._start[2:], strict=True):
            _restore(generator, state)

    def drawn(self) -> tuple[str, ...]:
        """Return where the sources stand now, as text that can be compared."""
        return tuple(repr(state) for state in self._states())


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.state


def _restore(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.state = state


def seeded(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return a function with its own argument ``rng``, ``random_state`` or ``seed`` held, or None if it has none."""
    try:
        names = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    for name in ASKED:
        if name in names:
            if name in ("rng", "generator"):
                return lambda x: function(x, **{name: np.random.default_rng(0)})
            return lambda x: function(x, **{name: 0})
    return None
