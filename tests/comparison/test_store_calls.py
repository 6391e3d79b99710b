"""Death, and failure, at every call to the system that a store makes. Takes minutes, and strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.comparison.outcomes import ARMS, outcomes

from thalweg.comparison.store import Store

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
#: What touches the disk; reading and locking can fail too, but dying there is dying nowhere in particular.
WRITES = ["openat", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink"]
CALLS = [*WRITES, "pread64", "fcntl", "mmap"]
#: Reading and locking fail with the first; the others are what writing meets.
FAILURES = [(call, "EIO") for call in CALLS]
FAILURES += [(call, error) for call in WRITES for error in ("ENOSPC", "EDQUOT", "EACCES", "EROFS")]
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


def traced(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Save runs while strace looks at the calls that concern the store."""
    parts = [path.parent, *(Path(f"{path}{end}") for end in ("", ".lock", "-wal", "-shm", "-journal"))]
    looked_at = [option for part in parts for option in ("-P", str(part))]
    log = path.parent.with_name("trace")
    command = ["strace", "-f", "-qq", "-o", str(log), *looked_at, *options, sys.executable, "-c", SAVE, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(params=["new", "there"])
def path(tmp_path, request) -> Path:
    """A store that is not there yet, or holds runs already."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    fresh(tmp_path / "store" / "runs.sqlite", request.param)
    return tmp_path / "store" / "runs.sqlite"


def fresh(path: Path, kind: str) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    if kind == "there":
        with Store.open(path) as store:
            store.comparison("key", {}).add(FIRST)


def counted(path: Path) -> Counter[str]:
    """Return how often a save makes each call."""
    done = traced(path, "-e", f"trace={','.join(CALLS)}")
    assert done.returncode == 0, done.stderr
    lines = path.parent.with_name("trace").read_text().splitlines()
    return Counter(found[1] for line in lines if (found := re.match(r"\d+ +(\w+)\(", line)))


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
    count = counted(path)[call]
    died = 0
    for k in range(1, count + 1):
        fresh(path, kind)
        done = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={k}")
        died += done.returncode != 0
        assert done.returncode in (0, -9, 137), done.stderr
        check(path, kind, done.stdout)
    assert died == count


@pytest.mark.parametrize(("call", "error"), FAILURES)
def test_every_error_is_told_and_harmless(path, request, call, error):
    kind = request.node.callspec.params["path"]
    count = counted(path)[call]
    told = 0
    for k in range(1, count + 1):
        fresh(path, kind)
        done = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={k}")
        assert done.returncode in (0, 6), done.stderr
        if done.returncode:
            told += 1
            first = done.stderr.splitlines()[0]
            assert re.match(rf"error\[STORE-(OPEN|WRITE|BUSY|CORRUPT)\] {re.escape(str(path))}: ", first)
            assert len(done.stderr.splitlines()) <= 5
        else:
            assert done.stdout == "added\n"
        check(path, kind, done.stdout)
    # Some calls SQLite can do without, such as those that tidy up at the end.
    assert told or call in ("ftruncate", "unlink", "mmap") or not count


def test_the_calls_are_those_that_are_made(path):
    made = counted(path)
    assert made["pwrite64"] > 5
    assert made["fdatasync"] + made["fsync"] > 1
    assert os.path.getsize(path) > 0  # noqa: PTH202 - the file itself
