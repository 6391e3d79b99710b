"""Seed 000, a line through ten points: half the mean of squares, measured before the update, counted from 1."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tests.golden import Answer, Check, Golden, load

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.formula import Rule
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam, ema_momentum, gradient_descent, rmsprop

LINE = Linear(1)
RUNS_OF_THE_BAND = 400


def rule_of(golden: Golden) -> Rule:
    numbers = golden["hyperparameters"]
    match golden["id"].removeprefix("s000_"):
        case "momentum":
            return ema_momentum(learning_rate=numbers["lr"], momentum=numbers["beta1"])
        case "rmsprop":
            return rmsprop(learning_rate=numbers["lr"], rho=numbers["beta2"], epsilon=numbers["eps"])
        case "adam":
            names = {"learning_rate": "lr", "beta1": "beta1", "beta2": "beta2", "epsilon": "eps"}
            return adam(**{name: numbers[theirs] for name, theirs in names.items()})
        case "gd" | "sgd" | "band_sgd":
            return gradient_descent(learning_rate=numbers["lr"])
    raise KeyError(golden["id"])


def rows_of(golden: Golden) -> Rows:
    return Rows.of(np.array(golden["inputs"]["x"]).reshape(-1, 1), np.array(golden["inputs"]["y"]))


class Path(NamedTuple):
    """Loss before each update; parameters (w, b) before the first and after each."""

    losses: list[float]
    thetas: list[NDArray[Any]]


@cache
def full_batch_path(identifier: str) -> Path:
    golden = load(identifier)
    run = Run(LINE, rows_of(golden), Settings(rule_of(golden), squared, max_iter=1000))
    thetas = [run.theta.copy()]
    run.descend(callbacks=[lambda run: thetas.append(run.theta.copy())])
    return Path(run.loss_curve, thetas)


def full_batch(golden: Golden, entry: Check) -> Any:
    path = full_batch_path(golden["id"])
    quantity, _, number = entry["name"].rpartition("_")
    match quantity:
        case "loss_iter":
            return path.losses[int(number) - 1]
        case "params_after":
            return path.thetas[int(number)]
    raise KeyError(entry["name"])


def single_sample(golden: Golden, entry: Check) -> Any:
    if entry["name"] == "rows_never_drawn":
        return np.setdiff1d(np.arange(10), np.random.RandomState(0).randint(0, 9, 10_000))
    order = np.array(golden["inputs"]["sample_order"])
    settings = Settings(rule_of(golden), squared, batch_size=1, max_iter=1)
    run = Run(LINE, rows_of(golden), settings, order=lambda _: order, keep_steps=True).descend()
    return run.step_losses[entry["step"] - 1]


@cache
def band_losses(identifier: str) -> dict[int, NDArray[np.float64]]:
    """Loss on all points after the updates that the file lists, of many runs on rows 0 to 8."""
    golden = load(identifier)
    rows = rows_of(golden)
    value = Objective(LINE, rows, squared).value
    steps = sorted(entry["step"] for entry in golden["checks"])
    draws = np.random.default_rng(0).integers(0, 9, (RUNS_OF_THE_BAND, steps[-1]))
    losses = np.zeros((RUNS_OF_THE_BAND, len(steps)))
    for drawn, row in zip(draws, losses, strict=True):
        pieces = np.split(drawn, steps[:-1])  # an "epoch" runs from one listed step to the next
        settings = Settings(rule_of(golden), squared, batch_size=1, max_iter=len(steps))
        run = Run(LINE, rows, settings, order=pieces.__getitem__)
        seen: list[float] = []
        run.descend(callbacks=[lambda run, seen=seen: seen.append(value(run.theta))])
        row[:] = seen
    return dict(zip(steps, losses.T, strict=True))


def band(golden: Golden, entry: Check) -> Any:
    return band_losses(golden["id"])[entry["step"]]


def loss(golden: Golden, entry: Check) -> Any:
    objective = Objective(LINE, rows_of(golden), squared)
    match entry["name"]:
        case "example_loss":
            return objective.value(np.array([0.0, 1.0]))
        case "loss_at_zero":
            return objective.value(np.zeros(2))
        case "grad_at_zero":
            return objective.gradient(np.zeros(2))
        case "least_squares":
            settings = Settings(gradient_descent(learning_rate=0.1), squared, max_iter=5000)
            theta = Run(LINE, rows_of(golden), settings).descend().theta
            return [*theta, objective.value(theta)]
    raise KeyError(entry["name"])


ANSWERS: dict[str, Answer] = {
    "s000_adam": full_batch,
    "s000_band_sgd": band,
    "s000_gd": full_batch,
    "s000_loss": loss,
    "s000_momentum": full_batch,
    "s000_rmsprop": full_batch,
    "s000_sgd": single_sample,
}
