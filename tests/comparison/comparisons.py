"""Finished comparisons, made up from their final losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.comparison.outcome import Confirmation, Outcome
from thalweg.comparison.plan import Arm, Grid, Plan
from thalweg.comparison.results import Facts, Results
from thalweg.descent.record import DIVERGED, FINISHED, Record
from thalweg.formulas.rules import adam, rprop

EPOCHS = 4
FACTS = Facts(
    table="houses.csv",
    target="price",
    task="regression",
    classes=0,
    features=("rooms", "area"),
    model="linear model",
    loss="squared",
    scaled=True,
    rows={"train": 600, "validation": 200, "test": 200},
    batch_size=32,
    epochs=EPOCHS,
    steps=76,
    paired=True,
    dtype="float64",
    settings={},
    command="thalweg compare houses.csv --target price --seeds 3",
)

Finals = Mapping[float | None, Sequence[float]]


def outcome(arm: Arm, seed: int, losses: Sequence[float], status: str = FINISHED) -> Outcome:
    """Return a run with these losses on the validation part."""
    record = Record(status, len(losses) - 1, 19 * (len(losses) - 1), list(losses[1:]), {})
    return Outcome(arm, seed, record, tuple(losses))


def falling(start: float, final: float, epochs: int = EPOCHS) -> list[float]:
    """Return losses that go nine tenths of the way that is left at every epoch; up where the run diverged."""
    if math.isinf(final):
        return [start, 1e3 * start, math.inf]
    return [*(final + (start - final) * 0.1**k for k in range(epochs)), final]


def results(
    rules: Mapping[str, Finals],
    *,
    start: float = 1.0,
    test: Mapping[str, Sequence[float]] | None = None,
    automatic: bool = False,
    **facts: Any,
) -> Results:
    """Return a comparison.

    Parameters
    ----------
    rules : mapping of str to mapping of float or None to sequence of float
        Rule -> rate -> final loss of each seed; infinite where it diverged.
    start : float
        Loss before training.
    test : mapping of str to sequence of float, optional
        Rule -> test loss of each seed, at the rate with the lowest median.
    automatic : bool
        The rates were laid out by the plan.
    **facts
        Other than in `FACTS`.
    """
    arms, outcomes, confirmations = [], [], []
    for name, finals in rules.items():
        for rate, losses in finals.items():
            arm = Arm(name, rprop if rate is None else adam(learning_rate=rate), rate)
            arms.append(arm)
            outcomes += [
                outcome(arm, seed, falling(start, loss), DIVERGED if math.isinf(loss) else FINISHED)
                for seed, loss in enumerate(losses)
            ]
        if test is not None and name in test:
            rate = min(finals, key=lambda rate: (float(np.median(finals[rate])), rate or 0.0))
            confirmations += [
                Confirmation(name, rate, seed, loss, {"RMSE": 10 * math.sqrt(loss)}, 0.01 * (seed + 1))
                for seed, loss in enumerate(test[name])
            ]
    seeds = tuple(range(len(next(iter(next(iter(rules.values())).values())))))
    grids = tuple((name, Grid(1e-3, 0.5, 0, 8)) for name in rules) if automatic else ()
    return Results(Plan(tuple(arms), seeds, grids), tuple(outcomes), tuple(confirmations), replace(FACTS, **facts))


def tuned(final: Sequence[float], cost: float = 0.2) -> Finals:
    """Return final losses at three rates, of which the middle one is the best."""
    return {0.001: [loss + cost for loss in final], 0.01: list(final), 0.1: [loss + cost for loss in final]}


def many(rules: int = 28, rates: int = 16, seeds: int = 5, *, spread: float = 0.01, tested: bool = True) -> Results:
    """Return a comparison of rules that hardly differ, with parabolas over the rates and some divergence."""
    numbers = np.random.default_rng(7)
    found: dict[str, Finals] = {}
    test = {}
    for k in range(rules):
        level = 0.3 + spread * numbers.random()
        luck = 0.002 * numbers.normal(size=seeds)
        found[f"rule{k:02}"] = {
            float(f"{10 ** (0.25 * place - 4):.3g}"): [
                math.inf if place > 13 + k % 3 else level + 0.01 * (place - 8) ** 2 + each for each in luck
            ]
            for place in range(rates)
        }
        test[f"rule{k:02}"] = [level + each for each in luck + 0.01 * numbers.normal()]
    return results(found, test=test if tested else None, automatic=True)


def noisy(level: float, seeds: int = 5, noise: float = 0.001, key: int = 0) -> list[float]:
    """Return final losses around a level; another key has other luck."""
    return (level + noise * np.random.default_rng([key, round(1e6 * level)]).normal(size=seeds)).tolist()
