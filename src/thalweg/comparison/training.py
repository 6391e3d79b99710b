"""The runs of a plan as work for threads: lanes of one model and one batch size in lockstep, networks one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, final

from thalweg.comparison.alone import make_run
from thalweg.comparison.crew import Halted, Task
from thalweg.comparison.outcome import Outcome, Problem
from thalweg.comparison.progress import Progress
from thalweg.comparison.units import Pair, Unit
from thalweg.descent.lockstep import Lockstep
from thalweg.descent.models import Linear
from thalweg.descent.record import STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings

if TYPE_CHECKING:
    from thalweg.comparison.store import Claim, Comparison


@final
class Training(Task[Outcome]):
    """Makes runs.

    Parameters
    ----------
    problem : Problem
    settings : Settings
        What all runs share that bring nothing of their own.
    progress : Progress
        Is told how far units are.
    halted : callable
        Asked whether everything stops.
    """

    def __init__(self, problem: Problem, settings: Settings, progress: Progress, halted: Callable[[], bool]) -> None:
        self.problem, self.settings, self.progress, self.halted = problem, settings, progress, halted

    def do(self, unit: Unit) -> list[Outcome]:
        """Make the runs of a unit."""
        model, settings = unit.missing[0][0].told(self.problem.model, self.settings)
        if isinstance(model, Linear) and settings.average is None:
            return self._in_lockstep(model, settings, unit)
        return [self._alone(unit.number, k, pair) for k, pair in enumerate(unit.missing)]

    def keep(self, kept: Comparison, claim: Claim, unit: Unit, made: list[Outcome]) -> bool:  # noqa: ARG002
        """Keep the runs of a unit."""
        return kept.release(claim, made)

    def find(self, kept: Comparison, unit: Unit) -> list[Outcome] | None:
        """Return the runs of a unit out of the store."""
        there = kept.finished(dict.fromkeys(arm for arm, _ in unit.missing))
        return [there[pair] for pair in unit.missing] if all(pair in there for pair in unit.missing) else None

    def done(self, unit: Unit, made: list[Outcome]) -> None:
        """Tell the progress."""
        self.progress.finished(unit.number, made)

    def _in_lockstep(self, model: Linear, settings: Settings, unit: Unit) -> list[Outcome]:
        pairs, problem, seed = unit.missing, self.problem, unit.missing[0][1]

        def look(lanes: Lockstep) -> None:
            lowest, k = lanes.lowest()
            leader = pairs[k][0] if k >= 0 else None
            share = lanes.epoch / settings.max_iter
            self.progress.under_way(unit.number, len(pairs), lanes.alive, share, lowest, leader)

        lanes = Lockstep(model, problem.train, settings, [arm.rule for arm, _ in pairs], seed, problem.judged)
        ended = lanes.descend(look, self.halted)
        if any(lane.record.status == STOPPED for lane in ended):
            raise Halted
        return [Outcome(arm, seed, lane.record, lane.losses) for (arm, _), lane in zip(pairs, ended, strict=True)]

    def _alone(self, number: int, place: int, pair: Pair) -> Outcome:
        """Make one run by itself, after ``place`` others of its unit."""

        def look(run: Run) -> bool:
            share = place + run.epoch / run.settings.max_iter
            self.progress.under_way(number, 1, 1, share, math.inf, None)
            return self.halted()

        if self.halted():
            raise Halted
        outcome, _ = make_run(*pair, self.problem, self.settings, look)
        if outcome.record.status == STOPPED:
            raise Halted
        self.progress.under_way(number, 1, 1, place + 1, outcome.final, pair[0])
        return outcome
