"""Formulas as objects: copies with other numbers, parameters of an estimator, values that pickle and compare."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.model_selection import GridSearchCV

from thalweg.errors import SettingError
from thalweg.formulas import activations, catalog, losses, penalties, rules, schedules
from thalweg.formulas.formula import (
    Activation,
    Formula,
    Loss,
    Penalty,
    Rule,
    Schedule,
    activation,
    loss,
    penalty,
    rule,
    schedule,
)

EVERY: list[Formula] = [
    *catalog.rules().values(),
    *catalog.losses().values(),
    *catalog.penalties().values(),
    *catalog.activations().values(),
    *catalog.schedules().values(),
]

of_every_formula = pytest.mark.parametrize("made", EVERY, ids=lambda made: f"{made.kind}-{made.name}")


@rule(starts={"s": "first", "v": 2.0}, ranges={"first": "[0, 9]", "steps": "[1, inf)"})
def mine(theta, g, t, s, v, *, learning_rate=0.5, first=3.0, steps=4, flag=False):
    """Move, in a way of its own.

    More about it.
    """
    rate = learning_rate / steps if flag else learning_rate
    s = s + g
    return theta - rate * s * v, s, v


THETA, G = np.array([1.0, 2.0]), np.array([0.5, -1.0])


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_a_call_gives_a_copy_with_other_numbers() -> None:
    other = mine(learning_rate=0.25, steps=7)
    assert other.hyperparameters == {"learning_rate": 0.25, "first": 3.0, "steps": 7, "flag": False}
    assert mine.hyperparameters == {"learning_rate": 0.5, "first": 3.0, "steps": 4, "flag": False}
    assert other(flag=True).hyperparameters == {"learning_rate": 0.25, "first": 3.0, "steps": 7, "flag": True}
    assert repr(other) == "mine(learning_rate=0.25, first=3.0, steps=7, flag=False)"
    assert (other.learning_rate, other.steps, other.flag) == (0.25, 7, False)
    assert isinstance(other, Rule)


def test_what_is_looked_up_cannot_change_the_formula() -> None:
    mine.hyperparameters["learning_rate"] = 7.0
    mine.get_params()["learning_rate"] = 7.0
    assert mine.learning_rate == 0.5


def test_numbers_of_numpy_become_pythons() -> None:
    made = mine(learning_rate=np.float32(0.5), steps=np.int64(3), flag=np.bool_(True))
    assert [type(v) for v in made.hyperparameters.values()] == [float, float, int, bool]
    assert made == mine(learning_rate=0.5, steps=3, flag=True)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="mine has no attribute 'beta1'"):
        _ = mine.beta1


@of_every_formula
def test_the_signature_shows_the_numbers(made: Formula) -> None:
    parameters = inspect.signature(made).parameters.values()
    assert {p.name: p.default for p in parameters} == made.hyperparameters
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters)
    assert made.__doc__
    assert made.formula.__name__ == made.name


# ---- as parameters of an estimator -----------------------------------------------------------------------------------


class Steps(RegressorMixin, BaseEstimator):
    """How far one step goes: an estimator whose score is best at a rate of 0.25."""

    def __init__(self, optimizer: Any = mine) -> None:
        self.optimizer = optimizer

    def fit(self, X: Any, y: Any) -> Steps:
        self.rate_ = self.optimizer.learning_rate
        return self

    def score(self, X: Any, y: Any) -> float:
        return -abs(self.rate_ - 0.25)


@of_every_formula
def test_scikit_learn_clones_it(made: Formula) -> None:
    other = clone(made())
    assert other == made
    assert other is not made
    assert type(other) is type(made)


def test_a_search_sets_numbers_of_copies_only() -> None:
    search = GridSearchCV(Steps(), {"optimizer__learning_rate": [0.125, 0.25, 0.75]}, cv=2)
    search.fit(np.zeros((4, 1)), np.zeros(4))
    assert search.best_params_ == {"optimizer__learning_rate": 0.25}
    assert mine.learning_rate == 0.5
    assert Steps().set_params(optimizer=mine(), optimizer__steps=9).optimizer.steps == 9


def test_the_declaration_is_nobodys_to_change() -> None:
    with pytest.raises(SettingError, match="SETTING-SHARED"):
        mine.set_params(learning_rate=0.1)
    mine.set_params()
    own = mine()
    own.set_params(learning_rate=0.1)
    assert (own.learning_rate, mine.learning_rate) == (0.1, 0.5)
    assert inspect.signature(own).parameters["learning_rate"].default == 0.1


# ---- identity --------------------------------------------------------------------------------------------------------


@of_every_formula
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])  # noqa: S301
def test_a_duplicate_is_equal_and_independent(made: Formula, duplicate: Any) -> None:
    own = made()
    other = duplicate(own)
    assert other == own
    assert hash(other) == hash(own)
    assert other.fingerprint == own.fingerprint
    assert (other.name, other.text, other.ranges, other.__doc__) == (own.name, own.text, own.ranges, own.__doc__)
    assert other.source() == own.source()
    for name in own.hyperparameters:
        if name == "learning_rate":
            other.set_params(learning_rate=0.123)
            assert own.learning_rate != 0.123


def test_equal_is_what_computes_the_same() -> None:
    def text(name: str = "own", constant: str = "2.0", remark: str = "") -> str:
        head = f"def {name}(theta, g, t, m, *, learning_rate=0.1):"
        return f"{head}\n    '''{remark}'''\n    return theta - {constant} * g, m"

    assert rule(text()) == rule(text(remark="Other words."))
    assert rule(text()) != rule(text(constant="3.0"))
    assert rule(text()) != rule(text(name="other"))
    assert rule(text()) != rule(text())(learning_rate=0.2)
    assert rule(text()) != rule(text(), starts={"m": 1.0})
    assert rule(text()) != "own"
    assert len({rule(text()), rule(text()), rule(text(constant="3.0"))}) == 2


def test_equal_losses_have_the_same_targets() -> None:
    text = "def own(y, z): return (z - y) ** 2, 2 * (z - y)"
    assert loss(text) == loss(text)
    assert loss(text) != loss(text, target="count")
    assert loss(text) != loss(text, inverse_link="exp")


def test_one_kind_is_not_another() -> None:
    assert activation("def own(z): return z, 1 + 0 * z") != penalty("def own(w): return w, 1 + 0 * w")


# ---- what each kind does ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slots_start_as_declared(dtype: Any) -> None:
    theta = np.zeros((2, 3), dtype)
    state = mine(first=5.0).init(theta)
    assert (state.shape, state.dtype) == ((2, 2, 3), dtype)
    np.testing.assert_array_equal(state[:, 0, 0], [5.0, 2.0])
    assert mine.slots == ("s", "v")
    assert rules.gradient_descent.init(theta).shape == (0, 2, 3)


def test_a_step_leaves_its_arguments_and_counts_the_factor() -> None:
    state = mine.init(THETA)
    theta, after = mine.step(THETA, G, state, 1)
    np.testing.assert_array_equal(theta, THETA - 0.5 * (3 + G) * 2)
    np.testing.assert_array_equal(after, [3 + G, [2.0, 2.0]])
    np.testing.assert_array_equal(state, mine.init(THETA))
    half, _ = mine.step(THETA, G, state, 1, factor=0.5)
    np.testing.assert_array_equal(half, THETA - 0.25 * (3 + G) * 2)
    slow, _ = mine(flag=True).step(THETA, G, state, 1)
    np.testing.assert_array_equal(slow, THETA - 0.125 * (3 + G) * 2)


def test_a_rule_without_memory_gives_theta_alone() -> None:
    theta, state = rules.gradient_descent(learning_rate=0.5).step(THETA, G, rules.gradient_descent.init(THETA), 1)
    np.testing.assert_array_equal(theta, THETA - 0.5 * G)
    assert state.shape == (0, 2)


def test_a_loss_gives_value_and_derivative() -> None:
    y, z = np.array([[1.0], [0.0]]), np.array([[3.0], [-1.0]])
    value, derivative = losses.squared.value_and_derivative(y, z)
    np.testing.assert_array_equal(value, losses.squared.value(y, z))
    np.testing.assert_array_equal(derivative, losses.squared.derivative(y, z))
    np.testing.assert_array_equal(value, [[2.0], [0.5]])
    assert (losses.log.target, losses.log.inverse_link) == ("binary", "logistic")
    assert losses.softmax.per_row
    assert not losses.log.per_row


def test_a_penalty_without_a_proximal_step_says_so() -> None:
    assert not penalties.l2.has_proximal
    with pytest.raises(SettingError, match="PENALTY-PROXIMAL"):
        penalties.l2.proximal_step(THETA, 0.1)


def test_a_proximal_step_takes_the_numbers_of_its_copy() -> None:
    np.testing.assert_array_equal(penalties.l1(alpha=2.0).proximal_step(np.array([3.0, -0.5]), 0.5), [2.0, -0.0])


def test_an_activation_gives_value_and_derivative() -> None:
    z = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(activations.relu.value(z), [0.0, 2.0])
    np.testing.assert_array_equal(activations.relu.derivative(z), [0.0, 1.0])


def test_a_schedule_takes_the_length_of_its_run() -> None:
    cosine = schedules.cosine
    assert cosine.total is None
    assert cosine.over(10.0).total == 10.0
    assert cosine(total=4.0).over(10.0).total == 4.0
    assert schedules.exponential.over(10.0) == schedules.exponential
    factor = cosine.over(10.0).factor(np.array([0.0, 5.0, 10.0]))
    np.testing.assert_allclose(factor, [1.0, 0.5, 0.0], atol=1e-15)
    assert cosine.over(10.0).factor(5).shape == ()
    assert schedules.constant.factor(np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("total", [0, -1, "long", float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(total: Any) -> None:
    with pytest.raises(SettingError, match="total of cosine"):
        schedules.cosine(total=total)


def test_a_schedule_of_a_user() -> None:
    @schedule(ranges={"rest": "[0, 1)"})
    def sawtooth(t, *, period=2.0, rest=0.25, marks=(1.0, 2.0)):
        return (
            rest + (1 - rest) * (1 - (t / period - np.floor(t / period))) * np.searchsorted(np.array(marks), t + 9) / 2
        )

    np.testing.assert_allclose(sawtooth.factor(np.array([0.0, 1.0, 2.0])), [1.0, 0.625, 1.0])
    assert sawtooth(marks=[3, 4]).marks == (3, 4)
    with pytest.raises(SettingError, match="rest of sawtooth"):
        sawtooth(rest=1)
    with pytest.raises(SettingError, match="marks of sawtooth"):
        sawtooth(marks=(1.0, float("nan")))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (rule, "def own(theta, g, t, *, learning_rate=0.5): return theta - learning_rate * g"),
        (loss, "def own(y, z): return (z - y) ** 2, 2 * (z - y)"),
        (penalty, "def own(w, *, alpha=1.0): return alpha * w * w, 2 * alpha * w"),
        (activation, "def own(z): return z, 1 + 0 * z"),
        (schedule, "def own(t): return 1 / (1 + t)"),
    ],
    ids=["rule", "loss", "penalty", "activation", "schedule"],
)
def test_a_text_is_as_good_as_a_function(kind: Any, text: str) -> None:
    made = kind(text)
    assert made.name == "own"
    assert made.text == text
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own
    assert isinstance(made, Rule | Loss | Penalty | Activation | Schedule)


def test_a_decorator_takes_options_or_none() -> None:
    def own(theta, g, t, *, nu=0.5):
        return theta - nu * g

    assert rule(own) == rule()(own) == rule(ranges={"nu": "[0, 1]"})(own)
    with pytest.raises(SettingError):
        rule(ranges={"nu": "[0, 1]"})(own)(nu=2)
