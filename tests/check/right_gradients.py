"""Gradients that are right, of many kinds, drawn at random: sizes from 1e-8 to 1e8, networks, penalties, formats."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Problem = tuple[Callable[[Any], float], Callable[[Any], Any], Any]


def _sizes(rng: np.random.Generator, n: int) -> Any:
    return rng.normal(size=n) * 10.0 ** rng.uniform(-8, 8, n)


def quadratic(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(1, 6))
    A = rng.normal(size=(n, n)) * 10.0 ** rng.uniform(-3, 3)
    b, x = _sizes(rng, n), _sizes(rng, n)
    return lambda x: x @ A @ x / 2 + b @ x, lambda x: (A + A.T) @ x / 2 + b, x


def powers(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(1, 6))
    p = rng.integers(1, 6, n)
    return lambda x: np.sum(x**p), lambda x: p * x ** (p - 1), _sizes(rng, n)


def waves(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(1, 6))
    w, x = rng.uniform(0.1, 10, n), rng.normal(size=n) * 10.0 ** rng.uniform(-8, 3)
    return lambda x: np.sum(np.sin(w * x)) + 1e3, lambda x: w * np.cos(w * x), x


def logarithms(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(1, 6))
    return lambda x: np.sum(np.log(x) * x), lambda x: np.log(x) + 1, np.abs(_sizes(rng, n))


def hard_exponentials(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(1, 6))
    return lambda x: np.exp(x).sum(), np.exp, rng.uniform(-300, 300, n)


def rosenbrock(rng: np.random.Generator) -> Problem:
    def gradient(x: Any) -> Any:
        return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])

    x = np.array([1.0, 1.0]) if rng.random() < 0.3 else rng.normal(size=2) * 10.0 ** rng.uniform(-8, 4)
    return lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, gradient, x


def fitted_line(rng: np.random.Generator) -> Problem:
    """Least squares, often at or next to the solution, where the gradient is rounding alone."""
    m, n = int(rng.integers(2, 30)), int(rng.integers(1, 5))
    X, w = rng.normal(size=(m, n)) * 10.0 ** rng.uniform(-3, 3), rng.normal(size=n) * 10.0 ** rng.uniform(-3, 3)
    y = X @ w + rng.choice([0.0, 1e-6, 1.0]) * rng.normal(size=m)
    x = rng.choice([0.0, 1.0]) * rng.normal(size=n) + w if rng.random() < 0.5 else np.linalg.lstsq(X, y)[0]
    return lambda w: np.mean((X @ w - y) ** 2) / 2, lambda w: X.T @ (X @ w - y) / m, x


def logistic(rng: np.random.Generator) -> Problem:
    m, n = int(rng.integers(2, 30)), int(rng.integers(1, 5))
    X, y = rng.normal(size=(m, n)), (rng.random(m) < 0.5).astype(float)
    lam = rng.choice([0.0, 0.1])

    def loss(p: Any) -> float:
        z = X @ p["w"] + p["b"]
        return float(np.mean(np.logaddexp(0, z) - y * z) + lam / 2 * np.sum(p["w"] ** 2))

    def gradient(p: Any) -> Any:
        d = (1 / (1 + np.exp(-(X @ p["w"] + p["b"]))) - y) / m
        return {"dw": X.T @ d + lam * p["w"], "db": d.sum()}

    return loss, gradient, {"w": rng.normal(size=n) * 10.0 ** rng.uniform(-8, 1), "b": float(rng.normal())}


def network(rng: np.random.Generator) -> Problem:
    m, sizes = int(rng.integers(2, 12)), [int(v) for v in rng.integers(1, 5, rng.integers(3, 5))]
    X, Y = rng.normal(size=(m, sizes[0])), rng.normal(size=(m, sizes[-1]))
    act, slope = [
        (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
        (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
        (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    ][rng.integers(4)]
    spread = 10.0 ** rng.uniform(-4, 0.5)
    x = [(rng.normal(size=s) * spread, rng.normal(size=s[1]) * spread) for s in pairwise(sizes)]

    def forward(x: Any) -> Any:
        zs, activations = [], [X]
        for k, (W, b) in enumerate(x):
            zs.append(activations[-1] @ W + b)
            activations.append(zs[-1] if k == len(x) - 1 else act(zs[-1]))
        return zs, activations

    def loss(x: Any) -> float:
        return float(np.sum((forward(x)[1][-1] - Y) ** 2) / (2 * m))

    def gradient(x: Any) -> Any:
        zs, activations = forward(x)
        d, grads = (activations[-1] - Y) / m, []
        for k in reversed(range(len(x))):
            grads.append((activations[k].T @ d, d.sum(0)))
            if k:
                d = d @ x[k][0].T * slope(zs[k - 1])
        return grads[::-1]

    return loss, gradient, x


def single(rng: np.random.Generator) -> Problem:
    """In float32 throughout."""
    m, n = int(rng.integers(2, 30)), int(rng.integers(1, 5))
    X, w = rng.normal(size=(m, n)).astype("f4"), rng.normal(size=n).astype("f4")
    y = rng.normal(size=m).astype("f4")

    def loss(w: Any) -> Any:
        return np.mean(np.tanh(X @ w - y) ** 2)

    def gradient(w: Any) -> Any:
        t = np.tanh(X @ w - y)
        return X.T @ (2 * t * (1 - t * t)) / np.float32(m)

    return loss, gradient, w


def within(rng: np.random.Generator) -> Problem:
    """A part of the computation in float32, though parameters and result are float64."""
    loss, gradient, w = single(rng)
    return lambda w: float(loss(w.astype("f4"))), lambda w: gradient(w.astype("f4")), w.astype("f8")


def hinge(rng: np.random.Generator) -> Problem:
    m, n = int(rng.integers(2, 30)), int(rng.integers(1, 5))
    X, s = rng.normal(size=(m, n)), rng.choice([-1.0, 1.0], m)
    x = rng.normal(size=n) * 10.0 ** rng.uniform(-8, 1)
    return (
        lambda w: np.maximum(0, 1 - s * (X @ w)).mean() + np.abs(w).sum() * 0.1,
        lambda w: -X.T @ (s * (s * (X @ w) < 1)) / m + 0.1 * np.sign(w),
        x,
    )


def flat(rng: np.random.Generator) -> Problem:
    n, value = int(rng.integers(1, 6)), float(rng.normal() * 10.0 ** rng.uniform(-8, 8))
    return lambda x: value, np.zeros_like, _sizes(rng, n)


KINDS = (
    quadratic, powers, waves, logarithms, hard_exponentials, rosenbrock, fitted_line, logistic, network, single, within,
    hinge, flat,
)  # fmt: skip
