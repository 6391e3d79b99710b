"""What checkpoints cost: the same fits with one every two seconds, five times as often as by default, and without."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

EVERY = 2.0


def rows(n: int, width: int, classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Standard normal features and the larger of linear scores."""
    rng = np.random.default_rng(20261124)
    X = rng.normal(size=(n, width))
    return X, np.argmax(X @ rng.normal(size=(width, classes)), axis=1)


def fit(hidden: tuple[int, ...], batch: int, kept: bool, problem: Any) -> Run:
    """``MLPClassifier.fit``, with a checkpoint or without."""
    import thalweg

    X, y = problem

    def run(epochs: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = thalweg.Checkpoint(Path(folder) / "fit.checkpoint", every=EVERY) if kept else None
            model = thalweg.MLPClassifier(
                hidden, batch_size=batch, max_iter=epochs, tol=None, random_state=0, callbacks=checkpoint
            )
            model.fit(X, y)

    return run


def _case(name: str, work: str, data: tuple[int, int, int], hidden: tuple[int, ...], batch: int, epochs: int) -> Case:
    return Case(
        name=name,
        work=f"MLPClassifier.fit, {work}, Adam, a checkpoint every {EVERY:g} s against none, float64, one thread",
        unit="epoch",
        problem=partial(rows, *data),
        steps=lambda _: 1,
        ours=Side("thalweg, with checkpoints", partial(fit, hidden, batch, True), epochs),
        peers=(Side("thalweg, without", partial(fit, hidden, batch, False), epochs, at_most=1.02),),
        rounds_at_most=5,
    )


CASES = (
    _case("checkpoint-small", "64-100-10, 1,797 rows, batch 64, 4,000 epochs", (1_797, 64, 10), (100,), 64, 4_000),
    _case(
        "checkpoint-large", "784-256-128-10, 5,000 rows, batch 128, 80 epochs", (5_000, 784, 10), (256, 128), 128, 80
    ),
)
