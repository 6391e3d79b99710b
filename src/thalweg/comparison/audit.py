"""Is it a ranking? What speaks against reading a finished comparison as one, and the command that mends it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.command import changed
from thalweg.comparison.remedies import finer, lower, wider
from thalweg.comparison.results import Results
from thalweg.comparison.statistics import MOST_SEEDS, critical_value, seeds_needed
from thalweg.comparison.summary import TEST, TRAINING, VALIDATION, WIDTH_FACTOR, Difference, Standing, Summary
from thalweg.comparison.variant import setting_word
from thalweg.comparison.wording import a, counted, listed, number

#: Starts that differ by less than this share are the same.
_SAME = 1e-9
#: Seeds that are proposed where one is too few, and rates that a grid of theirs is proposed to have.
_SEEDS, _RATES = 5, 9


@final
@dataclass(frozen=True)
class Finding:
    """Something that a reader of the comparison has to know.

    Attributes
    ----------
    code : str
        ``EDGE``, ``BUDGET``, ``ONE-SEED``, ``FEW-SEEDS``, ``FEW-ROWS``, ``NO-DESCENT``, ``UNPAIRED``,
        ``TRAINING-LOSS``, ``DIVERGED``, ``UNEQUAL-TRIES`` or ``WHOLES``; see :func:`audit`.
    message : str
        In plain words, one sentence, with numbers.
    remedy : str
        The command that mends it; empty where none does, or none is needed.
    spoils : bool
        The comparison is not a ranking for it.
    """

    code: str
    message: str
    remedy: str
    spoils: bool


class _Doubt(NamedTuple):
    """A finding before its remedy is written: which options of the command would mend it."""

    code: str
    message: str
    options: Mapping[str, str | None]
    spoils: bool


@final
@dataclass(frozen=True)
class Stamp:
    """The judgement on a comparison.

    Attributes
    ----------
    ranking : bool
        Nothing was found that spoils it.
    findings : tuple of Finding
        Those that spoil first.
    remedy : str
        The command that mends all that spoils; empty where none does, or none is needed.
    """

    ranking: bool
    findings: tuple[Finding, ...]
    remedy: str = ""

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """What spoils the ranking."""
        return tuple(finding for finding in self.findings if finding.spoils)

    def __str__(self) -> str:
        if self.ranking:
            return "a ranking"
        return f"not a ranking ({', '.join(dict.fromkeys(finding.code for finding in self.reasons))})"


def audit(results: Results, summary: Summary) -> Stamp:
    """Judge a finished comparison by what happened in it, not by what it promised.

    ============= ===================================================== =============================================
    code          found where                                           spoils the ranking
    ============= ===================================================== =============================================
    TRAINING-LOSS losses are of the rows that were learned from         always
    ONE-SEED      there is one seed                                     always
    UNPAIRED      arms of a seed had other starts or orders             always
    BUDGET        runs that did not diverge made unequal passes         always
    UNEQUAL-TRIES rules were tried at unequal numbers of rates          always; rules without a rate are only told
    DIVERGED      runs diverged                                         some of the best rule's, at its best rate; all
    NO-DESCENT    no rule ends below the loss that it started from      always
    EDGE          a rule's best rate is the smallest or largest tried   for the best rule; for others unless the rate
                                                                        beside it is as good, see :data:`WIDTH_FACTOR`
    FEW-SEEDS     nothing is told apart, and more seeds could           always
    WHOLES        arms brought models or settings of their own          never: it says what is compared
    FEW-ROWS      rows, not seeds, hide the differences                 never: ties say so already
    ============= ===================================================== =============================================

    A rule with its best rate at the edge may be better than it looks, and could overtake any other: how much is gained
    beyond an edge is not known, also for a rule that looks clearly worse. It is harmless where the loss has become
    flat, that is, where the neighbouring rate lies in the rule's width: beyond a flat part there is an optimum already
    passed, or nothing to gain. For the best rule that is not enough, since it is what everything is compared with.

    Parameters
    ----------
    results : Results
    summary : Summary
        Of these results.

    Returns
    -------
    Stamp
    """
    command = results.facts.command
    doubts = sorted(_doubts(results, summary), key=lambda doubt: not doubt.spoils)
    findings = tuple(
        Finding(code, message, changed(command, **options) if options else "", spoils)
        for code, message, options, spoils in doubts
    )
    together: dict[str, str | None] = {}
    for doubt in doubts:
        together.update(doubt.options if doubt.spoils else {})
    return Stamp(not any(doubt.spoils for doubt in doubts), findings, changed(command, **together) if together else "")


def _doubts(results: Results, summary: Summary) -> Iterator[_Doubt]:
    yield from _training_loss(summary)
    yield from _one_seed(results)
    yield from _unpaired(results)
    yield from _wholes(results)
    yield from _budget(results)
    yield from _tries(results)
    yield from _diverged(results, summary)
    if summary.best.holds and not summary.best.learned:
        message = f"nothing was learned: no {summary.noun} ends below the {summary.selection} loss that it started from"
        yield _Doubt("NO-DESCENT", message, {"learning_rates": lower(results)}, spoils=True)
    if summary.best.holds:
        yield from _edges(results, summary)
    if len(results.plan.seeds) > 1 and summary.best.learned:
        yield from _few(results, summary)


def _training_loss(summary: Summary) -> Iterator[_Doubt]:
    if summary.selection == TRAINING:
        message = f"losses are of the rows that were learned from, so {a(summary.noun)} that overfits looks good"
        yield _Doubt("TRAINING-LOSS", message, {"validation_fraction": "0.2"}, spoils=True)


def _one_seed(results: Results) -> Iterator[_Doubt]:
    if len(results.plan.seeds) == 1:
        message = f"each {results.facts.noun} ran with one seed only, so luck cannot be told from merit"
        yield _Doubt("ONE-SEED", message, {"seeds": str(_SEEDS)}, spoils=True)


def _unpaired(results: Results) -> Iterator[_Doubt]:
    if not results.facts.paired:
        message = f"{results.facts.noun}s of one seed did not all see the same start and the same orders of the rows"
        yield _Doubt("UNPAIRED", message, {}, spoils=True)
        return
    plan = results.plan
    first = np.array([outcome.losses[0] for outcome in results.outcomes], dtype=np.float64)
    first = first.reshape(-1, len(plan.seeds))
    models = [None if arm.variant is None else arm.variant.model for arm in plan.arms]
    for model in dict.fromkeys(models):  # those of other models start elsewhere
        between = _spread_of(first[[k for k, other in enumerate(models) if other == model]])
        if between is not None:
            low, high = map(number, between)
            message = (
                f"{results.facts.noun}s of one seed began at unequal starts, with first losses from {low} to {high}"
            )
            yield _Doubt("UNPAIRED", message, {}, spoils=True)
            return


def _spread_of(first: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the lowest and highest first loss of the seed whose arms began furthest apart; None where none did."""
    first = np.where(np.isfinite(first), first, np.nan)
    known = first[:, ~np.isnan(first).all(axis=0)]
    if not known.size:
        return None
    low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    if not (high - low > _SAME * np.maximum(np.abs(low), np.abs(high))).any():
        return None
    k = int(np.argmax(high - low))
    return float(low[k]), float(high[k])


def _wholes(results: Results) -> Iterator[_Doubt]:
    """Say in what estimators differ beside their rules, so that nobody takes it for a comparison of rules."""
    wholes = list(results.facts.wholes.values())
    if not wholes:
        return
    differ = ["model"] if len({whole.model for whole in wholes}) > 1 else []
    said = {name for whole in wholes for name in whole.settings if name != "max_iter"}
    differ += [setting_word(name) for name in sorted(said) if len({repr(whole.settings[name]) for whole in wholes}) > 1]
    rules = len({whole.rule for whole in wholes}) > 1
    message = (
        f"estimators are compared as wholes, not rules alone: they differ in {listed([*differ, *['rule'] * rules])}"
    )
    fewest, most = min(whole.steps for whole in wholes), max(whole.steps for whole in wholes)
    if fewest < most:
        message += (
            f"; batches of other sizes make {fewest:,} to {most:,} updates of the same number of gradients of rows"
        )
    yield _Doubt("WHOLES", message, {}, spoils=False)


def _budget(results: Results) -> Iterator[_Doubt]:
    passes = [outcome.record.epochs for outcome in results.outcomes if not outcome.diverged]
    if len(set(passes)) > 1:
        short = sum(made < max(passes) for made in passes)
        span = f"after {min(passes)} of {max(passes)} passes over the data"
        message = f"budgets are unequal: {counted(short, 'run')} stopped early, the first {span}"
        options = {"tol": None, "time_limit": None, "epochs": str(results.facts.epochs)}
        yield _Doubt("BUDGET", message, options, spoils=True)


def _tries(results: Results) -> Iterator[_Doubt]:
    plan = results.plan
    rates = {name: [rate for rate in plan.rates(name) if rate is not None] for name in plan.names}
    without = [name for name, tried in rates.items() if not tried]
    tries = {name: len(tried) for name, tried in rates.items() if tried}
    if len(set(tries.values())) > 1:
        least, most = min(tries.items(), key=lambda t: t[1]), max(tries.items(), key=lambda t: t[1])
        message = f"{most[0]} was tried at {counted(most[1], 'rate')} and {least[0]} at {least[1]} only"
        yield _Doubt("UNEQUAL-TRIES", message, {"learning_rates": str(max(most[1], _RATES))}, spoils=True)
    if without and tries:
        has = "has" if len(without) == 1 else "have"
        once = f"{listed(without)} {has} no learning rate and {_were(without)} tried once"
        message = f"{once}, the others {counted(max(tries.values()), 'time')}"
        yield _Doubt("UNEQUAL-TRIES", message, {}, spoils=False)


def _diverged(results: Results, summary: Summary) -> Iterator[_Doubt]:
    best = summary.best
    diverged, runs = sum(s.diverged for s in summary.standings), sum(s.runs for s in summary.standings)
    if not diverged:
        return
    if not best.holds:
        message = f"{diverged:,} of {counted(runs, 'run')} diverged, and no {summary.noun} has a rate that holds"
        yield _Doubt("DIVERGED", message, {"learning_rates": lower(results)}, spoils=True)
        return
    if best.at.diverged:
        seeds = len(results.plan.seeds)
        lost = round(best.at.diverged * seeds)
        message = f"{best.name} is best at {_rate(best)}, but diverged there with {lost} of {seeds} seeds"
        twice = str(2 * len(results.plan.rates(best.name)) - 1)
        rates = twice if results.plan.grids else finer(results, best)
        yield _Doubt("DIVERGED", message, {"learning_rates": rates}, spoils=True)
    rules = [s.name for s in summary.standings if s.diverged]
    made = f"{diverged:,} of {counted(runs, 'run')}, of {counted(len(rules), summary.noun)}"
    message = f"{made}, diverged; none counts as a result"
    yield _Doubt("DIVERGED", message, {}, spoils=False)


def _edges(results: Results, summary: Summary) -> Iterator[_Doubt]:
    alone = [s for s in summary.standings if s.learning_rate is not None and len(s.sensitivity) == 1]
    if alone and len(summary.standings) > 1:
        once = f"{listed([s.name for s in alone])} {_were(alone)} tried at a single rate"
        message = f"{once}, so rates are compared, not {summary.noun}s"
        yield _Doubt("EDGE", message, {"learning_rates": "auto"}, spoils=True)
    edged = [s for s in summary.standings if s.edge]
    flat = [s for s in edged if s is not summary.best and _is_flat(s)]
    open_ = [s for s in edged if s not in flat]
    mend = {"learning_rates": wider(results, open_)} if open_ else {}
    lost = [s for s in open_ if not s.holds]
    if lost:
        message = f"{listed([s.name for s in lost])} diverged at every rate tried; smaller ones may hold"
        yield _Doubt("EDGE", message, mend, spoils=True)
    for side, word in (("<", "smallest"), (">", "largest")):
        there = [s for s in open_ if s.edge == side and s.holds]
        if there:
            yield _Doubt("EDGE", _on_the_edge(there, word), mend, spoils=True)
    if flat:
        message = (
            f"{listed([s.name for s in flat])} did best at an end of the rates tried, where the loss has become flat"
        )
        yield _Doubt("EDGE", message, {}, spoils=False)


def _is_flat(standing: Standing) -> bool:
    """Tell whether the rate beside the edge is as good, by the measure of the width."""
    return standing.width is not None and standing.width[0] < standing.width[1]


def _on_the_edge(standings: Sequence[Standing], word: str) -> str:
    beyond = "smaller" if word == "smallest" else "larger"
    if len(standings) > 1:
        names = listed([s.name for s in standings])
        return f"{names} did best at the {word} rate tried; {beyond} ones may be better still"
    (standing,) = standings
    return f"{standing.name} did best at {_rate(standing)}, the {word} rate tried; a {beyond} one may be better still"


def _few(results: Results, summary: Summary) -> Iterator[_Doubt]:
    compared = [d for d in summary.differences if math.isfinite(d.mean)]
    if not compared:
        return
    seeds = len(results.plan.seeds)
    if not any(d.told_apart for d in compared) and (needed := _seeds_needed(compared, seeds, summary)) is not None:
        message = (
            f"{counted(seeds, 'seed')} cannot tell {counted(len(compared) + 1, summary.noun)} apart, differences below "
            f"about {number(float(np.median([d.seeds for d in compared])), 2)} being luck; about {needed} seeds could"
        )
        yield _Doubt("FEW-SEEDS", message, {"seeds": str(needed)}, spoils=True)
        return
    hidden = [d for d in compared if not d.told_apart and d.rows > d.seeds]
    rows = results.facts.rows
    if summary.compared_on == TEST and 2 * len(hidden) > len(compared):
        message = (
            f"the {counted(rows['validation'], 'row')} that rates were chosen on and the {rows['test']:,} of the test "
            f"part disagree about the {summary.noun}s by more than seeds do; more rows could tell more of them apart"
        )
        yield _Doubt("FEW-ROWS", message, {}, spoils=False)
    elif summary.compared_on == VALIDATION and any(d.told_apart for d in compared):
        known = f"the intervals know of {counted(seeds, 'seed')}, not of other rows"
        message = f"{known}, which may order the {summary.noun}s otherwise"
        yield _Doubt("FEW-ROWS", message, {}, spoils=False)


def _seeds_needed(compared: Sequence[Difference], seeds: int, summary: Summary) -> int | None:
    """Return how many seeds would tell something apart that matters; None where these could, or none would.

    A difference matters from the share of the improvement on that makes a rate good or not. Where rows alone hide all
    of them, more seeds would not help; but where the intervals of seeds are as wide as half of the improvement, nobody
    could know.
    """
    rules = len(compared) + 1
    improvement = summary.start - summary.best.median
    unit = math.sqrt(seeds) / critical_value(rules, seeds)  # from a half-width to the deviation behind it
    needed = [
        seeds_needed(math.sqrt(d.mean**2 - d.rows**2), d.seeds * unit, rules)
        for d in compared
        if d.mean > max(d.rows, WIDTH_FACTOR * improvement)
    ]
    typical = float(np.median([d.seeds for d in compared]))
    if typical > improvement / 2:
        needed.append(seeds_needed(improvement / 10, typical * unit, rules) or MOST_SEEDS)
    return min((enough for enough in needed if enough is not None and enough > seeds), default=None)


def _rate(standing: Standing) -> str:
    return "its one setting" if standing.learning_rate is None else f"rate {standing.learning_rate:.3g}"


def _were(names: Sequence[object]) -> str:
    return "was" if len(names) == 1 else "were"
