"""What a process holds while it learns from a file: the same however long the file is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PROGRAM = """
import re, sys
import thalweg
rows = thalweg.stream(sys.argv[1], sys.argv[2] or None, target=None if sys.argv[2] else "y")
estimator = thalweg.LinearRegressor(batch_size=256, max_iter=2, tol=None, random_state=0, learning_rate=1e-3)
estimator.fit(rows)
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])  # ru_maxrss has that of the parent in it
"""
COLUMNS = 20


def table(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, COLUMNS))


def write(place: Path, kind: str, rows: int) -> tuple[Path, str]:
    """Write a file of so many rows without holding them; return it and what holds the targets."""
    step = 100_000
    if kind == "npy":
        X = np.lib.format.open_memmap(place / "X.npy", "w+", "f8", (rows, COLUMNS))
        for first in range(0, rows, step):
            X[first : first + step] = table(min(step, rows - first), first)
        X.flush()
        np.save(place / "y.npy", np.zeros(rows))
        return place / "X.npy", str(place / "y.npy")
    names = [*(f"x{k}" for k in range(COLUMNS)), "y"]
    path = place / f"t.{kind}"
    schema = arrow.schema([(name, arrow.float64()) for name in names])
    with parquet.ParquetWriter(path, schema) as out:
        for first in range(0, rows, step):
            part = table(min(step, rows - first), first)
            out.write_table(arrow.table([*part.T.copy(), part[:, 0]], schema=schema))
    return path, ""


def peak(path: Path, y: str) -> float:
    """Return the most MiB that a process of its own held."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path), y], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


@pytest.mark.deep
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system tells it in /proc")
@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path) -> None:
    held = []
    for rows in (400_000, 3_200_000):  # 64 and 512 MiB of numbers
        path, y = write(tmp_path, kind, rows)
        held.append(peak(path, y))
        path.unlink()
    assert held[1] < held[0] + 60
    assert held[1] < 600
