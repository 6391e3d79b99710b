"""Gradients of models: against complex steps through formulas written anew, and against differences of the loss."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.descent.plain import Array

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas import activations, catalog, losses, penalties, rules
from thalweg.formulas.formula import Loss

# Written from the textbooks, in functions that take complex numbers: a step of 1e-200 i gives a derivative to its last
# digits. A branch is chosen by the real part.
Complex = Callable[..., Any]


def positive(z: Any) -> Any:
    return np.where(z.real > 0, z, 0)


ACTIVATIONS: dict[str, Complex] = {
    "identity": lambda z: z,
    "relu": positive,
    "leaky_relu": lambda z: np.where(z.real > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z.real > 0, z, np.exp(z) - 1),
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
}


def size(r: Any) -> Any:
    return np.where(r.real < 0, -r, r)


def huber(y: Array, z: Any) -> Any:
    return np.where(size(z - y).real <= 1, (z - y) ** 2 / 2, size(z - y) - 0.5)


LOSSES: dict[str, Complex] = {
    "squared": lambda y, z: (z - y) ** 2 / 2,
    "absolute": lambda y, z: size(z - y),
    "huber": huber,
    "quantile": lambda y, z: size(z - y) / 2,
    "epsilon_insensitive": lambda y, z: positive(size(z - y) - 0.1),
    "squared_epsilon_insensitive": lambda y, z: positive(size(z - y) - 0.1) ** 2,
    "poisson": lambda y, z: np.exp(z) - y * z,
    "log": lambda y, z: np.log(1 + np.exp(z)) - y * z,
    "hinge": lambda y, z: positive(1 - (2 * y - 1) * z),
    "squared_hinge": lambda y, z: positive(1 - (2 * y - 1) * z) ** 2,
    "modified_huber": lambda y, z: np.where(
        ((2 * y - 1) * z).real >= -1, positive(1 - (2 * y - 1) * z) ** 2, -4 * (2 * y - 1) * z
    ),
    "softmax": lambda y, z: np.log(np.exp(z).sum(axis=-1, keepdims=True)) - (y * z).sum(axis=-1, keepdims=True),
}


def data(made: Loss, rows: int, outputs: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    drawn = rng.normal(size=(rows, outputs))
    targets = {
        "real": drawn * 2,
        "count": np.floor(np.abs(drawn) * 2),
        "binary": (drawn > 0).astype(float),
        "classes": np.eye(outputs)[drawn.argmax(axis=1)],
    }
    return X, targets[made.target]


def objective_by_hand(
    model: Network, theta: Any, X: Array, y: Array, made: Loss, activation: str, weights: Array
) -> Any:
    units = X
    coefs, biases = model.coefs(theta), model.biases(theta)
    for w, b in zip(coefs[:-1], biases[:-1], strict=True):
        units = ACTIVATIONS[activation](units @ w + b)
    scores = units @ coefs[-1] + biases[-1]
    per_row = LOSSES[made.name](y, scores).sum(axis=1)
    return (weights * per_row).mean()


def by_complex_steps(function: Callable[[Any], Any], theta: Array) -> Array:
    tiny = 1e-200
    return np.array([function(theta + 1j * tiny * row).imag / tiny for row in np.eye(theta.size)])


def by_central_differences(function: Callable[[Array], float], theta: Array) -> Array:
    h = 1e-6
    return np.array([(function(theta + h * row) - function(theta - h * row)) / (2 * h) for row in np.eye(theta.size)])


def test_nothing_is_left_out() -> None:
    assert set(ACTIVATIONS) == set(catalog.activations())
    assert set(LOSSES) == set(catalog.losses())


DEPTHS = [(5,), (5, 3), (4, 3, 5)]
NETWORKS: list[tuple[str, tuple[int, ...]]] = [("identity", ()), *itertools.product(catalog.activations(), DEPTHS)]


@pytest.mark.parametrize("rows", [5, 17], ids=["along the units", "along the batch"])
@pytest.mark.parametrize("made", catalog.losses().values(), ids=lambda made: made.name)
@pytest.mark.parametrize(("name", "hidden"), NETWORKS, ids=[f"{name}-depth{len(hidden)}" for name, hidden in NETWORKS])
def test_gradient_of_a_network(name: str, hidden: tuple[int, ...], made: Loss, rows: int) -> None:
    activation = catalog.find("activation", name)
    outputs = 3 if made.per_row else 2
    X, y = data(made, rows, outputs, seed=len(hidden))
    weights = np.random.default_rng(1).uniform(0.2, 2, rows)
    weights /= weights.mean()
    model = Network((4, *hidden, outputs), (activation,) * len(hidden))
    theta = np.random.default_rng(2).normal(0, 0.7, model.size)
    objective = Objective(model, Rows.of(X, y, weights), made)
    value, gradient = objective.value_and_gradient(theta)

    def by_hand(point: Any) -> Any:
        return objective_by_hand(model, point, X, y, made, name, weights)

    assert value == pytest.approx(by_hand(theta), rel=1e-13)
    np.testing.assert_allclose(gradient, by_complex_steps(by_hand, theta), rtol=1e-11, atol=1e-13)
    if rows == 5:
        np.testing.assert_allclose(gradient, by_central_differences(objective.value, theta), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("made", catalog.losses().values(), ids=lambda made: made.name)
def test_gradient_of_a_linear_model_with_every_penalty(made: Loss) -> None:
    outputs = 3 if made.per_row else 2
    X, y = data(made, 9, outputs, seed=3)
    model = Linear(4, outputs)
    theta = np.random.default_rng(2).normal(0, 0.7, model.size)
    for penalty in (None, penalties.l2(alpha=0.3), penalties.l1(alpha=0.3), penalties.elastic_net(alpha=0.3)):
        objective = Objective(model, Rows.of(X, y), made, penalty=penalty)
        numeric = by_central_differences(objective.value, theta)
        np.testing.assert_allclose(objective.gradient(theta), numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rows", [5, 17])
def test_gradient_under_dropout(rows: int) -> None:
    X, y = data(losses.softmax, rows, 3, seed=5)
    model = Network((4, 6, 5, 3), (activations.tanh, activations.silu), (0.4, 0.25))
    masks = [np.random.default_rng(k).random((rows, units)) > 0.3 for k, units in enumerate((6, 5))]
    objective = Objective(model, Rows.of(X, y), losses.softmax, masks=masks)
    theta = np.random.default_rng(2).normal(0, 0.7, model.size)
    numeric = by_central_differences(objective.value, theta)
    np.testing.assert_allclose(objective.gradient(theta), numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("rows", [5, 17])
def test_gradient_in_float32(rows: int) -> None:
    X, y = data(losses.softmax, rows, 3, seed=5)
    model = Network((4, 6, 5, 3), (activations.gelu, activations.elu))
    theta = np.random.default_rng(2).normal(0, 0.7, model.size)
    fine, coarse = (
        Objective(model, Rows.of(X, y, dtype=dtype), losses.softmax).gradient(theta) for dtype in ("float64", "float32")
    )
    assert coarse.dtype == np.float32
    np.testing.assert_allclose(coarse, fine, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("rows", [5, 17])
def test_a_run_descends_on_this_gradient(rows: int) -> None:
    X, y = data(losses.softmax, rows, 3, seed=5)
    for model, penalty in itertools.product(
        (Linear(4, 3), Network((4, 6, 3), (activations.tanh,))), (None, penalties.l2(alpha=0.2))
    ):
        table, theta = Rows.of(X, y), np.random.default_rng(2).normal(0, 0.7, model.size)
        settings = Settings(rules.gradient_descent(learning_rate=0.5), losses.softmax, penalty, max_iter=1)
        value, gradient = Objective(model, table, losses.softmax, penalty=penalty).value_and_gradient(theta)
        run = Run(model, table, settings, theta=theta).descend()
        np.testing.assert_allclose(run.theta, theta - 0.5 * gradient, rtol=1e-13)
        assert run.loss_curve[0] == pytest.approx(value, rel=1e-14)


# ---- sample weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [losses.squared, losses.log, losses.softmax], ids=lambda made: made.name)
@pytest.mark.parametrize("kind", ["linear", "csr", "network"])
def test_a_weight_is_a_repetition(kind: str, made: Loss) -> None:
    from scipy.sparse import csr_array

    outputs = 3 if made.per_row else 1
    X, y = data(made, 30, outputs, seed=7)
    times = np.random.default_rng(0).integers(0, 4, 30)
    model = Network((4, 5, outputs), (activations.tanh,)) if kind == "network" else Linear(4, outputs)
    layout: Any = csr_array if kind == "csr" else np.asarray
    settings = Settings(rules.adam(learning_rate=0.1), made, penalties.l2(alpha=0.01), max_iter=40)
    theta = np.random.default_rng(2).normal(0, 0.7, model.size)
    weighted = Run(model, Rows.of(layout(X), y, times), settings, theta=theta).descend()
    repeated = Run(
        model, Rows.of(layout(np.repeat(X, times, 0)), np.repeat(y, times, 0)), settings, theta=theta
    ).descend()
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(weighted.loss_curve, repeated.loss_curve, rtol=1e-12)


def test_weights_that_are_all_equal_are_no_weights() -> None:
    X, y = data(losses.squared, 30, 1, seed=7)
    settings = Settings(rules.adam(learning_rate=0.1), losses.squared, batch_size=7, max_iter=5)
    plain, halves = (
        Run(Linear(4), Rows.of(X, y, w), settings, random_state=0).descend() for w in (None, np.full(30, 0.5))
    )
    np.testing.assert_array_equal(plain.theta, halves.theta)
