"""Seed 004, y = w x: the mean of squares with its factor 2, measured before the update, counted from 0."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.golden import Answer, Check, Golden, load
from tests.golden.seed_rules import square

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.rules import gradient_descent

WEIGHT = Linear(1, fit_intercept=False)
START = np.ones(1)


def table_of(golden: Golden) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.array(golden["inputs"]["x"]).reshape(-1, 1), np.array(golden["inputs"]["y"])


@cache
def epochs(identifier: str) -> list[list[float]]:
    """Weight after every epoch, and the loss of its last update before that update."""
    golden = load(identifier)
    numbers = golden["hyperparameters"]
    settings = Settings(
        gradient_descent(learning_rate=numbers["lr"]),
        square,
        batch_size=1 if identifier.endswith("sgd") else None,
        max_iter=numbers["epochs"],
        shuffle=False,
    )
    run = Run(WEIGHT, Rows.of(*table_of(golden)), settings, theta=START, keep_steps=True)
    weights: list[float] = []
    run.descend(callbacks=[lambda run: weights.append(float(run.theta[0]))])
    updates = len(run.step_losses) // len(weights)
    return [list(pair) for pair in zip(weights, run.step_losses[updates - 1 :: updates], strict=True)]


def sample_gradients(golden: Golden) -> list[float]:
    """Gradient of each sample of the first epoch, where the updates before it have led."""
    x, y = table_of(golden)
    rule = gradient_descent(learning_rate=golden["hyperparameters"]["lr"])
    gradients, theta = [], START
    for k in range(len(y)):
        gradient = Objective(WEIGHT, Rows.of(x[[k]], y[[k]]), square).gradient(theta)
        gradients.append(float(gradient[0]))
        theta, _ = rule.step(theta, gradient, rule.init(theta), k + 1.0)
    return gradients


def descent(golden: Golden, entry: Check) -> Any:
    match entry["name"].split("_"):
        case ["epoch", number]:
            return epochs(golden["id"])[int(number)]
        case ["gradients", "epoch", "0"]:
            return sample_gradients(golden)
        case ["prediction", "before"]:
            return WEIGHT.scores(START, np.array([[4.0]]))[0, 0]
        case ["least", "squares", "w"]:
            settings = Settings(gradient_descent(learning_rate=0.1), square, max_iter=1000)
            return Run(WEIGHT, Rows.of(*table_of(golden)), settings).descend().theta[0]
    raise KeyError(entry["name"])


ANSWERS: dict[str, Answer] = {"s004_gd": descent, "s004_sgd": descent}
