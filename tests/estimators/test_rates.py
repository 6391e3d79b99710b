"""Learning rates that are found: once, told, and used."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from thalweg.errors import DataError, DivergedError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.estimators.files import load, save
from thalweg.formulas.rules import gradient_descent, nesterov

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(120, 3))
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=120)
C = (Y > 0).astype(int)
TESTED = {"optimizer": "adam", "learning_rate": "range_test", "schedule": None, "max_iter": 6}
TESTED |= {"tol": None, "random_state": 0}


@pytest.mark.parametrize(
    ("kind", "targets"), [(LinearRegressor, Y), (LinearClassifier, C), (MLPRegressor, Y), (MLPClassifier, C)]
)
def test_the_rate_that_is_told_is_the_one_that_is_used(kind, targets):
    model = kind(**TESTED).fit(X, targets)
    given = kind(**{**TESTED, "learning_rate": model.learning_rate_}).fit(X, targets)
    np.testing.assert_array_equal(model.theta_, given.theta_)
    assert (
        model.learning_rate_
        == model.range_test_["learning_rate"]
        == model.record_.settings["optimizer"]["learning_rate"]
    )
    assert "Train adam at a learning rate of" in model.range_test_["message"]
    assert given.range_test_ is None
    assert model.learning_rate == "range_test"


def test_it_is_better_than_the_rules_own_where_that_is_far_off():
    told = {**TESTED, "optimizer": "gradient_descent", "max_iter": 20, "fit_intercept": False}
    model = LinearRegressor(**told).fit(1e-2 * X, Y)
    usual = LinearRegressor(**{**told, "learning_rate": None}).fit(1e-2 * X, Y)
    assert model.learning_rate_ > 100 * usual.learning_rate_
    assert model.score(1e-2 * X, Y) > 0.7 > usual.score(1e-2 * X, Y)


def test_one_seed_finds_one_rate_whatever_else_is_fitted():
    first, second = (LinearRegressor(**TESTED).fit(X, Y) for _ in range(2))
    assert first.range_test_ == second.range_test_
    other = LinearRegressor(**{**TESTED, "average": True, "gradient_norm": True, "callbacks": lambda run: False}).fit(
        X, Y
    )
    assert other.range_test_ == first.range_test_


def test_accumulated_batches_are_tested_as_what_they_add_up_to():
    parts = LinearRegressor(**TESTED, batch_size=4, accumulate=3).fit(X, Y)
    whole = LinearRegressor(**TESTED, batch_size=12).fit(X, Y)
    assert parts.range_test_ == whole.range_test_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_set_aside_are_not_looked_at():
    told = {**TESTED, "early_stopping": True}
    found = LinearRegressor(**told).fit(X, Y).range_test_
    same = [
        LinearRegressor(**told).fit(X, Y + 100.0 * (np.arange(120) == row)).range_test_ == found for row in range(24)
    ]
    assert 0 < sum(same) < 12  # a tenth of them was set aside


def test_going_on_keeps_the_rate():
    model = LinearRegressor(**TESTED, warm_start=True).fit(X, Y)
    rate, test = model.learning_rate_, model.range_test_
    model.fit(100 * X, Y)
    assert (model.learning_rate_, model.range_test_) == (rate, test)
    model.partial_fit(X, Y)
    assert model.learning_rate_ == rate


def test_it_survives_copies_files_and_searches(tmp_path):
    model = MLPRegressor(4, **TESTED).fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).range_test_ == model.range_test_  # noqa: S301 - our own bytes
    save(model, tmp_path / "m.thalweg")
    assert load(tmp_path / "m.thalweg").range_test_ == model.range_test_
    assert clone(model).learning_rate == "range_test"
    search = GridSearchCV(
        LinearClassifier(**TESTED), {"learning_rate": ["range_test", 1e-6]}, cv=2, error_score="raise"
    )
    assert search.fit(X, C).best_params_ == {"learning_rate": "range_test"}


def test_what_cannot_be_found_is_said():
    with pytest.raises(SettingError, match=r"'range_test' cannot be made on a part of the rows\n  Call fit"):
        LinearRegressor(learning_rate="range_test").partial_fit(X, Y)
    with pytest.raises(SettingError, match="'range_test': rprop has none to look for"):
        LinearRegressor(learning_rate="range_test", optimizer="rprop").fit(X, Y)
    with pytest.raises(DataError, match="has 3 rows; a range test"):
        LinearRegressor(**TESTED).fit(X[:3], Y[:3])
    with pytest.raises(DivergedError, match="diverged at every rate"):
        LinearRegressor(**{**TESTED, "optimizer": "gradient_descent"}).fit(1e170 * X, Y)


def test_a_rule_without_a_rate_has_none():
    assert LinearRegressor(optimizer="rprop", max_iter=2, tol=None).fit(X, Y).learning_rate_ is None


def test_by_default_the_rate_comes_from_the_curvature_and_falls_to_zero():
    """Expected smoothness of [[1, 10], [-1, 10], ...] in full batches is 100; Nesterov's 0.9 moves ten times as far."""
    rows = np.array([[1.0, 10.0], [-1.0, 10.0], [1.0, -10.0], [-1.0, -10.0]])
    line = LinearRegressor(batch_size=None, fit_intercept=False).fit(rows, rows @ [1.0, 1.0])
    assert line.learning_rate_ == pytest.approx(0.5 * 0.1 / 100)
    assert (line.range_test_, line.n_iter_) == (None, 15)
    np.testing.assert_allclose(line.learning_rate_curve_, line.learning_rate_ * (1 - np.arange(15) / 15), rtol=1e-12)
    switch = LinearClassifier(batch_size=None, fit_intercept=False).fit(rows, [0, 1, 1, 0])
    assert switch.learning_rate_ == pytest.approx(2 * 0.1 / 25)  # log loss bends by a quarter at most


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("batch_size", [1, 7, "auto", None])
def test_units_of_rows_and_targets_do_not_matter(scale, batch_size):
    told = {"batch_size": batch_size, "fit_intercept": False, "random_state": 0}
    score = LinearRegressor(**told).fit(X, Y).score(X, Y)
    assert LinearRegressor(**told).fit(scale * X, Y).score(scale * X, Y) == pytest.approx(score, abs=1e-9)
    assert LinearRegressor(**told).fit(X, Y / scale).score(X, Y / scale) == pytest.approx(score, abs=1e-9)


def test_defaults_are_good_enough_to_be_left_alone():
    from sklearn.linear_model import LinearRegression, LogisticRegression

    best = LinearRegression().fit(X, Y).score(X, Y)
    assert best - LinearRegressor(random_state=0).fit(X, Y + 100).score(X, Y + 100) < 0.005
    best = LogisticRegression(C=np.inf).fit(X, C).score(X, C)
    assert best - LinearClassifier(random_state=0).fit(X, C).score(X, C) < 0.02


def test_what_has_no_bound_on_its_curvature_is_tested():
    robust = LinearRegressor("absolute_error", random_state=0).fit(X, Y)
    assert robust.range_test_["learning_rate"] == robust.learning_rate_
    assert LinearRegressor(optimizer="adam", random_state=0).fit(X, Y).range_test_ is not None
    assert LinearRegressor("absolute_error").fit(X[:3], Y[:3]).learning_rate_ == 0.01  # too few to test: the rule's own


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rule", [gradient_descent(learning_rate=0.02), nesterov(momentum=0.5)])
def test_a_rule_with_numbers_of_its_own_keeps_them(rule):
    line = LinearRegressor(optimizer=rule, max_iter=3).fit(X, Y)
    assert line.learning_rate_ == rule.learning_rate
    assert set(line.learning_rate_curve_) == {rule.learning_rate}  # nor does it fall
    assert clone(line).fit(X, Y).learning_rate_ == rule.learning_rate


def test_a_declaration_counts_as_its_name_also_after_copies():
    named = LinearRegressor(optimizer="nesterov", random_state=0).fit(X, Y)
    declared = LinearRegressor(optimizer=nesterov, random_state=0)
    for made in (declared, clone(declared), pickle.loads(pickle.dumps(declared))):  # noqa: S301 - our own bytes
        np.testing.assert_array_equal(made.fit(X, Y).theta_, named.theta_)


def test_a_part_of_the_rows_finds_none():
    assert LinearRegressor().partial_fit(X, Y).learning_rate_ == nesterov.learning_rate
    assert LinearRegressor(warm_start=True).fit(X, Y).partial_fit(X, Y).learning_rate_ != nesterov.learning_rate
