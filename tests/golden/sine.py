"""Seed 003, small sigmoid nets: the mean of squares is reported, half of it descended on; counted from 0."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.golden import Answer, Check, Golden, find, load

from thalweg.descent.batches import Rows
from thalweg.descent.models import Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.activations import logistic
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import gradient_descent

SINE = Network((1, 25, 1), (logistic,))
X = np.arange(100).reshape(-1, 1) / 100
Y = 20 * np.sin(2 * np.pi * X)


def first_weights(seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return W1 (25, 1) and W2 (1, 25), in [0, 1)."""
    stream = np.random.RandomState(seed)
    return stream.random_sample((25, 1)), stream.random_sample((1, 25))


@cache
def losses(identifier: str, seed: int) -> list[float]:
    numbers = load(identifier)["hyperparameters"]
    w1, w2 = first_weights(seed)
    theta = SINE.pack([w1.T, w2.T], [np.zeros(25), np.zeros(1)])
    settings = Settings(
        gradient_descent(learning_rate=numbers["learning_rate"]), squared, max_iter=numbers["iterations"]
    )
    run = Run(SINE, Rows.of(X, Y), settings, theta=theta).descend()
    return [2 * half for half in run.loss_curve]


def sine(golden: Golden, entry: Check) -> Any:
    if entry["name"] == "loss_of_zero_prediction":
        return 2 * Objective(SINE, Rows.of(X, Y), squared).value(np.zeros(SINE.size))
    if found := re.fullmatch(r"w1_head_seed(\d+)", entry["name"]):
        return first_weights(int(found[1]))[0][:5, 0]
    if found := re.fullmatch(r"loss_seed(\d+)_iter_(\d+)", entry["name"]):
        return losses(golden["id"], int(found[1]))[int(found[2])]
    raise KeyError(entry["name"])


def two_hidden(golden: Golden, entry: Check) -> Any:
    """Matrices of the file are (fan_out, fan_in), its examples are columns; ours are the other way round."""
    given = golden["inputs"]
    if entry["name"].startswith("chain"):
        said = find(golden, "chain_right")["what"]  # "... w1=.5 b1=.1 w2=-.8 ..."
        numbers = [float(number) for number in re.findall(r"[wb]\d=(-?[\d.]+)", said)]
        chain = Network((1, 1, 1, 1), (logistic, logistic))
        theta = chain.pack([np.array([[w]]) for w in numbers[::2]], [np.array([b]) for b in numbers[1::2]])
        return chain.scores(theta, np.array([[0.0], [1.0]]))[:, 0]
    net = Network((1, 3, 2, 1), (logistic, logistic))
    theta = net.pack([np.array(given[f"w{k}"]).T for k in (1, 2, 3)], [np.array(given[f"b{k}"]) for k in (1, 2, 3)])
    objective = Objective(net, Rows.of(np.array(given["x"]).T, np.array(given["y"]).T), squared)
    if entry["name"] == "output":
        return objective.scores(theta).T
    if entry["name"] == "loss":
        return 2 * objective.value(theta)
    if found := re.fullmatch(r"d([wb])(\d)", entry["name"]):
        gradient, layer = objective.gradient(theta), int(found[2]) - 1
        if found[1] == "w":
            return net.coefs(gradient)[layer].T
        return net.biases(gradient)[layer].reshape(-1, 1)
    raise KeyError(entry["name"])


ANSWERS: dict[str, Answer] = {"s003_sine": sine, "s003_two_hidden": two_hidden}
