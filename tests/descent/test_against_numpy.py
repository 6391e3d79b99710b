"""Native runs follow the descent written out in NumPy: every way of batching, weighing, clipping, penalising."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.descent.plain import Array, Plain

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import streams
from thalweg.formulas import activations, catalog, losses, penalties, rules, schedules
from thalweg.formulas.formula import Loss, Penalty, Rule

ROWS = 37


def table(features: int, outputs: int = 1, rows: int = ROWS, target: str = "real") -> tuple[Array, Array]:
    rng = np.random.default_rng(features + outputs)
    X = rng.normal(size=(rows, features)) * (rng.random((rows, features)) < 0.8)
    y = X @ rng.normal(size=(features, outputs)) + rng.normal(size=(rows, outputs))
    if target == "classes":
        return X, np.eye(outputs)[y.argmax(axis=1)]
    return X, {"real": y, "binary": (y > 0).astype(float), "count": np.floor(np.abs(y))}[target]


def orders(seed: int, epochs: int, rows: int = ROWS) -> list[Array]:
    """The orders of a shuffled run."""
    root = streams.seed_sequence(seed)
    return [streams.shuffled(root, epoch, rows) for epoch in range(epochs)]


def mask_seed(seed: int) -> int:
    """The seed of a run's dropout masks."""
    return int(streams.generator(streams.seed_sequence(seed), streams.DROPOUT).integers(0, 2**63))


def follow(
    model: Linear | Network,
    X: Array,
    y: Array,
    settings: Settings,
    *,
    weights: Array | None = None,
    layout: Any = np.asarray,
    tolerance: float = 1e-10,
) -> Run:
    """Run natively and in NumPy from one start, and compare every loss and the end."""
    theta = np.random.default_rng(1).normal(0, 0.4, model.size)
    run = Run(model, Rows.of(layout(X), y, weights), settings, theta=theta, random_state=5, keep_steps=True).descend()
    plain = Plain(model, X, y, settings, theta, weights, mask_seed=mask_seed(5))
    plain.descend(orders(5, settings.max_iter, len(X)) if settings.shuffle else [np.arange(len(X))] * settings.max_iter)
    assert run.status == "finished"
    np.testing.assert_allclose(run.step_losses, plain.losses, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(run.theta, plain.theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(run.state, plain.state, rtol=tolerance, atol=tolerance)
    return run


@pytest.mark.parametrize("layout", [np.asarray, csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("batch_size", [1, 5, ROWS, None])
@pytest.mark.parametrize(("outputs", "intercept"), [(1, True), (1, False), (3, True)])
@pytest.mark.parametrize("features", [1, 3, 8, 19])
def test_linear_models(features: int, outputs: int, intercept: bool, batch_size: int | None, layout: Any) -> None:
    X, y = table(features, outputs)
    settings = Settings(rules.adam(learning_rate=0.05), losses.squared, batch_size=batch_size, max_iter=6)
    follow(Linear(features, outputs, intercept), X, y, settings, layout=layout)


@pytest.mark.parametrize("made", catalog.losses().values(), ids=lambda made: made.name)
def test_every_loss(made: Loss) -> None:
    outputs = 3 if made.per_row else 1
    X, y = table(4, outputs, target=made.target)
    settings = Settings(rules.momentum(learning_rate=0.01), made, batch_size=8, max_iter=5)
    follow(Linear(4, outputs), X, y, settings)
    follow(Network((4, 6, outputs), (activations.tanh,)), X, y, settings)


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("made", catalog.rules().values(), ids=lambda made: made.name)
def test_every_rule(made: Rule, batch_size: int | None) -> None:
    # Where a step depends on the sign of a sum, two orders of summation may part: those rules get sums without doubt.
    X, y = table(3, 2)
    numbers = {"learning_rate": 0.01} if made.has_learning_rate else {}
    settings = Settings(made(**numbers), losses.squared, batch_size=batch_size, max_iter=4)
    follow(Linear(3, 2), X, y, settings, tolerance=1e-8)


@pytest.mark.parametrize("batch_size", [5, 18, None])
@pytest.mark.parametrize("hidden", [(), (7,), (7, 1, 5), (150, 3)], ids=str)
def test_networks(hidden: tuple[int, ...], batch_size: int | None) -> None:
    # Up to 128 units and from 16 rows on, the loops run along the batch: both ways, and a last batch that is smaller.
    X, y = table(6, 2)
    kinds = itertools.cycle([activations.tanh, activations.relu, activations.leaky_relu(slope=0.3)])
    model = Network((6, *hidden, 2), tuple(next(kinds) for _ in hidden))
    settings = Settings(rules.adam(learning_rate=0.02), losses.squared, batch_size=batch_size, max_iter=5)
    follow(model, X, y, settings)


@pytest.mark.parametrize("batch_size", [5, 18, None])
@pytest.mark.parametrize("dropout", [(0.5, 0.0), (0.0, 0.3), (0.2, 0.6)], ids=str)
def test_dropout_takes_the_masks_of_the_stream(dropout: tuple[float, ...], batch_size: int | None) -> None:
    X, y = table(6, 2)
    model = Network((6, 7, 20, 2), (activations.tanh, activations.silu), dropout)
    settings = Settings(rules.adam(learning_rate=0.02), losses.squared, batch_size=batch_size, max_iter=5)
    follow(model, X, y, settings)


@pytest.mark.parametrize("layout", [np.asarray, csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_sample_weights(batch_size: int | None, layout: Any) -> None:
    X, y = table(5, 2)
    weights = np.random.default_rng(3).uniform(0, 4, ROWS) * (np.arange(ROWS) % 6 > 0)
    settings = Settings(rules.adam(learning_rate=0.05), losses.huber, batch_size=batch_size, max_iter=6)
    follow(Linear(5, 2), X, y, settings, weights=weights, layout=layout)
    if layout is np.asarray:
        follow(Network((5, 6, 2), (activations.tanh,)), X, y, settings, weights=weights)


PENALTIES: list[Penalty] = [
    penalties.l2(alpha=0.05),
    penalties.l1(alpha=0.02),
    penalties.elastic_net(alpha=0.05, l1_ratio=0.4),
]


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("made", [rules.gradient_descent, rules.momentum, rules.adamw], ids=lambda made: made.name)
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.name)
def test_penalties_act_on_weights_and_spare_intercepts(penalty: Penalty, made: Rule, batch_size: int | None) -> None:
    X, y = table(5, 2)
    settings = Settings(made(learning_rate=0.05), losses.squared, penalty, batch_size=batch_size, max_iter=20)
    follow(Linear(5, 2), X, y, settings)
    follow(Network((5, 4, 2), (activations.tanh,)), X, y, settings)


@pytest.mark.parametrize("made", [rules.gradient_descent, rules.adam], ids=lambda made: made.name)
@pytest.mark.parametrize("chosen", [(0, None, 2), (None, 1, None), (None, None, None)], ids=str)
def test_each_layer_has_its_penalty(chosen: tuple[int | None, ...], made: Rule) -> None:
    X, y = table(5, 2)
    layers = [None if k is None else penalties.elastic_net(alpha=0.03 * (k + 1), l1_ratio=0.3 * k) for k in chosen]
    settings = Settings(made(learning_rate=0.05), losses.squared, layers, batch_size=7, max_iter=5)
    follow(Network((5, 4, 3, 2), (activations.tanh,) * 2), X, y, settings)


@pytest.mark.parametrize(
    "made", [r for r in catalog.rules().values() if "weight_decay" in r.hyperparameters], ids=lambda made: made.name
)
def test_weight_decay_spares_intercepts_and_biases(made: Rule) -> None:
    X, y = table(5, 2)
    settings = Settings(made(learning_rate=0.02, weight_decay=0.3), losses.squared, batch_size=7, max_iter=5)
    follow(Linear(5, 2), X, y, settings)
    follow(Linear(5, 1), X, y[:, :1], Settings(settings.optimizer, losses.squared, batch_size=1, max_iter=3))
    follow(Network((5, 4, 3, 2), (activations.tanh,) * 2), X, y, settings)


@pytest.mark.parametrize("clip", [{"clip_value": 0.05}, {"clip_norm": 0.1}, {"clip_norm": 1e9}], ids=str)
@pytest.mark.parametrize("penalty", [None, penalties.l2(alpha=0.5), penalties.l1(alpha=0.1)], ids=str)
def test_clipping_comes_before_the_penalty(clip: dict[str, float], penalty: Penalty | None) -> None:
    X, y = table(5, 2)
    settings = Settings(rules.momentum(learning_rate=0.05), losses.squared, penalty, batch_size=7, max_iter=5, **clip)
    follow(Linear(5, 2), X, y, settings)
    follow(Network((5, 4, 2), (activations.tanh,)), X, y, settings)
    single = Settings(rules.momentum(learning_rate=0.05), losses.squared, penalty, batch_size=1, max_iter=2, **clip)
    follow(Linear(5, 1), X, y[:, :1], single)


@pytest.mark.parametrize(
    ("size", "dtype"), [(1e200, "float64"), (1e-200, "float64"), (1e30, "float32"), (1e-30, "float32")]
)
def test_the_norm_of_a_gradient_of_any_size_is_clipped(size: float, dtype: str) -> None:
    X, y = table(3)
    steps = []
    for scale in (1.0, size):
        settings = Settings(
            rules.gradient_descent(learning_rate=1.0), losses.absolute, max_iter=1, clip_norm=scale / 64
        )
        model = Linear(3, fit_intercept=False)
        run = Run(model, Rows.of(X * scale, y * scale, dtype=dtype), settings, theta=np.ones(3)).descend()
        steps.append(run._loop.gradient / scale)
    assert np.linalg.norm(steps[0]) == pytest.approx(1 / 64, rel=1e-5)
    np.testing.assert_allclose(steps[1], steps[0], rtol=1e-5)


def test_a_batch_larger_than_any_order_takes_no_more_room() -> None:
    X, y = table(3)
    settings = Settings(rules.adam, losses.squared, batch_size=10**15, max_iter=2)
    run = Run(Linear(3), Rows.of(X, y), settings, order=lambda epoch: np.arange(5)).descend()
    assert (run.status, run.t) == ("finished", 2)


@pytest.mark.parametrize("batch_size", [1, 5, None])
@pytest.mark.parametrize("made", catalog.schedules().values(), ids=lambda made: made.name)
def test_every_schedule_gives_the_rate_of_every_step(made: Any, batch_size: int | None) -> None:
    # Gradient descent on a slope of one: each step is the rate of that step.
    rate, rows, epochs = 0.125, 12, 9
    settings = Settings(
        rules.gradient_descent(learning_rate=rate),
        losses.absolute,
        schedule=made,
        batch_size=batch_size,
        max_iter=epochs,
    )
    run = Run(
        Linear(1, fit_intercept=False),
        Rows.of(np.ones((rows, 1)), np.full(rows, 1e6)),
        settings,
        theta=[0.0],
        random_state=0,
    )
    thetas: list[float] = []
    run.descend([lambda run: thetas.append(float(run.theta[0]))])
    per_epoch = -(-rows // (batch_size or rows))
    times = np.arange(epochs * per_epoch) / per_epoch
    moved = np.cumsum(rate * made.over(epochs).factor(times))
    np.testing.assert_allclose(thetas, moved[per_epoch - 1 :: per_epoch], rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 5, None])
def test_a_schedule_with_a_warm_up_on_a_network_and_on_lanes(batch_size: int | None) -> None:
    X, y = table(4, 1)
    schedule = schedules.warmup_cosine(warmup=1.5)
    settings = Settings(
        rules.adam(learning_rate=0.1), losses.squared, schedule=schedule, batch_size=batch_size, max_iter=6
    )
    follow(Network((4, 5, 1), (activations.tanh,)), X, y, settings)
    follow(Linear(4), X, y, settings)


def test_rows_in_order_when_they_are_not_shuffled() -> None:
    X, y = table(4, 1)
    for batch_size in (1, 5):
        settings = Settings(
            rules.adam(learning_rate=0.1), losses.squared, batch_size=batch_size, max_iter=4, shuffle=False
        )
        follow(Linear(4), X, y, settings)
        follow(Network((4, 5, 1), (activations.tanh,)), X, y, settings)


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_an_order_of_the_users_own(batch_size: int | None) -> None:
    X, y = table(4, 1)
    own = [np.array([0, 36, 36, 5]), np.arange(20), np.array([7])]
    settings = Settings(rules.adam(learning_rate=0.1), losses.squared, batch_size=batch_size, max_iter=3)
    for model in (Linear(4), Network((4, 5, 1), (activations.tanh,))):
        theta = np.random.default_rng(1).normal(0, 0.4, model.size)
        run = Run(
            model, Rows.of(X, y), settings, theta=theta, order=lambda epoch: own[epoch], keep_steps=True
        ).descend()
        plain = Plain(model, X, y, settings, theta).descend(own)
        np.testing.assert_allclose(run.step_losses, plain.losses, rtol=1e-10)
        np.testing.assert_allclose(run.theta, plain.theta, rtol=1e-10)
        assert len(run.loss_curve) == 3


@pytest.mark.parametrize("batch_size", [1, 5, 12, None])
def test_float32_follows_float64(batch_size: int | None) -> None:
    X, y = table(6, 2)
    settings = Settings(rules.adam(learning_rate=0.01), losses.squared, batch_size=batch_size, max_iter=5)
    for model in (Linear(6, 2), Network((6, 7, 5, 2), (activations.tanh, activations.gelu))):
        theta = np.random.default_rng(1).normal(0, 0.4, model.size)
        ends = [
            Run(model, Rows.of(X, y, dtype=dtype), settings, theta=theta, random_state=5).descend()
            for dtype in ("float32", "float64")
        ]
        assert ends[0].theta.dtype == np.float32
        np.testing.assert_allclose(ends[0].theta, ends[1].theta, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(ends[0].loss_curve, ends[1].loss_curve, rtol=1e-4)
