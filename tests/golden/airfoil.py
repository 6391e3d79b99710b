"""Seed 001, linear regression on the airfoil table: squares, measured after the update, by forward differences."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from tests.golden import Answer, Check, Golden, data, load
from tests.golden.seed_rules import adagrad_epsilon_inside, square

from thalweg.descent.batches import Rows
from thalweg.descent.minimize import minimize
from thalweg.descent.models import Linear
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.exchange import datasets
from thalweg.exchange.tables import Table
from thalweg.formulas.formula import Rule
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adadelta, adagrad, adam, gradient_descent, momentum

Array = NDArray[np.float64]

LINE = Linear(5)
START = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
FORWARD = 1e-3
RUNS_OF_A_BAND = 400


@cache
def table() -> Table:
    folder = data("airfoil_self_noise.tsv").parent
    with mock.patch.dict(os.environ, THALWEG_DATA=str(folder)):
        return datasets.load("airfoil")


@cache
def standardised() -> tuple[Array, Array]:
    """Features (1503, 5) and target (1503,), each with mean 0 and population variance 1."""
    columns = np.column_stack([table()[name] for name in table().names])
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return columns[:, :5], columns[:, 5]


@cache
def mean_loss() -> Objective:
    return Objective(LINE, Rows.of(*standardised()), square)


def forward_gradient(function: Callable[[Array], float], theta: Array) -> Array:
    """Forward differences, as the seed takes them."""
    here = function(theta)
    return np.array([(function(theta + FORWARD * unit) - here) / FORWARD for unit in np.eye(theta.size)])


def rule_of(golden: Golden) -> Rule:
    numbers = golden["hyperparameters"]
    match golden["id"].rpartition("_")[2]:
        case "gd" | "exact" | "sgd":
            return gradient_descent(learning_rate=numbers["lr"])
        case "momentum":
            return momentum(learning_rate=numbers["lr"], momentum=numbers["beta"])
        case "adagrad":
            return adagrad_epsilon_inside(learning_rate=numbers["lr"], epsilon=numbers["eps"])
        case "adadelta":
            return adadelta(rho=numbers["rho"], epsilon=numbers["eps"])
        case "adam":
            betas = {name: numbers[name] for name in ("beta1", "beta2")}
            return adam(learning_rate=numbers["lr"], epsilon=numbers["eps"], **betas)
    raise KeyError(golden["id"])


def start(golden: Golden, entry: Check) -> Any:
    del golden
    columns = [np.asarray(table()[name]) for name in table().names]
    match entry["name"]:
        case "shape":
            return standardised()[0].shape
        case "column_means":
            return np.mean(columns, axis=1)
        case "predict_row0":
            return LINE.scores(START, standardised()[0])[0, 0]
        case "mean_loss":
            return mean_loss().value(START)
        case "total_loss":
            return mean_loss().value(START) * len(columns[0])
        case "fd_gradient_w":
            return forward_gradient(mean_loss().value, START)[:5]
        case "exact_gradient_w":
            return mean_loss().gradient(START)[:5]
        case "fd_bias":
            return forward_gradient(mean_loss().value, START) - mean_loss().gradient(START)
    raise KeyError(entry["name"])


# Full batch


@cache
def by_differences(identifier: str) -> Array:
    """Mean loss after every update, the gradient taken by forward differences."""
    golden = load(identifier)
    value = mean_loss().value
    result = minimize(
        value, START, jac=lambda theta: forward_gradient(value, theta), optimizer=rule_of(golden),
        max_iter=golden["hyperparameters"]["steps"], gtol=0, trajectory=True,
    )  # fmt: skip
    return np.asarray(result.path_fun)[1:]


@cache
def natively(identifier: str) -> list[float]:
    """Mean loss after every update, the gradient exact; one more update than the file has shows the last loss."""
    golden = load(identifier)
    settings = Settings(rule_of(golden), square, max_iter=golden["hyperparameters"]["steps"] + 1)
    return Run(LINE, Rows.of(*standardised()), settings, theta=START).descend().loss_curve[1:]


@cache
def from_moments(identifier: str) -> list[float]:
    """Return the same from the second moments of the rows, which half the squares at twice the rate are served by."""
    golden = load(identifier)
    rule = gradient_descent(learning_rate=2 * golden["hyperparameters"]["lr"])
    settings = Settings(rule, squared, max_iter=golden["hyperparameters"]["steps"] + 1)
    run = Run(LINE, Rows.of(*standardised()), settings, theta=START).descend()
    return [2 * half for half in run.loss_curve[1:]]


def after_update(losses: Callable[[str], Any]) -> Answer:
    return lambda golden, entry: losses(golden["id"])[entry["step"]]


def optimum(golden: Golden, entry: Check) -> Any:
    del golden
    if entry["name"] == "hessian_extremes":  # the gradient is linear in theta
        there = mean_loss().gradient
        hessian = np.array([there(unit) - there(np.zeros(6)) for unit in np.eye(6)])
        return np.linalg.eigvalsh((hessian + hessian.T) / 2)[[0, -1]]
    settings = Settings(gradient_descent(learning_rate=0.4), squared, max_iter=2000)
    theta = Run(LINE, Rows.of(*standardised()), settings).descend().theta
    match entry["name"]:
        case "least_squares_w":
            return theta[:5]
        case "least_squares_mean_loss":
            return mean_loss().value(theta)
    raise KeyError(entry["name"])


# One sample a step


def one_sample_a_step(rule: Rule, orders: NDArray[Any], updates: list[int]) -> dict[int, Array]:
    """Return the parameters (runs, 6) after some updates; every row of ``orders`` (runs, steps) is a run.

    A rule acts on each coordinate alone, so that the runs stand side by side in one long vector.
    """
    X, y = standardised()
    inputs = np.column_stack([X, np.ones(len(X))])
    runs, steps = orders.shape
    calls = count()

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        drawn = orders[:, min(next(calls), steps - 1)]  # the value after the last update is not descended on
        x, target = inputs[drawn], y[drawn, None]
        scores = (x * theta.reshape(runs, 6)).sum(axis=1, keepdims=True)
        here = square.value(target, scores)
        ahead = square.value(target, scores + FORWARD * x)  # one parameter moved forward in each column
        return float(here.sum()), (ahead - here).ravel() / FORWARD

    thetas = {}

    def keep(result: Any) -> None:
        if result.nit in updates:
            thetas[result.nit] = result.x.reshape(runs, 6)

    minimize(value_and_gradient, np.tile(START, runs), jac=True, optimizer=rule, max_iter=steps, gtol=0, callback=keep)
    return thetas


def total_loss(theta: Array) -> float:
    return mean_loss().value(theta) * mean_loss().rows.count


def updates_made(golden: Golden, step: int) -> int:
    """Count the updates made when the loss of ``step`` is measured."""
    return step + (0 if golden["convention"]["reported"].endswith("counts from 1") else 1)


def order_of(seed: int, steps: int) -> NDArray[Any]:
    return np.random.RandomState(seed).randint(0, 1503, steps)


def steps_of(golden: Golden) -> int:
    """Return the length of a seeded run: that of its last parameters, else just beyond its last listed step."""
    said = [int(found[1]) for entry in golden["checks"] if (found := re.search(r"\((\d+) steps\)", entry["what"]))]
    return max([*said, *(updates_made(golden, entry["step"]) for entry in golden["checks"] if "step" in entry)])


@cache
def seeded_thetas(identifier: str, seed: int) -> dict[int, Array]:
    golden = load(identifier)
    steps = steps_of(golden)
    return one_sample_a_step(rule_of(golden), order_of(seed, steps)[None], list(range(1, steps + 1)))


def seeded(golden: Golden, entry: Check) -> Any:
    seed = entry["rng_seed"]
    if entry["name"].startswith("rows_seed"):
        return order_of(seed, 10)
    thetas = seeded_thetas(golden["id"], seed)
    if entry["name"].startswith("params_final"):
        return thetas[steps_of(golden)][0]
    return total_loss(thetas[updates_made(golden, entry["step"])][0])


@cache
def band_losses(identifier: str) -> dict[int, list[float]]:
    golden = load(identifier)
    updates = [updates_made(golden, entry["step"]) for entry in golden["checks"]]
    orders = np.random.default_rng(1).integers(0, 1503, (RUNS_OF_A_BAND, max(updates)))
    thetas = one_sample_a_step(rule_of(golden), orders, updates)
    return {made: [total_loss(theta) for theta in runs] for made, runs in thetas.items()}


def band(golden: Golden, entry: Check) -> Any:
    return band_losses(golden["id"])[updates_made(golden, entry["step"])]


def first_step(golden: Golden, entry: Check) -> Any:
    row = golden["inputs"]["row"]
    theta = one_sample_a_step(rule_of(golden), np.array([[row]]), [1])[1][0]
    if entry["name"] == "total_loss":
        return total_loss(theta)
    X, y = standardised()
    loss_of_row = Objective(LINE, Rows.of(X[[row]], y[[row]]), square).value
    rates = (START - theta) / forward_gradient(loss_of_row, START)
    return rates[:5] if entry["name"] == "rate_w" else rates[5]


def seeded_exactly(golden: Golden, entry: Check) -> Any:
    """Return what the native loop for single samples gives with the exact gradient: near, and not the same."""
    if entry["name"].startswith("rows_seed"):
        return order_of(entry["rng_seed"], 10)
    made = steps_of(golden) if entry["name"].startswith("params") else updates_made(golden, entry["step"])
    order = order_of(entry["rng_seed"], steps_of(golden))[:made]
    settings = Settings(rule_of(golden), square, batch_size=1, max_iter=1)
    run = Run(LINE, Rows.of(*standardised()), settings, theta=START, order=lambda _: order).descend()
    return run.theta if entry["name"].startswith("params") else total_loss(run.theta)


def outside_the_root(golden: Golden, entry: Check) -> Any:
    """AdaGrad as it is usually written."""
    row, numbers = golden["inputs"]["row"], golden["hyperparameters"]
    usual = adagrad(learning_rate=numbers["lr"], epsilon=numbers["eps"])
    return total_loss(one_sample_a_step(usual, np.array([[row]]), [1])[1][0])


RULES = ("sgd", "momentum", "adagrad", "adadelta", "adam")
ANSWERS: dict[str, Answer] = {
    "s001_start": start,
    "s001_gd": after_update(by_differences),
    "s001_gd_exact": after_update(natively),
    "s001_optimum": optimum,
    "s001_first_step_adagrad": first_step,
    "s001_first_step_sgd": first_step,
    **{f"s001_seeded_{name}": seeded for name in RULES},
    **{f"s001_band_{name}": band for name in RULES},
}
