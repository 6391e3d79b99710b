"""The runs of a comparison in one table: each rule at the rate that served it best, the best rule first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from thalweg.comparison.outcome import Outcome, final_losses

#: The target, where none is asked for: this share of the way from the first loss to the best final one.
_SHARE_OF_THE_WAY = 0.95


@final
@dataclass(frozen=True)
class Standing:
    """One rule at its best rate. All losses are means over the validation part.

    Attributes
    ----------
    name : str
    learning_rate : float or None
        The rate with the lowest median of the final losses over seeds.
    edge : str
        ``"<"`` or ``">"`` where this is the smallest or largest rate tried, so that one beyond it may be better; else
        empty.
    median, low, high : float
        Final losses over seeds at this rate; infinite where runs diverged.
    epochs : float or None
        Median over seeds until the target loss; None where half of the runs or more do not reach it.
    diverged, runs : int
        Runs that diverged, and all runs, at all rates.
    """

    name: str
    learning_rate: float | None
    edge: str
    median: float
    low: float
    high: float
    epochs: float | None
    diverged: int
    runs: int


@final
@dataclass(frozen=True)
class Leaderboard:
    """The standings, best first, and the loss that ``epochs`` count to (None where nothing learned)."""

    standings: tuple[Standing, ...]
    target: float | None

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], target: float | None = None) -> Leaderboard:
        """Choose each rule's rate and rank the rules.

        Parameters
        ----------
        outcomes : sequence of Outcome
        target : float, optional
            Loss to count epochs to; without it, 95 % of the way from the median first loss to the best
            median final loss.
        """
        chosen = {name: best_runs(outcomes, name) for name in dict.fromkeys(o.arm.name for o in outcomes)}
        if target is None:
            first = float(np.median([outcome.losses[0] for outcome in outcomes]))
            best = min(float(np.median(final_losses(runs))) for runs in chosen.values())
            target = first + _SHARE_OF_THE_WAY * (best - first) if best < first else None
        standings = [_standing(name, runs, outcomes, target) for name, runs in chosen.items()]
        return cls(tuple(sorted(standings, key=lambda s: (s.median, s.name))), target)


def best_runs(outcomes: Sequence[Outcome], name: str) -> list[Outcome]:
    """Return the runs of one rule at the rate with the lowest median of the final losses; the smaller of two alike."""
    arms: dict[float | None, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.arm.name == name:
            arms.setdefault(outcome.arm.learning_rate, []).append(outcome)
    return min(arms.values(), key=lambda runs: (float(np.median(final_losses(runs))), runs[0].arm.learning_rate or 0.0))


def _standing(name: str, runs: list[Outcome], outcomes: Sequence[Outcome], target: float | None) -> Standing:
    everything = [outcome for outcome in outcomes if outcome.arm.name == name]
    rate = runs[0].arm.learning_rate
    tried = sorted({outcome.arm.learning_rate for outcome in everything if outcome.arm.learning_rate is not None})
    losses = final_losses(runs)
    return Standing(
        name=name,
        learning_rate=rate,
        edge="" if len(tried) < 2 else "<" if rate == tried[0] else ">" if rate == tried[-1] else "",
        median=float(np.median(losses)),
        low=float(losses.min()),
        high=float(losses.max()),
        epochs=_epochs_to(target, runs),
        diverged=sum(outcome.diverged for outcome in everything),
        runs=len(everything),
    )


def _epochs_to(target: float | None, runs: list[Outcome]) -> float | None:
    """Return the median epochs to the target; a run that does not reach it takes for ever."""
    if target is None:
        return None
    reached = [run.reached(target) for run in runs]
    epochs = float(np.median([math.inf if k is None else k for k in reached]))
    return epochs if math.isfinite(epochs) else None
