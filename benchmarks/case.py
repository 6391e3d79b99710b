"""What a case is: one piece of work, done by several sides from the same data to the same parameters."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Run = Callable[[int], "NDArray[Any] | None"]
"""``run(epochs)``: the whole work from the same start; returns the final parameters, flat."""


@dataclass(frozen=True)
class Side:
    """One way to do the work of a case.

    Parameters
    ----------
    name : str
        As shown in the table.
    prepare : callable or None
        ``prepare(problem) -> run``: imports, copies, buffers; not timed. ``None`` while the side does not exist:
        it is then a row ``absent``.
    epochs : int
        Passes over the problem in one timed run.
    needs : tuple of str
        Modules without which the side is a row ``not installed``.
    at_most : float or None
        Target: time of ours divided by time of this side.
    part : callable or None
        ``part(problem) -> problem``, for a side so slow that it is given fewer rows; time is per step anyway.
    tolerance : float or None
        How far its parameters may end from the reference's, in units of the distance that those moved.
        ``None``: nothing to compare (a product of matrices alone, the start of a process).
    note : str
        What a reader must know about this side, in one sentence.
    """

    name: str
    prepare: Callable[[Any], Run] | None
    epochs: int = 1
    needs: tuple[str, ...] = ()
    at_most: float | None = None
    part: Callable[[Any], Any] | None = None
    tolerance: float | None = None
    note: str = ""

    def missing(self) -> list[str]:
        """Names of the needed modules that are not installed."""
        return [module for module in self.needs if importlib.util.find_spec(module) is None]


@dataclass(frozen=True)
class Case:
    """One row of the table: ours against every peer.

    Parameters
    ----------
    name, work : str
        The name to select it by, and the work in words.
    unit : str
        What the time is per.
    problem, small : callable
        ``problem() -> problem`` to time on; ``small()`` a small one on which the sides' results are compared.
    steps : callable
        ``steps(problem) -> float``: units in one epoch; less than one where a side does part of a long work.
    ours : Side
    peers : tuple of Side
    reference, start : callable or None
        ``reference(problem, epochs)`` final parameters by plain NumPy; ``start(problem)`` first ones. Both flat.
    threads : int
        Threads (and processors) that each side may use.
    clock : {"cpu", "wall"}
        Processor seconds, which a busy machine hardly changes and which are all there is on one thread, or seconds
        of waiting where several threads or processes take part.
    beyond : float or None
        Target in seconds: time of ours minus time of the first peer.
    within : float or None
        Target in seconds for ours alone, a guide where the machine is another one.
    rounds_at_least, rounds_at_most : int
        Rounds even if fewer, or more, are asked for.
    """

    name: str
    work: str
    unit: str
    problem: Callable[[], Any]
    steps: Callable[[Any], float]
    ours: Side
    peers: tuple[Side, ...]
    small: Callable[[], Any] | None = None
    reference: Callable[[Any, int], NDArray[Any]] | None = None
    start: Callable[[Any], NDArray[Any]] | None = None
    threads: int = 1
    clock: str = "cpu"
    beyond: float | None = None
    within: float | None = None
    rounds_at_least: int = 1
    rounds_at_most: int = 1_000
    check_epochs: int = 2

    @property
    def sides(self) -> tuple[Side, ...]:
        """Ours first, then the peers."""
        return (self.ours, *self.peers)

    def difference(self, theta: NDArray[Any]) -> float:
        """Distance from the reference over the distance that the reference moved, both Euclidean (1: did not move)."""
        assert self.small is not None
        assert self.reference is not None
        assert self.start is not None
        problem = self.small()
        target, start = self.reference(problem, self.check_epochs), self.start(problem)
        return float(np.linalg.norm(np.asarray(theta, float) - target) / np.linalg.norm(target - start))


@dataclass(frozen=True)
class Sheet:
    """A table of its own: many small measurements made in one process, all of them in each round.

    Parameters
    ----------
    name, work : str
    needs : tuple of str
    prepare : callable or None
        ``prepare() -> measure``; ``measure()`` gives the seconds of every row's columns, ``{row: {column: s}}``.
    columns : mapping
        Column heading -> unit, in the order of the table.
    """

    name: str
    work: str
    prepare: Callable[[], Callable[[], Mapping[str, Mapping[str, float]]]] | None
    columns: Mapping[str, str]
    needs: tuple[str, ...] = ()
    threads: int = 1


class Match(NamedTuple):
    """Test scores of two estimators on one table, over the same splits.

    Parameters
    ----------
    table : str
    ours, theirs : float
        Mean scores.
    difference, half : float
        Mean of ours minus theirs, and half of its 95 % interval (Student's t).
    epochs, their_epochs : float
        Medians.
    """

    table: str
    ours: float
    theirs: float
    difference: float
    half: float
    epochs: float
    their_epochs: float

    @property
    def verdict(self) -> str:
        """Whether ours is at least as good: the difference, against its interval."""
        return "better" if self.difference > self.half else "worse" if self.difference < -self.half else "as good"


@dataclass(frozen=True)
class Contest:
    """Scores, not seconds: one estimator of ours against one of a peer, defaults untouched, on several tables.

    Parameters
    ----------
    name, ours, theirs, score : str
        How the contest is called, whose estimators play, and what counts.
    seeds : int
        Splits and starts on each table.
    play : callable
        ``play() -> list of Match``.
    """

    name: str
    ours: str
    theirs: str
    score: str
    seeds: int
    play: Callable[[], list[Match]]

    @property
    def work(self) -> str:
        """What is done."""
        return f"defaults untouched: {self.ours} against scikit-learn's {self.theirs}, {self.score} on test rows"
