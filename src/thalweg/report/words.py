"""How to read each chart, said beside it, and what it shows for those who do not see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from thalweg.comparison.results import Results
from thalweg.comparison.summary import Standing, Summary
from thalweg.comparison.wording import a
from thalweg.descent.stability import Limit
from thalweg.report import tables
from thalweg.report.chart_data import SHADES
from thalweg.report.numbers import loss_text, rate_text

_ALL_LOST = "At every rate half of the runs or more diverged: lower rates are the next thing to try."


def chart_words(results: Results, summary: Summary, ranking: bool, limits: Sequence[Limit]) -> dict[str, Any]:
    """Return notes, labels and tables of all charts."""
    seeds, noun = len(results.plan.seeds), summary.noun
    best = summary.best
    no_rates = f"No {noun} here has a learning rate to choose."
    learned = best.holds
    rated = any(standing.learning_rate is not None for standing in summary.standings)
    tried = any(math.isfinite(loss) for standing in summary.standings for loss in standing.expected_best[:-1])
    compared = any(math.isfinite(difference.mean) for difference in summary.differences)
    return {
        "noun": noun,
        "a_noun": a(noun),
        "wholes": tables.wholes_table(results.facts),
        "board": tables.board(results, summary, ranking),
        "limits": tables.limits_table(summary, limits),
        "sensitivity": {
            "drawn": rated and learned,
            "note": (_sensitivity(summary, limits, seeds) if learned else _ALL_LOST) if rated else no_rates,
            "label": f"Final loss against the learning rate. {_best(best) if learned else 'No run stayed finite.'}",
            "table": tables.sensitivity_table(summary),
        },
        "curves": {
            "note": _curves(summary, seeds),
            "label": f"Loss against epochs, each {noun} at its best rate. {_goal(summary)}",
            "table": tables.curves_table(results, summary),
        },
        "heat": {
            "drawn": rated,
            "note": _heat(learned, noun) if rated else no_rates,
            "label": f"Final loss of every {noun} at every rate, as shades.",
            "key": [*(_shades() if learned else []), *([("none", "diverged")] if _lost(summary) else [])],
        },
        "differences": {
            "drawn": compared,
            "note": _differences(summary, seeds) if compared or len(summary.standings) == 1 else _no_differences(noun),
            "label": f"Differences in loss to {best.name} with their intervals.",
            "table": tables.differences_table(summary),
        },
        "tries": {
            "drawn": tried and learned,
            "note": _tries(noun)
            if tried and learned
            else "There was one rate to try, or none that stayed finite: tuning cost cannot be told.",
            "label": "Expected best loss against the number of rates tried.",
            "table": tables.tries_table(summary),
        },
    }


def _best(best: Standing) -> str:
    at = f" at {rate_text(best.learning_rate)}" if best.learning_rate is not None else ""
    return f"The lowest is {loss_text(best.median)}, by {best.name}{at}."


def _goal(summary: Summary) -> str:
    return f"The goal is {loss_text(summary.target)}." if summary.target is not None else ""


def _lost(summary: Summary) -> bool:
    """Tell whether half of the runs or more diverged anywhere."""
    return any(not math.isfinite(median) for standing in summary.standings for _, median, *_ in standing.sensitivity)


def _sensitivity(summary: Summary, limits: Sequence[Limit], seeds: int) -> str:
    words = [f"The loss on the {summary.selection} part after the last epoch."]
    words.append(
        "Lines are medians over seeds, bands the middle half of them."
        if seeds > 1
        else "One seed, so there is no band."
    )
    if _lost(summary):
        words.append(
            "Crosses in the strip at the top: half of the runs or more diverged; the bar before spans the limit."
        )
    if any(limit.rate is not None for limit in limits):
        words.append("A hollow triangle on a dotted upright is theory's limit.")
    if any(standing.learning_rate is None for standing in summary.standings):
        words.append(f"{a(summary.noun).capitalize()} without a learning rate is a level line.")
    words.append("In the whole range, what lies above the chart did worse than the start.")
    return " ".join(words)


def _curves(summary: Summary, seeds: int) -> str:
    words = ["Medians over seeds; faint lines are single runs." if seeds > 1 else "One run each."]
    if summary.target is not None:
        words.append("The thin level line is the goal of the table.")
    return " ".join(words)


def _heat(learned: bool, noun: str) -> str:
    if not learned:
        return "Crosses: half of the runs or more diverged."
    return (
        "Shades tell how much of the way from the first loss to the best of all is left after the last epoch."
        f" A dot marks each {noun}'s best rate; crosses mark rates at which half of the runs or more diverged."
    )


def _shades() -> list[tuple[int, str]]:
    words = [f"up to {100 * share:g} %" for share in SHADES]
    return list(enumerate([f"{words[0]} left", *words[1:], "worse than the start"]))


def _tries(noun: str) -> str:
    return (
        f"The loss to expect from the best of so many rates picked at random from the grid of {a(noun)}: one that"
        f" forgives a poor choice falls early. {a(noun).capitalize()} without a learning rate needs one try."
    )


def _no_differences(noun: str) -> str:
    return f"There is nothing to compare: the runs of all {noun}s, or of all but one, diverged."


def _differences(summary: Summary, seeds: int) -> str:
    if len(summary.standings) == 1:
        return f"There is only one {summary.noun}, so there is nothing to tell apart."
    of = f"{summary.compared_on} loss at its best rate minus that of {summary.best.name}"
    words = [f"Mean over seeds of each {summary.noun}'s {of}, on the same seeds: worse to the right."]
    if any(math.isfinite(difference.low) and difference.high > difference.low for difference in summary.differences):
        words.append(
            "Lines are intervals that together hold all differences with 95 % confidence. Filled marks are told apart"
            " from the best, hollow ones are not. An arrow points at what lies outside."
        )
    elif seeds == 1:
        words.append("One seed allows no interval, so nothing is told apart.")
    return " ".join(words)
