"""A plan carried out: fair, the same whatever the threads and whatever was kept, growing alike, shared by processes."""

from __future__ import annotations

import itertools
import math
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.comparison import crew, training, units
from thalweg.comparison.execution import Execution
from thalweg.comparison.outcome import Outcome, Problem
from thalweg.comparison.plan import MOST_GROWTHS, Arm, Plan
from thalweg.comparison.progress import Progress
from thalweg.comparison.store import Store
from thalweg.comparison.variant import Variant
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError, StorageError
from thalweg.formulas.activations import tanh
from thalweg.formulas.losses import squared
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adam, gradient_descent, rprop

SETTINGS = Settings(adam, squared, batch_size=8, max_iter=4)
RULES = {"adam": adam, "gd": gradient_descent, "rprop": rprop}
PLAN = Plan.of(RULES, [0.01, 0.1, 1.0, 100.0], seeds=2)


def problem_of(model: Linear | Network, *, csr: bool = False, dtype: str = "float64") -> Problem:
    draw = np.random.default_rng(3)
    X = draw.standard_normal((60, 3))
    y = (X @ [1.0, -2.0, 0.5] + draw.standard_normal(60) / 10).reshape(-1, 1).astype(dtype)
    table: Any = csr_array(X.astype(dtype)) if csr else X.astype(dtype)
    return Problem(model, Rows.of(table[:40], y[:40], dtype=dtype), table[40:], y[40:])


LINEAR = problem_of(Linear(3))
NETWORK = problem_of(Network((3, 4, 1), (tanh,)))
VARIANTS = {
    "small": Variant(Linear(3, fit_intercept=False), replace(SETTINGS, penalty=l2(alpha=0.1), batch_size=3)),
    "deep": Variant(Network((3, 5, 1), (tanh,)), replace(SETTINGS, clip_norm=0.5)),
}
MIXED = Plan.of({"adam": adam, "small": adam, "deep": adam, "gd": gradient_descent}, [0.01, 0.1], 2, VARIANTS)


def lines(outcomes: list[Outcome]) -> list[str]:
    """Return runs as they are written: any bit of difference shows."""
    return [outcome.line() for outcome in outcomes]


def judge(model: Any, theta: Any) -> tuple[float, dict[str, float]]:
    return float(np.sum(theta**2)), {"RMSE": float(theta[0]), "MAE": float(theta[-1])}


@pytest.fixture
def small_units(monkeypatch):
    """Cut the work into many units, as if it were a lot."""
    monkeypatch.setattr(units, "_LEAST", 1.0)


@pytest.fixture
def made(monkeypatch) -> list[tuple[str, float | None, int]]:
    """Every run that is made, wherever: rule, rate and seed."""
    found: list[tuple[str, float | None, int]] = []
    lockstep, alone = training.Lockstep, training.make_run

    def in_lockstep(model: Any, rows: Any, settings: Any, rules: Any, seed: int, judged: Any) -> Any:
        found.extend((rule.name, rule.hyperparameters.get("learning_rate"), seed) for rule in rules)
        return lockstep(model, rows, settings, rules, seed, judged)

    def by_itself(arm: Arm, seed: int, *rest: Any) -> Any:
        found.append((arm.rule.name, arm.learning_rate, seed))
        return alone(arm, seed, *rest)

    monkeypatch.setattr(training, "Lockstep", in_lockstep)
    monkeypatch.setattr(training, "make_run", by_itself)
    return found


# Fair, and the same bits


@pytest.mark.parametrize("problem", [LINEAR, NETWORK, problem_of(Linear(3), csr=True)], ids=["linear", "mlp", "csr"])
def test_every_arm_is_the_run_alone(problem):
    _, outcomes = Execution(problem, SETTINGS, jobs=1).carry_out(PLAN)
    assert [(outcome.arm, outcome.seed) for outcome in outcomes] == list(PLAN)
    for outcome in outcomes:
        settings = replace(SETTINGS, optimizer=outcome.arm.rule)
        alone = Run(problem.model, problem.train, settings, random_state=outcome.seed)
        alone.descend()
        assert outcome.record.status == alone.status
        assert outcome.record.epochs == alone.epoch
        assert outcome.record.loss_curve == pytest.approx(alone.loss_curve, rel=1e-12)


def test_an_arm_with_a_model_and_settings_of_its_own_is_the_run_alone(small_units):
    _, outcomes = Execution(LINEAR, SETTINGS, jobs=2).carry_out(MIXED)
    assert [(outcome.arm, outcome.seed) for outcome in outcomes] == list(MIXED)
    for outcome in outcomes:
        own = VARIANTS.get(outcome.arm.name, Variant(LINEAR.model, SETTINGS))
        settings = replace(own.settings, optimizer=outcome.arm.rule)
        alone = Run(own.model, LINEAR.train, settings, random_state=outcome.seed).descend()
        assert outcome.record.loss_curve == pytest.approx(alone.loss_curve, rel=1e-12)
        assert outcome.record.steps == 4 * -(-40 // own.settings.batch_size)


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
def test_rules_of_one_seed_share_start_and_orders_and_seeds_do_not(problem):
    plan = Plan.of({"a": gradient_descent, "b": gradient_descent(learning_rate=0.5)}, [0.01], seeds=3)
    _, outcomes = Execution(problem, SETTINGS, jobs=2).carry_out(plan)
    by_rule = {name: [o.losses for o in outcomes if o.arm.name == name] for name in "ab"}
    assert by_rule["a"] == by_rule["b"]
    assert len(set(by_rule["a"])) == 3


@pytest.mark.parametrize("problem", [LINEAR, NETWORK, problem_of(Linear(3), dtype="float32")], ids=["l", "mlp", "f32"])
def test_neither_threads_nor_the_cut_into_units_change_a_bit(problem, monkeypatch):
    usual = lines(Execution(problem, SETTINGS, jobs=1).carry_out(PLAN)[1])
    for jobs, least in itertools.product((1, 2, 3), (1.0, 2e8)):
        monkeypatch.setattr(units, "_LEAST", least)
        assert lines(Execution(problem, SETTINGS, jobs=jobs).carry_out(PLAN)[1]) == usual


def test_units_may_end_in_any_order(small_units, monkeypatch):
    usual = lines(Execution(LINEAR, SETTINGS, jobs=1).carry_out(PLAN)[1])
    cut = units.cut
    monkeypatch.setattr(units, "cut", lambda *rest: cut(*rest)[::-1])
    assert lines(Execution(LINEAR, SETTINGS, jobs=2).carry_out(PLAN)[1]) == usual


def test_networks_have_blas_on_one_thread(monkeypatch):
    from threadpoolctl import threadpool_info

    seen = []
    alone = training.make_run

    def look(*rest: Any) -> Any:
        seen.append([pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
        return alone(*rest)

    monkeypatch.setattr(training, "make_run", look)
    Execution(NETWORK, SETTINGS, jobs=2).carry_out(Plan.of({"adam": adam}, [0.1], seeds=2))
    assert len(seen) == 2
    assert {count for counts in seen for count in counts} == {1}


@pytest.mark.parametrize(("jobs", "said"), [(0, "integer >= 1, got 0"), (2.5, "got float 2.5"), (True, "got bool")])
def test_threads_that_cannot_be_are_answered(jobs, said):
    with pytest.raises(SettingError, match=said):
        Execution(LINEAR, SETTINGS, jobs=jobs)


# Grids that grow


def test_all_grids_grow_alike_where_one_rule_does_best_at_an_edge_and_not_for_ever(made):
    plan = Plan.of({"adam": adam(learning_rate=1e-9), "gd": gradient_descent(learning_rate=0.05)}, 4, seeds=1)
    grown, outcomes = Execution(LINEAR, replace(SETTINGS, max_iter=1), jobs=1).carry_out(plan)
    assert grown.growths == MOST_GROWTHS
    assert len(grown.rates("adam")) == len(grown.rates("gd")) == 4 + 2 * MOST_GROWTHS
    assert grown.rates("adam")[:4] == plan.rates("adam")  # it went up only
    assert len(outcomes) == len(grown)
    assert len(made) == len(set(made)) == len(grown)


def test_rates_that_the_user_named_are_not_grown(made):
    plan = Plan.of({"adam": adam}, [1e-9, 1e-8], seeds=1)
    assert Execution(LINEAR, SETTINGS, jobs=1).carry_out(plan)[0] is plan


# The store


def kept_in(path: Path, work: Any, key: str = "k") -> Any:
    with Store.open(path) as store:
        return work(store.comparison(key, {}))


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_subset_is_lost_the_rest_is_not_made_again_and_the_end_is_the_same(
    problem, seed, tmp_path, made, small_units
):
    path = tmp_path / "runs.sqlite"

    def carry_out(kept: Any) -> list[str]:
        return lines(Execution(problem, SETTINGS, jobs=2, kept=kept).carry_out(PLAN)[1])

    usual = kept_in(path, carry_out)
    assert sorted(map(repr, made)) == sorted(repr((a.rule.name, a.learning_rate, s)) for a, s in PLAN)
    with sqlite3.connect(path) as connection:
        rows = [row for (row,) in connection.execute("SELECT rowid FROM records")]
        lost = [row for row in rows if np.random.default_rng([seed, row]).random() < 0.4]
        connection.executemany("DELETE FROM records WHERE rowid = ?", [(row,) for row in lost])
    connection.close()
    assert 0 < len(lost) < len(PLAN)
    made.clear()
    assert kept_in(path, carry_out) == usual
    assert len(made) == len(lost)
    made.clear()
    assert kept_in(path, carry_out) == usual
    assert made == []


def test_two_that_work_on_one_store_share_the_runs(tmp_path, made, small_units):
    path, found = tmp_path / "runs.sqlite", {}
    usual = lines(Execution(NETWORK, SETTINGS, jobs=1).carry_out(PLAN)[1])
    made.clear()

    def work(name: str) -> None:
        found[name] = kept_in(
            path, lambda kept: lines(Execution(NETWORK, SETTINGS, jobs=1, kept=kept).carry_out(PLAN)[1])
        )

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["one"] == found["two"] == usual
    assert len(made) == len(PLAN)


def test_a_late_comer_cuts_the_work_as_the_others_did(tmp_path, small_units):
    """Else it would make runs anew that are under way elsewhere."""
    claimed: list[list[str]] = []

    class Recording:
        def __init__(self, kept: Any) -> None:
            self.kept, self.names = kept, []
            claimed.append(self.names)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.kept, name)

        def claim(self, unit: str, lease: float) -> Any:
            self.names.append(unit)
            return self.kept.claim(unit, lease)

    def carry_out(kept: Any) -> None:
        Execution(LINEAR, SETTINGS, jobs=1, kept=Recording(kept)).carry_out(PLAN)

    kept_in(tmp_path / "runs.sqlite", carry_out)
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        connection.execute("DELETE FROM records WHERE rowid > 5")
        connection.execute("DELETE FROM units WHERE unit > (SELECT min(unit) FROM units)")
    connection.close()
    kept_in(tmp_path / "runs.sqlite", carry_out)
    assert claimed[1]
    assert set(claimed[1]) < set(claimed[0])


def test_a_unit_that_another_took_over_is_not_kept_twice(tmp_path, made):
    class Late:
        """A store in which this process was thought dead for a while, once."""

        def __init__(self, kept: Any) -> None:
            self.kept, self.refused = kept, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.kept, name)

        def release(self, claim: Any, outcomes: Any) -> bool:
            if not self.refused:
                self.refused += 1
                self.kept.give_up()
                return False
            return bool(self.kept.release(claim, outcomes))

    found = kept_in(
        tmp_path / "runs.sqlite",
        lambda kept: lines(Execution(LINEAR, SETTINGS, jobs=1, kept=Late(kept)).carry_out(PLAN)[1]),
    )
    assert found == lines(Execution(LINEAR, SETTINGS, jobs=1).carry_out(PLAN)[1])


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
def test_who_stops_keeps_what_is_finished_and_gives_the_rest_back_at_once(
    problem, tmp_path, made, small_units, monkeypatch
):
    class Enough(Exception):  # noqa: N818 - as Ctrl-C, which is no error either
        pass

    def watch(progress: Progress) -> None:
        if progress.done:
            raise Enough

    path = tmp_path / "runs.sqlite"
    monkeypatch.setattr(crew, "_GRACE", 120.0)  # what is under way ends here, and not beside what follows
    with pytest.raises(Enough):
        kept_in(path, lambda kept: Execution(problem, SETTINGS, jobs=1, kept=kept, watch=watch).carry_out(PLAN))
    with sqlite3.connect(path) as connection:
        states = {bytes(state).decode() for (state,) in connection.execute("SELECT CAST(state AS BLOB) FROM units")}
        (count,) = connection.execute("SELECT count(*) FROM records").fetchone()
    connection.close()
    assert "held" not in states
    assert 0 < count < len(PLAN)
    made.clear()
    kept_in(path, lambda kept: Execution(problem, SETTINGS, jobs=1, kept=kept).carry_out(PLAN))
    assert len(made) == len(PLAN) - count


def test_a_claim_that_was_written_and_never_returned_is_given_back_too(tmp_path):
    """Ctrl-C may come between the two."""

    class Interrupted:
        def __init__(self, kept: Any) -> None:
            self.kept = kept

        def __getattr__(self, name: str) -> Any:
            return getattr(self.kept, name)

        def claim(self, unit: str, lease: float) -> Any:
            assert self.kept.claim(unit, lease) is not None
            raise KeyboardInterrupt

    path = tmp_path / "runs.sqlite"
    with pytest.raises(KeyboardInterrupt):
        kept_in(path, lambda kept: Execution(LINEAR, SETTINGS, jobs=1, kept=Interrupted(kept)).carry_out(PLAN))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT CAST(state AS TEXT) FROM units").fetchall() == [("free",)]
    connection.close()


def test_a_store_that_fails_ends_it_with_its_own_answer(tmp_path):
    class Full:
        def __init__(self, kept: Any) -> None:
            self.kept = kept

        def __getattr__(self, name: str) -> Any:
            return getattr(self.kept, name)

        def release(self, claim: Any, outcomes: Any) -> bool:
            raise StorageError("STORE-WRITE", "runs.sqlite", "cannot be written: the disk is full")

        def give_up(self) -> None:
            raise StorageError("STORE-WRITE", "runs.sqlite", "cannot be written: once more")

    with pytest.raises(StorageError, match="the disk is full"):
        kept_in(
            tmp_path / "runs.sqlite",
            lambda kept: Execution(LINEAR, SETTINGS, jobs=2, kept=Full(kept)).carry_out(PLAN),
        )


# The chosen, again


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
def test_the_chosen_are_scored_as_the_run_alone_would_be(problem):
    work = Execution(problem, SETTINGS, jobs=2)
    plan, outcomes = work.carry_out(PLAN)
    confirmed = work.confirm(plan, outcomes, judge)
    assert [(one.name, one.seed) for one in confirmed] == [(n, s) for n in ("adam", "gd", "rprop") for s in (0, 1)]
    for one in confirmed:
        (rule,) = [arm.rule for arm in plan.arms if (arm.name, arm.learning_rate) == (one.name, one.learning_rate)]
        run = Run(problem.model, problem.train, replace(SETTINGS, optimizer=rule), random_state=one.seed)
        run.descend()
        assert (one.loss, one.scores) == judge(problem.model, run.theta)
        assert one.seconds > 0


def test_a_chosen_run_that_diverges_has_no_score():
    """Its last finite weights would have one."""
    plan = Plan.of({"gd": gradient_descent}, [100.0], seeds=3)
    work = Execution(LINEAR, SETTINGS, jobs=1)
    _, outcomes = work.carry_out(plan)
    lost = [replace(o, losses=(1.0, 0.5), record=replace(o.record, status="finished")) for o in outcomes]
    assert [(one.loss, one.scores) for one in work.confirm(plan, lost, judge)] == [(math.inf, {})] * 3


def test_confirmations_are_kept_as_they_come_and_not_made_again(tmp_path, monkeypatch):
    path, calls = tmp_path / "runs.sqlite", []

    def counted(model: Any, theta: Any) -> tuple[float, dict[str, float]]:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("now")
        return judge(model, theta)

    def work(kept: Any) -> Any:
        execution = Execution(NETWORK, SETTINGS, jobs=1, kept=kept)
        return execution.confirm(*execution.carry_out(PLAN), counted)

    with pytest.raises(RuntimeError, match="now"):
        kept_in(path, work)
    found = kept_in(path, work)
    assert len(calls) == 6 + 1  # six of them, and the one that failed
    assert kept_in(path, work) == found
    assert len(calls) == 7
    assert [list(one.scores) for one in found] == [["RMSE", "MAE"]] * 6


def test_the_chosen_keep_their_own_models_and_settings():
    work = Execution(LINEAR, SETTINGS, jobs=2)
    seen: list[tuple[Any, int]] = []

    def judged_by(model: Any, theta: Any) -> tuple[float, dict[str, float]]:
        seen.append((model, theta.size))
        return 0.0, {"RMSE": float(theta[0])}

    confirmed = work.confirm(*work.carry_out(MIXED), judged_by)
    assert {(model, size) for model, size in seen} == {
        (LINEAR.model, 4), (VARIANTS["small"].model, 3), (VARIANTS["deep"].model, 26)
    }  # fmt: skip
    (one,) = [each for each in confirmed if (each.name, each.seed) == ("deep", 1)]
    settings = replace(VARIANTS["deep"].settings, optimizer=adam(learning_rate=one.learning_rate))
    run = Run(VARIANTS["deep"].model, LINEAR.train, settings, random_state=1).descend()
    assert one.scores == {"RMSE": float(run.theta[0])}


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
def test_two_that_work_on_one_store_share_the_confirmations(problem, tmp_path, small_units):
    path, found, scored = tmp_path / "runs.sqlite", {}, []
    kept_in(path, lambda kept: Execution(problem, SETTINGS, jobs=1, kept=kept).carry_out(PLAN))
    together = threading.Barrier(2)

    def counted(model: Any, theta: Any) -> tuple[float, dict[str, float]]:
        scored.append(1)
        time.sleep(0.02)
        return judge(model, theta)

    def work(name: str) -> None:
        def confirm(kept: Any) -> Any:
            execution = Execution(problem, SETTINGS, jobs=1, kept=kept)
            done = execution.carry_out(PLAN)
            together.wait(120)
            return execution.confirm(*done, counted)

        found[name] = kept_in(path, confirm)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scored) == 6
    assert found["one"] == found["two"]


# What is told meanwhile


@pytest.mark.parametrize("problem", [LINEAR, NETWORK], ids=["linear", "mlp"])
def test_progress_adds_up(problem, tmp_path):
    seen: list[tuple[str, int, int, int, int]] = []

    def watch(state: Progress) -> None:
        assert 0 <= state.alive <= state.lanes <= state.total
        assert 0 <= state.done <= state.total
        assert state.share <= state.total + 1e-9
        seen.append((state.stage, state.done, state.total, state.kept, state.growths))

    def work(kept: Any) -> None:
        execution = Execution(problem, SETTINGS, jobs=2, kept=kept, watch=watch)
        execution.confirm(*execution.carry_out(PLAN), judge)

    kept_in(tmp_path / "runs.sqlite", work)
    assert seen[0] == ("runs", 0, len(PLAN), 0, 0)
    assert ("runs", len(PLAN), len(PLAN), 0, 0) in seen
    assert list(dict.fromkeys(stage for stage, *_ in seen)) == ["runs", "clock", "test"]
    assert seen[-1][:3] == ("test", 6, 6)
    seen.clear()
    kept_in(tmp_path / "runs.sqlite", work)
    assert seen[0] == ("runs", len(PLAN), len(PLAN), len(PLAN), 0)


def test_the_leader_has_the_lowest_loss_so_far():
    leaders = []
    execution = Execution(LINEAR, SETTINGS, jobs=1, watch=lambda state: leaders.append((state.leader, state.lowest)))
    _, outcomes = execution.carry_out(PLAN)
    best = min(outcomes, key=lambda outcome: outcome.final)
    arm, lowest = leaders[-1]
    assert lowest <= best.final
    assert lowest == min(min(o.losses) for o in outcomes if o.arm == arm)


def test_losses_near_the_largest_number_are_no_warning():
    rates = [float(f"{10**exponent:.3g}") for exponent in np.arange(37.5, 39.0, 0.05)]
    _, outcomes = Execution(LINEAR, SETTINGS, jobs=1).carry_out(Plan.of({"gd": gradient_descent}, rates, seeds=1))
    firsts = [outcome.record.loss_curve[0] for outcome in outcomes if outcome.record.loss_curve]
    assert max(first for first in firsts if np.isfinite(first)) > 1e304
    assert all(outcome.diverged for outcome in outcomes)
