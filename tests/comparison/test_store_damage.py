"""Damage: whatever is flipped, cut or torn, a store gives what is whole, and nothing else."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.comparison.outcomes import ARMS, confirmation, many_arms, outcome, outcomes
from tests.comparison.stores.make import KEY, SAID

from thalweg.comparison.store import Store
from thalweg.errors import StorageError

WHOLE = {(run.arm, run.seed): run for run in outcomes()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A store with runs, closed."""
    path = tmp_path_factory.mktemp("filled") / "runs.sqlite"
    with Store.open(path) as store:
        comparison = store.comparison(KEY, SAID)
        comparison.add(outcomes())
        comparison.confirm((arm, confirmation(arm, 0)) for arm in ARMS)
    return path


@pytest.fixture
def copied(filled, tmp_path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "runs.sqlite"))


def try_to_read(path: Path) -> dict | None:
    """Return what a store gives, None where it refuses; in both cases nothing wrong."""
    told: list[str] = []
    try:
        with Store.open(path, patience=1.0, tell=told.append) as store:
            for held in store.held():
                assert not held.created or held.description == SAID
            comparison = store.comparison(KEY, SAID)
            found, confirmed = comparison.finished(ARMS), comparison.confirmed(ARMS)
            listed = store.runs(KEY)
    except StorageError as error:
        answer = error
    else:
        answer = None
    if answer is not None:
        assert answer.code in ("STORE-CORRUPT", "STORE-OPEN", "STORE-WRITE")
        assert len(str(answer).splitlines()) <= 5
        return None
    for run, kept in found.items():
        assert kept == WHOLE[run]
    for (arm, seed), kept in confirmed.items():
        assert kept == confirmation(arm, seed)
    assert all("\n" not in line for line in told)
    assert len(listed) <= len(WHOLE)
    return found


def flip(path: Path, content: bytes, bit: int) -> None:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)
    for rest in ("-wal", "-shm", "-journal"):
        Path(f"{path}{rest}").unlink(missing_ok=True)


@pytest.mark.parametrize("count", [450, pytest.param(10_000, marks=pytest.mark.deep)])
def test_no_flipped_bit_gives_a_wrong_value(copied, count):
    content = copied.read_bytes()
    refused, lost, same = 0, 0, 0
    for bit in np.random.default_rng(0).choice(8 * len(content), count, replace=False).tolist():
        flip(copied, content, bit)
        found = try_to_read(copied)
        if found is None:
            refused += 1
            assert copied.read_bytes() != content  # it has not been made anew
        elif len(found) < len(WHOLE):
            lost += 1
        else:
            same += 1
    assert min(refused, lost, same) > 0  # the three that can happen: the file, a record, or room that holds nothing


@pytest.mark.parametrize("count", [50, pytest.param(2000, marks=pytest.mark.deep)])
def test_no_flipped_bit_in_the_log_gives_a_wrong_value(tmp_path, count):
    live, path = tmp_path / "live.sqlite", tmp_path / "runs.sqlite"
    with Store.open(live) as store:
        for arm in ARMS:
            store.comparison(KEY, SAID).add(outcomes([arm]))
        main, log = live.read_bytes(), Path(f"{live}-wal").read_bytes()
    sizes = set()
    for bit in np.random.default_rng(0).choice(8 * len(log), count, replace=False).tolist():
        flip(Path(f"{path}-wal"), log, bit)
        path.write_bytes(main)
        Path(f"{path}-shm").unlink(missing_ok=True)
        found = try_to_read(path)
        assert found is not None
        assert len(found) % 3 == 0  # additions are there as a whole or not at all
        sizes.add(len(found))
    assert len(sizes) > 2


@pytest.mark.parametrize("step", [1500, pytest.param(64, marks=pytest.mark.deep)])
def test_a_store_that_is_cut_is_refused_and_left_as_it_is(copied, step):
    content = copied.read_bytes()
    for size in range(1, len(content), step):
        copied.write_bytes(content[:size])
        assert try_to_read(copied) is None
        assert copied.read_bytes() == content[:size]
    copied.write_bytes(content)
    assert try_to_read(copied) == WHOLE


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=pytest.mark.deep)])
def test_a_torn_tail_costs_the_last_addition_at_most(tmp_path, step):
    live, torn = tmp_path / "live.sqlite", tmp_path / "torn.sqlite"
    arms = many_arms(20)
    first, last, more = arms[:9], arms[9:10], arms[10:]
    with Store.open(live) as store:
        comparison = store.comparison(KEY, SAID)
        comparison.add(outcomes(first, 1))
        before = Path(f"{live}-wal").stat().st_size
        comparison.add(outcomes(last, 1))
        main, log = live.read_bytes(), Path(f"{live}-wal").read_bytes()
    assert len(log) > before
    for size in itertools.chain(range(before, len(log), step), [len(log)]):
        torn.write_bytes(main)
        Path(f"{torn}-wal").write_bytes(log[:size])
        Path(f"{torn}-shm").unlink(missing_ok=True)
        with Store.open(torn) as store:
            comparison = store.comparison(KEY, SAID)
            found = comparison.finished(arms)
            assert set(found) == {(arm, 0) for arm in (first if size < len(log) else first + last)}
            assert comparison.add(outcomes(more, 1)) == 10
        with Store.open(torn) as store:
            assert len(store.comparison(KEY, SAID).finished(arms)) == len(found) + 10


# Rescue


def rescued(damaged: Path, new: Path) -> tuple[dict, str]:
    """Return the whole runs of a damaged store, and when its comparison was begun; nothing wrong among them."""
    before = damaged.read_bytes()
    new.unlink(missing_ok=True)
    with Store.open(new) as store:
        _, records = store.rescue(damaged)
        held = store.held()
        comparison = store.comparison(KEY, SAID)
        found, confirmed = comparison.finished(ARMS), comparison.confirmed(ARMS)
    assert damaged.read_bytes() == before
    assert all(kept == WHOLE[run] for run, kept in found.items())
    assert all(kept == confirmation(*run) for run, kept in confirmed.items())
    assert len(found) + len(confirmed) == records
    return found, held[0].created if held else ""


def test_all_is_rescued_from_a_store_that_is_whole(copied, tmp_path):
    with Store.open(copied) as store:
        created = store.held()[0].created
    assert rescued(copied, tmp_path / "new.sqlite") == (WHOLE, created)


@pytest.mark.parametrize("step", [4000, pytest.param(256, marks=pytest.mark.deep)])
def test_what_comes_before_a_cut_is_rescued(copied, tmp_path, step):
    content = copied.read_bytes()
    counts = []
    for size in [*range(4096, len(content), step), len(content)]:
        copied.write_bytes(content[:size])
        counts.append(len(rescued(copied, tmp_path / "new.sqlite")[0]))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(WHOLE))
    assert len(set(counts)) > 2


@pytest.mark.parametrize("count", [15, pytest.param(1000, marks=pytest.mark.deep)])
def test_most_is_rescued_from_a_store_with_a_damaged_page(copied, tmp_path, count):
    content = copied.read_bytes()
    found = []
    for page in np.random.default_rng(0).integers(1, len(content) // 4096, count).tolist():
        noise = np.random.default_rng(page).bytes(4096)
        copied.write_bytes(content[: page * 4096] + noise + content[(page + 1) * 4096 :])
        found.append(len(rescued(copied, tmp_path / "new.sqlite")[0]))
    assert np.median(found) >= len(WHOLE) / 2


def test_what_the_log_holds_is_rescued_too(tmp_path):
    live = tmp_path / "live.sqlite"
    with Store.open(live) as store:
        store.comparison(KEY, SAID).add(outcomes())
        copies = {end: Path(f"{live}{end}").read_bytes() for end in ("", "-wal")}
    for end, content in copies.items():
        (tmp_path / f"damaged.sqlite{end}").write_bytes(content)
    assert rescued(tmp_path / "damaged.sqlite", tmp_path / "new.sqlite")[0] == WHOLE


def test_a_rescue_leaves_what_is_there_already(copied, tmp_path):
    new = tmp_path / "new.sqlite"
    with Store.open(new) as store:
        mine = store.comparison(KEY, {"table": "mine"})
        mine.add([replace(outcome(ARMS[0], 0), losses=(7.0,))])
        assert store.rescue(copied) == (1, 24)
        found = mine.finished(ARMS)
        assert store.held()[0].description == {"table": "mine"}
    assert found[ARMS[0], 0].losses == (7.0,)
    assert len(found) == len(WHOLE)


@pytest.mark.parametrize("content", [b"", b"x" * 5000])
def test_nothing_is_rescued_from_what_is_no_database(tmp_path, content):
    (tmp_path / "damaged").write_bytes(content)
    with Store.open(tmp_path / "new.sqlite") as store, pytest.raises(StorageError, match="nothing in it can be read"):
        store.rescue(tmp_path / "damaged")
