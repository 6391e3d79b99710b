"""An epoch over the blocks of a stream: the updates of a run whose rows are never all there at once."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.blocks import Block, Blocks

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]


def make_epoch(run: Run, blocks: Blocks) -> None:
    """Make the updates of an epoch, from the run's ``cursor`` on; each block is one native call.

    Between two blocks ``theta``, ``state``, ``t``, ``epoch`` and ``cursor`` (rows of this epoch that were learned from)
    say all that later updates depend on; ``epoch_losses`` holds losses, norms and factors of its updates so far.
    """
    start = time.perf_counter()
    with closing(blocks.epoch(run.cursor)) as given:
        for block in given:
            if not _take(run, block, blocks.count):
                break
            run.cursor += block.rows.count
            if not block.last:
                run.pause()
        else:
            _end(run)
    run.seconds += time.perf_counter() - start


def _take(run: Run, block: Block, count: int | None) -> bool:
    """Make the updates of a block; False where they diverged."""
    rows = block.rows.count
    batch = run._loop.batch or rows
    updates = -(-rows // batch)
    call = run.begin(
        _order(run, block), min(batch, rows), _factors(run, block.first // batch, updates, count), block.rows
    )
    run.see(block.rows)
    trace = run._loop.run(run, call.orders, call.batch, call.factors)
    made = round(run.t - call.t)
    if made == updates and np.isfinite(run.theta).all():
        run.epoch_losses.append((trace, run._loop.norms, call.factors))
        run._last_block = call
        return True
    quantity, layer, culprit = run.what_broke(call, made)
    if culprit < 0 and block.first == 0:  # the last epoch counted as whole, until its loss was seen
        run._take_back(1, -(-(count or 0) // batch))
    run.call_diverged(quantity, layer, int(call.t) + culprit + 1)
    return False


def _end(run: Run) -> None:
    """Count an epoch whose blocks are all learned from."""
    trace, norms, factors = (np.concatenate(parts) for parts in zip(*run.epoch_losses, strict=True))
    scheduled = None if run.settings.schedule is None else factors
    run.epoch += run._curves.add(trace, norms, scheduled, run.cursor, run._loop.batch or run.cursor)
    run.epoch_losses.clear()
    run.cursor = 0
    if run._last_block is not None:
        run._stop_growth(run._last_block, 1)


def _order(run: Run, block: Block) -> NDArray[np.int64]:
    """Return the order of the rows of a block (1, rows): drawn from the numbers of the epoch and of its first row."""
    rows = block.rows.count
    if not run.settings.shuffle:
        return np.arange(rows, dtype=np.int64).reshape(1, -1)
    order: NDArray[np.int64] = run.streams.shuffled_block(run.root, run.epoch, block.first, rows)
    return order.reshape(1, -1)


def _factors(run: Run, first: int, updates: int, count: int | None) -> Array:
    """Return the schedule's factor for each of the epoch's updates from ``first`` on."""
    schedule = run.settings.schedule
    if schedule is None:
        return np.ones(updates)
    per_epoch = -(-(count or 0) // (run._loop.batch or 1))
    times = run.epoch + np.arange(first, first + updates) / per_epoch
    return schedule.over(run.settings.max_iter).factor(times)
