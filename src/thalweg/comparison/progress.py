"""How far a comparison is: what threads tell while they work, added up for whoever watches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Arm


@final
@dataclass
class Progress:
    """How far a comparison is.

    Attributes
    ----------
    stage : str
        ``"runs"``, ``"clock"`` (rules timed alone) or ``"test"`` (chosen arms again, on the test part).
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
        """Note how far a unit of work is: the share of so many lanes side by side, or the runs made one by one."""
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
