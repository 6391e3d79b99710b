"""Questions about backpropagation: a small network in NumPy with one mistake in its backward pass."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.gradients import check_gradient
from thalweg.check.quiz.question import LETTERS, Question

Array = NDArray[Any]

_ROWS = """\
def network(params):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    E = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    penalty = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    loss = -np.sum(Y * np.log(P)) / m + penalty

    dZ2 = (P - Y) / m
    dW2 = A1.T @ dZ2 + lam * W2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    dW1 = X.T @ dZ1 + lam * W1
    db1 = dZ1.sum(axis=0)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""
_COLUMNS = """\
def network(params):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""
_SQUARED = """\
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def network(params):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    n = len(X)
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    loss = np.sum((a2 - Y) ** 2) / (2 * n)

    d2 = (a2 - Y) / n * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    grads = {"W2": a1.T @ d2, "b2": d2.sum(axis=0)}
    grads["W1"] = X.T @ d1
    grads["b1"] = d1.sum(axis=0)
    return loss, grads
"""
NETWORKS = {"rows": _ROWS, "columns": _COLUMNS, "squared": _SQUARED}


@final
@dataclass(frozen=True)
class Plant:
    """A mistake in a network.

    Parameters
    ----------
    name : str
        Stable name.
    network : str
        One of :data:`NETWORKS`.
    right, wrong : str
        A piece of its text, and what stands there instead.
    cause : str
        Code of the cause that the gradient's doctor names.
    level : int
        From which level on it is asked about.
    """

    name: str
    network: str
    right: str
    wrong: str
    cause: str
    level: int = 1


PLANTS = (
    Plant("mean-missing", "rows", "dZ2 = (P - Y) / m", "dZ2 = P - Y", "missing_1_m"),
    Plant("mean-missing-once", "columns", "dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T)", "missing_1_m"),
    Plant("mean-twice", "columns", "dZ2 = A2 - Y", "dZ2 = (A2 - Y) / m", "twice_1_m", 2),
    Plant("sign-turned", "columns", "dZ2 = A2 - Y", "dZ2 = Y - A2", "sign"),
    Plant("factor-two", "squared", "d2 = (a2 - Y)", "d2 = 2 * (a2 - Y)", "factor_2"),
    Plant("penalty-forgotten", "rows", "A1.T @ dZ2 + lam * W2", "A1.T @ dZ2", "l2_loss_only"),
    Plant("penalty-doubled", "rows", "X.T @ dZ1 + lam * W1", "X.T @ dZ1 + 2 * lam * W1", "l2_twice", 2),
    Plant("penalty-on-bias", "rows", "db2 = dZ2.sum(axis=0)", "db2 = dZ2.sum(axis=0) + lam * b2", "l2_gradient_only"),
    Plant("bias-over-units", "columns", "np.sum(dZ2, axis=1, keepdims=True)", "np.sum(dZ2)", "bias_axis"),
    Plant("bias-one-example", "rows", "db1 = dZ1.sum(axis=0)", "db1 = dZ1[-1]", "bias_one_row"),
    Plant("transposed", "columns", "np.dot(dZ2, A1.T)", "np.dot(A1, dZ2.T)", "transposed", 2),
    Plant("slope-forgotten", "rows", "dZ1 = dA1 * (1 - A1**2)", "dZ1 = dA1", "activation_slope_missing"),
    Plant("slope-forgotten", "columns", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1", "activation_slope_missing"),
    Plant("slope-of-scores", "rows", "(1 - A1**2)", "(1 - Z1**2)", "activation_slope_of_z", 2),
    Plant("slope-at-activation", "rows", "(1 - A1**2)", "(1 - np.tanh(A1)**2)", "activation_slope_at_a", 2),
    Plant("slope-of-another", "rows", "(1 - A1**2)", "A1 * (1 - A1)", "activation_slope_other", 2),
    Plant("slope-of-another", "columns", "dA1 * (Z1 > 0)", "dA1 * A1", "activation_slope_other", 2),
    Plant("output-slope-twice", "columns", "dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)", "output_slope_twice", 2),
    Plant("output-slope-forgotten", "squared", "/ n * a2 * (1 - a2)", "/ n", "output_slope_missing", 2),
    Plant("input-for-activation", "rows", "dW2 = A1.T @ dZ2", "dW2 = X.T @ dZ2", "previous_is_input"),
    Plant("scores-for-activation", "columns", "np.dot(dZ2, A1.T)", "np.dot(dZ2, Z1.T)", "previous_is_z", 2),
    Plant("weights-not-transposed", "rows", "dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2", "weights_not_transposed", 2),
    Plant("weights-of-other-layer", "columns", "np.dot(W2.T, dZ2)", "np.dot(W1.T, dZ2)", "weights_other_layer", 2),
    Plant("slope-left-out-of-weights", "rows", "dW1 = X.T @ dZ1", "dW1 = X.T @ dA1", "activation_slope_missing", 2),
)

NAMES = tuple(dict.fromkeys(plant.name for plant in PLANTS))

# What belongs together: a finding of the same group may be a part of the truth, and is not offered beside it.
_GROUPS = ("mean", "penalty", "bias", "slope", "weights")


def of_backpropagation(rng: random.Random, plant: Plant) -> Question | None:
    """Make a question of a mistake in a network's backward pass.

    Parameters
    ----------
    rng : random.Random
        Chooses the other findings.
    plant : Plant

    Returns
    -------
    Question or None
        None where the doctor does not see the mistake as what it is.
    """
    text = NETWORKS[plant.network]
    wrong = text.replace(plant.right, plant.wrong, 1)
    if not behaves(plant):
        return None
    there = [p.name for p in PLANTS if p.network == plant.network and not _alike(p.name, plant.name)]
    others = list(dict.fromkeys(there))
    anywhere = [name for name in NAMES if name not in others and not _alike(name, plant.name)]
    rng.shuffle(others)
    rng.shuffle(anywhere)
    choices = [plant.name, *(others + anywhere)[: len(LETTERS) - 1]]
    rng.shuffle(choices)
    lines, mended = wrong.splitlines(), text.splitlines()
    return Question(
        "backpropagation", plant.network, plant.name, tuple(lines), tuple(mended), tuple(choices), _effect(text, wrong)
    )


def _alike(name: str, other: str) -> bool:
    """Whether two findings are of one kind, so that one may be a part of the other."""
    return name == other or any(group in name and group in other for group in _GROUPS)


def behaves(plant: Plant) -> bool:
    """Whether the gradient's doctor names the cause of a mistake."""
    text = NETWORKS[plant.network].replace(plant.right, plant.wrong, 1)
    called, params = _built(text)
    return plant.cause in check_gradient(called, None, params).codes


def _built(text: str) -> tuple[Any, dict[str, Array]]:
    """Run the text of a network on a small table, the same one each time; all layers are square, so that slips fit."""
    rng = np.random.default_rng(11)
    rows, size = 7, 4
    columns = "np.dot(W1, X)" in text
    X = rng.normal(size=(size, rows) if columns else (rows, size))
    labels = rng.integers(0, size, rows)
    Y = np.eye(size)[labels]
    params = {name: rng.normal(size=(size, size)) * 0.7 for name in ("W1", "W2")}
    params |= {name: rng.normal(size=(size, 1) if columns else size) * 0.3 for name in ("b1", "b2")}
    space: dict[str, Any] = {"np": np, "X": X, "Y": Y.T if columns else Y, "lam": 0.3}
    exec(text, space)  # noqa: S102 - our own text
    return space["network"], {name: params[name] for name in ("W1", "b1", "W2", "b2")}


def _effect(right: str, wrong: str) -> str:
    """Say how far each gradient is off, as a share of its length."""
    (mended, params), (made, _) = _built(right), _built(wrong)
    true, given = mended(params)[1], made(params)[1]
    off = []
    for name, slope in true.items():
        apart = float(np.linalg.norm(given[name] - slope) / np.linalg.norm(slope))
        if apart > 1e-9:
            off.append(f"d{name} {100 * apart:.3g} %")
    return ", ".join(off)
