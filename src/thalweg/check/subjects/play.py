"""A settled way to play code: who acts, how things are laid out, where the outcome is; and the finding of it."""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor, GeneratorActor
from thalweg.check.subjects.arrangements import Arrangement
from thalweg.check.subjects.places import Place, aside, follow, paths
from thalweg.check.subjects.signature import Signature
from thalweg.check.subjects.stage import Stage, Unanswerable
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.tape import Tape

Array = NDArray[Any]
NOTHING = "nothing in it looks like parameters and a gradient"
SHIFT = 0.375
"""How far the parameters are moved to see what follows them."""


@final
@dataclass(frozen=True)
class Outcome:
    """Where the parameters are after a step, and what is handed on to the next one.

    Parameters
    ----------
    place : Place
    sign : float
        0 where the new parameters are found there; 1 or -1 where it is a step to be added or taken away.
    handed : mapping
        Arguments that are given what the step before returned, and the way to it.
    """

    place: Place
    sign: float = 0.0
    handed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """One way to play a piece of code.

    Parameters
    ----------
    actor : Actor
    arrangement : Arrangement
    outcome : Outcome or None
        None before it was found.
    given : mapping
        Numbers by role that the user states.
    first_count : int
        The first value of a counter that is an argument.
    rate_name : str or None
    """

    actor: Actor
    arrangement: Arrangement
    outcome: Outcome | None = None
    given: Mapping[str, float] = field(default_factory=dict)
    first_count: int = 1
    rate_name: str | None = None

    def stage(self, arrays: list[Array]) -> Stage:
        """Return a stage on which nothing has been played."""
        return Stage(self.arrangement, arrays, self.given, self.first_count, self.rate_name)

    def thetas(self, tape: Tape, source: Source | None = None) -> Array:
        """Play along a tape from a fresh start.

        Raises
        ------
        CannotRun
            The code fails; with the line, where it is one of the code.
        """
        if not self.arrangement.single:
            return self._run(tape, source)
        columns = []
        for k in range(tape.size):
            alone = Tape(tape.theta0[k : k + 1], tape.gradients[:, k : k + 1], tape.rates, ((1,),))
            columns.append(self._run(alone, source))
        return np.concatenate(columns, axis=1)

    def _run(self, tape: Tape, source: Source | None) -> Array:
        with guarded(self.actor, source):
            arrays = tape.split(tape.theta0)
            stage = self.stage(arrays)
            thetas = [tape.theta0.copy()]
            self.begin(stage, tape)
            for index in range(tape.steps):
                found = self.advance(stage, tape, index)
                if found is None:
                    raise CannotRun(f"after step {index + 1} the new parameters are not found where they were before")
                thetas.append(tape.join(found))
            return np.stack(thetas)

    def begin(self, stage: Stage, tape: Tape) -> None:
        """Start afresh; the first gradients are laid out already, for makers that look at them."""
        stage.grads = self.arrangement.gradients(tape.split(tape.gradients[0]), stage.params)
        self.actor.begin(stage)

    def act(self, stage: Stage, tape: Tape, index: int) -> list[Any]:
        """Make the calls of one step and return what they return."""
        stage.turn(tape.split(tape.gradients[index]), index, float(tape.rates[index]))
        parts = range(self.arrangement.parts)
        return self.actor.around(stage, lambda: [self.actor.step(stage, part) for part in parts])

    def advance(self, stage: Stage, tape: Tape, index: int) -> list[Array] | None:
        """Make one step and return the new parameters."""
        results = self.act(stage, tape, index)
        if self.outcome is None:
            return None
        place = self.outcome.place
        raw = [place.fetch(stage, result, part) for part, result in enumerate(results)]
        found = self.arrangement.read(raw)
        if found is None:
            return None
        if self.outcome.sign:
            found = [a + self.outcome.sign * d for a, d in zip(stage.arrays, found, strict=True)]
            stage.params = self.arrangement.params(found)
        elif place.where == "result":
            stage.params = raw
        elif place.where in ("instance", "memory"):
            stage.params = raw if self.actor.signature.has(words.PARAMETERS) else stage.params
        stage.arrays = found
        for part, result in enumerate(results):
            for name, path in self.outcome.handed.items():
                value = follow(result, path)
                if value is not None:
                    stage.memory[part][name] = value
        return found


@final
@dataclass(frozen=True)
class Failure:
    """Why a plan came to nothing."""

    reason: str
    line: int | None = None
    severe: bool = False
    """Not a matter of how things were laid out: a missing name, a division by zero."""
    unmoved: bool = False
    """The code ran, and the new parameters were found nowhere."""


@contextlib.contextmanager
def guarded(actor: Actor, source: Source | None) -> Iterator[None]:
    """Run strangers' code quietly: what it prints goes nowhere, what it raises becomes one line."""
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield
    except CannotRun:
        raise
    except Unanswerable as failure:
        raise CannotRun(str(failure)) from None
    except (Exception, SystemExit) as failure:  # whatever strangers' code may raise
        line = line_of(failure, actor.signature, source)
        text = " ".join(str(failure).split())[:200]
        raised = CannotRun(f"{type(failure).__name__}: {text}" if text else type(failure).__name__, line)
        raised.__cause__ = failure
        raise raised from failure
    finally:
        actor.leave()


def line_of(failure: BaseException, signature: Signature, source: Source | None) -> int | None:
    """Return the last line of the code that the failure went through, in the text of the source."""
    code = getattr(getattr(signature.function, "__func__", signature.function), "__code__", None)
    name = getattr(code, "co_filename", None) or sys.modules.get(getattr(signature.function, "__module__", ""), "")
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__) if frame.filename == name]
    if not frames or frames[-1].lineno is None:
        return None
    return frames[-1].lineno - (source.first_line - 1 if source else 0)


def probe(arrangement: Arrangement, seed: int = 0, steps: int = 3) -> Tape:
    """Return a short tape of plain gradients on which it is seen what the code does with what it is given."""
    shapes = arrangement.shapes
    size = sum(int(np.prod(shape)) for shape in shapes)
    draw = np.random.default_rng(seed)
    signs = np.where(draw.random((steps, size)) < 0.5, -1.0, 1.0)
    gradients = signs * draw.uniform(0.5, 2.0, (steps, size))
    return Tape(draw.uniform(-2.0, 2.0, size), gradients, np.ones(steps), shapes)


def settle(
    plan: Plan, source: Source | None, *, steps: bool = True, still: bool = False, trusted: bool = True
) -> Plan | Failure:
    """Find where a plan's outcome is, by what follows when the parameters are moved.

    Parameters
    ----------
    plan : Plan
        Without outcome.
    steps : bool
        Whether a step that is to be added or taken away is an outcome as well.
    still : bool
        Whether parameters that never move are.
    trusted : bool
        Whether names say which argument is which; otherwise what is found must follow the parameters exactly.

    Returns
    -------
    Plan or Failure
    """
    tape = probe(plan.arrangement)
    try:
        with guarded(plan.actor, source):
            stage = plan.stage(tape.split(tape.theta0))
            plan.begin(stage, tape)
            results = plan.act(stage, tape, 0)
    except CannotRun as failure:
        severe = isinstance(failure.__cause__, NameError | ImportError | ZeroDivisionError | UnboundLocalError)
        return Failure(failure.reason, failure.line, severe)
    places = list(_places(plan, stage, results))
    deltas: list[tuple[Place, float]] = []
    unmoved: Plan | None = None
    others: list[Plan] = []
    for place in places:
        made = replace(plan, outcome=Outcome(place, 0.0, _handed(plan, place, results, stage)))
        kind, value = _kind(made, tape, source)
        if kind == "parameters" and (trusted or abs(value - 1) < 0.05):
            return made
        if kind == "still" and place.where == "params":
            unmoved = made
        if kind == "step" and place.where == "result":
            deltas.append((place, value))
        if kind == "neither" and place == Place("result"):
            others.append(made)
    if steps and deltas:
        place, value = _likeliest_step(plan, deltas)
        return replace(plan, outcome=Outcome(place, -1.0 if value > 0 else 1.0, _handed(plan, place, results, stage)))
    if still and trusted and len(others) == 1:  # such as FTRL: a step does not start from the old parameters
        return others[0]
    if still and unmoved is not None:
        return unmoved
    return Failure("the new parameters are neither returned nor written to what it is given", unmoved=True)


def _places(plan: Plan, stage: Stage, results: list[Any]) -> Iterator[Place]:
    """Yield where the new parameters may be: what can be read in the layout in which they were given."""
    arrangement = plan.arrangement

    def readable(place: Place) -> bool:
        raw = [place.fetch(stage, result, part) for part, result in enumerate(results)]
        return all(one is not None for one in raw) and arrangement.read(raw) is not None

    count = len(plan.actor.signature.having(words.PARAMETERS)) if len(arrangement.shapes) > 1 else 0
    for path in sorted(paths(results[0]), key=aside):
        place = Place("result", path)
        found = follow(results[0], path)
        if readable(place):
            yield place
        if count > 1 and isinstance(found, tuple | list) and len(found) > count:
            yield from (p for p in _gathered(plan, path, len(found), count) if readable(p))
    for where, root in (("params", None), ("instance", stage.instance), ("memory", stage.memory[0])):
        for path in paths(root) if root is not None else [()]:
            place = Place(where, path)  # type: ignore[arg-type]
            if readable(place):
                yield place


def _gathered(plan: Plan, path: tuple[Any, ...], length: int, count: int) -> Iterator[Place]:
    """Yield which of several returned values may be the separate arrays: by name, beside each other, alternating."""
    names = [a.name for a in plan.actor.signature.having(words.PARAMETERS)]
    for returned in plan.actor.signature.anatomy.returned:
        if len(returned) == length and all(name in returned for name in names):
            yield Place("result", path, tuple(returned.index(name) for name in names))
    for stride in (1, 2, 3):
        for start in range(length - stride * (count - 1)):
            yield Place("result", path, tuple(start + stride * k for k in range(count)))


def _kind(plan: Plan, tape: Tape, source: Source | None) -> tuple[str, float]:
    """Say what is found at a plan's outcome: parameters, a step (and whether it climbs), or neither."""
    moved = Tape(tape.theta0 + SHIFT, tape.gradients, tape.rates, tape.shapes)
    try:
        here, there = plan.thetas(tape, source), plan.thetas(moved, source)
    except CannotRun:
        return "neither", 0.0
    with np.errstate(all="ignore"):
        follows = (there[1] - here[1]) / SHIFT
        follows = follows[np.isfinite(follows)]
        changed = np.any((here[1:] != here[0]) | ~np.isfinite(here[1:]))
        level = float(np.median(follows)) if follows.size else 1.0
        climbs = float(np.nansum(np.sign(here[1]) * np.sign(tape.gradients[0])))
        even = follows.size == 0 or float(np.ptp(follows)) < 0.5
        if 0.4 < level < 1.6 and even:
            return ("parameters", level) if changed else ("still", level)
        none = follows.size == 0 or bool(np.all(np.abs(follows) < 0.3))
        return ("step", climbs) if none and np.any(here[1] != 0) else ("neither", 0.0)


def _likeliest_step(plan: Plan, deltas: list[tuple[Place, float]]) -> tuple[Place, float]:
    """Choose among returned values that might be the step: by name, else the first that is no memory by name."""
    returned = next(iter(plan.actor.signature.anatomy.returned), [])
    memory = {a.name for a in plan.actor.signature.having(words.MEMORY)}
    steps = {"update", "updates", "delta", "step", "dx", "change", "increment", "d", "dw", "move", "direction", "upd"}

    def rank(one: tuple[Place, float]) -> tuple[int, int]:
        path = one[0].path
        if not path or not isinstance(path[0], int) or path[0] >= len(returned):
            return (1, 0)
        name = returned[path[0]]
        if set(words.tokens(name)) & steps:
            return (0, path[0])
        remembered = name in memory or (name.isidentifier() and words.role_of(name) == words.MEMORY)
        return (2 if remembered else 1, path[0])

    return min(deltas, key=rank)


def _handed(plan: Plan, place: Place, results: list[Any], stage: Stage) -> dict[str, tuple[Any, ...]]:
    """Say which arguments the next step is given from what this one returned: by name, else in order."""
    signature = plan.actor.signature
    if isinstance(plan.actor, GeneratorActor):
        return {}
    wanted = [
        a for a in signature.arguments
        if a.role in (words.MEMORY, words.CONFIG, words.COUNT) or (a.role is None and a.required)
    ]  # fmt: skip
    result = results[0]
    whole = isinstance(result, tuple | list) and plan.arrangement.parts == 1
    if not wanted or result is None or (whole and plan.arrangement.read([result]) is not None):
        return {}  # nothing is returned beside the parameters
    if isinstance(result, Mapping):
        return {a.name: (a.name,) for a in wanted if a.name in result and place.path != (a.name,)}
    if hasattr(result, "_fields"):
        fields = {name: k for k, name in enumerate(result._fields)}
        apart = {a.name: (fields[a.name],) for a in wanted if a.name in fields}
        return apart or {a.name: () for a in wanted[:1] if set(a.use.attributes) & set(fields)}
    if place.where != "result" and not isinstance(result, tuple | list):
        memory = [a for a in wanted if a.role != words.COUNT]
        return {memory[0].name: ()} if len(memory) == 1 and _alike(plan, memory[0].name, result) else {}
    if not isinstance(result, tuple | list) or (isinstance(result, list) and place.path == ()):
        return {}
    kept = [a.name for a in wanted if a.role != words.COUNT]
    if len(kept) == 1 and len(result) > 1 and _form(stage.memory[0].get(kept[0])) == _form(result):
        return {kept[0]: ()}  # the state goes in and comes out in one piece
    return _handed_in_order(signature, place, list(result), [a.name for a in wanted])


def _alike(plan: Plan, name: str, result: Any) -> bool:
    returned = next(iter(plan.actor.signature.anatomy.returned), [])
    return returned == [name] or isinstance(result, dict)


def _handed_in_order(
    signature: Signature, place: Place, result: list[Any], wanted: list[str]
) -> dict[str, tuple[Any, ...]]:
    taken = (
        set(place.gathered) if place.gathered else {place.path[0]} if place.path and place.where == "result" else set()
    )
    names = next((names for names in signature.anatomy.returned if len(names) == len(result)), [])
    handed: dict[str, tuple[Any, ...]] = {}
    for k, name in enumerate(names):
        plain = _plain(name)
        match = next((w for w in wanted if w == name), None) or next((w for w in wanted if _plain(w) == plain), None)
        if match is not None and match not in handed and (k not in taken or len(place.path) > 1):
            handed[match] = (k,)
    roles = {a.name: a.role for a in signature.arguments}
    left = [w for w in wanted if w not in handed and roles[w] != words.COUNT]
    used = {path[0] for path in handed.values()} | (taken if len(place.path) < 2 else set())
    over = [k for k in range(len(result)) if k not in used and not isinstance(result[k], str | int | type(None))]
    if left and len(over) >= len(left):
        handed.update({w: (k,) for w, k in zip(left, over, strict=False)})
    return handed


def _form(value: Any) -> Any:
    """Return what a state has in common with the next one: the kind of container, and how much is in it."""
    return (type(value), len(value)) if isinstance(value, tuple | list | dict) else type(value)


def _plain(name: str) -> str:
    """Return a name without what marks it as new or old."""
    plain = name.lower()
    for mark in ("self.", "new_", "_new", "next_", "_next", "updated_", "old_", "_old", "prev_", "_prev", "_t"):
        plain = plain.removeprefix(mark) if mark.endswith(("_", ".")) else plain.removesuffix(mark)
    return plain
