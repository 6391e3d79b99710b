from __future__ import annotations

import math
import shlex
from dataclasses import replace

import numpy as np
import pytest
from tests.comparison.comparisons import EPOCHS, FACTS, many, noisy, outcome, results, tuned

from thalweg.comparison.audit import Stamp, audit
from thalweg.comparison.summary import Summary

INF = math.inf


def stamp(made) -> Stamp:
    return audit(made, Summary.of(made))


def codes(found: Stamp) -> list[tuple[str, bool]]:
    return [(finding.code, finding.spoils) for finding in found.findings]


def option(command: str, name: str) -> str:
    """Return the value of an option in a command."""
    words = shlex.split(command)
    assert words.count(name) == 1
    return words[words.index(name) + 1]


def rates(command: str) -> list[float]:
    return [float(rate) for rate in option(command, "--learning-rates").split(",")]


FAIR = {"adam": tuned(noisy(0.2)), "lion": tuned(noisy(0.3))}
TESTED = {"adam": noisy(0.21), "lion": noisy(0.311)}


def test_a_fair_comparison_is_a_ranking():
    found = stamp(results(FAIR, test=TESTED))
    assert found == Stamp(ranking=True, findings=(), remedy="")
    assert str(found) == "a ranking"


def test_one_seed_spoils():
    found = stamp(results({"adam": tuned([0.2]), "lion": tuned([0.3])}))
    assert codes(found) == [("ONE-SEED", True)]
    assert option(found.remedy, "--seeds") == "5"
    assert str(found) == "not a ranking (ONE-SEED)"


def test_training_losses_spoil():
    found = stamp(results(FAIR, rows={"train": 600, "validation": 0, "test": 0}))
    assert codes(found) == [("TRAINING-LOSS", True)]
    assert option(found.remedy, "--validation-fraction") == "0.2"


def test_unpaired_runs_spoil():
    assert ("UNPAIRED", True) in codes(stamp(results(FAIR, test=TESTED, paired=False)))


def test_unequal_starts_spoil_whatever_was_promised():
    made = results(FAIR, test=TESTED)
    *most, last = made.outcomes
    elsewhere = outcome(last.arm, last.seed, [1.001, *last.losses[1:]])
    found = stamp(replace(made, outcomes=(*most, elsewhere)))
    assert codes(found) == [("UNPAIRED", True)]
    assert "from 1 to" in found.findings[0].message
    nearly = outcome(last.arm, last.seed, [1.0 + 1e-12, *last.losses[1:]])
    assert stamp(replace(made, outcomes=(*most, nearly))).ranking


def test_starts_may_differ_between_seeds():
    made = results(FAIR, test=TESTED)
    moved = tuple(outcome(run.arm, run.seed, [1.0 + 0.1 * run.seed, *run.losses[1:]]) for run in made.outcomes)
    assert stamp(replace(made, outcomes=moved)).ranking


def test_unequal_budgets_spoil():
    made = results(FAIR, test=TESTED, command="thalweg compare houses.csv --time-limit 3 --epochs 9")
    *most, last = made.outcomes
    short = outcome(last.arm, last.seed, last.losses[:-2], status="time")
    found = stamp(replace(made, outcomes=(*most, short)))
    assert codes(found) == [("BUDGET", True)]
    assert f"1 run stopped early, the first after {EPOCHS - 2} of {EPOCHS} passes" in found.findings[0].message
    assert "--time-limit" not in found.remedy
    assert option(found.remedy, "--epochs") == str(FACTS.epochs)


def test_a_diverged_run_is_no_smaller_budget():
    lost = {**FAIR, "lion": {**FAIR["lion"], 0.1: [INF] * 5}}
    assert codes(stamp(results(lost, test=TESTED))) == [("DIVERGED", False)]


def test_unequal_tries_spoil():
    fewer = {0.01: noisy(0.3), 0.1: noisy(0.5), 0.001: noisy(0.5)}
    more = {0.003: noisy(0.4), **FAIR["adam"]}
    found = stamp(results({"adam": dict(sorted(more.items())), "lion": dict(sorted(fewer.items()))}, test=TESTED))
    assert codes(found) == [("UNEQUAL-TRIES", True)]
    assert found.findings[0].message == "adam was tried at 4 rates and lion at 3 only"
    assert option(found.remedy, "--learning-rates") == "9"


def test_rules_without_a_rate_are_told_but_spoil_nothing():
    made = results({**FAIR, "rprop": {None: noisy(0.4)}}, test={**TESTED, "rprop": noisy(0.412)})
    found = stamp(made)
    assert codes(found) == [("UNEQUAL-TRIES", False)]
    assert found.ranking
    assert found.findings[0].message == "rprop has no learning rate and was tried once, the others 3 times"
    assert found.findings[0].remedy == ""


def test_rules_without_a_rate_alone_are_fair():
    alone = {"rprop": {None: noisy(0.2)}, "other": {None: noisy(0.3)}}
    assert codes(stamp(results(alone, test={"rprop": noisy(0.21), "other": noisy(0.31)}))) == []


@pytest.mark.parametrize(("place", "word", "beyond"), [(0, "smallest", [1e-5, 1e-4]), (2, "largest", [1.0, 10.0])])
def test_the_best_rate_on_the_edge_spoils_and_the_remedy_goes_beyond(place, word, beyond):
    levels = [0.5, 0.5, 0.5]
    levels[place] = 0.2
    finals = {rate: noisy(level, key=k) for k, (rate, level) in enumerate(zip((0.001, 0.01, 0.1), levels, strict=True))}
    found = stamp(results({"adam": finals, "lion": FAIR["lion"]}, test=TESTED))
    assert codes(found) == [("EDGE", True)]
    assert f"the {word} rate tried" in found.findings[0].message
    assert rates(found.remedy) == pytest.approx(sorted([0.001, 0.01, 0.1, *beyond]))


def test_an_edge_of_the_best_rule_spoils_even_where_it_is_flat():
    flat = {0.001: noisy(0.4), 0.01: noisy(0.201), 0.1: noisy(0.2)}
    assert codes(stamp(results({"adam": flat, "lion": FAIR["lion"]}, test=TESTED))) == [("EDGE", True)]


def test_an_edge_of_another_rule_spoils_while_it_is_steep():
    steep = {0.001: noisy(0.5), 0.01: noisy(0.4), 0.1: noisy(0.3)}
    found = stamp(results({"adam": FAIR["adam"], "lion": steep}, test=TESTED))
    assert codes(found) == [("EDGE", True)]
    assert found.findings[0].message.startswith("lion did best at rate 0.1")


def test_an_edge_of_another_rule_is_only_told_where_it_is_flat():
    flat = {0.001: noisy(0.5), 0.01: noisy(0.301), 0.1: noisy(0.3)}
    found = stamp(results({"adam": FAIR["adam"], "lion": flat}, test=TESTED))
    assert codes(found) == [("EDGE", False)]
    assert found.ranking


def test_a_rule_that_has_hardly_begun_is_not_flat():
    crawling = {0.001: noisy(0.9999, noise=1e-6), 0.01: noisy(0.999, noise=1e-6), 0.1: noisy(0.99, noise=1e-6)}
    found = stamp(results({"adam": FAIR["adam"], "lion": crawling}, test={**TESTED, "lion": noisy(0.99)}))
    assert codes(found) == [("EDGE", True)]


def test_several_edges_make_one_finding_a_side_and_one_command():
    rising = {0.001: noisy(0.2), 0.01: noisy(0.4), 0.1: noisy(0.5)}
    falling = {0.001: noisy(0.5), 0.01: noisy(0.4), 0.1: noisy(0.3)}
    made = results({"a": rising, "b": falling, "c": falling}, test={name: noisy(0.3) for name in "abc"})
    found = [finding for finding in stamp(made).findings if finding.code == "EDGE"]
    assert [finding.message.split(" did")[0] for finding in found] == ["a", "b and c"]
    assert found[0].remedy == found[1].remedy
    assert rates(found[0].remedy) == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])


def test_where_the_plan_laid_out_the_rates_the_remedy_spans_all_rules_and_goes_beyond():
    falling = {rate: noisy(level) for rate, level in ((1e-5, 0.5), (1e-4, 0.4), (1e-3, 0.3))}
    made = results({"adam": tuned(noisy(0.2)), "lion": falling}, test=TESTED, automatic=True)
    proposed = rates(stamp(made).remedy)
    assert proposed[0] <= 1e-4 / 10 + 1e-9
    assert proposed[-1] >= max(0.1, 1e-3 * 100) - 1e-9
    assert np.diff(np.log10(proposed)) == pytest.approx(0.5, abs=0.01)


def test_a_rule_that_holds_nowhere_may_hold_below():
    lost = {0.001: [INF] * 5, 0.01: [INF] * 5, 0.1: [INF] * 5}
    found = stamp(results({**FAIR, "bad": lost}, test=TESTED))
    assert codes(found) == [("EDGE", True), ("DIVERGED", False)]
    assert found.findings[0].message == "bad diverged at every rate tried; smaller ones may hold"
    assert min(rates(found.remedy)) < 0.001


def test_a_single_rate_compares_rates_not_rules():
    found = stamp(results({"adam": {0.1: noisy(0.2)}, "lion": {0.1: noisy(0.3)}}, test=TESTED))
    assert codes(found) == [("EDGE", True)]
    assert option(found.remedy, "--learning-rates") == "auto"
    assert stamp(results({"adam": {0.1: noisy(0.2)}}, test={"adam": noisy(0.2)})).ranking


def test_where_the_best_rule_diverges_at_its_best_rate_luck_decides():
    shaky = {0.001: noisy(0.5), 0.01: [0.1, 0.1, 0.1, 0.1, INF], 0.1: [INF] * 5}
    found = stamp(results({"adam": shaky, "lion": FAIR["lion"]}))
    (finding,) = [finding for finding in found.reasons if finding.code == "DIVERGED"]
    assert finding.message == "adam is best at rate 0.01, but diverged there with 1 of 5 seeds"
    assert rates(finding.remedy) == pytest.approx([0.001, 0.00316, 0.01, 0.1], rel=1e-2)


def test_where_all_diverge_smaller_rates_are_proposed():
    found = stamp(results({"adam": {0.1: [INF] * 3, 1.0: [INF] * 3}, "lion": {0.1: [INF] * 3, 1.0: [INF] * 3}}))
    assert codes(found) == [("DIVERGED", True)]
    assert "12 of 12 runs diverged" in found.findings[0].message
    assert max(rates(found.remedy)) < 0.1


def test_diverged_runs_are_told():
    lost = {**FAIR["lion"], 0.1: [0.5, INF, INF, 0.5, 0.5]}
    found = stamp(results({"adam": FAIR["adam"], "lion": lost}, test=TESTED))
    assert codes(found) == [("DIVERGED", False)]
    assert found.findings[0].message == "2 of 30 runs, of 1 rule, diverged; none counts as a result"


def test_where_nothing_was_learned_there_is_no_ranking():
    made = results({"adam": tuned([1.5, 1.6, 1.4]), "lion": tuned([1.2, 1.1, 1.3])})
    assert codes(stamp(made)) == [("NO-DESCENT", True)]


def test_too_few_seeds_for_any_claim_spoil_and_the_remedy_has_enough():
    numbers = np.random.default_rng(6)
    levels = {f"rule{k}": 0.2 + 0.02 * k for k in range(8)}
    seeds = {name: (level + 0.02 * numbers.normal(size=3)).tolist() for name, level in levels.items()}
    found = stamp(results({name: tuned(losses) for name, losses in seeds.items()}))
    assert codes(found) == [("FEW-SEEDS", True)]
    assert int(option(found.remedy, "--seeds")) > 3


def test_rules_that_hardly_differ_do_not_need_more_seeds():
    same = noisy(0.2, seeds=3, noise=0.01)
    made = results({"adam": tuned(same), "lion": tuned([loss + 1e-9 for loss in same])})
    assert codes(stamp(made)) == []


def test_intervals_as_wide_as_all_that_was_gained_are_too_few_seeds():
    numbers = np.random.default_rng(8)
    rules = {f"rule{k:02}": (0.2 + 0.02 * numbers.normal(size=3)).tolist() for k in range(28)}
    found = stamp(results({name: tuned(losses) for name, losses in rules.items()}))
    assert codes(found) == [("FEW-SEEDS", True)]
    assert "3 seeds cannot tell 28 rules apart" in found.findings[0].message
    assert 5 <= int(option(found.remedy, "--seeds")) <= 10


def test_differences_that_do_not_matter_need_no_seeds():
    luck = np.array([-1.0, 0.5, 0.2]) / 1e4
    rules = {"adam": tuned([0.2, 0.2, 0.2]), "amsgrad": tuned((0.2 + 1e-4 + luck).tolist())}
    assert codes(stamp(results(rules))) == []


def test_parts_that_disagree_more_than_seeds_are_told():
    test = {"adam": noisy(0.35), "lion": noisy(0.25)}
    found = stamp(results(FAIR, test=test))
    assert codes(found) == [("FEW-ROWS", False)]
    assert "200 rows" in found.findings[0].message


def test_without_a_test_part_intervals_know_of_seeds_only():
    found = stamp(results(FAIR))
    assert codes(found) == [("FEW-ROWS", False)]
    assert "5 seeds, not of other rows" in found.findings[0].message


def test_what_spoils_stands_first_and_one_command_mends_all():
    made = results(
        {"adam": {0.001: [0.5], 0.01: [0.2]}, "lion": {0.01: [0.3]}, "rprop": {None: [0.4]}},
        rows={"train": 600, "validation": 0, "test": 0},
    )
    found = stamp(made)
    spoils = [finding.spoils for finding in found.findings]
    assert spoils == sorted(spoils, reverse=True)
    assert {code for code, spoiling in codes(found) if spoiling} == {
        "TRAINING-LOSS",
        "ONE-SEED",
        "UNEQUAL-TRIES",
        "EDGE",
    }
    for name in ("--seeds", "--validation-fraction", "--learning-rates"):
        option(found.remedy, name)


def test_many_rules_are_audited():
    assert stamp(many(rules=12, rates=9, seeds=3)).findings
