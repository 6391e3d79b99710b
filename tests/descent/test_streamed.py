"""A run over the blocks of a stream: what it stands on between two of them, and what a block is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.descent.blocks import Blocks, Making, all_finite, block_size
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.descent.stream import Chunk, Columns, Stream
from thalweg.formulas import losses, rules, schedules

ROWS, BLOCK = 100, 32
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(ROWS, 3)), RNG.normal(size=(ROWS, 1))


class Given(Stream):
    """Rows cut at a fixed length."""

    def __init__(self, step: int, *, columns: bool = False) -> None:
        self.step, self.columns, self.block_size, self.n_rows = step, columns, BLOCK, ROWS

    def chunks(self) -> Iterator[Chunk]:
        for first in range(0, ROWS, self.step):
            part = X[first : first + self.step]
            yield Chunk(Columns(list(part.T)) if self.columns else part, Y[first : first + self.step])


def blocks(stream: Stream) -> Blocks:
    return Blocks(stream, Making(lambda y, first, dtype: y, lambda y, weights: weights), update=8)


def run(stream: Stream, **more: Any) -> Run:
    settings = Settings(rules.adam(learning_rate=0.05), losses.squared, None, schedules.cosine, 8, max_iter=3)
    cut = blocks(stream)
    return Run(Linear(3), cut.first().rows, settings, random_state=2, blocks=cut, **more)


@given(step=st.integers(1, ROWS), columns=st.booleans())
def test_blocks_begin_at_fixed_rows_however_the_chunks_are(step: int, columns: bool) -> None:
    seen = []
    for block in blocks(Given(step, columns=columns)).epoch():
        at = slice(block.first, block.first + block.rows.count)
        np.testing.assert_array_equal(block.rows.X, X[at])
        np.testing.assert_array_equal(block.rows.targets, Y[at])
        seen.append((block.first, block.rows.count, block.last))
    assert seen == [(0, 32, False), (32, 32, False), (64, 32, False), (96, 4, True)]


@pytest.mark.parametrize("stop", [1, 2, 3, 5, 6])
def test_a_run_goes_on_in_the_middle_of_an_epoch(stop: int) -> None:
    """What a checkpoint has to hold: theta, state, t, epoch, cursor; and the losses of the epoch, for its curve."""
    whole = run(Given(10)).descend()
    first = run(Given(10))
    taken = 0
    cut = first.blocks
    assert cut is not None
    epoch = cut.epoch

    class StoppedError(Exception):
        pass

    def some(skip: int = 0) -> Iterator[Any]:
        nonlocal taken
        for block in epoch(skip):
            if taken == stop:
                raise StoppedError
            taken += 1
            yield block

    cut.epoch = some  # type: ignore[method-assign,assignment]
    with pytest.raises(StoppedError):
        first.descend()
    assert first.cursor == stop % 4 * BLOCK
    state: dict[str, Any] = {
        "theta": first.theta,
        "state": first.state,
        "t": first.t,
        "epoch": first.epoch,
        "cursor": first.cursor,
    }
    later = run(Given(7), **state, epoch_losses=first.epoch_losses).descend()
    np.testing.assert_array_equal(later.theta, whole.theta)
    np.testing.assert_array_equal(later.state, whole.state)
    assert (later.t, later.epoch) == (whole.t, whole.epoch)
    assert first.loss_curve + later.loss_curve == whole.loss_curve


def test_a_block_stays_until_the_second_one_after_it() -> None:
    for read_ahead in (False, True):
        stream = Given(9)
        stream.read_ahead = read_ahead
        before = None
        cut = blocks(stream)
        for _ in range(3):
            for block in cut.epoch():
                if before is not None:
                    at = slice(before.first, before.first + before.rows.count)
                    np.testing.assert_array_equal(before.rows.X, X[at])
                before = block


def test_size_of_a_block_follows_from_the_width_alone() -> None:
    assert [block_size(width, "float64", sparse=False) for width in (1, 32, 33, 3000, 10**6)] == [
        65536, 65536, 32768, 1024, 1024,
    ]  # fmt: skip
    assert block_size(10**6, "float64", sparse=True) == 16384


def test_finite_numbers_are_told_from_others_wherever_they_stand() -> None:
    for value, finite in ((1e308, True), (-1e308, True), (np.nan, False), (np.inf, False), (-np.inf, False)):
        for at in (0, 8191, 8192, 19_999):
            entries = np.ones(20_000)
            entries[at] = value
            assert all_finite(entries.reshape(-1, 2)) is finite
