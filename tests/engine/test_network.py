"""The objective of networks at widths and batches where it changes its way: against back-propagation in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from thalweg.descent.batches import Rows
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.models import Network
from thalweg.descent.objective import Objective
from thalweg.engine import network
from thalweg.formulas import activations, losses

Array = NDArray[Any]

# Along the batch or along the units, strips or tiles, dot products or tiles, one panel of steps or several.
LAYERS = [
    (1, 1), (3, 1), (2, 5, 2, 1), (5, 4, 16, 4), (4, 16, 5), (20, 32, 3), (20, 33, 3), (70, 90, 40, 10), (600, 7, 2),
]  # fmt: skip
BATCHES = [1, network.LONG - 1, network.LONG, 130]


def by_hand(model: Network, theta: Array, X: Array, y: Array) -> tuple[float, Array]:
    """Loss and gradient of half the squared error, with hyperbolic tangents in hidden layers."""
    weights, biases = model.coefs(theta), model.biases(theta)
    units = [X]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        units.append(np.tanh(units[-1] @ w + b))
    slope = (units[-1] @ weights[-1] + biases[-1] - y) / len(X)
    loss = float((slope**2).sum() / 2 * len(X))
    parts: list[Array] = []
    for k in range(len(weights) - 1, -1, -1):
        parts = [units[k].T @ slope, *parts, slope.sum(axis=0)]
        slope = (slope @ weights[k].T) * (1 - units[k] ** 2)
    depth = len(weights)
    return loss, np.concatenate([p.ravel() for p in (*parts[:depth], *parts[depth:][::-1])])


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_gradient_is_that_of_back_propagation_by_hand(layers: tuple[int, ...], batch: int) -> None:
    rng = np.random.default_rng(batch)
    model = Network(layers, (activations.tanh,) * (len(layers) - 2), initialisation="lecun")
    X, y = rng.normal(size=(batch, layers[0])), rng.normal(size=(batch, layers[-1]))
    theta = model.initial(rng) + rng.normal(0, 0.1, model.size)
    loss, gradient = by_hand(model, theta, X, y)
    ours, slope = Objective(model, Rows.of(X, y), losses.squared).value_and_gradient(theta)
    assert ours == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-13)


def test_narrow_and_wide_ways_lead_to_one_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    # Their sums over the batch differ in order only where a product is made of dots.
    rng = np.random.default_rng(0)
    model = Network((12, 20, 9, 4), (activations.relu, activations.relu))
    rows = Rows.of(rng.normal(size=(50, 12)), rng.normal(size=(50, 4)))
    theta = model.initial(rng)
    gradients = []
    for widest in (0, 100):
        monkeypatch.setattr(network, "NARROW", widest)
        gradients.append(Objective(model, rows, losses.squared).value_and_gradient(theta)[1])
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-12, atol=1e-15)
    assert not np.array_equal(gradients[0], gradients[1])  # so two ways were gone


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("layers", [(40, 50, 3), (5, 8, 3), (5, 8, 1)], ids=str)
def test_a_loss_without_slopes_is_that_with_them(layers: tuple[int, ...], sparse: bool) -> None:
    rng = np.random.default_rng(5)
    model = Network(layers, (activations.tanh,))
    X = rng.normal(size=(70, layers[0]))
    rows = Rows.of(csr_array(X) if sparse else X, rng.normal(size=(70, layers[-1])))
    theta = model.initial(rng)
    judge = Evaluation(model, rows, losses.squared)
    assert judge(theta)[0] == Objective(model, rows, losses.squared).value(theta)
