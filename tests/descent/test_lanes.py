"""Lanes: many learning rates trained together have the bits of the same runs alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.descent.batches import Rows
from thalweg.descent.loops import FusedLanes
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas import catalog, losses, penalties, schedules
from thalweg.formulas.rules import adam, ftrl, gradient_descent, momentum

RATES = np.geomspace(1e-4, 0.3, 5)
RULES = [rule for rule in catalog.rules().values() if rule.has_learning_rate]


def table(features: int, dtype: str, outputs: int = 1, rows: int = 40) -> Rows:
    draw = np.random.default_rng(features)
    X = draw.normal(size=(rows, features))
    y = X @ draw.normal(size=(features, outputs)) + 0.1 * draw.normal(size=(rows, outputs))
    return Rows.of(X, y, dtype=dtype)


def together(rows: Rows, settings: Settings, rates: np.ndarray, outputs: int = 1) -> Run:
    model = Linear(rows.X.shape[1], outputs, lanes=rates.size)
    return Run(model, rows, settings, random_state=3, rates=np.repeat(rates, outputs)).descend()


def alone(rows: Rows, settings: Settings, rate: float, outputs: int = 1) -> Run:
    own = Settings(**{**vars(settings), "optimizer": settings.optimizer(learning_rate=rate)})
    return Run(Linear(rows.X.shape[1], outputs), rows, own, random_state=3).descend()


def lane(run: Run, k: int, outputs: int = 1) -> np.ndarray:
    return run.theta.reshape(-1, run.model.columns)[:, k * outputs : (k + 1) * outputs].ravel()


def assert_same_bits(rows: Rows, settings: Settings, rates: np.ndarray = RATES, outputs: int = 1) -> Run:
    many = together(rows, settings, rates, outputs)
    for k, rate in enumerate(rates):
        one = alone(rows, settings, float(rate), outputs)
        np.testing.assert_array_equal(lane(many, k, outputs), one.theta)
        curve = [float(losses[k]) for losses in many.lane_curves]
        assert curve == pytest.approx(one.loss_curve, rel=1e-12 if rows.dtype == "float64" else 1e-5)
    return many


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_one_sample_a_step_every_rule(rule):
    run = assert_same_bits(table(3, "float64"), Settings(rule, losses.squared, batch_size=1, max_iter=2))
    assert isinstance(run._loop, FusedLanes) == (not rule.hyperparameters.get("weight_decay"))


@pytest.mark.parametrize("rule", [adam, ftrl, momentum], ids=lambda rule: rule.name)
def test_one_sample_a_step_in_float32(rule):
    for features in (3, 9):
        assert_same_bits(table(features, "float32"), Settings(rule, losses.squared, batch_size=1, max_iter=2))


@pytest.mark.parametrize("features", [0, 1, 7, 8, 21])
def test_one_sample_a_step_any_number_of_features_and_lanes(features):
    settings = Settings(adam, losses.squared, schedule=schedules.exponential(gamma=0.9), batch_size=1, max_iter=2)
    for lanes in (2, 15, 16, 17, 33):
        run = assert_same_bits(table(features, "float64"), settings, np.geomspace(1e-4, 0.1, lanes))
        assert isinstance(run._loop, FusedLanes)


LOSSES = [losses.absolute, losses.huber, losses.log, losses.poisson, losses.hinge]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("batch", [1, 7])
def test_losses(loss, batch):
    rows = table(4, "float64")
    targets = {"binary": rows.targets > 0, "count": np.abs(rows.targets)}.get(loss.target, rows.targets)
    rows = Rows.of(rows.X, targets)
    assert_same_bits(rows, Settings(adam, loss, batch_size=batch, max_iter=2))


@pytest.mark.parametrize("fit", ["dense", "csr", "weights", "float32"])
@pytest.mark.parametrize("batch", [1, 8, None])
def test_batches_of_several_outputs(fit, batch):
    rows = table(9, "float32" if fit == "float32" else "float64", outputs=3)
    if fit == "csr":
        rows = Rows.of(csr_array(np.where(np.abs(rows.X) > 0.7, rows.X, 0.0)), rows.targets)
    if fit == "weights":
        rows = Rows.of(rows.X, rows.targets, np.arange(rows.count) % 3)
    assert_same_bits(rows, Settings(adam, losses.squared, batch_size=batch, max_iter=3), outputs=3)


def test_softmax():
    rows = table(5, "float64", outputs=3)
    rows = Rows.of(rows.X, np.eye(3)[rows.targets.argmax(axis=1)])
    assert_same_bits(rows, Settings(adam, losses.softmax, batch_size=8, max_iter=3), outputs=3)


@pytest.mark.parametrize("penalty", [penalties.l1(alpha=1.0), penalties.l2(alpha=0.1)], ids=lambda p: p.name)
@pytest.mark.parametrize("rule", [adam, gradient_descent], ids=lambda rule: rule.name)
def test_penalties(penalty, rule):
    run = assert_same_bits(table(6, "float64"), Settings(rule, losses.squared, penalty, batch_size=8, max_iter=8))
    if penalty.name == "l1":
        assert (run.theta == 0).any()


@pytest.mark.parametrize("clip", [{"clip_norm": 0.5}, {"clip_value": 0.2}], ids=lambda clip: next(iter(clip)))
def test_clipping_is_each_lanes_own(clip):
    assert_same_bits(table(6, "float64"), Settings(adam, losses.squared, batch_size=8, max_iter=3, **clip))


def test_full_batch_of_many_rows():
    assert_same_bits(table(5, "float64", rows=2000), Settings(gradient_descent, losses.squared, max_iter=30))


def test_a_lane_that_diverges_leaves_the_others_alone():
    rates = np.array([1e-3, 1e200, 1e-2, 1e300])
    rows, settings = table(5, "float64"), Settings(gradient_descent, losses.squared, batch_size=1, max_iter=2)
    run = together(rows, settings, rates)
    for k in (0, 2):
        np.testing.assert_array_equal(lane(run, k), alone(rows, settings, float(rates[k])).theta)
    assert not np.isfinite(lane(run, 1)).any()
