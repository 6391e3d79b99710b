"""Many processes and one store, and processes that are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.comparison.outcomes import outcomes

from thalweg.comparison.store import Store, claims

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")

ROOT = Path(__file__).parents[2]


def work(folder: Path, name: str, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.comparison.store_workers", name, str(folder / "runs.sqlite")]
    done = subprocess.run([*command, *map(str, numbers)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("kills", [20, pytest.param(300, marks=pytest.mark.deep)])
def test_a_sweep_that_is_killed_again_and_again_ends_as_an_unbroken_one(tmp_path, kills):
    told = work(tmp_path, "sweep", kills, 0)
    assert told["killed"] == kills
    assert told["double"] == 0


@pytest.mark.parametrize(
    ("processes", "runs", "repeats"), [(8, 20, 1), pytest.param(32, 100, 20, marks=pytest.mark.deep)]
)
def test_a_crowd_opens_a_store_that_does_not_exist(tmp_path, processes, runs, repeats):
    told = work(tmp_path, "crowd", processes, runs, repeats)
    assert told["rows"] == processes * runs * repeats


@pytest.mark.parametrize(
    ("workers", "units", "kills"), [(4, 40, 8), pytest.param(8, 2000, 200, marks=pytest.mark.deep)]
)
def test_each_unit_has_one_accepted_result_whoever_dies(tmp_path, workers, units, kills):
    told = work(tmp_path, "claims", workers, units, kills)
    assert units - kills <= told["accepted"] <= units
    assert told["again"] > 0


@pytest.mark.parametrize(("writers", "readers", "seconds"), [(2, 2, 2), pytest.param(4, 4, 60, marks=pytest.mark.deep)])
def test_readers_never_disturb_writers(tmp_path, writers, readers, seconds):
    assert work(tmp_path, "readers", writers, readers, seconds)["rows"] > 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a system that tells of its processes")
@pytest.mark.parametrize("ended", [True, False], ids=["gone", "gone but not fetched by its parent"])
def test_the_unit_of_a_process_that_has_died_can_be_claimed_at_once(tmp_path, ended):
    script = (
        "import sys\n"
        "from thalweg.comparison.store import Store\n"
        "claim = Store.open(sys.argv[1]).comparison('key', {}).claim('a', 3600.0)\n"
        "print(claim.attempt, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with Store.open(tmp_path / "runs.sqlite") as store:
        comparison = store.comparison("key", {})
        command = [sys.executable, "-c", script, str(tmp_path / "runs.sqlite")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            assert comparison.claim("a", 3600.0) is None
            process.kill()
            if ended:
                process.wait()
            else:
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            claim = comparison.claim("a", 3600.0)
            assert claim is not None
            assert claim.attempt == 2
        assert comparison.release(claim, outcomes()) is True


def test_another_process_of_the_same_number_is_not_taken_for_the_holder():
    """Numbers of processes come round again; those of another machine, or of one before its restart, mean nothing."""
    told = json.loads(claims.here())
    watch = claims.Watch()

    def alive(**other: Any) -> bool:
        return watch.alive(1, "a", (1, 0), 3600.0, json.dumps({**told, **other}).encode())

    assert alive()
    assert alive(place="another machine", process=10**9)
    if told["born"] is not None:
        assert not alive(born="1")
        assert not alive(process=10**9)


def test_the_holder_on_another_machine_is_dead_after_a_lease_of_silence():
    now, holder = [1000.0], json.dumps({"place": "elsewhere", "process": 1, "born": "1"}).encode()
    watch = claims.Watch(lambda: now[0])
    for later, alive in ((0.0, True), (50.0, True), (10.0, True), (0.1, False)):
        now[0] += later
        assert watch.alive(1, "a", (1, 0), 60.0, holder) is alive
    assert watch.alive(1, "a", (1, 1), 60.0, holder)  # a sign of life
    now[0] += 60.0
    assert watch.alive(1, "a", (1, 1), 60.0, holder)
