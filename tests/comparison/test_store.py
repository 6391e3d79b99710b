"""What a store keeps: the same bits come back, under the keys they were given, or nothing."""

from __future__ import annotations

import json
import math
import sqlite3
import time
import warnings
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from tests.comparison.outcomes import ARMS, confirmation, many_arms, outcome, outcomes

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Arm
from thalweg.comparison.store import Store, StoreWarning, arm_key, claims, digest_of, digest_of_arrays, rows
from thalweg.comparison.variant import Variant
from thalweg.descent.models import Linear, Network
from thalweg.descent.settings import Settings
from thalweg.errors import StorageError
from thalweg.formulas.activations import tanh
from thalweg.formulas.formula import activation, rule
from thalweg.formulas.losses import squared
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adagrad, adam

KEY = digest_of("these rows, this model, these settings")
SAID = {"table": "houses.csv", "epochs": 5, "worst": math.inf}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.sqlite"


def by_run(runs: list[Outcome]) -> dict[tuple[Arm, int], Outcome]:
    return {(run.arm, run.seed): run for run in runs}


def change(path, statement: str, *values: object) -> None:
    """Change a store behind its back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


# What comes back


def test_runs_come_back_as_they_were_to_the_last_bit(path):
    with Store.open(path) as store:
        assert store.comparison(KEY, SAID).add(outcomes()) == len(outcomes())
    with Store.open(path) as store:
        found = store.comparison(KEY, SAID).finished(ARMS)
    assert found == by_run(outcomes())
    for run in outcomes():
        kept = found[run.arm, run.seed]
        assert kept.line() == run.line()
        assert str(kept.record.loss_curve[0]) == "-0.0"
        assert (kept.record.seconds, kept.record.machine) == (run.record.seconds, run.record.machine)


def test_numbers_of_numpy_come_back_as_pythons(path):
    run = outcome(ARMS[0], 0)
    settings = {**run.record.settings, "batch_size": np.int64(32), "tol": np.float64(0.1)}
    numpys = replace(run, losses=tuple(np.array(run.losses)), record=replace(run.record, settings=settings))
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        kept.add([numpys])
        (found,) = kept.finished(ARMS).values()
    assert found.line() == numpys.line()
    assert {type(loss) for loss in found.losses} == {float}


def test_a_value_that_is_not_a_number_comes_back(path):
    run = replace(outcome(ARMS[0], 0), losses=(1.0, math.nan))
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        kept.add([run])
        (found,) = kept.finished(ARMS).values()
    assert math.isnan(found.losses[1])


def test_confirmations_come_back_as_they_were(path):
    given = {(arm, seed): confirmation(arm, seed) for arm in ARMS for seed in range(2)}
    with Store.open(path) as store:
        assert store.comparison(KEY, {}).confirm((arm, each) for (arm, _), each in given.items()) == len(given)
    with Store.open(path) as store:
        assert store.comparison(KEY, {}).confirmed(ARMS) == given
        assert store.comparison(KEY, {}).finished(ARMS) == {}


def test_only_the_arms_that_are_asked_for_come_back(path):
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        kept.add(outcomes())
        assert kept.finished(ARMS[:1]) == by_run(outcomes(ARMS[:1]))
        assert kept.finished([]) == {}


# Under which key


@rule
def slow(theta, g, t, s, *, learning_rate=0.1):
    return theta - learning_rate * g / (1 + s), s


@rule(starts={"s": 1.0})
def started(theta, g, t, s, *, learning_rate=0.1):
    return theta - learning_rate * g / (1 + s), s


@activation
def bent(x):
    return 0.1 * x, 0.1 + 0 * x


BENT = bent


@activation
def bent(x):
    return 0.2 * x, 0.2 + 0 * x


_SHARED = Settings(adam, squared, batch_size=8)
VARIANTS = [
    Variant(Linear(3), _SHARED),
    Variant(Linear(3), replace(_SHARED, batch_size=9)),
    Variant(Linear(3), replace(_SHARED, penalty=l2)),
    Variant(Linear(3, fit_intercept=False), _SHARED),
    *(Variant(Network((3, 4, 1), (shape,)), _SHARED) for shape in (tanh, BENT, bent)),
]


def test_an_arm_is_known_by_name_formula_numbers_how_its_memory_starts_and_what_it_brings_along():
    arms = [
        Arm("a", adam(learning_rate=0.1), 0.1),
        Arm("b", adam(learning_rate=0.1), 0.1),
        Arm("a", adam(learning_rate=0.2), 0.2),
        Arm("a", adam(learning_rate=0.1, beta1=0.5), 0.1),
        Arm("a", adagrad(learning_rate=0.1), 0.1),
        Arm("a", slow, 0.1),
        Arm("a", started, 0.1),
        *(Arm("a", adam(learning_rate=0.1), 0.1, variant) for variant in VARIANTS),
    ]
    assert len({arm_key(arm) for arm in arms}) == len(arms)
    assert arm_key(arms[0]) == arm_key(Arm("a", adam(beta1=0.9, learning_rate=0.1), 0.1))


def test_runs_of_another_comparison_are_not_found(path):
    with Store.open(path) as store:
        store.comparison(KEY, SAID).add(outcomes())
        assert store.comparison(digest_of("other rows"), SAID).finished(ARMS) == {}


def test_a_comparison_is_registered_once_and_keeps_its_first_description(path):
    with Store.open(path) as store:
        store.comparison(KEY, SAID).add(outcomes())
        store.comparison(KEY, {"table": "something else"})
        (held,) = store.held()
    assert (held.key, held.runs, held.confirmations) == (KEY, len(outcomes()), 0)
    assert held.description == {"table": "houses.csv", "epochs": 5, "worst": "inf"}
    assert held.created.startswith("20")


def test_of_two_who_register_at_the_same_moment_the_first_counts(path, monkeypatch):
    find, first = rows.find, [True]

    def too_early(connection, key):
        return None if first and first.pop() else find(connection, key)

    with Store.open(path) as store, Store.open(path) as other:
        other.comparison(KEY, SAID).add(outcomes())
        monkeypatch.setattr(rows, "find", too_early)
        assert store.comparison(KEY, {"table": "something else"}).finished(ARMS) == by_run(outcomes())
        assert store.held()[0].description["table"] == "houses.csv"


def test_a_run_that_is_there_is_left_as_it_is(path):
    first, again = outcome(ARMS[0], 0), replace(outcome(ARMS[0], 0), losses=(7.0,))
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        assert kept.add([first]) == 1
        assert kept.add([again, outcome(ARMS[0], 1)]) == 1
        assert kept.finished(ARMS)[ARMS[0], 0] == first


@pytest.mark.parametrize("key", ["'; DROP TABLE comparisons; --", "../../etc", "", "ü\n\x1b[2J"])
def test_a_key_is_text_and_nothing_else(path, key):
    with Store.open(path) as store:
        store.comparison(key, {}).add([outcome(ARMS[0], 0)])
        store.comparison(KEY, {})
        assert len(store.comparison(key, {}).finished(ARMS)) == 1
        assert len(store.held()) == 2
        assert store.delete(key) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda X: X.astype(np.float32),
        lambda X: X.reshape(3, 4),
        lambda X: X.view(np.int64),
        lambda X: np.where(X == 11, np.nextafter(11.0, 12.0), X),
        lambda X: X[::-1],
        lambda X: np.where(X == 0, -0.0, X),
    ],
    ids=["dtype", "shape", "kind", "one bit", "order", "sign of zero"],
)
def test_data_that_differ_have_another_digest(other):
    X = np.arange(12.0).reshape(4, 3)
    assert digest_of_arrays(X) != digest_of_arrays(other(X))


def test_the_digest_is_of_the_values_wherever_they_are(tmp_path):
    X = np.random.default_rng(0).standard_normal((3000, 200))  # more than a block
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    wide = np.zeros((3000, 400))
    wide[:, ::2] = X
    digests = {digest_of_arrays(each) for each in (X, mapped, np.asfortranarray(X), wide[:, ::2])}
    assert len(digests) == 1
    assert digest_of_arrays(X[:, 0], X[:, 1]) != digest_of_arrays(X[:, 0])
    assert digest_of_arrays(np.zeros((0, 3))) != digest_of_arrays(np.zeros((3, 0)))
    assert digest_of_arrays(np.array(1.0)) != digest_of_arrays(np.array([1.0]))


def test_objects_have_no_digest():
    with pytest.raises(TypeError, match="Python objects"):
        digest_of_arrays(np.array([None, "a"]))


# What is damaged

DAMAGES = {
    "payload": "UPDATE records SET payload = substr(payload, 1, 40) || x'00' || substr(payload, 42)",
    "last number": "UPDATE records SET payload = substr(payload, 1, length(payload) - 1) || x'7f'",
    "cut": "UPDATE records SET payload = substr(payload, 1, length(payload) - 8)",
    "seconds": "UPDATE records SET seconds = x'0000000000000000'",
    "machine": "UPDATE records SET machine = x'7b7d'",
    "seal": "UPDATE records SET seal = zeroblob(32)",
    "another seed": "UPDATE records SET seed = 1000 + seed",
    "another kind of value": "UPDATE records SET payload = 17",
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_is_told_of_once_and_counts_as_not_done(path, name):
    with Store.open(path) as store:
        store.comparison(KEY, {}).add(outcomes())
    change(path, f"{DAMAGES[name]} WHERE seed = 2 AND arm = ?", arm_key(ARMS[1]))
    told: list[str] = []
    with Store.open(path, tell=told.append) as store:
        found = store.comparison(KEY, {}).finished(ARMS)
    assert found == {run: kept for run, kept in by_run(outcomes()).items() if run != (ARMS[1], 2)}
    assert len(told) == 1
    assert told[0].startswith("STORE-DAMAGED: 1 run in ")
    assert "(the first: adam at 0.01)" in told[0]
    assert "\n" not in told[0]


def test_a_damaged_run_that_is_made_again_is_whole_again(path):
    with Store.open(path) as store:
        store.comparison(KEY, {}).add(outcomes())
    change(path, DAMAGES["payload"])
    told: list[str] = []
    with Store.open(path, tell=told.append) as store:
        kept = store.comparison(KEY, {})
        assert kept.finished(ARMS) == {}
        assert kept.add(outcomes()) == len(outcomes())
        assert kept.finished(ARMS) == by_run(outcomes())
    assert len(told) == 1


def test_without_a_listener_damage_is_a_warning(path):
    with Store.open(path) as store:
        store.comparison(KEY, {}).add(outcomes())
    change(path, DAMAGES["cut"])
    with Store.open(path) as store, pytest.warns(StoreWarning, match="18 runs in") as caught:
        store.comparison(KEY, {}).finished(ARMS)
    assert caught[0].filename == __file__


def test_a_damaged_confirmation_is_left_out(path):
    with Store.open(path) as store:
        store.comparison(KEY, {}).confirm((arm, confirmation(arm, 0)) for arm in ARMS)
    change(path, DAMAGES["seconds"])
    with Store.open(path) as store, pytest.warns(StoreWarning, match="6 confirmations"):
        assert store.comparison(KEY, {}).confirmed(ARMS) == {}


@pytest.mark.parametrize(
    "damage", ["UPDATE comparisons SET description = x'7b7d'", "UPDATE comparisons SET created = 'then'"]
)
def test_a_damaged_description_is_told_of_and_written_anew(path, damage):
    with Store.open(path) as store:
        store.comparison(KEY, SAID).add(outcomes())
    change(path, damage)
    told: list[str] = []
    with Store.open(path, tell=told.append) as store:
        assert [(held.description, held.created) for held in store.held()] == [({}, "")]
        assert store.comparison(KEY, SAID).finished(ARMS) == by_run(outcomes())
        assert store.held()[0].description["table"] == "houses.csv"
    assert len(told) == 2


# To look at, and to delete


def test_runs_are_listed_by_rule_rate_and_seed_however_they_were_added(path):
    runs = outcomes()
    with Store.open(path) as store:
        store.comparison(KEY, {}).add(runs[::-1])
        found = store.runs(KEY)
    order = [(run["run"]["rule"], run["run"]["learning_rate"], run["run"]["seed"]) for run in found]
    assert order == [(run.arm.name, run.arm.learning_rate, run.seed) for run in runs]
    for said, run in zip(found, runs, strict=True):
        assert said["record"].pop("seconds") == run.record.seconds
        assert said["record"].pop("machine") == run.record.machine
        assert said["record"]["loss_curve"] == run.record.loss_curve
        assert said["validation_losses"] == list(run.losses)
        del said["validation_losses"], said["record"]["loss_curve"], said["record"]["step_losses"]
        line = json.loads(run.line())
        assert said["run"] == line["run"]
        assert said["record"].items() <= line["record"].items()


def test_confirmations_are_listed_in_order(path):
    with Store.open(path) as store:
        store.comparison(KEY, {}).confirm((arm, confirmation(arm, seed)) for arm in ARMS[::-1] for seed in (1, 0))
        found = store.confirmations(KEY)
    assert [(each["name"], each["learning_rate"], each["seed"]) for each in found] == [
        (arm.name, arm.learning_rate, seed) for arm in ARMS for seed in (0, 1)
    ]
    assert found[0]["seconds"] == 1e-3


def test_nothing_is_listed_of_a_comparison_that_is_not_there(path):
    with Store.open(path) as store:
        assert (store.held(), store.runs(KEY), store.confirmations(KEY), store.delete(KEY)) == ([], [], [], 0)


def test_a_deleted_comparison_leaves_nothing_and_gives_its_room_back(path):
    other = digest_of("other")
    with Store.open(path) as store:
        store.comparison(other, {}).add(outcomes())
    small = path.stat().st_size
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        kept.add(outcome(arm, seed) for arm in many_arms(100) for seed in range(5))
        kept.confirm([(ARMS[0], confirmation(ARMS[0], 0))])
        assert kept.claim("a unit") is not None
    assert path.stat().st_size > 5 * small
    with Store.open(path) as store:
        assert store.delete(KEY) == 500
        assert [held.key for held in store.held()] == [other]
        assert store.comparison(other, {}).finished(ARMS) == by_run(outcomes())
        again = store.comparison(KEY, {})
        assert (again.finished(ARMS), again.confirmed(ARMS), again.settled()) == ({}, {}, set())
        assert again.claim("a unit").attempt == 1
    assert path.stat().st_size <= small + 4096


def test_a_comparison_that_is_deleted_while_it_runs_is_told(path):
    with Store.open(path) as store, Store.open(path) as other:
        kept = store.comparison(KEY, {})
        other.delete(KEY)
        with pytest.raises(StorageError, match="deleted while its runs were made") as caught:
            kept.add(outcomes())
    assert (caught.value.code, caught.value.exit_status) == ("STORE-GONE", 6)


# Transactions


def test_of_runs_that_are_added_together_all_are_kept_or_none(path):
    def interrupted():
        yield from outcomes()
        raise KeyboardInterrupt

    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        with pytest.raises(KeyboardInterrupt):
            kept.add(interrupted())
        assert kept.finished(ARMS) == {}
        kept.add(outcomes())
        assert kept.finished(ARMS) == by_run(outcomes())


def test_a_reader_sees_what_is_finished_while_others_write(path):
    with Store.open(path) as store, Store.open(path) as reader:
        kept = store.comparison(KEY, {})
        kept.add(outcomes(ARMS[:2]))
        with store._database.writing() as connection:
            connection.execute("DELETE FROM records")
            assert reader.comparison(KEY, {}).finished(ARMS) == by_run(outcomes(ARMS[:2]))
        assert reader.comparison(KEY, {}).finished(ARMS) == {}


def test_a_store_is_one_file_when_it_is_closed_beside_the_lock(path):
    with Store.open(path) as store, Store.open(path):
        store.comparison(KEY, {}).add(outcomes())
    assert sorted(f.name for f in path.parent.iterdir()) == ["runs.sqlite", "runs.sqlite.lock"]


# Claims


def comparisons(*stores: Store):
    return [store.comparison(KEY, {}) for store in stores]


def test_a_unit_is_had_by_one_at_a_time_until_it_is_done(path):
    with Store.open(path) as first, Store.open(path) as second:
        mine, yours = comparisons(first, second)
        claim = mine.claim("a")
        assert (claim.unit, claim.attempt, claim.renew()) == ("a", 1, True)
        assert yours.claim("a") is None
        assert mine.claim("a") is None
        assert yours.claim("b").attempt == 1
        assert mine.settled() == set()
        assert mine.release(claim, outcomes(ARMS[:1])) is True
        assert yours.settled() == {"a"}
        assert yours.claim("a") is None
        assert yours.finished(ARMS) == by_run(outcomes(ARMS[:1]))
        assert claim.renew() is False
        assert mine.release(claim, outcomes(ARMS[1:2])) is False
        assert yours.finished(ARMS) == by_run(outcomes(ARMS[:1]))


def test_a_silent_holder_loses_its_unit_and_its_result(path):
    lease, now = 60.0, [1000.0]
    with Store.open(path) as first, Store.open(path) as second:
        mine, yours = comparisons(first, second)
        yours._watch = claims.Watch(lambda: now[0])
        claim = mine.claim("a", lease)
        assert yours.claim("a", lease) is None
        now[0] += lease
        assert yours.claim("a", lease) is None
        now[0] += 0.1
        taken = yours.claim("a", lease)
        assert taken.attempt == 2
        assert claim.renew() is False
        assert mine.release(claim, [replace(outcome(ARMS[0], 0), losses=(0.0,))]) is False
        assert yours.release(taken, [outcome(ARMS[0], 0)]) is True
        assert mine.finished(ARMS) == by_run([outcome(ARMS[0], 0)])


def test_a_holder_that_gives_signs_of_life_keeps_its_unit(path):
    lease, now = 60.0, [1000.0]
    with Store.open(path) as first, Store.open(path) as second:
        mine, yours = comparisons(first, second)
        yours._watch = claims.Watch(lambda: now[0])
        claim = mine.claim("a", lease)
        for _ in range(5):
            assert claim.renew()
            assert yours.claim("a", lease) is None
            now[0] += 2 * lease


def test_the_clock_of_the_machine_has_no_say(path, monkeypatch):
    with Store.open(path) as first, Store.open(path) as second:
        mine, yours = comparisons(first, second)
        claim = mine.claim("a", 60.0)
        assert yours.claim("a", 60.0) is None
        for shift in (86_400.0, -86_400.0):
            now = time.time() + shift
            monkeypatch.setattr(time, "time", lambda now=now: now)
            assert yours.claim("a", 60.0) is None
            assert claim.renew()


def test_a_unit_that_is_given_up_or_opened_again_can_be_claimed_at_once(path):
    with Store.open(path) as first, Store.open(path) as second:
        mine, yours = comparisons(first, second)
        assert mine.claim("a") is not None
        assert yours.claim("b") is not None
        mine.give_up()
        assert mine.claim("b") is None  # one's own only
        claim = yours.claim("a")
        assert claim.attempt == 2
        yours.release(claim, [])
        mine.reopen("a")
        assert mine.claim("a").attempt == 3
        mine.reopen("a")  # has no effect on a unit that is at work
        assert yours.claim("a") is None


def test_where_the_holder_is_unreadable_its_unit_can_be_claimed(path):
    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        kept.claim("a")
        change(path, "UPDATE units SET holder = x'ff'")
        assert kept.claim("a").attempt == 2
        change(path, "UPDATE units SET lease = 'long'")
        with pytest.raises(StorageError, match="unit of work cannot be read"):
            kept.claim("a")


def test_a_claim_in_which_adding_fails_is_still_held(path):
    def broken():
        raise RuntimeError
        yield

    with Store.open(path) as store:
        kept = store.comparison(KEY, {})
        claim = kept.claim("a")
        with pytest.raises(RuntimeError):
            kept.release(claim, broken())
        assert claim.renew()
        assert kept.settled() == set()


def test_nothing_here_warns_by_itself(path):
    with warnings.catch_warnings(), Store.open(path) as store:
        warnings.simplefilter("error")
        store.comparison(KEY, SAID).add(outcomes())
        store.comparison(KEY, SAID).finished(ARMS)
        store.held()
