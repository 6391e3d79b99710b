from __future__ import annotations

import itertools

import pytest

from thalweg.comparison.plan import Grid, Plan
from thalweg.errors import LimitError, SettingError
from thalweg.formulas import catalog
from thalweg.formulas.rules import adam, gradient_descent, rprop


def test_every_rule_meets_every_rate_and_every_seed():
    plan = Plan.of({"adam": adam, "gd": gradient_descent}, [0.1, 0.01], seeds=3)
    runs = [(arm.name, arm.learning_rate, arm.rule.learning_rate, seed) for arm, seed in plan]
    assert runs == [(name, rate, rate, seed) for name in ("adam", "gd") for rate in (0.01, 0.1) for seed in (0, 1, 2)]
    assert len(plan) == 12


def test_a_rule_without_a_rate_runs_once_for_each_seed():
    plan = Plan.of({"rprop": rprop, "adam": adam}, [0.1, 0.01], seeds=2)
    assert plan.rates("rprop") == (None,)
    assert len(plan) == 6


def test_rates_of_a_plan_keep_the_other_numbers():
    plan = Plan.of({"adam": adam(beta1=0.5, learning_rate=7.0)}, [0.1])
    assert [arm.rule for arm in plan.arms] == [adam(beta1=0.5, learning_rate=0.1)]


@pytest.mark.parametrize("rule", [r for r in catalog.rules().values() if r.has_learning_rate], ids=lambda r: r.name)
def test_usual_rates_are_as_many_for_every_rule_and_hold_its_own(rule):
    rates = Grid.around(rule, 9).rates()
    assert len(rates) == 9
    assert rates == sorted(rates)
    assert min(abs(rate / rule.learning_rate - 1) for rate in rates) < 1e-12
    assert all(3.1 < after / before < 3.2 for before, after in itertools.pairwise(rates))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({}, [0.1], 1), "no rule"),
        (({"adam": adam}, [], 1), "no rate"),
        (({"adam": adam}, [0.1, -1.0], 1), "must be > 0"),
        (({"adam": adam}, [float("nan")], 1), "finite"),
        (({"adam": adam}, [0.1], 0), "seeds"),
    ],
)
def test_what_is_no_plan_is_refused(arguments, words):
    with pytest.raises(SettingError, match=words):
        Plan.of(*arguments)


def test_a_plan_that_nobody_waits_for_is_refused_with_its_size():
    with pytest.raises(LimitError, match="100001 runs"):
        Plan.of({"adam": adam}, [0.1], seeds=100_001)
