"""A subject that is code of a stranger: settled ways to play it, and the numbers that can be read in it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any, final

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import FactoryActor, ObjectActor
from thalweg.check.subjects.anatomy import Anatomy
from thalweg.check.subjects.arrangements import Nested
from thalweg.check.subjects.loops import LoopPlan
from thalweg.check.subjects.objects import Layers
from thalweg.check.subjects.play import Plan, guarded, probe
from thalweg.check.subjects.rates import with_rate
from thalweg.check.subjects.signature import NUMBERS, Signature
from thalweg.check.subjects.stage import Stage
from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.check.tape import Tape, standard
from thalweg.check.trajectory import Trajectory

_SHARES = ("momentum", "rho")


@final
@dataclass(frozen=True, kw_only=True)
class Code(Subject):
    """Code of a stranger.

    Parameters
    ----------
    plans : tuple of Plan
        The ways to play it, the likeliest first; all but the first are other readings.
    unsigned : bool
        Whether what it takes may be the negative gradient: nothing says which.
    against : bool
        Whether it is played with negative gradients.
    """

    plans: tuple[Plan | LoopPlan, ...] = field(default_factory=tuple)
    unsigned: bool = False
    against: bool = False

    def tape(self) -> Tape:
        """Return the standard tape, cut as this code takes it."""
        tape = standard() if self.moves_rate else standard().steady()
        arrangement = self.plans[0].arrangement
        whole = arrangement.single or arrangement.shapes == ((2,),)
        return tape.shaped() if whole else tape.shaped(*arrangement.shapes)

    @property
    def arrays(self) -> tuple[str, ...]:
        """What it calls its parameter arrays."""
        return self.plans[0].arrangement.labels

    def groupings(self) -> Iterator[Tape]:
        """Yield tapes on which the arrays of a layer are one: some code counts layers, not arrays."""
        arrangement = self.plans[0].arrangement
        shapes = arrangement.shapes
        if isinstance(arrangement, Layers | Nested):
            layers = [prod(a) + prod(b) for a, b in pairwise(shapes)][::2]
            yield self.tape().shaped(*((size,) for size in layers))

    def play(self, tape: Tape) -> Trajectory:
        """Play along a tape of 24 coordinates, cut as this code takes it."""
        plan = self.plans[0]
        if self.against:
            tape = replace(tape, gradients=-tape.gradients)
        whole = plan.arrangement.single or plan.arrangement.shapes == ((2,),)
        if not whole and tape.shapes != plan.arrangement.shapes:
            tape = tape.shaped(*plan.arrangement.shapes)
        return Trajectory(plan.thetas(tape, self.source))

    def readings(self) -> Iterator[Subject]:
        """Yield the plans one by one."""
        for plan in self.plans:
            note = "" if plan.first_count == 1 else "its counter is given 0 at the first step"
            own = replace(self, plans=(plan,), note="; ".join(part for part in (self.note, note) if part))
            yield own
            if self.unsigned:
                note = "what it adds is taken for the negative gradient"
                yield replace(own, against=True, note="; ".join(part for part in (own.note, note) if part))


def made_of(
    name: str,
    plans: tuple[Plan | LoopPlan, ...],
    *,
    hint: str | None,
    source: Source | None,
    texts: tuple[Signature, ...],
) -> Code:
    """Return a subject, with the numbers that can be read and whether its rate moves."""
    plans = tuple(with_rate(plan, source) if isinstance(plan, Plan) else plan for plan in plans)
    plan = plans[0]
    numbers = {**numbers_of(plan, source, [s.anatomy for s in texts]), **plan.given}
    if hint == "gradient_descent" and _has_momentum(plan):
        hint = "momentum"
    moves = _moves(plan, source)
    return Code(
        name=name,
        hint=hint,
        numbers=numbers,
        source=source,
        moves_rate=moves,
        plans=plans,
        has_momentum=_has_momentum(plan),
    )


def _has_momentum(plan: Plan | LoopPlan) -> bool:
    """Whether code asks for a momentum, by that name, and is given one."""
    signatures = (plan.actor.signature, getattr(plan.actor, "maker", None), getattr(plan.actor, "factory", None))
    asked = [a for s in signatures if isinstance(s, Signature) for a in s.arguments if a.role == "momentum"]
    return any(a.required or (isinstance(a.default, int | float) and a.default > 0) for a in asked)


def _moves(plan: Plan | LoopPlan, source: Source | None) -> bool:
    """Whether twice the learning rate changes a step, and is still there after it."""
    if isinstance(plan, LoopPlan):
        return False
    tape = probe(plan.arrangement, steps=2)
    if _managed(plan, tape, source):
        return False
    twice = replace(tape, rates=np.array([1.0, 2.0]))
    try:
        slow, fast = plan.thetas(tape, source), plan.thetas(twice, source)
    except CannotRun:
        return False
    return not np.array_equal(slow[2], fast[2], equal_nan=True) and np.array_equal(slow[1], fast[1], equal_nan=True)


def _managed(plan: Plan, tape: Tape, source: Source | None) -> bool:
    """Whether the code changes its learning rate by itself from step to step."""
    try:
        with guarded(plan.actor, source):
            stage = plan.stage(tape.split(tape.theta0))
            plan.begin(stage, tape)
            for index in range(2):
                plan.advance(stage, tape, index)
                if any(dial.moved for dial in stage.dials):
                    return True
    except CannotRun:
        return True
    return False


def numbers_of(plan: Plan | LoopPlan, source: Source | None, anatomies: list[Anatomy]) -> dict[str, float]:
    """Return the hyperparameters that can be read: of arguments, attributes, globals, and constants in the text."""
    tape = probe(plan.arrangement)
    stage = plan.stage(tape.split(tape.theta0))
    found: dict[str, float] = {}
    try:
        with guarded(plan.actor, source):
            plan.begin(stage, tape)
            plan.act(stage, tape, 0)
            for name, value in _held(stage, plan):
                _note(found, name, value, plan.rate_name)
    except CannotRun:
        pass
    for anatomy in anatomies:
        for name, value in anatomy.constants.items():
            _note(found, name.removeprefix("self."), value, plan.rate_name)
    found.update(stage.used)
    return _by_rules(found)


def _held(stage: Stage, plan: Plan | LoopPlan) -> Iterator[tuple[str, Any]]:
    """Yield names and numbers that the code holds."""
    for signature in (plan.actor.signature, getattr(plan.actor, "maker", None), getattr(plan.actor, "factory", None)):
        for argument in signature.arguments if isinstance(signature, Signature) else ():
            if not argument.required:
                yield argument.name, argument.default
                yield from _settings(argument.default)
    for name, value in getattr(stage.instance, "__dict__", {}).items():
        yield name, value
        yield from _settings(value)
    for memory in stage.memory:
        for value in memory.values():
            yield from _settings(value)
    for space in plan.actor.beginning.spaces:
        yield from ((name, space[name]) for name in plan.actor.beginning.names() if name in space)
    if isinstance(plan.actor, FactoryActor):
        call: Any = inspect.unwrap(stage.call) if stage.call else None
        code = getattr(call, "__code__", None)
        for name, cell in zip(getattr(code, "co_freevars", ()), getattr(call, "__closure__", None) or (), strict=False):
            yield name, cell.cell_contents
    if isinstance(plan.actor, ObjectActor) and stage.instance is not None:
        yield from ((k, v) for k, v in vars(type(stage.instance)).items() if isinstance(v, float))


def _settings(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what stands in a dictionary, or in the attributes of a plain object or class."""
    held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if isinstance(value, type) or not callable(value):
        yield from ((k, v) for k, v in held.items() if isinstance(k, str))


def _note(found: dict[str, float], name: str, value: Any, rate_name: str | None) -> None:
    role = words.RATE if name == rate_name else words.role_of(name)
    if name.lower() in ("b1", "b2"):
        role = {"b1": "beta1", "b2": "beta2"}[name.lower()]
    if role == "betas" and isinstance(value, tuple | list) and len(value) == 2:
        found.setdefault("beta1", float(value[0]))
        found.setdefault("beta2", float(value[1]))
    elif role in NUMBERS and isinstance(value, int | float | np.floating) and not isinstance(value, bool):
        found.setdefault(role, float(value))


def _by_rules(found: Mapping[str, float]) -> dict[str, float]:
    """Name numbers as our rules do: what may be momentum or rho is both, and no number is said that is none."""
    numbers = {k: v for k, v in found.items() if k in ("beta1", "beta2") and 0 <= v < 1}
    if found.get(words.RATE, 0) > 0:
        numbers[words.RATE] = found[words.RATE]
    if 0 < found.get("epsilon", 0) < 1:
        numbers["epsilon"] = found["epsilon"]
    shares = {k: found[k] for k in (*_SHARES, words.SHARE) if k in found and 0.1 < found[k] < 1}
    numbers |= {role: shares[role] for role in _SHARES if role in shares}
    if len(set(shares.values())) == 1:
        numbers.update(dict.fromkeys(_SHARES, next(iter(shares.values()))))
    if not shares and "beta1" in numbers and "beta2" not in numbers:
        numbers.update(dict.fromkeys(_SHARES, numbers["beta1"]))
    if found.get("weight_decay", 0) > 0:
        numbers["weight_decay"] = found["weight_decay"]
    if found.get("clip", 0) > 0:  # by value or by norm: names do not say
        numbers |= {"clip": found["clip"], "max_norm": found["clip"]}
    if "initial_accumulator" in found:
        numbers["initial_accumulator"] = found["initial_accumulator"]
    return numbers
