"""Chosen arms once more: timed alone, then run again under every seed and scored on the test part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from thalweg.comparison.crew import Halted, Task
from thalweg.comparison.outcome import Confirmation, Problem
from thalweg.comparison.plan import Arm
from thalweg.comparison.progress import Progress
from thalweg.comparison.scores import METRICS
from thalweg.comparison.units import Unit
from thalweg.descent.lockstep import Lockstep
from thalweg.descent.models import Linear, Model
from thalweg.descent.record import DIVERGED, STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings

if TYPE_CHECKING:
    from thalweg.comparison.store import Claim, Comparison

Judge = Callable[[Model, Any], tuple[float, dict[str, float]]]

# An arm is timed over so many epochs at most, or so many seconds.
_TIMED_EPOCHS, _TIMED_SECONDS = 5, 0.2


@final
class Confirming(Task[Confirmation]):
    """Runs chosen arms again and scores them.

    Parameters
    ----------
    problem : Problem
    settings : Settings
        What all runs share that bring nothing of their own.
    progress : Progress
    halted : callable
        Asked whether everything stops.
    judge : callable
        ``judge(model, theta)`` gives loss and scores on the test part.
    seconds : mapping of Arm to float
        Of an epoch of each arm.
    """

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        progress: Progress,
        halted: Callable[[], bool],
        judge: Judge,
        seconds: Mapping[Arm, float],
    ) -> None:
        self.problem, self.settings, self.progress, self.halted = problem, settings, progress, halted
        self.judge, self.seconds = judge, seconds

    def do(self, unit: Unit) -> list[Confirmation]:
        """Run the chosen again, those of one seed, and score them; infinite where one diverged."""
        if self.halted():
            raise Halted
        problem, pairs, seed = self.problem, unit.missing, unit.missing[0][1]
        model, settings = pairs[0][0].told(problem.model, self.settings)
        if isinstance(model, Linear) and settings.average is None:
            rules = [arm.rule for arm, _ in pairs]
            lanes = Lockstep(model, problem.train, settings, rules, seed, problem.judged)
            ended = [(lane.record.status, lane.theta) for lane in lanes.descend(halted=self.halted)]
        else:
            runs = [self._alone(arm, seed) for arm, _ in pairs]
            ended = [(run.status, run.parameters) for run in runs]
        if any(status == STOPPED for status, _ in ended):
            raise Halted
        lost: tuple[float, dict[str, float]] = (math.inf, {})
        scored = [lost if status == DIVERGED else self.judge(model, theta) for status, theta in ended]
        return [
            Confirmation(arm.name, arm.learning_rate, seed, *found, self.seconds[arm])
            for (arm, _), found in zip(pairs, scored, strict=True)
        ]

    def _alone(self, arm: Arm, seed: int) -> Run:
        model, settings = arm.told(self.problem.model, self.settings)
        run = Run(model, self.problem.train, settings, random_state=seed, threads=1)
        return run.descend(callbacks=[lambda _: self.halted()])

    def keep(self, kept: Comparison, claim: Claim, unit: Unit, made: list[Confirmation]) -> bool:
        """Keep the confirmations of a unit."""
        return kept.release_confirmed(claim, [(arm, one) for (arm, _), one in zip(unit.missing, made, strict=True)])

    def find(self, kept: Comparison, unit: Unit) -> list[Confirmation] | None:
        """Return the confirmations of a unit out of the store."""
        there = kept.confirmed(dict.fromkeys(arm for arm, _ in unit.missing))
        complete = all(pair in there for pair in unit.missing)
        return [in_order(there[pair]) for pair in unit.missing] if complete else None

    def done(self, unit: Unit, made: list[Confirmation]) -> None:  # noqa: ARG002 - as the other task
        """Tell the progress."""
        self.progress.done += len(made)


def seconds_of(arm: Arm, problem: Problem, settings: Settings, seed: int) -> float:
    """Return the seconds of an epoch of an arm, with nothing beside it."""
    model, own = arm.told(problem.model, settings)
    run = Run(model, problem.train, own, random_state=seed, threads=1)
    took: list[float] = []
    while len(took) < min(_TIMED_EPOCHS, own.max_iter) and sum(took) < _TIMED_SECONDS and not run.ended():
        before = run.seconds
        run.advance(1)
        took.append(run.seconds - before)
    return float(np.median(took))


def in_order(kept: Confirmation) -> Confirmation:
    """Return a confirmation with its metrics as they are shown: a store has them by the alphabet."""
    return replace(kept, scores={name: kept.scores[name] for name in METRICS if name in kept.scores})
