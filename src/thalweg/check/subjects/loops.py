"""Whole loops: functions that are given a gradient function and a start, and walk by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor
from thalweg.check.subjects.arrangements import Arrangement, Items, Keyed, Number, Whole
from thalweg.check.subjects.layouts import layouts
from thalweg.check.subjects.places import aside, follow, paths
from thalweg.check.subjects.play import NOTHING, SHIFT, Failure, guarded, probe
from thalweg.check.subjects.signature import EMPTY, Argument, Signature
from thalweg.check.subjects.stage import Stage
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.tape import Tape

Array = NDArray[Any]
CALLED = (words.FUNCTION, words.OBJECTIVE, words.BOTH)
_FAR = 1e9
MOST_CALLS = 400


class _Enough(BaseException):
    """The tape is at its end: a loop without a number of steps is left here."""


@final
class _Answering:
    """The gradient function: it answers from the tape, whatever it is asked at, and remembers where it was asked."""

    def __init__(self, plan: LoopPlan, tape: Tape) -> None:
        self.plan, self.tape = plan, tape
        self.calls = self.calls_of_objective = 0
        self.asked: list[Any] = []

    def gradient(self, *given: Any, **_named: Any) -> Any:
        """Answer with the gradients of the step that the loop is at."""
        self.calls += 1
        index = max(0, self.calls - 1 - self.plan.ahead) // self.plan.per_step
        self._note(given)
        if self.calls > MOST_CALLS or (index >= self.tape.steps and self.plan.steps is None):
            raise _Enough
        index = min(index, self.tape.steps - 1)  # some ask once more when they have arrived
        laid = self.plan.arrangement.gradients(self.tape.split(self.tape.gradients[index]), self.asked[-1:])
        if len(given) > 1 and self._scattered(given) is not None:
            return np.asarray(laid[0])
        return laid[0]

    def _note(self, given: tuple[Any, ...]) -> None:
        scattered = self._scattered(given)
        if scattered is not None:
            self.asked.append(scattered)
            return
        fitting = [one for one in given if self.plan.arrangement.read([one]) is not None]
        chosen = fitting[0] if fitting else given[0] if given else None
        self.asked.append(np.array(chosen) if isinstance(chosen, np.ndarray) else chosen)

    def _scattered(self, given: tuple[Any, ...]) -> Array | None:
        """Return the point where its coordinates are given one by one: ``gradient(x, y)``."""
        size = self.tape.size
        if len(given) == size > 1 and all(np.ndim(one) == 0 for one in given):
            return np.array([float(one) for one in given])
        return None

    def objective(self, *_given: Any, **_named: Any) -> float:
        """Fall by one at every call, so that no loop believes to have arrived."""
        self.calls_of_objective += 1
        if self.calls_of_objective > MOST_CALLS:
            raise _Enough
        return _FAR - self.calls_of_objective

    def both(self, *given: Any, **named: Any) -> tuple[Any, Any]:
        """Answer with value and gradient."""
        value, slope = self.objective(), self.gradient(*given, **named)
        return (slope, value) if self.plan.slope_first else (value, slope)


@final
@dataclass(frozen=True, eq=False)
class LoopPlan:
    """One way to play a whole loop.

    Parameters
    ----------
    actor : Actor
        What makes the loop's function ready, or the object whose method it is.
    arrangement : Arrangement
    steps : str or None
        The argument that says how many steps to make; None where the loop is left when the tape ends.
    path : tuple of Any or None
        Where in what it returns the parameters are; None where they are taken from what it asks the gradient at.
    per_step, ahead : int
        How many gradients it asks for in every step, and before the first.
    slope_first : bool
        Whether a function of value and gradient gives the gradient first.
    unused : int
        How many gradients before the first step may be asked for in vain.
    """

    actor: Actor
    arrangement: Arrangement
    given: Mapping[str, float] = field(default_factory=dict)
    rate_name: str | None = None
    steps: str | None = None
    path: tuple[Any, ...] | None = None
    per_step: int = 1
    ahead: int = 0
    slope_first: bool = False
    unused: int = 0
    first_count: int = 1

    def stage(self, arrays: list[Array]) -> Stage:
        """Return a stage on which nothing has been played."""
        return Stage(self.arrangement, arrays, self.given, 1, self.rate_name)

    def begin(self, stage: Stage, tape: Tape) -> None:
        """Start afresh."""
        stage.grads = list(stage.params)
        stage.memory[0].update(self.supplied(_Answering(self, tape), stage, 1))
        self.actor.begin(stage)

    def act(self, _stage: Stage, tape: Tape, index: int) -> list[Any]:
        """Walk one step and return what is returned."""
        return [self.walk(tape, index + 1)[0]]

    def thetas(self, tape: Tape, source: Source | None = None) -> Array:
        """Play along a tape from a fresh start.

        Raises
        ------
        CannotRun
            The code fails; with the line, where it is one of the code.
        """
        if not self.arrangement.single and self.arrangement.shapes != ((2,),):
            return self._run(tape, source)
        columns = []
        width = tape.size if self.arrangement.shapes == tape.shapes else int(np.prod(self.arrangement.shapes[0]))
        for k in range(0, tape.size, width):
            own = slice(k, k + width)
            alone = Tape(tape.theta0[own], tape.gradients[:, own], tape.rates, self.arrangement.shapes)
            columns.append(self._run(alone, source))
        return np.concatenate(columns, axis=1)

    def _run(self, tape: Tape, source: Source | None) -> Array:
        with guarded(self.actor, source):
            thetas = [tape.theta0.copy()]
            if self.path is None:
                asked = self.walk(tape, tape.steps)[1].asked
                asked = asked[self.ahead :: self.per_step]
                found = [self.arrangement.read([one]) for one in asked[1 : tape.steps + 1]]
            else:
                found = [self._found(self.walk(tape, count)[0]) for count in range(1, tape.steps + 1)]
            if len(found) < tape.steps or any(one is None for one in found):
                raise CannotRun("the loop ends before the gradients do")
            return np.stack(thetas + [tape.join(one) for one in found if one is not None])

    def _found(self, result: Any) -> list[Array] | None:
        return self.arrangement.read([follow(result, self.path or ())])

    def walk(self, tape: Tape, count: int) -> tuple[Any, _Answering]:
        """Let the loop make some steps; return what it returns, and what it asked."""
        answering = _Answering(self, tape)
        stage = self.stage(tape.split(tape.theta0))
        stage.grads = list(stage.params)
        stage.memory[0].update(self.supplied(answering, stage, count))
        self.actor.begin(stage)
        result = None
        try:
            result = self.actor.step(stage, 0)
        except _Enough:
            if self.path is not None:
                raise CannotRun("the loop goes on when it should end") from None
        return result, answering

    def supplied(self, answering: _Answering, stage: Stage, count: int) -> dict[str, Any]:
        """Return the values of arguments that only a loop has."""
        found: dict[str, Any] = {}
        signatures = [self.actor.signature, getattr(self.actor, "maker", None)]
        for argument in (a for s in signatures if isinstance(s, Signature) for a in s.arguments):
            value = self._supply(argument, answering, stage, count)
            if value is not EMPTY:
                found[argument.name] = value
        return found

    def _supply(self, argument: Argument, answering: _Answering, stage: Stage, count: int) -> Any:
        role = argument.role
        if role == words.FUNCTION:
            return answering.gradient
        if role == words.BOTH:
            return answering.both
        if role == words.OBJECTIVE:
            return answering.objective
        if argument.name == self.steps:
            return count
        if role == words.ITERATIONS and argument.required:
            return count
        if role == words.TOLERANCE:
            return 0.0
        if argument.name.lower() in ("bounds", "bound", "limits", "domain"):
            start = stage.arrays[0].reshape(-1)
            return np.stack([start, start], axis=1)
        if argument.name.lower() in ("verbose", "disp", "plot", "show", "print_every", "debug"):
            return False
        if role == words.DATA and argument.required:
            return np.ones((4, 3))
        return EMPTY


def loop_plans(
    actors: Iterator[Actor], given: Mapping[str, float], rate_name: str | None, source: Source | None
) -> tuple[LoopPlan, ...]:
    """Return the ways to play a whole loop.

    Raises
    ------
    CannotRun
        There is none; with the reason of the likeliest.
    """
    failures: list[Failure] = []
    for actor in actors:
        signature = actor.signature
        for layout in _layouts(actor):
            plan = LoopPlan(actor, layout, given, rate_name, _steps(signature), slope_first=_slope_first(actor))
            found = _settle(plan, source)
            if isinstance(found, LoopPlan):
                return (found, *_others(found))
            failures.append(found)
    severe = [failure for failure in failures if failure.severe]
    chosen = next(iter(severe or failures), Failure(NOTHING))
    raise CannotRun(chosen.reason, chosen.line)


def is_loop(signature: Signature) -> bool:
    """Whether a function asks for gradients instead of being given them."""
    if signature.has(words.FUNCTION, words.BOTH):
        return True
    return signature.has(words.OBJECTIVE) and not signature.has(words.GRADIENTS)


def first_way(ways: Iterable[Callable[[], tuple[Any, ...]]]) -> tuple[Any, ...]:
    """Return what the first way gives that does not end in a failure.

    Raises
    ------
    CannotRun
        All of them do; the reason is the first one's.
    """
    failure: CannotRun | None = None
    for way in ways:
        try:
            return way()
        except CannotRun as why:
            failure = why if failure is None or failure.reason == NOTHING else failure
    raise failure or CannotRun(NOTHING)


def _layouts(actor: Actor) -> Iterator[Arrangement]:
    signatures = [s for s in (actor.signature, getattr(actor, "maker", None)) if isinstance(s, Signature)]
    bounded = any(a.name.lower() in ("bounds", "bound", "limits", "domain") for s in signatures for a in s.arguments)
    scattered = any(len(a.use.indices) >= 2 for s in signatures for a in s.having(words.PARAMETERS))
    if bounded or scattered:
        yield Whole(((2,),))
    for layout in layouts(signatures[0], signatures[1:]):
        if isinstance(layout, Whole | Number | Items | Keyed):
            yield layout
    yield Whole(((2,),))


def _steps(signature: Signature) -> str | None:
    """Return the argument that says how many steps to make."""
    named = signature.having(words.ITERATIONS)
    counted = [a for a in signature.having(words.COUNT) if a.required]
    known = [a.name for a in (*named, *counted)]
    return known[0] if known else None


def _slope_first(actor: Actor) -> bool:
    """Whether what a function of value and gradient returns is taken apart with the gradient first."""
    anatomy = actor.signature.anatomy
    for argument in actor.signature.having(words.BOTH):
        taken = anatomy.use(argument.name).taken_apart
        if len(taken) == 2:
            return words.role_of(taken[0]) == words.GRADIENTS and words.role_of(taken[1]) != words.GRADIENTS
    return False


def _settle(plan: LoopPlan, source: Source | None) -> LoopPlan | Failure:
    """Find where a loop's parameters come out, and how many gradients it takes for a step."""
    tape = probe(plan.arrangement, steps=9)
    reason = "the parameters are neither returned nor seen in what it asks the gradient at"
    if plan.steps is not None:
        try:
            with guarded(plan.actor, source):
                walked = [plan.walk(tape, count) for count in (1, 2)]
        except CannotRun as failure:
            severe = isinstance(failure.__cause__, NameError | ImportError | ZeroDivisionError | UnboundLocalError)
            return Failure(failure.reason, failure.line, severe)
        calls = [answering.calls for _, answering in walked]
        per = max(calls[1] - calls[0], 1)
        early = max(calls[0] - per, 0)
        counted = replace(plan, per_step=per, ahead=early if per > 1 else 0, unused=early)
        for path in sorted(paths(walked[1][0]), key=aside):
            for way in (path, (*path, -1)):
                made = replace(counted, path=way)
                if _is_walk(made, tape.first(3), source):
                    return made
    left = replace(plan, steps=plan.steps, path=None)
    try:
        with guarded(plan.actor, source):
            left.walk(tape, tape.steps)
    except CannotRun as failure:
        severe = isinstance(failure.__cause__, NameError | ImportError | ZeroDivisionError | UnboundLocalError)
        return Failure(failure.reason, failure.line, severe)
    if _is_walk(left, tape.first(4), source):
        return left
    return Failure(reason)


def _is_walk(plan: LoopPlan, tape: Tape, source: Source | None) -> bool:
    """Whether what is found moves, and moves along when its start is moved."""
    moved = Tape(tape.theta0 + SHIFT, tape.gradients, tape.rates, tape.shapes)
    try:
        here, there = plan.thetas(tape, source), plan.thetas(moved, source)
    except CannotRun:
        return False
    with np.errstate(all="ignore"):
        follows = (there[1] - here[1]) / SHIFT
    follows = follows[np.isfinite(follows)]
    changed = bool(((here[1:] != here[:-1]) | ~np.isfinite(here[1:])).any(axis=1).all())
    return changed and (follows.size == 0 or 0.4 < float(np.median(follows)) < 1.6)


def _others(plan: LoopPlan) -> Iterator[LoopPlan]:
    """Yield other readings: a gradient asked for before the loop that is not used in it."""
    if plan.unused and plan.ahead == 0:
        yield replace(plan, ahead=plan.unused)
