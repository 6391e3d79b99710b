"""C4: loss of power while checkpoints are written. Takes a minute, and strace."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from tests.disk import TRACED, Disk, follow
from tests.exchange.saving import HEX, STATES

from thalweg.descent.checkpoint import Checkpoint
from thalweg.errors import StorageError
from thalweg.exchange import checkpoints

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
NAME = "fit.checkpoint"


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> list[tuple[str, str, str]]:
    """The calls of a program that writes checkpoints, and says when each is written."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    folder = tmp_path_factory.mktemp("power")
    log, path = folder / "trace", folder / "disk" / NAME
    path.parent.mkdir()
    names = ("", NAME, f"{NAME}.older", f".{NAME}.{HEX}.part", f"{NAME}.said")
    looked_at = [option for name in names for option in ("-P", str(path.parent / name))]
    command = ["strace", "-f", "-qq", "-y", "-xx", "-s", "10000000", "-o", str(log), "-e", TRACED, *looked_at]
    subprocess.run([*command, sys.executable, "-m", "tests.exchange.saving", str(path)], cwd=ROOT, check=True)
    return follow(log.read_text(), path.parent)


def states(calls, tmp_path, tries, without=()):
    """Go through what may be on the disk after each call: what was acknowledged, and the checkpoint that is there."""
    chance, disk, place, seen = np.random.default_rng(0), Disk(), tmp_path / "after", set()
    for call in calls:
        if call[0] not in without:
            disk.apply(*call)
        for _ in range(tries):
            left = disk.after(chance)
            key = disk.acknowledged, tuple(sorted(left.items()))
            if key in seen:
                continue
            seen.add(key)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            for name, content in left.items():
                (place / name).write_bytes(content)
            yield disk.acknowledged, Checkpoint(place / NAME)


def test_a_loss_of_power_at_any_moment_loses_nothing_that_was_acknowledged(calls, tmp_path):
    count = 0
    for acknowledged, checkpoint in states(calls, tmp_path, tries=2500):
        count += 1
        kept = checkpoints.read(checkpoint)  # and nothing is damaged: that would be a warning
        assert (0 if kept is None else kept.generation) in (acknowledged, acknowledged + 1)
        if kept is not None:
            np.testing.assert_array_equal(kept.arrays["part.number"], kept.generation)
    assert acknowledged == STATES
    assert count >= 500, count


def test_a_checkpoint_that_did_not_wait_for_the_disk_would_be_found_out(calls, tmp_path):
    """The states are wide enough: without the calls that wait, what was acknowledged is lost."""
    lost = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for acknowledged, checkpoint in states(calls, tmp_path, tries=20, without=("fsync",)):
            try:
                kept = checkpoints.read(checkpoint)
            except StorageError:
                lost += 1
                continue
            lost += (0 if kept is None else kept.generation) < acknowledged
    assert lost > 10
