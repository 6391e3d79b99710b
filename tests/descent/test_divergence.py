"""Runs that leave the finite numbers: called at the right update, for the right reason, with the last good weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.descent.plain import Array

from thalweg.descent import loops
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.objective import Objective
from thalweg.descent.retracing import GREW_EPOCHS, GREW_FACTOR
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import streams
from thalweg.formulas import activations, catalog, losses, penalties, rules
from thalweg.formulas.formula import rule

ROWS = 24


def table(target: str = "real", outputs: int = 1, features: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(ROWS, features))
    y = X @ rng.normal(size=(features, outputs)) + rng.normal(size=(ROWS, outputs))
    if target == "classes":
        return X, np.eye(outputs)[y.argmax(axis=1)]
    return X, {"real": y, "binary": (y > 0).astype(float), "count": np.floor(np.abs(y))}[target]


@dataclass
class Truth:
    """What goes first when every update is looked at."""

    quantity: str
    step: int
    epoch: int
    theta: Array
    t: int


def truth(model: Any, X: Any, y: Array, settings: Settings, theta: Array, dtype: str) -> Truth:
    """Make one update after the other, with the native gradient of each batch and the rule's formula."""
    root, size = streams.seed_sequence(0), settings.batch_size or ROWS
    theta = theta.astype(dtype)
    state, t, before = settings.optimizer.init(theta), 0, theta
    for epoch in range(settings.max_iter):
        order = streams.shuffled(root, epoch, ROWS) if size < ROWS else np.arange(ROWS)
        for first in range(0, ROWS, size):
            batch = order[first : first + size]
            rows = Rows.of(X[batch], y[batch], dtype=dtype)
            value, gradient = Objective(model, rows, settings.loss).value_and_gradient(theta)
            if not np.isfinite(value):
                return Truth("loss", t + 1, epoch + 1, before, max(t - 1, 0))
            if not np.isfinite(gradient).all():
                return Truth("gradient", t + 1, epoch + 1, theta, t)
            moved, state = settings.optimizer.step(theta, gradient, state, float(t + 1))
            if not np.isfinite(moved).all():
                return Truth("parameters", t + 1, epoch + 1, theta, t)
            before, theta, t = theta, moved, t + 1
    return Truth("", t, settings.max_iter, theta, t)


def assert_called(run: Run, expected: Truth) -> None:
    assert run.status == "diverged"
    assert run.divergence is not None
    told = run.divergence
    assert (told.quantity, told.step, told.epoch) == (expected.quantity, expected.step, expected.epoch)
    are = "are" if told.quantity == "parameters" else "is"
    said, _, layer = told.message.partition(f", {'left' if told.quantity == 'loss' else 'first'} by layer ")
    assert said == f"the {told.quantity} {are} not finite at update {told.step}, in epoch {told.epoch}"
    assert told.layer == (int(layer.split()[0]) if layer else None)
    np.testing.assert_array_equal(run.theta, expected.theta)
    assert np.isfinite(run.theta).all()
    assert run.t == expected.t
    assert run.epoch == len(run.loss_curve) == expected.epoch - 1
    assert np.isfinite(run.loss_curve).all()


def compare(run: Run, expected: Truth) -> None:
    if run.divergence is not None and run.divergence.quantity == "loss grew":
        assert run.divergence.epoch < expected.epoch or not expected.quantity
    elif expected.quantity:
        assert_called(run, expected)
    else:
        assert run.status == "finished"


@rule(starts={"scale": 1.0})
def leap(theta, g, t, scale, *, learning_rate=1.0, growth=2.0):
    scale = scale * growth
    return theta - learning_rate * scale * g, scale


@rule
def grow(theta, g, t, *, learning_rate=1.0, growth=2.0):
    return theta * growth - learning_rate * g


DIVERGING = [
    (rules.gradient_descent(learning_rate=1e3), losses.squared),
    (rules.gradient_descent(learning_rate=1e160), losses.squared),
    (rules.gradient_descent(learning_rate=1e300), losses.squared),
    (rules.gradient_descent(learning_rate=1e308), losses.absolute),
    (rules.gradient_descent(learning_rate=3.0), losses.poisson),
    (rules.gradient_descent(learning_rate=1e305), losses.log),
    (rules.gradient_descent(learning_rate=1e308), losses.log),
    (rules.gradient_descent(learning_rate=1e308), losses.hinge),
    (rules.gradient_descent(learning_rate=1e200), losses.squared_hinge),
    (rules.momentum(learning_rate=50.0), losses.squared),
    (rules.nesterov(learning_rate=1e100), losses.huber),
    (rules.adam(learning_rate=1e308), losses.squared),
    (rules.adam(learning_rate=1e154), losses.squared),
    (rules.adagrad(learning_rate=1e308), losses.quantile),
    (rules.rmsprop(learning_rate=1e200), losses.squared),
    (leap(learning_rate=1e-3, growth=1e30), losses.absolute),
    (leap(learning_rate=1e-3, growth=30.0), losses.hinge),
]


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize(
    ("made", "loss"), DIVERGING, ids=[f"{r.name}-{r.learning_rate:g}-{f.name}" for r, f in DIVERGING]
)
def test_linear_models_are_called_as_each_update_shows(made: Any, loss: Any, batch_size: int | None) -> None:
    X, y = table(loss.target)
    for dtype in ("float64", "float32"):
        if made.learning_rate > 3e38 and dtype == "float32":
            continue
        for layout in (np.asarray, csr_array):
            settings = Settings(made, loss, batch_size=batch_size, max_iter=60)
            expected = truth(Linear(3), layout(X), y, settings, np.zeros(4), dtype)
            run = Run(Linear(3), Rows.of(layout(X), y, dtype=dtype), settings, random_state=0).descend()
            compare(run, expected)


NETWORKS = [
    (activations.relu, rules.gradient_descent(learning_rate=1e3), losses.squared),
    (activations.relu, rules.gradient_descent(learning_rate=1e200), losses.squared),
    (activations.relu, rules.adam(learning_rate=1e100), losses.softmax),
    (activations.tanh, rules.gradient_descent(learning_rate=1e308), losses.squared),
    (activations.tanh, rules.adam(learning_rate=1e308), losses.softmax),
    (activations.logistic, leap(learning_rate=1e-3, growth=1e40), losses.squared),
    (activations.tanh, leap(learning_rate=1e-3, growth=1e25), losses.softmax),
    (activations.tanh, leap(learning_rate=1e-3, growth=30.0), losses.hinge),
    (activations.logistic, leap(learning_rate=1e-3, growth=1e4), losses.hinge),
    (activations.gelu, rules.momentum(learning_rate=1e60), losses.squared),
]


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize(
    ("activation", "made", "loss"),
    NETWORKS,
    ids=[f"{a.name}-{r.name}-{r.learning_rate:g}-{f.name}" for a, r, f in NETWORKS],
)
def test_networks_are_called_as_each_update_shows(
    activation: Any, made: Any, loss: Any, batch_size: int | None
) -> None:
    # tanh of inf is 1 and relu of nan may be 0: the loss stays finite while the weights are lost.
    X, y = table(loss.target, outputs=2)
    model = Network((3, 5, 4, 2), (activation, activation))
    theta = np.random.default_rng(0).normal(0, 0.5, model.size)
    settings = Settings(made, loss, batch_size=batch_size, max_iter=60)
    expected = truth(model, X, y, settings, theta, "float64")
    run = Run(model, Rows.of(X, y), settings, theta=theta, random_state=0).descend()
    compare(run, expected)


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("case", range(len(NETWORKS)))
def test_it_does_not_matter_whether_a_network_is_watched(case: int, batch_size: int | None) -> None:
    activation, made, loss = NETWORKS[case]
    X, y = table(loss.target, outputs=2)
    model = Network((3, 5, 4, 2), (activation, activation))
    settings = Settings(made, loss, batch_size=batch_size, max_iter=60)
    ends = [
        Run(model, Rows.of(X, y), settings, random_state=0, keep_steps=True).descend(watch)
        for watch in ([], [lambda run: False])
    ]
    assert ends[0].divergence == ends[1].divergence
    assert ends[0].loss_curve == ends[1].loss_curve
    assert ends[0].step_losses == ends[1].step_losses
    np.testing.assert_array_equal(ends[0].theta, ends[1].theta)
    np.testing.assert_array_equal(ends[0].state, ends[1].state)


HIDING = [
    (Linear(1, fit_intercept=False), losses.hinge, [0.5]),
    (Linear(1, fit_intercept=False), losses.log, [0.5]),
    (Network((1, 1, 1), (activations.relu,)), losses.hinge, [0.5, 0.5, 0.0, 0.0]),
    (Network((1, 1, 1), (activations.tanh,)), losses.squared_hinge, [0.5, 0.5, 0.0, 0.0]),
]


@pytest.mark.parametrize("growth", [1e200, 1e30, 5.0])
@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize(("model", "loss", "start"), HIDING, ids=["linear hinge", "linear log", "relu", "tanh"])
def test_weights_that_are_lost_behind_a_finite_loss_are_called(
    model: Any, loss: Any, start: list[float], batch_size: int | None, growth: float
) -> None:
    # An infinite score on the right side of a margin costs nothing, and nothing moves any more.
    settings = Settings(grow(learning_rate=1e-3, growth=growth), loss, batch_size=batch_size, max_iter=600)
    X, y = np.linspace(1, 2, ROWS).reshape(-1, 1), np.ones((ROWS, 1))
    expected = truth(model, X, y, settings, np.array(start), "float64")
    assert expected.quantity in ("parameters", "gradient", "loss")
    for watch in ([], [lambda run: False]):
        assert_called(Run(model, Rows.of(X, y), settings, theta=start, random_state=0).descend(watch), expected)


def test_moments_are_called_as_rows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = np.tile(table()[0], (200, 1)), np.tile(table()[1], (200, 1))
    for rate in (3.0, 1e200):
        settings = Settings(rules.gradient_descent(learning_rate=rate), losses.squared, max_iter=100)
        ends = []
        for moments in (True, False):
            monkeypatch.setattr(loops, "moments_serve", lambda run, moments=moments: moments)
            ends.append(Run(Linear(3), Rows.of(X, y), settings).descend())
        assert ends[0].divergence == ends[1].divergence
        np.testing.assert_allclose(ends[0].theta, ends[1].theta, rtol=1e-9)


@pytest.mark.parametrize("made", [rules.gradient_descent, rules.adam], ids=lambda made: made.name)
@pytest.mark.parametrize(
    "penalty", [penalties.l1(alpha=1e-3), penalties.l2(alpha=1e-3)], ids=lambda penalty: penalty.name
)
@pytest.mark.parametrize("clip", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}], ids=str)
def test_penalties_and_clipping_hide_nothing(made: Any, penalty: Any, clip: dict[str, float]) -> None:
    X, y = table()
    settings = Settings(made(learning_rate=1e308), losses.squared, penalty, batch_size=7, max_iter=9, **clip)
    run = Run(Linear(3), Rows.of(X, y), settings, random_state=0).descend()
    assert run.status == "diverged"
    assert np.isfinite(run.theta).all()
    assert run.divergence is not None
    assert run.divergence.epoch == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["X", "y", "theta"])
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_a_number_that_is_not_finite_in_the_data_is_called_in_its_epoch(
    batch_size: int | None, where: str, bad: float
) -> None:
    X, y = table()
    theta = np.zeros(4)
    {"X": X, "y": y, "theta": theta.reshape(1, -1)}[where][0, 0] = bad
    for model in (Linear(3), Network((3, 4, 1), (activations.relu,))):
        start = theta if isinstance(model, Linear) else np.resize(theta, model.size)
        settings = Settings(rules.adam, losses.squared, batch_size=batch_size, max_iter=50)
        run = Run(model, Rows.of(X, y), settings, theta=start, random_state=0).descend()
        assert run.divergence is not None
        assert run.divergence.epoch == 1
        assert run.loss_curve == []


def test_growth_is_called_although_every_number_is_finite() -> None:
    X, y = table()
    settings = Settings(rules.gradient_descent(learning_rate=40.0), losses.squared, max_iter=500)
    run = Run(Linear(3), Rows.of(X, y), settings).descend()
    assert run.divergence is not None
    assert (run.status, run.divergence.quantity) == ("diverged", "loss grew")
    above = [loss > GREW_FACTOR * run.loss_curve[0] for loss in run.loss_curve]
    assert above == [False] * (len(above) - GREW_EPOCHS) + [True] * GREW_EPOCHS
    assert run.divergence.epoch == run.epoch == len(above) == run.t
    assert np.isfinite(run.theta).all()


def test_a_loss_that_returns_is_not_called_growth() -> None:
    # High for one epoch less than it takes, then low again, and so on.
    calls = iter([1.0, *([1e6] * (GREW_EPOCHS - 1) + [1.0]) * 3])
    rows = Rows.of(np.ones((1, 1)), np.zeros(1))
    settings = Settings(rules.gradient_descent(learning_rate=1e-300), losses.absolute, max_iter=9)
    run = Run(Linear(1, fit_intercept=False), rows, settings, theta=[1.0])

    def move(run: Run) -> None:
        run.theta[0] = next(calls)

    assert run.descend([move]).status == "finished"


CONVERGING = [
    (made(learning_rate=1e-3 if loss is losses.poisson else 0.01) if made.has_learning_rate else made, loss)
    for made in catalog.rules().values()
    for loss in (losses.squared, losses.log, losses.poisson)
]


def converging() -> Iterator[Any]:
    """Give every rule with every loss in batches; row by row, where each pair is compiled, every rule with one loss."""
    for k, (made, loss) in enumerate(CONVERGING):
        for batch_size in (7, None, 1) if k % 3 == k // 3 % 3 else (7, None):
            yield pytest.param(made, loss, batch_size, id=f"{made.name}-{loss.name}-{batch_size}")


@pytest.mark.parametrize(("made", "loss", "batch_size"), list(converging()))
def test_runs_that_converge_are_not_called(made: Any, loss: Any, batch_size: int | None) -> None:
    X, y = table(loss.target)
    for dtype in ("float64", "float32"):
        settings = Settings(made, loss, batch_size=batch_size, max_iter=50)
        run = Run(Linear(3), Rows.of(X, y, dtype=dtype), settings, random_state=0).descend()
        assert (run.status, run.divergence) == ("finished", None)
        assert math.isfinite(run.loss_curve[-1])


def test_a_start_at_a_perfect_loss_is_not_called_growth() -> None:
    X, _ = table()
    y = X @ np.array([1.0, -2.0, 0.5])
    settings = Settings(rules.adam(learning_rate=0.01), losses.squared, batch_size=7, max_iter=50)
    run = Run(Linear(3), Rows.of(X, y), settings, theta=[1.0, -2.0, 0.5, 0.0], random_state=0).descend()
    assert run.status == "finished"
