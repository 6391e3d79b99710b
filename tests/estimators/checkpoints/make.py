"""Make the checkpoints of the present format that later versions have to go on from.

``python -m tests.estimators.checkpoints.make``. A file that is there is left: the version that its format belongs to
made it.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import thalweg
from thalweg.descent import run
from thalweg.descent.run import Run
from thalweg.exchange import checkpoints

FOLDER = Path(__file__).parent
# The same bits with every NumPy.
X = (np.arange(800) * 7919 % 1009 - 504).reshape(200, 4) / 256
Y = X @ [1.0, -2.0, 0.5, 3.0] + (np.arange(200) * 31 % 17 - 8) / 16
LABELS = np.where(Y > 0, "yes", "no")


def rows(**told: Any) -> Any:
    """Fit to rows, with memory, a schedule and a mean of the iterates."""
    made = thalweg.LinearRegressor(
        optimizer="momentum", learning_rate=0.01, schedule="cosine", average=True, batch_size=16, max_iter=8, tol=None,
        random_state=0, gradient_norm=True, **told,
    )  # fmt: skip
    return made.fit(X, Y)


def network(**told: Any) -> Any:
    """Fit a network, with dropout and early stopping."""
    made = thalweg.MLPClassifier(
        (5,), optimizer="adam", learning_rate=0.01, dropout=0.3, early_stopping=True, n_iter_no_change=3, batch_size=16,
        max_iter=8, random_state=0, **told,
    )  # fmt: skip
    return made.fit(X, LABELS)


def stream(**told: Any) -> Any:
    """Fit to a stream, which stops within an epoch."""
    made = thalweg.LinearRegressor(
        optimizer="adam", learning_rate=0.01, batch_size=16, max_iter=8, tol=None, random_state=0, **told
    )
    return made.fit(thalweg.stream([(X[:50], Y[:50]), (X[50:], Y[50:])], block_size=32))


FITS = {"rows": rows, "network": network, "stream": stream}


def make(path: Path, name: str) -> None:
    """Leave what this version writes until a fit is interrupted."""
    pause, count = Run.pause, itertools.count(1)

    def stopping(stopped: Run) -> None:
        pause(stopped)
        if next(count) == (10 if name == "stream" else 4):  # of a stream, within the second epoch
            raise KeyboardInterrupt

    checkpoint = thalweg.Checkpoint(path, every=1e-9)
    eager = mock.patch.object(checkpoints, "SHARE", np.inf), mock.patch.object(run, "ROWS_PER_CALL", 250)
    with eager[0], eager[1], mock.patch.object(Run, "pause", stopping):
        try:
            FITS[name](callbacks=checkpoint)
        except KeyboardInterrupt:
            checkpoint.files[1].unlink()


if __name__ == "__main__":
    for name in FITS:
        target = FOLDER / f"format-{checkpoints.FORMAT}-{name}.checkpoint"
        if target.exists():
            sys.exit(f"{target.name} is there")
        make(target, name)
