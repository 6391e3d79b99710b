from __future__ import annotations

import json
import math

import pytest

from thalweg.comparison.leaderboard import Leaderboard, best_runs
from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Arm
from thalweg.descent.record import DIVERGED, FINISHED, Record
from thalweg.formulas.rules import adam, rprop


def outcome(name: str, rate: float | None, losses: list[float], seed: int = 0, status: str = FINISHED) -> Outcome:
    rule = rprop if rate is None else adam(learning_rate=rate)
    record = Record(status, len(losses) - 1, 10, losses[1:], {}, seconds=len(losses) - 1.0, machine={"numpy": "2"})
    return Outcome(Arm(name, rule, rate), seed, record, tuple(losses))


def test_the_rate_with_the_lowest_median_is_chosen():
    outcomes = [outcome("a", 0.1, [9, final], seed) for seed, final in enumerate((1.0, 5.0, 6.0))]
    outcomes += [outcome("a", 0.2, [9, final], seed) for seed, final in enumerate((3.0, 4.0, 8.0))]
    (standing,) = Leaderboard.of(outcomes).standings
    assert (standing.learning_rate, standing.median, standing.low, standing.high) == (0.2, 4.0, 3.0, 8.0)


def test_rules_are_ranked_by_their_median():
    outcomes = [outcome("b", 0.1, [9, 2]), outcome("a", 0.1, [9, 3]), outcome("c", None, [9, 1])]
    assert [s.name for s in Leaderboard.of(outcomes).standings] == ["c", "b", "a"]


def test_a_diverged_run_is_worse_than_any_other_and_counted():
    outcomes = [
        outcome("a", 0.1, [9, 8, 1e3]),
        outcome("a", 1.0, [9, 0.1], status=DIVERGED),
        outcome("a", 10.0, [9, math.nan]),
    ]
    (standing,) = Leaderboard.of(outcomes).standings
    assert (standing.learning_rate, standing.median) == (0.1, 1e3)
    assert (standing.diverged, standing.runs) == (2, 3)


def test_of_two_rates_alike_the_smaller_is_taken():
    outcomes = [outcome("a", 0.2, [9, 1]), outcome("a", 0.1, [9, 1])]
    assert best_runs(outcomes, "a")[0].arm.learning_rate == 0.1


@pytest.mark.parametrize(("best", "edge"), [(0.1, "<"), (0.2, ""), (0.3, ">")])
def test_a_best_rate_at_the_edge_is_marked(best, edge):
    outcomes = [outcome("a", rate, [9, 1 if rate == best else 2]) for rate in (0.1, 0.2, 0.3)]
    assert Leaderboard.of(outcomes).standings[0].edge == edge


def test_a_single_rate_has_no_edge():
    assert Leaderboard.of([outcome("a", 0.1, [9, 1])]).standings[0].edge == ""


def test_the_goal_is_nearly_all_of_the_way_to_the_best():
    board = Leaderboard.of([outcome("a", 0.1, [10, 6, 1.3, 0]), outcome("b", 0.1, [10, 0.4, 0.4, 0.4])])
    assert board.target == pytest.approx(0.5)
    assert {s.name: s.epochs for s in board.standings} == {"a": 3.0, "b": 1.0}


def test_time_to_a_goal_is_a_median_in_which_missing_it_takes_for_ever():
    outcomes = [outcome("a", 0.1, [9, 5, 1], 0), outcome("a", 0.1, [9, 1, 1], 1), outcome("a", 0.1, [9, 9, 9], 2)]
    assert Leaderboard.of(outcomes, 1.0).standings[0].epochs == 2.0
    outcomes[0] = outcome("a", 0.1, [9, 5, 5], 0)
    assert Leaderboard.of(outcomes, 1.0).standings[0].epochs is None


def test_without_progress_there_is_no_goal():
    board = Leaderboard.of([outcome("a", 0.1, [1, 2])])
    assert (board.target, board.standings[0].epochs) == (None, None)


def test_a_line_keeps_no_times_and_reads_back():
    line = json.loads(outcome("a", 0.1, [9, math.inf]).line())
    assert "machine" not in line["record"]
    assert "seconds" not in line["record"]
    assert line["validation_losses"] == [9, "inf"]
    assert Record.from_dict(line["record"]).status == FINISHED
