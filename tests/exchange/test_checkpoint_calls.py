"""C2, C3: death, and failure, at every call to the system that a checkpoint makes. Takes minutes, and strace."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.calls import ROOT, Program, failures
from tests.exchange.saving import HEX, STATES, save

from thalweg.descent.checkpoint import Checkpoint
from thalweg.exchange import checkpoints

pytestmark = pytest.mark.deep

NAME = "fit.checkpoint"
#: What touches the disk, and reading.
WRITES = ["openat", "write", "fsync", "rename", "close", "unlink"]
CALLS = [*WRITES, "read", "newfstatat", "lseek"]
FAILURES = failures(CALLS[len(WRITES) :], WRITES)


@pytest.fixture(params=[0, 1, 3], ids=["none there", "one there", "two there"])
def path(tmp_path, request) -> Path:
    """Where no checkpoint is yet, or one, or another one before it."""
    fresh(tmp_path / "folder" / NAME, request.param)
    return tmp_path / "folder" / NAME


def fresh(path: Path, states: int) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    if states:
        assert list(save(path, states)) == list(range(1, states + 1))


def writing(path: Path) -> Program:
    """Return the program that writes checkpoints."""
    names = (NAME, f"{NAME}.older", f".{NAME}.{HEX}.part")
    parts = (path.parent, *(path.parent / name for name in names))
    return Program(("-m", "tests.exchange.saving", str(path)), parts, path.parent.with_name("trace"))


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
    count = writing(path).counted(CALLS)[call]
    assert count
    died = 0
    fresh(path, before)
    for done in writing(path).injected(call, "signal=KILL", count):
        died += done.returncode != 0
        assert done.returncode in (0, -9, 137), done.stderr
        check(path, before, done.stdout)
        fresh(path, before)
    assert died == count


@pytest.mark.parametrize(("call", "error"), FAILURES)
def test_every_error_is_told_and_harmless(path, request, call, error):
    before = request.node.callspec.params["path"]
    count, told = writing(path).counted(CALLS)[call], 0
    fresh(path, before)
    for done in writing(path).injected(call, f"error={error}", count):
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
        fresh(path, before)
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
