"""Epochs in several native calls: as short as somebody wants to wait who presses Ctrl-C, and no bit is another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import random as sparse_rows

from thalweg.descent import loops
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.progress import RunProgress
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.formulas import activations, losses, penalties, rules, schedules

ROWS = 50
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(ROWS, 3))
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=ROWS)
WIDE = sparse_rows(ROWS, 80, density=0.03, format="csr", random_state=0)
NETWORK = Network((3, 5, 1), (activations.tanh,), dropout=(0.3,))
ADAM = rules.adam(learning_rate=0.05)

CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "one sample a step": (Linear(3), X, {"batch_size": 1}),
    "one sample a step, schedule": (Linear(3), X, {"batch_size": 1, "schedule": schedules.cosine}),
    "batches": (Linear(3), X, {"batch_size": 7, "gradient_norm": True, "tol": 1e-12}),
    "mean": (Linear(3), X, {"batch_size": 7, "average": Averaging(start=9), "penalty": penalties.l1(alpha=0.1)}),
    "network": (NETWORK, X, {"batch_size": 7, "schedule": schedules.cosine}),
    "accumulated": (NETWORK, X, {"batch_size": 3, "accumulate": 2}),
    "CSR": (Linear(80), WIDE, {"batch_size": 7}),
    "CSR, lazy": (Linear(80), WIDE, {"batch_size": 1, "optimizer": rules.gradient_descent(learning_rate=0.1)}),
    "CSR, lazy memory": (Linear(80), WIDE, {"batch_size": 4, "optimizer": rules.adagrad(learning_rate=0.1)}),
}


def run(case: str, **told: Any) -> Run:
    model, given, own = CASES[case]
    settings = Settings(**{"optimizer": ADAM, "loss": losses.squared, "max_iter": 4} | own | told)
    return Run(model, Rows.of(given, Y), settings, random_state=3, keep_steps=True)


@pytest.fixture
def short(monkeypatch):
    """Let a native call make few updates."""

    def begin(work: int = 1500) -> None:
        monkeypatch.setattr(loops, "WORK_PER_CALL", work)
        monkeypatch.setattr(loops, "CALL_PER_COPY", 0)

    return begin


def assert_same(one: Run, other: Run) -> None:
    np.testing.assert_array_equal(one.theta, other.theta)
    np.testing.assert_array_equal(one.state, other.state)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    for name in ("t", "epoch", "status", "loss_curve", "step_losses", "gradient_norm_curve", "learning_rate_curve"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.divergence == other.divergence


@pytest.mark.parametrize("case", CASES)
def test_pieces_of_an_epoch_leave_the_bits_of_the_whole(case, short):
    whole = run(case).descend()
    short()
    cut, calls = run(case), []
    cut.between = lambda run: calls.append(run.cursor)
    assert_same(cut.descend(), whole)
    assert len({cursor for cursor in calls if cursor}) >= 2


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_stopped_within_an_epoch_goes_on_to_the_same_bits(case, short):
    whole = run(case).descend()
    short()
    taken: list[tuple[int, Any]] = []
    first = run(case)
    first.between = lambda run: taken.append((run.cursor, RunProgress(run).take()))
    first.descend()
    cursor, arrays = next(each for each in reversed(taken) if each[0])
    assert cursor
    later = run(case)
    RunProgress(later).put_back(arrays())
    assert_same(later.descend(), whole)


@pytest.mark.parametrize("rate", [30.0, 1e3, 1e100])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_divergence_is_told_as_of_the_whole(rate, batch_size, short):
    told = {"optimizer": rules.gradient_descent(learning_rate=rate), "batch_size": batch_size, "max_iter": 90}
    whole = run("batches", **told).descend()
    assert whole.status == "diverged"
    short()
    assert_same(run("batches", **told).descend(), whole)


def test_a_place_between_other_batches_is_none(short):
    short()
    taken: list[Any] = []
    first = run("batches")
    first.between = lambda run: taken.append(RunProgress(run).take())
    first.descend()
    with pytest.raises(ValueError, match="between two batches"):
        RunProgress(run("batches", batch_size=6)).put_back(taken[0]())


def test_a_call_is_short_and_its_copies_cost_little():
    """What is copied at the start of a call is a hundredth of its work at most."""
    large = Run(Linear(80), Rows.of(WIDE, Y), Settings(ADAM, losses.squared, batch_size=1), random_state=0)
    assert large._updates_per_call * large._loop.cost(large, 1) <= loops.WORK_PER_CALL
    wide = sparse_rows(ROWS, 2_000_000, density=1e-6, format="csr", random_state=0)
    sgd = Settings(rules.gradient_descent, losses.squared, batch_size=1)
    lazy = Run(Linear(2_000_000), Rows.of(wide, Y), sgd, random_state=0)
    copied = lazy.theta.size
    assert lazy._updates_per_call * lazy._loop.cost(lazy, 1) >= 0.99 * loops.CALL_PER_COPY * copied
