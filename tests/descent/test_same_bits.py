"""Ways that must lead to the same place: fused and general, lanes and single runs, dense and CSR, rows and moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.descent.bits import assert_same
from tests.descent.plain import Array

from thalweg.descent import loops
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import fused
from thalweg.formulas import catalog, losses, penalties, rules, schedules
from thalweg.formulas.formula import Loss, Rule, loss, rule

RULES = list(catalog.rules().values())


def table(features: int, outputs: int = 1, rows: int = 40, target: str = "real") -> tuple[Array, Array]:
    rng = np.random.default_rng(features)
    X = rng.normal(size=(rows, features)) * (rng.random((rows, features)) < 0.7)
    y = X @ rng.normal(size=(features, outputs)) + rng.normal(size=(rows, outputs))
    return X, {"real": y, "binary": (y > 0).astype(float), "count": np.floor(np.abs(y))}[target]


def slow(made: Rule, rate: float = 0.01) -> Rule:
    return made(learning_rate=rate) if made.has_learning_rate else made


# ---- one sample a step: fused with the loss, and in general ----------------------------------------------------------


def both_loops(
    model: Linear, rows: Rows, settings: Settings, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> tuple[Run, Run]:
    runs = []
    for way in (True, False):
        with monkeypatch.context() as patch:
            if not way:
                patch.setattr(loops, "fused_serves", lambda run: False)
            theta = np.random.default_rng(2).normal(0, 0.3, model.size)
            run = Run(model, rows, settings, theta=theta, random_state=1, keep_steps=True, **more)
        assert isinstance(run._loop, loops.Fused if way else loops.General)
        runs.append(run.descend())
    return runs[0], runs[1]


@pytest.mark.parametrize(("features", "dtype"), [(5, "float64"), (9, "float32")])
@pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
def test_fused_loop_has_the_bits_of_the_general_one(
    made: Rule, features: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = table(features)
    for intercept in (True, False) if made.name == "adam" else (True,):
        if made.hyperparameters.get("weight_decay") and intercept:
            made = made(weight_decay=0.0)  # else the intercept is a group of its own, and the loop is the general one
        settings = Settings(slow(made), losses.squared, batch_size=1, max_iter=4)
        assert_same(*both_loops(Linear(features, 1, intercept), Rows.of(X, y, dtype=dtype), settings, monkeypatch))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("made", [m for m in catalog.losses().values() if not m.per_row], ids=lambda made: made.name)
def test_fused_loop_of_every_loss(made: Loss, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(3, target=made.target)
    settings = Settings(rules.adam(learning_rate=0.01), made, batch_size=1, max_iter=3)
    assert_same(*both_loops(Linear(3), Rows.of(X, y, dtype=dtype), settings, monkeypatch))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("features", [1, 2, 7, 8, 16, 31])
def test_fused_loop_of_any_width(features: int, intercept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(features)
    settings = Settings(rules.momentum(learning_rate=0.01), losses.squared, batch_size=1, max_iter=3)
    assert_same(*both_loops(Linear(features, 1, intercept), Rows.of(X, y), settings, monkeypatch))


def test_fused_loop_in_blocks_under_a_schedule_and_in_an_order_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(4)
    settings = Settings(
        rules.radam(learning_rate=0.05), losses.huber, schedule=schedules.one_cycle, batch_size=1, max_iter=300
    )
    assert_same(*both_loops(Linear(4), Rows.of(X, y), settings, monkeypatch))  # t goes past the bias corrections
    own = [np.array([0, 39, 39, 5]), np.arange(40), np.array([7])] * 100
    assert_same(*both_loops(Linear(4), Rows.of(X, y), settings, monkeypatch, order=lambda epoch: own[epoch]))


@pytest.mark.parametrize(("features", "dtype"), [(3, "float64"), (21, "float32")])
def test_fused_loop_that_fetches_rows_ahead(features: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "NEAR", 0)
    X, y = table(features)
    settings = Settings(rules.momentum(learning_rate=0.01), losses.squared, batch_size=1, max_iter=3)
    own = [np.array([0, 39, 39, 5]), np.arange(40), np.array([7])]
    rows = Rows.of(X, y, dtype=dtype)
    assert_same(*both_loops(Linear(features), rows, settings, monkeypatch))
    assert_same(*both_loops(Linear(features), rows, settings, monkeypatch, order=lambda epoch: own[epoch]))


def test_rows_of_a_large_table_come_in_the_order_asked_for() -> None:
    """They are fetched ahead, to the last batch, which is smaller."""
    X, y = table(40, rows=7001)
    order = np.random.default_rng(0).permutation(len(X))
    settings = Settings(rules.adam, losses.squared, batch_size=32, max_iter=2, shuffle=False)
    drawn = Run(Linear(40), Rows.of(X, y), settings, order=lambda epoch: order).descend()
    laid_out = Run(Linear(40), Rows.of(X[order], y[order]), settings).descend()
    assert isinstance(drawn._loop, loops.General)
    np.testing.assert_array_equal(drawn.theta, laid_out.theta)


@loss
def bowl_and_ripple(y, z, *, sharp=3.0):
    k = (z - y) ** 2
    trace = (z - 1) ** 2 * (y + 1) ** 2
    return k / sharp + trace, 2 * (z - y) / sharp + 2 * (z - 1) * (y + 1) ** 2


@rule
def names_of_the_loop(theta, g, t, near, slope, *, learning_rate=0.01, beta=0.5, width=2.0):
    sample = 1 - learning_rate**t
    place, epoch = 1 - beta**t, learning_rate * sample
    k = g * width + (g + 1) ** 2 * (theta - 1) ** 2 / 100
    features = 1 - near**2 + slope * beta
    x = np.where(k > 0, k, -g) * epoch
    score = 1 - slope**t
    loss_y = near - place * x
    return theta - learning_rate * (x + g * place) * features, loss_y, score / 100


@pytest.mark.parametrize("features", [3, 12])
def test_fused_loop_keeps_a_users_names_apart(features: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(features)
    for schedule in (None, schedules.exponential(gamma=0.5)):
        settings = Settings(names_of_the_loop, bowl_and_ripple, schedule=schedule, batch_size=1, max_iter=4)
        assert_same(*both_loops(Linear(features), Rows.of(X / 9, y / 9), settings, monkeypatch))


def test_what_the_fused_loop_cannot_do_is_left_to_the_general_one() -> None:
    X, y = table(3)
    rows, plain = Rows.of(X, y), {"optimizer": rules.adam, "loss": losses.squared, "batch_size": 1}

    def loop(model: Any = None, rows: Rows = rows, rates: Any = None, **more: Any) -> type[loops.Loop]:
        return type(Run(model or Linear(3), rows, Settings(**{**plain, **more}), rates=rates)._loop)

    assert loop() is loops.Fused
    assert loop(batch_size=2) is loops.General
    assert loop(penalty=penalties.l2) is loops.General
    assert loop(clip_norm=1.0) is loops.General
    assert loop(clip_value=1.0) is loops.General
    assert loop(optimizer=rules.adamw) is loops.General
    assert loop(optimizer=rules.adamw, model=Linear(3, 1, fit_intercept=False)) is loops.Fused
    assert loop(rows=Rows.of(X, y, np.ones(40))) is loops.General
    assert loop(rows=Rows.of(csr_array(X), y)) is loops.General
    assert loop(rates=np.array([0.1])) is loops.General


# ---- lanes -----------------------------------------------------------------------------------------------------------

RATES = np.array([0.001, 0.003, 0.01, 0.02, 0.05])


def lanes_and_singles(rows: Rows, outputs: int, settings: dict[str, Any], made: Rule) -> Any:
    """A sweep over RATES in lanes, and for each lane: its theta, state and curve, with those of the run alone."""
    features = rows.X.shape[1]
    start = np.random.default_rng(3).normal(0, 0.3, Linear(features, outputs).size).reshape(features + 1, outputs)
    model = Linear(features, outputs, lanes=RATES.size)
    theta = np.tile(start, RATES.size).ravel()
    sweep = Run(model, rows, Settings(made, **settings), theta=theta, rates=np.repeat(RATES, outputs), random_state=1)
    sweep.descend()
    for lane, rate in enumerate(RATES):
        alone = Run(
            Linear(features, outputs),
            rows,
            Settings(made(learning_rate=rate), **settings),
            theta=start.ravel(),
            random_state=1,
        ).descend()
        here = slice(lane * outputs, (lane + 1) * outputs)
        theta = sweep.theta.reshape(features + 1, -1)[:, here].ravel()
        state = sweep.state.reshape(-1, features + 1, RATES.size * outputs)[:, :, here].reshape(alone.state.shape)
        yield (
            (theta, state, [float(loss[lane]) for loss in sweep.lane_curves]),
            (alone.theta, alone.state, alone.loss_curve),
        )


@pytest.mark.parametrize("layout", [np.asarray, csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("made", [r for r in RULES if r.has_learning_rate], ids=lambda made: made.name)
def test_a_lane_of_one_sample_a_step_has_the_bits_of_the_run_alone(made: Rule, outputs: int, layout: Any) -> None:
    X, y = table(9, outputs)
    settings = {"loss": losses.squared, "batch_size": 1, "max_iter": 2}
    for (theta, state, curve), alone in lanes_and_singles(Rows.of(layout(X), y), outputs, settings, made):
        np.testing.assert_array_equal(theta, alone[0])
        np.testing.assert_array_equal(state, alone[1])
        np.testing.assert_allclose(curve, alone[2], rtol=1e-14)  # NumPy's mean of a column and of a vector


@pytest.mark.parametrize(
    "more",
    [
        {"batch_size": 7},
        {"batch_size": None},
        {"batch_size": 7, "loss": losses.log, "schedule": schedules.cosine},
        {"batch_size": 7, "clip_norm": 0.2},
        {"batch_size": 7, "clip_value": 0.05},
        {"batch_size": 7, "penalty": penalties.l2(alpha=0.5)},
        {"batch_size": None, "penalty": penalties.l1(alpha=0.1)},
        {"batch_size": 7, "penalty": penalties.elastic_net(alpha=0.2)},
    ],
    ids=str,
)
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("made", [rules.momentum, rules.adamw], ids=lambda made: made.name)
def test_a_lane_follows_the_run_alone(made: Rule, outputs: int, more: dict[str, Any]) -> None:
    settings = {"loss": losses.squared, "max_iter": 8, **more}
    X, y = table(5, outputs, target=settings["loss"].target)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    for lane, alone in lanes_and_singles(Rows.of(X, y, weights), outputs, settings, made):
        for ours, theirs in zip(lane, alone, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_lane_that_diverges_leaves_the_others_alone() -> None:
    X, y = table(4)
    rates = np.array([0.01, 1e6, 0.02])
    settings = Settings(rules.gradient_descent, losses.squared, batch_size=5, max_iter=60)
    sweep = Run(Linear(4, lanes=3), Rows.of(X, y), settings, rates=rates, random_state=0).descend()
    assert not np.isfinite(sweep.theta.reshape(5, 3)[:, 1]).any()
    for lane in (0, 2):
        alone = Settings(rules.gradient_descent(learning_rate=rates[lane]), losses.squared, batch_size=5, max_iter=60)
        run = Run(Linear(4), Rows.of(X, y), alone, random_state=0).descend()
        np.testing.assert_allclose(sweep.theta.reshape(5, 3)[:, lane], run.theta, rtol=1e-12)


# ---- rows, dense and not; rows and their moments ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("outputs", [1, 3])
def test_csr_rows_lead_where_dense_rows_lead(outputs: int, batch_size: int | None, dtype: str) -> None:
    X, y = table(20, outputs)
    X[3], X[:, 4] = 0, 0  # an empty row and an empty column
    settings = Settings(rules.adam(learning_rate=0.02), losses.huber, batch_size=batch_size, max_iter=10)
    ends = [
        Run(Linear(20, outputs), Rows.of(layout(X), y, dtype=dtype), settings, random_state=0).descend()
        for layout in (np.asarray, csr_array)
    ]
    bound = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(ends[0].theta, ends[1].theta, rtol=bound, atol=bound)
    np.testing.assert_allclose(ends[0].loss_curve, ends[1].loss_curve, rtol=bound)


def by_moments_and_by_rows(
    model: Linear, rows: Rows, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[Run, Run]:
    runs = []
    for moments in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(loops, "moments_serve", lambda run, moments=moments: moments)
            theta = np.random.default_rng(2).normal(0, 2, model.size)
            runs.append(Run(model, rows, settings, theta=theta, random_state=1).descend())
    return runs[0], runs[1]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("made", [rules.gradient_descent, rules.momentum, rules.adam], ids=lambda made: made.name)
def test_moments_of_the_rows_lead_where_the_rows_lead(
    made: Rule, outputs: int, weighted: bool, intercept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = table(6, outputs, rows=400)
    weights = np.random.default_rng(0).uniform(0, 3, 400) if weighted else None
    settings = Settings(made(learning_rate=0.05), losses.squared, max_iter=500)
    ours, theirs = by_moments_and_by_rows(Linear(6, outputs, intercept), Rows.of(X, y, weights), settings, monkeypatch)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours.loss_curve, theirs.loss_curve, rtol=1e-11)


@pytest.mark.parametrize(
    "penalty", [penalties.l2(alpha=0.1), penalties.l1(alpha=0.1)], ids=lambda penalty: penalty.name
)
def test_moments_meet_penalties_clipping_and_schedules(penalty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(6, 2, rows=400)
    settings = Settings(
        rules.momentum(learning_rate=0.05), losses.squared, penalty, schedules.cosine, max_iter=200, clip_norm=0.5
    )
    ours, theirs = by_moments_and_by_rows(Linear(6, 2), Rows.of(X, y), settings, monkeypatch)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours.loss_curve, theirs.loss_curve, rtol=1e-11)


def test_moments_keep_the_digits_of_a_loss_near_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    # A sum of squares expanded around zero would lose them: y'y is 10^12 times the loss at the end.
    X, _ = table(5, rows=400)
    y = X @ np.full(5, 1e3) + 1e-3 * np.random.default_rng(0).normal(size=400)
    settings = Settings(rules.gradient_descent(learning_rate=0.5), losses.squared, max_iter=500)
    ours, theirs = by_moments_and_by_rows(Linear(5), Rows.of(X, y), settings, monkeypatch)
    assert theirs.loss_curve[-1] < 1e-6
    np.testing.assert_allclose(ours.loss_curve, theirs.loss_curve, rtol=1e-6)


def test_moments_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(6, 2, rows=400)
    settings = Settings(rules.momentum(learning_rate=0.02), losses.squared, max_iter=500)
    ours, theirs = by_moments_and_by_rows(Linear(6, 2), Rows.of(X, y, dtype="float32"), settings, monkeypatch)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.loss_curve, theirs.loss_curve, rtol=1e-3)


def test_moments_of_more_rows_than_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (1 << 16) + 11
    X, y = table(2, rows=rows)
    settings = Settings(rules.gradient_descent(learning_rate=0.1), losses.squared, max_iter=3)
    ours, theirs = by_moments_and_by_rows(Linear(2), Rows.of(X, y), settings, monkeypatch)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-11)


@pytest.mark.parametrize(("size", "dtype"), [(1e200, "float64"), (1e25, "float32")])
def test_rows_whose_squares_overflow_are_left_as_rows(size: float, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = table(3, rows=200)
    settings = Settings(rules.signsgd(learning_rate=1 / size), losses.squared, max_iter=20)
    ours, theirs = by_moments_and_by_rows(Linear(3), Rows.of(X * size, y, dtype=dtype), settings, monkeypatch)
    assert ours.status == theirs.status
    assert ours.divergence == theirs.divergence
    np.testing.assert_array_equal(ours.theta, theirs.theta)


def test_moments_serve_only_what_they_can() -> None:
    X, y = table(6, rows=2000)

    def serves(rows: Rows | None = None, model: Any = None, order: Any = None, **more: Any) -> bool:
        settings = Settings(**{"optimizer": rules.adam, "loss": losses.squared, **more})
        return loops.moments_serve(Run(model or Linear(6), rows or Rows.of(X, y), settings, order=order))

    assert serves()
    assert serves(batch_size=5000)
    assert not serves(batch_size=1000)
    assert not serves(loss=losses.huber)
    assert not serves(rows=Rows.of(csr_array(X), y))
    assert not serves(order=lambda epoch: np.arange(2000))
    assert not serves(max_iter=2)
    assert not serves(rows=Rows.of(X[:50], y[:50]))
