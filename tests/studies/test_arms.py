"""Estimators as arms: each brings its own model and settings, and is told from rules wherever a reader looks."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import SGDRegressor

import thalweg
from thalweg import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.comparison import confirming, training
from thalweg.comparison.plan import Grid
from thalweg.errors import SettingError
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adam, momentum
from thalweg.studies.comparison import Comparison

DRAW = np.random.default_rng(5)
X = DRAW.standard_normal((120, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.5 * np.sin(3 * X[:, 0]) + 0.1 * DRAW.standard_normal(120)
KINDS = np.array(["a", "b", "c"])[np.digitize(Y, [-1, 1])]

SMALL = LinearRegressor(optimizer="momentum", batch_size=8, penalty="l2", alpha=0.1, fit_intercept=False)
DEEP = MLPRegressor(
    (6, 3), activation=("tanh", "relu"), dropout=(0.0, 0.2), penalty=(l2(alpha=0.1), None, l2), clip_norm=0.5
)
MIXED: dict[str, Any] = {"small": SMALL, "deep": DEEP, "adam": adam}


def compared(optimizers: Any, y: Any = Y, X: Any = X, **told: Any) -> Comparison:
    few = {"learning_rates": [0.01, 0.1], "seeds": 2, "budget": 3, "n_jobs": 1}
    return thalweg.compare(X, y, optimizers=optimizers, **{**few, **told})


@pytest.mark.parametrize("name", ["small", "deep"])
def test_an_arm_is_the_estimator_itself_on_the_rows_of_the_comparison(name):
    found = compared(MIXED)
    part = found.study.parts["train"]
    runs = [outcome for outcome in found.results.outcomes if outcome.arm.name == name]
    assert len(runs) == 4
    for run in runs:
        alone = clone(MIXED[name]).set_params(
            learning_rate=run.arm.learning_rate, max_iter=3, tol=None, random_state=run.seed
        )
        alone.fit(part.X, part.targets[:, 0])
        assert run.record.loss_curve == pytest.approx(alone.loss_curve_, rel=1e-12)
        assert run.record.steps == alone.t_


def test_means_of_iterates_and_accumulated_batches_are_brought_along():
    arms = {
        "mean": LinearRegressor(optimizer="momentum", batch_size=8, average=True),
        "gathered": LinearRegressor(optimizer="momentum", batch_size=8, accumulate=3, gradient_norm=True),
        "plain": LinearRegressor(optimizer="momentum", batch_size=8),
    }
    found = compared(arms)
    part, judged = (found.study.parts[name] for name in ("train", "validation"))
    runs = {(run.arm.name, run.arm.learning_rate): run for run in found.results.outcomes if run.seed == 0}
    for name, arm in arms.items():
        alone = clone(arm).set_params(learning_rate=0.1, max_iter=3, tol=None, random_state=0)
        alone.fit(part.X, part.targets[:, 0])
        loss = np.mean((alone.predict(judged.X) - judged.targets[:, 0]) ** 2) / 2
        assert runs[name, 0.1].losses[-1] == pytest.approx(loss, rel=1e-9)
    assert {name: whole.steps for name, whole in found.results.facts.wholes.items()} == {
        "mean": 27, "gathered": 9, "plain": 27
    }  # fmt: skip
    (finding,) = [finding for finding in found.stamp.findings if finding.code == "WHOLES"]
    assert "differ in accumulated batches and averaging of iterates;" in finding.message
    assert "average" in found.best_estimator().regressor_.steps[-1][1].get_params()


def test_rates_are_tried_around_that_of_the_estimator():
    plan = compared([LinearRegressor(optimizer="adam", learning_rate=0.5)], learning_rates=3, budget=1).results.plan
    assert set(Grid.around(adam(learning_rate=0.5), 3).rates()) <= set(plan.rates("adam"))


def test_estimators_that_differ_in_their_rules_alone_are_a_comparison_of_rules():
    told = [MLPRegressor((5,), optimizer=one, max_iter=7) for one in ("adam", momentum(momentum=0.5))]
    found = compared(told)
    assert found.results.plan.names == ("adam", "momentum")
    assert found.results.facts.model == "network 5"
    assert not found.results.facts.wholes
    assert "WHOLES" not in {finding.code for finding in found.stamp.findings}
    assert found.study.hidden == (5,)


def test_an_estimator_like_the_shared_model_is_no_whole_either():
    found = compared(["adam", LinearRegressor(optimizer="momentum", batch_size=32)])
    assert not found.results.facts.wholes
    assert found.results.plan.names == ("adam", "LinearRegressor(momentum, batch 32)")


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ([SMALL, "adam"], ["LinearRegressor(momentum, alpha 0.1, batch 8, no intercept, penalty l2)", "adam"]),
        (
            [LinearRegressor(optimizer="momentum", batch_size=8), LinearRegressor(optimizer="momentum")],
            ["LinearRegressor(momentum, batch 8)", "LinearRegressor(momentum)"],
        ),
        ([MLPRegressor((8, 4)), MLPRegressor(9)], ["MLPRegressor(8-4, adam)", "MLPRegressor(9, adam)"]),
        (
            [LinearRegressor(optimizer=adam(beta1=0.5), batch_size=None), LinearRegressor(), LinearRegressor()],
            ["LinearRegressor(adam(beta1=0.5), full batch)", "LinearRegressor(nesterov)"],
        ),
        ([("wide", MLPRegressor(9)), "adam", ("mine", "adam")], ["wide", "adam", "mine"]),
    ],
    ids=["what it brings", "what differs", "layers", "one twice", "pairs"],
)
def test_names_tell_arms_apart(told, names):
    assert list(compared(told, budget=1, seeds=1).results.plan.names) == names


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "losses": (
        {"optimizers": {"a": LinearRegressor(), "b": LinearRegressor(loss="huber")}},
        "a has the loss squared_error, b huber",
    ),
    "loss beside": ({"optimizers": [MLPRegressor(3), "adam"], "loss": "huber"}, "has the loss huber, MLPRegressor"),
    "tasks": ({"optimizers": [LinearRegressor(), LinearClassifier()]}, r"for regression, LinearClassifier.* for class"),
    "task beside": ({"optimizers": [LinearRegressor()], "task": "classification"}, "task is for classification"),
    "idle keyword": ({"optimizers": [MLPRegressor(3)], "batch_size": 8}, r"\] batch_size: counts for rules"),
    "stops early": ({"optimizers": [MLPRegressor(3, early_stopping=True), "adam"]}, "early_stopping: True sets rows"),
    "weights": (
        {"optimizers": [LinearClassifier(class_weight="balanced")], "y": KINDS},
        "class_weight: 'balanced' weighs the rows",
    ),
    "another library": ({"optimizers": [SGDRegressor()]}, "SGDRegressor is no estimator of this library"),
    "a class": ({"optimizers": [MLPRegressor, "adam"]}, "the class MLPRegressor is no estimator"),
    "one name": (
        {"optimizers": [("a", LinearRegressor()), ("a", LinearRegressor(batch_size=3))]},
        "two different ones are called 'a'",
    ),
    "its own": (
        {"optimizers": [MLPRegressor(3, batch_size=0), "adam"]},
        r"\] MLPRegressor\(3, adam, batch 0\), batch_size: must be an integer",
    ),
    "no rate": (
        {"optimizers": [LinearRegressor(optimizer="rprop", schedule="cosine"), "adam"]},
        "rprop has no learning_rate for a schedule",
    ),
}


@pytest.mark.parametrize("told", WRONG.values(), ids=WRONG)
def test_what_cannot_be_compared_is_answered_before_any_run(told, monkeypatch):
    for module in (training, confirming):
        monkeypatch.setattr(module, "Lockstep", lambda *_: pytest.fail("training has begun"))
    with pytest.raises(SettingError, match=told[1]):
        compared(**told[0])


def test_a_reader_knows_that_wholes_were_compared():
    found = compared(MIXED)
    (finding,) = [finding for finding in found.stamp.findings if finding.code == "WHOLES"]
    assert "not rules alone: they differ in model, batch size, clip norm, penalty and rule" in finding.message
    assert "9 to 72 updates of the same number of gradients of rows" in finding.message
    assert not finding.spoils
    assert "UNPAIRED" not in {finding.code for finding in found.stamp.findings}
    assert "estimator" in str(found.verdict)
    assert found.results.facts.wholes["small"].model == "linear model without intercept"
    assert found.results.facts.wholes["deep"].model == "network 6-3, tanh-relu, dropout 0-0.2"
    page = found.html()
    assert "What the estimators are" in page
    assert "Each estimator at its best learning rate" in page
    assert "9 to 72 updates" in page
    assert "same orders for all; same starts where models are alike" in page


def test_the_command_names_the_estimators():
    command = compared(MIXED).results.facts.command
    call = ast.parse(command, mode="eval").body
    assert isinstance(call, ast.Call)
    (told,) = [keyword.value for keyword in call.keywords if keyword.arg == "optimizers"]
    assert isinstance(told, ast.Dict)
    small = ast.unparse(told.values[0])
    assert eval(small, {"LinearRegressor": LinearRegressor}).get_params() == SMALL.get_params()  # noqa: S307


def test_kept_runs_are_found_again_and_another_estimator_of_that_name_is_not(tmp_path, monkeypatch):
    made: list[Any] = []
    lockstep = training.Lockstep
    monkeypatch.setattr(training, "Lockstep", lambda *told: made.extend(told[3]) or lockstep(*told))
    path = tmp_path / "runs.sqlite"

    def runs(**arms: Any) -> int:
        made.clear()
        compared({"adam": "adam", **arms}, store=path)
        return len(made)

    assert runs(small=SMALL) == 8
    assert runs(small=SMALL) == 0
    assert runs(small=clone(SMALL).set_params(batch_size=9)) == 4
    assert runs(small=SMALL, other=LinearRegressor(penalty="l1")) == 4


@pytest.mark.parametrize("name", ["small", "deep"])
def test_whatever_arm_wins_is_fitted_again_as_a_whole(name):
    found = compared({name: MIXED[name], "bad": LinearRegressor(optimizer="adam", penalty="l2", alpha=1e6)})
    assert found.best.name == name
    winner = found.best_estimator()
    inner = winner.regressor_.steps[-1][1]
    own = MIXED[name].get_params()
    told = inner.get_params()
    brought = ("clip_norm", "fit_intercept", "hidden_layer_sizes", "activation", "dropout")
    for parameter in [parameter for parameter in brought if parameter in own]:
        values = [getattr(one, "name", one) for one in np.ravel(told[parameter])]
        assert values == [getattr(one, "name", one) for one in np.ravel(own[parameter])]
    assert inner.optimizer == found.best_arm.rule
    assert inner.max_iter == 3
    again = clone(winner).fit(X, Y)
    assert again.predict(X).shape == (120,)
    rows = np.concatenate([found.study.places[part] for part in ("train", "validation")])
    np.testing.assert_array_equal(clone(winner).fit(X[rows], Y[rows]).predict(X), winner.predict(X))


def test_classifiers_of_other_widths_and_a_linear_one_share_their_loss():
    arms = {"wide": MLPClassifier((8,)), "linear": LinearClassifier(optimizer="momentum"), "adam": "adam"}
    found = compared(arms, KINDS)
    assert found.study.loss.name == "softmax"
    assert set(found.best_estimator().predict(X)) <= set("abc")


def test_networks_and_linear_models_learn_from_sparse_rows_side_by_side():
    arms = {"net": MLPRegressor((3,)), "line": LinearRegressor(batch_size=8)}
    sparse, dense = (compared(arms, X=rows, standardize=False) for rows in (csr_array(X), X))
    for one, other in zip(sparse.results.outcomes, dense.results.outcomes, strict=True):
        assert one.losses == pytest.approx(other.losses, rel=1e-9)


def test_theory_speaks_of_each_arm_with_its_own_batches_and_penalty():
    arms = {
        "full": LinearRegressor(optimizer="gradient_descent", batch_size=None),
        "ridge": LinearRegressor(optimizer="gradient_descent", batch_size=None, penalty="l2", alpha=10.0),
        "net": MLPRegressor((3,), optimizer="gradient_descent"),
    }
    found = {limit.name: limit for limit in compared(arms, budget=1).limits}
    assert list(found) == ["full", "ridge"]
    assert found["ridge"].eigenvalue == pytest.approx(found["full"].eigenvalue + 10.0)
    assert found["full"].exact
