"""A plan carried out: lanes in lockstep or networks on threads, growing grids, runs kept as they finish."""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from thalweg.comparison.alone import make_run
from thalweg.comparison.choice import Choice, choose
from thalweg.comparison.outcome import Confirmation, Outcome, Problem
from thalweg.comparison.plan import Arm, Plan
from thalweg.descent.lockstep import Lockstep
from thalweg.descent.models import Linear
from thalweg.descent.record import STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings

if TYPE_CHECKING:
    from thalweg.comparison.store import Claim, Comparison

Pair = tuple[Arm, int]
Judge = Callable[[Any], tuple[float, dict[str, float]]]

# A unit of work is what one thread makes in one go and what is lost with it, in products and sums: as many units as
# would keep several threads busy to the end, none so small that handing it over costs more, none longer than seconds.
_UNITS, _LEAST, _MOST = 8, 2e8, 2e10
_LEASE = 60.0
_POLL = 0.2
# A rule is timed over so many epochs at most, or so many seconds.
_TIMED_EPOCHS, _TIMED_SECONDS = 5, 0.2


@final
@dataclass
class Progress:
    """How far a comparison is.

    Attributes
    ----------
    stage : str
        ``"runs"``, ``"test"`` (chosen arms again, on the test part) or ``"clock"`` (rules timed alone).
    done, total : int
        Runs of this stage. The total of runs grows with the grids.
    kept : int
        Runs that were in the store already.
    alive, lanes : int
        Runs under way that have not diverged, and all runs under way.
    share : float
        Of the stage's work, in runs, epochs under way included.
    leader : Arm or None
        Of the lowest validation loss so far.
    lowest : float
    growths : int
        How often the grids have grown.
    """

    stage: str = "runs"
    done: int = 0
    total: int = 0
    kept: int = 0
    alive: int = 0
    lanes: int = 0
    share: float = 0.0
    leader: Arm | None = None
    lowest: float = float("inf")
    growths: int = 0
    _under_way: dict[int, tuple[int, int, float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def under_way(self, unit: int, lanes: int, alive: int, share: float, lowest: float, leader: Arm | None) -> None:
        """Note how far a unit of work is."""
        with self._lock:
            self._under_way[unit] = (lanes, alive, share)
            if leader is not None and lowest < self.lowest:
                self.lowest, self.leader = lowest, leader
            self._add_up()

    def finished(self, unit: int, outcomes: Sequence[Outcome]) -> None:
        """Note that a unit of work is done."""
        with self._lock:
            self._under_way.pop(unit, None)
            self.done += len(outcomes)
            for outcome in outcomes:
                if outcome.final < self.lowest:
                    self.lowest, self.leader = outcome.final, outcome.arm
            self._add_up()

    def _add_up(self) -> None:
        self.lanes = sum(lanes for lanes, _, _ in self._under_way.values())
        self.alive = sum(alive for _, alive, _ in self._under_way.values())
        self.share = self.done + sum(lanes * share for lanes, _, share in self._under_way.values())


Watch = Callable[[Progress], None]


@final
class Execution:
    """Carries out a plan.

    Parameters
    ----------
    problem : Problem
    settings : Settings
        What all runs share; the optimizer is replaced by that of each arm.
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
        self.jobs = jobs or processors()
        self.progress = Progress()
        self._watch = watch or _unseen
        self._stop = threading.Event()
        self._held: dict[str, Claim] = {}
        self._renewed = time.monotonic()

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
        with self._threads() as threads:
            while True:
                self.progress.total, self.progress.growths = len(plan), plan.growths
                self._complete(plan, found, threads)
                outcomes = [found[pair] for pair in plan]
                chosen = choose(plan, outcomes)
                if not (plan.may_grow and any(choice.edge for choice in chosen.values())):
                    return plan, outcomes
                plan = plan.grown({name: _side(plan, name, choice) for name, choice in chosen.items()})

    def _complete(self, plan: Plan, found: dict[Pair, Outcome], threads: ThreadPoolExecutor) -> None:
        """Find or make all runs of a plan that are not found yet."""
        new = [arm for arm in plan.arms if (arm, plan.seeds[0]) not in found]
        if self.kept is not None:
            seeds = set(plan.seeds)
            there = {pair: run for pair, run in self.kept.finished(new).items() if pair[1] in seeds}
            found |= there
            self.progress.kept += len(there)
            self.progress.finished(-1, list(there.values()))
        missing = [(arm, seed) for arm in new for seed in plan.seeds if (arm, seed) not in found]
        self._watch(self.progress)
        for outcomes in self._make(self._units(missing), threads):
            found |= {(outcome.arm, outcome.seed): outcome for outcome in outcomes}

    def _units(self, missing: Sequence[Pair]) -> list[list[Pair]]:
        """Cut runs into units of work; the same runs are cut the same way in every process."""
        a_run = 4.0 * self.settings.max_iter * self.problem.train.count * self.problem.model.size
        by_seed: dict[int, list[Pair]] = {}
        for arm, seed in missing:
            by_seed.setdefault(seed, []).append((arm, seed))
        units = []
        for pairs in by_seed.values():
            work = a_run * len(pairs)
            wanted = min(_UNITS / len(by_seed), work / _LEAST)
            units += _cut(pairs, max(1, math.ceil(work / _MOST), math.ceil(wanted)))
        return units

    def _make(self, units: list[list[Pair]], threads: ThreadPoolExecutor) -> Iterator[list[Outcome]]:
        """Make units of work on threads, and yield the runs of each; what another process makes is waited for."""
        waiting = list(enumerate(units))
        pending: dict[Future[list[Outcome]], tuple[int, list[Pair], Claim | None]] = {}
        try:
            while waiting or pending:
                for number, unit in list(waiting):
                    if len(pending) >= self.jobs:
                        break
                    claim = None
                    if self.kept is not None:
                        claim = self.kept.claim(_name(unit), _LEASE)
                        if claim is None:
                            continue
                        self._held[claim.unit] = claim
                    waiting.remove((number, unit))
                    pending[threads.submit(self._unit, number, unit)] = (number, unit, claim)
                yield from self._made_by_others(waiting)
                done, _ = wait(pending, timeout=_POLL, return_when=FIRST_COMPLETED)
                if not pending:
                    time.sleep(_POLL)
                self._watch(self.progress)
                self._renew()
                for future in done:
                    number, unit, claim = pending.pop(future)
                    outcomes = future.result()
                    yield from self._keep(number, unit, claim, outcomes, waiting)
        except BaseException:
            self._stop.set()
            raise
        finally:
            if self._stop.is_set() and self.kept is not None:
                for claim in self._held.values():
                    self.kept.give_up(claim)
                self._held.clear()

    def _keep(
        self,
        number: int,
        unit: list[Pair],
        claim: Claim | None,
        outcomes: list[Outcome],
        waiting: list[tuple[int, list[Pair]]],
    ) -> Iterator[list[Outcome]]:
        """Keep the runs of a unit; where another process has taken it over, its result counts."""
        if claim is not None and self.kept is not None:
            del self._held[claim.unit]
            if not self.kept.release(claim, outcomes):
                waiting.append((number, unit))
                return
        self.progress.finished(number, outcomes)
        self._watch(self.progress)
        yield outcomes

    def _made_by_others(self, waiting: list[tuple[int, list[Pair]]]) -> Iterator[list[Outcome]]:
        """Yield the units that other processes have finished meanwhile."""
        if self.kept is None or not waiting:
            return
        settled = self.kept.settled()
        for number, unit in list(waiting):
            if _name(unit) not in settled:
                continue
            there = self.kept.finished(dict.fromkeys(arm for arm, _ in unit))
            if all(pair in there for pair in unit):
                waiting.remove((number, unit))
                outcomes = [there[pair] for pair in unit]
                self.progress.finished(number, outcomes)
                yield outcomes
            else:  # done once, but some of it is damaged
                self.kept.reopen(_name(unit))

    def _renew(self) -> None:
        """Give signs of life for the units under way."""
        now = time.monotonic()
        if now - self._renewed > _LEASE / 4:
            for claim in self._held.values():
                claim.renew()
            self._renewed = now

    def _unit(self, number: int, unit: list[Pair]) -> list[Outcome]:
        if isinstance(self.problem.model, Linear):
            return self._in_lockstep(number, unit)
        return [self._alone(number, k, pair, len(unit)) for k, pair in enumerate(unit)]

    def _in_lockstep(self, number: int, unit: list[Pair]) -> list[Outcome]:
        """Make the runs of one seed in lockstep."""
        problem, seed = self.problem, unit[0][1]
        model = problem.model
        assert isinstance(model, Linear)  # noqa: S101 - for the types

        def look(lanes: Lockstep) -> bool:
            lowest, k = lanes.lowest()
            leader = unit[k][0] if k >= 0 else None
            self.progress.under_way(
                number, len(unit), lanes.alive, lanes.epoch / self.settings.max_iter, lowest, leader
            )
            return self._stop.is_set()

        lanes = Lockstep(model, problem.train, self.settings, [arm.rule for arm, _ in unit], seed, problem.judged)
        ended = lanes.descend(look, self._stop.is_set)
        if any(lane.record.status == STOPPED for lane in ended):
            raise Halted
        return [Outcome(arm, seed, lane.record, lane.losses) for (arm, _), lane in zip(unit, ended, strict=True)]

    def _alone(self, number: int, place: int, pair: Pair, count: int) -> Outcome:
        """Make one run by itself."""

        def look(run: Run) -> bool:
            share = (place + run.epoch / self.settings.max_iter) / count
            self.progress.under_way(number, count, 1, share, float("inf"), None)
            return self._stop.is_set()

        outcome, _ = make_run(*pair, self.problem, self.settings, look)
        if outcome.record.status == STOPPED:
            raise Halted
        return outcome

    # -- the chosen, again

    def confirm(self, plan: Plan, outcomes: Sequence[Outcome], judge: Judge) -> list[Confirmation]:
        """Run each rule at its best rate again alone, under every seed, and score it on the test part.

        Parameters
        ----------
        plan : Plan
        outcomes : sequence of Outcome
        judge : callable
            ``judge(theta)`` gives loss and scores on the test part. It is the first to look there.

        Returns
        -------
        list of Confirmation
            Rule by rule, in the order of the plan; none for rules that hold at no rate.
        """
        arms = [choice.arm for choice in choose(plan, outcomes).values() if np.isfinite(choice.median)]
        there = self.kept.confirmed(arms) if self.kept is not None else {}
        missing = [(arm, seed) for arm in arms for seed in plan.seeds if (arm, seed) not in there]
        self.progress = replace(Progress(), stage="test", total=len(arms) * len(plan.seeds), kept=len(there))
        with self._threads() as threads:
            futures = {threads.submit(self._confirm_one, pair, judge): pair for pair in missing}
            scored: dict[Pair, tuple[float, dict[str, float]]] = {}
            try:
                for future, pair in futures.items():
                    scored[pair] = future.result()
                    self.progress.done += 1
                    self._watch(self.progress)
            except BaseException:
                self._stop.set()
                for future in futures:
                    future.cancel()
                raise
        self.progress = replace(Progress(), stage="clock", total=len({arm for arm, _ in missing}))
        seconds: dict[Arm, float] = {}
        for arm in dict.fromkeys(arm for arm, _ in missing):
            seconds[arm] = self._time(arm, plan.seeds[0])
            self.progress.done += 1
            self._watch(self.progress)
        made = [
            (arm, Confirmation(arm.name, arm.learning_rate, seed, *scored[arm, seed], seconds[arm]))
            for arm, seed in missing
        ]
        if made and self.kept is not None:
            self.kept.confirm(made)
        there |= {(arm, one.seed): one for arm, one in made}
        return [there[arm, seed] for arm in arms for seed in plan.seeds]

    def _confirm_one(self, pair: Pair, judge: Judge) -> tuple[float, dict[str, float]]:
        arm, seed = pair
        settings = replace(self.settings, optimizer=arm.rule)
        run = Run(self.problem.model, self.problem.train, settings, random_state=seed)
        run.descend(callbacks=[lambda _: self._stop.is_set()])
        return judge(run.theta)

    def _time(self, arm: Arm, seed: int) -> float:
        """Return the seconds of an epoch of a rule, with nothing beside it."""
        settings = replace(self.settings, optimizer=arm.rule)
        run = Run(self.problem.model, self.problem.train, settings, random_state=seed)
        took: list[float] = []
        with self._one_blas_thread():
            while len(took) < min(_TIMED_EPOCHS, settings.max_iter) and sum(took) < _TIMED_SECONDS and not run.ended():
                before = run.seconds
                run.advance(1)
                took.append(run.seconds - before)
        return float(np.median(took))

    # -- threads

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        threads = ThreadPoolExecutor(self.jobs, thread_name_prefix="thalweg")
        try:
            with self._one_blas_thread():
                yield threads
        finally:
            threads.shutdown(wait=True, cancel_futures=True)

    def _one_blas_thread(self) -> Any:
        """Keep BLAS to one thread: runs are what goes side by side, and no bit may depend on how many do."""
        if isinstance(self.problem.model, Linear):
            return nullcontext()
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        return threadpool_limits(1, "blas")


def _unseen(progress: Progress) -> None:
    """Watch nothing."""


class Halted(Exception):  # noqa: N818 - nothing is wrong
    """A unit of work was given up because everything stops."""


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


def _cut(pairs: Sequence[Pair], parts: int) -> list[list[Pair]]:
    """Cut the runs of a seed into so many units at most, of about as many lanes; rules stay whole where they can."""
    size = math.ceil(len(pairs) / parts)
    units: list[list[Pair]] = [[]]
    for _, rule in itertools.groupby(pairs, key=lambda pair: pair[0].name):
        lanes = list(rule)
        if units[-1] and len(units[-1]) + len(lanes) / 2 > size:
            units.append([])
        while len(units[-1]) + len(lanes) > 2 * size:
            room = max(size - len(units[-1]), 1)
            units[-1] += lanes[:room]
            units.append([])
            lanes = lanes[room:]
        units[-1] += lanes
    return [unit for unit in units if unit]


def _name(unit: Iterable[Pair]) -> str:
    """Return the name of a unit of work, the same in all processes."""
    from thalweg.comparison.store import arm_key, digest_of

    return str(digest_of([[arm_key(arm).hex(), seed] for arm, seed in unit]))
