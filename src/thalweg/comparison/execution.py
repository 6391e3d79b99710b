"""A plan carried out: lanes in lockstep or networks on threads, growing grids, runs kept as they finish."""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from thalweg.comparison.alone import make_run
from thalweg.comparison.choice import Choice, choose
from thalweg.comparison.outcome import Confirmation, Outcome, Problem
from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.progress import Progress
from thalweg.comparison.scores import METRICS
from thalweg.descent.lockstep import Lockstep
from thalweg.descent.models import Linear
from thalweg.descent.record import DIVERGED, STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import StorageError

if TYPE_CHECKING:
    from thalweg.comparison.store import Claim, Comparison

Pair = tuple[Arm, int]
Judge = Callable[[Any], tuple[float, dict[str, float]]]

# A unit of work is what one thread makes in one go and what is lost with it, in products and sums: as many units as
# would keep several threads busy to the end, none so small that handing it over costs more, none longer than seconds.
_UNITS, _LEAST, _MOST = 8, 2e8, 2e10
_LEASE = 60.0
_POLL = 0.2
# Seconds that threads have to notice that everything stops: a network looks up at the end of an epoch only.
_GRACE = 1.0
# A rule is timed over so many epochs at most, or so many seconds.
_TIMED_EPOCHS, _TIMED_SECONDS = 5, 0.2


Watch = Callable[[Progress], None]


class _Unit(NamedTuple):
    """What one thread makes in one go.

    Attributes
    ----------
    number : int
    name : str
        By which processes tell who makes it; of all its runs, so that it does not depend on what is finished.
    missing : list of (Arm, int)
        The runs of it that are to be made.
    """

    number: int
    name: str
    missing: list[Pair]


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
        self.jobs = processors() if jobs is None else check_count("jobs", jobs)
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
        new = [(arm, seed) for arm, seed in plan if (arm, seed) not in found]
        if self.kept is not None:
            there = self.kept.finished(dict.fromkeys(arm for arm, _ in new))
            there = {pair: there[pair] for pair in new if pair in there}
            found |= there
            self.progress.kept += len(there)
            self.progress.finished(-1, list(there.values()))
        self._watch(self.progress)
        units = []
        for number, pairs in enumerate(self._cut(new)):
            missing = [pair for pair in pairs if pair not in found]
            if missing:
                units.append(_Unit(number, "" if self.kept is None else _name(pairs), missing))
        for outcomes in self._make(units, threads):
            found |= {(outcome.arm, outcome.seed): outcome for outcome in outcomes}

    def _cut(self, new: Sequence[Pair]) -> list[list[Pair]]:
        """Cut runs into units of work: the same in every process, whenever it comes, whatever is finished by then."""
        a_run = 4.0 * self.settings.max_iter * self.problem.train.count * self.problem.model.size
        by_seed: dict[int, list[Pair]] = {}
        for arm, seed in new:
            by_seed.setdefault(seed, []).append((arm, seed))
        units = []
        for pairs in by_seed.values():
            work = a_run * len(pairs)
            wanted = min(_UNITS / len(by_seed), work / _LEAST)
            units += _cut(pairs, max(1, math.ceil(work / _MOST), math.ceil(wanted)))
        return units

    def _make(self, units: Iterable[_Unit], threads: ThreadPoolExecutor) -> Iterator[list[Outcome]]:
        """Make units of work on threads, and yield the runs of each; what another process makes is waited for."""
        waiting = list(units)
        pending: dict[Future[list[Outcome]], tuple[_Unit, Claim | None]] = {}
        try:
            while waiting or pending:
                for unit in list(waiting):
                    if len(pending) >= self.jobs:
                        break
                    claim = None
                    if self.kept is not None:
                        claim = self.kept.claim(unit.name, _LEASE)
                        if claim is None:
                            continue
                        self._held[unit.name] = claim
                    waiting.remove(unit)
                    pending[threads.submit(self._unit, unit)] = unit, claim
                yield from self._made_by_others(waiting)
                done, _ = wait(pending, timeout=_POLL, return_when=FIRST_COMPLETED)
                if not pending and waiting:
                    time.sleep(_POLL)
                self._watch(self.progress)
                self._renew()
                for future in sorted(done, key=_failed):
                    unit, claim = pending.pop(future)
                    yield from self._keep(unit, claim, future.result(), waiting)
        except BaseException:
            self._stop.set()
            wait(pending, timeout=_GRACE)
            raise
        finally:
            if self.kept is not None:
                for claim in self._held.values():
                    with suppress(StorageError):  # as where the disk is full, which is what ended it all
                        self.kept.give_up(claim)
            self._held.clear()

    def _keep(
        self, unit: _Unit, claim: Claim | None, outcomes: list[Outcome], waiting: list[_Unit]
    ) -> Iterator[list[Outcome]]:
        """Keep the runs of a unit; where another process has taken it over, its result counts."""
        if claim is not None and self.kept is not None:
            ours = self.kept.release(claim, outcomes)
            del self._held[unit.name]
            if not ours:
                self.progress.finished(unit.number, [])
                waiting.append(unit)
                return
        self.progress.finished(unit.number, outcomes)
        self._watch(self.progress)
        yield outcomes

    def _made_by_others(self, waiting: list[_Unit]) -> Iterator[list[Outcome]]:
        """Yield the units that other processes have finished meanwhile."""
        if self.kept is None or not waiting:
            return
        settled = self.kept.settled()
        for unit in [unit for unit in waiting if unit.name in settled]:
            there = self.kept.finished(dict.fromkeys(arm for arm, _ in unit.missing))
            if all(pair in there for pair in unit.missing):
                waiting.remove(unit)
                outcomes = [there[pair] for pair in unit.missing]
                self.progress.finished(unit.number, outcomes)
                yield outcomes
            else:  # done once, but some of it is damaged
                self.kept.reopen(unit.name)

    def _renew(self) -> None:
        """Give signs of life for the units under way."""
        now = time.monotonic()
        if now - self._renewed > _LEASE / 4:
            for claim in self._held.values():
                claim.renew()
            self._renewed = now

    def _unit(self, unit: _Unit) -> list[Outcome]:
        model, pairs = self.problem.model, unit.missing
        if isinstance(model, Linear):
            return self._in_lockstep(model, unit.number, pairs)
        return [self._alone(unit.number, k, pair) for k, pair in enumerate(pairs)]

    def _in_lockstep(self, model: Linear, number: int, pairs: list[Pair]) -> list[Outcome]:
        """Make runs of one seed in lockstep."""
        problem, seed = self.problem, pairs[0][1]

        def look(lanes: Lockstep) -> bool:
            lowest, k = lanes.lowest()
            leader = pairs[k][0] if k >= 0 else None
            self.progress.under_way(
                number, len(pairs), lanes.alive, lanes.epoch / self.settings.max_iter, lowest, leader
            )
            return self._stop.is_set()

        lanes = Lockstep(model, problem.train, self.settings, [arm.rule for arm, _ in pairs], seed, problem.judged)
        ended = lanes.descend(look, self._stop.is_set)
        if any(lane.record.status == STOPPED for lane in ended):
            raise Halted
        return [Outcome(arm, seed, lane.record, lane.losses) for (arm, _), lane in zip(pairs, ended, strict=True)]

    def _alone(self, number: int, place: int, pair: Pair) -> Outcome:
        """Make one run by itself, after ``place`` others of its unit."""

        def look(run: Run) -> bool:
            self.progress.under_way(number, 1, 1, place + run.epoch / self.settings.max_iter, math.inf, None)
            return self._stop.is_set()

        if self._stop.is_set():
            raise Halted
        outcome, _ = make_run(*pair, self.problem, self.settings, look)
        if outcome.record.status == STOPPED:
            raise Halted
        self.progress.under_way(number, 1, 1, place + 1, outcome.final, pair[0])
        return outcome

    # -- the chosen, again

    def confirm(self, plan: Plan, outcomes: Sequence[Outcome], judge: Judge) -> list[Confirmation]:
        """Time each rule at its best rate, run it again alone under every seed, and score it on the test part.

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
        pairs = [(arm, seed) for arm in arms for seed in plan.seeds]
        found = self.kept.confirmed(arms) if self.kept is not None else {}
        there = {pair: _in_order(found[pair]) for pair in pairs if pair in found}
        missing = [pair for pair in pairs if pair not in there]
        untimed = list(dict.fromkeys(arm for arm, _ in missing))
        self.progress = replace(Progress(), stage="clock", total=len(untimed))
        seconds: dict[Arm, float] = {}
        with self._one_blas_thread():
            for arm in untimed:
                self._watch(self.progress)
                seconds[arm] = self._time(arm, plan.seeds[0])
                self.progress.done += 1
        kept = len(there)
        self.progress = replace(Progress(), stage="test", total=len(pairs), kept=kept, done=kept, share=kept)
        with self._threads() as threads:
            futures = {threads.submit(self._score, some, judge): some for some in self._together(missing)}
            try:
                while futures:
                    done, _ = wait(futures, timeout=_POLL, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=_failed):
                        made = [
                            (arm, Confirmation(arm.name, arm.learning_rate, seed, *scored, seconds[arm]))
                            for (arm, seed), scored in zip(futures.pop(future), future.result(), strict=True)
                        ]
                        there |= {(arm, one.seed): one for arm, one in made}
                        if self.kept is not None:
                            self.kept.confirm(made)
                        self.progress.done += len(made)
                    self._watch(self.progress)
            except BaseException:
                self._stop.set()
                for future in futures:
                    future.cancel()
                wait(futures, timeout=_GRACE)
                raise
        return [there[pair] for pair in pairs]

    def _together(self, missing: Sequence[Pair]) -> list[list[Pair]]:
        """Return which of the chosen run side by side: those of a seed in lockstep, networks each by itself."""
        if not isinstance(self.problem.model, Linear):
            return [[pair] for pair in missing]
        by_seed: dict[int, list[Pair]] = {}
        for arm, seed in missing:
            by_seed.setdefault(seed, []).append((arm, seed))
        parts = math.ceil(self.jobs / max(len(by_seed), 1))
        return [pairs[part::parts] for pairs in by_seed.values() for part in range(min(parts, len(pairs)))]

    def _score(self, pairs: Sequence[Pair], judge: Judge) -> list[tuple[float, dict[str, float]]]:
        """Run the chosen again, those of one seed, and score them on the test part; infinite where one diverged."""
        if self._stop.is_set():
            raise Halted
        problem, seed = self.problem, pairs[0][1]
        if isinstance(problem.model, Linear):
            rules = [arm.rule for arm, _ in pairs]
            lanes = Lockstep(problem.model, problem.train, self.settings, rules, seed, problem.judged)
            ended = [(lane.record.status, lane.theta) for lane in lanes.descend(halted=self._stop.is_set)]
        else:
            run = Run(
                problem.model, problem.train, replace(self.settings, optimizer=pairs[0][0].rule), random_state=seed
            )
            run.descend(callbacks=[lambda _: self._stop.is_set()])
            ended = [(run.status, run.theta)]
        if any(status == STOPPED for status, _ in ended):
            raise Halted
        return [(math.inf, {}) if status == DIVERGED else judge(theta) for status, theta in ended]

    def _time(self, arm: Arm, seed: int) -> float:
        """Return the seconds of an epoch of a rule, with nothing beside it."""
        settings = replace(self.settings, optimizer=arm.rule)
        run = Run(self.problem.model, self.problem.train, settings, random_state=seed)
        took: list[float] = []
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
            threads.shutdown(wait=not self._stop.is_set(), cancel_futures=True)

    def _one_blas_thread(self) -> Any:
        """Keep BLAS to one thread: runs are what goes side by side, and no bit may depend on how many do."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        return threadpool_limits(1, "blas")


def _failed(future: Future[Any]) -> bool:
    """Tell whether a thread failed: what the others have finished is kept first."""
    return future.exception() is not None


def _in_order(kept: Confirmation) -> Confirmation:
    """Return a confirmation with its metrics as they are shown: a store has them by the alphabet."""
    return replace(kept, scores={name: kept.scores[name] for name in METRICS if name in kept.scores})


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
