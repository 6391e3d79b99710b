"""Where runs end: the conditions of a minimum, kinks included, and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.descent.plain import Array

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas import activations, losses, penalties, rules, schedules
from thalweg.formulas.formula import Loss, Penalty, Rule

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)) @ (np.eye(8) + 0.2 * RNG.normal(size=(8, 8)))
SCORES = X @ np.array([2.0, -1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 1.0]) + 0.5 + RNG.normal(size=200)
TARGETS = {"squared": SCORES, "log": (SCORES > 0).astype(float), "poisson": np.floor(np.exp(0.3 * SCORES))}


def worst_violation(theta: Array, made: Loss, penalty: Penalty) -> float:
    """How far a point is from the conditions of a minimum: 0 is in the subgradient."""
    slope = Objective(Linear(8), Rows.of(X, TARGETS[made.name]), made).gradient(theta)
    weights, pull = theta[:8], slope[:8] + penalty.derivative(theta[:8])
    kink = penalty.alpha * penalty.hyperparameters.get("l1_ratio", 1.0 if penalty.name == "l1" else 0.0)
    at_zero = np.maximum(np.abs(slope[:8]) - kink, 0.0)
    return float(max(np.where(weights == 0, at_zero, np.abs(pull)).max(), abs(slope[8])))


@pytest.mark.parametrize(
    "penalty", [penalties.l1(alpha=0.08), penalties.elastic_net(alpha=0.12, l1_ratio=0.7)], ids=lambda p: p.name
)
@pytest.mark.parametrize("made", [losses.squared, losses.log, losses.poisson], ids=lambda made: made.name)
@pytest.mark.parametrize(
    "optimizer",
    [
        rules.gradient_descent(learning_rate=0.1),
        rules.momentum(learning_rate=0.02),
        rules.nesterov(learning_rate=0.02),
        rules.adam(learning_rate=0.02),
    ],
    ids=lambda made: made.name,
)
def test_useless_weights_are_exactly_zero_and_the_others_balance(optimizer: Rule, made: Loss, penalty: Penalty) -> None:
    settings = Settings(optimizer, made, penalty, schedules.cosine, max_iter=4000)
    run = Run(Linear(8), Rows.of(X, TARGETS[made.name]), settings).descend()
    zeros = int((run.theta[:8] == 0).sum())
    assert 2 <= zeros <= 6
    assert run.theta[8] != 0, "the intercept is exempt"
    assert worst_violation(run.theta, made, penalty) < 1e-6


def test_a_strong_penalty_leaves_the_intercept_alone() -> None:
    for optimizer in (rules.gradient_descent(learning_rate=0.1), rules.adam(learning_rate=0.05)):
        settings = Settings(optimizer, losses.squared, penalties.l1(alpha=100.0), schedules.cosine, max_iter=2000)
        run = Run(Linear(8), Rows.of(X, SCORES), settings, theta=np.ones(9)).descend()
        np.testing.assert_array_equal(run.theta[:8], np.zeros(8))
        assert run.theta[8] == pytest.approx(SCORES.mean(), rel=1e-6)


def test_batches_give_exact_zeros_too() -> None:
    penalty = penalties.l1(alpha=0.3)
    settings = Settings(
        rules.gradient_descent(learning_rate=0.01), losses.squared, penalty, batch_size=40, max_iter=200
    )
    run = Run(Linear(8), Rows.of(X, SCORES), settings, random_state=0).descend()
    assert (run.theta[:8] == 0).sum() >= 2
    assert (np.abs(run.theta[[0, 1, 7]]) > 0.1).all()


@pytest.mark.parametrize(
    "optimizer", [rules.gradient_descent(learning_rate=0.1), rules.adam(learning_rate=0.01)], ids=lambda made: made.name
)
def test_an_l1_penalty_empties_a_network(optimizer: Rule) -> None:
    model = Network((8, 12, 1), (activations.tanh,))
    settings = Settings(optimizer, losses.squared, [penalties.l1(alpha=0.05), None], schedules.cosine, max_iter=500)
    run = Run(model, Rows.of(X, SCORES), settings, random_state=0).descend()
    first, second = model.coefs(run.theta)
    assert (first == 0).mean() > 0.3
    assert (second != 0).any()
    assert run.loss_curve[-1] < 0.5 * run.loss_curve[0]


def test_squared_error_ends_at_the_normal_equations() -> None:
    ones = np.column_stack([X, np.ones(200)])
    for alpha in (0.0, 0.3):
        ridge = np.diag([alpha] * 8 + [0.0])
        expected = np.linalg.solve(ones.T @ ones / 200 + ridge, ones.T @ SCORES / 200)
        for batch in ({}, {"batch_size": 200}):
            settings = Settings(
                rules.gradient_descent(learning_rate=0.2),
                losses.squared,
                penalties.l2(alpha=alpha),
                max_iter=3000,
                **batch,
            )
            run = Run(Linear(8), Rows.of(X, SCORES), settings).descend()
            np.testing.assert_allclose(run.theta, expected, rtol=1e-9)


def test_the_median_and_the_quantiles_are_found() -> None:
    for made, quantile in ((losses.absolute, 0.5), (losses.quantile(quantile=0.9), 0.9)):
        settings = Settings(rules.gradient_descent(learning_rate=1.0), made, None, schedules.polynomial, max_iter=5000)
        run = Run(Linear(1), Rows.of(np.zeros((200, 1)), SCORES), settings).descend()
        below: Any = (run.theta[1] > SCORES).mean()
        assert below == pytest.approx(quantile, abs=0.011)
