from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from thalweg.comparison.statistics import (
    Floats,
    critical_value,
    disagreement_value,
    expected_best,
    intervals,
    seeds_needed,
)

COMPARISONS = 2000


def equal_rules(kind: str, rules: int, seeds: int, numbers: np.random.Generator) -> Floats:
    """Return losses of rules that do not differ in truth."""
    own = numbers.normal(size=(rules, seeds))
    if kind == "same noise":
        return own + 3 * numbers.normal(size=seeds)
    if kind == "unequal noise":
        return own * 10 ** numbers.uniform(-1, 1, (rules, 1))
    if kind == "families":
        families = max(rules // 4, 1)
        return numbers.normal(size=(families, seeds))[np.arange(rules) % families] + 0.1 * own
    if kind == "skewed":
        return numbers.exponential(size=(rules, seeds))
    return own


# Some of the table in the module's docstring, with the draws that made it; two standard errors of 0.95 are 0.01.
@pytest.mark.parametrize("kind", ["independent", "same noise", "unequal noise", "families", "skewed"])
@pytest.mark.parametrize(("rules", "seeds"), [(2, 3), (5, 5), (28, 5), (28, 10)])
def test_all_intervals_hold_together_in_95_of_100_comparisons_with_the_chosen_best(kind, rules, seeds):
    numbers = np.random.default_rng([rules, seeds, len(kind)])
    held = 0
    for _ in range(COMPARISONS):
        losses = equal_rules(kind, rules, seeds, numbers)
        found = intervals(losses, int(losses.mean(axis=1).argmin()))
        held += bool((found.low <= 0).all() and (found.high >= 0).all())
    assert held / COMPARISONS >= 0.94
    if kind == "independent":
        assert held / COMPARISONS <= 0.98  # not wider than it takes


@pytest.mark.parametrize("by_rows", [0.0, 1.0, 10.0])
@pytest.mark.parametrize(("rules", "seeds"), [(2, 5), (3, 10), (28, 5)])
def test_luck_of_rows_makes_no_differences(rules, seeds, by_rows):
    numbers = np.random.default_rng([rules, seeds, int(by_rows)])
    wrong = 0
    for _ in range(COMPARISONS):
        both = numbers.normal(size=(rules, seeds))
        validation, test = (
            both + numbers.normal(size=(rules, seeds)) + by_rows * numbers.normal(size=(rules, 1)) for _ in range(2)
        )
        best = int(np.median(validation, axis=1).argmin())
        wrong += bool((intervals(test, best, other=validation).low > 0).any())
    assert wrong / COMPARISONS <= 0.06


def test_intervals_over_seeds_alone_take_luck_of_rows_for_merit():
    numbers = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        both = 0.1 * numbers.normal(size=(10, 5))
        validation, test = (both + numbers.normal(size=(10, 1)) for _ in range(2))
        wrong += bool((intervals(test, int(validation.mean(axis=1).argmin())).low > 0).any())
    assert wrong > 150


def test_a_clear_difference_is_told_apart_with_few_seeds():
    numbers = np.random.default_rng(2)
    losses = 0.01 * numbers.normal(size=(5, 5)) + np.arange(5)[:, None]
    other = 0.01 * numbers.normal(size=(5, 5)) + np.arange(5)[:, None]
    assert (intervals(losses, 0, other=other).low[1:] > 0).all()


def test_differences_are_paired():
    numbers = np.random.default_rng(3)
    losses = np.array([0.0, 1.0])[:, None] + 0.01 * numbers.normal(size=(2, 5))
    luck_of_the_seed = 100 * numbers.normal(size=5)
    assert intervals(losses + luck_of_the_seed, 0).low[1] == pytest.approx(intervals(losses, 0).low[1])
    assert intervals(losses, 0).low[1] > 0


def test_the_best_does_not_differ_from_itself():
    found = intervals(np.random.default_rng(4).normal(size=(4, 6)), 2, rounding=0.5)
    assert (found.mean[2], found.low[2], found.high[2]) == (0, 0, 0)
    assert (found.half[[0, 1, 3]] >= 0.5).all()


def test_one_seed_tells_nothing():
    found = intervals(np.array([[1.0], [100.0]]), 0)
    assert (found.mean[1], found.low[1], found.high[1]) == (99, -math.inf, math.inf)


def test_one_rule_has_nothing_to_be_compared_with():
    assert intervals(np.array([[1.0, 2.0, 3.0]]), 0).half.tolist() == [0.0]


def test_rules_that_always_end_alike_have_no_interval_but_rounding():
    same = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.1, 2.1, 3.1]])
    found = intervals(same, 0, rounding=1e-6)
    assert (found.low > 0).tolist() == [False, False, True]


def test_the_other_rules_of_the_comparison_count():
    losses = np.random.default_rng(5).normal(size=(3, 5))
    assert (intervals(losses, 0, family=28).seeds[1:] > intervals(losses, 0).seeds[1:]).all()


def test_rows_weigh_by_how_far_the_parts_disagree():
    losses, other = np.array([[0.0] * 3, [1.0] * 3, [2.0] * 3]), np.array([[0.0] * 3, [1.1] * 3, [2.5] * 3])
    rows = intervals(losses, 0, other=other).rows
    usual = np.median([0.1, 0.5]) / stats.norm.ppf(0.75)
    assert rows == pytest.approx(disagreement_value(3) * math.sqrt(0.5) * np.array([0, usual, max(usual, 0.5)]))
    small = intervals(losses, 0, other=other, share=0.1).rows
    assert small == pytest.approx(rows * math.sqrt(0.2))


@pytest.mark.parametrize("seeds", [3, 5, 10, 30])
def test_two_rules_have_students_quantile(seeds):
    assert critical_value(2, seeds) == pytest.approx(stats.t.ppf(0.975, seeds - 1), rel=0.08)


def test_more_rules_and_fewer_seeds_need_more_standard_errors():
    assert critical_value(2, 5) < critical_value(5, 5) < critical_value(28, 5) < critical_value(28, 3)
    assert critical_value(28, 30) == critical_value(28, 1000)
    assert critical_value(1, 5) == critical_value(5, 1) == math.inf


def test_seeds_needed_are_enough_and_not_many_more():
    needed = seeds_needed(1.0, 0.5, 10)
    assert needed is not None
    assert critical_value(10, needed) * 0.5 / math.sqrt(needed) < 1.0
    assert seeds_needed(1.0, 0.05, 10) < needed
    assert seeds_needed(0.01, 1.0, 10) is None


FINALS = st.lists(st.one_of(st.floats(-1e3, 1e3), st.just(math.inf)), min_size=1, max_size=7)


@given(FINALS, st.floats(-1e3, 1e3))
def test_the_best_of_k_is_the_mean_over_all_ways_to_draw_them(finals, untrained):
    capped = [min(loss, untrained) for loss in finals]
    ways = [np.mean([min(drawn) for drawn in itertools.combinations(capped, k)]) for k in range(1, len(finals) + 1)]
    assert expected_best(np.array(finals), untrained) == pytest.approx(ways, abs=1e-9)


@given(FINALS)
def test_more_tries_never_hurt_and_all_of_them_find_the_best(finals):
    expected = expected_best(np.array(finals), 10.0)
    assert (np.diff(expected) <= 1e-9).all()
    assert expected[-1] == min(*finals, 10.0)


def test_a_diverged_trial_leaves_the_untrained_model():
    assert expected_best(np.array([math.inf, math.nan]), 2.0).tolist() == [2.0, 2.0]
    assert expected_best(np.array([math.inf, 1.0])).tolist() == [math.inf, 1.0]
