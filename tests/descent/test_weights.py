from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import gradient_descent


def table(n=60):
    generator = np.random.default_rng(1)
    X = generator.normal(size=(n, 2))
    return X, X @ [1.0, -1.0] + generator.normal(size=n), generator.integers(0, 4, size=n).astype(float)


def descended(X, y, weights=None, mean_weight=None, **told):
    settings = Settings(optimizer=gradient_descent(learning_rate=0.1), loss=squared, **told)
    return Run(Linear(2), Rows.of(X, y, weights, mean_weight=mean_weight), settings, random_state=0).descend()


@pytest.mark.parametrize("n", [60, 5000], ids=["rows", "second moments"])
def test_a_weight_is_the_row_that_often_in_full_batches(n):
    X, y, weights = table(n)
    often = np.repeat(np.arange(n), weights.astype(int))
    weighted, repeated = descended(X, y, weights, max_iter=50), descended(X[often], y[often], max_iter=50)
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-12)
    np.testing.assert_allclose(weighted.loss_curve, repeated.loss_curve, rtol=1e-12)


def test_a_row_alone_in_its_batch_pulls_as_hard_as_its_weight_says():
    X, y = np.ones((2, 2)), np.array([1.0, 0.0])
    run = descended(X, y, np.array([3.0, 1.0]), batch_size=1, max_iter=1, shuffle=False)
    first = 0.1 * 1.5 * np.ones(3)  # weight 3 against a mean of 2, residual -1
    np.testing.assert_allclose(run.theta, first - 0.1 * 0.5 * first.sum(), rtol=1e-14)


def test_the_mean_over_batches_is_the_full_batch():
    """The gradients of an epoch without steps in between add up to that of all rows."""
    X, y, weights = table()
    tiny = {"max_iter": 1, "shuffle": False}
    small = descended(X, y, weights, batch_size=7, **tiny)
    whole = descended(X, y, weights, **tiny)
    # The losses are measured before each update; at the start all are those of theta = 0.
    still = Settings(optimizer=gradient_descent(learning_rate=1e-300), loss=squared, batch_size=7, **tiny)
    run = Run(Linear(2), Rows.of(X, y, weights), still).descend()
    assert run.loss_curve[0] == pytest.approx(whole.loss_curve[0], rel=1e-14)
    assert small.loss_curve[0] < whole.loss_curve[0]


def test_weights_of_a_stream_are_measured_against_its_own_mean():
    X, y, weights = table()
    whole = descended(X, y, weights, batch_size=1, max_iter=1, shuffle=False)
    settings = Settings(optimizer=gradient_descent(learning_rate=0.1), loss=squared, batch_size=1, shuffle=False)
    theta = None
    for part in (slice(0, 13), slice(13, 60)):
        rows = Rows.of(X[part], y[part], weights[part], mean_weight=float(weights.mean()))
        run = Run(Linear(2), rows, settings, theta=theta)
        run.advance(1)
        theta = run.theta
    np.testing.assert_array_equal(theta, whole.theta)
