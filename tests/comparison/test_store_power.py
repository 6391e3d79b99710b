"""Loss of power: whatever had not been synchronised may be there, or not, or in part. Takes minutes, and strace.

strace notes what the store writes, and when it asks for it to be on the disk. From that the states are made that a disk
may be in after any moment: each later write to a file is there or not, in sectors, and so is each new or removed name.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.comparison.outcomes import many_arms, outcome

from thalweg.comparison.store import Store

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
SECTOR = 512
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


@dataclass
class Inode:
    """A file: what is on the disk, and what has been asked for since: (offset, bytes), or a new size."""

    content: bytearray = field(default_factory=bytearray)
    asked: list[tuple[int, bytes] | int] = field(default_factory=list)

    def write(self, change: tuple[int, bytes] | int) -> None:
        if isinstance(change, int):
            del self.content[change:]
            self.content.extend(bytes(change - len(self.content)))
            return
        offset, data = change
        self.content.extend(bytes(max(0, offset + len(data) - len(self.content))))
        self.content[offset : offset + len(data)] = data

    def after(self, chance: np.random.Generator) -> bytes:
        """Return what may be there after a loss of power."""
        left = Inode(bytearray(self.content))
        keep = chance.choice([0.0, 0.5, 0.9, 1.0])
        for change in self.asked:
            if isinstance(change, int) or chance.random() < 0.7:
                if chance.random() < keep:
                    left.write(change)
                continue
            offset, data = change
            for first in range(0, len(data), SECTOR):
                if chance.random() < keep:
                    left.write((offset + first, data[first : first + SECTOR]))
        return bytes(left.content)


class Disk:
    """The folder of the store: names that are sure, names that have changed since, and the files themselves."""

    def __init__(self) -> None:
        self.sure: dict[str, Inode] = {}
        self.names: dict[str, Inode] = {}
        self.changes: list[tuple[str, Inode | None]] = []
        self.acknowledged = 0

    def apply(self, call: str, name: str, rest: str) -> None:
        """Follow a call to the system."""
        if name.endswith(".said"):
            self.acknowledged += call == "write"
        elif name.endswith("-shm"):
            pass  # never read after a restart: it is memory
        elif call == "openat":
            if name not in self.names and "O_CREAT" in rest:
                self.names[name] = Inode()
                self.changes.append((name, self.names[name]))
        elif call == "unlink":
            del self.names[name]
            self.changes.append((name, None))
        elif call in ("fsync", "fdatasync"):
            if not name:  # the folder
                self.sure, self.changes = dict(self.names), []
                return
            inode = self.names[name]
            for change in inode.asked:
                inode.write(change)
            inode.asked.clear()
        elif call == "ftruncate":
            self.names[name].asked.append(int(re.search(r", (\d+)\)", rest)[1]))
        else:
            assert call == "pwrite64", call
            data, size, offset = re.search(r'"([^"]*)", (\d+), (\d+)\)', rest).groups()
            content = bytes.fromhex(data.replace(r"\x", ""))
            assert len(content) == int(size)
            self.names[name].asked.append((int(offset), content))

    def after(self, chance: np.random.Generator) -> dict[str, bytes]:
        """Return the files that may be there after a loss of power."""
        names = dict(self.sure)
        keep = chance.choice([0.0, 0.5, 1.0])
        for name, inode in self.changes:
            if chance.random() < keep:
                if inode is None:
                    names.pop(name, None)
                else:
                    names[name] = inode
        return {name: inode.after(chance) for name, inode in names.items()}


def calls(path: Path) -> list[tuple[str, str, str]]:
    """Return the calls of a work that concern the store: call, name within the folder, the rest of the line."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = path.parent.with_name("trace")
    parts = [path.parent, *(Path(f"{path}{end}") for end in ("", "-wal", "-journal", "-shm", ".said"))]
    looked_at = [option for part in parts for option in ("-P", str(part))]
    traced = "trace=openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,unlink,rename"
    command = ["strace", "-f", "-qq", "-y", "-xx", "-s", "10000000", "-o", str(log), "-e", traced, *looked_at]
    subprocess.run([*command, sys.executable, "-c", WORK, str(path)], cwd=ROOT, check=True)
    found = []
    for line in log.read_text().splitlines():
        call, rest = re.fullmatch(r"\d+ +(\w+)\((.*)", line).groups()
        if rest.endswith(")") and " = -1 E" in rest:
            continue
        place = re.search(r'"([^"]*)"' if call in ("openat", "unlink") else r"\d+<([^>]*)>", rest)[1]
        name = bytes.fromhex(place.replace(r"\x", "")).decode()
        found.append((call, name.removeprefix(str(path.parent)).lstrip("/"), rest))
    return found


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
