"""One descent from start to stop: allocate, order, schedule, epochs, stop. Native work is in `engine.drivers`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import epochs as passes
from thalweg.descent import layers, loops, retracing
from thalweg.descent import record as records
from thalweg.descent.averaging import Mean
from thalweg.descent.batches import Rows
from thalweg.descent.blocks import Blocks
from thalweg.descent.curves import Curves
from thalweg.descent.models import Model, Network, check_rows
from thalweg.descent.record import Divergence, Record
from thalweg.descent.retracing import Call
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import SettingError
from thalweg.formulas.ranges import check_number

if TYPE_CHECKING:
    from thalweg.descent.digests import BlockDigests

Array = NDArray[Any]
Order = Callable[[int], Array]
Callback = Callable[["Run"], object]
Look = Callable[["Run", Array], object]

# Updates in a piece at most: the trace of many lanes stays in cache. It does not depend on how many there are, or the
# sums of their losses would.
_PIECE = 512
# Rows visited in one native call when nothing has to look at every epoch: the trace of so many updates stays in cache.
ROWS_PER_CALL = 1 << 16
# Bytes of parameters, one set for each epoch, that a native call leaves for somebody to look at.
_KEPT_PER_CALL = 1 << 22
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
        Updates made before, for rules that count.
    mean : Mean, optional
        Average of the iterates so far, where the settings ask for one; of nothing when absent. Copied.
    epoch : int
        Epochs made before: orders, schedule and ``max_iter`` go on from there. See Notes.
    random_state : int, Generator, RandomState, SeedSequence or None
        Root of start, orders and dropout masks.
    order : callable, optional
        ``order(epoch)`` (from 0) gives the rows of an epoch, int64; any number of rows, repeats allowed.
    rates : ndarray (lanes * outputs,), optional
        Learning rate of each column of weights, for lanes; the rule's own without.
    keep_steps : bool
        Keep the loss of every update in ``step_losses``.
    threads : int, optional
        Threads that a large network may have, four at most; as many as the process may use processors, or as the
        environment variable ``OMP_NUM_THREADS`` says, without. No bit depends on it. One run of a process has them at
        a time; others go on alone.
    blocks : Blocks, optional
        Where the rows of every epoch come from; ``rows`` are then those of its first block.
    cursor : int
        Rows of the epoch that were learned from before: whole batches, and with ``blocks`` whole blocks.
    epoch_losses : list of tuple of ndarray, optional
        With ``cursor``, what the run that it goes on from has under this name: of each native call of the epoch the
        losses of its updates (updates, 1), the norms of their gradients, and the schedule's factors.

    Raises
    ------
    SettingError
        Rows, ``theta``, ``state``, ``mean`` or ``rates`` that do not fit the model; a negative ``t``.

    Attributes
    ----------
    theta : ndarray (model.size,)
        Parameters, in place. After divergence, the last ones whose loss was finite.
    state : ndarray (slots, model.size)
    t : float
    mean : Mean or None
        Average of the iterates, where the settings ask for one; :attr:`parameters` are what to predict with.
    epoch : int
        Epochs made, those before this run included.
    best_loss, waited : float, int
        What ``tol`` is measured against, and for how many epochs.
    between : callable or None
        Called with this run between two native calls, when all that an epoch calls for has been done:
        :class:`~thalweg.descent.progress.RunProgress` can be taken then.
    digests : BlockDigests or None
        Where there is one, it looks at every block of a stream.
    loss_curve : list of float
        One per epoch of this run (of lane 0 where there are lanes); ``lane_curves`` holds all.
    learning_rate_curve, gradient_norm_curve : list of float
        One per epoch of this run: see there.

    Notes
    -----
    A run continued from the ``theta``, ``state``, ``t``, ``mean`` and ``epoch`` of another, with the same rows,
    settings and ``random_state``, makes the very updates that the other would have made next. What decides when to stop
    is not carried on and starts anew: the best loss and the epochs waited for ``tol`` (anew with every
    :meth:`descend`), the first loss and the epochs counted for "loss grew", and the seconds for ``time_limit``.
    ``loss_curve`` and ``step_losses`` hold what this run made. A generator as ``random_state`` gives another root each
    time: give a seed.

    Examples
    --------
    >>> from thalweg.descent.models import Linear
    >>> from thalweg.formulas.losses import squared
    >>> from thalweg.formulas.rules import gradient_descent
    >>> rows = Rows.of([[1.0], [-1.0]], [3.0, -3.0])
    >>> settings = Settings(gradient_descent(learning_rate=0.5), squared, max_iter=50)
    >>> run = Run(Linear(1), rows, settings, random_state=0).descend()
    >>> round(float(run.theta[0]), 6)
    3.0
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
        mean: Mean | None = None,
        epoch: int = 0,
        random_state: object = None,
        order: Order | None = None,
        rates: Array | None = None,
        keep_steps: bool = False,
        threads: int | None = None,
        blocks: Blocks | None = None,
        cursor: int = 0,
        epoch_losses: Sequence[tuple[Array, Array, Array]] = (),
    ) -> None:
        from thalweg.engine import streams

        check_rows(model, settings.loss, rows)
        self.model, self.rows, self.settings = model, rows, settings
        self.streams = streams
        self.root = streams.seed_sequence(random_state)
        self.dtype = rows.dtype
        if theta is None:
            theta = model.initial(streams.generator(self.root, streams.INITIALISATION), self.dtype)
        self.theta = _copied("theta", theta, self.dtype)
        if self.theta.shape != (model.size,):
            raise SettingError("SETTING-THETA", "theta", f"has shape {self.theta.shape}, the model has {(model.size,)}")
        memory = settings.optimizer.init(self.theta)
        self.state = memory if state is None else _copied("state", state, self.dtype)
        if self.state.shape != memory.shape:
            what = f"has shape {self.state.shape}, {settings.optimizer.name} on this model has {memory.shape}"
            raise SettingError("SETTING-STATE", "state", what)
        if rates is None and model.lanes > 1:
            raise SettingError(
                "SETTING-RATES", "rates", f"must be given for {model.lanes} lanes: one per column of weights"
            )
        if rates is not None and np.shape(rates) != (model.columns,):
            what = f"has shape {np.shape(rates)}, the model has {model.columns} columns of weights"
            raise SettingError("SETTING-RATES", "rates", what)
        self.t = float(check_number("t", t, "[0, inf)"))
        self.mean: Mean | None = None
        if settings.average is not None:
            self.mean = Mean.begin(settings.average, model.size, self.t)
            if mean is not None:
                if np.shape(mean.values) != self.theta.shape:
                    what = f"has shape {np.shape(mean.values)}, the model has {self.theta.shape}"
                    raise SettingError("SETTING-MEAN", "mean", what)
                self.mean = Mean(np.array(mean.values, dtype=np.float64), mean.since)
        self.epoch = check_count("epoch", epoch, least=0)
        self.status = ""
        self.divergence: Divergence | None = None
        self._curves = Curves(steps=keep_steps)
        self.order = order
        self.rates = rates
        self.threads = None if threads is None else check_count("threads", threads)
        self.blocks, self.cursor = blocks, cursor
        self.epoch_losses = list(epoch_losses)
        self._grown = 0
        self.best_loss, self.waited = np.inf, 0
        self.between: Callback | None = None
        self.digests: BlockDigests | None = None
        self._ones, self._trace = np.ones(0), np.empty((0, model.lanes))
        self._last_block: Call | None = None
        self._starts: list[tuple[Array, Array] | None] = [None, None]
        self.seconds = 0.0
        self._loop = loops.choose(self)
        self._updates_per_call = self._loop.updates_per_call(self)

    # -- what a callback may look at

    def ended(self) -> bool:
        """Whether something has stopped the run."""
        return bool(self.status)

    @property
    def lane_curves(self) -> list[NDArray[np.float64]]:
        """Objectives (lanes,) of each epoch so far."""
        return self._curves.losses

    @property
    def loss_curve(self) -> list[float]:
        """Objective of each epoch so far."""
        return [float(lanes[0]) for lanes in self.lane_curves]

    @property
    def parameters(self) -> Array:
        """What to predict with, (model.size,): ``theta``, or the mean of its iterates where there is one."""
        if self.mean is None or self.t <= self.mean.since:
            return self.theta
        return self.mean.values.astype(self.dtype)

    @property
    def learning_rate_curve(self) -> list[float]:
        """Mean over each epoch's updates of the learning rate, with its schedule; empty for a rule without one."""
        if not self.settings.optimizer.has_learning_rate:
            return []
        rate = float(self.settings.optimizer.learning_rate if self.rates is None else self.rates[0])
        return [rate * factor for factor in self._curves.factors]

    @property
    def gradient_norm_curve(self) -> list[float]:
        """Root mean square over each epoch's updates of the Euclidean norm of the gradient.

        Of the batch's mean loss, as the run's settings tell ``clip_norm`` to bound it: before that, and before the
        penalty. Empty unless the settings ask for it.
        """
        return [float(lanes[0]) for lanes in self._curves.norms]

    @property
    def step_losses(self) -> list[float]:
        """Objective of each update so far, when kept."""
        return [float(v) for block in self._curves.steps for v in block[:, 0]]

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

    def descend(self, callbacks: Iterable[Callback] = (), look: Look | None = None) -> Run:
        """Run to the end: ``max_iter`` epochs, or what stops earlier.

        Parameters
        ----------
        callbacks : iterable of callable
            Called with this run after every epoch; a true answer stops it.
        look : callable, optional
            As :meth:`advance` calls it: what judges every epoch, and need not stop the run at the very one.
        """
        callbacks = tuple(callbacks)
        settings = self.settings
        watched = bool(callbacks) or settings.tol is not None or settings.target_loss is not None
        while not self.ended():
            left = settings.max_iter - self.epoch
            if left <= 0:
                self.status = records.FINISHED
                break
            self.advance(1 if watched or settings.time_limit is not None else left, look)
            if self.ended() or not watched:
                self._check_time()
                continue
            loss = float(self.lane_curves[-1][0])
            if settings.target_loss is not None and loss <= settings.target_loss:
                self.status = records.TARGET
            if settings.tol is not None:
                self.waited = 0 if loss < self.best_loss - settings.tol else self.waited + 1
                self.best_loss = min(self.best_loss, loss)
                if self.waited >= settings.n_iter_no_change:
                    self.status = records.CONVERGED
            answers = [callback(self) for callback in callbacks]  # each is called, none is cut short
            if any(answers) and not self.status:
                self.status = records.STOPPED
            self._check_time()
            self.pause()
        self.best_loss, self.waited = np.inf, 0
        return self

    def pause(self) -> None:
        """Let :attr:`between` look at a run that goes on."""
        if self.between is not None and not self.status:
            self.between(self)

    def _check_time(self) -> None:
        limit = self.settings.time_limit
        if limit is not None and self.seconds >= limit and not self.ended():
            self.status = records.TIME

    def advance(self, epochs: int, look: Look | None = None) -> None:
        """Run epochs without looking up between them, in as few native calls as memory allows.

        Parameters
        ----------
        epochs : int
        look : callable, optional
            Called after every native call that ended an epoch, with this run and with what to predict with after each
            epoch that the call has added, (epochs, model.size), also where none was; a true answer stops the run.
        """
        done = 0
        while done < epochs and not self.status:
            if done:
                self.pause()
            before = self.epoch
            made, passed = self._make_epochs(epochs - done, keep=look is not None)
            done += made
            if look is not None and look(self, passed[: max(self.epoch - before, 0)]) and not self.status:
                self.status = records.STOPPED

    def _make_epochs(self, most: int, *, keep: bool) -> tuple[int, Array]:
        """Make so many epochs at most; return how many, and where they are to be kept the parameters after each."""
        if self.blocks is not None:
            passes.over_blocks(self, self.blocks)
            return 1, self.parameters[None]
        if keep:
            apart = self.mean is None and self._loop.keeps
            most = min(most, max(1, _KEPT_PER_CALL // self.theta.nbytes) if apart else 1)
        orders = self._orders(min(most, self._epochs_per_call(self._loop.visited)))
        if self.cursor or not self._epochs_per_call(orders.shape[1]):
            passes.over_order(self, orders[0], self._updates_per_call)
            return 1, self.parameters[None]
        made = min(most if self._one_order else orders.shape[0], self._epochs_per_call(orders.shape[1]))
        kept = np.empty((made, self.theta.size), self.dtype) if keep and made > 1 else None
        self._advance_block(orders, made, kept)
        return made, self.parameters[None] if kept is None else kept

    def _epochs_per_call(self, rows: int) -> int:
        """Return how many epochs of so many rows make a native call; 0 where one is too long for it."""
        updates = -(-rows // min(self._loop.batch or rows, rows))
        return min(self._updates_per_call // updates, max(1, ROWS_PER_CALL // rows))

    # -- in lockstep with others

    def epoch_layout(self, room: int) -> tuple[NDArray[np.int64], int, Array, list[tuple[int, int]]]:
        """Lay the next epoch out for :meth:`piece`.

        Parameters
        ----------
        room : int
            Bytes of rows that a piece may touch; it has one update at least.

        Returns
        -------
        order : ndarray (rows,)
        batch : int
        factors : ndarray (updates,)
            The schedule's factor for each update.
        pieces : list of (int, int)
            First and last but one update of each piece.
        """
        order = self._orders(1)[0]
        batch = min(self._loop.batch or order.size, order.size)
        updates = -(-order.size // batch)
        factors = self._factors(1, updates)
        entries = self.rows.values.size / max(self.rows.count, 1) * 2 if self.rows.csr else self.rows.X.shape[1]
        length = max(1, int(room // (self.theta.itemsize * (entries + self.rows.targets.shape[1] + 1) * batch)))
        length = min(length, _PIECE)
        return order, batch, factors, [(k, min(k + length, updates)) for k in range(0, updates, length)]

    @np.errstate(over="ignore", invalid="ignore")  # lanes that diverge are called by whoever adds the parts up
    def piece(self, order: NDArray[np.int64], batch: int, factors: Array, first: int, stop: int) -> NDArray[np.float64]:
        """Make some updates of an epoch and return their part of its loss for each lane, (lanes,); book nothing."""
        rows = order[first * batch : stop * batch].reshape(1, -1)
        trace = self._loop.run(self, rows, batch, factors[first:stop], into=self.trace(stop - first))
        # One by one, whatever the number of lanes: NumPy sums a single column in pairs.
        part: NDArray[np.float64] = trace[:, 0].cumsum()[-1:] if trace.shape[1] == 1 else trace.sum(axis=0)
        short = order.size % batch if stop * batch > order.size else 0
        if short:  # the last batch counts by its rows
            part = part - trace[-1] * ((batch - short) / batch)
        return part * (batch / order.size)

    def remember(self, losses: list[float]) -> None:
        """Take the epochs before this run into its curve, and into what calls it diverged."""
        self._curves.losses = [np.array([loss]) for loss in losses]
        for loss in losses:
            self._grown = self._grown + 1 if 0 < losses[0] < loss / GREW_FACTOR else 0

    @property
    def _one_order(self) -> bool:
        return self.order is None and (not self.settings.shuffle or self._loop.whole)

    def _orders(self, epochs: int) -> NDArray[np.int64]:
        count = self._loop.visited
        if self.order is not None:
            given = np.asarray(self.order(self.epoch))
            order = np.ascontiguousarray(given, dtype=np.int64).reshape(1, -1)
            whole = given.dtype.kind in "iu" and given.size > 0
            if not whole or order.min() < 0 or order.max() >= self.rows.count:
                raise SettingError(
                    "SETTING-ORDER", "order", f"must name rows 0 to {self.rows.count - 1} for epoch {self.epoch}"
                )
            return order
        if self._one_order:
            return np.arange(count, dtype=np.int64).reshape(1, -1)
        block = max(1, min(epochs, ROWS_PER_CALL // count))
        if block == 1:
            return self.streams.shuffled(self.root, self.epoch, count).reshape(1, -1)
        return np.stack([self.streams.shuffled(self.root, self.epoch + k, count) for k in range(block)])

    def _advance_block(self, orders: NDArray[np.int64], epochs: int, kept: Array | None) -> None:
        batch = min(self._loop.batch or orders.shape[1], orders.shape[1])
        per_epoch = -(-orders.shape[1] // batch)
        steps = epochs * per_epoch
        factors = self._factors(epochs, per_epoch)
        block = self.begin(orders, batch, factors)
        start = time.perf_counter()
        trace = self._loop.run(self, orders, batch, factors, into=self.trace(steps), kept=kept)
        self.seconds += time.perf_counter() - start
        norms = self._loop.norms

        made = round(self.t - block.t)
        finite = bool(np.isfinite(self.theta).all()) if self.model.lanes == 1 else True
        if made < steps or not finite:
            self._diverge(block, trace.copy(), norms, made)
            return
        self._keep(trace, norms, block)
        self._stop_growth(block, epochs)
        self._last_block = block

    def trace(self, steps: int) -> NDArray[np.float64]:
        """Return where the losses of updates are written to, (steps, lanes): the same place every time."""
        if self._trace.shape[0] < steps:  # pages that were touched before cost nothing; new ones, half a step
            self._trace = np.empty((steps, self.model.lanes))
        return self._trace[:steps]

    def begin(self, orders: NDArray[np.int64], batch: int, factors: Array, rows: Rows | None = None) -> Call:
        """Return updates that are about to be made from here, so that one can come back."""
        # Who comes back goes to the start of the last call or of the one before it: two places, in turns.
        self._starts.reverse()
        theta, state = self._starts[0] = self._starts[0] or (np.empty_like(self.theta), np.empty_like(self.state))
        theta[...], state[...] = self.theta, self.state
        return Call(self.copied_mean(), theta, state, self.t, orders, batch, factors, rows)

    def see(self, rows: Rows) -> None:
        """Learn from these rows from now on: a block of a stream."""
        self.rows = rows
        self._loop.see(rows)

    def _factors(self, epochs: int, per_epoch: int) -> Array:
        """Return the schedule's factor for each update of the next epochs."""
        steps, schedule = epochs * per_epoch, self.settings.schedule
        if schedule is not None:
            # A time has the same bits whether the epochs are run together or one by one.
            times = self.epoch + np.arange(epochs)[:, None] + np.arange(per_epoch) / per_epoch
            return schedule.over(self.settings.max_iter).factor(times.ravel())
        if self._ones.size < steps:
            self._ones = np.ones(steps)
        return self._ones[:steps]

    def _keep(self, trace: NDArray[np.float64], norms: NDArray[np.float64], block: Call) -> None:
        """Add epochs to the curves."""
        factors = None if self.settings.schedule is None else block.factors
        self.epoch += self._curves.add(trace, norms, factors, block.orders.shape[1], block.batch)

    # -- divergence

    def _diverge(self, block: Call, trace: NDArray[np.float64], norms: NDArray[np.float64], bad: int) -> None:
        """Go back to the last parameters whose loss was finite, and say what went first.

        ``bad`` is the index of the first update whose loss was not finite, or the number of all of them when the block
        left parameters that are not.
        """
        per_epoch = block.per_epoch
        quantity, layer, culprit = self.what_broke(block, bad)
        whole = culprit // per_epoch
        if whole < 0:  # the last epoch counted as whole, until its loss was seen
            self._take_back(1, per_epoch)
        self._keep(trace[: max(whole, 0) * per_epoch], norms, block)
        if self._stop_growth(block, max(whole, 0)):
            return
        self.call_diverged(quantity, layer, int(block.t) + culprit + 1)

    def call_diverged(self, quantity: str, layer: int | None, step: int) -> None:
        """End the run, which broke at an update of the epoch after those that count."""
        self.status = records.DIVERGED
        verb = "are" if quantity == "parameters" else "is"
        what = f"the {quantity} {verb} not finite at update {step}, in epoch {self.epoch + 1}"
        if isinstance(self.model, Network) and layer is not None:
            what += f", {'left' if quantity == 'loss' else 'first'} by {layers.named(self.model, layer)}"
        self.divergence = Divergence(self.epoch + 1, step, quantity, what, layer)

    def what_broke(self, block: Call, bad: int) -> tuple[str, int | None, int]:
        """Go back to the last parameters whose loss was finite; see :func:`thalweg.descent.retracing.what_broke`."""
        return retracing.what_broke(self, block, bad, self._last_block)

    def copied_mean(self) -> Mean | None:
        """Return a copy of the mean of the iterates, None where there is none."""
        return None if self.mean is None else self.mean.copy()

    def _take_back(self, epochs: int, per_epoch: int) -> None:
        """Strike the last epochs off the curves."""
        self._curves.take_back(epochs, per_epoch)
        self.epoch -= epochs

    def _stop_growth(self, block: Call, epochs: int) -> bool:
        """Call a run diverged whose loss stays far above its first value, finite as it may be.

        Of the last ``epochs``, made in ``block``, those after the call are taken back, so that it does not matter how
        many were run without looking up.
        """
        if self.model.lanes > 1 or not epochs:
            return False
        first = float(self.lane_curves[0][0])
        kept = len(self.lane_curves) - epochs
        for k in range(epochs):
            grown = first > 0 and float(self.lane_curves[kept + k][0]) > GREW_FACTOR * first
            self._grown = self._grown + 1 if grown else 0
            if self._grown == GREW_EPOCHS:
                retracing.rewind(self, block, (k + 1) * block.per_epoch)
                self._take_back(epochs - 1 - k, block.per_epoch)
                self.status = records.DIVERGED
                self.divergence = grew(self.epoch, int(self.t))
                return True
        return False


def _copied(name: str, given: object, dtype: str) -> Array:
    """Return a copy of real numbers in the dtype of the rows."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        what = f"must be an array of real numbers, is one of {array.dtype}"
        raise SettingError(f"SETTING-{name.upper()}", name, what)
    return np.array(array, dtype=dtype, order="C")


def grew(epoch: int, step: int) -> Divergence:
    """Return the account of a run whose loss stayed far above its first."""
    what = f"the loss was {GREW_FACTOR:g} times its first for {GREW_EPOCHS} epochs, to epoch {epoch}"
    return Divergence(epoch, step, "loss grew", what)
