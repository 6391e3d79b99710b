"""What an epoch goes by: the order of its rows, and the schedule's factor for each of its updates.

Both follow from the numbers of the epoch and of the rows alone, however many epochs or rows are asked for at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import SettingError

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]


def one_for_all(run: Run) -> bool:
    """Whether all epochs have one order, that of the rows."""
    return run.order is None and (not run.settings.shuffle or run._loop.whole)


def orders_of(run: Run, epochs: int) -> NDArray[np.int64]:
    """Return the orders of the next epochs, (epochs, rows) int64; a single one where that is all there is.

    Raises
    ------
    SettingError
        SETTING-ORDER: the caller's own names rows that are not there.
    """
    from thalweg.engine import streams

    count = run._loop.visited
    if run.order is not None:
        given = np.asarray(run.order(run.epoch))
        order = np.ascontiguousarray(given, dtype=np.int64).reshape(1, -1)
        whole = given.dtype.kind in "iu" and given.size > 0
        if not whole or order.min() < 0 or order.max() >= run.rows.count:
            raise SettingError(
                "SETTING-ORDER", "order", f"must name rows 0 to {run.rows.count - 1} for epoch {run.epoch}"
            )
        return order
    if one_for_all(run):
        return np.arange(count, dtype=np.int64).reshape(1, -1)
    if epochs <= 1:
        return streams.shuffled(run.root, run.epoch, count).reshape(1, -1)
    return np.stack([streams.shuffled(run.root, run.epoch + k, count) for k in range(epochs)])


def order_of_block(run: Run, first: int, rows: int) -> NDArray[np.int64]:
    """Return the order of the rows of a stream's block in this epoch, (rows,); ``first`` is the first one's number."""
    from thalweg.engine import streams

    if run.settings.shuffle:
        return streams.shuffled_block(run.root, run.epoch, first, rows)
    return np.arange(rows, dtype=np.int64)


def factors_of(run: Run, epochs: int, per_epoch: int) -> Array:
    """Return the schedule's factor for each update of the next epochs."""
    steps, schedule = epochs * per_epoch, run.settings.schedule
    if schedule is not None:
        # A time has the same bits whether the epochs are run together or one by one.
        times = run.epoch + np.arange(epochs)[:, None] + np.arange(per_epoch) / per_epoch
        return schedule.over(run.settings.max_iter).factor(times.ravel())
    if run._ones.size < steps:
        run._ones = np.ones(steps)
    return run._ones[:steps]


def factors_of_block(run: Run, first: int, rows: int, count: int) -> Array:
    """Return the schedule's factor for each update on so many rows from ``first`` on, of ``count`` in the epoch."""
    batch = run._loop.batch or rows
    updates, schedule = -(-rows // batch), run.settings.schedule
    if schedule is None:
        return np.ones(updates)
    times = run.epoch + np.arange(first // batch, first // batch + updates) / -(-count // batch)
    return schedule.over(run.settings.max_iter).factor(times)
