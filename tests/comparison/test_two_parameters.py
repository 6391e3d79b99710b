from __future__ import annotations

import numpy as np
import pytest

from thalweg.comparison.outcome import Problem
from thalweg.comparison.paths import MINIMUM, UNDER_WAY
from thalweg.comparison.plan import Plan
from thalweg.comparison.two_parameters import ROWS, can_be_drawn, descend_problem
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError
from thalweg.formulas import losses, penalties, schedules
from thalweg.formulas.rules import adam, adamw, gradient_descent, momentum

RULES = {"gradient_descent": gradient_descent, "adam": adam, "adamw": adamw(weight_decay=0.2), "momentum": momentum}


def problem(
    loss: str = "squared", rows: int = 50, features: int = 1, *, sparse: bool = False, weights: bool = False
) -> Problem:
    """A line, or a plane through the origin, with noise."""
    generator = np.random.default_rng(7)
    X = generator.normal(size=(rows, features))
    y = 1.5 * X[:, 0] - 0.5 + generator.normal(size=rows)
    targets = (y > 0).astype(float) if loss == "log" else y
    given = X
    if sparse:
        from scipy.sparse import csr_array

        given = csr_array(X)
    taken = Rows.of(given, targets, generator.uniform(0.5, 2.0, rows) if weights else None)
    return Problem(Linear(features, fit_intercept=features == 1), taken, X, targets[:, None])


CASES = {
    "full batch": ({}, {}),
    "batches": ({}, {"batch_size": 8}),
    "single rows": ({}, {"batch_size": 1}),
    "log": ({"loss": "log"}, {"batch_size": 8, "loss": losses.log}),
    "two features": ({"features": 2}, {"batch_size": 8}),
    "sparse": ({"sparse": True}, {"batch_size": 8}),
    "weights": ({"weights": True}, {"batch_size": 8}),
    "weights, full batch": ({"weights": True}, {}),
    "no shuffling": ({}, {"batch_size": 8, "shuffle": False}),
    "schedule": ({}, {"batch_size": 8, "schedule": schedules.cosine}),
    "clip_norm": ({}, {"batch_size": 8, "clip_norm": 0.3}),
    "clip_value": ({}, {"batch_size": 8, "clip_value": 0.2}),
    "huber": ({}, {"batch_size": 8, "loss": losses.huber}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_points_are_those_of_the_runs(case):
    of_problem, of_settings = CASES[case]
    given = problem(**of_problem)
    settings = Settings(**{"optimizer": adam, "loss": losses.squared, "max_iter": 6, **of_settings})
    plan = Plan.of(RULES, [0.01, 0.1], seeds=[3])
    found = descend_problem(given, plan, settings)
    per_epoch = -(-50 // (settings.batch_size or 50))
    assert found.steps == min(200, 6 * per_epoch)
    for path in found.paths:
        options = {
            k: getattr(settings, k) for k in ("loss", "batch_size", "shuffle", "schedule", "clip_norm", "clip_value")
        }
        run = Run(given.model, given.train, Settings(path.arm.rule, max_iter=6, **options), random_state=3)
        for epoch in range(1, found.steps // per_epoch + 1):
            run.advance(1)
            np.testing.assert_allclose(path.points[epoch * per_epoch], run.theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "penalty", [penalties.l2(alpha=0.3), penalties.l1(alpha=0.3), penalties.elastic_net(alpha=0.3)]
)
def test_penalties_are_those_of_the_runs(penalty):
    given = problem(features=2)
    settings = Settings(adam, losses.squared, penalty=penalty, batch_size=8, max_iter=20)
    plan = Plan.of({"adam": adam, "momentum": momentum}, [0.05], seeds=1)
    found = descend_problem(given, plan, settings, steps=140)
    for path in found.paths:
        run = Run(
            given.model,
            given.train,
            Settings(path.arm.rule, losses.squared, penalty, batch_size=8, max_iter=20),
            random_state=0,
        )
        run.descend()
        np.testing.assert_allclose(path.points[-1], run.theta, rtol=1e-9, atol=1e-12)
    l1 = penalty.name != "l2"
    assert not l1 or any((path.points[1:, 1] == 0).any() for path in found.paths)  # the second feature is noise


@pytest.mark.parametrize("loss", ["squared", "log", "huber"])
@pytest.mark.parametrize("penalty", [None, penalties.l2(alpha=0.1)])
def test_values_are_the_mean_loss_and_the_minimiser_is_lowest(loss, penalty):
    given = problem(loss)
    function = getattr(losses, loss)
    found = descend_problem(
        given, Plan.of(RULES, [0.1], 1), Settings(adam, function, penalty, batch_size=8, max_iter=30)
    )
    w, b = found.paths[1].points[17]
    z = given.train.X @ [[w]] + b
    expected = float(function.value(given.train.targets, z).mean()) + (0.05 * w * w if penalty else 0.0)
    assert found.paths[1].values[17] == pytest.approx(expected)
    assert found.minimum <= found.values.min() * (1 + 1e-12)
    (lowest,) = found.minimisers
    assert found.x[0] < lowest[0] < found.x[-1]
    assert found.y[0] < lowest[1] < found.y[-1]
    across, up = np.argmin(np.abs(found.x - lowest[0])), np.argmin(np.abs(found.y - lowest[1]))
    assert found.values[up, across] == pytest.approx(found.values.min(), rel=0.02)
    assert found.axes == ("weight", "intercept")


def test_least_squares_are_found_exactly():
    given = problem()
    found = descend_problem(given, Plan.of(RULES, [0.5], 1), Settings(adam, losses.squared, max_iter=200))
    design = np.column_stack([given.train.X, np.ones(50)])
    np.testing.assert_allclose(found.minimisers[0], np.linalg.lstsq(design, given.train.targets[:, 0])[0])
    assert found.of("gradient_descent")[0].ends == MINIMUM
    assert found.standings[0].distance < 1e-2


def test_where_nothing_is_lowest_no_minimum_is_claimed():
    X = np.linspace(-1, 1, 40)[:, None]
    y = (X[:, 0] > 0).astype(float)
    apart = Problem(Linear(1), Rows.of(X, y), X, y[:, None])
    found = descend_problem(apart, Plan.of(RULES, [0.1, 1.0], 1), Settings(adam, losses.log, max_iter=50))
    assert found.minimisers.shape == (0, 2)
    assert found.minimum == min(path.values.min() for path in found.paths)
    assert {path.ends for path in found.paths} == {UNDER_WAY}
    assert np.isnan(found.standings[0].distance)
    assert np.isfinite(found.values).all()


def test_many_rows_are_drawn_from_some_and_this_is_said():
    many = problem("log", rows=ROWS + 500)
    settings = Settings(adam, losses.log, batch_size=8, max_iter=1)
    found = descend_problem(many, Plan.of(RULES, [0.1], 1), settings, steps=20)
    assert f"drawn from {ROWS} of its {ROWS + 500} rows" in found.about
    squares = descend_problem(
        problem(rows=ROWS + 500), Plan.of(RULES, [0.1], 1), Settings(adam, losses.squared, batch_size=8, max_iter=1)
    )
    assert "drawn from" not in squares.about


def test_only_two_parameters_can_be_drawn():
    from thalweg.formulas.activations import tanh

    three = problem(features=2)
    three = Problem(Linear(2), three.train, three.X, three.targets)
    assert not can_be_drawn(three)
    net = Problem(Network((1, 1, 1), (tanh,)), problem().train, three.X, three.targets)
    assert not can_be_drawn(net)
    assert can_be_drawn(problem())
    with pytest.raises(SettingError, match="two parameters"):
        descend_problem(three, Plan.of(RULES, [0.1], 1), Settings(adam, losses.squared))
