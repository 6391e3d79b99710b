"""One descent from start to stop: allocate, order, schedule, epochs, stop. Native work is in `engine.drivers`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import loops
from thalweg.descent import record as records
from thalweg.descent.batches import Rows
from thalweg.descent.models import Model, check_outputs
from thalweg.descent.record import Divergence, Record
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError

Array = NDArray[Any]
Order = Callable[[int], Array]
Callback = Callable[["Run"], object]

# Rows visited in one native call when nothing has to look at every epoch.
ROWS_PER_CALL = 1 << 20
# A loss this many times its first value for GREW_EPOCHS epochs counts as divergence although it is finite.
GREW_FACTOR, GREW_EPOCHS = 1e4, 3


@final
class Run:
    """A descent in progress: parameters, memory, count of updates, curve.

    Parameters
    ----------
    model : Linear or Network
    rows : Rows
    settings : Settings
    theta : ndarray (model.size,), optional
        Start; drawn by the model when absent. Copied.
    state : ndarray (slots, model.size), optional
        Memory of the rule; its start when absent. Copied.
    t : float
        Updates made before, for rules and schedules that count.
    random_state : int, Generator, RandomState, SeedSequence or None
        Root of start, orders and dropout masks.
    order : callable, optional
        ``order(epoch)`` (from 0) gives the rows of an epoch, int64; any number of rows, repeats allowed.
    rates : ndarray (lanes * outputs,), optional
        Learning rate of each column of weights, for lanes; the rule's own without.
    keep_steps : bool
        Keep the loss of every update in ``step_losses``.

    Attributes
    ----------
    theta : ndarray (model.size,)
        Parameters, in place. After divergence, the last ones whose loss was finite.
    state : ndarray (slots, model.size)
    t : float
    loss_curve : list of float
        One per epoch (of lane 0 where there are lanes); ``lane_curves`` holds all.
    """

    def __init__(
        self,
        model: Model,
        rows: Rows,
        settings: Settings,
        *,
        theta: Array | None = None,
        state: Array | None = None,
        t: float = 0.0,
        random_state: object = None,
        order: Order | None = None,
        rates: Array | None = None,
        keep_steps: bool = False,
    ) -> None:
        from thalweg.engine import streams

        check_outputs(model, settings.loss, rows)
        self.model, self.rows, self.settings = model, rows, settings
        self.streams = streams
        self.root = streams.seed_sequence(random_state)
        self.dtype = rows.dtype
        if theta is None:
            theta = model.initial(streams.generator(self.root, streams.INITIALISATION), self.dtype)
        self.theta = np.array(theta, dtype=self.dtype)
        if self.theta.shape != (model.size,):
            raise SettingError("SETTING-THETA", "theta", f"has shape {self.theta.shape}, the model has {(model.size,)}")
        self.state = np.array(settings.optimizer.init(self.theta) if state is None else state, dtype=self.dtype)
        self.t = float(t)
        self.epoch = 0
        self.status = ""
        self.divergence: Divergence | None = None
        self.lane_curves: list[NDArray[np.float64]] = []
        self._step_losses: list[NDArray[np.float64]] = []
        self._keep_steps = keep_steps
        self.order = order
        self.rates = rates
        self._grown = 0
        self.seconds = 0.0
        self._loop = loops.choose(self)

    # -- what a callback may look at

    @property
    def loss_curve(self) -> list[float]:
        """Objective of each epoch so far."""
        return [float(lanes[0]) for lanes in self.lane_curves]

    @property
    def step_losses(self) -> list[float]:
        """Objective of each update so far, when kept."""
        return [float(v) for block in self._step_losses for v in block[:, 0]]

    def record(self) -> Record:
        """Return the account of the run so far."""
        settings = self.settings.as_dict() | {"dtype": self.dtype, "entropy": str(self.root.entropy)}
        return Record(
            status=self.status or records.STOPPED,
            epochs=self.epoch,
            steps=int(self.t),
            loss_curve=self.loss_curve,
            settings=settings,
            step_losses=self.step_losses,
            divergence=self.divergence,
            seconds=self.seconds,
            machine=records.machine_information(),
        )

    # -- the loop

    def descend(self, callbacks: Iterable[Callback] = ()) -> Run:
        """Run to the end: ``max_iter`` epochs, or what stops earlier.

        Parameters
        ----------
        callbacks : iterable of callable
            Called with this run after every epoch; a true answer stops it.
        """
        callbacks = tuple(callbacks)
        settings = self.settings
        watched = bool(callbacks) or settings.tol is not None or settings.target_loss is not None
        best, waited = np.inf, 0
        while not self.status:
            left = settings.max_iter - self.epoch
            if left <= 0:
                self.status = records.FINISHED
                break
            self.advance(1 if watched or settings.time_limit is not None else left)
            if self.status or not watched:
                if settings.time_limit is not None and self.seconds >= settings.time_limit and not self.status:
                    self.status = records.TIME
                continue
            loss = float(self.lane_curves[-1][0])
            if settings.target_loss is not None and loss <= settings.target_loss:
                self.status = records.TARGET
            if settings.tol is not None:
                waited = 0 if loss < best - settings.tol else waited + 1
                best = min(best, loss)
                if waited >= settings.n_iter_no_change:
                    self.status = records.CONVERGED
            if any([callback(self) for callback in callbacks]) and not self.status:  # each is called, none is cut short
                self.status = records.STOPPED
            if settings.time_limit is not None and self.seconds >= settings.time_limit and not self.status:
                self.status = records.TIME
        return self

    def advance(self, epochs: int) -> None:
        """Run epochs without looking up between them, in as few native calls as memory allows."""
        done = 0
        while done < epochs and not self.status:
            orders = self._orders(epochs - done)
            block = epochs - done if self._one_order else orders.shape[0]
            block = min(block, max(1, ROWS_PER_CALL // max(1, orders.shape[1])))
            self._advance_block(orders, block)
            done += block

    @property
    def _one_order(self) -> bool:
        return self.order is None and (not self.settings.shuffle or self._loop.whole)

    def _orders(self, epochs: int) -> NDArray[np.int64]:
        count = self._loop.visited
        if self.order is not None:
            order = np.ascontiguousarray(self.order(self.epoch), dtype=np.int64).reshape(1, -1)
            if order.size == 0 or order.min() < 0 or order.max() >= self.rows.count:
                raise SettingError("SETTING-ORDER", "order", f"must name rows 0 to {self.rows.count - 1} for epoch {self.epoch}")
            return order
        if self._one_order:
            return np.arange(count, dtype=np.int64).reshape(1, -1)
        block = max(1, min(epochs, ROWS_PER_CALL // count))
        return np.stack([self.streams.shuffled(self.root, self.epoch + k, count) for k in range(block)])

    def _advance_block(self, orders: NDArray[np.int64], epochs: int) -> None:
        batch = self._loop.batch or orders.shape[1]
        per_epoch = -(-orders.shape[1] // batch)
        steps = epochs * per_epoch
        times = self.epoch + np.arange(steps) / per_epoch
        schedule = self.settings.schedule
        factors = np.ones(steps) if schedule is None else schedule.over(self.settings.max_iter).factor(times)
        before = self.theta.copy(), self.state.copy(), self.t
        start = time.perf_counter()
        trace = self._loop.run(self, orders, batch, factors)
        self.seconds += time.perf_counter() - start

        made = int(round(self.t - before[2]))
        finite = bool(np.isfinite(self.theta).all()) if self.model.lanes == 1 else True
        if made < steps or not finite:
            self._diverge(before, orders, batch, factors, trace, made if made < steps else steps)
            return
        self._keep(trace, orders, batch, per_epoch)
        self._check_growth(epochs, per_epoch)

    def _keep(self, trace: NDArray[np.float64], orders: Array, batch: int, per_epoch: int) -> None:
        """Add epochs to the curve: each the mean of its batches by their weight."""
        if self._keep_steps:
            self._step_losses.append(trace)
        for first in range(0, trace.shape[0], per_epoch):
            order = orders[(first // per_epoch) % orders.shape[0]]
            self.lane_curves.append(np.average(trace[first : first + per_epoch], axis=0, weights=self._shares(order, batch)))
            self.epoch += 1

    def _shares(self, order: Array, batch: int) -> NDArray[np.float64]:
        weights = self.rows.weights
        if weights.size == 0 or self._loop.whole:
            counts = np.full(-(-order.size // batch), float(batch))
            counts[-1] = order.size - batch * (counts.size - 1)
            return counts
        totals = np.add.reduceat(weights[order].astype(np.float64), np.arange(0, order.size, batch))
        return totals if totals.sum() > 0 else np.ones_like(totals)

    # -- divergence

    def _diverge(
        self, before: tuple[Array, Array, float], orders: Array, batch: int, factors: Array, trace: Array, bad: int
    ) -> None:
        """Go back to the last parameters whose loss was finite, and say what went first.

        ``bad`` is the index of the first update whose loss was not finite, or the number of all of them when only the
        last update broke the parameters.
        """
        per_epoch = -(-orders.shape[1] // batch)
        start_t = before[2]
        self._rewind(before, orders, batch, factors[: max(bad - 1, 0)])
        good = self.theta.copy(), self.state.copy(), self.t
        quantity = "loss"
        if bad > 0:  # make the update before the bad one again, and look at what it left
            self._loop.run(self, orders, batch, factors[bad - 1 : bad], skip=bad - 1)
            if not np.isfinite(self._loop.gradient).all():
                quantity = "gradient"
            elif not np.isfinite(self.theta).all():
                quantity = "parameters"
            elif not np.isfinite(trace[min(bad, len(trace) - 1), 0]):
                quantity = "loss"
        step = int(start_t) + bad + (1 if quantity == "loss" else 0)
        self.theta, self.state, self.t = good
        whole = (max(bad - 1, 0) // per_epoch) * per_epoch
        self._keep(trace[:whole], orders, batch, per_epoch)
        epoch = self.epoch + 1
        self.status = records.DIVERGED
        self.divergence = Divergence(
            epoch, step, quantity, f"the {quantity} is not finite at update {step}, in epoch {epoch}"
        )

    def _rewind(self, before: tuple[Array, Array, float], orders: Array, batch: int, factors: Array) -> None:
        self.theta, self.state, self.t = before[0].copy(), before[1].copy(), before[2]
        if factors.size:
            self._loop.run(self, orders, batch, factors)

    def _check_growth(self, epochs: int, per_epoch: int) -> None:
        """Call a run diverged whose loss stays far above its first value, finite as it may be."""
        if self.model.lanes > 1:
            return
        first = float(self.lane_curves[0][0])
        for epoch in range(self.epoch - epochs, self.epoch):
            grown = first > 0 and float(self.lane_curves[epoch][0]) > GREW_FACTOR * first
            self._grown = self._grown + 1 if grown else 0
            if self._grown == GREW_EPOCHS:
                self.status = records.DIVERGED
                what = f"the loss stayed above {GREW_FACTOR:g} times its first value for {GREW_EPOCHS} epochs, to epoch {epoch + 1}"
                self.divergence = Divergence(epoch + 1, (epoch + 1) * per_epoch, "loss grew", what)
                return
