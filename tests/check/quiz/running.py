"""Runs the text of a program that a question shows, knowing no more of it than a reader does."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg.check.tape import Tape, standard
from thalweg.check.trajectory import Trajectory


def run(lines: Sequence[str]) -> tuple[Trajectory, Tape]:
    """Play a program on the standard tape at its own learning rate; return what it did, and the tape."""
    space: dict[str, Any] = {"np": np}
    exec("\n".join(lines), space)  # noqa: S102 - our own text
    made = [value for name, value in space.items() if callable(value) and name not in ("np", "start")]
    (called,) = made
    tape = standard().steady()
    with np.errstate(all="ignore"):  # some mistakes divide by zero
        if inspect.isclass(called):
            return _object(called(), tape.shaped())
        return _dictionaries(space, tape) if "update" in space else _function(called, tape.shaped())


def _object(made: Any, tape: Tape) -> tuple[Trajectory, Tape]:
    played = [tape.theta0]
    for g in tape.gradients:
        played.append(made.step(played[-1].copy(), g.copy()) + np.zeros(tape.size))
    return Trajectory(np.stack(played)), tape


def _dictionaries(space: dict[str, Any], tape: Tape) -> tuple[Trajectory, Tape]:
    params = dict(zip("ab", tape.split(tape.theta0), strict=True))
    state = space["start"](params) if "start" in space else {}
    played = [tape.theta0]
    for g in tape.gradients:
        params = space["update"](params, dict(zip("ab", tape.split(g), strict=True)), state)
        played.append(tape.join([params["a"], params["b"]]))
    return Trajectory(np.stack(played)), tape


def _function(called: Any, tape: Tape) -> tuple[Trajectory, Tape]:
    parameters = inspect.signature(called).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty][2:]
    kept = {name: np.zeros(tape.size) for name in needed if name != "t"}
    played = [tape.theta0]
    for t, g in enumerate(tape.gradients, start=1):
        made = called(played[-1].copy(), g.copy(), **kept, **({"t": t} if "t" in needed else {}))
        after, *slots = made if isinstance(made, tuple) else (made,)
        kept = dict(zip(kept, slots, strict=True))
        played.append(after)
    return Trajectory(np.stack(played)), tape


def numbers(lines: Sequence[str]) -> dict[str, float]:
    """Return the defaults of a program, by whatever names it has for them."""
    space: dict[str, Any] = {"np": np}
    exec("\n".join(lines), space)  # noqa: S102 - our own text
    called = next(value for name, value in space.items() if callable(value) and name not in ("np", "start"))
    parameters = inspect.signature(called).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
