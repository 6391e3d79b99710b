from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.comparison.comparisons import results

from thalweg.comparison.choice import choose, quantiles

INF = math.inf


def chosen(finals, name="a"):
    made = results({name: finals})
    return choose(made.plan, made.outcomes)[name]


def test_the_rate_with_the_lowest_median_is_chosen():
    choice = chosen({0.1: [1.0, 5.0, 6.0], 0.2: [3.0, 4.0, 8.0]})
    assert (choice.arm.learning_rate, choice.place, choice.median) == (0.2, 1, 4.0)


def test_a_diverged_run_is_worse_than_any_other():
    assert chosen({0.1: [1e3, 1e3, 1e3], 1.0: [0.1, INF, INF]}).arm.learning_rate == 0.1


def test_a_few_diverged_runs_do_not_rule_a_rate_out():
    assert chosen({0.1: [1e3, 1e3, 1e3], 1.0: [0.1, 0.1, INF]}).arm.learning_rate == 1.0


def test_of_two_rates_alike_the_smaller_is_taken():
    assert chosen({0.1: [1.0], 0.2: [1.0]}).arm.learning_rate == 0.1


@pytest.mark.parametrize(("best", "edge"), [(0.1, "<"), (0.2, ""), (0.3, ">")])
def test_a_best_rate_at_the_edge_is_marked(best, edge):
    assert chosen({rate: [1.0 if rate == best else 2.0] for rate in (0.1, 0.2, 0.3)}).edge == edge


def test_a_single_rate_and_no_rate_have_no_edge():
    assert chosen({0.1: [1.0]}).edge == ""
    assert chosen({None: [1.0]}).edge == ""


def test_where_nothing_holds_smaller_rates_may():
    choice = chosen({0.1: [INF], 1.0: [INF]})
    assert (choice.arm.learning_rate, choice.median, choice.edge) == (0.1, INF, "<")


def test_each_rule_has_its_own():
    made = results({"a": {0.1: [2.0], 0.2: [1.0]}, "b": {None: [3.0]}, "c": {0.1: [1.0], 0.2: [2.0]}})
    found = choose(made.plan, made.outcomes)
    assert {name: (choice.arm.name, choice.place) for name, choice in found.items()} == {
        "a": ("a", 1),
        "b": ("b", 2),
        "c": ("c", 3),
    }


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(0, 1))
def test_quantiles_are_numpys_where_nothing_is_infinite(losses, share):
    assert quantiles(np.array([losses]), share)[0] == pytest.approx(np.quantile(losses, share), abs=1e-6)


@pytest.mark.parametrize(
    ("losses", "share", "quantile"),
    [([1, 2, INF], 0.5, 2), ([1, 2, INF], 0.75, INF), ([1, INF, INF, INF], 0.5, INF), ([INF, INF], 0.25, INF)],
)
def test_quantiles_reach_into_infinity(losses, share, quantile):
    assert quantiles(np.array([losses], dtype=float), share)[0] == quantile
