"""Means of iterates: the weights the papers give them, continued and taken back like the iterates themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.descent.plain import Array

from thalweg.descent.averaging import step_weights
from thalweg.descent.batches import Rows
from thalweg.descent.lockstep import epoch_layout, piece
from thalweg.descent.models import Linear, Network
from thalweg.descent.orders import orders_of
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.formulas.activations import tanh
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam, gradient_descent

MODELS = [Linear(3), Network((3, 5, 1), (tanh,), dropout=(0.3,))]
AVERAGES = [Averaging(), Averaging(start=7), Averaging(decay=0.9), Averaging(decay=0.9, start=12)]


def rows(dtype: str = "float64") -> Rows:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(50, 3))
    return Rows.of(X, X @ [1.0, -2.0, 0.5] + generator.normal(size=50), dtype=dtype)


def told(average: Averaging | None, **more: Any) -> Settings:
    return Settings(
        **{"optimizer": adam(learning_rate=0.05), "batch_size": 7, "max_iter": 4, **more}, loss=squared, average=average
    )


def iterates(model: Any, data: Rows) -> Array:
    """Parameters after every update, each run from the start to there."""
    found = []
    run = Run(model, data, told(None), random_state=3)
    for _ in range(4):
        order, batch, factors, _ = epoch_layout(run, 1 << 20)
        for k in range(factors.size):
            piece(run, order, batch, factors, k, k + 1)
            found.append(run.theta.astype(np.float64))
        run.epoch += 1
    return np.array(found)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("average", AVERAGES, ids=str)
@pytest.mark.parametrize("model", MODELS, ids=["linear", "network"])
def test_the_mean_is_that_of_the_iterates_after_its_start(model: Any, average: Averaging, dtype: str) -> None:
    run = Run(model, rows(dtype), told(average), random_state=3).descend()
    every = iterates(model, rows(dtype))
    np.testing.assert_array_equal(run.theta, every[-1])  # the iterates do not know of it
    counted = every[average.start - 1 :]
    weights = np.ones(len(counted)) if average.decay is None else average.decay ** np.arange(len(counted))[::-1]
    expected = weights @ counted / weights.sum()
    np.testing.assert_allclose(run.parameters, expected, rtol=1e-12 if dtype == "float64" else 1e-6, atol=1e-12)
    assert run.parameters.dtype == dtype
    assert run.mean is not None
    np.testing.assert_allclose(run.mean.values, expected, rtol=1e-12, atol=1e-14)  # in float64 either way


def test_sparse_rows_are_averaged_and_accumulated_like_dense_ones() -> None:
    """Though their updates could leave most weights alone."""
    X = np.random.default_rng(1).normal(size=(50, 40)) * (np.random.default_rng(2).random((50, 40)) < 0.05)
    settings = told(Averaging(), optimizer=gradient_descent(learning_rate=0.1), batch_size=1, gradient_norm=True)
    for one in (settings, replace(settings, average=None, accumulate=3), replace(settings, average=None)):
        sparse, dense = (
            Run(Linear(40), Rows.of(to(X), X[:, 0]), one, random_state=3).descend() for to in (csr_array, np.asarray)
        )
        np.testing.assert_allclose(sparse.parameters, dense.parameters, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(sparse.gradient_norm_curve, dense.gradient_norm_curve, rtol=1e-12)


def test_before_its_start_there_is_no_mean() -> None:
    run = Run(Linear(3), rows(), told(Averaging(start=1000)), random_state=3).descend()
    np.testing.assert_array_equal(run.parameters, run.theta)


@pytest.mark.parametrize("average", AVERAGES, ids=str)
def test_a_mean_goes_on_where_it_stood(average: Averaging) -> None:
    whole = Run(Linear(3), rows(), told(average), random_state=3).descend()
    first = Run(Linear(3), rows(), told(average), random_state=3)
    first.advance(1)
    more: Any = {"theta": first.theta, "state": first.state, "t": first.t, "mean": first.mean, "epoch": 1}
    second = Run(Linear(3), rows(), told(average), random_state=3, **more).descend()
    np.testing.assert_array_equal(second.parameters, whole.parameters)
    assert first.mean is not second.mean


def test_a_mean_that_begins_late_knows_nothing_of_what_was() -> None:
    first = Run(Linear(3), rows(), told(None, max_iter=2), random_state=3).descend()
    more: Any = {"theta": first.theta, "state": first.state, "t": first.t, "epoch": 2}
    second = Run(Linear(3), rows(), told(Averaging()), random_state=3, **more).descend()
    np.testing.assert_allclose(second.parameters, iterates(Linear(3), rows())[16:].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("watched", [True, False])
def test_what_diverged_leaves_the_mean_of_its_finite_iterates(watched: bool) -> None:
    settings = told(Averaging(), optimizer=gradient_descent(learning_rate=30.0), max_iter=300)
    run = Run(Linear(3), rows(), settings, random_state=3).descend([lambda run: False] if watched else [])
    assert run.status == "diverged"
    alone = Run(Linear(3), rows(), settings, random_state=3)
    alone.advance(run.epoch)
    alone._loop.run(alone, orders_of(alone, 1)[:, : 7 * int(run.t - alone.t)], 7, np.ones(int(run.t - alone.t)))
    assert alone.t == run.t
    np.testing.assert_array_equal(run.theta, alone.theta)
    np.testing.assert_array_equal(run.parameters, alone.parameters)
    assert np.isfinite(run.parameters).all()


def test_weights_of_a_long_exponential_mean_lose_no_digits() -> None:
    weights = step_weights(Averaging(decay=0.999999), since=0.0, t=0.0, steps=3)
    np.testing.assert_allclose(weights, [1, 1 / 1.999999, 1 / 2.999997000001], rtol=1e-13)
    np.testing.assert_allclose(step_weights(Averaging(decay=0.9), 0.0, 1e6, 1), 0.1, rtol=1e-13)
