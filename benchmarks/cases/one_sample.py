"""Least squares, one sample a step, in the order of the rows: Adam and plain SGD, 5 and 100 features."""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Rows:
    """X (rows x features) and y (rows,), both float64; weights start at zero and there is no intercept."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]


def rows(n: int, features: int) -> Rows:
    """Standard normal features and a noisy linear target, the same on every machine."""
    rng = np.random.default_rng(20261120)
    X = rng.normal(size=(n, features))
    return Rows(X, X @ rng.normal(size=features) + 0.1 * rng.normal(size=n))


def first(n: int, problem: Rows) -> Rows:
    """The first n rows."""
    return replace(problem, X=problem.X[:n].copy(), y=problem.y[:n].copy())


def numpy_adam(problem: Rows, epochs: int) -> NDArray[Any]:
    """Adam as the paper writes it, one row at a time."""
    theta, m, v = np.zeros((3, problem.X.shape[1]))
    t = 0
    for _ in range(epochs):
        for x, y in zip(problem.X, problem.y, strict=True):
            t += 1
            g = (x @ theta - y) * x
            m = BETA1 * m + (1 - BETA1) * g
            v = BETA2 * v + (1 - BETA2) * g * g
            theta = theta - LEARNING_RATE * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPSILON)
    return theta


def numpy_sgd(problem: Rows, epochs: int) -> NDArray[Any]:
    """Plain gradient descent, one row at a time."""
    theta = np.zeros(problem.X.shape[1])
    for _ in range(epochs):
        for x, y in zip(problem.X, problem.y, strict=True):
            theta = theta - LEARNING_RATE * (x @ theta - y) * x
    return theta


def ours(rule: str, problem: Rows) -> Run:
    """A run over single samples, as the estimators start it."""
    import thalweg

    adam = thalweg.adam(learning_rate=LEARNING_RATE, beta1=BETA1, beta2=BETA2, epsilon=EPSILON)
    optimizer = {"adam": adam, "sgd": thalweg.gradient_descent(learning_rate=LEARNING_RATE)}[rule]
    rows = thalweg.Rows.of(problem.X, problem.y)
    model = thalweg.Linear(problem.X.shape[1], fit_intercept=False)

    def run(epochs: int) -> NDArray[Any]:
        settings = thalweg.Settings(optimizer, thalweg.losses.squared, batch_size=1, max_iter=epochs, shuffle=False)
        return thalweg.Run(model, rows, settings).descend().theta

    return run


def jax_scan(rule: str, problem: Rows) -> Run:
    """``lax.scan`` over the rows inside one compiled function, epochs by ``fori_loop``; gradient by JAX itself."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    optimizer = {
        "adam": lambda: optax.adam(LEARNING_RATE, b1=BETA1, b2=BETA2, eps=EPSILON),
        "sgd": lambda: optax.sgd(LEARNING_RATE),
    }[rule]()
    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)

    def loss(theta: Any, x: Any, target: Any) -> Any:
        return (x @ theta - target) ** 2 / 2

    def step(carry: Any, row: Any) -> Any:
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta, *row), state, theta)
        return (optax.apply_updates(theta, updates), state), None

    @jax.jit
    def train(theta: Any, X: Any, y: Any, epochs: Any) -> Any:
        carry = theta, optimizer.init(theta)
        return jax.lax.fori_loop(0, epochs, lambda _, c: jax.lax.scan(step, c, (X, y))[0], carry)[0]

    start = jnp.zeros(X.shape[1])
    return lambda epochs: np.asarray(train(start, X, y, epochs).block_until_ready())


def cpp(rule: str, flags: tuple[str, ...], problem: Rows) -> Run:
    """Call the hand-written loop on the arrays themselves."""
    from benchmarks.peers.native import library

    call = getattr(library(*flags), rule)
    call.restype = None
    n, features = problem.X.shape

    def address(a: NDArray[Any]) -> ctypes.c_void_p:
        return ctypes.c_void_p(a.ctypes.data)

    def run(epochs: int) -> NDArray[Any]:
        theta, m, v = np.zeros(features), np.zeros(features), np.zeros(features)
        sizes = (ctypes.c_size_t(n), ctypes.c_size_t(features), ctypes.c_size_t(epochs))
        if rule == "adam":
            numbers = [ctypes.c_double(value) for value in (LEARNING_RATE, BETA1, BETA2, EPSILON)]
            call(address(problem.X), address(problem.y), *sizes, *numbers, address(theta), address(m), address(v))
        else:
            call(address(problem.X), address(problem.y), *sizes, ctypes.c_double(LEARNING_RATE), address(theta))
        return theta

    return run


def torch_eager(problem: Rows) -> Run:
    """The loop of every tutorial: forward, backward, ``torch.optim.Adam.step``."""
    import torch

    torch.set_num_threads(1)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def run(epochs: int) -> NDArray[Any]:
        theta = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([theta], lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON)
        for _ in range(epochs):
            for x, target in zip(X, y, strict=True):
                optimizer.zero_grad()
                loss = (x @ theta - target) ** 2 / 2
                loss.backward()
                optimizer.step()
        return theta.detach().numpy()

    return run


def sklearn_sgd(problem: Rows) -> Run:
    """``SGDRegressor.fit`` with everything off but the step itself."""
    from sklearn.linear_model import SGDRegressor

    def run(epochs: int) -> NDArray[Any]:
        model = SGDRegressor(
            loss="squared_error",
            penalty=None,
            learning_rate="constant",
            eta0=LEARNING_RATE,
            fit_intercept=False,
            shuffle=False,
            max_iter=epochs,
            tol=None,
        )
        return np.asarray(model.fit(problem.X, problem.y).coef_)

    return run


def vowpal_wabbit(problem: Rows) -> Run:
    """Passes over a cache file that was built before; the timed part reads the cache and learns."""
    import vowpalwabbit

    folder = tempfile.TemporaryDirectory()
    text, cache = Path(folder.name) / "rows.txt", Path(folder.name) / "rows.cache"
    with text.open("w") as file:
        for x, y in zip(problem.X, problem.y, strict=True):
            file.write(f"{y:.9g} | " + " ".join(f"{i}:{value:.9g}" for i, value in enumerate(x)) + "\n")
    plain = "--sgd --power_t 0 --initial_t 0 --l1 0 --l2 0 --noconstant --min_prediction -1e6 --max_prediction 1e6"
    # Its squared loss has no 1/2, so half the rate gives the same step.
    settings = f"--quiet {plain} --learning_rate {LEARNING_RATE / 2} --holdout_off --cache_file {cache}"
    vowpalwabbit.Workspace(f"{settings} -d {text} --passes 1").finish()
    text.unlink()

    def run(epochs: int) -> NDArray[Any]:
        assert cache.parent == Path(folder.name)  # holds the folder for as long as there are runs
        model = vowpalwabbit.Workspace(f"{settings} --passes {epochs}")
        theta = np.array([model.get_weight(i) for i in range(problem.X.shape[1])])
        model.finish()
        return theta

    return run


def river(problem: Rows) -> Run:
    """``learn_one`` row by row; the dictionaries it wants are made before."""
    from river import linear_model, optim

    names = [f"x{i}" for i in range(problem.X.shape[1])]
    stream = [(dict(zip(names, x.tolist(), strict=True)), float(y)) for x, y in zip(problem.X, problem.y, strict=True)]

    def run(epochs: int) -> NDArray[Any]:
        # Its squared loss has no 1/2, so half the rate gives the same step.
        model = linear_model.LinearRegression(optimizer=optim.SGD(LEARNING_RATE / 2), intercept_lr=0.0)
        for _ in range(epochs):
            for x, y in stream:
                model.learn_one(x, y)
        return np.array([model.weights[name] for name in names])

    return run


def _case(rule: str, features: int, ours: Side, peers: tuple[Side, ...]) -> Case:
    title = {"adam": "Adam", "sgd": "plain SGD"}[rule]
    return Case(
        name=f"{rule}-{features}",
        work=f"{title}, one sample a step, {features} features, float64, one thread",
        unit="step",
        problem=partial(rows, 10_000, features),
        small=partial(rows, 1_000, features),
        steps=lambda problem: len(problem.y),
        reference=numpy_adam if rule == "adam" else numpy_sgd,
        start=lambda problem: np.zeros(problem.X.shape[1]),
        ours=ours,
        peers=peers,
    )


def _adam(features: int, jax_at_most: float, cpp_at_most: float) -> Case:
    epochs = 100 if features == 5 else 20
    return _case(
        "adam",
        features,
        Side("thalweg", partial(ours, "adam"), epochs, tolerance=1e-9),
        (
            Side(
                "JAX + Optax (scan)", partial(jax_scan, "adam"), epochs, ("jax", "optax"), jax_at_most, tolerance=1e-9
            ),
            Side("C++ -O3 -march=native", partial(cpp, "adam", ()), epochs, (), cpp_at_most, tolerance=1e-9),
            Side(
                "C++ -Ofast -march=native",
                partial(cpp, "adam", ("-Ofast",)),
                epochs,
                tolerance=1e-9,
                note="the same source with every floating-point licence, for information",
            ),
            Side(
                "PyTorch eager",
                torch_eager,
                1,
                ("torch",),
                part=partial(first, 1_000),
                tolerance=1e-9,
                note="1,000 steps a round",
            ),
        ),
    )


def _sgd(features: int, vw_at_most: float) -> Case:
    epochs = 100 if features == 5 else 50
    return _case(
        "sgd",
        features,
        Side("thalweg", partial(ours, "sgd"), epochs, tolerance=1e-9),
        (
            Side("scikit-learn SGDRegressor", sklearn_sgd, epochs, ("sklearn",), 0.8, tolerance=1e-9),
            Side(
                "Vowpal Wabbit (cache)",
                vowpal_wabbit,
                epochs,
                ("vowpalwabbit",),
                vw_at_most,
                tolerance=1e-4,
                note="its weights and values are float32; it reads in a thread of its own, on the same processor",
            ),
            Side(
                "River learn_one",
                river,
                1,
                ("river",),
                0.02,
                part=partial(first, 2_000),
                tolerance=1e-9,
                note="2,000 steps a round",
            ),
            Side("JAX + Optax (scan)", partial(jax_scan, "sgd"), epochs, ("jax", "optax"), tolerance=1e-9),
            Side("C++ -O3 -march=native", partial(cpp, "sgd", ()), epochs, tolerance=1e-9),
        ),
    )


CASES = (_adam(5, 1.0, 2.0), _adam(100, 0.5, 1.25), _sgd(5, 0.1), _sgd(100, 0.35))
