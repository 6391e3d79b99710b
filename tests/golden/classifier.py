"""Seed 002, a ReLU classifier: cross-entropy, measured before the update, counted from 0.

Matrices of the files are (fan_out, fan_in) and their examples are columns; ours are the other way round.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.golden import Answer, Check, Golden, data, load
from tests.golden.seed_rules import adam_as_printed

from thalweg.descent.batches import Rows
from thalweg.descent.minimize import minimize
from thalweg.descent.models import Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.activations import logistic, relu
from thalweg.formulas.formula import Rule, loss
from thalweg.formulas.losses import log
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adam, ema_momentum, gradient_descent

Array = NDArray[np.float64]


def start_of(net: Network, weights: dict[str, Any]) -> Array:
    """Lay out W1, W2, ... and b1, b2, ... of a file; biases that are not there are 0."""
    layers = range(1, len(net.shapes) + 1)
    biases = [np.array(weights.get(f"b{k}", np.zeros(net.layer_sizes[k]))) for k in layers]
    return net.pack([np.array(weights[f"W{k}"]).T for k in layers], biases)


def part_of(net: Network, gradient: Array, name: str) -> Any:
    """Return dW2 or db2 out of a flat gradient, as the files lay them out."""
    letter, layer = name[1], int(name[2:]) - 1
    return net.coefs(gradient)[layer].T if letter == "W" else net.biases(gradient)[layer].reshape(-1, 1)


# The small net

SMALL = Network((2, 3, 2, 1), (relu, relu))


def small_rows(golden: Golden) -> Rows:
    return Rows.of(np.array(golden["inputs"]["X"]).T, np.array(golden["inputs"]["Y"]).T)


def small_net(golden: Golden, entry: Check) -> Any:
    quantity, _, strength = entry["name"].partition("_lambda")
    rows = small_rows(golden)
    objective = Objective(SMALL, rows, log, penalty=l2(alpha=float(strength or 0) / rows.count))
    theta = start_of(SMALL, golden["inputs"])
    match quantity:
        case "output":
            return logistic.value(objective.scores(theta)).T
        case "cost":
            return objective.value(theta)
    return part_of(SMALL, objective.gradient(theta), quantity)


def dropout(golden: Golden, entry: Check) -> Any:
    given, share = golden["inputs"], 1 - golden["hyperparameters"]["keep_prob"]
    net = Network(SMALL.layer_sizes, (relu, relu), (share, share))
    objective = Objective(net, small_rows(golden), log, masks=[np.array(given[f"mask{k}"]).T for k in (1, 2)])
    theta = start_of(net, given)
    match entry["name"]:
        case "output":
            return logistic.value(objective.scores(theta)).T
        case "output_test_time":
            return logistic.value(net.scores(theta, np.array(given["X"]).T)).T
        case "cost":
            return objective.value(theta)
    return part_of(net, objective.gradient(theta), entry["name"])


@loss
def constant(y, z):
    """Nothing to learn."""
    return 0 * z + 1, 0 * z


def difference(objective: Objective, gradient: Array, theta: Array, eps: float) -> float:
    """Distance of a gradient from central differences, by the sum of both norms; 0 when both are 0."""
    steps = eps * np.eye(theta.size)
    numeric = np.array([(objective(theta + step) - objective(theta - step)) / (2 * eps) for step in steps])
    norms = np.linalg.norm(gradient) + np.linalg.norm(numeric)
    return float(np.linalg.norm(gradient - numeric) / norms) if norms else 0.0


def gradient_check(golden: Golden, entry: Check) -> Any:
    theta, rows, name = start_of(SMALL, golden["inputs"]), small_rows(golden), entry["name"]
    said = re.search(r"eps ?(1e-\d+)", f"{name} {entry['what']}")
    eps = float(said[1]) if said else 1e-5
    if name == "all_zero":
        flat = Objective(SMALL, rows, constant)
        return difference(flat, flat.gradient(theta), theta, eps)
    objective = Objective(SMALL, rows, log, penalty=l2(alpha=golden["hyperparameters"]["lambda"] / rows.count))
    gradient = objective.gradient(theta)
    if found := re.fullmatch(r"(d[Wb]\d)_(?:times_([\d.]+)|doubled)", name):
        part = part_of(SMALL, gradient, found[1])  # a view
        part *= float(found[2] or 2)
    elif not name.startswith("correct_gradient"):
        raise KeyError(name)
    return difference(objective, gradient, theta, eps)


# Football


@cache
def football(split: str) -> tuple[Array, Array]:
    """Return the points (n, 2) and classes (n,) of ``train`` or ``val``."""
    with data("football_2d.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["split"] == split]
    points = [[float(line["x1"]), float(line["x2"])] for line in lines]
    return np.array(points), np.array([float(line["y"]) for line in lines])


@cache
def football_descent(identifier: str) -> tuple[Array, Array, Network]:
    """Return the cost before every update, the last parameters, and the network."""
    golden = load(identifier)
    numbers, given = golden["hyperparameters"], golden["inputs"]
    share, iterations = 1 - numbers["keep_prob"], numbers["iterations"]
    net = Network((2, 20, 3, 1), (relu, relu), (share, share) if share else ())
    rows = Rows.of(*football("train"))
    theta, rule = start_of(net, given["initial_weights"]), gradient_descent(learning_rate=numbers["learning_rate"])
    penalty = l2(alpha=numbers["lambda"] / rows.count) if numbers["lambda"] else None
    if "mask_origin" in given:  # the same masks before every update
        stream = np.random.RandomState(1)
        masks = [(stream.rand(units, rows.count) < numbers["keep_prob"]).T for units in (20, 3)]
        objective = Objective(net, rows, log, penalty=penalty, masks=masks)
        result = minimize(
            objective.value_and_gradient, theta, jac=True, optimizer=rule, max_iter=iterations, gtol=0, trajectory=True
        )
        return result.path_fun, result.x, net
    settings = Settings(rule, log, penalty=penalty, max_iter=iterations)
    run = Run(net, rows, settings, theta=theta, random_state=1).descend()
    return np.array(run.loss_curve), run.theta, net


def on_football(golden: Golden, entry: Check) -> Any:
    costs, theta, net = football_descent(golden["id"])
    if found := re.fullmatch(r"cost_iter_(\d+)", entry["name"]):
        return costs[int(found[1])]
    if found := re.fullmatch(r"(train|val)_accuracy(?:_range)?", entry["name"]):
        points, classes = football(found[1])
        return float(np.mean((net.scores(theta, points)[:, 0] > 0) == classes))
    if entry["name"] == "weights_squared":
        return float(sum((w * w).sum() for w in net.coefs(theta)))
    raise KeyError(entry["name"])


# Moons

MOONS = Network((2, 5, 2, 1), (relu, relu))


def moons_points(golden: Golden, entry: Check) -> Any:
    given = golden["inputs"]
    match entry["name"]:
        case "count":
            return [len(given["y"]), sum(given["y"])]
        case "feature_means":
            return [np.mean(given["x1"]), np.mean(given["x2"])]
    raise KeyError(entry["name"])


@cache
def moons() -> tuple[Array, Array]:
    given = load("s002_moons_points")["inputs"]
    return np.column_stack([given["x1"], given["x2"]]), np.array(given["y"], dtype=np.float64)


def moons_rule(golden: Golden, kind: str) -> Rule:
    numbers = golden["hyperparameters"]
    rate = numbers["learning_rate"]
    match kind:
        case "gd":
            return gradient_descent(learning_rate=rate)
        case "momentum":
            return ema_momentum(learning_rate=rate, momentum=numbers["beta"])
    one = adam if kind == "adam" else adam_as_printed
    return one(learning_rate=rate, beta1=numbers["beta1"], beta2=numbers["beta2"], epsilon=numbers["eps"])


@cache
def moons_run(kind: str) -> Run:
    golden = load(f"s002_moons_{kind}")
    numbers, given = golden["hyperparameters"], golden["inputs"]

    def order(epoch: int) -> NDArray[Any]:
        return np.random.RandomState(11 + epoch).permutation(300)

    head = given["first_permutation_head"]
    assert order(0)[: len(head)].tolist() == head
    settings = Settings(
        moons_rule(golden, kind), log, batch_size=numbers["mini_batch_size"], max_iter=numbers["epochs"]
    )
    theta = start_of(MOONS, given["initial_weights"])
    return Run(MOONS, Rows.of(*moons()), settings, theta=theta, order=order, keep_steps=True).descend()


def on_moons(kind: str) -> Answer:
    def answer(golden: Golden, entry: Check) -> Any:
        del golden
        run = moons_run(kind)
        if found := re.fullmatch(r"cost_epoch_(\d+)", entry["name"]):
            return run.loss_curve[int(found[1])]
        if found := re.fullmatch(r"last_block_cost_epoch_(\d+)", entry["name"]):
            blocks = len(run.step_losses) // len(run.loss_curve)
            return run.step_losses[blocks * int(found[1]) + blocks - 1]
        points, classes = moons()
        match entry["name"]:
            case "train_accuracy":
                return float(np.mean((MOONS.scores(run.theta, points)[:, 0] > 0) == classes))
            case "final_cross_entropy":
                return Objective(MOONS, Rows.of(points, classes), log).value(run.theta)
        raise KeyError(entry["name"])

    return answer


FOOTBALL = ("plain", "plain_he", "l2", "l2_he", "dropout_fixed", "dropout_he", "dropout_fresh")
ANSWERS: dict[str, Answer] = {
    "s002_l2": small_net,
    "s002_dropout": dropout,
    "s002_gradient_check": gradient_check,
    **{f"s002_football_{kind}": on_football for kind in FOOTBALL},
    "s002_moons_points": moons_points,
    **{f"s002_moons_{kind}": on_moons(kind) for kind in ("gd", "momentum", "adam", "adam_as_printed")},
}
