"""What formulas are shown to do without a gradient is what they do."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from thalweg.formulas import catalog, penalties, rules
from thalweg.formulas.formula import Rule, penalty, rule
from thalweg.formulas.rest import factors_at_rest, made_of_memory, number_of, numbers_of, pull_of

RULES = list(catalog.rules().values())
AT_REST = {"adadelta", "adagrad", "gradient_descent", "rmsprop", "rmsprop_centered", "signsgd"}


def written(made: Rule, *, pulled: bool = False) -> list[str] | None:
    factors = factors_at_rest(made, pulled=pulled)
    return None if factors is None else [ast.unparse(factor) for factor in factors]


@pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
def test_the_rules_of_the_library(made: Rule) -> None:
    assert (factors_at_rest(made) is not None) == (made.name in AT_REST)
    assert (factors_at_rest(made, pulled=True) is not None) == (made.name == "gradient_descent")


@pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
def test_only_ftrl_makes_theta_of_its_memory(made: Rule) -> None:
    assert made_of_memory(made) == (made.name == "ftrl")


def test_theta_made_of_memory_by_rules_of_the_users_own() -> None:
    @rule
    def averaged(theta, g, t, total, *, learning_rate=0.1):
        total = total + g
        return -learning_rate * total, total

    @rule
    def counted(theta, g, t, total, *, learning_rate=0.1):
        total = total + g
        return -learning_rate * total / t, total

    @rule
    def faded(theta, g, t, total, *, learning_rate=0.1):
        total = 0.9 * total + g
        return -learning_rate * total, total

    @rule
    def pulled_back(theta, g, t, total, *, learning_rate=0.1):
        total = total + g
        return -learning_rate * total + 0.5 * theta, total

    @rule
    def moved(theta, g, t, total, *, learning_rate=0.1):
        total = total + g - 0.1 * theta
        return -learning_rate * total, total

    made = [averaged, counted, faded, pulled_back, moved]
    assert [made_of_memory(each) for each in made] == [True, False, False, False, False]


def test_the_documentation_names_them_all() -> None:
    from thalweg.estimators.linear import LinearClassifier, LinearRegressor

    for documented in (LinearClassifier, LinearRegressor):
        told = (documented.__doc__ or "").partition("On CSR rows")[2].partition("All others")[0]
        assert {name for name in catalog.rules() if f"``{name}``" in told} == AT_REST | {"ftrl"}


@pytest.mark.parametrize("pull", [0.0, 0.3])
@pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
def test_a_step_does_what_was_shown(made: Rule, pull: float) -> None:
    factors = factors_at_rest(made, pulled=pull > 0)
    if factors is None:
        return
    theta = np.random.default_rng(0).normal(size=50)
    state = np.abs(np.random.default_rng(1).normal(size=(len(made.slots), 50))) + 1.0
    for t, change in ((1.0, 1.0), (7.0, 0.25)):
        moved, kept = made.step(theta, pull * theta, state, t, change if made.has_learning_rate else 1.0)
        numbers = numbers_of(made) | {"pull": pull}
        numbers["learning_rate"] = numbers.get("learning_rate", 0.0) * change
        scales = [number_of(factor, numbers) for factor in factors]
        np.testing.assert_allclose(moved, scales[0] * theta, rtol=1e-14)
        np.testing.assert_allclose(kept, np.array(scales[1:]).reshape(-1, 1) * state, rtol=1e-14)


@rule
def guarded(theta, g, t, s, *, learning_rate=0.1, epsilon=1e-8, power=2.0):
    size = np.maximum(np.abs(g) ** power, epsilon)
    s = np.where(g > 0, s + g, s)
    return theta - learning_rate * g / size, s


@rule
def counting(theta, g, t, n, *, learning_rate=0.1):
    return theta - learning_rate * g, n + 1


@rule
def jumping(theta, g, t, *, learning_rate=0.1):
    return theta - learning_rate * np.where(g > 0, 1.0, g - 1.0)


@rule
def fading_with_time(theta, g, t, *, learning_rate=0.1):
    return theta * (1 - 1 / (t + 1)) - learning_rate * g


@rule
def swapping(theta, g, t, a, b, *, learning_rate=0.1):
    return theta - learning_rate * g, b, a


@rule
def forgetting(theta, g, t, last, *, learning_rate=0.1):
    return theta - learning_rate * g, g


@rule
def decoupled(theta, g, t, scales, *, learning_rate=0.1, pull=0.5):
    return theta - learning_rate * pull * theta - learning_rate * np.sign(g), scales / 2


def test_rules_of_the_users_own() -> None:
    assert written(guarded) == ["1.0", "1.0"]
    assert written(guarded(epsilon=0.0)) is None  # nothing says that 0 / 0 does not occur
    assert written(rules.adagrad(epsilon=0.0)) is None
    assert written(rules.gradient_descent, pulled=True) == ["1.0 - learning_rate * pull"]
    for moving in (counting, jumping, fading_with_time, swapping, forgetting):
        assert written(moving) is None
    assert written(decoupled) is not None
    assert len(set(decoupled._program.scalars) & {"pull"}) == 0  # the loop's own word: the formula's gets another


def test_penalties_that_pull_like_a_spring() -> None:
    @penalty
    def spring(w, *, alpha=0.5):
        return 2 * alpha * w**2, 4 * alpha * w

    @penalty
    def lifted(w, *, alpha=0.5):
        return alpha * w**2 / 2 + alpha, alpha * w

    assert pull_of(penalties.l2(alpha=0.25)) == 0.25
    assert pull_of(spring) == 2.0
    assert pull_of(penalties.l1) is None
    assert pull_of(penalties.elastic_net) is None
    assert pull_of(lifted) is None
