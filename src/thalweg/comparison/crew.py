"""Threads that make units of work, and other processes that make them too: each unit is made once."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

from thalweg.comparison.units import Unit
from thalweg.errors import StorageError

if TYPE_CHECKING:
    from thalweg.comparison.store import Claim, Comparison

Made = TypeVar("Made")

_LEASE = 60.0
_POLL = 0.2
# Seconds that threads have to notice that everything stops: a network looks up at the end of a native call only.
_GRACE = 1.0


class Halted(Exception):  # noqa: N818 - nothing is wrong
    """A unit of work was given up because everything stops."""


class Task(ABC, Generic[Made]):
    """A kind of work: how a unit of it is done, kept, and found where another process has done it."""

    @abstractmethod
    def do(self, unit: Unit) -> list[Made]:
        """Make what is missing of a unit, on a thread; raise :class:`Halted` where everything stops."""

    @abstractmethod
    def keep(self, kept: Comparison, claim: Claim, unit: Unit, made: list[Made]) -> bool:
        """Keep what was made, and note that the unit is done; False where another process has taken it over."""

    @abstractmethod
    def find(self, kept: Comparison, unit: Unit) -> list[Made] | None:
        """Return what another process has made of a unit; None where some of it is damaged."""

    @abstractmethod
    def done(self, unit: Unit, made: list[Made]) -> None:
        """Note that a unit is done, or, with nothing made, that it is to be done again."""


@final
class Crew:
    """So many threads, and what they share with other processes.

    Parameters
    ----------
    jobs : int
        Threads.
    kept : thalweg.comparison.store.Comparison, optional
        Where units are claimed and their results kept.
    look_up : callable
        Called whenever something may have happened, from the thread that waits.
    stop : Event
        Set where everything stops, so that threads notice.
    """

    def __init__(
        self, jobs: int, kept: Comparison | None, look_up: Callable[[], object], stop: threading.Event
    ) -> None:
        self.jobs, self.kept = jobs, kept
        self._look_up, self._stop = look_up, stop
        self._threads: ThreadPoolExecutor | None = None
        self._held: dict[str, Claim] = {}
        self._renewed = time.monotonic()

    @contextmanager
    def at_work(self) -> Iterator[Crew]:
        """Have the threads, with BLAS on one of its own for each."""
        self._threads = ThreadPoolExecutor(self.jobs, thread_name_prefix="thalweg")
        try:
            with one_blas_thread():
                yield self
        finally:
            self._threads.shutdown(wait=not self._stop.is_set(), cancel_futures=True)

    def make(self, units: Iterable[Unit], task: Task[Made]) -> Iterator[tuple[Unit, list[Made]]]:
        """Make units of work, and yield what comes of each; what another process makes is waited for."""
        if self._threads is None:
            raise RuntimeError("the threads are not there: with crew.at_work()")
        waiting = list(units)
        pending: dict[Future[list[Made]], tuple[Unit, Claim | None]] = {}
        done: set[Future[list[Made]]] = set()
        try:
            while waiting or pending:
                made = {future: pending.pop(future) for future in sorted(done, key=_failed)}
                for unit in list(waiting):  # threads do not wait for the disk: they go on before results are kept
                    if len(pending) >= self.jobs:
                        break
                    claim = None
                    if self.kept is not None:
                        claim = self.kept.claim(unit.name, _LEASE)
                        if claim is None:
                            continue
                        self._held[unit.name] = claim
                    waiting.remove(unit)
                    pending[self._threads.submit(task.do, unit)] = unit, claim
                for future, (unit, claim) in made.items():
                    if self._keep(unit, claim, future.result(), task):
                        yield unit, future.result()
                    else:
                        waiting.append(unit)
                yield from self._made_by_others(waiting, task)
                done, _ = wait(pending, timeout=_POLL, return_when=FIRST_COMPLETED)
                if not pending and waiting:
                    time.sleep(_POLL)
                self._look_up()
                self._renew()
        except BaseException:
            self._stop.set()
            wait(pending, timeout=_GRACE)
            raise
        finally:
            if self.kept is not None:
                with suppress(StorageError):  # as where the disk is full, which is what ended it all
                    self.kept.give_up()
            self._held.clear()

    def _keep(self, unit: Unit, claim: Claim | None, made: list[Made], task: Task[Made]) -> bool:
        """Keep what was made of a unit; where another process has taken it over, its result counts."""
        ours = True
        if claim is not None and self.kept is not None:
            ours = task.keep(self.kept, claim, unit, made)
            del self._held[unit.name]
        task.done(unit, made if ours else [])
        if ours:
            self._look_up()
        return ours

    def _made_by_others(self, waiting: list[Unit], task: Task[Made]) -> Iterator[tuple[Unit, list[Made]]]:
        """Yield the units that other processes have finished meanwhile."""
        if self.kept is None or not waiting:
            return
        settled = self.kept.settled()
        for unit in [unit for unit in waiting if unit.name in settled]:
            there = task.find(self.kept, unit)
            if there is None:  # done once, but some of it is damaged
                self.kept.reopen(unit.name)
            else:
                waiting.remove(unit)
                task.done(unit, there)
                yield unit, there

    def _renew(self) -> None:
        """Give signs of life for the units under way."""
        now = time.monotonic()
        if now - self._renewed > _LEASE / 4:
            for claim in self._held.values():
                claim.renew()
            self._renewed = now


def one_blas_thread() -> Any:
    """Keep BLAS to one thread: runs are what goes side by side, and no bit may depend on how many do."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1, "blas")


def _failed(future: Future[Any]) -> bool:
    """Tell whether a thread failed: what the others have finished is kept first."""
    return future.exception() is not None
