from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.comparison.comparisons import FACTS, many, noisy, outcome, results, tuned

from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.results import Results
from thalweg.comparison.summary import WIDTH_FACTOR, Summary
from thalweg.formulas.rules import adam

INF = math.inf


def test_rules_are_ranked_by_the_median_at_their_best_rate():
    summary = Summary.of(results({"b": tuned([0.2]), "a": tuned([0.3]), "c": {None: [0.1]}}))
    assert [standing.name for standing in summary.standings] == ["c", "b", "a"]
    assert summary.best.name == "c"
    assert summary.standing("a").median == 0.3


def test_a_standing_is_of_the_chosen_rate():
    finals = {0.1: [0.5, 0.1, 0.3, 0.2, 0.4], 1.0: [INF, 0.9, 0.9, INF, 0.9]}
    (standing,) = Summary.of(results({"a": finals})).standings
    assert (standing.low, standing.q25, standing.median, standing.q75, standing.high) == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert (standing.learning_rate, standing.edge) == (0.1, "<")
    assert (standing.diverged, standing.runs) == (2, 10)
    assert standing.sensitivity == ((0.1, 0.3, 0.2, 0.4, 0.0), (1.0, 0.9, 0.9, INF, 0.4))
    assert standing.at == standing.sensitivity[0]


@pytest.mark.parametrize(
    ("medians", "width"),
    [
        ([0.5, 0.2, 0.5], (0.01, 0.01)),
        ([0.5, 0.2, 0.2 + 0.99 * WIDTH_FACTOR * 0.8], (0.01, 0.1)),
        ([0.2 + 0.99 * WIDTH_FACTOR * 0.8, 0.2, 0.2 + 1.01 * WIDTH_FACTOR * 0.8], (0.001, 0.01)),
        ([0.201, 0.2, 0.201], (0.001, 0.1)),
        ([INF, 0.2, INF], (0.01, 0.01)),
    ],
)
def test_the_width_holds_rates_that_lose_little_of_the_improvement(medians, width):
    finals = {rate: [median] for rate, median in zip((0.001, 0.01, 0.1), medians, strict=True)}
    assert Summary.of(results({"a": finals}, start=1.0)).best.width == width


def test_the_width_ends_where_a_rate_between_is_bad():
    finals = {0.001: [0.2], 0.01: [0.5], 0.1: [0.19], 1.0: [0.2]}
    assert Summary.of(results({"a": finals})).best.width == (0.1, 1.0)


def test_the_width_does_not_reach_into_the_next_rule():
    made = results({"a": {0.1: [0.3], 0.2: [0.2]}, "b": {0.1: [0.2], 0.2: [0.3]}})
    assert [standing.width for standing in Summary.of(made).standings] == [(0.2, 0.2), (0.1, 0.1)]


def test_the_width_means_the_same_for_losses_near_zero():
    finals = {0.001: [1e-3], 0.01: [1e-12], 0.1: [1e-9]}
    assert Summary.of(results({"a": finals}, start=1.0)).best.width == (0.001, 0.1)


def test_a_rule_that_learns_nothing_is_good_at_no_other_rate():
    assert Summary.of(results({"a": tuned([1.5], cost=0.001)}, start=1.0)).best.width == (0.01, 0.01)


def test_rules_without_a_rate_and_rules_that_hold_nowhere_have_no_width():
    summary = Summary.of(results({"a": {None: [0.1]}, "b": {0.1: [INF], 1.0: [INF]}}))
    assert [standing.width for standing in summary.standings] == [None, None]
    assert [standing.holds for standing in summary.standings] == [True, False]


def test_the_goal_is_nearly_all_of_the_way_to_the_best():
    summary = Summary.of(results({"a": tuned([0.0]), "b": tuned([0.5])}, start=10.0))
    assert summary.target == pytest.approx(0.5)
    assert summary.start == 10.0


def test_epochs_and_evaluations_count_to_the_goal():
    losses = {"a": [[9, 5, 1], [9, 1, 1], [9, 9, 9]], "b": [[9, 5, 5], [9, 1, 1], [9, 9, 9]]}
    arms = [Arm(name, adam(learning_rate=0.1), 0.1) for name in losses]
    runs = [outcome(arm, seed, curve) for arm in arms for seed, curve in enumerate(losses[arm.name])]
    made = Results(Plan(tuple(arms), (0, 1, 2)), tuple(runs), (), replace(FACTS, rows={**FACTS.rows, "train": 100}))
    summary = Summary.of(made, target=1.0)
    assert summary.target == 1.0
    assert {s.name: (s.epochs, s.evaluations) for s in summary.standings} == {"a": (2.0, 200.0), "b": (None, None)}


def test_without_progress_there_is_no_goal():
    summary = Summary.of(results({"a": tuned([2.0])}, start=1.0))
    assert (summary.target, summary.best.epochs, summary.best.evaluations) == (None, None, None)


def test_tuning_cost_falls_to_the_best_and_counts_divergence_as_the_untrained_model():
    best = Summary.of(results({"a": {0.1: [0.5], 1.0: [0.2], 10.0: [INF]}}, start=1.0)).best
    assert best.expected_best == pytest.approx(((0.5 + 0.2 + 1.0) / 3, (0.2 + 0.5 + 0.2) / 3, 0.2))


def test_the_test_part_is_told_at_the_chosen_rate():
    summary = Summary.of(results({"a": tuned([0.2, 0.3, 0.1])}, test={"a": [0.25, 0.16, 0.36]}))
    assert summary.best.test_loss == 0.25
    assert summary.best.scores == {"RMSE": pytest.approx(5.0)}
    assert summary.best.seconds == 0.02
    assert summary.compared_on == "test"


def test_without_a_test_part_there_are_no_scores():
    best = Summary.of(results({"a": tuned([0.2])})).best
    assert math.isnan(best.test_loss)
    assert math.isnan(best.seconds)
    assert best.scores == {}


def test_differences_are_of_the_test_part_where_all_rules_were_run_on_it():
    rules = {"a": tuned(noisy(0.2)), "b": tuned(noisy(0.3))}
    test = {"a": noisy(0.21), "b": noisy(0.41)}
    whole = Summary.of(results(rules, test=test))
    assert whole.compared_on == "test"
    assert whole.differences[0].mean == pytest.approx(0.2, abs=0.01)
    assert whole.differences[0].rows > 0
    part = Summary.of(results(rules, test={"a": test["a"]}))
    assert part.compared_on == "validation"
    assert part.differences[0].mean == pytest.approx(0.1, abs=0.01)
    assert part.differences[0].rows == 0


def test_a_test_part_that_some_seeds_have_not_seen_is_not_compared_on():
    made = results({"a": tuned(noisy(0.2)), "b": tuned(noisy(0.3))}, test={"a": noisy(0.21), "b": noisy(0.41)})
    assert Summary.of(replace(made, confirmations=made.confirmations[:-1])).compared_on == "validation"


def test_confirmations_of_another_rate_are_not_this_rule_s():
    made = results({"a": tuned([0.2, 0.3, 0.1])}, test={"a": [0.25, 0.16, 0.36]})
    moved = tuple(replace(each, learning_rate=0.1) for each in made.confirmations)
    assert math.isnan(Summary.of(replace(made, confirmations=moved)).best.test_loss)


def test_a_small_test_part_is_to_blame_for_more_of_the_disagreement():
    rules = {"a": tuned(noisy(0.2)), "b": tuned(noisy(0.3))}
    test = {"a": noisy(0.2), "b": noisy(0.35)}
    small, large = (
        Summary.of(results(rules, test=test, rows={"train": 600, "validation": 300, "test": rows})).differences[0].rows
        for rows in (100, 900)
    )
    assert small == pytest.approx(large * math.sqrt(3))


def test_parts_that_disagree_leave_rules_tied():
    rules = {"a": tuned(noisy(0.2)), "b": tuned(noisy(0.3))}
    agreeing = Summary.of(results(rules, test={"a": noisy(0.25), "b": noisy(0.351)}))
    assert agreeing.ties == (("a",), ("b",))
    contrary = Summary.of(results(rules, test={"a": noisy(0.35), "b": noisy(0.25)}))
    assert contrary.ties == (("a", "b"),)
    assert not contrary.differences[0].told_apart
    assert contrary.differences[0].mean < 0


def test_training_losses_are_called_so():
    made = results({"a": tuned([0.2]), "b": tuned([0.3])}, rows={"train": 9, "validation": 0, "test": 0})
    summary = Summary.of(made)
    assert (summary.selection, summary.compared_on) == ("training", "training")


def test_groups_begin_with_the_best_of_those_that_are_left():
    levels = {"a": 0.2, "b": 0.2001, "c": 0.3, "d": 0.3001, "e": 0.4}
    made = results({name: tuned(noisy(level, key=k)) for k, (name, level) in enumerate(levels.items())})
    summary = Summary.of(made)
    assert [set(group) for group in summary.ties] == [{"a", "b"}, {"c", "d"}, {"e"}]
    for group in summary.ties:
        assert summary.standing(group[0]).median == min(summary.standing(name).median for name in group)


def test_a_later_group_is_held_together_by_all_the_rules_that_were_compared():
    luck = np.array([-1.0, 0.5, 0.2, -0.6, 0.9]) / 1000
    rules = {f"rule{k}": tuned(noisy(0.2, key=k)) for k in range(8)}
    rules |= {
        "x": tuned([0.9] * 5),
        "y": tuned((0.9 + 4 * luck.std(ddof=1) / math.sqrt(5) + luck - luck.mean()).tolist()),
    }
    assert set(Summary.of(results(rules)).ties[1]) == {"x", "y"}  # 4 standard errors: enough for two rules alone
    assert len(Summary.of(results({name: rules[name] for name in "xy"})).ties) == 2


def test_rules_that_hold_nowhere_are_apart_from_all_others():
    summary = Summary.of(results({"a": tuned(noisy(0.2)), "b": {0.1: [INF] * 5, 1.0: [INF] * 5}}))
    assert summary.ties == (("a",), ("b",))
    (difference,) = summary.differences
    assert (difference.name, difference.mean, difference.told_apart) == ("b", INF, True)


def test_where_all_diverged_nothing_is_compared():
    summary = Summary.of(results({"b": {0.1: [INF] * 3, 1.0: [INF] * 3}, "a": {None: [INF] * 3}}))
    assert summary.ties == (("a", "b"),)
    assert summary.differences == ()
    assert (summary.target, summary.best.holds) == (None, False)


def test_one_diverged_run_is_luck_until_there_are_more_seeds():
    made = results({"a": tuned([0.2] * 5), "b": tuned([0.2, 0.2, 0.2, 0.2, INF])}, start=1.0)
    (difference,) = Summary.of(made).differences
    assert difference.mean == pytest.approx((1.0 - 0.2) / 5)
    assert not difference.told_apart


def test_rules_that_exploded_without_leaving_the_finite_numbers_do_not_widen_the_intervals_of_others():
    rules = {"a": tuned(noisy(0.2)), "b": tuned(noisy(0.3)), "c": tuned(noisy(0.4))}
    wild = {rate: [10.0 ** (50 + 3 * seed) for seed in range(5)] for rate in (0.001, 0.01, 0.1)}
    test = {name: noisy(level) for name, level in (("a", 0.2), ("b", 0.301), ("c", 0.402))}
    made = results(
        rules | {"x": wild, "y": wild}, test=test | {name: [1e60 * 10**k for k in range(5)] for name in "xy"}
    )
    summary = Summary.of(made)
    assert summary.ties == (("a",), ("b",), ("c",), ("x", "y"))
    assert summary.differences[-1].mean == pytest.approx(0.8, abs=0.01)  # to the untrained model
    assert max(difference.high for difference in summary.differences) < 2


def test_test_losses_above_the_first_validation_loss_still_differ():
    rules = {"a": tuned(noisy(0.8)), "b": tuned(noisy(0.9))}
    summary = Summary.of(results(rules, test={"a": noisy(1.4), "b": noisy(1.5)}))
    assert summary.differences[0].mean == pytest.approx(0.1, abs=0.01)


def test_one_seed_leaves_all_tied():
    summary = Summary.of(results({"a": tuned([0.2]), "b": tuned([0.9])}))
    assert summary.ties == (("a", "b"),)
    assert (summary.differences[0].low, summary.differences[0].high) == (-INF, INF)


def test_a_start_that_is_not_finite_is_no_measure():
    arms = (Arm("a", adam(learning_rate=0.1), 0.1), Arm("a", adam(learning_rate=0.2), 0.2))
    runs = tuple(
        outcome(arm, seed, [INF, final, final])
        for arm, final in zip(arms, (0.2, 0.201), strict=True)
        for seed in (0, 1)
    )
    summary = Summary.of(Results(Plan(arms, (0, 1)), runs, (), FACTS))
    assert math.isnan(summary.start)
    assert summary.target is None
    assert summary.best.width == (0.1, 0.1)
    assert summary.best.expected_best == pytest.approx((0.2005, 0.2))


def test_differences_of_rounding_are_ties():
    same = np.array(noisy(0.2))
    made = results({"a": tuned(same.tolist()), "b": tuned((same * (1 + 1e-13)).tolist())}, start=1.0)
    assert Summary.of(made).ties == (("a", "b"),)


def test_the_table_has_a_plain_row_for_each_rule():
    made = results(
        {"a": tuned(noisy(0.2)), "b": tuned(noisy(0.4)), "c": {None: [INF] * 5}},
        test={"a": noisy(0.2), "b": noisy(0.4)},
    )
    rows = Summary.of(made).table()
    assert [(row["rule"], row["group"]) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]
    assert [row["told_apart"] for row in rows] == [False, True, True]
    assert rows[0]["good_rates_from"] == rows[0]["good_rates_to"] == 0.01
    assert rows[0]["test_RMSE"] == pytest.approx(10 * math.sqrt(0.2), abs=0.1)
    assert math.isnan(rows[2]["test_RMSE"])
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, str | int | float | None) for row in rows for value in row.values())


# -- properties


@st.composite
def comparisons(draw):
    """Return final losses of a few rules at three rates, and their test losses."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32)))
    rules, seeds = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    levels = draw(st.lists(st.sampled_from([0.1, 0.2, 0.5, 2.0]), min_size=rules, max_size=rules))
    lost = draw(st.floats(0, 0.6))
    found, test = {}, {}
    for k, level in enumerate(levels):
        losses = level + 0.01 * numbers.normal(size=(3, seeds)) + np.array([[0.1], [0.0], [0.2]])
        losses[numbers.random((3, seeds)) < lost] = INF
        found[f"rule{k}"] = dict(zip((0.001, 0.01, 0.1), losses.tolist(), strict=True))
        if np.isfinite(np.median(losses, axis=1)).any():
            test[f"rule{k}"] = (level + 0.01 * numbers.normal(size=seeds)).tolist()
    return found, test if draw(st.booleans()) else None


def groups(summary: Summary) -> list[set[str]]:
    return [set(group) for group in summary.ties]


@given(comparisons(), st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_nothing(comparison, random):
    rules, test = comparison
    names = list(rules)
    random.shuffle(names)
    turned = results({name: rules[name] for name in names}, test=test)
    assert Summary.of(turned).ties == Summary.of(results(rules, test=test)).ties


@given(comparisons(), st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_no_group(comparison, random):
    rules, test = comparison
    order = list(range(len(rules["rule0"][0.01])))
    random.shuffle(order)
    turned = {
        name: {rate: [losses[k] for k in order] for rate, losses in finals.items()} for name, finals in rules.items()
    }
    turned_test = None if test is None else {name: [losses[k] for k in order] for name, losses in test.items()}
    assert groups(Summary.of(results(turned, test=turned_test))) == groups(Summary.of(results(rules, test=test)))


@given(comparisons(), st.integers(-20, 20))
def test_the_unit_of_losses_changes_no_group_and_no_width(comparison, power):
    rules, test = comparison
    unit = 2.0**power
    scaled = {name: {r: [unit * x for x in losses] for r, losses in finals.items()} for name, finals in rules.items()}
    scaled_test = None if test is None else {name: [unit * x for x in losses] for name, losses in test.items()}
    one, other = Summary.of(results(rules, test=test)), Summary.of(results(scaled, start=unit, test=scaled_test))
    assert one.ties == other.ties
    assert [(s.learning_rate, s.width, s.epochs) for s in one.standings] == [
        (s.learning_rate, s.width, s.epochs) for s in other.standings
    ]


@given(comparisons())
def test_groups_hold_each_rule_once_and_follow_the_differences(comparison):
    rules, test = comparison
    summary = Summary.of(results(rules, test=test))
    names = [name for group in summary.ties for name in group]
    assert sorted(names) == sorted(rules)
    assert summary.ties[0][0] == summary.best.name
    if summary.best.holds:
        apart = {difference.name for difference in summary.differences if difference.told_apart}
        assert set(summary.ties[0]) == set(rules) - apart
    for difference in summary.differences:
        assert difference.low <= difference.mean <= difference.high
        assert difference.told_apart == (difference.low > 0)


@given(comparisons())
def test_widths_and_tuning_costs_hold_the_best_rate(comparison):
    rules, test = comparison
    for standing in Summary.of(results(rules, test=test)).standings:
        if standing.width is not None:
            assert standing.width[0] <= standing.learning_rate <= standing.width[1]
        assert list(standing.expected_best) == sorted(standing.expected_best, reverse=True)
        assert standing.expected_best[-1] == pytest.approx(min(standing.median, 1.0))
        assert standing.low <= standing.q25 <= standing.median <= standing.q75 <= standing.high


def test_many_rules_make_one_summary():
    summary = Summary.of(many(rules=12, rates=9, seeds=3))
    assert len(summary.standings) == 12
    assert all(len(standing.sensitivity) == 9 for standing in summary.standings)
