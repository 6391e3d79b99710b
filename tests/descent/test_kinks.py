from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.losses import squared
from thalweg.formulas.penalties import elastic_net, l1
from thalweg.formulas.rules import adabelief, adam, adamw, gradient_descent, momentum, nadam, nesterov, rmsprop, yogi
from thalweg.formulas.schedules import cosine

WEIGHTS = np.array([3.0, -2.0, 0.0, 0.0, 1.5, 0.0])


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 6)) @ (np.eye(6) + 0.3 * generator.normal(size=(6, 6)))
    return Rows.of(X, X @ WEIGHTS + 2 + generator.normal(size=300))


def fitted(rows, rule, penalty, **told):
    return Run(
        Linear(6), rows, Settings(optimizer=rule, loss=squared, penalty=penalty, max_iter=3000, **told)
    ).descend()


@pytest.mark.parametrize(
    ("rule", "near"),
    [
        (momentum(learning_rate=0.02), 1e-12),
        (nesterov(learning_rate=0.02), 1e-12),
        (adam(learning_rate=0.05), 1e-12),
        (nadam(learning_rate=0.05), 1e-12),
        (adabelief(learning_rate=0.05), 1e-9),
        (yogi(learning_rate=0.05), 1e-9),
        (rmsprop(learning_rate=0.01), 1e-3),  # its steps do not shrink with the gradient
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("penalty", [l1(alpha=0.2), elastic_net(alpha=0.3, l1_ratio=0.7)], ids=lambda p: p.name)
def test_every_rule_finds_the_zeros_of_the_proximal_descent(rows, rule, near, penalty):
    exact = fitted(rows, gradient_descent(learning_rate=0.2), penalty).theta
    theta = fitted(rows, rule, penalty, schedule=cosine).theta
    assert set(np.flatnonzero(exact == 0)) == {2, 3, 5}
    np.testing.assert_array_equal(theta == 0, exact == 0)
    np.testing.assert_allclose(theta, exact, rtol=near, atol=near)


def test_a_weight_at_zero_stays_there_while_the_slope_is_within_the_kink(rows):
    run = Run(
        Linear(6), rows, Settings(optimizer=adam(learning_rate=0.1), loss=squared, penalty=l1(alpha=50.0), max_iter=5)
    )
    moved = []
    run.descend([lambda run: moved.append(run.theta[:6].copy())])
    assert not np.any(moved)
    assert run.theta[6] > 0.4  # the intercept is free


def test_numbers_that_are_not_finite_are_not_taken_for_zeros(rows):
    run = fitted(rows, adamw(learning_rate=1e300, weight_decay=1e300), l1(alpha=0.1))
    assert run.status == "diverged"
