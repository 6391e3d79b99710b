"""Comparisons made up for the page: any rules, rates, seeds and lengths, without training anything."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from thalweg.comparison.audit import audit
from thalweg.comparison.outcome import Confirmation, Outcome
from thalweg.comparison.paths import Paths
from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.results import Facts, Results
from thalweg.comparison.summary import Summary
from thalweg.comparison.verdict import verdict
from thalweg.descent.record import DIVERGED, FINISHED, Record
from thalweg.descent.stability import Limit
from thalweg.formulas import catalog
from thalweg.report.page import page

#: Names that would run, or be filled in, in a careless page.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "{{7*7}}",
    "__proto__",
    "$$\\alpha$$",
    "<b>bold</b>",
    "a\u2028b",
    "'\"><script>alert(2)</script>",
    "<!--<script>",
)
MACHINE = {"thalweg": "0.1.0", "processor": "a processor"}


def made_up(
    names: Sequence[str] = ("adam", "gradient_descent", "momentum"),
    rates: int = 5,
    seeds: int = 3,
    epochs: int = 10,
    survivors: float = 1.0,
    classes: int = 0,
    model: str = "linear model",
    **facts: object,
) -> Results:
    """Return results in which each rule is a little worse than the one before, and the middle rate is best.

    The first ``survivors`` share of the rates stays finite.
    """
    known = list(catalog.rules().values())
    rules = {name: catalog.rules().get(name, known[index % len(known)]) for index, name in enumerate(names)}
    plan = Plan.of({n: r if r.has_learning_rate or n == "rprop" else known[0] for n, r in rules.items()}, rates, seeds)
    noise = np.random.default_rng(5)
    outcomes = []
    for worse, name in enumerate(plan.names):
        tried = [arm for arm in plan.arms if arm.name == name]
        pull = noise.uniform(0.5, 1.5)
        for place, arm in enumerate(tried):
            lost = (len(tried) > 1 and place >= survivors * len(tried)) or survivors == 0
            outcomes += [
                _run(arm, seed, place, len(tried), epochs, lost, pull, 0.02 * worse, noise) for seed in plan.seeds
            ]
    confirmations = []
    for worse, name in enumerate(plan.names):
        middle = plan.rates(name)[len(plan.rates(name)) // 2]
        score = {"accuracy": 0.9} if classes else {"RMSE": 12.5}
        confirmations += [
            Confirmation(name, middle, seed, 0.21 + 0.02 * worse + 0.001 * noise.random(), score, 3e-5)
            for seed in plan.seeds
            if survivors
        ]
    told = {
        "table": "sales.csv", "target": "price", "task": "classification" if classes else "regression",
        "classes": classes, "features": ("size", "age"), "model": model, "loss": "squared", "scaled": True,
        "rows": {"train": 300, "validation": 100, "test": 100}, "batch_size": 32,
        "epochs": epochs, "steps": 10 * epochs, "paired": True, "dtype": "float64",
        "settings": {"max_iter": epochs, "penalty": None},
        "command": f"thalweg compare sales.csv --target price --epochs {epochs}", "machine": MACHINE,
    }  # fmt: skip
    return Results(plan, tuple(outcomes), tuple(confirmations), Facts(**{**told, **facts}))  # type: ignore[arg-type]


def told(results: Results, limits: Sequence[Limit] = (), paths: Paths | None = None) -> str:
    """Return the page."""
    summary = Summary.of(results)
    stamp = audit(results, summary)
    return page(results, summary, stamp, verdict(results, summary, stamp, limits), limits, paths)


def limit(name: str, rate: float | None, column: str = "size") -> Limit:
    """Return a limit of theory."""
    return Limit(name, rate, rate, 3.84, column, 0.31, 2.1, exact=False, note="an estimate", columns=(column, "age"))


def _run(
    arm: Arm,
    seed: int,
    place: int,
    count: int,
    epochs: int,
    lost: bool,
    pull: float,
    worse: float,
    noise: np.random.Generator,
) -> Outcome:
    if lost:
        losses = [0.5, 4e3, 2e7, math.inf][: epochs + 1]
    else:
        off = abs(place - count // 2) / count
        speed = pull * 6 / epochs * (1 - off)
        floor = min(0.2 + worse, 0.4) + 0.1 * off + 0.001 * noise.standard_normal()
        losses = [floor + (0.5 - floor) * math.exp(-speed * k) for k in range(epochs + 1)]
    record = Record(DIVERGED if lost else FINISHED, epochs, 10 * epochs, [], {}, seconds=1e-3)
    return Outcome(arm, seed, record, tuple(losses))
