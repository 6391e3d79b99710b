"""Networks as learners write them, and mistakes in their backward passes: a line, what stands there instead, its name.

Each network is the text of a small program with ``params``, ``loss`` and ``gradient``; a plant replaces one text in it.
"""
# ruff: noqa: E501 - a plant is one line

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# Rows are examples, two hidden layers of tanh, softmax, L2 on the weights.
SOFTMAX = """
def forward(params, X):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = A1 @ params["W2"] + params["b2"]
    A2 = np.tanh(Z2)
    Z3 = A2 @ params["W3"] + params["b3"]
    E = np.exp(Z3 - Z3.max(axis=1, keepdims=True))
    return Z1, A1, Z2, A2, E / E.sum(axis=1, keepdims=True)

def loss(params):
    m = X.shape[0]
    probs = forward(params, X)[-1]
    data = -np.sum(Y * np.log(probs)) / m
    penalty = lambd / (2 * m) * sum(np.sum(params[k] ** 2) for k in ("W1", "W2", "W3"))
    return data + penalty

def gradient(params):
    m = X.shape[0]
    Z1, A1, Z2, A2, probs = forward(params, X)
    dZ3 = (probs - Y) / m
    grads = {}
    grads["dW3"] = A2.T @ dZ3 + lambd / m * params["W3"]
    grads["db3"] = np.sum(dZ3, axis=0)
    dA2 = dZ3 @ params["W3"].T
    dZ2 = dA2 * (1 - A2 ** 2)
    grads["dW2"] = A1.T @ dZ2 + lambd / m * params["W2"]
    grads["db2"] = np.sum(dZ2, axis=0)
    dA1 = dZ2 @ params["W2"].T
    dZ1 = dA1 * (1 - A1 ** 2)
    grads["dW1"] = X.T @ dZ1 + lambd / m * params["W1"]
    grads["db1"] = np.sum(dZ1, axis=0)
    return grads

rng = np.random.default_rng(3)
X = rng.normal(size=(7, 4))
Y = np.eye(3)[rng.integers(0, 3, 7)]
lambd = 0.7
params = {
    "W1": rng.normal(size=(4, 4)) * 0.6, "b1": rng.normal(size=4) * 0.1,
    "W2": rng.normal(size=(4, 4)) * 0.6, "b2": rng.normal(size=4) * 0.1,
    "W3": rng.normal(size=(4, 3)) * 0.6, "b3": rng.normal(size=3) * 0.1,
}
"""

# Columns are examples, ReLU, one sigmoid output, as in well-known courses.
COLUMNS = """
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def relu(z):
    return np.maximum(0, z)

def forward(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = relu(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = relu(Z2)
    Z3 = np.dot(parameters["W3"], A2) + parameters["b3"]
    A3 = sigmoid(Z3)
    return Z1, A1, Z2, A2, Z3, A3

def loss(parameters):
    m = Y.shape[1]
    A3 = forward(X, parameters)[-1]
    cost = -1 / m * np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))
    return cost

def gradient(parameters):
    m = Y.shape[1]
    Z1, A1, Z2, A2, Z3, A3 = forward(X, parameters)
    dZ3 = A3 - Y
    dW3 = 1 / m * np.dot(dZ3, A2.T)
    db3 = 1 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(parameters["W3"].T, dZ3)
    dZ2 = dA2 * (A2 > 0)
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(parameters["W2"].T, dZ2)
    dZ1 = dA1 * (A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}

rng = np.random.RandomState(2)
X = rng.randn(3, 9)
Y = (rng.rand(1, 9) < 0.5) * 1.0
params = {
    "W1": rng.randn(3, 3) * 0.8, "b1": rng.randn(3, 1) * 0.2,
    "W2": rng.randn(3, 3) * 0.8, "b2": rng.randn(3, 1) * 0.2,
    "W3": rng.randn(1, 3) * 0.8, "b3": rng.randn(1, 1) * 0.2,
}
"""

# A list of arrays, two layers, sigmoid units and a sigmoid output under squared error.
SQUARED = """
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def both(weights):
    W1, b1, W2, b2 = weights
    n = len(inputs)
    z1 = inputs @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    loss = np.sum((a2 - targets) ** 2) / (2 * n)
    d2 = (a2 - targets) / n * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    return loss, [inputs.T @ d1, d1.sum(axis=0), a1.T @ d2, d2.sum(axis=0)]

rng = np.random.default_rng(5)
inputs = rng.normal(size=(11, 4))
targets = rng.random((11, 2))
params = [rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=(4, 2)), rng.normal(size=2)]
loss, gradient = both, None
"""

# Dropout on the hidden layer, scaled where it drops ("inverted").
DROPOUT = """
def forward(params):
    z1 = X @ params["W1"] + params["b1"]
    a1 = np.maximum(z1, 0)
    mask = np.random.rand(*a1.shape) < keep_prob
    a1 = a1 * mask / keep_prob
    return z1, a1, mask, a1 @ params["W2"] + params["b2"]

def loss(params):
    return 0.5 * np.mean(np.sum((forward(params)[-1] - y) ** 2, axis=1))

def gradient(params):
    z1, a1, mask, out = forward(params)
    d2 = (out - y) / len(X)
    d1 = d2 @ params["W2"].T * mask / keep_prob
    d1 = d1 * (z1 > 0)
    return {"W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0)}

rng = np.random.default_rng(7)
X = rng.normal(size=(10, 3))
y = rng.normal(size=(10, 2))
keep_prob = 0.8
params = {"W1": rng.normal(size=(3, 6)), "b1": rng.normal(size=6), "W2": rng.normal(size=(6, 2)), "b2": np.zeros(2)}
"""

NETWORKS = {"softmax": SOFTMAX, "columns": COLUMNS, "squared": SQUARED, "dropout": DROPOUT}


class Plant(NamedTuple):
    """One mistake: the network, the text that is right, the text instead, the blocks it spoils, the cause's code."""

    network: str
    right: str
    instead: str
    blocks: str
    code: str

    def __str__(self) -> str:
        return f"{self.network}: {self.instead.strip()[:50]} ({self.code})"


ALL = "W1 b1 W2 b2 W3 b3"
EARLY = "W1 b1 W2 b2"
FIRST = "W1 b1"
PLANTS = [
    # -- scale and sign
    Plant("softmax", "(probs - Y) / m\n    grads", "(probs - Y)\n    grads", ALL, "missing_1_m"),
    Plant("columns", "dW2 = 1 / m *", "dW2 =", "W2", "missing_1_m"),
    Plant("columns", "db3 = 1 / m * np.sum", "db3 = np.sum", "b3", "missing_1_m"),
    Plant("columns", "dZ3 = A3 - Y", "dZ3 = (A3 - Y) / m", ALL, "twice_1_m"),
    Plant("columns", "dW1 = 1 / m *", "dW1 = 1 / m / m *", "W1", "twice_1_m"),
    Plant("columns", "dZ3 = A3 - Y", "dZ3 = Y - A3", ALL, "sign"),
    Plant("squared", "d2 = (a2 - targets) / n", "d2 = (targets - a2) / n", "x[0] x[1] x[2] x[3]", "sign"),
    Plant("squared", "/ (2 * n)", "/ n", "x[0] x[1] x[2] x[3]", "factor_half"),
    Plant("squared", "d2 = (a2", "d2 = 2 * (a2", "x[0] x[1] x[2] x[3]", "factor_2"),
    # -- penalties
    Plant("softmax", 'A2.T @ dZ3 + lambd / m * params["W3"]', "A2.T @ dZ3", "W3", "l2_loss_only"),
    Plant("softmax", "    return data + penalty", "    return data", "W1 W2 W3", "l2_gradient_only"),
    Plant("softmax", "lambd / (2 * m)", "lambd / m", "W1 W2 W3", "l2_half"),
    Plant("softmax", "A1.T @ dZ2 + lambd / m", "A1.T @ dZ2 + 2 * lambd / m", "W2", "l2_twice"),
    Plant("softmax", "X.T @ dZ1 + lambd / m", "X.T @ dZ1 + lambd", "W1", "l2_not_over_m"),
    Plant("softmax", "= np.sum(dZ2, axis=0)", "= np.sum(dZ2, axis=0) + lambd / m * params['b2']", "b2", "l2_gradient_only"),
    # -- axes and shapes
    Plant("softmax", "= np.sum(dZ3, axis=0)", "= np.sum(dZ3)", "b3", "bias_axis"),
    Plant("columns", "db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)", "db2 = 1 / m * np.sum(dZ2)", "b2", "bias_axis"),
    Plant("softmax", "= np.sum(dZ1, axis=0)", "= np.sum(dZ1, axis=0).mean() * np.ones(4)", "b1", "bias_axis"),
    Plant("softmax", "= np.sum(dZ1, axis=0)", "= dZ1", "b1", "rows_not_summed"),
    Plant("softmax", 'A1.T @ dZ2 + lambd / m * params["W2"]', '(A1.T @ dZ2 + lambd / m * params["W2"]).T', "W2", "transposed"),
    Plant("columns", "np.dot(dZ2, A1.T)", "np.dot(A1, dZ2.T)", "W2", "transposed"),
    Plant("softmax", 'grads["dW3"] = A2.T @ dZ3 + lambd / m * params["W3"]',
          'grads["dW3"] = (dZ3.T @ A2 + lambd / m * params["W3"].T)', "W3", "transposed"),
    Plant("softmax", "= np.sum(dZ1, axis=0)", "= np.sum(dZ2, axis=0)", "b1", "swapped"),
    Plant("softmax", '    grads["db2"] = np.sum(dZ2, axis=0)\n', "", "b2", "missing"),
    Plant("columns", "dW1 = 1 / m * np.dot(dZ1, X.T)", "dW1 = np.zeros((3, 3))", "W1", "zero"),
    # -- the chain
    Plant("softmax", "dZ2 = dA2 * (1 - A2 ** 2)", "dZ2 = dA2", EARLY, "activation_slope_missing"),
    Plant("softmax", "dZ1 = dA1 * (1 - A1 ** 2)", "dZ1 = dA1", FIRST, "activation_slope_missing"),
    Plant("softmax", "dZ1 = dA1 * (1 - A1 ** 2)", "dZ1 = dA1 * (1 - np.tanh(A1) ** 2)", FIRST, "activation_slope_at_a"),
    Plant("softmax", "dZ2 = dA2 * (1 - A2 ** 2)", "dZ2 = dA2 * (1 - Z2 ** 2)", EARLY, "activation_slope_of_z"),
    Plant("softmax", "dZ2 = dA2 * (1 - A2 ** 2)", "dZ2 = dA2 * (1 - A2)", EARLY, "activation_slope_other"),
    Plant("softmax", "dZ1 = dA1 * (1 - A1 ** 2)", "dZ1 = dA1 * (1 - A2 ** 2)", FIRST, "activation_slope_layer"),
    Plant("columns", "dZ1 = dA1 * (A1 > 0)", "dZ1 = dA1", FIRST, "activation_slope_missing"),
    Plant("columns", "dZ1 = dA1 * (A1 > 0)", "dZ1 = dA1 * A1", FIRST, "activation_slope_other"),
    Plant("columns", "dZ1 = dA1 * (A1 > 0)", "dZ1 = dA1 * (A2 > 0)", FIRST, "activation_slope_layer"),
    Plant("squared", "a1 * (1 - a1)\n", "sigmoid(a1) * (1 - sigmoid(a1))\n", "x[0] x[1]", "activation_slope_at_a"),
    Plant("squared", "a1 * (1 - a1)\n", "z1 * (1 - z1)\n", "x[0] x[1]", "activation_slope_of_z"),
    Plant("squared", "/ n * a2 * (1 - a2)", "/ n", "x[0] x[1] x[2] x[3]", "output_slope_missing"),
    Plant("columns", "dZ3 = A3 - Y", "dZ3 = (A3 - Y) * A3 * (1 - A3)", ALL, "output_slope_twice"),
    Plant("softmax", "A1.T @ dZ2", "X.T @ dZ2", "W2", "previous_is_input"),
    Plant("columns", "np.dot(dZ2, A1.T)", "np.dot(dZ2, X.T)", "W2", "previous_is_input"),
    Plant("softmax", "A1.T @ dZ2", "A2.T @ dZ2", "W2", "previous_is_own"),
    Plant("columns", "np.dot(dZ3, A2.T)", "np.dot(dZ3, A1.T)", "W3", "previous_is_earlier"),
    Plant("columns", "np.dot(dZ3, A2.T)", "np.dot(dZ3, Z2.T)", "W3", "previous_is_z"),
    Plant("softmax", 'dA1 = dZ2 @ params["W2"].T', 'dA1 = dZ2 @ params["W2"]', FIRST, "weights_not_transposed"),
    Plant("columns", 'np.dot(parameters["W2"].T, dZ2)', 'np.dot(parameters["W2"], dZ2)', FIRST, "weights_not_transposed"),
    Plant("softmax", 'dA1 = dZ2 @ params["W2"].T', 'dA1 = dZ2 @ params["W1"].T', FIRST, "weights_other_layer"),
    Plant("softmax", "= np.sum(dZ2, axis=0)", "= dZ2[-1]", "b2", "bias_one_row"),
    Plant("columns", "dZ3 = A3 - Y", "dZ3 = -(Y / A3 - (1 - Y) / (1 - A3))", ALL, "output_slope_missing"),
    Plant("squared", "d2 @ W2.T", "(a2 - targets) / n @ W2.T", "x[0] x[1]", "activation_slope_missing"),
    Plant("columns", 'parameters["W2"].T, dZ2)', 'parameters["W2"].T, dA2)', FIRST, "activation_slope_missing"),
    Plant("softmax", '("W1", "W2", "W3")', '("W1", "W2")', "W3", "l2_gradient_only"),
    Plant("softmax", "dA2 = dZ3 @", "dA2 = (probs - Y) @", EARLY, "missing_1_m"),
    # -- dropout
    Plant("dropout", "    d1 = d2 @", "    mask = np.random.rand(*a1.shape) < keep_prob\n    d1 = d2 @", FIRST, "mask_redrawn"),
    Plant("dropout", "* mask / keep_prob\n    d1", "* mask\n    d1", FIRST, "mask_unscaled"),
    Plant("dropout", 'params["W2"].T * mask / keep_prob', 'params["W2"].T / keep_prob', FIRST, "mask_missing"),
    # -- arithmetic
    Plant("softmax", "    return grads", "    return {k: v.astype(np.float16) for k, v in grads.items()}", ALL, "half_precision"),
]  # fmt: skip

QUOTIENT = """
def gradient(params, eps=1e-4):
    grads = {}
    for k in params:
        grads[k] = np.zeros_like(params[k])
        for i in np.ndindex(params[k].shape):
            moved = {n: v.copy() for n, v in params.items()}
            moved[k][i] += eps
            grads[k][i] = (loss(moved) - loss(params)) / eps
    return grads
"""


def built(network: str, plant: Plant | None = None, extra: str = "") -> dict[str, Any]:
    """Run the text of a network, with a mistake in it, and return its names."""
    text = NETWORKS[network]
    if plant is not None:
        assert text.count(plant.right) >= 1, f"{plant.right!r} does not stand in {network}"
        text = text.replace(plant.right, plant.instead, 1)
    scope: dict[str, Any] = {"np": np}
    exec(text + extra, scope)  # noqa: S102 - our own text
    return scope
