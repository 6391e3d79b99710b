"""Threads that help a run: every piece is made once, two at a time, and no bit tells how many threads there were."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numba import njit, types
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import compile as compiler
from thalweg.engine import shares
from thalweg.engine import team as teams
from thalweg.engine.arithmetic import vector_at
from thalweg.engine.pointers import address
from thalweg.engine.products import nothing, product, repeated, turned, upright
from thalweg.formulas import activations, losses, rules

Array = NDArray[Any]
JOB, JOB_CELLS, INT64 = teams.JOB, teams.JOB_CELLS, types.int64
# Looks of a piece for another: some seconds.
LONG = 2_000_000_000


def count(team: Any, piece: Any) -> None:
    """Add one to the piece's cell."""
    job = vector_at(team + JOB, JOB_CELLS, INT64)
    vector_at(job[1], job[2], INT64)[piece] += 1


def meet(team: Any, piece: Any) -> None:
    """Come, and wait for the other piece to come too."""
    job = vector_at(team + JOB, JOB_CELLS, INT64)
    came = vector_at(job[1], job[2], INT64)
    teams._show(came, piece, 1)
    looks = 0
    while teams._seen(came, 1 - piece) == 0 and looks < LONG:
        looks += 1
    came[2 + piece] = looks < LONG


def fail(team: Any, piece: Any) -> None:
    """Fail at one piece."""
    if piece == 2:
        raise ValueError("not this one")


@njit(**compiler.OPTIONS)
def shared(team, function, cells, size, pieces):
    """Hand a job out."""
    job = vector_at(team + JOB, JOB_CELLS, INT64)
    job[0], job[1], job[2] = function, cells, size
    teams.share(team, pieces)


@pytest.fixture(name="team")
def a_team() -> Iterator[teams.Team]:
    """Give a team of its own to a test."""
    team = teams.Team()
    yield team
    assert team._table[teams.OPEN] == 0


def kernel(function: Any) -> Any:
    return compiler.native(function, teams.PIECE)


@pytest.mark.parametrize("threads", [2, 4])
def test_every_piece_is_made_once(team: teams.Team, threads: int) -> None:
    made, counting = np.zeros(500, np.int64), kernel(count)
    with team.opened(threads) as place:
        for pieces in [1, 2, 500, 3] * 500:
            shared(place, address(counting), made.ctypes.data, made.size, pieces)
    expected = np.repeat([2000, 1500, 1000, 500], [1, 1, 1, 497])
    assert made.tolist() == expected.tolist()


def test_two_pieces_are_made_at_the_same_time(team: teams.Team) -> None:
    meeting, met = kernel(meet), False
    for _ in range(10):  # on a busy machine the other thread may come too late once
        team._table[teams.ALONE] = 0  # and the next jobs would be made alone
        came = np.zeros(4, np.int64)
        with team.opened(2) as place:
            shared(place, address(meeting), came.ctypes.data, came.size, 2)
        assert came[:2].tolist() == [1, 1]
        met = bool(came[2:].all())
        if met:
            break
    assert met


def test_a_failed_piece_fails_the_job_and_leaves_the_team_whole(team: teams.Team) -> None:
    failing, counting, made = kernel(fail), kernel(count), np.zeros(3, np.int64)
    with pytest.raises(RuntimeError, match="a piece of a shared job failed"), team.opened(2) as place:
        shared(place, address(failing), 0, 0, 9)
    with team.opened(2) as place:
        shared(place, address(counting), made.ctypes.data, made.size, 3)
    assert made.tolist() == [1, 1, 1]


def test_a_team_helps_one_run_at_a_time(team: teams.Team) -> None:
    with team.opened(2) as first, team.opened(2) as second:
        assert first != 0
        assert second == 0
    with team.opened(2) as third:
        assert third == first


def test_an_interrupted_run_gives_the_team_back(team: teams.Team) -> None:
    with pytest.raises(KeyboardInterrupt), team.opened(2):
        raise KeyboardInterrupt
    with team.opened(2) as place:
        assert place != 0


def test_a_thread_that_nobody_needs_waits_to_be_called(team: teams.Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "LAST_REST", 0.004)
    with team.opened(2):
        (call,) = team._calls
        ends = time.monotonic() + 120
        while call.is_set() and time.monotonic() < ends:
            time.sleep(0.01)
        assert not call.is_set()


def test_after_waiting_for_a_thread_held_up_jobs_are_made_alone_for_a_while(team: teams.Team) -> None:
    made, counting = np.zeros(5, np.int64), kernel(count)
    team._table[teams.ALONE] = 3
    with team.opened(3) as place:
        seen = []
        for _ in range(4):
            seen.append(int(team._table[teams.OPEN]))
            shared(place, address(counting), made.ctypes.data, made.size, 5)
    assert made.tolist() == [4] * 5
    assert seen == [0, 0, 0, 2]


@pytest.mark.parametrize(
    ("told", "expected"), [("1", 1), ("2", 2), ("2,1", 2), ("99", 3), ("", 3), ("0", 3), ("many", 3)]
)
def test_threads_are_as_many_as_processors_or_as_told(
    monkeypatch: pytest.MonkeyPatch, told: str, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 5}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert teams.threads_allowed() == expected


# -- what they share

DTYPES = ("float64", "float32")


@njit(**compiler.OPTIONS)
def both(code, layout, a, b, bias, alone, helped):
    """Make a product alone and with the team."""
    left = turned(a) if layout == 1 else upright(a)
    right = turned(b) if layout == 2 else upright(b)
    if layout == 0:
        start = repeated(bias, alone.shape[0])
        product(left, right, start, upright(alone))
        shares.shared_product(code, left, right, start, upright(helped))
    else:
        product(left, right, nothing(alone), upright(alone))
        shares.shared_product(code, left, right, nothing(helped), upright(helped))


# Rows, columns and steps: cut into columns, into rows, into both; each at an edge. All are large enough to be shared.
SHAPES = [(64, 256, 64), (130, 129, 70), (999, 10, 70), (70, 33, 300), (6, 700, 200)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_shared_product_has_the_bits_of_one_made_alone(
    team: teams.Team, shape: tuple[int, int, int], dtype: str
) -> None:
    rows, columns, depth = shape
    rng = np.random.default_rng(rows)
    code = np.zeros(compiler.PLACES, np.int64)
    kernels = shares.kernels(dtype)
    code[compiler.SHARE_PRODUCT :] = [address(kernel) for kernel in kernels]
    with team.opened(2) as code[compiler.TEAM]:
        for layout in range(3):
            a = rng.normal(size=(depth, rows) if layout == 1 else (rows, depth)).astype(dtype)
            b = rng.normal(size=(columns, depth) if layout == 2 else (depth, columns)).astype(dtype)
            bias = rng.normal(size=(1, columns)).astype(dtype)
            alone, helped = np.full((rows, columns), np.nan, dtype), np.full((rows, columns), np.nan, dtype)
            before = team._table[teams.TICKET] >> teams.BITS
            team._table[teams.ALONE] = 0  # a helper that was held up last time would have it made alone
            both(code, layout, a, b, bias, alone, helped)
            assert team._table[teams.TICKET] >> teams.BITS == before + 1
            assert np.isfinite(alone).all()
            np.testing.assert_array_equal(alone, helped)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_run_has_the_same_bits_whatever_the_number_of_its_threads(dtype: str) -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(300, 200)), rng.normal(size=(300, 7))
    model = Network((200, 150, 60, 7), (activations.relu, activations.tanh), dropout=(0.3, 0.0))
    rows = Rows.of(X, y, dtype=dtype)
    optimizer = rules.adamw(weight_decay=0.01)
    settings = Settings(optimizer, losses.squared, batch_size=64, max_iter=4)
    teams.team()._table[teams.ALONE] = 0  # whatever held up a helper in a test before
    shared_jobs = teams.team()._table[teams.TICKET]
    runs = [Run(model, rows, settings, random_state=1, threads=k).descend() for k in (1, 2, 3)]
    assert teams.team()._table[teams.TICKET] > shared_jobs
    for other in runs[1:]:
        assert other.theta.tobytes() == runs[0].theta.tobytes()
        assert other.state.tobytes() == runs[0].state.tobytes()
        assert other.loss_curve == runs[0].loss_curve


def test_runs_side_by_side_share_nothing_they_should_not() -> None:
    rng = np.random.default_rng(8)
    model = Network((200, 150, 7), (activations.relu,))
    rows = Rows.of(rng.normal(size=(256, 200)), rng.normal(size=(256, 7)), dtype="float32")
    settings = Settings(rules.adam(), losses.squared, batch_size=64, max_iter=20)

    def run(seed: int, threads: int) -> bytes:
        return Run(model, rows, settings, random_state=seed, threads=threads).descend().theta.tobytes()

    alone = [run(seed, 1) for seed in range(3)]
    beside: dict[int, bytes] = {}
    workers = [threading.Thread(target=lambda k=k: beside.update({k: run(k, 2)})) for k in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [beside[k] for k in range(3)] == alone
