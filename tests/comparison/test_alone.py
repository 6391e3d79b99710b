from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thalweg.comparison.alone import make_run
from thalweg.comparison.outcome import Problem
from thalweg.comparison.picture import picture
from thalweg.comparison.plan import Plan
from thalweg.comparison.results import Results
from thalweg.comparison.scores import scores
from thalweg.comparison.summary import Summary
from thalweg.descent.batches import Rows
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import Outputs
from thalweg.descent.record import DIVERGED, STOPPED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine.team import TICKET, team
from thalweg.formulas.activations import relu
from thalweg.formulas.losses import log, softmax, squared
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adam, gradient_descent, rprop

from .comparisons import FACTS

SETTINGS = Settings(adam, squared, l2(alpha=0.1), batch_size=8, max_iter=5)


@pytest.fixture(scope="module")
def problem() -> Problem:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.standard_normal(60) / 10).reshape(-1, 1)
    return Problem(Linear(3), Rows.of(X[:40], y[:40]), X[40:], y[40:])


def test_a_run_of_a_plan_is_the_run_alone(problem):
    plan = Plan.of({"adam": adam, "gd": gradient_descent, "rprop": rprop}, [0.01, 0.1], seeds=2)
    judge = Evaluation(problem.model, problem.judged, squared)
    for arm, seed in plan:
        outcome, _ = make_run(arm, seed, problem, SETTINGS)
        alone = Run(
            problem.model,
            problem.train,
            Settings(arm.rule, squared, l2(alpha=0.1), batch_size=8, max_iter=5),
            random_state=seed,
        )
        alone.descend()
        assert (outcome.arm, outcome.seed) == (arm, seed)
        assert outcome.record.loss_curve == alone.loss_curve
        assert outcome.losses[-1] == judge(alone.theta)[0]


def test_a_run_of_a_plan_has_one_thread():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((128, 100)), rng.standard_normal((128, 2))
    network = Network((100, 90, 2), (relu,))
    settings = Settings(adam, squared, batch_size=128, max_iter=1)
    large = Problem(network, Rows.of(*rows), *rows)
    jobs = team()._table[TICKET]
    for arm, seed in Plan.of({"adam": adam}, [0.01], seeds=1):
        outcome, _ = make_run(arm, seed, large, settings)
    assert team()._table[TICKET] == jobs
    run = Run(network, large.train, settings, random_state=0, threads=2).descend()  # which would have taken two
    assert team()._table[TICKET] > jobs
    assert outcome.record.loss_curve == run.loss_curve


def test_who_watches_a_run_may_stop_it(problem, monkeypatch):
    seen: list[int] = []

    def watch(run: Run) -> bool:
        seen.append(run.epoch)
        return run.epoch == 2

    monkeypatch.setattr("thalweg.descent.run.ROWS_PER_CALL", 40)  # an epoch
    outcome, _ = make_run(*next(iter(Plan.of({"gd": gradient_descent}, [0.1]))), problem, SETTINGS, watch)
    assert seen == [1, 2]
    assert outcome.record.status == STOPPED
    assert len(outcome.losses) == 3


def test_losses_are_those_of_the_validation_part_without_the_penalty(problem):
    plan = Plan.of({"gd": gradient_descent}, [0.1], seeds=1)
    outcome, run = make_run(*next(iter(plan)), problem, SETTINGS)
    residual = problem.X @ run.model.coef(run.theta)[0] + run.model.intercept(run.theta) - problem.targets[:, 0]
    assert outcome.losses[0] == pytest.approx(float(np.mean(problem.targets**2)) / 2)
    assert outcome.losses[-1] == pytest.approx(float(np.mean(residual**2)) / 2)
    assert len(outcome.losses) == 6


@pytest.mark.parametrize("rate", [1e200, 3.0], ids=["at once", "slowly"])
def test_a_run_that_diverges_has_as_many_losses_as_whole_epochs(problem, rate):
    plan = Plan.of({"gd": gradient_descent}, [rate], seeds=1)
    outcome, _ = make_run(*next(iter(plan)), problem, Settings(adam, squared, max_iter=50))
    assert outcome.record.status == DIVERGED
    assert outcome.diverged
    assert len(outcome.losses) == outcome.record.epochs + 1


def test_seeds_change_the_order_and_rules_share_it(problem):
    plan = Plan.of({"a": gradient_descent, "b": gradient_descent}, [0.1], seeds=2)
    by_arm = {(arm.name, seed): make_run(arm, seed, problem, SETTINGS)[0].losses for arm, seed in plan}
    assert by_arm["a", 0] == by_arm["b", 0]
    assert by_arm["a", 0] != by_arm["a", 1]


def compared(problem: Problem, rates: list[float], seeds: int) -> Results:
    """Return runs of three rules, one of a name that could be mathematics and one without a learning rate."""
    plan = Plan.of({"adam $x": adam, "gd": gradient_descent, "r": rprop}, rates, seeds)
    outcomes = tuple(make_run(arm, seed, problem, SETTINGS)[0] for arm, seed in plan)
    return Results(plan, outcomes, (), replace(FACTS, table="a $title", epochs=5))


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("rates", [[0.01, 0.1], [0.1], [1e200]], ids=str)
def test_the_picture_of_the_same_outcomes_is_the_same(problem, kind, rates):
    pytest.importorskip("matplotlib")
    results = compared(problem, rates, 2)
    drawn = [picture(results, Summary.of(results), kind) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG" if kind == "png" else b"<?xml")


def test_the_picture_leaves_the_users_own_style_alone(problem):
    matplotlib = pytest.importorskip("matplotlib")
    results = compared(problem, [0.1], 1)
    plain = picture(results, Summary.of(results))
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        assert picture(results, Summary.of(results)) == plain
        assert matplotlib.rcParams["font.size"] == 30.0


def test_scores_are_in_the_targets_own_units():
    outputs = Outputs.regression(squared, mean=100.0, scale=10.0)
    found = scores(outputs, np.array([100.0, 120.0]), np.array([[0.3], [1.6]]))
    assert found == pytest.approx({"RMSE": (0.5 * (9 + 16)) ** 0.5, "MAE": 3.5, "R2": 1 - 25 / 200})
    assert np.isnan(scores(outputs, np.array([100.0]), np.array([[0.3]]))["R2"])


def test_scores_of_classes_are_accuracy_and_log_loss():
    two = Outputs.classification(log, [-1.0, 1.5])
    z = np.array([[0.0], [np.log(3)]])
    found = scores(two, np.array([-1.0, 1.5]), z)
    assert found == pytest.approx({"accuracy": 1.0, "log loss": -(np.log(0.5) + np.log(0.75)) / 2})
    three = Outputs.classification(softmax, ["a", "b", "c"])
    found = scores(three, np.array(["b", "b"], object), np.zeros((2, 3)))
    assert found == pytest.approx({"accuracy": 0.0, "log loss": np.log(3)})
