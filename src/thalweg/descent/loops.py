"""The native loops that a run can use, with their buffers: the general one, and one fused for single samples."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.averaging import step_weights
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network, hyper_table
from thalweg.descent.moments import moments_serve, second_moments
from thalweg.descent.passes import addresses, kernels_of

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]


# Multiplications of a native call, about: a quarter of a second. An interrupt is answered between two calls, and a
# checkpoint written. Calls copy parameters and memory, which is to be a hundredth of their work at most: a number that
# is copied takes as long as ten multiplications.
WORK_PER_CALL, CALL_PER_COPY = 1 << 29, 1000
# What a row takes besides, and a parameter in an update, for each of its numbers; and how many of a network's
# multiplications, which are matrix products, take as long as one of a linear model.
_ROW, _UPDATE, _PRODUCTS = 64, 4, 8
# Weights times rows of a batch from which a network is worth several threads.
LARGE = 1 << 20


class Loop(ABC):
    """Native updates for one run.

    Attributes
    ----------
    visited : int
        Rows in one epoch's order.
    batch : int or None
        Rows per update; None for as many as an order has.
    whole : bool
        Each update sees all rows, so that their order does not matter.
    gradient : ndarray
        Gradient of the last update; empty where the loop does not store it.
    norms : ndarray (updates, lanes) or (0, lanes), float64
        Norms of the gradients of the last call, where the settings ask for them.
    keeps : bool
        Whether a call of several epochs can keep the parameters after each.
    """

    visited: int
    batch: int | None
    whole: bool
    gradient: Array
    norms: NDArray[np.float64] = np.empty((0, 1))
    keeps = False

    def updates_per_call(self, run: Run) -> int:
        """Return how many updates a native call makes at most, so that no bit depends on who waits for its end."""
        if run.model.lanes > 1:
            return sys.maxsize  # whoever has them advance makes pieces of his own
        copied = run.theta.size * (1 + run.state.shape[0])
        most = max(WORK_PER_CALL, CALL_PER_COPY * copied)
        return max(1, int(most // self.cost(run, min(self.batch or self.visited, self.visited))))

    def cost(self, run: Run, batch: int) -> float:
        """Return how many multiplications an update with so many rows takes, about."""
        rows, size, (start, stop) = run.rows, run.theta.size, run.model.weights[0]
        entries = rows.values.size / max(rows.count, 1) if rows.csr else rows.X.shape[1]
        first = (stop - start) / max(rows.X.shape[1], 1) * entries
        row = first + (size - (stop - start)) / _PRODUCTS
        if isinstance(run.model, Network) and not rows.csr:
            row -= first * (1 - 1 / _PRODUCTS)
        return float(batch * (_ROW + row) + _UPDATE * size * (1 + run.state.shape[0]))

    def see(self, rows: Rows) -> None:  # noqa: B027 - most loops look at the rows of the run
        """Take the next rows of a stream."""

    @abstractmethod
    def run(
        self,
        run: Run,
        orders: NDArray[np.int64],
        batch: int,
        factors: Array,
        skip: int = 0,
        into: Array | None = None,
        kept: Array | None = None,
    ) -> NDArray[np.float64]:
        """Make ``factors.size`` updates, from the ``skip``-th of the block on, moving the run's theta, state and t.

        Parameters
        ----------
        run : Run
        orders : ndarray (epochs or 1, rows)
        batch : int
        factors : ndarray (updates,)
        skip : int
        into : ndarray (updates, lanes), optional
            Where the trace is written; a new array without it.
        kept : ndarray (epochs, model.size), optional
            Filled with theta after each epoch; given to a loop that :attr:`keeps` only.

        Returns
        -------
        ndarray (updates, lanes), float64
            Objective of each update, measured before it; nan from the first that was not finite.
        """


def choose(run: Run) -> Loop:
    """Return the fastest loop that does what the run asks for."""
    if fused_serves(run):
        return FusedLanes(run) if run.model.lanes > 1 else Fused(run)
    from thalweg.descent.lazy import serving  # it makes a loop, and knows what one is from here

    lazy = serving(run)
    if lazy is not None:
        return lazy
    return General(run, moments=moments_serve(run))


@final
class General(Loop):
    """Objective, penalty and update as separate kernels in one driver.

    With ``moments`` the objective is full-batch squared error from second moments computed once.
    """

    keeps = True

    def __init__(self, run: Run, *, moments: bool) -> None:
        from thalweg.engine import compile as compiler
        from thalweg.engine import drivers

        settings, model, rows, dtype = run.settings, run.model, run.rows, run.dtype
        rule = settings.optimizer
        self.visited = rows.count
        wanted = settings.update_rows
        self.batch = wanted if run.order is not None else min(wanted or rows.count, rows.count)
        random = isinstance(model, Network) and any(model.dropout)
        self.whole = self.batch == rows.count and not random
        self.rows = rows
        self.gradient = np.zeros_like(run.theta)
        self.hyper, self.groups = parameter_groups(run)
        self.rates = learning_rates(run)
        many = self.rates.size > 1
        self.columns = model.columns if many else 1
        update = compiler.update_kernel(rule, dtype, lanes=many)
        self.lanes = np.zeros((max(rule.lane_values, 1) if many else 1, self.rates.size), dtype)
        self.loss_hyper = hyper_table([settings.loss])[0]
        penalty = self._prepare_penalty(run)
        self.activation_hyper = hyper_table(model.activations)
        pieces = settings.accumulate > 1
        self.dropout = model.dropout_bounds()
        self.seed = np.uint64(run.streams.generator(run.root, run.streams.DROPOUT).integers(0, 2**63))
        work = second_moments(model, rows) if moments else np.zeros(0)
        if moments and np.isfinite(work).all():  # squares of what the rows hold may be more than a float does
            from thalweg.engine import linear

            objective = linear.objective("gram", dtype)
            self.work = work
            self.table = np.array([[model.size // model.columns, model.columns, 0]])
            # One "row" stands for all: the moments are means already.
            self.rows = Rows(rows.X[:0], rows.targets[:1], rows.weights[:0], rows.values, rows.indices, rows.indptr)
            self.visited = self.batch = self.laid_out = 1
        else:
            objective = model.objective(rows, (settings.batch_size if pieces else self.batch) or rows.count)
            self.laid_out = 0
        self.gathered = np.zeros(run.theta.size if pieces else 0, run.dtype)
        self.nothing_kept = np.zeros((0, run.theta.size), run.dtype)
        needed = {
            "gather": pieces,
            "measure": settings.gradient_norm,
            "clip": settings.clip_value or settings.clip_norm,
            "penalise": len(self.penalised),
            "settle": self.kink != drivers.SLOPE,
            "average": settings.average is not None,
        }
        parts = [drivers.part(name, dtype) if asked else None for name, asked in needed.items()]
        if random:
            from thalweg.engine.network import drawing

            parts.append(drawing(dtype))
        self.kernels = (objective, *kernels_of(model, settings.loss, dtype), update, *penalty, *parts)
        self.code = addresses(self.kernels)
        self.team = compiler.TEAM
        self.threads = 1
        if isinstance(model, Network) and model.size * (self.batch or rows.count) >= LARGE:
            from thalweg.engine.team import threads_allowed

            self.threads = run.threads or threads_allowed()
        if self.threads > 1:
            from thalweg.engine import shares
            from thalweg.engine.pointers import address

            self.pieces = shares.kernels(dtype)
            self.code[compiler.SHARE_PRODUCT :] = [address(kernel) for kernel in self.pieces]
        self.more = pieces or settings.gradient_norm or settings.average is not None
        self.driver = drivers.driver(dtype, more=self.more)  # compiled here, where no clock runs

    def _prepare_penalty(self, run: Run) -> list[Any]:
        """Lay out slices and numbers of the penalty; return its kernel and its proximal step, None where unused."""
        from thalweg.engine import compile as compiler
        from thalweg.engine import drivers
        from thalweg.formulas.rules import gradient_descent

        layers = zip(run.model.weights, run.settings.layer_penalties(len(run.model.weights)), strict=True)
        chosen = [(piece, p) for piece, p in layers if p is not None]
        self.penalised = np.array([piece for piece, _ in chosen], dtype=np.int64).reshape(-1, 2)
        self.penalty_hyper = hyper_table([p for _, p in chosen])
        self.kink = drivers.SLOPE
        self.before = np.zeros(0, run.dtype)
        if not chosen:
            return [None, None]
        formula = chosen[0][1]
        penalty = compiler.penalty_kernel(formula, run.dtype)
        if not formula.has_proximal:
            return [penalty, None]
        plain = run.settings.optimizer.fingerprint == gradient_descent.fingerprint
        self.kink = drivers.PROXIMAL if plain else drivers.ORTHANT
        self.before = np.zeros(run.theta.size, run.dtype)
        return [penalty, compiler.proximal_kernel(formula, run.dtype)]

    def see(self, rows: Rows) -> None:
        """See :meth:`Loop.see`."""
        self.rows = rows

    def cost(self, run: Run, batch: int) -> float:
        """See :meth:`Loop.cost`: of second moments, that of a product with them."""
        if self.rows.count < run.rows.count and self.visited == 1:
            return float(run.theta.size**2 / run.model.columns + _UPDATE * run.theta.size * (1 + run.state.shape[0]))
        return super().cost(run, batch)

    def run(
        self,
        run: Run,
        orders: NDArray[np.int64],
        batch: int,
        factors: Array,
        skip: int = 0,
        into: Array | None = None,
        kept: Array | None = None,
    ) -> NDArray[np.float64]:
        """See :meth:`Loop.run`."""
        if skip:
            per_epoch = -(-orders.shape[1] // batch)
            order = orders[(skip // per_epoch) % orders.shape[0]]
            first = (skip % per_epoch) * batch
            orders = np.ascontiguousarray(order[first : first + batch]).reshape(1, -1)
        rows, settings = self.rows, run.settings
        piece = settings.batch_size if settings.accumulate > 1 and settings.batch_size else batch
        if piece > self.laid_out:
            self.work = np.zeros(run.model.work_size(piece, csr=rows.csr), run.dtype)
            self.table = run.model.table(piece, csr=rows.csr)
            self.laid_out = piece
        trace = blank(factors.size, run.model.lanes, into)
        with self._helped() as self.code[self.team]:
            run.t = self.driver(
                self.code, rows.X, rows.values, rows.indices, rows.indptr, rows.targets, rows.weights,
                orders, batch, self.table, self.work, self.loss_hyper, self.activation_hyper, self.dropout, self.seed,
                run.theta, self.gradient, run.state, self.groups, self.hyper, self.rates, factors, self.lanes,
                self.penalised, self.penalty_hyper, self.kink, self.before,
                settings.clip_value or 0.0, settings.clip_norm or 0.0, self.columns,
                run.t, trace, np.zeros(2 * run.model.lanes + self.rates.size + 1),
                self.nothing_kept if kept is None else kept,
                self._more(run, piece, trace.shape) if self.more else None,
            )  # fmt: skip
        return trace

    def _more(self, run: Run, piece: int, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Return what the driver takes for accumulated batches, norms and means."""
        settings, mean = run.settings, run.mean
        self.norms = np.zeros(shape if settings.gradient_norm else (0, shape[1]))
        values = weights = np.zeros(0)
        if mean is not None and settings.average is not None:
            values, weights = mean.values, step_weights(settings.average, mean.since, run.t, shape[0])
        return piece, self.gathered, self.norms, values, weights

    def _helped(self) -> AbstractContextManager[int]:
        """Have other threads help for the time of a ``with`` block, where it is worth it."""
        if self.threads == 1:
            return nullcontext(0)
        from thalweg.engine.team import team

        return team().opened(self.threads)


class OneSample(Loop):
    """One sample a step on a linear model with one output: a loop of its own for the pair of rule and loss."""

    def __init__(self, run: Run) -> None:
        self.visited, self.batch, self.whole = run.rows.count, 1, run.rows.count == 1
        self.hyper, _ = parameter_groups(run)
        self.rates = learning_rates(run)
        self.loss_hyper = hyper_table([run.settings.loss])[0]
        self.gradient = np.zeros(0, run.dtype)
        self.kernel, self.rest = self._compiled(run)

    @abstractmethod
    def _compiled(self, run: Run) -> tuple[Any, tuple[int, ...]]:
        """Return the kernel, and what it takes after the trace."""

    def run(
        self,
        run: Run,
        orders: NDArray[np.int64],
        batch: int,
        factors: Array,
        skip: int = 0,
        into: Array | None = None,
        kept: Array | None = None,
    ) -> NDArray[np.float64]:
        """See :meth:`Loop.run`."""
        del batch, kept  # one row at a time, and nothing kept
        if skip:
            orders = orders.reshape(-1)[skip % orders.size :][:1].reshape(1, 1)
        if factors.size == 1:
            self._look(run, int(orders[0, 0]))
        trace = self._trace(run, factors.size, into)
        run.t = self.kernel(
            run.theta, run.state, self.hyper[0], self.rates, factors, self.loss_hyper,
            run.rows.X, run.rows.targets, orders, run.t, trace, *self.rest,
        )  # fmt: skip
        return trace

    def _look(self, run: Run, sample: int) -> None:
        """Do what is to be done before one update that is looked at by itself."""

    @abstractmethod
    def _trace(self, run: Run, steps: int, into: Array | None) -> Array:
        """Return what the kernel writes the losses to."""


@final
class Fused(OneSample):
    """With one lane."""

    def _compiled(self, run: Run) -> tuple[Any, tuple[int, ...]]:
        from thalweg.engine.fused import NEAR, WIDTH, fused_kernel

        settings = run.settings
        far = run.rows.X.nbytes > NEAR and (settings.shuffle or run.order is not None)
        kernel = fused_kernel(
            settings.optimizer,
            settings.loss,
            run.dtype,
            run.rows.X.shape[1],
            intercept=bool(run.model.intercepts),
            far=far,
        )
        return kernel, (WIDTH,)

    def _trace(self, run: Run, steps: int, into: Array | None) -> Array:
        del run
        return blank(steps, 1, into)

    def _look(self, run: Run, sample: int) -> None:
        """Compute the gradient at one sample, in NumPy: the kernel keeps none."""
        x, y = run.rows.X[sample : sample + 1], run.rows.targets[sample : sample + 1]
        with np.errstate(all="ignore"):
            slope = run.settings.loss.derivative(y, run.model.scores(run.theta, x))
            self.gradient = np.concatenate([(slope * x).ravel(), slope.ravel()])


@final
class FusedLanes(OneSample):
    """With many lanes."""

    def _compiled(self, run: Run) -> tuple[Any, tuple[int, ...]]:
        from thalweg.engine.fused_lanes import LANES, fused_lanes_kernel

        settings = run.settings
        kernel = fused_lanes_kernel(settings.optimizer, settings.loss, run.dtype, run.rows.X.shape[1])
        return kernel, (int(bool(run.model.intercepts)), LANES[run.dtype])

    def _trace(self, run: Run, steps: int, into: Array | None) -> Array:
        return np.empty((steps, run.model.lanes)) if into is None else into  # no lane ends the loop


def blank(steps: int, lanes: int, into: Array | None) -> NDArray[np.float64]:
    """Return a trace of nan."""
    if into is None:
        return np.full((steps, lanes), np.nan)
    into.fill(np.nan)
    return into


def fused_serves(run: Run) -> bool:
    """Whether :class:`Fused` does what the run asks for."""
    s, m, r = run.settings, run.model, run.rows
    plain = s.penalty is None and s.clip_value is None and s.clip_norm is None
    plain = plain and s.average is None and not s.gradient_norm
    groups = bool(s.optimizer.hyperparameters.get("weight_decay")) and bool(m.intercepts)
    one_output = isinstance(m, Linear) and m.n_outputs == 1 and (run.rates is None) == (m.lanes == 1)
    dense = not r.csr and r.weights.size == 0
    return one_output and dense and s.update_rows == 1 and plain and not groups and not s.loss.per_row


def learning_rates(run: Run) -> NDArray[np.float64]:
    """Return the learning rate, or one per column."""
    if run.rates is not None:
        return np.ascontiguousarray(run.rates, dtype=np.float64)
    return np.array([float(run.settings.optimizer.hyperparameters.get("learning_rate", 0.0))])


def parameter_groups(run: Run) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows of hyperparameters, and slices of theta with the row each takes: biases are exempt from weight_decay."""
    numbers = run.settings.optimizer.hyperparameters
    row = [float(v) for v in numbers.values()]
    if not numbers.get("weight_decay") or not run.model.intercepts:
        return np.array([row]), np.array([[0, run.model.size, 0]])
    exempt = [0.0 if name == "weight_decay" else float(v) for name, v in numbers.items()]
    first = run.model.intercepts[0][0]
    return np.array([row, exempt]), np.array([[0, first, 0], [first, run.model.size, 1]])
