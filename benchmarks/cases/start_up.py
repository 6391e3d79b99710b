"""Processes from their start to their end: the command's help, and the first fit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.case import Case, Run, Side

# What the installed command does.
HELP = "import sys; from thalweg.cli import main; sys.argv = ['thalweg', '--help']; sys.exit(main())"
DATA = "import numpy as np; X = np.random.default_rng(0).normal(size=(200, 5)); y = (X[:, 0] > 0) * 1; "
RUN = (
    DATA + "import thalweg as t; s = t.Settings(t.adam(), t.losses.squared, batch_size=32, max_iter=5); "
    "t.Run(t.Linear(5), t.Rows.of(X, y), s).descend()"
)
LINEAR = DATA + "from thalweg import LinearRegressor; LinearRegressor(max_iter=5, tol=None).fit(X, y)"
NETWORK = DATA + "from thalweg import MLPClassifier; MLPClassifier((16,), max_iter=5, tol=None).fit(X, y)"
SKLEARN = DATA + "from sklearn.linear_model import SGDRegressor; SGDRegressor(max_iter=5, tol=None).fit(X, y)"


def process(code: str, cache: str, _: Any) -> Run:
    """Start Python with this code and wait for its end.

    ``cache`` is "warm" for a folder of compiled kernels that the first call fills, "empty" for a new one each time.
    """
    kept = tempfile.TemporaryDirectory()

    def run(epochs: int) -> None:
        for _ in range(epochs):
            with tempfile.TemporaryDirectory() as fresh:
                folder = {"warm": kept.name, "empty": fresh}[cache]
                environment = os.environ | {"NUMBA_CACHE_DIR": folder}
                command = [sys.executable, "-W", "ignore", "-c", code]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, timeout=300)
                if cache == "empty" and "thalweg" in code and not any(Path(fresh).rglob("*.nbc")):
                    raise RuntimeError("nothing was compiled, so the cache was not empty")

    return run


def _case(name: str, work: str, code: str, at_most: float | None, beyond: float | None, cache: str = "warm") -> Case:
    peers = [Side("python -c 'import numpy'", partial(process, "import numpy", "warm"), at_most=at_most)]
    if beyond is not None:
        side = Side(
            "scikit-learn SGDRegressor", partial(process, SKLEARN, "warm"), needs=("sklearn",), note="its first fit"
        )
        peers.append(side)
    return Case(
        name=name,
        work=work,
        unit="process",
        problem=lambda: None,
        steps=lambda _: 1,
        ours=Side("thalweg", partial(process, code, cache)),
        peers=tuple(peers),
        beyond=beyond,
        rounds_at_least=11,
    )


WORK = {
    "run": ("Run (no estimator)", RUN),
    "fit": ("LinearRegressor.fit", LINEAR),
    "net": ("MLPClassifier.fit", NETWORK),
}

CASES = (
    _case("help", "start-up: thalweg --help", HELP, 2.5, None),
    *(
        _case(
            f"first-{key}-warm", f"first {what} in a new process, cache warm, beyond importing NumPy", code, None, 0.6
        )
        for key, (what, code) in WORK.items()
    ),
    *(
        _case(f"first-{key}-ever", f"first {what} ever: empty cache, beyond importing NumPy", code, None, 3.0, "empty")
        for key, (what, code) in WORK.items()
    ),
)
