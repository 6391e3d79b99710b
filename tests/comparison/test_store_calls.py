"""Death, and failure, at every call to the system that a store makes. Takes minutes, and strace."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from tests.calls import Program, failures
from tests.comparison.outcomes import ARMS, outcomes

from thalweg.comparison.store import Store

pytestmark = pytest.mark.deep

#: What touches the disk; reading and locking can fail too, but dying there is dying nowhere in particular.
WRITES = ["openat", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink"]
CALLS = [*WRITES, "pread64", "fcntl", "mmap"]
FAILURES = failures(CALLS[len(WRITES) :], WRITES)
FIRST, THEN = outcomes(ARMS[:1]), outcomes(ARMS[1:3])

SAVE = """
import sys
from tests.comparison.outcomes import ARMS, outcomes
from thalweg.comparison.store import Store
from thalweg.errors import StorageError

runs = outcomes(ARMS[1:3])
try:
    with Store.open(sys.argv[1], patience=0.2) as store:
        store.comparison("key", {}).add(runs)
        print("added", flush=True)
except StorageError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_status)
"""


def saving(path: Path) -> Program:
    """Return the program that saves runs."""
    parts = (path.parent, *(Path(f"{path}{end}") for end in ("", ".lock", "-wal", "-shm", "-journal")))
    return Program(("-c", SAVE, str(path)), parts, path.parent.with_name("trace"))


@pytest.fixture(params=["new", "there"])
def path(tmp_path, request) -> Path:
    """A store that is not there yet, or holds runs already."""
    fresh(tmp_path / "store" / "runs.sqlite", request.param)
    return tmp_path / "store" / "runs.sqlite"


def fresh(path: Path, kind: str) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    if kind == "there":
        with Store.open(path) as store:
            store.comparison("key", {}).add(FIRST)


def check(path: Path, kind: str, said: str) -> None:
    """Check that nothing that was acknowledged is lost, and nothing is there in part."""
    with Store.open(path) as store:
        comparison = store.comparison("key", {})
        found = comparison.finished(ARMS)
        before = {(run.arm, run.seed): run for run in (FIRST if kind == "there" else [])}
        after = before | {(run.arm, run.seed): run for run in THEN}
        assert found in (before, after)
        if "added" in said:
            assert found == after
        comparison.add(THEN)
        assert comparison.finished(ARMS) == after
    assert sorted(f.name for f in path.parent.iterdir()) == ["runs.sqlite", "runs.sqlite.lock"]


@pytest.mark.parametrize("call", WRITES)
def test_every_call_is_a_safe_place_to_die(path, request, call):
    kind = request.node.callspec.params["path"]
    count = saving(path).counted(CALLS)[call]
    died = 0
    fresh(path, kind)
    for done in saving(path).injected(call, "signal=KILL", count):
        died += done.returncode != 0
        assert done.returncode in (0, -9, 137), done.stderr
        check(path, kind, done.stdout)
        fresh(path, kind)
    assert died == count


@pytest.mark.parametrize(("call", "error"), FAILURES)
def test_every_error_is_told_and_harmless(path, request, call, error):
    kind = request.node.callspec.params["path"]
    count = saving(path).counted(CALLS)[call]
    told = 0
    fresh(path, kind)
    for done in saving(path).injected(call, f"error={error}", count):
        assert done.returncode in (0, 6), done.stderr
        if done.returncode:
            told += 1
            first = done.stderr.splitlines()[0]
            assert re.match(rf"error\[STORE-(OPEN|WRITE|BUSY|CORRUPT)\] {re.escape(str(path))}: ", first)
            assert len(done.stderr.splitlines()) <= 5
        else:
            assert done.stdout == "added\n"
        check(path, kind, done.stdout)
        fresh(path, kind)
    # Some calls SQLite can do without, such as those that tidy up at the end.
    assert told or call in ("ftruncate", "unlink", "mmap") or not count


def test_the_calls_are_those_that_are_made(path):
    made = saving(path).counted(CALLS)
    assert made["pwrite64"] > 5
    assert made["fdatasync"] + made["fsync"] > 1
    assert os.path.getsize(path) > 0  # noqa: PTH202 - the file itself
