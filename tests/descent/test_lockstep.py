"""Lockstep: every lane leaves what the same run alone would leave, whatever happens to the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.descent import lockstep
from thalweg.descent.batches import Rows
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.lockstep import Lockstep
from thalweg.descent.models import Linear
from thalweg.descent.record import DIVERGED, FINISHED, STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.errors import SettingError
from thalweg.formulas import losses, penalties, schedules
from thalweg.formulas.rules import adam, gradient_descent, momentum, rprop

RULES = [
    *(gradient_descent(learning_rate=rate) for rate in (1e-3, 0.1, 0.9, 4.0, 1e200)),
    *(momentum(learning_rate=rate) for rate in (1e-3, 0.05, 30.0)),
    *(adam(learning_rate=rate, beta1=0.5) for rate in (1e-3, 1e300)),
    adam(learning_rate=0.1),
    rprop,
]
RATED = [rule for rule in RULES if rule.has_learning_rate]


def table(kind: str = "dense", outputs: int = 1) -> tuple[Rows, Rows]:
    draw = np.random.default_rng(5)
    X = draw.normal(size=(90, 6))
    y = X @ draw.normal(size=(6, outputs)) + 0.1 * draw.normal(size=(90, outputs))
    if kind == "softmax":
        y = np.eye(outputs)[y.argmax(axis=1)]
    if kind == "csr":
        X = csr_array(np.where(np.abs(X) > 0.6, X, 0.0))
    dtype = "float32" if kind == "float32" else "float64"
    weights = np.arange(60) % 3 if kind == "weights" else None
    return Rows.of(X[:60], y[:60], weights, dtype=dtype), Rows.of(X[60:], y[60:], dtype=dtype)


def alone(rows: Rows, judged: Rows, settings: Settings, rule, outputs: int) -> tuple[Run, list[float]]:
    model = Linear(6, outputs)
    judge = Evaluation(model, judged, settings.loss)
    run = Run(model, rows, replace(settings, optimizer=rule), random_state=7)
    found = [float(judge(run.theta)[0])]
    run.descend(callbacks=[lambda run: found.append(float(judge(run.theta)[0]))])
    if run.epoch == len(found):
        found.append(float(judge(run.theta)[0]))
    return run, found[: run.epoch + 1]


def assert_as_alone(rows: Rows, judged: Rows, settings: Settings, outputs: int = 1, rules=RULES) -> list[str]:
    lanes = Lockstep(Linear(6, outputs), rows, settings, rules, 7, judged).descend()
    for rule, lane in zip(rules, lanes, strict=True):
        run, found = alone(rows, judged, settings, rule, outputs)
        record, one = lane.record.as_dict(), run.record().as_dict()
        for name in ("seconds", "machine", "loss_curve"):
            del record[name], one[name]
        assert record == one, rule
        assert lane.record.loss_curve == pytest.approx(run.loss_curve, rel=1e-12 if rows.dtype == "float64" else 1e-5)
        np.testing.assert_array_equal(lane.theta, run.theta)
        assert list(lane.losses) == found
    return [lane.record.status for lane in lanes]


@pytest.mark.parametrize("batch", [1, 8, None])
@pytest.mark.parametrize("kind", ["dense", "csr", "weights", "float32"])
def test_every_lane_leaves_what_it_would_leave_alone(kind, batch):
    rows, judged = table(kind)
    statuses = assert_as_alone(rows, judged, Settings(adam, losses.squared, batch_size=batch, max_iter=6))
    assert {FINISHED, DIVERGED} == set(statuses)


def test_several_outputs_and_softmax():
    rows, judged = table("softmax", 3)
    settings = Settings(adam, losses.softmax, penalties.l2(alpha=0.01), batch_size=8, max_iter=4)
    assert_as_alone(rows, judged, settings, 3)


@pytest.mark.parametrize(
    "more",
    [
        {"schedule": schedules.cosine()},
        {"penalty": penalties.l1(alpha=0.05)},
        {"clip_norm": 0.5},
        {"shuffle": False},
        {"loss": losses.huber},
    ],
    ids=lambda more: next(iter(more)),
)
def test_settings_are_every_lanes_own(more):
    rows, judged = table()
    settings = replace(Settings(adam, losses.squared, batch_size=7, max_iter=6), **more)
    assert_as_alone(rows, judged, settings, rules=RATED)


@pytest.mark.parametrize("batch", [1, 8])
def test_small_pieces_change_nothing(batch, monkeypatch):
    rows, judged = table()
    settings = Settings(adam, losses.squared, schedule=schedules.exponential(), batch_size=batch, max_iter=5)
    whole = Lockstep(Linear(6), rows, settings, RATED, 7, judged).descend()
    monkeypatch.setattr(lockstep, "_CHUNK", 600)
    cut = Lockstep(Linear(6), rows, settings, RATED, 7, judged).descend()
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
        assert one.losses == other.losses
        assert one.record.divergence == other.record.divergence


def test_lanes_do_not_depend_on_their_neighbours():
    rows, judged = table()
    settings = Settings(adam, losses.squared, batch_size=8, max_iter=6)
    together = Lockstep(Linear(6), rows, settings, RULES, 7, judged).descend()
    for part in (slice(0, 3), slice(3, 7), slice(5, None)):
        for one, other in zip(
            together[part], Lockstep(Linear(6), rows, settings, RULES[part], 7, judged).descend(), strict=True
        ):
            np.testing.assert_array_equal(one.theta, other.theta)
            assert (one.losses, one.record.loss_curve) == (other.losses, other.record.loss_curve)


def test_a_watcher_sees_every_epoch_and_can_stop_all():
    rows, judged = table()
    seen = []

    def watch(lanes: Lockstep) -> bool:
        seen.append((lanes.epoch, lanes.alive))
        return lanes.epoch == 3

    settings = Settings(adam, losses.squared, batch_size=8, max_iter=6)
    lanes = Lockstep(Linear(6), rows, settings, RULES, 7, judged).descend(watch)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert seen[-1][1] < len(RULES)
    assert {lane.record.status for lane in lanes} == {STOPPED, DIVERGED}
    assert all(len(lane.losses) == lane.record.epochs + 1 for lane in lanes)


@pytest.mark.parametrize("name", ["tol", "target_loss", "time_limit"])
def test_a_lane_may_not_have_a_smaller_budget(name):
    rows, _ = table()
    with pytest.raises(SettingError, match="one budget"):
        Lockstep(Linear(6), rows, replace(Settings(adam, losses.squared), **{name: 0.1}), RULES, 7)


def test_lanes_do_not_average():
    rows, _ = table()
    with pytest.raises(SettingError, match=r"average: lanes hand out their last iterates"):
        Lockstep(Linear(6), rows, Settings(adam, losses.squared, average=Averaging()), RULES, 7)


def test_the_lowest_loss_is_that_of_a_lane():
    rows, judged = table()
    lanes = Lockstep(Linear(6), rows, Settings(adam, losses.squared, batch_size=8, max_iter=2), RULES, 7, judged)
    seen = []
    ended = lanes.descend(lambda lanes: seen.append(lanes.lowest()))
    value, lane = seen[-1]
    assert value == ended[lane].losses[-1] == min(lane.losses[-1] for lane in ended if lane.record.status == FINISHED)
