"""What a comparison chooses, against an exhaustive search written in PyTorch. `make test-peers` runs it.

Split, starts and orders of the rows are the comparison's own; preparation, model, loss, gradients, updates and the
choice are not.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import thalweg
from thalweg.engine import streams
from thalweg.exchange.parts import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

pytestmark = pytest.mark.peers

RATES = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0]
SEEDS, EPOCHS, BATCH = (0, 1), 10, 32
#: Ours, and PyTorch's of the same meaning.
OPTIMISERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "gradient_descent": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {}),
}
TABLES: Mapping[str, tuple[Any, bool]] = {
    "diabetes": (load_diabetes, False),
    "breast_cancer": (load_breast_cancer, True),
}
#: Relative; the two add the rows of a batch in different orders.
TOLERANCE = 1e-9

Parts = dict[str, tuple["NDArray[np.float64]", "NDArray[np.float64]"]]


def rows_of(table: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X, y = TABLES[table][0](return_X_y=True)
    return X, y.astype(np.float64)


def parts_of(table: str) -> Parts:
    """Return training, validation and test part, standardised by the first, in plain NumPy."""
    X, y = rows_of(table)
    classes = TABLES[table][1]
    generator = streams.generator(streams.seed_sequence(0), streams.SPLIT)
    drawn = split(y, classes=classes, generator=generator)._asdict()
    mean, scale = X[drawn["train"]].mean(axis=0), X[drawn["train"]].std(axis=0)
    X = (X - mean) / scale
    if not classes:
        y = (y - y[drawn["train"]].mean()) / y[drawn["train"]].std()
    return {part: (X[drawn[part]], y[drawn[part]]) for part in ("train", "validation", "test")}


@cache
def searched(table: str) -> dict[tuple[str, float, int], tuple[float, float]]:
    """Return validation and test loss after every run of the search."""
    import torch

    classes = TABLES[table][1]
    parts = {name: tuple(torch.tensor(array) for array in part) for name, part in parts_of(table).items()}

    def loss(weights: Any, intercept: Any, X: Any, y: Any) -> Any:
        z = X @ weights + intercept
        if classes:
            return torch.nn.functional.binary_cross_entropy_with_logits(z, y)
        return torch.nn.functional.mse_loss(z, y) / 2

    X, y = parts["train"]
    found = {}
    for name, (optimiser, numbers) in OPTIMISERS.items():
        for rate in RATES:
            for seed in SEEDS:
                weights = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
                intercept = torch.zeros((), dtype=torch.float64, requires_grad=True)
                steps = getattr(torch.optim, optimiser)([weights, intercept], lr=rate, **numbers)
                for epoch in range(EPOCHS):
                    order = torch.tensor(streams.shuffled(np.random.SeedSequence(seed), epoch, len(y)))
                    for batch in torch.split(order, BATCH):
                        steps.zero_grad()
                        loss(weights, intercept, X[batch], y[batch]).backward()
                        steps.step()
                with torch.no_grad():
                    validation, test = (
                        float(loss(weights, intercept, *parts[part])) for part in ("validation", "test")
                    )
                found[name, rate, seed] = validation, test
    return found


@cache
def compared(table: str) -> Any:
    return thalweg.compare(
        *rows_of(table), optimizers=list(OPTIMISERS), learning_rates=RATES, seeds=list(SEEDS), budget=EPOCHS,
        batch_size=BATCH,
    )  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_every_run_ends_at_the_validation_loss_of_the_search(table: str) -> None:
    theirs = searched(table)
    outcomes = compared(table).results.outcomes
    assert len(outcomes) == len(theirs)
    for outcome in outcomes:
        expected, _ = theirs[outcome.arm.name, outcome.arm.learning_rate, outcome.seed]
        if outcome.diverged:
            assert not expected < 1e3 * outcome.losses[0]
        else:
            assert outcome.final == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("table", TABLES)
def test_the_best_rate_of_each_rule_is_that_of_the_search(table: str) -> None:
    theirs, summary = searched(table), compared(table).summary
    medians = {
        name: {rate: np.median([theirs[name, rate, seed][0] for seed in SEEDS]) for rate in RATES}
        for name in OPTIMISERS
    }
    for name, by_rate in medians.items():
        finite = {rate: value for rate, value in by_rate.items() if np.isfinite(value)}
        assert summary.standing(name).learning_rate == min(finite, key=lambda rate: finite[rate])
    best = min(medians, key=lambda name: np.nanmin(list(medians[name].values())))
    assert summary.best.name == best


@pytest.mark.parametrize("table", TABLES)
def test_the_test_losses_of_the_chosen_are_those_of_the_search(table: str) -> None:
    theirs = searched(table)
    confirmations = compared(table).results.confirmations
    assert len(confirmations) == len(OPTIMISERS) * len(SEEDS)
    for one in confirmations:
        assert one.learning_rate is not None
        assert one.loss == pytest.approx(theirs[one.name, one.learning_rate, one.seed][1], rel=TOLERANCE)


def test_some_runs_of_the_search_diverge_and_no_table_has_its_best_at_an_edge() -> None:
    assert any(outcome.diverged for outcome in compared("diabetes").results.outcomes)
    for table in TABLES:
        assert all(not standing.edge for standing in compared(table).summary.standings)
