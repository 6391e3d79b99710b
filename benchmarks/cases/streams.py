"""Learning from a Parquet file that is larger than the memory it may take, against merely reading it."""

from __future__ import annotations

import atexit
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Case, Run, Side

ROWS, COLUMNS, STEP = 20_000_000, 20, 500_000
# MiB that a process may hold while it learns.
MOST = 600


def problem() -> Path:
    """Return the file, 3.6 GB, which the first side that asks writes and the last removes."""
    import pyarrow as pa
    from pyarrow import parquet

    path = Path(tempfile.gettempdir()) / f"thalweg-benchmark-{ROWS}.parquet"
    atexit.register(path.unlink, missing_ok=True)
    if path.exists():
        return path
    generator = np.random.default_rng(0)
    weights = generator.normal(size=COLUMNS)
    schema = pa.schema([(name, pa.float64()) for name in (*(f"x{k}" for k in range(COLUMNS)), "y")])
    part = path.with_suffix(".part")
    with parquet.ParquetWriter(part, schema) as out:
        for _ in range(0, ROWS, STEP):
            X = generator.normal(size=(STEP, COLUMNS))
            out.write_table(pa.table([*X.T.copy(), X @ weights + generator.normal(size=STEP)], schema=schema))
    part.rename(path)
    return path


def ours(path: Path, *, shuffle: bool) -> Run:
    """Fit a line by momentum in batches of 256; the process may hold MOST MiB at most."""
    import thalweg

    estimator = thalweg.LinearRegressor(
        optimizer="momentum", learning_rate=1e-3, batch_size=256, max_iter=1, tol=None, shuffle=shuffle, random_state=0
    )

    def run(epochs: int) -> Any:
        estimator.set_params(max_iter=epochs).fit(thalweg.stream(path, target="y"))
        held = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        if held is None or int(held[1]) > MOST * 1024:
            raise RuntimeError(f"the process held more than {MOST} MiB: {held}")
        return estimator.theta_

    return run


def read(path: Path, *, threads: bool) -> Run:
    """Read the record batches and let go of each."""
    from pyarrow import parquet

    def run(epochs: int) -> None:
        for _ in range(epochs):
            # Buffered reading keeps to the memory; threads decode columns side by side.
            with parquet.ParquetFile(path, pre_buffer=False, buffer_size=0 if threads else 1 << 20) as file:
                for _ in file.iter_batches(1 << 16 if threads else 1 << 15, use_threads=threads):
                    pass

    return run


def _case(name: str, *, shuffle: bool) -> Case:
    return Case(
        name=name,
        work=f"a Parquet file of {ROWS} x {COLUMNS}, a linear model, batches of 256"
        f"{', shuffled in blocks' if shuffle else ''}, held within {MOST} MiB",
        unit="row",
        problem=problem,
        steps=lambda _: float(ROWS),
        ours=Side("thalweg", partial(ours, shuffle=shuffle), needs=("pyarrow",)),
        peers=(
            Side(
                "pyarrow reads it, one thread",
                partial(read, threads=False),
                needs=("pyarrow",),
                at_most=1 / 0.6,
                note="reading alone",
            ),
            Side(
                "pyarrow reads it, two threads", partial(read, threads=True), needs=("pyarrow",), note="reading alone"
            ),
        ),
        threads=2,
        clock="wall",
    )


CASES = (_case("stream", shuffle=False), _case("stream-shuffled", shuffle=True))
