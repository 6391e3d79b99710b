"""What ends a run that diverges: updates are made again, to the one that broke, and looked at for what went first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import layers
from thalweg.descent import record as records
from thalweg.descent.averaging import Mean
from thalweg.descent.batches import Rows
from thalweg.descent.models import Network
from thalweg.descent.record import Divergence

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]

# A loss this many times its first value for GREW_EPOCHS epochs counts as divergence although it is finite.
GREW_FACTOR, GREW_EPOCHS = 1e4, 3


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


def diverge(run: Run, call: Call, trace: NDArray[np.float64], norms: NDArray[np.float64], bad: int) -> None:
    """Go back to the last parameters whose loss was finite, end the run there, and say what went first.

    ``bad`` is the index of the first update whose loss was not finite, or the number of all of them when the call left
    parameters that are not.
    """
    per_epoch = call.per_epoch
    quantity, layer, culprit = what_broke(run, call, bad, run._last_block)
    whole = culprit // per_epoch
    if whole < 0:  # the last epoch counted as whole, until its loss was seen
        run._take_back(1, per_epoch)
    run._keep(trace[: max(whole, 0) * per_epoch], norms, call)
    if not stop_growth(run, call, max(whole, 0)):
        call_diverged(run, quantity, layer, int(call.t) + culprit + 1)


def call_diverged(run: Run, quantity: str, layer: int | None, step: int) -> None:
    """End a run, which broke at an update of the epoch after those that count."""
    run.status = records.DIVERGED
    verb = "are" if quantity == "parameters" else "is"
    what = f"the {quantity} {verb} not finite at update {step}, in epoch {run.epoch + 1}"
    if isinstance(run.model, Network) and layer is not None:
        what += f", {'left' if quantity == 'loss' else 'first'} by {layers.named(run.model, layer)}"
    run.divergence = Divergence(run.epoch + 1, step, quantity, what, layer)


def stop_growth(run: Run, call: Call, epochs: int) -> bool:
    """Call a run diverged whose loss stays far above its first value, finite as it may be.

    Of the last ``epochs``, made in ``call``, those after the third such one are taken back, so that it does not matter
    how many were run without looking up.
    """
    if run.model.lanes > 1 or not epochs:
        return False
    first = float(run.lane_curves[0][0])
    kept = len(run.lane_curves) - epochs
    for k in range(epochs):
        grown = first > 0 and float(run.lane_curves[kept + k][0]) > GREW_FACTOR * first
        run._grown = run._grown + 1 if grown else 0
        if run._grown == GREW_EPOCHS:
            rewind(run, call, (k + 1) * call.per_epoch)
            run._take_back(epochs - 1 - k, call.per_epoch)
            run.status = records.DIVERGED
            run.divergence = grew(run.epoch, int(run.t))
            return True
    return False


def grew(epoch: int, step: int) -> Divergence:
    """Return the account of a run whose loss stayed far above its first."""
    what = f"the loss was {GREW_FACTOR:g} times its first for {GREW_EPOCHS} epochs, to epoch {epoch}"
    return Divergence(epoch, step, "loss grew", what)


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
