"""Sparse rows whose updates touch the columns that occur alone: the same descent as one that touches them all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from tests.descent.bits import assert_same
from tests.descent.plain import Array

from thalweg.descent import loops
from thalweg.descent.batches import Rows
from thalweg.descent.lazy import Lazy, resting
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.formulas import losses, penalties, rules, schedules
from thalweg.formulas.formula import Rule, rule

ROWS, FEATURES = 60, 200


@rule
def shrinking(theta, g, t, last, *, learning_rate=0.05, weight_decay=0.1, scales=2.0):
    """A user's own, with decoupled decay; a name that the loop uses; and memory that nothing fades."""
    last = last + scales * g * g
    return theta - learning_rate * weight_decay * theta - learning_rate * g / np.sqrt(last + 1.0), last


def problem(outputs: int = 1, dtype: str = "float64", weights: bool = False, kind: str = "real") -> Rows:
    rng = np.random.default_rng(outputs)
    X = csr_array(random_array((ROWS, FEATURES), density=0.02, format="csr", rng=rng))
    y: Array = rng.normal(size=(ROWS, outputs))
    if kind == "binary":
        y = (y > 0).astype(float)
    elif kind == "classes":
        y = np.eye(outputs)[y.argmax(axis=1)]
    return Rows.of(X, y, rng.random(ROWS) + 0.5 if weights else None, dtype)


def both(
    rows: Rows, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, intercept: bool = True, **more: Any
) -> tuple[Run, Run]:
    """The lazy run and the one of the general loop."""
    runs = []
    for way in (True, False):
        with monkeypatch.context() as patch:
            if not way:
                patch.setattr("thalweg.descent.lazy.serving", lambda run: None)
            model = Linear(FEATURES, rows.targets.shape[1], intercept)
            start = {"theta": np.random.default_rng(3).normal(0, 0.3, model.size), **more}
            run = Run(model, rows, settings, random_state=1, keep_steps=True, **start)
        assert isinstance(run._loop, Lazy if way else loops.General)
        runs.append(run.descend())
    return runs[0], runs[1]


def assert_close(one: Run, other: Run, tolerance: float) -> None:
    for a, b in ((one.theta, other.theta), (one.state, other.state), (one.step_losses, other.step_losses)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2)
    assert (one.t, one.epoch, one.status) == (other.t, other.epoch, other.status)


# ---- rules that leave a weight without a gradient as it is: the same bits --------------------------------------------

RESTING = [rules.gradient_descent(learning_rate=0.1), rules.adagrad(learning_rate=0.1), rules.signsgd]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("made", RESTING, ids=lambda made: made.name)
def test_touching_fewer_weights_changes_no_bit(
    made: Rule, batch: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(made, losses.squared, batch_size=batch, max_iter=4)
    for intercept in (True, False):
        assert_same(*both(problem(1, dtype), settings, monkeypatch, intercept=intercept))
    assert_same(*both(problem(3, dtype, weights=True), settings, monkeypatch))


@rule
def dual_averaging(theta, g, t, total, squares, *, learning_rate=0.1):
    """A user's own whose theta is made of its memory."""
    total, squares = total + g, squares + g * g
    return -learning_rate * total / np.sqrt(1.0 + squares), total, squares


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize(
    "made",
    [rules.ftrl(learning_rate=0.3), rules.ftrl(l1=0.2, l2=0.1, initial_accumulator=0.1), dual_averaging],
    ids=["ftrl", "ftrl, penalised", "dual averaging"],
)
def test_theta_that_is_made_of_memory_stays_while_that_does(
    made: Rule, batch: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(made, losses.squared, batch_size=batch, max_iter=4)
    for intercept in (True, False):
        lazy, general = both(problem(1, dtype), settings, monkeypatch, intercept=intercept, theta=None)
        assert_same(lazy, general)
        assert lazy.theta.tobytes() == general.theta.tobytes()  # the signs of zeros too
    first = Run(Linear(FEATURES), problem(1, dtype), settings, random_state=1).descend()
    more = {"theta": first.theta, "state": first.state, "t": first.t}
    assert_same(*both(problem(1, dtype), settings, monkeypatch, **more))
    assert_same(*both(problem(3, dtype, weights=True), settings, monkeypatch, theta=None))


def test_theta_of_a_rule_with_memory_is_left_to_the_general_loop_where_it_would_change() -> None:
    rows, told = problem(), {"optimizer": rules.ftrl, "loss": losses.squared, "batch_size": 1}

    def loop(**more: Any) -> type[loops.Loop]:
        start = {"theta": more.pop("theta")} if "theta" in more else {}
        return type(Run(Linear(FEATURES), rows, Settings(**{**told, **more}), **start)._loop)

    assert loop() is Lazy
    assert loop(schedule=schedules.cosine) is loops.General  # the same memory makes another theta at another rate
    assert loop(penalty=penalties.l2) is loops.General
    assert loop(theta=np.full(FEATURES + 1, 0.1)) is loops.General  # from elsewhere: forgotten at the first update


@pytest.mark.parametrize("batch", [1, 7])
def test_other_losses_bounds_schedules_and_orders(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made, rows = rules.adagrad(learning_rate=0.1), problem(4, kind="classes")
    settings = Settings(made, losses.softmax, schedule=schedules.cosine, batch_size=batch, max_iter=4)
    assert_same(*both(rows, settings, monkeypatch))
    settings = Settings(made, losses.log, clip_value=0.3, batch_size=batch, max_iter=3, shuffle=False)
    assert_same(*both(problem(1, kind="binary"), settings, monkeypatch))
    own = [np.array([0, 9, 9, 5]), np.arange(ROWS), np.array([7])]
    settings = Settings(made, losses.log, batch_size=batch, max_iter=3)
    assert_same(*both(problem(1, kind="binary"), settings, monkeypatch, order=lambda epoch: own[epoch]))


def test_a_bound_on_the_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The norm adds squares in the order in which columns occur: of one row, that of the columns."""
    for batch, check in ((1, assert_same), (7, lambda a, b: assert_close(a, b, 1e-12))):
        settings = Settings(RESTING[0], losses.squared, clip_norm=0.2, batch_size=batch, max_iter=3)
        check(*both(problem(), settings, monkeypatch))


@pytest.mark.parametrize("batch", [1, 7])
def test_columns_in_any_order_and_twice_in_a_row(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem()
    indices = given.indices.copy()
    for start, stop in zip(given.indptr[:-1], given.indptr[1:], strict=True):
        indices[start:stop] = indices[start:stop][::-1]
        if stop - start > 2:
            indices[stop - 1] = indices[start]
    rows = Rows(given.X, given.targets, given.weights, given.values, indices, given.indptr)
    for made in RESTING[:2]:
        assert_same(*both(rows, Settings(made, losses.squared, batch_size=batch, max_iter=3), monkeypatch))


@pytest.mark.parametrize("made", [rules.adagrad(learning_rate=0.1), rules.rmsprop], ids=lambda made: made.name)
def test_one_epoch_after_another_is_all_at_once(made: Rule) -> None:
    rows, settings = problem(), Settings(made, losses.squared, batch_size=1, max_iter=5)
    at_once = Run(Linear(FEATURES), rows, settings, random_state=0).descend()
    one_by_one = Run(Linear(FEATURES), rows, settings, random_state=0).descend([lambda run: None])
    assert isinstance(at_once._loop, Lazy)
    np.testing.assert_array_equal(at_once.theta, one_by_one.theta)
    np.testing.assert_array_equal(at_once.state, one_by_one.state)


# ---- rules that shrink it: the same to rounding ----------------------------------------------------------------------

SHRINKING = {
    "l2": Settings(rules.gradient_descent(learning_rate=0.1), losses.squared, penalties.l2(alpha=0.05)),
    "rmsprop": Settings(rules.rmsprop(learning_rate=0.01), losses.squared),
    "centred": Settings(rules.rmsprop_centered(learning_rate=0.01), losses.squared),
    "adadelta": Settings(rules.adadelta, losses.squared),
    "forgetful": Settings(rules.rmsprop(learning_rate=0.01, rho=0.25), losses.squared),
    "own": Settings(shrinking, losses.squared, schedule=schedules.exponential(gamma=0.8)),
}


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("name", SHRINKING)
def test_shared_factors_change_rounding_alone(name: str, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scales of 0.25**(60 * 20) are multiplied in on the way: a float holds no 1e-722.

    The centred rule takes the difference of two means that are almost equal, and magnifies what is rounded in them.
    """
    tolerance = 1e-8 if name == "centred" else 1e-11
    told = SHRINKING[name]
    settings = Settings(told.optimizer, told.loss, told.penalty, told.schedule, batch_size=batch, max_iter=20)
    assert_close(*both(problem(), settings, monkeypatch), tolerance)
    assert_close(*both(problem(3, weights=True), settings, monkeypatch, intercept=False), tolerance)


@pytest.mark.parametrize("name", SHRINKING)
def test_shared_factors_in_single_precision(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = SHRINKING[name]
    settings = Settings(told.optimizer, told.loss, told.penalty, told.schedule, batch_size=1, max_iter=10)
    lazy, general = both(problem(1, "float32"), settings, monkeypatch)
    np.testing.assert_allclose(lazy.theta, general.theta, rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(lazy.step_losses, general.step_losses, rtol=2e-4, atol=2e-6)


def test_the_penalty_is_counted_at_every_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most weights have no entry in a batch, and cost all the same."""
    told = SHRINKING["l2"]
    settings = Settings(told.optimizer, told.loss, told.penalty, batch_size=1, max_iter=1)
    lazy, _ = both(problem(), settings, monkeypatch)
    w = np.random.default_rng(3).normal(0, 0.3, FEATURES + 1)[:-1]
    assert lazy.step_losses[0] > 0.05 * (w @ w) / 2


# ---- an l1 penalty, whose thresholds are caught up with ------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("alpha", [1e-4, 0.02, 0.3])
def test_many_thresholds_are_one_of_their_sum(
    alpha: float, batch: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an alpha that hardly moves a weight to one that makes most zero. Costs are those before each update."""
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    for schedule in (None, schedules.cosine):
        settings = Settings(
            rules.gradient_descent(learning_rate=0.1), losses.squared, penalties.l1(alpha=alpha), schedule,
            batch_size=batch, max_iter=6,
        )  # fmt: skip
        for rows, intercept in ((problem(1, dtype), True), (problem(3, dtype, weights=True), False)):
            lazy, general = both(rows, settings, monkeypatch, intercept=intercept)
            np.testing.assert_allclose(lazy.theta, general.theta, rtol=tolerance, atol=tolerance)
            np.testing.assert_array_equal(lazy.theta == 0, general.theta == 0)
            np.testing.assert_allclose(lazy.step_losses, general.step_losses, rtol=tolerance, atol=tolerance)
            assert (lazy.t, lazy.epoch, lazy.status) == (general.t, general.epoch, general.status)
    assert np.mean(lazy.theta == 0) > 0.5 or alpha < 0.3


def test_thresholds_and_columns_that_stand_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem()
    indices = given.indices.copy()
    indices[given.indptr[:-1][np.diff(given.indptr) > 1] + 1] = indices[given.indptr[:-1][np.diff(given.indptr) > 1]]
    rows = Rows(given.X, given.targets, given.weights, given.values, indices, given.indptr)
    own = [np.array([0, 9, 9, 5]), np.arange(ROWS), np.array([7])]
    for batch, order in ((1, None), (7, None), (2, lambda epoch: own[epoch])):
        settings = Settings(
            rules.gradient_descent(learning_rate=0.1), losses.squared, penalties.l1(alpha=0.05),
            batch_size=batch, max_iter=3, clip_value=0.4,
        )  # fmt: skip
        lazy, general = both(rows, settings, monkeypatch, order=order)
        assert_close(lazy, general, 1e-12)


def test_no_bit_depends_on_how_many_epochs_are_made_at_once_under_l1() -> None:
    told = Settings(
        rules.gradient_descent(learning_rate=0.1), losses.squared, penalties.l1(alpha=0.05), batch_size=2, max_iter=5
    )
    start = np.random.default_rng(3).normal(0, 0.3, FEATURES + 1)
    ways: list[Any] = [(), [lambda run: None]]
    one, other = (Run(Linear(FEATURES), problem(), told, theta=start, random_state=0).descend(way) for way in ways)
    assert isinstance(one._loop, Lazy)
    np.testing.assert_array_equal(one.theta, other.theta)
    assert one.loss_curve == other.loss_curve


def test_a_run_under_l1_that_diverges_ends_where_the_general_loop_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for batch in (1, 7):
        settings = Settings(
            rules.gradient_descent(learning_rate=1e6), losses.squared, penalties.l1(alpha=1e-3),
            batch_size=batch, max_iter=400,
        )  # fmt: skip
        lazy, general = both(problem(), settings, monkeypatch)
        assert lazy.divergence is not None
        assert lazy.divergence == general.divergence
        np.testing.assert_allclose(lazy.theta, general.theta, rtol=1e-9)


# ---- what a run does with its loop -----------------------------------------------------------------------------------


def test_divergence_is_found_and_explained_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for batch in (1, 7):
        settings = Settings(rules.gradient_descent(learning_rate=1e6), losses.squared, batch_size=batch, max_iter=400)
        lazy, general = both(problem(), settings, monkeypatch)
        assert lazy.divergence is not None
        assert lazy.divergence == general.divergence
        np.testing.assert_array_equal(lazy.theta, general.theta)


def test_only_what_it_can_do_is_left_to_it() -> None:
    rows, plain = problem(), {"optimizer": rules.adagrad, "loss": losses.squared, "batch_size": 1}

    def loop(rows: Rows = rows, model: Linear | None = None, rates: Any = None, **more: Any) -> type[loops.Loop]:
        return type(Run(model or Linear(FEATURES), rows, Settings(**{**plain, **more}), rates=rates)._loop)

    assert loop() is Lazy
    assert loop(optimizer=rules.adam) is loops.General
    assert loop(penalty=penalties.l2) is loops.General  # its gradient enters the memory of every weight
    assert loop(optimizer=rules.gradient_descent, penalty=penalties.l2) is Lazy
    assert loop(optimizer=rules.gradient_descent, penalty=penalties.l1) is Lazy
    assert loop(penalty=penalties.l1) is loops.General  # it is met at the kink alone, by an orthant
    assert loop(optimizer=rules.gradient_descent, penalty=penalties.elastic_net) is loops.General
    assert loop(batch_size=None) is loops.General
    assert loop(batch_size=40) is loops.General  # a batch of so many rows has most of the columns
    assert loop(accumulate=2) is loops.General
    assert loop(gradient_norm=True) is loops.General
    assert loop(average=Averaging()) is loops.General
    assert loop(model=Linear(FEATURES, lanes=2), rates=np.array([0.1, 0.2])) is loops.General
    assert loop(rows=Rows.of(np.eye(FEATURES), np.ones(FEATURES))) is not Lazy


def test_a_factor_that_no_scale_can_take_up_is_none() -> None:
    l2 = penalties.l2(alpha=1.0)

    def rests(rate: float, schedule: Any = None) -> bool:
        return resting(Settings(rules.gradient_descent(learning_rate=rate), losses.log, l2, schedule)) is not None

    assert [rests(rate) for rate in (0.5, 0.9995, 1.0, 1.5)] == [True, False, False, False]
    assert [rests(rate, schedules.one_cycle) for rate in (0.5, 1.5)] == [True, False]
