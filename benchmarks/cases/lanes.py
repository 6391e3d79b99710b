"""Lanes: Adam at many learning rates in one pass over the rows, linear models, rows in their own order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Lanes:
    """One table, and a learning rate for each lane; weights start at zero and there is no intercept.

    Parameters
    ----------
    X : ndarray of shape (rows, features)
        In the precision of the case.
    y : ndarray of shape (rows,)
        Of the same type; int64 where there are classes.
    rates : ndarray of shape (lanes,), float64
    batch : int
        Rows a step; it divides the number of rows.
    classes : int
        Of a softmax; 0 for least squares.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    rates: NDArray[np.float64]
    batch: int
    classes: int = 0

    @property
    def steps(self) -> int:
        """Lane-steps of an epoch: updates times lanes."""
        return len(self.y) // self.batch * len(self.rates)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all lanes' weights, lanes innermost but one where there are classes, as thalweg keeps them."""
        features = self.X.shape[1]
        return (features, len(self.rates), self.classes) if self.classes else (features, len(self.rates))


def lanes(rows: int, features: int, rates: int, dtype: str, batch: int, classes: int = 0) -> Lanes:
    """Standard normal features, a noisy linear target, rates from 1e-4 to 0.1; the same on every machine."""
    rng = np.random.default_rng(20261120)
    X = rng.normal(size=(rows, features))
    if classes:
        scores = X @ rng.normal(size=(features, classes)) + 0.5 * rng.normal(size=(rows, classes))
        y = scores.argmax(axis=1)
    else:
        y = (X @ rng.normal(size=features) + 0.1 * rng.normal(size=rows)).astype(dtype)
    return Lanes(X.astype(dtype), y, np.geomspace(1e-4, 1e-1, rates), batch, classes)


def one_lane(rows: int, problem: Lanes) -> Lanes:
    """The first rows, at the middle rate alone."""
    middle = len(problem.rates) // 2
    return replace(problem, X=problem.X[:rows], y=problem.y[:rows], rates=problem.rates[middle : middle + 1])


def numpy_reference(problem: Lanes, epochs: int) -> NDArray[Any]:
    """Adam as the paper writes it, all lanes at once, in float64."""
    X, batch = problem.X.astype(float), problem.batch
    y = np.eye(problem.classes)[problem.y] if problem.classes else problem.y.astype(float)[:, None]
    theta = np.zeros((X.shape[1], len(problem.rates), y.shape[1]))
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    t = 0
    for _ in range(epochs):
        for begin in range(0, len(y), batch):
            rows, target = X[begin : begin + batch], y[begin : begin + batch, None, :]
            z = np.tensordot(rows, theta, axes=1)
            if problem.classes:
                p = np.exp(z - z.max(axis=2, keepdims=True))
                z = p / p.sum(axis=2, keepdims=True)
            g = np.tensordot(rows.T, (z - target) / batch, axes=1)
            t += 1
            m = BETA1 * m + (1 - BETA1) * g
            v = BETA2 * v + (1 - BETA2) * g * g
            step = (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPSILON)
            theta = theta - problem.rates[:, None] * step
    return theta.ravel()


def _settings(problem: Lanes, epochs: int, rate: float = 1e-3) -> Any:
    import thalweg

    adam = thalweg.adam(learning_rate=rate, beta1=BETA1, beta2=BETA2, epsilon=EPSILON)
    loss = thalweg.losses.softmax if problem.classes else thalweg.losses.squared
    return thalweg.Settings(adam, loss, batch_size=problem.batch, max_iter=epochs, shuffle=False)


def _rows(problem: Lanes) -> Any:
    import thalweg

    y = np.eye(problem.classes, dtype=problem.X.dtype)[problem.y] if problem.classes else problem.y
    return thalweg.Rows.of(problem.X, y, dtype=problem.X.dtype.name)


def ours(problem: Lanes) -> Run:
    """Lanes in lockstep, as a comparison trains them; judged on one row, so that what is timed is learning."""
    import thalweg
    from thalweg.descent.lockstep import Lockstep

    rows, outputs = _rows(problem), max(1, problem.classes)
    one_row = _rows(replace(problem, X=problem.X[:1], y=problem.y[:1]))
    model = thalweg.Linear(problem.X.shape[1], outputs, fit_intercept=False)

    def run(epochs: int) -> NDArray[Any]:
        settings = _settings(problem, epochs)
        rules = [settings.optimizer(learning_rate=float(rate)) for rate in problem.rates]
        lanes = Lockstep(model, rows, settings, rules, 0, one_row).descend()
        return np.stack([lane.theta.reshape(-1, outputs) for lane in lanes], axis=1).ravel()

    return run


def ours_one_by_one(problem: Lanes) -> Run:
    """A run of its own for every rate."""
    import thalweg

    rows, outputs = _rows(problem), max(1, problem.classes)
    model = thalweg.Linear(problem.X.shape[1], outputs, fit_intercept=False)

    def run(epochs: int) -> NDArray[Any]:
        found = [
            thalweg.Run(model, rows, _settings(problem, epochs, float(rate))).descend().theta for rate in problem.rates
        ]
        return np.stack([theta.reshape(-1, outputs) for theta in found], axis=1).ravel()

    return run


def _batches(problem: Lanes) -> tuple[NDArray[Any], NDArray[Any]]:
    """X and y cut into batches; single samples have no axis for the batch."""
    if problem.batch == 1:
        return problem.X, problem.y
    return problem.X.reshape(-1, problem.batch, problem.X.shape[1]), problem.y.reshape(-1, problem.batch)


def jax_vmap(problem: Lanes) -> Run:
    """``vmap`` over the rates of a whole training: ``lax.scan`` over batches, epochs by ``fori_loop``, one ``jit``."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", problem.X.dtype == np.float64)

    def loss(theta: Any, X: Any, y: Any) -> Any:
        if problem.classes:
            return optax.softmax_cross_entropy_with_integer_labels(X @ theta, y).mean()
        return ((X @ theta - y) ** 2).mean() / 2

    @jax.jit
    def train(rates: Any, X: Any, y: Any, epochs: Any) -> Any:
        def one(rate: Any) -> Any:
            optimizer = optax.adam(rate, b1=BETA1, b2=BETA2, eps=EPSILON)

            def step(carry: Any, data: Any) -> Any:
                theta, state = carry
                updates, state = optimizer.update(jax.grad(loss)(theta, *data), state, theta)
                return (optax.apply_updates(theta, updates), state), None

            theta = jnp.zeros((X.shape[-1], problem.classes) if problem.classes else X.shape[-1:], X.dtype)
            carry = theta, optimizer.init(theta)
            return jax.lax.fori_loop(0, epochs, lambda _, c: jax.lax.scan(step, c, (X, y))[0], carry)[0]

        return jax.vmap(one, out_axes=1)(rates)

    X, y = (jnp.asarray(part) for part in _batches(problem))
    rates = jnp.asarray(problem.rates.astype(problem.X.dtype))
    return lambda epochs: np.asarray(train(rates, X, y, epochs).block_until_ready()).ravel()


def jax_matrix(problem: Lanes) -> Run:
    """The same scan with the lanes' weights as one matrix and gradient and Adam by hand, as one would tune it."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", problem.X.dtype == np.float64)
    count, batch, classes = len(problem.rates), problem.batch, problem.classes

    def gradient(theta: Any, x: Any, y: Any) -> Any:
        if classes:
            z = (x @ theta.reshape(x.shape[1], -1)).reshape(batch, classes, count)
            r = jax.nn.softmax(z, axis=1) - jax.nn.one_hot(y, classes, dtype=z.dtype)[:, :, None]
            return (x.T @ (r.reshape(batch, -1) / batch)).reshape(theta.shape)
        if batch == 1:
            return x[:, None] * (x @ theta - y)
        return x.T @ ((x @ theta - y[:, None]) / batch)

    @jax.jit
    def train(rates: Any, X: Any, y: Any, epochs: Any) -> Any:
        def step(carry: Any, data: Any) -> Any:
            theta, m, v, t = carry
            t = t + 1
            g = gradient(theta, *data)
            m = BETA1 * m + (1 - BETA1) * g
            v = BETA2 * v + (1 - BETA2) * g * g
            scale = 1 / jnp.sqrt(1 - BETA2**t)
            return (theta - rates / (1 - BETA1**t) * m / (scale * jnp.sqrt(v) + EPSILON), m, v, t), None

        theta = jnp.zeros((X.shape[-1], classes, count) if classes else (X.shape[-1], count), X.dtype)
        carry = theta, theta, theta, jnp.zeros((), X.dtype)
        return jax.lax.fori_loop(0, epochs, lambda _, c: jax.lax.scan(step, c, (X, y))[0], carry)[0]

    X, y = (jnp.asarray(part) for part in _batches(problem))
    rates = jnp.asarray(problem.rates.astype(problem.X.dtype))

    def run(epochs: int) -> NDArray[Any]:
        theta = np.asarray(train(rates, X, y, epochs).block_until_ready())
        return np.moveaxis(theta, -1, 1).ravel()

    return run


def torch_one_by_one(problem: Lanes) -> Run:
    """The loop of every tutorial, once for every rate."""
    import torch

    torch.set_num_threads(1)
    X, y = (torch.from_numpy(part) for part in _batches(problem))

    def train(rate: float, epochs: int) -> NDArray[Any]:
        theta = torch.zeros(X.shape[-1], dtype=X.dtype, requires_grad=True)
        optimizer = torch.optim.Adam([theta], lr=rate, betas=(BETA1, BETA2), eps=EPSILON)
        for _ in range(epochs):
            for x, target in zip(X, y, strict=True):
                optimizer.zero_grad()
                loss = ((x @ theta - target) ** 2).mean() / 2
                loss.backward()
                optimizer.step()
        return theta.detach().numpy()

    return lambda epochs: np.stack([train(float(rate), epochs) for rate in problem.rates], axis=1).ravel()


def torch_matrix(problem: Lanes) -> Run:
    """The same loop with the lanes' weights as one matrix: the losses add, and so does nothing else."""
    import torch

    torch.set_num_threads(1)
    X, y = (torch.from_numpy(part) for part in _batches(problem))

    def run(epochs: int) -> NDArray[Any]:
        theta = torch.zeros(problem.shape, dtype=X.dtype, requires_grad=True)
        rates = torch.from_numpy(problem.rates.astype(problem.X.dtype))
        m, v = torch.zeros_like(theta), torch.zeros_like(theta)
        t = 0
        for _ in range(epochs):
            for x, target in zip(X, y, strict=True):
                t += 1
                loss = ((x @ theta - target) ** 2).sum() / 2
                (g,) = torch.autograd.grad(loss, theta)
                with torch.no_grad():
                    m.mul_(BETA1).add_(g, alpha=1 - BETA1)
                    v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
                    scale = (v.sqrt() * (1 - BETA2**t) ** -0.5).add_(EPSILON)
                    theta -= m / scale * (rates / (1 - BETA1**t))
        return theta.detach().numpy().ravel()

    return run


def _case(
    name: str, work: str, shape: tuple[int, int, str, int, int], rows: int, epochs: int, jax_at_most: float,
    more: tuple[Side, ...] = (), within: float | None = None,
) -> Case:  # fmt: skip
    features, rates, dtype, batch, classes = shape
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    return Case(
        name=name,
        work=f"lanes: {work}, {dtype}, one thread",
        unit="lane-step",
        problem=partial(lanes, rows, features, rates, dtype, batch, classes),
        small=partial(lanes, 10 * batch if batch > 1 else 300, features, rates, dtype, batch, classes),
        steps=lambda problem: problem.steps,
        reference=numpy_reference,
        start=lambda problem: np.zeros(problem.shape).ravel(),
        within=within,
        ours=Side(
            "thalweg", ours, epochs, tolerance=tolerance, note="keeps the loss of every epoch as well, unlike JAX here"
        ),
        peers=(
            Side("JAX + Optax (vmap of scan)", jax_vmap, epochs, ("jax", "optax"), jax_at_most, tolerance=tolerance),
            Side(
                "JAX by hand (lanes as a matrix)",
                jax_matrix,
                epochs,
                ("jax",),
                tolerance=tolerance,
                note="no vmap, no autodiff, no Optax: the scan that one would write for this work alone",
            ),
            *more,
        ),
    )


def _one_sample(features: int, rates: int, dtype: str, jax_at_most: float, within: float | None = None) -> Case:
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    more = [
        Side(
            "PyTorch eager",
            torch_one_by_one,
            1,
            ("torch",),
            1e-4 if features == 5 else None,
            part=partial(one_lane, 500),
            tolerance=tolerance,
            note="one rate after another; 500 steps at one rate timed, each costs the same",
        )
    ]
    if features == 5 and rates == 64:
        more.append(
            Side(
                "PyTorch eager (lanes as a matrix)",
                torch_matrix,
                1,
                ("torch",),
                part=lambda problem: replace(problem, X=problem.X[:500], y=problem.y[:500]),
                tolerance=tolerance,
                note="for information: Adam by hand, since torch.optim has one rate a tensor; 500 steps timed",
            )
        )
    return _case(
        f"lanes-{features}-{rates}-{dtype}",
        f"Adam, one sample a step, {features} features, {rates} rates",
        (features, rates, dtype, 1, 0),
        10_000,
        {5: 2560, 100: 192}[features] // rates,
        jax_at_most,
        tuple(more),
        within,
    )


CASES = (
    *(
        _one_sample(5, rates, dtype, 0.2, within)
        for dtype, within in (("float64", 8.5e-9), ("float32", 4.5e-9))
        for rates in (64, 256)
    ),
    _one_sample(100, 64, "float64", 0.55),
    _one_sample(100, 64, "float32", 0.4),
    _case(
        "lanes-batch",
        "Adam, batch 64, 50 features, 64 rates",
        (50, 64, "float64", 64, 0),
        6_400,
        60,
        0.5,
        (
            Side(
                "thalweg, one rate after another",
                ours_one_by_one,
                5,
                (),
                0.15,
                tolerance=1e-9,
                note="64 runs of its own, one after another",
            ),
        ),
    ),
    _case(
        "lanes-softmax",
        "Adam, softmax, batch 64, 64 features, 10 classes, 32 rates",
        (64, 32, "float64", 64, 10),
        6_400,
        10,
        0.6,
    ),
)
