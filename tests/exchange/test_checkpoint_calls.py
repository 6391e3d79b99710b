"""C2, C3: death, and failure, at every call to the system that a checkpoint makes. Takes minutes, and strace."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.exchange.saving import HEX, STATES, save

from thalweg.descent.checkpoint import Checkpoint
from thalweg.exchange import checkpoints

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
NAME = "fit.checkpoint"
#: What touches the disk, and reading.
WRITES = ["openat", "write", "fsync", "rename", "close", "unlink"]
CALLS = [*WRITES, "read", "newfstatat", "lseek"]
#: Reading fails with the first; the others are what writing meets.
FAILURES = [(call, "EIO") for call in CALLS]
FAILURES += [(call, error) for call in WRITES for error in ("ENOSPC", "EDQUOT", "EACCES", "EROFS")]


@pytest.fixture(params=[0, 1, 3], ids=["none there", "one there", "two there"])
def path(tmp_path, request) -> Path:
    """Where no checkpoint is yet, or one, or another one before it."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    fresh(tmp_path / "folder" / NAME, request.param)
    return tmp_path / "folder" / NAME


def fresh(path: Path, states: int) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    if states:
        assert list(save(path, states)) == list(range(1, states + 1))


def traced(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Write checkpoints while strace looks at the calls that concern them."""
    names = (NAME, f"{NAME}.older", f".{NAME}.{HEX}.part")
    looked_at = [option for part in (path.parent, *(path.parent / name for name in names)) for option in ("-P", part)]
    log = path.parent.with_name("trace")
    command = ["strace", "-f", "-qq", "-o", log, *looked_at, *options, sys.executable, "-m", "tests.exchange.saving"]
    return subprocess.run([*map(str, command), str(path)], cwd=ROOT, capture_output=True, text=True, check=False)


def counted(path: Path) -> Counter[str]:
    """Return how often each call is made."""
    done = traced(path, "-e", f"trace={','.join(CALLS)}")
    assert done.returncode == 0, done.stderr
    lines = path.parent.with_name("trace").read_text().splitlines()
    return Counter(found[1] for line in lines if (found := re.match(r"\d+ +(\w+)\(", line)))


def check(path: Path, before: int, said: str) -> None:
    """Check that the last state that was acknowledged is there, or the next; and that a fit goes on from it."""
    acknowledged = max([before, *map(int, said.split())])
    kept = checkpoints.read(Checkpoint(path))
    assert (kept is None) <= (acknowledged == 0)
    if kept is not None:
        assert kept.generation in (acknowledged, acknowledged + 1)
        np.testing.assert_array_equal(kept.arrays["part.number"], kept.generation)
    assert list(save(path, STATES + 2, remove=True))[-1] == STATES + 2
    assert [each.name for each in path.parent.iterdir()] == [f"{NAME}.said"]


@pytest.mark.parametrize("call", WRITES)
def test_every_call_is_a_safe_place_to_die(path, request, call):
    before = request.node.callspec.params["path"]
    count = counted(path)[call]
    assert count
    died = 0
    for k in range(1, count + 1):
        fresh(path, before)
        done = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={k}")
        died += done.returncode != 0
        assert done.returncode in (0, -9, 137), done.stderr
        check(path, before, done.stdout)
    assert died == count


@pytest.mark.parametrize(("call", "error"), FAILURES)
def test_every_error_is_told_and_harmless(path, request, call, error):
    before = request.node.callspec.params["path"]
    count, told = counted(path)[call], 0
    for k in range(1, count + 1):
        fresh(path, before)
        done = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={k}")
        assert done.returncode in (0, 6), done.stderr
        if done.returncode:
            told += 1
            first = done.stderr.splitlines()[0]
            assert re.match(rf"error\[(FILE-WRITE|MODEL-OPEN|STORE-CORRUPT)\] \S*{re.escape(NAME)}\S*: ", first), first
            assert len(done.stderr.splitlines()) <= 5
        else:
            assert done.stdout.split()[-1] == str(STATES)
        if call != "unlink":  # it could not tidy up
            assert not list(path.parent.glob(".*.part"))
        check(path, before, done.stdout)
    assert told or call in ("newfstatat", "lseek", "read") or not count


@pytest.mark.parametrize("size", [0, 100, 5000, 20000])
def test_a_full_disk_is_told_and_harmless(path, request, size):
    before = request.node.callspec.params["path"]

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, "-m", "tests.exchange.saving", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=little_room)
    assert done.returncode == 6, done.stderr
    assert f"{NAME}: cannot be written: File too large" in done.stderr
    assert not list(path.parent.glob(".*.part"))
    check(path, before, done.stdout)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_disk_without_room_is_told_and_keeps_what_was_there(tmp_path):
    """On a file system of 8 KiB that a file fills up but for one checkpoint."""
    (tmp_path / "folder").mkdir()
    save_all = f"{sys.executable} -m tests.exchange.saving {tmp_path}/folder/{NAME}; echo $?"
    work = [
        f"cd {tmp_path} && mount -t tmpfs -o size=64k none folder && head -c 24576 /dev/zero > folder/full",
        f"{save_all}; ls -A folder; rm folder/full; {save_all}",
    ]
    command = ["unshare", "-rm", "sh", "-c", f"export PYTHONPATH=$PYTHONPATH:{ROOT}; {'; '.join(work)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this user may not mount")
    lines = done.stdout.split()
    assert f"{NAME}: cannot be written: No space left on device" in done.stderr
    assert "6" in lines
    assert not any(line.endswith(".part") for line in lines)
    assert lines[-1] == "0"
