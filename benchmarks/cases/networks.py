"""Multilayer perceptrons: Adam, float32, batches in the order of the rows, dense layers, no penalty."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Net:
    """A net with its data and its start.

    Parameters
    ----------
    sizes : tuple of int
        Units per layer, input first.
    activation : {"relu", "logistic"}
    loss : {"binary", "real", "classes"}
        Cross-entropy on one logistic output, (z - y)**2 / 2, or softmax cross-entropy; each a mean over the batch.
    batch : int
    X : ndarray of shape (rows, inputs), float32
    y : ndarray of shape (rows,)
        float32 for "binary" and "real", int64 for "classes".
    weights, biases : list of ndarray, float32
        Weights are (inputs x outputs).
    """

    sizes: tuple[int, ...]
    activation: str
    loss: str
    batch: int
    X: NDArray[np.float32]
    y: NDArray[Any]
    weights: list[NDArray[np.float32]]
    biases: list[NDArray[np.float32]]


def flat(weights: Any, biases: Any) -> NDArray[Any]:
    """Layer by layer: weights, then biases."""
    return np.concatenate([np.asarray(a).ravel() for pair in zip(weights, biases, strict=True) for a in pair])


def net(sizes: tuple[int, ...], activation: str, loss: str, batch: int, batches: int) -> Net:
    """Random data with a rule in it, and Glorot's start; the same on every machine."""
    rng = np.random.default_rng(20261120)
    n = batch * batches
    if loss == "real":  # the sine of the fourth seed, scaled to units a net likes
        X = rng.uniform(-1, 1, size=(n, sizes[0]))
        y = np.sin(2 * np.pi * X[:, 0]).astype(np.float32)
    else:
        X = rng.normal(size=(n, sizes[0]))
        scores = X @ rng.normal(size=(sizes[0], sizes[-1])) + 0.5 * rng.normal(size=(n, sizes[-1]))
        y = (scores[:, 0] > 0).astype(np.float32) if loss == "binary" else scores.argmax(axis=1)
    weights = [
        rng.uniform(-1, 1, size=shape).astype(np.float32) * np.float32(np.sqrt(6 / sum(shape)))
        for shape in pairwise(sizes)
    ]
    biases = [rng.uniform(-0.1, 0.1, size=units).astype(np.float32) for units in sizes[1:]]
    return Net(sizes, activation, loss, batch, X.astype(np.float32), y, weights, biases)


def numpy_reference(problem: Net, epochs: int) -> NDArray[Any]:
    """The same steps by plain NumPy in float64."""
    W = [w.astype(float) for w in problem.weights]
    b = [bias.astype(float) for bias in problem.biases]
    theta = [a for pair in zip(W, b, strict=True) for a in pair]
    m, v = [np.zeros_like(a) for a in theta], [np.zeros_like(a) for a in theta]
    t = 0
    for _ in range(epochs):
        for begin in range(0, len(problem.y), problem.batch):
            rows = slice(begin, begin + problem.batch)
            outputs = [problem.X[rows].astype(float)]
            for layer, (weights, bias) in enumerate(zip(theta[::2], theta[1::2], strict=True)):
                z = outputs[-1] @ weights + bias
                last = layer == len(problem.sizes) - 2
                relu = problem.activation == "relu"
                outputs.append(z if last else np.maximum(z, 0) if relu else 1 / (1 + np.exp(-z)))
            y, z = problem.y[rows], outputs[-1]
            if problem.loss == "classes":
                p = np.exp(z - z.max(axis=1, keepdims=True))
                delta = p / p.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y]
            else:
                delta = (1 / (1 + np.exp(-z)) if problem.loss == "binary" else z) - y[:, None]
            delta = delta / len(y)
            gradient: list[NDArray[Any]] = []
            for layer in range(len(problem.sizes) - 2, -1, -1):
                a = outputs[layer]
                gradient[:0] = [a.T @ delta, delta.sum(axis=0)]
                if layer:
                    slope = (a > 0) if problem.activation == "relu" else a * (1 - a)
                    delta = delta @ theta[2 * layer].T * slope
            t += 1
            for i, g in enumerate(gradient):
                m[i] = BETA1 * m[i] + (1 - BETA1) * g
                v[i] = BETA2 * v[i] + (1 - BETA2) * g * g
                step = (m[i] / (1 - BETA1**t)) / (np.sqrt(v[i] / (1 - BETA2**t)) + EPSILON)
                theta[i] = theta[i] - LEARNING_RATE * step
    return flat(theta[::2], theta[1::2])


def ours(problem: Net) -> Run:
    """A run over mini-batches, as the estimators start it."""
    import thalweg

    hidden = {"relu": thalweg.activations.relu, "logistic": thalweg.activations.logistic}[problem.activation]
    losses = thalweg.losses
    loss = {"classes": losses.softmax, "binary": losses.log, "real": losses.squared}[problem.loss]
    optimizer = thalweg.adam(learning_rate=LEARNING_RATE, beta1=BETA1, beta2=BETA2, epsilon=EPSILON)
    y = np.eye(problem.sizes[-1], dtype=np.float32)[problem.y] if problem.loss == "classes" else problem.y
    rows = thalweg.Rows.of(problem.X, y, dtype="float32")
    model = thalweg.Network(problem.sizes, (hidden,) * (len(problem.sizes) - 2))
    start = model.pack(problem.weights, problem.biases, "float32")

    def run(epochs: int) -> NDArray[Any]:
        settings = thalweg.Settings(optimizer, loss, batch_size=problem.batch, max_iter=epochs, shuffle=False)
        theta = thalweg.Run(model, rows, settings, theta=start, random_state=0).descend().theta
        return flat(model.coefs(theta), model.biases(theta))

    return run


def jax_scan(problem: Net) -> Run:
    """``lax.scan`` over the batches inside one compiled function, epochs by ``fori_loop``."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(LEARNING_RATE, b1=BETA1, b2=BETA2, eps=EPSILON)
    activation = {"relu": jax.nn.relu, "logistic": jax.nn.sigmoid}[problem.activation]

    def loss(theta: Any, X: Any, y: Any) -> Any:
        for weights, bias in theta[:-1]:
            X = activation(X @ weights + bias)
        z = X @ theta[-1][0] + theta[-1][1]
        if problem.loss == "classes":
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
        if problem.loss == "binary":
            return optax.sigmoid_binary_cross_entropy(z[:, 0], y).mean()
        return ((z[:, 0] - y) ** 2).mean() / 2

    def step(carry: Any, data: Any) -> Any:
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta, *data), state, theta)
        return (optax.apply_updates(theta, updates), state), None

    @jax.jit
    def train(theta: Any, X: Any, y: Any, epochs: Any) -> Any:
        carry = theta, optimizer.init(theta)
        return jax.lax.fori_loop(0, epochs, lambda _, c: jax.lax.scan(step, c, (X, y))[0], carry)[0]

    X = jnp.asarray(problem.X.reshape(-1, problem.batch, problem.sizes[0]))
    y = jnp.asarray(problem.y.reshape(-1, problem.batch).astype(np.int32 if problem.loss == "classes" else np.float32))
    start = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(problem.weights, problem.biases, strict=True)]

    def run(epochs: int) -> NDArray[Any]:
        theta = jax.block_until_ready(train(start, X, y, epochs))
        return flat([w for w, _ in theta], [b for _, b in theta])

    return run


def jax_steps(problem: Net) -> Run:
    """One compiled, donating step called from Python per batch: for large layers it can beat the scan."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(LEARNING_RATE, b1=BETA1, b2=BETA2, eps=EPSILON)

    def loss(theta: Any, X: Any, y: Any) -> Any:
        for weights, bias in theta[:-1]:
            X = jax.nn.relu(X @ weights + bias)
        return optax.softmax_cross_entropy_with_integer_labels(X @ theta[-1][0] + theta[-1][1], y).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(theta: Any, state: Any, X: Any, y: Any) -> Any:
        updates, state = optimizer.update(jax.grad(loss)(theta, X, y), state, theta)
        return optax.apply_updates(theta, updates), state

    batches = range(0, len(problem.y), problem.batch)
    X = [jnp.asarray(problem.X[i : i + problem.batch]) for i in batches]
    y = [jnp.asarray(problem.y[i : i + problem.batch].astype(np.int32)) for i in batches]

    def run(epochs: int) -> NDArray[Any]:
        theta: Any = [(jnp.array(w), jnp.array(b)) for w, b in zip(problem.weights, problem.biases, strict=True)]
        state: Any = optimizer.init(theta)
        for _ in range(epochs):
            for data in zip(X, y, strict=True):
                theta, state = step(theta, state, *data)
        theta = jax.block_until_ready(theta)
        return flat([w for w, _ in theta], [b for _, b in theta])

    return run


def torch_eager(threads: int, fused: bool, problem: Net) -> Run:
    """The loop of every tutorial over slices of two tensors (no data loader)."""
    import torch

    torch.set_num_threads(threads)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
    if problem.loss != "classes":
        y = y[:, None]
    activation = {"relu": torch.nn.ReLU, "logistic": torch.nn.Sigmoid}[problem.activation]
    loss_function: Any = {
        "classes": torch.nn.functional.cross_entropy,
        "binary": torch.nn.functional.binary_cross_entropy_with_logits,
        "real": lambda z, target: torch.nn.functional.mse_loss(z, target) / 2,
    }[problem.loss]

    def run(epochs: int) -> NDArray[Any]:
        layers: list[Any] = []
        for weights, bias in zip(problem.weights, problem.biases, strict=True):
            layer = torch.nn.Linear(*weights.shape)
            layer.weight.data, layer.bias.data = torch.from_numpy(weights.T.copy()), torch.from_numpy(bias.copy())
            layers += [layer, activation()]
        model = torch.nn.Sequential(*layers[:-1])
        adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON, fused=fused)
        for _ in range(epochs):
            for begin in range(0, len(X), problem.batch):
                rows = slice(begin, begin + problem.batch)
                adam.zero_grad()
                loss_function(model(X[rows]), y[rows]).backward()
                adam.step()
        theta = [a.detach().numpy() for a in model.parameters()]
        return flat([weights.T for weights in theta[::2]], theta[1::2])

    return run


def sklearn_mlp(problem: Net) -> Run:
    """``fit`` of ``MLPClassifier`` or ``MLPRegressor`` from the given start.

    A fit of one epoch makes the arrays, which are then filled in place; ``warm_start`` keeps them and starts Adam
    anew. So a timed fit is the checks of the input once, and otherwise steps.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    model = (MLPRegressor if problem.loss == "real" else MLPClassifier)(
        hidden_layer_sizes=problem.sizes[1:-1],
        activation=problem.activation,
        solver="adam",
        alpha=0.0,
        batch_size=problem.batch,
        learning_rate_init=LEARNING_RATE,
        max_iter=1,
        shuffle=False,
        random_state=0,
        tol=0.0,
        warm_start=True,
        beta_1=BETA1,
        beta_2=BETA2,
        epsilon=EPSILON,
        n_iter_no_change=10**9,
    )
    warnings.simplefilter("ignore", ConvergenceWarning)
    model.fit(problem.X, problem.y)

    def run(epochs: int) -> NDArray[Any]:
        for here, there in zip([*model.coefs_, *model.intercepts_], [*problem.weights, *problem.biases], strict=True):
            here[...] = there
        model.set_params(max_iter=epochs).fit(problem.X, problem.y)
        return flat(model.coefs_, model.intercepts_)

    return run


def numpy_products(problem: Net) -> Run:
    """Only the matrix products of one step, forward and backward, by ``np.dot`` into buffers."""
    X = problem.X[: problem.batch].copy()
    outputs = [X, *(np.ones((problem.batch, units), np.float32) for units in problem.sizes[1:])]
    deltas = [np.ones_like(a) for a in outputs]
    gradients = [np.empty_like(w) for w in problem.weights]
    W = problem.weights
    layers = range(len(W))

    def run(epochs: int) -> None:
        for _ in range(epochs * (len(problem.y) // problem.batch)):
            for i in layers:
                np.dot(outputs[i], W[i], out=outputs[i + 1])
            for i in reversed(layers):
                np.dot(outputs[i].T, deltas[i + 1], out=gradients[i])
                if i:
                    np.dot(deltas[i + 1], W[i].T, out=deltas[i])
            outputs[1][:] = 1  # keeps the numbers finite
            deltas[1][:] = 1

    return run


def _case(
    name: str,
    work: str,
    shape: tuple[tuple[int, ...], str, str, int],
    batches: int,
    epochs: int,
    at_most: tuple[float, float, float],
) -> Case:
    jax_at_most, torch_at_most, sklearn_at_most = at_most
    return Case(
        name=name,
        work=work,
        unit="step",
        problem=partial(net, *shape, batches),
        small=partial(net, *shape, 10),
        steps=lambda problem: len(problem.y) // problem.batch,
        reference=numpy_reference,
        start=lambda problem: flat(problem.weights, problem.biases).astype(float),
        ours=Side("thalweg", ours, epochs, tolerance=1e-2),
        peers=(
            Side("JAX + Optax (scan)", jax_scan, epochs, ("jax", "optax"), jax_at_most, tolerance=1e-2),
            Side("PyTorch eager", partial(torch_eager, 1, False), 1, ("torch",), torch_at_most, tolerance=1e-2),
            Side(
                "PyTorch eager, fused Adam",
                partial(torch_eager, 1, True),
                1,
                ("torch",),
                tolerance=1e-2,
                note="for information: not the default of PyTorch",
            ),
            Side(
                "scikit-learn MLP",
                sklearn_mlp,
                max(1, epochs // 10),
                ("sklearn",),
                sklearn_at_most,
                tolerance=1e-2,
                note="fit with batch_size; its epsilon is not bias-corrected",
            ),
        ),
    )


def _large() -> Case:
    shape = (784, 256, 128, 10), "relu", "classes", 128
    return Case(
        name="mlp-784-256-128-10",
        work="MLP 784-256-128-10, batch 128, float32, Adam, two threads",
        unit="step",
        problem=partial(net, *shape, 16),
        small=partial(net, *shape, 4),
        steps=lambda problem: len(problem.y) // problem.batch,
        reference=numpy_reference,
        start=lambda problem: flat(problem.weights, problem.biases).astype(float),
        threads=2,
        clock="wall",
        ours=Side("thalweg", ours, 16, tolerance=2e-2),
        peers=(
            Side("JAX + Optax (scan)", jax_scan, 16, ("jax", "optax"), 0.85, tolerance=2e-2),
            Side("JAX + Optax (step by step)", jax_steps, 16, ("jax", "optax"), 0.85, tolerance=2e-2),
            Side("PyTorch eager", partial(torch_eager, 2, False), 16, ("torch",), 0.7, tolerance=2e-2),
            Side(
                "PyTorch eager, fused Adam",
                partial(torch_eager, 2, True),
                16,
                ("torch",),
                tolerance=2e-2,
                note="for information: not the default of PyTorch",
            ),
            Side("scikit-learn MLP", sklearn_mlp, 16, ("sklearn",), 0.5, tolerance=2e-2),
            Side(
                "np.dot, products alone",
                numpy_products,
                16,
                (),
                1 / 0.7,
                note="the eight products of a step and nothing else; 1 / 0.7 = 1.43 is 70 % of its rate",
            ),
        ),
    )


CASES = (
    _case(
        "mlp-2-5-2-1",
        "MLP 2-5-2-1 (ReLU, binary), batch 64, float32, Adam, one thread",
        ((2, 5, 2, 1), "relu", "binary", 64),
        200,
        100,
        (0.2, 0.02, 0.04),
    ),
    _case(
        "mlp-1-25-1",
        "MLP 1-25-1 (logistic, squared error), batch 100, float32, Adam, one thread",
        ((1, 25, 1), "logistic", "real", 100),
        200,
        100,
        (0.25, 0.02, 0.04),
    ),
    _case(
        "mlp-64-64-10",
        "MLP 64-64-10 (ReLU, softmax), batch 64, float32, Adam, one thread",
        ((64, 64, 10), "relu", "classes", 64),
        200,
        25,
        (0.4, 0.07, 0.12),
    ),
    _large(),
)
