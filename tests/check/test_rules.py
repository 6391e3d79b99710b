from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thalweg.check.rules import check_rule
from thalweg.errors import FormulaError, SettingError
from thalweg.formulas import catalog


@pytest.mark.parametrize("made", catalog.rules().values(), ids=lambda made: made.name)
def test_rules_of_the_library_are_right(made: Any) -> None:
    told = check_rule(made)
    assert told.right, str(told)
    assert told.properties["native loop"].startswith("the formula")


def uphill(theta: Any, g: Any, t: Any, *, learning_rate: float = 0.1) -> Any:
    return theta + learning_rate * g


def no_epsilon(theta: Any, g: Any, t: Any, s: Any, *, learning_rate: float = 0.1) -> Any:
    s = s + g * g
    return theta - learning_rate * g / np.sqrt(s), s


def decay_without_rate(theta: Any, g: Any, t: Any, *, learning_rate: float = 0.1, weight_decay: float = 0.1) -> Any:
    return (1 - weight_decay) * theta - learning_rate * g


@pytest.mark.parametrize(
    ("rule", "code"),
    [(uphill, "climbs"), (no_epsilon, "not_finite"), (decay_without_rate, "moves_at_rate_0")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_mistakes_of_a_rule_are_named(rule: Any, code: str) -> None:
    told = check_rule(rule)
    assert told.codes == {code}, str(told)
    assert max(map(len, told.lines)) <= 80


@pytest.mark.parametrize(
    ("name", "said"),
    [("gradient_descent", "linear"), ("momentum", "linear"), ("adam", "scale invariant"), ("lion", "scale invariant")],
)
def test_unit_of_the_gradient_is_told(name: str, said: str) -> None:
    assert said in check_rule(name).properties["gradient times 10"]


def test_square_of_the_gradient_is_told() -> None:
    def squared(theta: Any, g: Any, t: Any, *, learning_rate: float = 0.1) -> Any:
        return theta - learning_rate * g * np.abs(g)

    assert "quadratic" in check_rule(squared).properties["gradient times 10"]


def test_a_native_loop_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from thalweg.check import rules

    right = rules._native_walk
    monkeypatch.setattr(rules, "_native_walk", lambda *given: np.nextafter(right(*given), np.inf))
    assert check_rule("gradient_descent").codes == {"kernel"}


def test_what_is_no_rule_is_answered() -> None:
    with pytest.raises(SettingError):
        check_rule(3)
    with pytest.raises(FormulaError):
        check_rule(lambda w, g: w - g)
