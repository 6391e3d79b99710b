"""Loss of power: whatever had not been synchronised may be there, or not, or in part. Takes minutes, and strace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.comparison.outcomes import many_arms, outcome
from tests.disk import TRACED, Disk, follow

from thalweg.comparison.store import Store

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
ARMS, SEEDS = many_arms(6), 3

WORK = """
import os, sys
from tests.comparison.outcomes import many_arms, outcomes
from thalweg.comparison.store import Store

said = os.open(sys.argv[1] + ".said", os.O_WRONLY | os.O_CREAT)
arms = many_arms(6)
for part in (arms[:1], arms[1:4], arms[4:]):
    with Store.open(sys.argv[1]) as store:
        comparison = store.comparison("key", {})
        for arm in part:
            claim = comparison.claim(repr(arm))
            claim.renew()
            comparison.release(claim, outcomes([arm], 3))
            os.write(said, b"acknowledged")
"""


def calls(path: Path) -> list[tuple[str, str, str]]:
    """Return the calls of a work that concern the store: call, name within the folder, the rest of the line."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = path.parent.with_name("trace")
    parts = [path.parent, *(Path(f"{path}{end}") for end in ("", "-wal", "-journal", "-shm", ".said"))]
    looked_at = [option for part in parts for option in ("-P", str(part))]
    command = ["strace", "-f", "-qq", "-y", "-xx", "-s", "10000000", "-o", str(log), "-e", TRACED, *looked_at]
    subprocess.run([*command, sys.executable, "-c", WORK, str(path)], cwd=ROOT, check=True)
    return follow(log.read_text(), path.parent)


def test_a_loss_of_power_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path):
    (tmp_path / "store").mkdir()
    made = calls(tmp_path / "store" / "runs.sqlite")
    chance, disk, states = np.random.default_rng(0), Disk(), 0
    place = tmp_path / "after"
    seen = set()
    for call in made:
        disk.apply(*call)
        for _ in range(150):
            left = disk.after(chance)
            key = disk.acknowledged, tuple(sorted(left.items()))
            if key in seen:
                continue
            seen.add(key)
            states += 1
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            for name, content in left.items():
                (place / name).write_bytes(content)
            if chance.random() < 0.3:
                (place / "runs.sqlite-shm").write_bytes(chance.bytes(32768))
            with Store.open(place / "runs.sqlite") as store:
                found = store.comparison("key", {}).finished(ARMS)
            whole = len(found) // SEEDS
            assert whole >= disk.acknowledged
            assert found == {(arm, seed): outcome(arm, seed) for arm in ARMS[:whole] for seed in range(SEEDS)}
    assert disk.acknowledged == len(ARMS)
    assert states >= 1500


def test_a_store_that_did_not_wait_for_the_disk_would_be_found_out(tmp_path):
    """The states are wide enough: without the calls that synchronise, acknowledged runs are lost."""
    (tmp_path / "store").mkdir()
    made = calls(tmp_path / "store" / "runs.sqlite")
    chance, disk, lost = np.random.default_rng(0), Disk(), 0
    for call, name, rest in made:
        if call not in ("fsync", "fdatasync"):
            disk.apply(call, name, rest)
        if disk.acknowledged == 1:
            lost += not disk.after(chance).get("runs.sqlite")
    assert lost > 0
