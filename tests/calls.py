"""Death, and failure, at every call to the system that a program makes about some files. Takes strace.

The same calls are made in every run, so that the k-th of a kind can be looked for again and be the one that ends the
program, or fails.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def failures(reading: Sequence[str], writing: Sequence[str]) -> list[tuple[str, str]]:
    """Return which calls are made to fail, and how: all as a broken disk does, those that write in four ways more."""
    broken = [(call, "EIO") for call in (*writing, *reading)]
    return broken + [(call, error) for call in writing for error in ("ENOSPC", "EDQUOT", "EACCES", "EROFS")]


@dataclass(frozen=True)
class Program:
    """A program in Python, and the files about which its calls count."""

    arguments: tuple[str, ...]
    looked_at: tuple[Path, ...]
    log: Path

    def traced(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run it while strace looks at the calls that concern the files."""
        if shutil.which("strace") is None:
            pytest.skip("needs strace")
        parts = [option for path in self.looked_at for option in ("-P", str(path))]
        command = ["strace", "-f", "-qq", "-o", str(self.log), *parts, *options, sys.executable, *self.arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def counted(self, calls: Sequence[str]) -> Counter[str]:
        """Return how often it makes each of these calls."""
        done = self.traced("-e", f"trace={','.join(calls)}")
        assert done.returncode == 0, done.stderr
        found = (re.match(r"\d+ +(\w+)\(", line) for line in self.log.read_text().splitlines())
        return Counter(each[1] for each in found if each)

    def injected(self, call: str, what: str, count: int) -> Iterator[subprocess.CompletedProcess[str]]:
        """Run it ``count`` times; in each, another of the calls meets ``what``: ``signal=KILL``, ``error=EIO``.

        Whoever asks puts the files back between two of them.
        """
        for k in range(1, count + 1):
            yield self.traced("-e", f"trace={call}", "-e", f"inject={call}:{what}:when={k}")
