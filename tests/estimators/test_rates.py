"""``learning_rate="auto"``: a rate that is found once, told, and used."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from thalweg.errors import DataError, DivergedError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.estimators.files import load, save

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(120, 3))
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=120)
C = (Y > 0).astype(int)
AUTO = {"learning_rate": "auto", "max_iter": 6, "tol": None, "random_state": 0}


@pytest.mark.parametrize(
    ("kind", "targets"), [(LinearRegressor, Y), (LinearClassifier, C), (MLPRegressor, Y), (MLPClassifier, C)]
)
def test_the_rate_that_is_told_is_the_one_that_is_used(kind, targets):
    model = kind(**AUTO).fit(X, targets)
    given = kind(**{**AUTO, "learning_rate": model.learning_rate_}).fit(X, targets)
    np.testing.assert_array_equal(model.theta_, given.theta_)
    assert (
        model.learning_rate_
        == model.range_test_["learning_rate"]
        == model.record_.settings["optimizer"]["learning_rate"]
    )
    assert "Train adam at a learning rate of" in model.range_test_["message"]
    assert given.range_test_ is None
    assert model.learning_rate == "auto"


def test_it_is_better_than_the_rules_own_where_that_is_far_off():
    told = {**AUTO, "optimizer": "gradient_descent", "max_iter": 20, "fit_intercept": False}
    model = LinearRegressor(**told).fit(1e-2 * X, Y)
    usual = LinearRegressor(**{**told, "learning_rate": None}).fit(1e-2 * X, Y)
    assert model.learning_rate_ > 100 * usual.learning_rate_
    assert model.score(1e-2 * X, Y) > 0.7 > usual.score(1e-2 * X, Y)


def test_one_seed_finds_one_rate_whatever_else_is_fitted():
    first, second = (LinearRegressor(**AUTO).fit(X, Y) for _ in range(2))
    assert first.range_test_ == second.range_test_
    other = LinearRegressor(**{**AUTO, "average": True, "gradient_norm": True, "callbacks": lambda run: False}).fit(
        X, Y
    )
    assert other.range_test_ == first.range_test_


def test_accumulated_batches_are_tested_as_what_they_add_up_to():
    parts = LinearRegressor(**AUTO, batch_size=4, accumulate=3).fit(X, Y)
    whole = LinearRegressor(**AUTO, batch_size=12).fit(X, Y)
    assert parts.range_test_ == whole.range_test_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_set_aside_are_not_looked_at():
    told = {**AUTO, "early_stopping": True}
    found = LinearRegressor(**told).fit(X, Y).range_test_
    same = [
        LinearRegressor(**told).fit(X, Y + 100.0 * (np.arange(120) == row)).range_test_ == found for row in range(24)
    ]
    assert 0 < sum(same) < 12  # a tenth of them was set aside


def test_going_on_keeps_the_rate():
    model = LinearRegressor(**AUTO, warm_start=True).fit(X, Y)
    rate, test = model.learning_rate_, model.range_test_
    model.fit(100 * X, Y)
    assert (model.learning_rate_, model.range_test_) == (rate, test)
    model.partial_fit(X, Y)
    assert model.learning_rate_ == rate


def test_it_survives_copies_files_and_searches(tmp_path):
    model = MLPRegressor(4, **AUTO).fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).range_test_ == model.range_test_  # noqa: S301 - our own bytes
    save(model, tmp_path / "m.thalweg")
    assert load(tmp_path / "m.thalweg").range_test_ == model.range_test_
    assert clone(model).learning_rate == "auto"
    search = GridSearchCV(LinearClassifier(**AUTO), {"learning_rate": ["auto", 1e-6]}, cv=2, error_score="raise")
    assert search.fit(X, C).best_params_ == {"learning_rate": "auto"}


def test_what_cannot_be_found_is_said():
    with pytest.raises(SettingError, match=r"'auto' cannot be told from a part of the rows\n  Call fit first"):
        LinearRegressor(learning_rate="auto").partial_fit(X, Y)
    with pytest.raises(SettingError, match="'auto': rprop has none to look for"):
        LinearRegressor(learning_rate="auto", optimizer="rprop").fit(X, Y)
    with pytest.raises(DataError, match="has 3 rows; a range test"):
        LinearRegressor(**AUTO).fit(X[:3], Y[:3])
    with pytest.raises(DivergedError, match="diverged at every rate"):
        LinearRegressor(**{**AUTO, "optimizer": "gradient_descent"}).fit(1e170 * X, Y)


def test_a_rule_without_a_rate_has_none():
    assert LinearRegressor(optimizer="rprop", max_iter=2, tol=None).fit(X, Y).learning_rate_ is None
