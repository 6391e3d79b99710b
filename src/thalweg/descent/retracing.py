"""Updates made again: from where a native call started, to the one that broke, and what of it went first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import layers
from thalweg.descent.averaging import Mean
from thalweg.descent.batches import Rows
from thalweg.descent.models import Network

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]


@dataclass(frozen=True)
class Call:
    """Updates made in one native call, and where they started."""

    mean: Mean | None
    theta: Array
    state: Array
    t: float
    orders: NDArray[np.int64]
    batch: int
    factors: Array
    rows: Rows | None = None  # of a stream

    @property
    def per_epoch(self) -> int:
        """Updates in an epoch."""
        rows: int = self.orders.shape[1]
        return -(-rows // self.batch)


def rewind(run: Run, call: Call, updates: int) -> None:
    """Go back to the start of a call and make its first updates again."""
    run.theta, run.state, run.t = call.theta.copy(), call.state.copy(), call.t
    run.mean = None if call.mean is None else call.mean.copy()
    if call.rows is not None:
        run.see(call.rows)
    if updates:
        run._loop.run(run, call.orders, call.batch, call.factors[:updates])


def what_broke(run: Run, call: Call, bad: int, before: Call | None) -> tuple[str, int | None, int]:
    """Go back to the last parameters whose loss was finite; return what, in which layer, and at which update.

    Parameters
    ----------
    run : Run
        As the call left it.
    call : Call
        The last.
    bad : int
        Index of its first update whose loss was not finite, or the number of all of them when the call left parameters
        that are not.
    before : Call or None
        The one before it.

    Returns
    -------
    quantity : {"loss", "gradient", "parameters"}
    layer : int or None
    update : int
        Counted from the start of the call; -1 is the one before it.
    """
    broken = call if bad > 0 else before  # that with the update before the bad one; none at the start
    quantity, theta = "loss", run.theta
    if broken is not None:  # make that update again, and look at what it left
        last = _first_to_break(run, broken, (bad or broken.factors.size) - 1)
        bad = last + 1 if broken is call else 0
        good = run.theta.copy(), run.state.copy(), run.t, run.copied_mean()
        run._loop.run(run, broken.orders, broken.batch, broken.factors[last : last + 1], skip=last)
        if not np.isfinite(run._loop.gradient).all():
            quantity = "gradient"
        elif not np.isfinite(run.theta).all():
            quantity = "parameters"
        theta = run.theta
        run.theta, run.state, run.t, run.mean = good
        if call.rows is not None:
            run.see(call.rows)
    layer = _broken_layer(run, quantity, theta, call, bad)
    return quantity, layer, bad if quantity == "loss" else bad - 1


def _broken_layer(run: Run, quantity: str, theta: Array, call: Call, update: int) -> int | None:
    """Return the layer of a network that broke first; `update` is that of the call whose loss is not finite."""
    if not isinstance(run.model, Network):
        return None
    if quantity != "loss":
        return layers.first_to_break(run.model, theta if quantity == "parameters" else run._loop.gradient)
    epoch, batch = divmod(update, call.per_epoch)
    order = call.orders[epoch % len(call.orders)][batch * call.batch : (batch + 1) * call.batch]
    return layers.first_to_overflow(run.model, theta, run.rows, order)


def _first_to_break(run: Run, call: Call, last: int) -> int:
    """Go to before the update that broke the parameters, the ``last`` one at the latest, and return its index.

    A loss can stay finite while parameters are not: tanh of inf is 1, and a score of inf on the right side of a margin
    costs nothing. What is not finite stays so, so that halving finds the first.
    """
    finite, broken = 0, last
    rewind(run, call, last)
    if np.isfinite(run.theta).all():
        return last
    while broken - finite > 1:
        middle = (finite + broken) // 2
        rewind(run, call, middle)
        if np.isfinite(run.theta).all():
            finite = middle
        else:
            broken = middle
    rewind(run, call, finite)
    return finite
