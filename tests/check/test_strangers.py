"""The gradient doctor before code in other styles: classes, loops, nested lists, labels, one flat vector, dropout."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from thalweg import check_gradient

RNG = np.random.default_rng(1)
X, LABELS = RNG.normal(size=(8, 5)), RNG.integers(0, 3, 8)
TARGETS = RNG.normal(size=(8, 2))


class TwoLayerNet:
    """A class that holds its parameters and returns loss and gradients together, labels as integers."""

    def __init__(self, bug: str = "") -> None:
        rng = np.random.default_rng(0)
        self.params = {
            "W1": 0.5 * rng.normal(size=(5, 6)), "b1": 0.1 * rng.normal(size=6),
            "W2": 0.5 * rng.normal(size=(6, 3)), "b2": np.zeros(3),
        }  # fmt: skip
        self.bug = bug

    def loss(self, X: Any, y: Any, params: Any, reg: float = 0.05) -> Any:
        W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
        N = X.shape[0]
        h = np.maximum(0, X.dot(W1) + b1)
        scores = h.dot(W2) + b2
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        d = p.copy()
        d[np.arange(N), y] -= 1
        d /= 1 if self.bug == "m" else N
        twice = 1 if self.bug == "reg" else 2
        dh = d.dot(W2.T)
        before = dh.copy()
        dh[h <= 0] = 0
        grads = {"W2": h.T.dot(d) + twice * reg * W2, "b2": d.sum(axis=0), "b1": dh.sum(axis=0)}
        grads["W1"] = X.T.dot(before if self.bug == "relu" else dh) + twice * reg * W1
        return loss, grads


@pytest.mark.parametrize(
    ("bug", "blocks", "codes"),
    [
        ("", "", set()),
        ("m", "W1 b1 W2 b2", {"missing_1_m"}),
        ("reg", "W1 W2", {"l2_half"}),
        ("relu", "W1", {"activation_slope_missing"}),
    ],
)
def test_class_that_returns_both(bug: str, blocks: str, codes: set[str]) -> None:
    net = TwoLayerNet(bug)
    told = check_gradient(lambda p: net.loss(X, LABELS, p), None, net.params)
    assert (set(told.wrong_blocks), told.codes) == (set(blocks.split()), codes), str(told)


XS, YS = [1.0, 2.0, 3.0, 4.0], [2.0, 3.9, 6.1, 8.2]


def mean_square(theta: Any) -> float:
    return sum((theta["w"] * a + theta["b"] - c) ** 2 for a, c in zip(XS, YS, strict=True)) / len(XS)


def slopes(factor: float, theta: Any) -> Any:
    rest = [theta["w"] * a + theta["b"] - c for a, c in zip(XS, YS, strict=True)]
    return {"w": factor * sum(r * a for r, a in zip(rest, XS, strict=True)), "b": factor * sum(rest)}


@pytest.mark.parametrize(
    ("factor", "codes"),
    [(2 / 4, set()), (1 / 4, {"factor_half"}), (2, {"missing_1_m"}), (-2 / 4, {"sign"}), (4 / 4, {"factor_2"})],
)
def test_plain_loops_over_numbers(factor: float, codes: set[str]) -> None:
    told = check_gradient(mean_square, partial(slopes, factor), {"w": 0.3, "b": -0.2})
    assert told.codes == codes, str(told)


@pytest.mark.parametrize(("spared", "codes"), [(True, set()), (False, {"l2_gradient_only"})])
def test_intercept_among_the_weights(spared: bool, codes: set[str]) -> None:
    design = np.c_[np.ones(20), RNG.normal(size=(20, 3))]
    y, lam = (np.arange(20) % 3 == 0) * 1.0, 0.3

    def loss(theta: Any) -> float:
        p = 1 / (1 + np.exp(-design @ theta))
        return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + lam / (2 * len(y)) * np.sum(theta[1:] ** 2))

    def gradient(theta: Any) -> Any:
        p = 1 / (1 + np.exp(-design @ theta))
        decayed = np.r_[0, theta[1:]] if spared else theta
        return design.T @ (p - y) / len(y) + lam / len(y) * decayed

    told = check_gradient(loss, gradient, np.array([0.7, -0.3, 0.2, 1.1]))
    assert told.codes == codes, str(told)


def activations(layers: Any) -> Any:
    out = [X]
    for k, layer in enumerate(layers):
        z = out[-1] @ layer["w"] + layer["b"]
        out.append(z if k == len(layers) - 1 else np.tanh(z))
    return out


def layered(bug: str, layers: Any) -> Any:
    a, grads = activations(layers), []
    d = 2 * (a[-1] - TARGETS) / (len(X) if bug == "mean" else 1)
    for k in reversed(range(len(layers))):
        grads.append({"w": a[k].T @ d, "b": d.sum(axis=0)})
        d = d @ layers[k]["w"].T * (1 - (np.tanh(a[k]) if bug == "slope" else a[k]) ** 2)
    return grads[::-1]


@pytest.mark.parametrize(("bug", "codes"), [("", set()), ("slope", {"activation_slope_at_a"}), ("mean", {"twice_1_m"})])
def test_list_of_dictionaries(bug: str, codes: set[str]) -> None:
    rng = np.random.default_rng(4)
    shapes = [(5, 4), (4, 3), (3, 2)]
    layers = [{"w": 0.5 * rng.normal(size=s), "b": 0.1 * rng.normal(size=s[1])} for s in shapes]
    told = check_gradient(lambda p: np.sum((activations(p)[-1] - TARGETS) ** 2), partial(layered, bug), layers)
    assert told.codes == codes, str(told)


@pytest.mark.parametrize(("bug", "codes"), [("", set()), ("mask", {"mask_missing"}), ("unscaled", {"mask_unscaled"})])
def test_dropout_from_a_generator_in_a_closure(bug: str, codes: set[str]) -> None:
    generator, p_drop = np.random.default_rng(3), 0.4

    def forward(p: Any) -> Any:
        h = np.tanh(X @ p["W1"])
        mask = (generator.random(h.shape) > p_drop) / (1 - p_drop)
        return h, mask, h * mask @ p["W2"]

    def gradient(p: Any) -> Any:
        h, mask, out = forward(p)
        d = 2 * (out - TARGETS) / TARGETS.size
        back = d @ p["W2"].T * (1 if bug == "mask" else mask) * (1 - p_drop if bug == "unscaled" else 1)
        return {"W1": X.T @ (back * (1 - h**2)), "W2": (h * mask).T @ d}

    params = {"W1": RNG.normal(size=(5, 6)), "W2": RNG.normal(size=(6, 2))}
    told = check_gradient(lambda p: np.mean((forward(p)[2] - TARGETS) ** 2), gradient, params)
    assert told.codes == codes, str(told)
    assert "random numbers" in told.notes[0]


@pytest.mark.parametrize(("broken", "verdict"), [(False, "right"), (True, "wrong")])
def test_start_at_zero_where_every_unit_is_at_its_kink(broken: bool, verdict: str) -> None:
    def gradient(p: Any) -> Any:
        z = X @ p["W1"] + p["b1"]
        d = 2 * (np.maximum(z, 0) @ p["W2"] - TARGETS)
        dz = d @ p["W2"].T * (1 if broken else z > 0)
        return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": np.maximum(z, 0).T @ d}

    def loss(p: Any) -> float:
        return float(np.sum((np.maximum(X @ p["W1"] + p["b1"], 0) @ p["W2"] - TARGETS) ** 2))

    start = {"W1": np.zeros((5, 4)), "b1": np.zeros(4), "W2": RNG.normal(size=(4, 2))}
    told = check_gradient(loss, gradient, start)
    assert told.verdict == verdict
    assert any("kink in every coordinate of W1, b1" in note for note in told.notes)


def test_two_mistakes_in_two_blocks_are_told_apart() -> None:
    net = TwoLayerNet()

    def two(p: Any) -> Any:
        loss, grads = net.loss(X, LABELS, p)
        return loss, grads | {"b1": np.full(6, grads["b1"].sum()), "W2": -grads["W2"]}

    told = check_gradient(two, None, net.params)
    assert {cause.code: cause.blocks for cause in told.causes} == {"bias_axis": ("b1",), "sign": ("W2",)}
