"""What the charts show, as plain data with few digits: one entry per rule, best rule first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.results import Results
from thalweg.comparison.summary import Difference, Standing, Summary
from thalweg.descent.stability import Limit
from thalweg.report.numbers import all_drawn, drawn, loss_text, rate_text

#: Rules that are drawn at first, and as many colours as there are; plain gradient descent is always among them.
SHOWN = 7
PLAIN = "gradient_descent"
#: A curve is drawn through at most so many epochs, a rule's faint runs through at most so many numbers in all rules.
_MOST_POINTS, _FEWEST_POINTS, _MOST_NUMBERS = 200, 40, 120_000
_MOST_RUNS = 30
#: Losses are drawn on a logarithmic scale where the first is this many times the best.
_WIDE = 4.0
#: A rate counts as diverged where so many of its runs did.
_HALF = 0.5
#: What the shades of the heat map mean: at most so much of the way from the first loss to the best one is left.
SHADES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)

Epochs = NDArray[np.intp]


def chart_data(results: Results, summary: Summary, limits: Sequence[Limit] = ()) -> dict[str, Any]:
    """Return what the scripts of the page draw.

    Parameters
    ----------
    results : Results
    summary : Summary
    limits : sequence of Limit
        Theory's largest stable rates.
    """
    runs = _by_arm(results.outcomes)
    epochs = thinned(results.facts.epochs, len(summary.standings) * min(len(results.plan.seeds), _MOST_RUNS))
    theory = {limit.name: drawn(limit.rate) for limit in limits if limit.rate is not None}
    differences = {difference.name: difference for difference in summary.differences}
    names = [standing.name for standing in summary.standings]
    shown = names[:SHOWN] if PLAIN in names[:SHOWN] or PLAIN not in names else [*names[: SHOWN - 1], PLAIN]
    rules = []
    for standing in summary.standings:
        at_best = runs.get((standing.name, standing.learning_rate), [])
        rule: dict[str, Any] = {
            "name": standing.name,
            "rate": rate_text(standing.learning_rate) if standing.learning_rate is not None else "",
            "best": drawn(standing.learning_rate),
            "shown": standing.name in shown,
            "plain": standing.name == PLAIN,
            "final": drawn(standing.median),
            "sens": _sensitivity(standing),
            "curve": _curve(at_best, epochs),
            "after": all_drawn(standing.expected_best),
            "theory": theory.get(standing.name),
            "measured": all_drawn(measured_limit(standing)),
        }
        if standing.name in differences:
            rule["diff"] = _difference(differences[standing.name])
        rules.append(rule)
    return {"rules": rules, "epochs": epochs.tolist(), "loss": _scale(summary), "shades": SHADES}


def thinned(epochs: int, curves: int) -> Epochs:
    """Return the epochs through which a curve is drawn, densest at the beginning, where it moves.

    Examples
    --------
    >>> thinned(5, 100).tolist()
    [0, 1, 2, 3, 4, 5]
    >>> len(thinned(1000, 100)) <= 200
    True
    """
    most = min(_MOST_POINTS, max(_FEWEST_POINTS, _MOST_NUMBERS // max(curves, 1)))
    if epochs < most:
        return np.arange(epochs + 1)
    early = np.geomspace(1, epochs, most // 2)
    evenly = np.linspace(0, epochs, most - most // 2)
    return np.unique(np.concatenate([early, evenly]).round().astype(np.intp))


def measured_limit(standing: Standing) -> tuple[float, float] | tuple[None, None]:
    """Return the first rates, next to each other, between which half of the runs began to diverge; None for neither."""
    tried = [(rate, share) for rate, _, _, _, share in standing.sensitivity if rate is not None]
    for (below, finite), (above, lost) in pairwise(tried):
        if finite < _HALF <= lost:
            return below, above
    return None, None


def medians(runs: Sequence[Outcome], epochs: Iterable[int]) -> list[float]:
    """Return the median loss over runs at these epochs; infinite where half of the runs had diverged."""
    return [float(np.median([_loss(run, k) for run in runs])) for k in epochs]


def _loss(run: Outcome, epoch: int) -> float:
    """Return the loss after an epoch: infinite where the run had diverged, the last one where it had stopped."""
    if epoch >= len(run.losses):
        return run.final
    return run.losses[epoch] if math.isfinite(run.losses[epoch]) else math.inf


def _by_arm(outcomes: Iterable[Outcome]) -> dict[tuple[str, float | None], list[Outcome]]:
    runs: dict[tuple[str, float | None], list[Outcome]] = {}
    for outcome in outcomes:
        runs.setdefault((outcome.arm.name, outcome.arm.learning_rate), []).append(outcome)
    return runs


def _sensitivity(standing: Standing) -> dict[str, list[Any]]:
    columns = zip(*standing.sensitivity, strict=True)
    return dict(zip(("x", "m", "lo", "hi", "lost"), map(all_drawn, columns), strict=True))


def _curve(runs: Sequence[Outcome], epochs: Epochs) -> dict[str, Any]:
    """Return the median and the runs; a run that diverged ends where it left the finite numbers."""
    reach = max((len(run.losses) for run in runs), default=0)
    seen = [int(epoch) for epoch in epochs if epoch < reach]
    lines = [all_drawn(run.losses[k] for k in seen if k < len(run.losses)) for run in runs[:_MOST_RUNS]]
    return {"m": all_drawn(medians(runs, seen)), "runs": lines if len(runs) > 1 else []}


def _difference(difference: Difference) -> dict[str, Any]:
    numbers = all_drawn((difference.mean, difference.low, difference.high))
    return {"m": numbers[0], "lo": numbers[1], "hi": numbers[2], "apart": difference.told_apart}


def _scale(summary: Summary) -> dict[str, Any]:
    """Return the part of the losses that is worth drawing: from the best to a little above the first."""
    first = summary.start if math.isfinite(summary.start) else 1.0
    lows = [low for standing in summary.standings for _, _, low, _, _ in standing.sensitivity if math.isfinite(low)]
    lows += [standing.low for standing in summary.standings if math.isfinite(standing.low)]
    low = min([*lows, first])
    wide = low > 0 and first > _WIDE * low
    room = (first / low) ** 0.06 if wide else 0.06 * (first - low) or abs(0.1 * first) or 1.0
    bottom, top = (low / room, first * room) if wide else (low - room, first + room)
    return {
        "log": wide,
        "range": all_drawn((bottom, top)),
        "low": drawn(low),
        "first": drawn(first),
        "best": drawn(summary.best.median),
        "goal": drawn(summary.target),
        "goalText": loss_text(summary.target) if summary.target is not None else "",
        "name": f"{summary.selection} loss",
        "compared": f"{summary.compared_on} loss",
    }
