"""Gradients of several batches in one update, and the norms that a run keeps of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.descent.plain import Plain

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import streams
from thalweg.errors import SettingError
from thalweg.formulas import penalties
from thalweg.formulas.activations import tanh
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam, gradient_descent
from thalweg.formulas.schedules import cosine

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(53, 3))  # neither 4 nor 12 divides it: the last update is of one short piece
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=53)
WEIGHTS = GENERATOR.random(53)
NETWORK = Network((3, 6, 1), (tanh,))


def run(model: Any, data: Rows, **told: Any) -> Run:
    settings = Settings(**{"optimizer": adam(learning_rate=0.05), "loss": squared, "max_iter": 3, **told})
    return Run(model, data, settings, random_state=1, keep_steps=True).descend()


@pytest.mark.parametrize("more", [{}, {"clip_norm": 0.5}, {"penalty": penalties.l1(alpha=0.01)}], ids=str)
@pytest.mark.parametrize("model", [Linear(3), NETWORK], ids=["linear", "network"])
@pytest.mark.parametrize("layout", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_pieces_add_up_to_the_batch(model: Any, layout: Any, more: dict[str, Any]) -> None:
    if layout is csr_array and model is NETWORK:
        layout = np.asfortranarray
    data = Rows.of(layout(X), Y, WEIGHTS)
    pieces = run(model, data, batch_size=4, accumulate=3, **more)
    whole = run(model, data, batch_size=12, **more)
    assert pieces.t == whole.t == 15
    np.testing.assert_allclose(pieces.theta, whole.theta, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pieces.step_losses, whole.step_losses, rtol=1e-12)


def test_the_memory_is_that_of_one_piece() -> None:
    pieces = run(NETWORK, Rows.of(X, Y), batch_size=4, accumulate=3)
    assert pieces._loop.work.size == NETWORK.work_size(4)  # type: ignore[attr-defined]


def test_each_piece_drops_units_of_its_own() -> None:
    """The same row twice: alike masks would leave the gradient of the row once."""
    model = Network((3, 6, 1), (tanh,), dropout=(0.5,))
    twice = Rows.of(np.repeat(X[:1], 2, axis=0), np.repeat(Y[:1], 2))
    told: dict[str, Any] = {"optimizer": gradient_descent(learning_rate=0.1), "max_iter": 1, "shuffle": False}
    pieces = run(model, twice, batch_size=1, accumulate=2, **told)
    once = run(model, Rows.of(X[:1], Y[:1]), batch_size=1, **told)
    assert abs(pieces.theta - once.theta).max() > 1e-3


def test_full_batches_have_nothing_to_accumulate() -> None:
    with pytest.raises(SettingError, match=r"accumulate: is 2 with full batches"):
        Settings(adam, squared, accumulate=2)


@pytest.mark.parametrize(
    "more", [{}, {"batch_size": 1}, {"clip_norm": 0.5}, {"penalty": penalties.l2(alpha=1.0)}], ids=str
)
@pytest.mark.parametrize("model", [Linear(3), NETWORK], ids=["linear", "network"])
def test_the_norm_is_that_of_the_mean_loss_before_anything_bounds_it(model: Any, more: dict[str, Any]) -> None:
    told = {"batch_size": 12, "gradient_norm": True, **more}
    made = run(model, Rows.of(X, Y), **told)
    plain = Plain(
        model,
        X,
        Y,
        made.settings,
        run(model, Rows.of(X, Y), max_iter=1, optimizer=gradient_descent(learning_rate=1e-300)).theta,
    )
    size, curve = int(told["batch_size"]), []
    for epoch in range(3):
        order = streams.shuffled(made.root, epoch, 53)
        squares = []
        for first in range(0, 53, size):
            batch = order[first : first + size]
            squares.append(float((plain.loss_and_gradient(batch)[1] ** 2).sum()))
            plain.step(batch, 1.0)
        curve.append(float(np.sqrt(np.mean(squares))))
    np.testing.assert_allclose(made.gradient_norm_curve, curve, rtol=1e-10)


def test_norms_that_nobody_asked_for_are_not_kept() -> None:
    assert run(Linear(3), Rows.of(X, Y), batch_size=12).gradient_norm_curve == []


@pytest.mark.parametrize("rate", [1e160, 1e-5, 1e-160])
def test_a_norm_is_right_where_its_square_is_not(rate: float) -> None:
    made = run(Linear(3), Rows.of(X * rate, Y), gradient_norm=True, max_iter=1)
    small = run(Linear(3), Rows.of(X, Y), gradient_norm=True, max_iter=1)
    slope, intercept = small.gradient_norm_curve[0], abs(Y.mean())
    expected = np.hypot(np.sqrt(slope**2 - intercept**2) * rate, intercept)
    np.testing.assert_allclose(made.gradient_norm_curve, [expected], rtol=1e-12)


def test_learning_rates_are_those_that_the_updates_had() -> None:
    made = run(Linear(3), Rows.of(X, Y), batch_size=12, schedule=cosine)
    times = np.arange(3)[:, None] + np.arange(5) / 5
    expected = 0.05 * cosine.over(3).factor(times.ravel()).reshape(3, 5).mean(axis=1)
    np.testing.assert_allclose(made.learning_rate_curve, expected, rtol=1e-14)
    assert run(Linear(3), Rows.of(X, Y)).learning_rate_curve == [0.05] * 3
