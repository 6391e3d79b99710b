from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.comparison.comparisons import FACTS, many, noisy, outcome, results, tuned

from thalweg.comparison.audit import audit
from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.results import Results
from thalweg.comparison.summary import Summary
from thalweg.comparison.verdict import Verdict, verdict
from thalweg.descent.stability import Limit
from thalweg.formulas.rules import adam

INF = math.inf


def said(made: Results, limits: tuple[Limit, ...] = ()) -> Verdict:
    summary = Summary.of(made)
    return verdict(made, summary, audit(made, summary), limits)


def line(found: Verdict, words: str) -> str:
    """Return the one sentence that holds these words."""
    (there,) = [each for each in found.lines if words in each]
    return there


def test_rules_that_tie_are_named_together():
    rules = {
        "adam": tuned(noisy(0.2)),
        "nadam": tuned(noisy(0.2, key=1)),
        "lion": tuned(noisy(0.4)),
        "far": tuned(noisy(0.6)),
    }
    test = {"adam": noisy(0.21), "nadam": noisy(0.21, key=1), "lion": noisy(0.411), "far": noisy(0.61)}
    first = said(results(rules, test=test)).lines[0]
    assert first.startswith("On houses.csv ")
    assert re.search("(adam and nadam|nadam and adam) cannot be told apart", first)
    assert "best validation loss 0.2, by" in first
    assert "at rate 0.01, from 1 before training" in first
    assert first.endswith("the next being lion with 0.4.")


def test_one_that_is_better_is_called_so():
    made = results(
        {"adam": tuned(noisy(0.2)), "lion": tuned(noisy(0.4))}, test={"adam": noisy(0.2), "lion": noisy(0.4)}
    )
    first = said(made).lines[0]
    assert first == (
        "On houses.csv adam is better than lion: validation loss 0.2 at rate 0.01 against 0.4, from 1 before training."
    )


def test_where_all_tie_the_span_and_the_luck_are_told():
    same = {f"rule{k}": tuned(noisy(0.2, key=k, noise=0.01)) for k in range(7)}
    first = said(results(same)).lines[0]
    assert "the 7 rules cannot be told apart" in first
    assert "validation losses between 0." in first
    assert re.search(r"differences below about 0\.0\d+ may be luck of seeds\.", first)


def test_a_rule_whose_luck_reaches_further_is_named_with_its_own():
    rules = {f"rule{k}": tuned(noisy(0.2, key=k, noise=0.001)) for k in range(12)}
    rules["wild"] = tuned([0.2, 0.22, 0.203, 0.21, 0.208])
    first = said(results(rules)).lines[0]
    assert "and 0.208 (wild)" in first
    assert first.endswith("; differences below about 0.0066 may be luck of seeds, wild's below about 0.028.")


def test_close_losses_get_the_digits_that_tell_them_apart():
    same = {"adam": tuned([0.23637, 0.23638, 0.23636]), "lion": tuned([0.23643, 0.23610, 0.23690])}
    assert "between 0.23637 (adam at rate 0.01) and 0.23643 (lion)" in said(results(same)).lines[0]


def test_without_a_ranking_the_first_sentence_says_why_and_what_mends_it():
    found = said(results({"adam": tuned([0.2]), "lion": tuned([0.4]), "nadam": tuned([0.3])}))
    assert found.lines[0] == (
        "This is not a ranking: each rule ran with one seed only, so luck cannot be told from merit. "
        "To mend it: thalweg compare houses.csv --target price --seeds 5"
    )
    assert "cannot be told apart" not in str(found)
    assert "better" not in str(found)
    assert (
        "adam at rate 0.01 ended lowest in its one run, at validation loss 0.2, and the 2 others at up to 0.4"
        in found.lines[1]
    )


def test_more_reasons_are_counted():
    made = results(
        {"adam": {0.001: [0.5], 0.01: [0.2]}, "lion": {0.01: [0.3]}}, rows={"train": 600, "validation": 0, "test": 0}
    )
    assert "(and 3 more reasons)" in said(made).lines[0]


def test_a_ranking_does_not_say_that_it_is_none():
    made = results(
        {"adam": tuned(noisy(0.2)), "lion": tuned(noisy(0.4))}, test={"adam": noisy(0.2), "lion": noisy(0.4)}
    )
    assert "ranking" not in str(said(made))


def test_one_rule_is_not_compared():
    found = said(results({"adam": tuned(noisy(0.2))}, test={"adam": noisy(0.25)}))
    assert found.lines == (
        "On houses.csv adam ends at validation loss 0.2 at rate 0.01 (median over 5 seeds, from 1 before training).",
        "On the 200 rows of the test part, by which nothing was chosen, adam reaches RMSE 5 (median over 5 seeds).",
        "A rate up to ten times off its best costs adam 25 % of the improvement in loss.",
        "adam keeps 98 % of its improvement only at the tried rate 0.01.",
        "adam takes 2 epochs (1,200 gradient evaluations) to a validation loss of 0.24.",
    )


def test_where_the_rate_matters_more_this_is_said():
    made = results({"adam": tuned(noisy(0.2), cost=0.4), "lion": tuned(noisy(0.24), cost=0.4)})
    assert line(said(made), "matters more") == (
        "The learning rate matters more than the rule: a rate up to ten times off costs the typical rule 50 % of the "
        "improvement in loss, the worst rule at its best rate gives up 5 %."
    )


def test_where_the_rule_matters_more_this_is_said():
    made = results({"adam": tuned(noisy(0.2), cost=0.04), "lion": tuned(noisy(0.6), cost=0.04)})
    assert line(said(made), "matters more").startswith(
        "The rule matters more than the learning rate: the worst rule at its best rate gives up 50 % of the improvement"
    )


def test_where_rule_and_rate_matter_alike_this_is_said():
    made = results({"adam": tuned(noisy(0.2), cost=0.12), "lion": tuned(noisy(0.28), cost=0.12)})
    assert line(said(made), "matter") == (
        "Rule and learning rate matter about alike: a rate up to ten times off costs the typical rule 15 % of the "
        "improvement in loss, the worst rule at its best rate gives up 10 %."
    )


def test_only_rates_within_a_factor_of_ten_count_as_ten_times_off():
    far = {1e-4: noisy(0.9), 1e-3: noisy(0.28), 1e-2: noisy(0.2), 0.1: noisy(0.28), 1.0: [INF] * 5}
    assert "costs adam 10 % of the improvement" in str(said(results({"adam": far})))


def test_a_rate_at_which_runs_diverge_costs_all_of_the_improvement():
    made = results({"adam": {1e-3: noisy(0.28), 1e-2: noisy(0.2), 0.1: [INF] * 5}})
    assert "costs adam 100 % of the improvement" in str(said(made))


def test_the_range_of_good_rates_says_where_it_may_go_on():
    wide = {0.001: noisy(0.21), 0.01: noisy(0.2), 0.1: noisy(0.21), 1.0: noisy(0.4)}
    found = said(results({"adam": wide}))
    kept = "adam keeps 98 % of its improvement at any tried rate from 0.001 (the smallest tried) to 0.1."
    assert line(found, "keeps") == kept


def test_the_most_forgiving_of_the_tied_rules_is_named():
    wide = {0.001: noisy(0.21), 0.01: noisy(0.203), 0.1: noisy(0.21), 1.0: noisy(0.9)}
    narrow = {0.001: noisy(0.4), 0.01: noisy(0.2, noise=0.01), 0.1: noisy(0.4), 1.0: noisy(0.9)}
    last = {0.001: noisy(0.4), 0.01: noisy(0.204), 0.1: noisy(0.4), 1.0: noisy(0.9)}
    far = {0.001: noisy(0.61), 0.01: noisy(0.6), 0.1: noisy(0.61), 1.0: noisy(0.61)}
    found = line(said(results({"narrow": narrow, "wide": wide, "last": last, "far": far})), "keeps")
    assert found == (
        "narrow keeps 98 % of its improvement only at the tried rate 0.01; the most forgiving rule not told apart from "
        "it is wide, at any tried rate from 0.001 (the smallest tried) to 0.1."
    )


def test_epochs_are_told_against_plain_gradient_descent():
    curves = {"adam": [1, 0.23, 0.2, 0.2, 0.2, 0.2, 0.2], "gradient_descent": [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.2]}
    curves["never"] = [1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    arms = tuple(Arm(name, adam(learning_rate=0.1), 0.1) for name in curves)
    runs = tuple(outcome(arm, seed, curves[arm.name]) for arm in arms for seed in (0, 1, 2))
    made = Results(Plan(arms, (0, 1, 2)), runs, (), replace(FACTS, epochs=6))
    assert line(said(made), "Quickest") == (
        "Quickest to a validation loss of 0.24 is adam with 1 epoch (600 gradient evaluations); plain gradient descent "
        "needs 6 times the epochs; never does not get there in 6 epochs."
    )


LIMIT = Limit(
    "gradient_descent", 0.0123, 0.02, 160.0, "area", 0.97, 31.0, exact=False, note="an estimate", columns=("area",)
)


def test_divergence_is_explained_by_theory():
    made = results(
        {
            "adam": {0.001: noisy(0.3), 0.01: noisy(0.2), 0.1: [INF] * 5},
            "gradient_descent": {0.001: noisy(0.3), 0.01: [INF] * 5, 0.1: [INF] * 5},
        }
    )
    found = said(made, (LIMIT,)).lines[-1]
    assert found.startswith("Runs diverge: gradient_descent from rate 0.01 and adam from rate 0.1. ")
    assert "By theory gradient_descent is stable below about 0.0123. Column 'area' has a scale 31 times" in found


def test_a_bound_of_theory_is_no_claim_that_larger_rates_fail():
    made = results({"gradient_descent": {0.001: noisy(0.3), 0.01: noisy(0.2), 0.1: [INF] * 5}})
    found = said(made, (replace(LIMIT, bound=True),)).lines[-1]
    assert "Theory vouches for gradient_descent below about 0.0123; larger rates may hold. Column" in found


def test_theory_explains_rules_that_exploded_without_diverging():
    wild = {rate: [1e60] * 5 for rate in (0.001, 0.01, 0.1)}
    found = said(results({"adam": tuned(noisy(0.2)), "gradient_descent": wild}), (LIMIT,)).lines[-1]
    assert found.startswith("gradient_descent learns nothing at any rate tried. By theory gradient_descent")


def test_theory_is_not_called_where_nothing_diverges():
    assert "heory" not in str(said(results({"gradient_descent": tuned(noisy(0.2))}), (LIMIT,)))


def test_theory_without_a_rate_says_nothing():
    nothing = replace(LIMIT, rate=None, note="the loss does not bend")
    made = results({"gradient_descent": {0.001: noisy(0.3), 0.01: noisy(0.2), 0.1: [INF] * 5}})
    assert "heory" not in str(said(made, (nothing,)))


def test_where_all_diverge_only_that_is_said():
    made = results({"adam": {0.1: [INF] * 3, 1.0: [INF] * 3}, "gradient_descent": {0.1: [INF] * 3, 1.0: [INF] * 3}})
    found = said(made, (LIMIT,))
    assert found.lines[0].startswith("This is not a ranking: 12 of 12 runs diverged")
    assert found.lines[1] == "On houses.csv no rule has a learning rate that holds: all 12 runs diverged."
    assert found.lines[2].startswith("Runs diverge: gradient_descent at every rate and adam at every rate. By theory")
    assert len(found.lines) == 3


def test_where_nothing_is_learned_only_that_is_said():
    found = said(results({"adam": tuned([1.5, 1.6, 1.4]), "lion": tuned([1.2, 1.1, 1.3])}))
    assert found.lines[0].startswith("This is not a ranking: nothing was learned")
    assert found.lines[1:] == (
        "On houses.csv even the lowest, lion at rate 0.01, ends at 1.2, from a validation loss of 1 before training.",
    )


def test_rules_that_learn_nothing_are_named_and_not_counted_among_those_that_did():
    wild = {rate: [1e60] * 5 for rate in (0.001, 0.01, 0.1)}
    rules = {f"rule{k}": tuned(noisy(0.2, key=k, noise=0.01)) for k in range(4)}
    found = said(results(rules | {"bad": wild, "worse": wild}))
    assert "the 4 rules that learned cannot be told apart" in str(found)
    assert found.lines[-1] == "bad and worse learn nothing at any rate tried."
    assert "e+" not in str(found)


def test_training_losses_are_called_by_their_name():
    made = results({"adam": tuned(noisy(0.2))}, rows={"train": 600, "validation": 0, "test": 0})
    assert "ends at training loss 0.2" in str(said(made))


def test_classification_shows_its_scores():
    made = results({"adam": tuned(noisy(0.2))}, test={"adam": noisy(0.25)}, task="classification", classes=2)
    scored = tuple(replace(each, scores={"accuracy": 0.9649, "log loss": 0.1288}) for each in made.confirmations)
    found = said(replace(made, confirmations=scored))
    assert "adam reaches accuracy 0.965, log loss 0.129 (median over 5 seeds)" in str(found)


def test_a_rule_without_a_rate_stands_on_its_own():
    found = said(results({"rprop": {None: noisy(0.2)}}))
    assert (
        found.lines[0]
        == "On houses.csv rprop ends at validation loss 0.2 (median over 5 seeds, from 1 before training)."
    )
    assert not any("rate" in each.replace("training", "") for each in found.lines)


def test_many_rules_read_well():
    found = said(many(rules=28, rates=9, seeds=3))
    assert len(found.lines) <= 7
    assert all(len(each) < 420 for each in found.lines[1:])
    assert str(found).count("rule") < 60
    assert " more" in str(found)
    assert str(found) == "\n".join(found.lines)


def test_a_table_s_name_moves_no_cursor():
    made = results({"adam": tuned(noisy(0.2))}, table="\x1b[2Jhouses\n.csv" + "x" * 1000)
    first = said(made).lines[0]
    assert first.isprintable()
    assert len(first) < 250


@given(
    st.integers(0, 2**32),
    st.integers(1, 8),
    st.integers(1, 5),
    st.floats(0, 1),
    st.sampled_from([1.0, 1e-9, 1e9]),
    st.booleans(),
)
def test_sentences_are_whole_whatever_happened(key, rules, seeds, lost, unit, tested):
    numbers = np.random.default_rng(key)
    found, test = {}, {}
    for k in range(rules):
        losses = unit * np.exp(numbers.normal(size=(3, seeds)))
        losses[numbers.random((3, seeds)) < lost] = INF
        finals = dict(zip((0.001, 0.01, 0.1), losses.tolist(), strict=True))
        found[f"r{k}"] = {None: finals[0.01]} if k % 4 == 3 else finals
        if np.isfinite([np.median(each) for each in found[f"r{k}"].values()]).any():
            test[f"r{k}"] = (unit * np.exp(numbers.normal(size=seeds))).tolist()
    made = results(found, start=unit, test=test if tested else None)
    answer = said(made)
    assert 1 <= len(answer.lines) <= 7
    for each in answer.lines:
        assert each.isprintable()
        assert each.endswith(".") or "To mend it: thalweg compare" in each
        assert not re.search(r"\b(nan|inf|None)\b|  |\.\.", each)
    assert ("not a ranking" in answer.lines[0]) == (not audit(made, Summary.of(made)).ranking)
