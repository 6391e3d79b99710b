"""A plan carried out: lanes in lockstep or networks on threads, growing grids, runs kept as they finish."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np

from thalweg.comparison import units
from thalweg.comparison.choice import Choice, choose
from thalweg.comparison.confirming import Confirming, Judge, in_order, seconds_of
from thalweg.comparison.crew import Crew, one_blas_thread
from thalweg.comparison.outcome import Confirmation, Outcome, Problem
from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.progress import Progress
from thalweg.comparison.training import Training
from thalweg.comparison.units import Pair
from thalweg.descent.settings import Settings, check_count

if TYPE_CHECKING:
    from thalweg.comparison.store import Comparison

Watch = Callable[[Progress], None]


@final
class Execution:
    """Carries out a plan.

    Parameters
    ----------
    problem : Problem
    settings : Settings
        What all runs share that bring nothing of their own; the optimizer is replaced by that of each arm.
    jobs : int, optional
        Threads; as many as this process may use processors without. No number depends on it.
    kept : thalweg.comparison.store.Comparison, optional
        Where finished runs are found and kept. Several processes may work on one.
    watch : callable, optional
        Called with a :class:`Progress` whenever something has happened, from this thread.
    """

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        *,
        jobs: int | None = None,
        kept: Comparison | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.problem, self.settings, self.kept = problem, settings, kept
        self.jobs = processors() if jobs is None else check_count("jobs", jobs)
        self.progress = Progress()
        self._watch = watch or _unseen
        self._stop = threading.Event()
        self._crew = Crew(self.jobs, kept, self._look_up, self._stop)

    def _look_up(self) -> None:
        self._watch(self.progress)

    # -- runs

    def carry_out(self, plan: Plan) -> tuple[Plan, list[Outcome]]:
        """Make the runs of a plan; where a rule does best at an edge of its grid, let the grids grow and go on.

        Returns
        -------
        plan : Plan
            As it is in the end.
        outcomes : list of Outcome
            In its order.
        """
        found: dict[Pair, Outcome] = {}
        with self._crew.at_work():
            while True:
                self.progress.total, self.progress.growths = len(plan), plan.growths
                self._complete(plan, found)
                outcomes = [found[pair] for pair in plan]
                chosen = choose(plan, outcomes)
                if not (plan.may_grow and any(choice.edge for choice in chosen.values())):
                    return plan, outcomes
                plan = plan.grown({name: _side(plan, name, choice) for name, choice in chosen.items()})

    def _complete(self, plan: Plan, found: dict[Pair, Outcome]) -> None:
        """Find or make all runs of a plan that are not found yet."""
        new = [(arm, seed) for arm, seed in plan if (arm, seed) not in found]
        if self.kept is not None:
            there = self.kept.finished(dict.fromkeys(arm for arm, _ in new))
            there = {pair: there[pair] for pair in new if pair in there}
            found |= there
            self.progress.kept += len(there)
            self.progress.finished(-1, list(there.values()))
        self._look_up()
        cut = units.cut(new, self.problem, self.settings)
        missing = (pair for pair in new if pair not in found)
        work = units.numbered(cut, missing, "run", self.kept and self.kept.key_of)
        training = Training(self.problem, self.settings, self.progress, self._stop.is_set)
        for _, outcomes in self._crew.make(work, training):
            found |= {(outcome.arm, outcome.seed): outcome for outcome in outcomes}

    # -- the chosen, again

    def confirm(self, plan: Plan, outcomes: Sequence[Outcome], judge: Judge) -> list[Confirmation]:
        """Time each rule at its best rate, run it again alone under every seed, and score it on the test part.

        Parameters
        ----------
        plan : Plan
        outcomes : sequence of Outcome
        judge : callable
            ``judge(model, theta)`` gives loss and scores on the test part. It is the first to look there.

        Returns
        -------
        list of Confirmation
            Rule by rule, in the order of the plan; none for rules that hold at no rate.
        """
        arms = [choice.arm for choice in choose(plan, outcomes).values() if np.isfinite(choice.median)]
        pairs = [(arm, seed) for arm in arms for seed in plan.seeds]
        found = self.kept.confirmed(arms) if self.kept is not None else {}
        there = {pair: in_order(found[pair]) for pair in pairs if pair in found}
        missing = [pair for pair in pairs if pair not in there]
        seconds = self._time(list(dict.fromkeys(arm for arm, _ in missing)), plan.seeds[0])
        kept = len(there)
        self.progress = replace(Progress(), stage="test", total=len(pairs), kept=kept, done=kept, share=kept)
        cut = units.one_by_one(units.cut(pairs, self.problem, self.settings), self.problem, self.settings)
        work = units.numbered(cut, missing, "confirmation", self.kept and self.kept.key_of)
        confirming = Confirming(self.problem, self.settings, self.progress, self._stop.is_set, judge, seconds)
        with self._crew.at_work():
            for unit, made in self._crew.make(work, confirming):
                there |= dict(zip(unit.missing, made, strict=True))
        self._look_up()
        return [there[pair] for pair in pairs]

    def _time(self, arms: Sequence[Arm], seed: int) -> dict[Arm, float]:
        """Return the seconds of an epoch of each arm, one after another with nothing beside it."""
        self.progress = replace(Progress(), stage="clock", total=len(arms))
        seconds: dict[Arm, float] = {}
        with one_blas_thread():
            for arm in arms:
                self._look_up()
                seconds[arm] = seconds_of(arm, self.problem, self.settings, seed)
                self.progress.done += 1
        return seconds


def _unseen(progress: Progress) -> None:
    """Watch nothing."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _side(plan: Plan, name: str, choice: Choice) -> str:
    """Return where the grid of a rule grows: beyond the edge at which it did best, else on the nearer side."""
    if choice.edge:
        return choice.edge
    rates = plan.rates(name)
    return "<" if rates.index(choice.arm.learning_rate) < (len(rates) - 1) / 2 else ">"
