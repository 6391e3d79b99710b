"""An epoch in several native calls: over the blocks of a stream, or in pieces where one call would take too long.

Nothing in Python runs during a native call, no handler of a signal either: pieces are as long as somebody who has
pressed Ctrl-C may have to wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import retracing
from thalweg.descent.batches import Rows
from thalweg.descent.blocks import Block, Blocks
from thalweg.descent.orders import factors_of, factors_of_block, order_of_block

if TYPE_CHECKING:
    from thalweg.descent.digests import BlockDigests
    from thalweg.descent.run import Run

Array = NDArray[Any]


class _Piece(NamedTuple):
    """Updates of one native call: the order of their rows (1, rows), and the schedule's factors."""

    order: NDArray[np.int64]
    factors: Array
    last: bool
    rows: Rows | None = None  # of a stream
    into: Array | None = None  # where their losses are written


def over_blocks(run: Run, blocks: Blocks) -> None:
    """Make the updates of an epoch of a stream, from the run's ``cursor`` on; each block is one native call.

    Between two calls ``theta``, ``state``, ``t``, ``epoch`` and ``cursor`` (rows of this epoch that were learned from)
    say all that later updates depend on; ``epoch_losses`` holds losses, norms and factors of its updates so far.
    """
    digests, begun = run.digests, run.cursor
    # Rows that were learned from before are passed over, or held against what they were.
    with closing(blocks.epoch(0 if digests is not None and digests.knows else begun)) as given:
        looked_at = given if digests is None else _looked_at(given, digests)
        pieces = (_of_block(run, block, blocks) for block in looked_at if block.first >= begun)
        if _make(run, pieces, lambda: blocks.count or 0):
            trace, factors = (np.concatenate([part[k] for part in run.epoch_losses]) for k in (0, 2))
            _end(run, trace, factors)


def over_order(run: Run, order: NDArray[np.int64], updates: int) -> None:
    """Make the updates of an epoch over rows in memory, from the run's ``cursor`` on, so many in a native call."""
    batch = run._loop.batch or order.size
    steps = -(-order.size // batch)
    trace, factors, done = run.trace(steps), factors_of(run, 1, steps), run.cursor // batch
    if done:
        trace[:done] = np.concatenate([part[0] for part in run.epoch_losses])
    pieces = (
        _Piece(
            order[first * batch : (first + updates) * batch].reshape(1, -1),
            factors[first : first + updates],
            first + updates >= steps,
            into=trace[first : min(first + updates, steps)],
        )
        for first in range(done, steps, updates)
    )
    if _make(run, pieces, lambda: order.size):
        _end(run, trace, factors)


def _looked_at(blocks: Iterator[Block], digests: BlockDigests) -> Iterator[Block]:
    for block in blocks:
        digests.look(block)
        yield block


def _of_block(run: Run, block: Block, blocks: Blocks) -> _Piece:
    """Return the updates of a block; the order is drawn from the numbers of the epoch and of its first row."""
    rows = block.rows.count
    order = order_of_block(run, block.first, rows)
    factors = factors_of_block(run, block.first, rows, blocks.count or 0)
    return _Piece(order.reshape(1, -1), factors, block.last, block.rows)


def _make(run: Run, pieces: Iterator[_Piece], count: Callable[[], int]) -> bool:
    """Make the updates of all pieces; False where they diverged.

    ``count`` gives the rows of the epoch, where it has been gone through before.
    """
    start = time.perf_counter()
    for piece in pieces:
        made = _take(run, piece, count)
        run.seconds += time.perf_counter() - start
        if not made:
            return False
        run.cursor += piece.order.size
        if not piece.last:
            run.pause()
        start = time.perf_counter()
    run.seconds += time.perf_counter() - start
    return True


def _take(run: Run, piece: _Piece, count: Callable[[], int]) -> bool:
    """Make the updates of a piece; False where they diverged."""
    batch = run._loop.batch or piece.order.size
    call = run.begin(piece.order, min(batch, piece.order.size), piece.factors, piece.rows)
    if piece.rows is not None:
        run.see(piece.rows)
    trace = run._loop.run(run, call.orders, call.batch, call.factors, into=piece.into)
    made = round(run.t - call.t)
    if made == call.factors.size and np.isfinite(run.theta).all():
        run.epoch_losses.append((trace, run._loop.norms, call.factors))
        run._last_block = call
        return True
    quantity, layer, culprit = retracing.what_broke(run, call, made, run._last_block)
    if culprit < 0 and not run.cursor:  # the last epoch counted as whole, until its loss was seen
        run._take_back(1, -(-count() // batch))
    retracing.call_diverged(run, quantity, layer, int(call.t) + culprit + 1)
    return False


def _end(run: Run, trace: Array, factors: Array) -> None:
    """Count an epoch whose rows are all learned from."""
    norms = np.concatenate([part[1] for part in run.epoch_losses])
    scheduled = None if run.settings.schedule is None else factors
    run.epoch += run._curves.add(trace, norms, scheduled, run.cursor, run._loop.batch or run.cursor)
    run.epoch_losses.clear()
    run.cursor = 0
    if run._last_block is not None:
        retracing.stop_growth(run, run._last_block, 1)
