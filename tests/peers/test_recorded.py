"""Our rules against what the peers did, from files: no peer is needed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.peers import conventions, mistakes
from tests.peers.cases import CASES, MIXTURES, Case, Mixture
from tests.peers.tape import (
    FINGERPRINT,
    RECORDED_STEPS,
    TOLERANCE,
    native_trajectory,
    recorded,
    trajectory,
    worst_relative_difference,
)

from thalweg.formulas import rules
from thalweg.formulas.formula import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = sorted((Path(__file__).parent / "recorded").glob("*.json"))
CONVENTIONS = [value for value in vars(conventions).values() if isinstance(value, Rule)]
MISTAKES = [value for value in vars(mistakes).values() if isinstance(value, Rule)]

NEAREST = [
    (conventions.gradient_descent_with_l2, rules.gradient_descent),
    (conventions.adam_with_l2, rules.adamw),
    (conventions.dampened_momentum, rules.momentum),
    (conventions.adagrad_with_falling_rate, rules.adagrad),
    (conventions.adagrad_epsilon_inside, rules.adagrad),
    (conventions.rmsprop_epsilon_inside, rules.rmsprop),
    (conventions.rmsprop_momentum_epsilon_inside, rules.rmsprop_momentum),
    (conventions.rmsprop_centered_epsilon_inside, rules.rmsprop_centered),
    (conventions.rmsprop_centered_momentum_epsilon_inside, rules.rmsprop_centered_momentum),
    (conventions.adam_epsilon_hat, rules.adam),
    (conventions.adamw_epsilon_hat, rules.adamw),
    (conventions.adam_two_epsilons, rules.adam),
    (conventions.adamax_epsilon_outside, rules.adamax),
    (conventions.radam_epsilon_corrected, rules.radam),
    (conventions.adabelief_two_epsilons, rules.adabelief),
    (conventions.amsgrad_corrected_before_maximum, rules.amsgrad),
    (conventions.amsgrad_epsilon_hat, rules.amsgrad),
    (conventions.nadam_constant, rules.nadam),
    (conventions.rprop_one_step_late, rules.rprop),
    (conventions.adan_small_change, rules.adan),
    (conventions.ftrl_with_shrinkage, rules.ftrl),
]
"""A peer's convention, and the rule of ours that goes by the same name."""


@cache
def content(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def theirs(case: Case) -> NDArray[np.float64]:
    return np.array(content(Path(__file__).parent / "recorded" / case.file)["thetas"][case.theirs])


def mean_of_theirs(mixture: Mixture) -> NDArray[np.float64]:
    return sum((weight * theirs(part) for weight, part in mixture.parts), start=np.zeros(()))


def _with_numbers_of(rule: Rule, other: Rule) -> Rule:
    return other(**{name: value for name, value in rule.hyperparameters.items() if name in other.hyperparameters})


# ---- the promise -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_formula_follows_the_recorded_peer_step_by_step(case: Case) -> None:
    assert worst_relative_difference(recorded(trajectory(case.rule)), theirs(case)) <= TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_native_loop_follows_the_recorded_peer_step_by_step(case: Case) -> None:
    assert worst_relative_difference(recorded(native_trajectory(case.rule)), theirs(case)) <= TOLERANCE


@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_formula_follows_the_mean_of_recorded_paths(mixture: Mixture) -> None:
    assert worst_relative_difference(recorded(trajectory(mixture.rule)), mean_of_theirs(mixture)) <= TOLERANCE


# ---- that the promise means something --------------------------------------------------------------------------


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_wrong_rule_misses_its_peer_by_orders_of_magnitude(mistake: Rule) -> None:
    assert any(
        worst_relative_difference(recorded(trajectory(_with_numbers_of(case.rule, mistake))), theirs(case))
        > 1e8 * TOLERANCE
        for case in CASES
        if case.rule.name == mistake.name.split("__")[0]
    )


@pytest.mark.parametrize(("convention", "ours"), NEAREST, ids=lambda rule: rule.name)
def test_our_rule_of_that_name_misses_a_peer_with_another_convention(convention: Rule, ours: Rule) -> None:
    assert any(
        worst_relative_difference(recorded(trajectory(_with_numbers_of(case.rule, ours))), theirs(case))
        > 1e4 * TOLERANCE
        for case in CASES
        if case.rule.name == convention.name
    )


def test_every_convention_is_set_against_one_of_our_rules() -> None:
    assert [convention.name for convention, _ in NEAREST] == [convention.name for convention in CONVENTIONS]


def test_every_rule_of_ours_is_compared_with_a_peer() -> None:
    compared = {case.rule.name for case in CASES} | {mixture.rule.name for mixture in MIXTURES}
    assert set(rules.__all__) <= compared


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_recorded_file_holds_the_cases_of_this_table_on_this_tape(path: Path) -> None:
    names = [case.theirs for case in CASES if case.file == path.name]
    held = content(path)
    assert (held["tape"], held["steps"], list(held["thetas"])) == (FINGERPRINT, list(RECORDED_STEPS), names)


@pytest.mark.parametrize("case", [case for case in CASES if case.optimizer != "Ftrl"], ids=str)
def test_theta_stays_of_order_one_so_that_a_relative_difference_means_something(case: Case) -> None:
    sizes = np.abs(theirs(case))
    assert 0.05 < sizes.min() <= sizes.max() < 100


# ---- the measure -----------------------------------------------------------------------------------------------

PATH = np.array([[1.0, -200.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (PATH, 0.0),
        (PATH + np.array([[0.0, 1.0], [0.0, 0.0]]), 0.005),
        (PATH + np.array([[0.0, 0.0], [0.0, 0.5]]), 0.25),  # 1 passes by zero: measured against a hundredth of 200
        (PATH + np.array([[0.0, 0.0], [np.nan, 0.0]]), np.inf),
        (PATH + np.array([[0.0, np.inf], [0.0, 0.0]]), np.inf),
    ],
)
def test_difference_is_the_worst_and_relative(changed: NDArray[np.float64], difference: float) -> None:
    assert worst_relative_difference(changed, PATH) == pytest.approx(difference)


def test_where_the_peer_stays_at_zero_any_other_number_is_infinitely_far() -> None:
    assert worst_relative_difference(np.array([[1e-300]]), np.zeros((1, 1))) == np.inf
