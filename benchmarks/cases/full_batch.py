"""Descent on the whole table at once: a million rows, and the second seed's notebook loop."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Table:
    """X (rows x features) and y (rows,), float64; mean of (z - y)**2 / 2; weights from zero, no intercept."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    iterations: int
    learning_rate: float


def table(n: int, features: int, iterations: int) -> Table:
    """Normal features and a noisy linear target, the same on every machine."""
    rng = np.random.default_rng(20261120)
    X = rng.standard_normal((n, features))
    return Table(X, X @ rng.standard_normal(features) + 0.1 * rng.standard_normal(n), iterations, 0.01)


def iterations(n: int, problem: Any) -> Any:
    """The same problem with fewer iterations; the time is per iteration anyway."""
    return replace(problem, iterations=n)


def two_products(problem: Table, _: int) -> NDArray[Any]:
    """Two products per iteration: residual and gradient."""
    X, y, rate = problem.X, problem.y, problem.learning_rate
    theta = np.zeros(X.shape[1])
    for _ in range(problem.iterations):
        theta -= rate * (X.T @ (X @ theta - y)) / len(y)
    return theta


def ours(intercept: bool, halved: bool, problem: Table | Notebook) -> Run:
    """A run on the whole table, as the estimators start it."""
    import thalweg

    # The notebook's squared error has no 1/2, so twice the rate gives the same step.
    optimizer = thalweg.gradient_descent(learning_rate=problem.learning_rate * (1 if halved else 2))
    settings = thalweg.Settings(optimizer, thalweg.losses.squared, max_iter=problem.iterations)
    model = thalweg.Linear(problem.X.shape[1], fit_intercept=intercept)
    start = np.zeros(model.size) if halved else np.append(np.ones(problem.X.shape[1]), 0.0)

    def run(_: int) -> NDArray[Any]:
        rows = thalweg.Rows.of(problem.X, problem.y)
        return thalweg.Run(model, rows, settings, theta=start).descend().theta

    return run


def numpy_loop(problem: Table) -> Run:
    """The loop that everybody writes first."""
    return partial(two_products, problem)


def numpy_gram(problem: Table) -> Run:
    """The same iterates from X'X and X'y, computed first (inside the timed part)."""
    X, y, rate = problem.X, problem.y, problem.learning_rate

    def run(_: int) -> NDArray[Any]:
        theta = np.zeros(X.shape[1])
        A, c = X.T @ X, X.T @ y
        for _ in range(problem.iterations):
            theta -= rate * (A @ theta - c) / len(y)
        return theta

    return run


def jax_loop(problem: Table) -> Run:
    """The NumPy loop as one compiled ``fori_loop``."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rate, rows = problem.learning_rate, len(problem.y)

    @jax.jit
    def train(X: Any, y: Any, count: Any) -> Any:
        return jax.lax.fori_loop(
            0, count, lambda _, theta: theta - rate * (X.T @ (X @ theta - y)) / rows, jnp.zeros(X.shape[1])
        )

    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)
    return lambda _: np.asarray(train(X, y, problem.iterations).block_until_ready())


@dataclass(frozen=True)
class Notebook:
    """The second seed's problem: standardised table, w from ones, b from 0, mean of (w.x + b - y)**2."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    iterations: int
    learning_rate: float = 0.01
    eps: float = 1e-3


def airfoil_table() -> NDArray[np.float64]:
    """Airfoil Self-Noise where it is found (THALWEG_DATA, ../shared/data), else random numbers of the same shape."""
    places = [Path(os.environ["THALWEG_DATA"])] if os.environ.get("THALWEG_DATA") else []
    places.append(ROOT.parent / "shared" / "data")
    files = [place / "airfoil_self_noise.tsv" for place in places]
    found = next((file for file in files if file.exists()), None)
    if found is not None:
        return np.loadtxt(found, delimiter="\t")
    values = np.random.default_rng(20261120).standard_normal((1503, 6))
    values[:, 5] += values[:, :5].sum(axis=1)
    return values


def airfoil(iterations: int, rows: int | None = None) -> Notebook:
    """The notebook's problem on the airfoil table, or on its first rows."""
    values = airfoil_table()
    values = ((values - values.mean(axis=0)) / values.std(axis=0))[:rows]
    return Notebook(np.ascontiguousarray(values[:, :5]), values[:, 5].copy(), iterations)


def numpy_differences(problem: Notebook, epochs: int) -> NDArray[Any]:
    """The loop's result, with the rows at once: forward differences of the mean loss."""
    theta = np.append(np.ones(problem.X.shape[1]), 0.0)

    def loss(theta: NDArray[Any]) -> float:
        return float(np.mean((problem.X @ theta[:-1] + theta[-1] - problem.y) ** 2))

    for _ in range(epochs * problem.iterations):
        steps = problem.eps * np.eye(theta.size)
        g = (np.array([loss(theta + step) for step in steps]) - loss(theta)) / problem.eps
        theta = theta - problem.learning_rate * g
    return theta


def notebook_loop(problem: Notebook) -> Run:
    """Forward differences (one more evaluation per parameter), and a Python loop over the rows in each evaluation."""
    X, y = problem.X, problem.y

    def mean_loss(w: NDArray[Any], b: float) -> float:
        total = 0.0
        for i in range(len(y)):
            y_hat = np.dot(w, X[i]) + b
            total += (y_hat - y[i]) ** 2
        return total / len(y)

    def run(epochs: int) -> NDArray[Any]:
        w, b = np.ones(X.shape[1]), 0.0
        for _ in range(epochs * problem.iterations):
            here = mean_loss(w, b)
            g = np.empty(w.size)
            for j in range(w.size):
                moved = w.copy()
                moved[j] += problem.eps
                g[j] = (mean_loss(moved, b) - here) / problem.eps
            g_b = (mean_loss(w, b + problem.eps) - here) / problem.eps
            w = w - problem.learning_rate * g
            b = b - problem.learning_rate * g_b
        return np.append(w, b)

    return run


CASES = (
    Case(
        name="full-batch",
        work="full-batch GD, 1,000,000 x 20, 500 iterations, squared error, float64, two threads",
        unit="iteration",
        problem=partial(table, 1_000_000, 20, 500),
        small=partial(table, 2_000, 20, 50),
        steps=lambda problem: problem.iterations,
        reference=two_products,
        start=lambda problem: np.zeros(problem.X.shape[1]),
        threads=2,
        clock="wall",
        ours=Side("thalweg", partial(ours, False, True), 1, tolerance=1e-9),
        peers=(
            Side(
                "NumPy loop",
                numpy_loop,
                1,
                (),
                0.02,
                part=partial(iterations, 20),
                tolerance=1e-9,
                note="20 iterations timed, not 500: each costs the same",
            ),
            Side(
                "JAX fori_loop",
                jax_loop,
                1,
                ("jax",),
                part=partial(iterations, 20),
                tolerance=1e-9,
                note="20 iterations timed, not 500",
            ),
            Side(
                "NumPy, X'X first",
                numpy_gram,
                1,
                tolerance=1e-9,
                note="the same algebra by hand; all 500 iterations timed, X'X included",
            ),
        ),
    ),
    Case(
        name="notebook",
        work="seed 001's notebook loop: GD on airfoil, 1503 x 5 and an intercept, 500 iterations, float64, one thread",
        unit="iteration",
        problem=partial(airfoil, 500),
        small=partial(airfoil, 20, 200),
        steps=lambda problem: problem.iterations,
        reference=numpy_differences,
        start=lambda problem: np.append(np.ones(problem.X.shape[1]), 0.0),
        check_epochs=1,
        ours=Side(
            "thalweg",
            partial(ours, True, False),
            1,
            tolerance=1e-2,
            note="exact gradient; the loop's forward differences are off by eps x mean(x^2)",
        ),
        peers=(
            Side(
                "notebook loop (differences, rows in Python)",
                notebook_loop,
                1,
                (),
                0.0005,
                part=partial(iterations, 10),
                tolerance=1e-9,
                note="10 iterations timed, not 500: each costs the same",
            ),
        ),
    ),
)
