"""One descent from start to stop: allocate, order, schedule, epochs, stop. Native work is in `engine.drivers`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import epochs as passes
from thalweg.descent import loops, retracing
from thalweg.descent import record as records
from thalweg.descent.averaging import Mean
from thalweg.descent.batches import Rows
from thalweg.descent.blocks import Blocks
from thalweg.descent.curves import Curves
from thalweg.descent.models import Model, check_rows
from thalweg.descent.orders import factors_of, one_for_all, orders_of
from thalweg.descent.record import Divergence, Record
from thalweg.descent.retracing import GREW_FACTOR, Call
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import SettingError
from thalweg.formulas.ranges import check_number

if TYPE_CHECKING:
    from thalweg.descent.digests import BlockDigests

Array = NDArray[Any]
Order = Callable[[int], Array]
Callback = Callable[["Run"], object]
Look = Callable[["Run", Array], object]

# Rows visited in one native call when nothing has to look at every epoch: the trace of so many updates stays in cache.
ROWS_PER_CALL = 1 << 16
# Bytes of parameters, one set for each epoch, that a native call leaves for somebody to look at.
_KEPT_PER_CALL = 1 << 22


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
        orders = orders_of(self, min(most, self._epochs_per_call(self._loop.visited)))
        if self.cursor or not self._epochs_per_call(orders.shape[1]):
            passes.over_order(self, orders[0], self._updates_per_call)
            return 1, self.parameters[None]
        made = min(most if one_for_all(self) else orders.shape[0], self._epochs_per_call(orders.shape[1]))
        kept = np.empty((made, self.theta.size), self.dtype) if keep and made > 1 else None
        self._advance_block(orders, made, kept)
        return made, self.parameters[None] if kept is None else kept

    def _epochs_per_call(self, rows: int) -> int:
        """Return how many epochs of so many rows make a native call; 0 where one is too long for it."""
        updates = -(-rows // min(self._loop.batch or rows, rows))
        return min(self._updates_per_call // updates, max(1, ROWS_PER_CALL // rows))

    def _advance_block(self, orders: NDArray[np.int64], epochs: int, kept: Array | None) -> None:
        batch = min(self._loop.batch or orders.shape[1], orders.shape[1])
        per_epoch = -(-orders.shape[1] // batch)
        steps = epochs * per_epoch
        factors = factors_of(self, epochs, per_epoch)
        block = self.begin(orders, batch, factors)
        start = time.perf_counter()
        trace = self._loop.run(self, orders, batch, factors, into=self.trace(steps), kept=kept)
        self.seconds += time.perf_counter() - start
        norms = self._loop.norms

        made = round(self.t - block.t)
        finite = bool(np.isfinite(self.theta).all()) if self.model.lanes == 1 else True
        if made < steps or not finite:
            retracing.diverge(self, block, trace.copy(), norms, made)
            return
        self._keep(trace, norms, block)
        retracing.stop_growth(self, block, epochs)
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

    def _keep(self, trace: NDArray[np.float64], norms: NDArray[np.float64], block: Call) -> None:
        """Add epochs to the curves."""
        factors = None if self.settings.schedule is None else block.factors
        self.epoch += self._curves.add(trace, norms, factors, block.orders.shape[1], block.batch)

    def _take_back(self, epochs: int, per_epoch: int) -> None:
        """Strike the last epochs off the curves."""
        self._curves.take_back(epochs, per_epoch)
        self.epoch -= epochs

    def copied_mean(self) -> Mean | None:
        """Return a copy of the mean of the iterates, None where there is none."""
        return None if self.mean is None else self.mean.copy()

    def remember(self, losses: list[float]) -> None:
        """Take the epochs before this run into its curve, and into what calls it diverged."""
        self._curves.losses = [np.array([loss]) for loss in losses]
        for loss in losses:
            self._grown = self._grown + 1 if 0 < losses[0] < loss / GREW_FACTOR else 0


def _copied(name: str, given: object, dtype: str) -> Array:
    """Return a copy of real numbers in the dtype of the rows."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        what = f"must be an array of real numbers, is one of {array.dtype}"
        raise SettingError(f"SETTING-{name.upper()}", name, what)
    return np.array(array, dtype=dtype, order="C")
