"""Which of its rates serves a rule best: chosen by final losses over seeds, the same way wherever one is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Arm, Plan

Floats = NDArray[np.float64]


class Choice(NamedTuple):
    """The rate at which a rule did best, and whether it is the last one tried on a side.

    Attributes
    ----------
    arm : Arm
        With the lowest median of the final losses over seeds; the smaller rate of two alike.
    place : int
        Of the arm in the plan.
    median : float
        Infinite where no rate holds.
    edge : str
        ``"<"`` or ``">"`` where this is the smallest or largest rate tried, so that one beyond it may be better; else
        empty. A rule that diverged at all its rates has ``"<"``.
    """

    arm: Arm
    place: int
    median: float
    edge: str


def choose(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Choice]:
    """Return the rate at which each rule did best, in the plan's order of rules.

    Parameters
    ----------
    plan : Plan
    outcomes : sequence of Outcome
        One for each run of the plan, in its order.
    """
    return choose_by(plan, final_losses(plan, outcomes))


def final_losses(plan: Plan, outcomes: Sequence[Outcome]) -> Floats:
    """Return the last losses, (arms, seeds)."""
    return np.array([outcome.final for outcome in outcomes], dtype=np.float64).reshape(len(plan.arms), len(plan.seeds))


def choose_by(plan: Plan, finals: Floats) -> dict[str, Choice]:
    """Return the same for final losses, (arms, seeds)."""
    medians = np.median(finals, axis=1)
    found = {}
    for name, tried in places(plan).items():
        place = min(tried, key=lambda k: float(medians[k]))  # the first of equals: arms stand by rising rate
        edge = "" if len(tried) < 2 else "<" if place == tried[0] else ">" if place == tried[-1] else ""
        found[name] = Choice(plan.arms[place], place, float(medians[place]), edge)
    return found


def places(plan: Plan) -> dict[str, list[int]]:
    """Return where the arms of each rule stand in the plan."""
    found: dict[str, list[int]] = {}
    for place, arm in enumerate(plan.arms):
        found.setdefault(arm.name, []).append(place)
    return found


def quantiles(losses: Floats, share: float) -> Floats:
    """Return a quantile of each row, between its neighbours in proportion; infinite where the upper neighbour is.

    Parameters
    ----------
    losses : ndarray (n, seeds)
        Not nan; may be infinite, which :func:`numpy.quantile` cannot take.
    share : float in [0, 1]

    Examples
    --------
    >>> quantiles(np.array([[3.0, 1.0, 2.0], [np.inf, 0.0, np.inf]]), 0.25)
    array([1.5, inf])
    """
    rising = np.sort(losses, axis=1)
    place = share * (losses.shape[1] - 1)
    below = math.floor(place)
    lower, upper = rising[:, below], rising[:, math.ceil(place)]
    gap = np.zeros_like(lower)
    np.subtract(upper, lower, out=gap, where=upper > lower)
    return lower + gap * (place - below) if place > below else lower
