"""The runs of a comparison in numbers: each rule at the rate that served it best, and which rules can be told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from thalweg.comparison.choice import choose_by, final_losses, places, quantiles
from thalweg.comparison.outcome import Confirmation, Outcome
from thalweg.comparison.plan import Arm
from thalweg.comparison.results import Results
from thalweg.comparison.statistics import ROUNDING, Floats, Intervals, expected_best, intervals
from thalweg.descent.models import Model

#: A rate counts as good as the best where no more than this share of the improvement is lost by it. The improvement is
#: what the rule's best rate takes off the loss of the untrained model; a share of it, unlike a share of the loss, means
#: the same for losses near zero, and for losses that can be negative.
WIDTH_FACTOR = 0.02
#: The target, where none is asked for: this share of the way from the first loss to the best final one.
SHARE_OF_THE_WAY = 0.95
TEST, VALIDATION, TRAINING = "test", "validation", "training"


class Point(NamedTuple):
    """Final losses over seeds at one rate: median, quartiles, and the share of runs that diverged."""

    rate: float | None
    median: float
    q25: float
    q75: float
    diverged: float


@final
@dataclass(frozen=True)
class Standing:
    """One rule at its best rate. Losses are means over the validation part, or over the training part without one.

    Attributes
    ----------
    name : str
    learning_rate : float or None
        See :class:`Choice`, also for `edge`.
    edge : str
    median, low, high, q25, q75 : float
        Final losses over seeds at this rate; infinite where runs diverged.
    width : (float, float) or None
        Lowest and highest of the tried rates around the best that lose no more than :data:`WIDTH_FACTOR` of the
        improvement, without one between them that does; None for a rule without a rate, or without one that holds.
    epochs, evaluations : float or None
        Median over seeds until the target loss, and the gradients of single rows that it took; None where half of the
        seeds or more do not reach it.
    expected_best : tuple of float
        Loss to expect from the best of k rates, k = 1 ... all; see
        :func:`thalweg.comparison.statistics.expected_best`.
    diverged, runs : int
        Runs that diverged, and all runs, at all rates.
    test_loss : float
        Median over seeds on the test part; nan where it was not looked at.
    scores : dict of str to float
        Median over seeds of each metric on the test part; empty where it was not looked at.
    seconds : float
        Per epoch, median over runs made alone; nan where there are none.
    sensitivity : tuple of Point
        By rising rate.
    start : float
        Median loss before training; nan where it is not finite. Other models start elsewhere.
    """

    name: str
    learning_rate: float | None
    edge: str
    median: float
    low: float
    high: float
    q25: float
    q75: float
    width: tuple[float, float] | None
    epochs: float | None
    evaluations: float | None
    expected_best: tuple[float, ...]
    diverged: int
    runs: int
    test_loss: float
    scores: dict[str, float]
    seconds: float
    sensitivity: tuple[Point, ...]
    start: float

    @property
    def learned(self) -> bool:
        """Whether it ends below the loss that it started from."""
        return self.median < self.start

    @property
    def holds(self) -> bool:
        """Whether there is a rate at which more than half of the runs did not diverge."""
        return math.isfinite(self.median)

    @property
    def at(self) -> Point:
        """What happened at the chosen rate."""
        return next(point for point in self.sensitivity if point.rate == self.learning_rate)


@final
@dataclass(frozen=True)
class Difference:
    """How much higher a rule's loss is than the best rule's, seed by seed, each at its best rate.

    Attributes
    ----------
    name, against : str
    mean : float
        Over seeds; infinite for a rule that holds at no rate. A run that diverged, or ended above the untrained model,
        counts as that.
    low, high : float
        All differences of a comparison lie in their intervals together with 95 % confidence, chosen best and all.
    seeds, rows : float
        What luck of seeds and luck of rows may add or take: the half-width is the root of their squares' sum.
    told_apart : bool
        The whole interval is above zero.
    """

    name: str
    against: str
    mean: float
    low: float
    high: float
    seeds: float
    rows: float
    told_apart: bool


@final
@dataclass(frozen=True)
class Summary:
    """What the runs say, in numbers.

    Attributes
    ----------
    standings : tuple of Standing
        Best first.
    target : float or None
        The loss that `epochs` count to; None where nothing learned.
    ties : tuple of tuples of str
        Groups: the best rule with all that cannot be told apart from it; then the best of the remaining with all of
        those that cannot be told apart from that one; and so on. Last, in one group, rules that hold at no rate.
    differences : tuple of Difference
        Of all rules but the best, in the order of the standings; empty where no rule holds.
    selection : str
        ``"validation"`` or ``"training"``: the losses that rates were chosen by, and rules are ordered by.
    compared_on : str
        The losses that differences are of: ``"test"`` where all rules that hold were run on it, since nothing was
        chosen by it; else as `selection`.
    start : float
        Median loss of the best before training, which is everyone's where models are alike; nan where it is not finite.
    noun : str
        What is compared: ``"rule"`` or ``"estimator"``; see :class:`~thalweg.comparison.results.Facts`.
    """

    standings: tuple[Standing, ...]
    target: float | None
    ties: tuple[tuple[str, ...], ...]
    differences: tuple[Difference, ...]
    selection: str
    compared_on: str
    start: float
    noun: str = "rule"

    @classmethod
    def of(cls, results: Results, target: float | None = None) -> Summary:
        """Choose each rule's rate, order the rules, and compare them with the best.

        Parameters
        ----------
        results : Results
        target : float, optional
            Loss to count epochs to; without it, 95 % of the way from the median first loss to the best median final
            one.
        """
        runs = _Runs(results)
        best = min(choice.median for choice in runs.choices.values())
        start = runs.starts[min(runs.choices, key=lambda name: (runs.choices[name].median, name))]
        if target is None and best < start:
            target = start + SHARE_OF_THE_WAY * (best - start)
        standings = sorted((runs.standing(name, target) for name in runs.choices), key=lambda s: (s.median, s.name))
        selection = VALIDATION if results.facts.rows["validation"] else TRAINING
        groups, differences, compared_on = _compare(runs, [s.name for s in standings if s.holds], selection)
        lost = tuple(s.name for s in standings if not s.holds)
        if lost:
            groups.append(lost)
        if best < math.inf:
            leader = standings[0].name
            endless = (math.inf, math.inf, math.inf, 0.0, 0.0)
            differences += [Difference(name, leader, *endless, told_apart=True) for name in lost]
        said = selection, compared_on, start, results.facts.noun
        return cls(tuple(standings), target, tuple(groups), tuple(differences), *said)

    @property
    def best(self) -> Standing:
        """The rule with the lowest median."""
        return self.standings[0]

    def standing(self, name: str) -> Standing:
        """Return a rule's standing by its name."""
        return next(standing for standing in self.standings if standing.name == name)

    def table(self) -> list[dict[str, Any]]:
        """Return a row per rule, best first, as plain columns for a data frame.

        ``group`` counts from 1: rules of one group cannot be told apart. Columns ``test_...`` hold the scores.
        """
        group = {name: place for place, names in enumerate(self.ties, 1) for name in names}
        against = {difference.name: difference for difference in self.differences}
        metrics = dict.fromkeys(metric for standing in self.standings for metric in standing.scores)
        rows = []
        for standing in self.standings:
            low, high = standing.width or (None, None)
            difference = against.get(standing.name)
            rows.append(
                {
                    "rule": standing.name,
                    "group": group[standing.name],
                    "learning_rate": standing.learning_rate,
                    "edge": standing.edge,
                    "loss": standing.median,
                    "loss_low": standing.low,
                    "loss_q25": standing.q25,
                    "loss_q75": standing.q75,
                    "loss_high": standing.high,
                    "difference": difference.mean if difference else 0.0,
                    "difference_low": difference.low if difference else 0.0,
                    "difference_high": difference.high if difference else 0.0,
                    "told_apart": difference.told_apart if difference else False,
                    "good_rates_from": low,
                    "good_rates_to": high,
                    "epochs_to_target": standing.epochs,
                    "evaluations_to_target": standing.evaluations,
                    "expected_after_one_rate": standing.expected_best[0],
                    "diverged": standing.diverged,
                    "runs": standing.runs,
                    "seconds_per_epoch": standing.seconds,
                    "test_loss": standing.test_loss,
                    **{f"test_{metric}": standing.scores.get(metric, math.nan) for metric in metrics},
                }
            )
        return rows


@final
class _Runs:
    """Results as arrays, with each rule's choice."""

    def __init__(self, results: Results) -> None:
        plan, outcomes = results.plan, results.outcomes
        self.plan, self.outcomes, self.facts = plan, outcomes, results.facts
        self.finals = final_losses(plan, outcomes)  # (arms, seeds)
        self.choices = choose_by(plan, self.finals)
        self.places = places(plan)
        first = np.array([outcome.losses[0] for outcome in outcomes], dtype=np.float64).reshape(self.finals.shape)
        alike = {name: _model_of(plan.arms[at[0]]) for name, at in self.places.items()}
        of_model = {
            model: _finite_median(first[[k for name, at in self.places.items() if alike[name] == model for k in at]])
            for model in set(alike.values())
        }
        self.starts = {name: of_model[model] for name, model in alike.items()}
        self.medians, self.q25, self.q75 = (quantiles(self.finals, share) for share in (0.5, 0.25, 0.75))
        self.confirmed: dict[str, list[Confirmation]] = {name: [] for name in self.choices}
        for confirmation in results.confirmations:
            choice = self.choices.get(confirmation.name)
            if choice is not None and choice.arm.learning_rate == confirmation.learning_rate:
                self.confirmed[confirmation.name].append(confirmation)

    def standing(self, name: str, target: float | None) -> Standing:
        """Return one rule's standing."""
        place, tried_at = self.choices[name].place, self.places[name]
        losses, tried = self.finals[place], self.finals[tried_at]
        diverged = np.isinf(tried)
        seeds = len(self.plan.seeds)
        epochs = _epochs(self.outcomes[place * seeds : (place + 1) * seeds], target)
        confirmed = self.confirmed[name]
        metrics = dict.fromkeys(metric for each in confirmed for metric in each.scores)
        start = self.starts[name]
        untrained = math.inf if math.isnan(start) else start
        return Standing(
            name=name,
            learning_rate=self.choices[name].arm.learning_rate,
            edge=self.choices[name].edge,
            median=self.choices[name].median,
            low=float(losses.min()),
            high=float(losses.max()),
            q25=float(self.q25[place]),
            q75=float(self.q75[place]),
            width=self._width(place, tried_at, start),
            epochs=epochs,
            evaluations=None if epochs is None else epochs * self.facts.rows["train"],
            expected_best=tuple(expected_best(self.medians[tried_at], untrained).tolist()),
            diverged=int(diverged.sum()),
            runs=diverged.size,
            test_loss=_median([each.loss for each in confirmed]),
            scores={metric: _median([each.scores.get(metric, math.nan) for each in confirmed]) for metric in metrics},
            seconds=_median([each.seconds for each in confirmed]),
            sensitivity=tuple(
                Point(
                    self.plan.arms[k].learning_rate,
                    float(self.medians[k]),
                    float(self.q25[k]),
                    float(self.q75[k]),
                    float(lost),
                )
                for k, lost in zip(tried_at, diverged.mean(axis=1), strict=True)
            ),
            start=start,
        )

    def _width(self, place: int, tried_at: list[int], start: float) -> tuple[float, float] | None:
        best = float(self.medians[place])
        if self.plan.arms[place].learning_rate is None or math.isinf(best):
            return None
        bound = best + WIDTH_FACTOR * max(start - best, 0.0) if math.isfinite(start) else best
        low = high = place
        while low - 1 in tried_at and self.medians[low - 1] <= bound:
            low -= 1
        while high + 1 in tried_at and self.medians[high + 1] <= bound:
            high += 1
        rates = [self.plan.arms[k].learning_rate for k in (low, high)]
        return float(rates[0] or 0.0), float(rates[1] or 0.0)

    def test_losses(self, names: Sequence[str]) -> Floats | None:
        """Return the losses on the test part, (rules, seeds); None unless each of the rules has all of them."""
        rows = []
        for name in names:
            by_seed = {each.seed: each.loss for each in self.confirmed[name]}
            if set(by_seed) != set(self.plan.seeds):
                return None
            rows.append([by_seed[seed] for seed in self.plan.seeds])
        return np.array(rows, dtype=np.float64)

    def mended(self, losses: Floats, names: Sequence[str]) -> Floats:
        """Return losses with that of the untrained model where a run diverged or ended higher: who made it has that.

        On the test part, where the untrained model was not looked at, rules that learned may end above it by their
        medians; nothing counts as worse than the worst of these.
        """
        learned = [k for k, name in enumerate(names) if self.choices[name].median < self.starts[name]]
        usual = np.median(losses[learned], axis=1)
        usual = usual[np.isfinite(usual)]
        starts = [self.starts[name] for name in names]
        worst = [max([start, *usual]) if math.isfinite(start) else math.inf for start in starts]
        mended: Floats = np.minimum(losses, np.reshape(worst, (-1, 1)))
        return np.where(np.isfinite(mended), mended, mended[np.isfinite(mended)].max(initial=0.0))


def _compare(runs: _Runs, names: list[str], selection: str) -> tuple[list[tuple[str, ...]], list[Difference], str]:
    """Return groups, differences from the best, and the losses they are of, for the rules that hold, best first."""
    if not names:
        return [], [], selection
    losses = runs.mended(runs.finals[[runs.choices[name].place for name in names]], names)
    other, compared_on, share = None, selection, 0.5
    if selection == VALIDATION and (test := runs.test_losses(names)) is not None:
        losses, other, compared_on = runs.mended(test, names), losses, TEST
        rows = runs.facts.rows
        share = rows["validation"] / (rows["validation"] + rows["test"])
    start = runs.starts[names[0]]
    rounding = ROUNDING * abs(start) if math.isfinite(start) else 0.0

    def against_the_first(of: list[int]) -> Intervals:
        there = None if other is None else other[of]
        return intervals(losses[of], 0, other=there, share=share, rounding=rounding, family=len(names))

    left = list(range(len(names)))
    found = against_the_first(left)
    differences = [
        Difference(
            name=names[k],
            against=names[0],
            mean=float(found.mean[k]),
            low=float(found.low[k]),
            high=float(found.high[k]),
            seeds=float(found.seeds[k]),
            rows=float(found.rows[k]),
            told_apart=bool(found.low[k] > 0),
        )
        for k in left[1:]
    ]
    groups = []
    while left:
        worse = against_the_first(left).low > 0
        groups.append(tuple(names[k] for k, apart in zip(left, worse, strict=True) if not apart))
        left = [k for k, apart in zip(left, worse, strict=True) if apart]
    return groups, differences, compared_on


def _epochs(runs: Sequence[Outcome], target: float | None) -> float | None:
    """Return the median of epochs to the target; a run that does not reach it takes for ever."""
    if target is None:
        return None
    reached = [run.reached(target) for run in runs]
    median = float(np.median([math.inf if epochs is None else epochs for epochs in reached]))
    return median if math.isfinite(median) else None


def _model_of(arm: Arm) -> Model | None:
    """Return the model that an arm brings along."""
    return None if arm.variant is None else arm.variant.model


def _finite_median(values: Floats) -> float:
    """Return the median of what is finite; nan of nothing."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


def _median(values: Sequence[float]) -> float:
    """Return the median; nan of nothing, or where a value is nan."""
    return float(np.median(values)) if values and not any(math.isnan(value) for value in values) else math.nan
