"""What a comparison says, in words first: sentences that are true as they stand, with the numbers they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from thalweg.comparison.audit import Stamp
from thalweg.comparison.results import Results
from thalweg.comparison.summary import WIDTH_FACTOR, Standing, Summary
from thalweg.comparison.wording import apart, counted, legible, listed, number
from thalweg.descent.stability import Limit

#: What the others' epochs are held against where it was tried: the rule that everyone knows.
_PLAIN = "gradient_descent"
# Rates within this factor of the best are "ten times off" or less; grids are rounded to three digits.
_TENFOLD = 10.5
# Rules that are named with the rate from which they diverge.
_NAMED = 3


@final
@dataclass(frozen=True)
class Verdict:
    """Sentences, the most important first.

    Attributes
    ----------
    lines : tuple of str
        A thought each, at most seven; the first says so where the comparison is not a ranking.
    """

    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def verdict(results: Results, summary: Summary, stamp: Stamp, limits: Sequence[Limit] = ()) -> Verdict:
    """Say which rule and which rate, and whether it matters.

    Parameters
    ----------
    results : Results
    summary : Summary
    stamp : Stamp
        Of these results.
    limits : sequence of Limit, optional
        Theory's largest stable rates; used where a rule diverged.

    Returns
    -------
    Verdict
    """
    lines = [] if stamp.ranking else [_not_a_ranking(stamp)]
    lines += _who(results, summary)
    if summary.best.holds:
        lines += _tested(results, summary)
    if summary.best.learned:
        lines += [*_matter(summary), *_rates(summary), *_speed(results, summary)]
    lines += _diverged(summary, limits)
    return Verdict(tuple(lines))


def _not_a_ranking(stamp: Stamp) -> str:
    reasons = [finding.message for finding in stamp.reasons]
    more = f" (and {counted(len(reasons) - 2, 'more reason')})" if len(reasons) > 2 else ""
    mend = f" To mend it: {stamp.remedy}" if stamp.remedy else ""
    return f"This is not a ranking: {'; and '.join(reasons[:2])}{more}.{mend}"


def _who(results: Results, summary: Summary) -> Iterator[str]:
    """Return the sentence about the best rule and its ties."""
    place, best = f"On {legible(results.facts.table)}", summary.best
    runs = sum(standing.runs for standing in summary.standings)
    if not best.holds:
        lost = sum(standing.diverged for standing in summary.standings)
        share = f"all {counted(runs, 'run')}" if lost == runs else f"{lost:,} of {counted(runs, 'run')}"
        yield f"{place} no {summary.noun} has a learning rate that holds: {share} diverged."
        return
    if not best.learned:
        ends = f"even the lowest, {best.name}{_at(best)}, ends at {number(best.median)}"
        known = math.isfinite(summary.start)
        begins = f"a {summary.selection} loss of {number(summary.start)}" if known else "a loss that is not finite"
        yield f"{place} {ends}, from {begins} before training."
        return
    before = f"from {number(summary.start)} before training"
    learned = _learned(summary)
    if len(learned) == 1:
        over = f"median over {counted(len(results.plan.seeds), 'seed')}, {before}"
        yield f"{place} {best.name} ends at {summary.selection} loss {number(best.median)}{_at(best)} ({over})."
    elif len(results.plan.seeds) == 1:
        yield f"{place} {_lowest_of_one_run(learned, summary)}, {before}."
    elif all(standing.name in summary.ties[0] for standing in learned):
        yield f"{place} {_all_tie(learned, summary)}, {before}; {_luck(summary)}."
    else:
        yield f"{place} {_some_tie(learned, summary, before)}."


def _learned(summary: Summary) -> list[Standing]:
    """Return the rules that end below the loss they started from, best first."""
    return [standing for standing in summary.standings if standing.learned]


def _lowest_of_one_run(learned: Sequence[Standing], summary: Summary) -> str:
    best, worst = learned[0], learned[-1]
    lowest, highest = apart(best.median, worst.median)
    rest = f"the {len(learned) - 1} others at up to {highest}" if len(learned) > 2 else f"{worst.name} at {highest}"
    return f"{best.name}{_at(best)} ended lowest in its one run, at {summary.selection} loss {lowest}, and {rest}"


def _all_tie(learned: Sequence[Standing], summary: Summary) -> str:
    best, worst = learned[0], learned[-1]
    lowest, highest = apart(best.median, worst.median)
    some = "" if len(learned) == len(summary.standings) else " that learned"
    who = (
        listed([standing.name for standing in learned])
        if len(learned) <= 3
        else f"the {counted(len(learned), summary.noun)}{some}"
    )
    ends = f"between {lowest} ({best.name}{_at(best)}) and {highest} ({worst.name})"
    return f"{who} cannot be told apart: at their best rates they end at {summary.selection} losses {ends}"


def _luck(summary: Summary) -> str:
    """Say how far the typical interval reaches, and that of the worst rule where it has to reach further."""
    halves = {d.name: math.hypot(d.seeds, d.rows) for d in summary.differences if math.isfinite(d.mean)}
    half = float(np.median([*halves.values()]))
    of = "seeds and rows" if any(difference.rows for difference in summary.differences) else "seeds"
    typical = f"differences below about {number(half, 2)} may be luck of {of}"
    worst = _learned(summary)[-1]
    own = halves.get(worst.name, half)
    if worst.median - summary.best.median <= half or own <= half:
        return typical
    return f"{typical}, {worst.name}'s below about {number(own, 2)}"


def _some_tie(learned: Sequence[Standing], summary: Summary, before: str) -> str:
    best = learned[0]
    ties = [standing.name for standing in learned if standing.name in summary.ties[0]]
    following = next(standing for standing in learned if standing.name not in ties)
    lowest, second = apart(best.median, following.median)
    behind = len(learned) - len(ties)
    if len(ties) == 1:
        rest = f"better than the {behind} other {summary.noun}s; next is" if behind > 1 else "better than"
        ends = f"{summary.selection} loss {lowest}{_at(best)} against {second}"
        return f"{best.name} is {rest} {following.name}: {ends}, {before}"
    rest = f"the other {behind} are worse than {best.name}, the next being" if behind > 1 else "worse is"
    loss = f"best {summary.selection} loss {lowest}, by {best.name}{_at(best)}, {before}"
    return f"{listed(ties)} cannot be told apart ({loss}); {rest} {following.name} with {second}"


def _tested(results: Results, summary: Summary) -> Iterator[str]:
    best, rows = summary.best, results.facts.rows.get("test", 0)
    if best.scores and rows:
        scores = ", ".join(f"{metric} {number(score)}" for metric, score in best.scores.items())
        part = f"On the {counted(rows, 'row')} of the test part, by which nothing was chosen"
        over = f" (median over {len(results.plan.seeds)} seeds)" if len(results.plan.seeds) > 1 else ""
        yield f"{part}, {best.name} reaches {scores}{over}."


def _matter(summary: Summary) -> Iterator[str]:
    """Return the sentence that weighs the choice of the rule against that of the rate."""
    improvement = summary.start - summary.best.median
    learned = _learned(summary)
    costs = [cost for standing in learned if (cost := _cost_of_rate(standing)) is not None]
    by_rule = (learned[-1].median - summary.best.median) / improvement
    of_loss, noun = "of the improvement in loss", summary.noun
    if not costs:
        if len(learned) > 1:
            yield f"The worst {noun} gives up {_percent(by_rule)} {of_loss}."
        return
    by_rate = float(np.median(costs)) / improvement
    if len(learned) == 1:
        yield f"A rate up to ten times off its best costs {learned[0].name} {_percent(by_rate)} {of_loss}."
        return
    rate = f"a rate up to ten times off costs the typical {noun} {_percent(by_rate)}"
    rule = f"the worst {noun} at its best rate gives up {_percent(by_rule)}"
    if by_rate > 2 * by_rule:
        yield f"The learning rate matters more than the {noun}: {rate} {of_loss}, {rule}."
    elif by_rule > 2 * by_rate:
        yield f"The {noun} matters more than the learning rate: {rule} {of_loss}, {rate}."
    else:
        yield f"{noun.capitalize()} and learning rate matter about alike: {rate} {of_loss}, {rule}."


def _cost_of_rate(standing: Standing) -> float | None:
    """Return what the worst tried rate within a factor of ten costs, a diverged run being left with the start."""
    best = standing.learning_rate
    if best is None:
        return None
    losses = [
        min(point.median, standing.start)
        for point in standing.sensitivity
        if point.rate is not None and point.rate != best and 1 / _TENFOLD < point.rate / best < _TENFOLD
    ]
    return max(losses) - standing.median if losses else None


def _rates(summary: Summary) -> Iterator[str]:
    """Return the sentence about the range of good rates, and the rule that forgives most."""
    kept = f"{_percent(1 - WIDTH_FACTOR)} of its improvement"
    best = summary.best
    tied = [
        s for s in _learned(summary) if s.name in summary.ties[0] and s.width is not None and len(s.sensitivity) > 1
    ]
    if not tied:
        return
    forgiving = max(tied, key=lambda s: (_factor(s), s is best))
    if best not in tied:
        tie = f"The most forgiving {summary.noun} not told apart from {best.name} is {forgiving.name}"
        yield f"{tie}, which keeps {kept} {_range(forgiving)}."
        return
    said = f"{best.name} keeps {kept} {_range(best)}"
    if forgiving is best:
        end = "" if len(tied) == 1 or _factor(best) == 1 else "; it is the most forgiving of those that tie"
        yield f"{said}{end}." if len(summary.standings) > 1 else f"{said}."
    else:
        other = f"the most forgiving {summary.noun} not told apart from it is {forgiving.name}"
        yield f"{said}; {other}, {_range(forgiving)}."


def _factor(standing: Standing) -> float:
    return standing.width[1] / standing.width[0] if standing.width else 0.0


def _range(standing: Standing) -> str:
    low, high = standing.width or (math.nan, math.nan)
    if low == high:
        return f"only at the tried rate {low:.3g}"
    rates = [point.rate for point in standing.sensitivity]
    least = " (the smallest tried)" if low == rates[0] else ""
    most = " (the largest tried)" if high == rates[-1] else ""
    return f"at any tried rate from {low:.3g}{least} to {high:.3g}{most}"


def _speed(results: Results, summary: Summary) -> Iterator[str]:
    """Return the sentence about epochs to the goal."""
    there = [s for s in summary.standings if s.epochs is not None]
    if summary.target is None or not there:
        return
    least = min(s.epochs or 0.0 for s in there)
    quickest = [s for s in there if s.epochs == least]
    goal = f"a {summary.selection} loss of {number(summary.target)}"
    passes = f"{counted(least, 'epoch')} ({counted(quickest[0].evaluations or 0.0, 'gradient evaluation')})"
    if len(summary.standings) == 1:
        yield f"{quickest[0].name} takes {passes} to {goal}."
        return
    words = [
        f"Quickest to {goal} {'is' if len(quickest) == 1 else 'are'} {listed([s.name for s in quickest])} with {passes}"
    ]
    plain = next((s for s in summary.standings if s.name == _PLAIN), None)
    slowest = max(there, key=lambda s: s.epochs or 0.0)
    if plain is not None and plain in there:
        slowest = plain
    if slowest.epochs is not None and slowest.epochs > least:
        name = "plain gradient descent" if slowest is plain else f"the slowest, {slowest.name},"
        times = f"{number(slowest.epochs / least, 2)} times the epochs" if least else counted(slowest.epochs, "epoch")
        words.append(f"{name} needs {times}")
    missing = [s.name for s in summary.standings if s.epochs is None]
    if missing:
        do = "does" if len(missing) == 1 else "do"
        words.append(f"{listed(missing)} {do} not get there in {counted(results.facts.epochs, 'epoch')}")
    yield f"{'; '.join(words)}."


def _diverged(summary: Summary, limits: Sequence[Limit]) -> Iterator[str]:
    """Return what learned nothing, what diverged and from which rate, and what theory says to it."""
    idle = [s.name for s in summary.standings if s.holds and not s.learned]
    words = []
    if idle and summary.best.learned:
        words.append(f"{listed(idle)} {'learns' if len(idle) == 1 else 'learn'} nothing at any rate tried.")
    lost = {s.name: where for s in summary.standings if (where := _diverges_from(s)) is not None}
    first = sorted(lost, key=lambda name: (name != _PLAIN, -summary.standing(name).diverged, name))
    if lost:
        words.append(f"Runs diverge: {listed([f'{name} {lost[name]}' for name in first], _NAMED)}.")
    known = {limit.name: limit for limit in limits if limit.rate is not None}
    limit = next((known[name] for name in [*first, *idle] if name in known), None)
    if limit is not None:
        words.append(f"{limit.sentence} {limit.cause}")
    if words:
        yield " ".join(words).strip()


def _diverges_from(standing: Standing) -> str | None:
    """Return from which rate on half of the runs or more diverged."""
    rates = [point.rate for point in standing.sensitivity if point.diverged >= 0.5]
    if not rates:
        return None
    if len(rates) == len(standing.sensitivity):
        return "at every rate" if len(rates) > 1 else "as it is" if rates[0] is None else f"at rate {rates[0]:.3g}"
    return f"from rate {rates[0]:.3g}" if rates[-1] == standing.sensitivity[-1].rate else f"at rate {rates[0]:.3g}"


def _at(standing: Standing) -> str:
    return "" if standing.learning_rate is None else f" at rate {standing.learning_rate:.3g}"


def _percent(share: float) -> str:
    return "less than 0.1 %" if share < 1e-3 else f"{number(100 * share, 2)} %"
