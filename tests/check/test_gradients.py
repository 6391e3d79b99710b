"""The gradient doctor: right gradients stay right, planted mistakes are found and named, kinks are not mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.check.planted import NETWORKS, PLANTS, QUOTIENT, Plant, built
from tests.check.right_gradients import KINDS

from thalweg.check.gradients import check_gradient
from thalweg.errors import SettingError

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "s002_gradient_check.json").read_text())


# ---- right gradients -------------------------------------------------------------------------------------------------


def told_of(kind: Any, seed: int) -> Any:
    fun, grad, x = kind(np.random.default_rng([seed, 0]))
    with np.errstate(all="ignore"):
        return check_gradient(fun, grad, x)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_right_gradients_are_right(kind: Any) -> None:
    wrong = [seed for seed in range(8) if (told := told_of(kind, seed)).verdict != "right" or told.kinks]
    assert wrong == []


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_ten_thousand_right_gradients_are_right(kind: Any) -> None:
    told = {seed: told_of(kind, seed) for seed in range(100, 900)}
    assert [seed for seed, one in told.items() if one.verdict != "right"] == []
    # Of ReLU networks with weights of 1e-4 a kink within the steps is sometimes told as one at the point itself.
    assert len([seed for seed, one in told.items() if one.kinks]) <= 8


@pytest.mark.parametrize("network", NETWORKS)
def test_learners_networks_are_right(network: str) -> None:
    scope = built(network)
    told = check_gradient(scope["loss"], scope["gradient"], scope["params"])
    assert told.verdict == "right", str(told)
    assert all(block.order is None or block.order == pytest.approx(2, abs=0.2) for block in told.blocks)


# ---- wrong ones ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_mistake_is_found_in_its_blocks_and_named(plant: Plant) -> None:
    scope = built(plant.network, plant)
    told = check_gradient(scope["loss"], scope["gradient"], scope["params"])
    assert set(told.wrong_blocks) == set(plant.blocks.split()), str(told)
    assert told.codes == {plant.code}, str(told)
    assert max(map(len, told.lines)) <= 80


def test_forward_difference_is_recognised_with_its_step() -> None:
    scope = built("softmax", extra=QUOTIENT)
    told = check_gradient(scope["loss"], scope["gradient"], scope["params"])
    assert told.codes == {"difference_quotient"}
    assert "0.0001" in told.causes[0].title


def test_part_in_a_thousand_of_one_coordinate_is_found() -> None:
    scope = built("softmax")

    def slightly(params: Any) -> Any:
        grads = scope["gradient"](params)
        grads["dW2"][1, 2] *= 1.001
        return grads

    told = check_gradient(scope["loss"], slightly, scope["params"])
    assert told.wrong_blocks == ("W2",)
    assert [(b.differing, b.worst) for b in told.blocks if b.name == "W2"] == [(1, "W2[1, 2]")]


# ---- the seed's check ------------------------------------------------------------------------------------------------


def seed_network(W2: float = 1.0, W3: float = 1.0) -> tuple[Any, Any, Any]:
    inputs = {key: np.array(value) for key, value in GOLDEN["inputs"].items() if key != "layout"}
    X, Y = inputs.pop("X"), inputs.pop("Y")

    def forward(p: Any) -> Any:
        Z1 = p["W1"] @ X + p["b1"]
        Z2 = p["W2"] @ np.maximum(Z1, 0) + p["b2"]
        return Z1, Z2, 1 / (1 + np.exp(-(p["W3"] @ np.maximum(Z2, 0) + p["b3"])))

    def cost(p: Any) -> float:
        a = forward(p)[2]
        return float(-np.mean(Y * np.log(a) + (1 - Y) * np.log(1 - a)))

    def gradients(p: Any) -> Any:
        Z1, Z2, a = forward(p)
        d3 = (a - Y) / X.shape[1]
        d2 = p["W3"].T @ d3 * (Z2 > 0)
        d1 = p["W2"].T @ d2 * (Z1 > 0)
        g = {"dW3": W3 * d3 @ np.maximum(Z2, 0).T, "dW2": W2 * d2 @ np.maximum(Z1, 0).T, "dW1": d1 @ X.T}
        return g | {f"db{k}": d.sum(axis=1, keepdims=True) for k, d in ((1, d1), (2, d2), (3, d3))}

    return cost, gradients, inputs


@pytest.mark.parametrize("check", GOLDEN["checks"], ids=lambda check: check["name"])
def test_difference_is_that_of_the_seed(check: Any) -> None:
    cases = {
        "correct_gradient_eps1e-5": (*seed_network(), "right"),
        "dW2_times_1.01": (*seed_network(W2=1.01), "wrong"),
        "dW3_doubled": (*seed_network(W3=2.0), "wrong"),
        "all_zero": (lambda x: 3.0, np.zeros_like, np.ones(4), "right"),
    }
    fun, grad, x, verdict = cases[check["name"]]
    told = check_gradient(fun, grad, x)
    assert told.verdict == verdict
    if check["compare"] == "at_most":
        assert told.difference <= check["expected"]
    else:
        assert told.difference == pytest.approx(check["expected"], rel=check["tolerance"]["rel"], abs=0)


# ---- kinks -----------------------------------------------------------------------------------------------------------


def planted_kink(seed: int) -> tuple[Any, Any, Any, set[int]]:
    """A smooth function with kinks of its own at chosen coordinates of x."""
    rng = np.random.default_rng([seed, 3])
    n = int(rng.integers(1, 6))
    x = rng.normal(size=n) * 10.0 ** rng.uniform(-8, 8, n)
    at = set(rng.choice(n, int(rng.integers(1, n + 1)), replace=False).tolist())
    if rng.random() < 0.5:
        x[list(at)] = 0.0
    shift = np.where(np.isin(np.arange(n), list(at)), x, x - 3.0 * np.maximum(np.abs(x), 1e-9))
    low, high = rng.normal(size=n), rng.normal(size=n)
    high = np.where(np.abs(high - low) < 0.1, low + 0.5, high)
    scale = np.where(x == 0, 1.0, np.abs(x))

    def fun(x: Any) -> float:
        r = (x - shift) / scale
        return float(np.sum(np.where(r > 0, high * r, low * r) + np.sin(r)))

    def grad(x: Any) -> Any:
        r = (x - shift) / scale
        return (np.where(r > 0, high, low) + np.cos(r)) / scale

    return fun, grad, x, at


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 540), marks=pytest.mark.deep)], ids=["few", "500"])
def test_planted_kinks_are_recognised_and_nothing_else(seeds: range) -> None:
    missed = []
    for seed in seeds:
        fun, grad, x, at = planted_kink(seed)
        told = check_gradient(fun, grad, x)
        if told.verdict != "right" or {name for kink in told.kinks for name in kink.coordinates} != {
            f"x[{i}]" for i in at
        }:
            missed.append(seed)
    assert missed == []


def test_kink_of_a_relu_unit_is_named_as_the_unit() -> None:
    X, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([0.3, -0.2])

    def loss(p: Any) -> float:
        return float(np.sum((np.maximum(X @ p["W1"], 0) @ p["w2"] - y) ** 2))

    def gradient(p: Any) -> Any:
        Z = X @ p["W1"]
        d = 2 * (np.maximum(Z, 0) @ p["w2"] - y)
        return {"W1": X.T @ (np.outer(d, p["w2"]) * (Z > 0)), "w2": np.maximum(Z, 0).T @ d}

    told = check_gradient(loss, gradient, {"W1": np.array([[0.5, 2.0], [0.4, -1.0]]), "w2": np.array([1.0, -0.7])})
    assert told.verdict == "right"
    assert [kink.where for kink in told.kinks] == ["unit 1 (W1[:, 1])"]


# ---- what cannot be judged -------------------------------------------------------------------------------------------


def test_noise_that_cannot_be_held_still_is_told() -> None:
    import secrets

    told = check_gradient(lambda x: float(x @ x) + secrets.randbelow(1000), lambda x: 2 * x, np.ones(2))
    assert told.verdict == "random"


@pytest.mark.parametrize(
    ("fun", "grad", "x", "code"),
    [
        (lambda x: x, lambda x: x, np.ones(3), "GRADIENT-CALL"),
        (lambda x: 1.0, None, np.ones(3), "GRADIENT-CALL"),
        (lambda x: float("nan"), lambda x: x, np.ones(3), "GRADIENT-VALUE"),
        (lambda x: 0.0, lambda x: {"a": 1.0, "b": 2.0}, [np.ones(3), np.ones(2), np.ones(1)], "GRADIENT-STRUCTURE"),
        (lambda x: 0.0, lambda x: x, {"name": "adam"}, "GRADIENT-X"),
    ],
)
def test_what_cannot_be_checked_is_answered(fun: Any, grad: Any, x: Any, code: str) -> None:
    with pytest.raises(SettingError) as raised:
        check_gradient(fun, grad, x)
    assert raised.value.code == code
