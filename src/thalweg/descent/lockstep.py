"""Many rules at many learning rates in lockstep: the rows of a table pass by once, and every lane learns from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent import record as records
from thalweg.descent.batches import Rows
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.models import Linear
from thalweg.descent.orders import factors_of, orders_of
from thalweg.descent.record import Record
from thalweg.descent.retracing import GREW_EPOCHS, GREW_FACTOR, grew
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError
from thalweg.formulas.formula import Rule

Array = NDArray[Any]

# Bytes of rows that all groups learn from before the next rows come: they stay in the second cache meanwhile.
_CHUNK = 1 << 18
# Updates in a piece at most: the trace of many lanes stays in cache. It does not depend on how many there are, or the
# sums of their losses would.
_PIECE = 512


@final
@dataclass(frozen=True)
class Lane:
    """What a lane leaves: the record that the run alone would leave, its last finite parameters, its losses.

    Attributes
    ----------
    record : Record
    theta : ndarray (model.size,)
    losses : tuple of float
        Mean loss on the evaluated rows: before the first epoch, and after each.
    """

    record: Record
    theta: Array
    losses: tuple[float, ...]


@final
class Lockstep:
    """Train every rule given, each in a lane of its own, from one start in one order of the rows.

    The rows pass once an epoch, in pieces that fit into the cache; each piece goes through all rules before the next
    is touched. The lanes of one rule that differ in nothing but the learning rate are columns of one matrix: one
    product for all, one update. A lane whose numbers stop being finite is taken out at the end of its epoch and that
    epoch is made again alone, to say what went first; the others never notice.

    Parameters
    ----------
    model : Linear
        With one lane.
    rows : Rows
    settings : Settings
        What all lanes share; its optimizer counts for nothing. Stops before ``max_iter`` are refused: a lane that
        stopped early would have had a smaller budget.
    rules : sequence of Rule
        One for each lane, with its learning rate.
    random_state : int
        Of the orders, as in :class:`~thalweg.descent.run.Run`.
    judged : Rows, optional
        Rows whose mean loss is taken before the first epoch and after each; the training rows without.

    Raises
    ------
    SettingError
        SETTING-LANES: a model with lanes already, or settings that stop early or average iterates.

    Examples
    --------
    >>> from thalweg.formulas.losses import squared
    >>> from thalweg.formulas.rules import adam, gradient_descent
    >>> rows = Rows.of([[1.0], [-1.0]], [3.0, -3.0])
    >>> settings = Settings(adam, squared, batch_size=1, max_iter=40)
    >>> rules = [gradient_descent(learning_rate=0.5), gradient_descent(learning_rate=5.0), adam(learning_rate=0.5)]
    >>> [lane.record.status for lane in Lockstep(Linear(1), rows, settings, rules, 0).descend()]
    ['finished', 'diverged', 'finished']
    """

    def __init__(
        self,
        model: Linear,
        rows: Rows,
        settings: Settings,
        rules: Sequence[Rule],
        random_state: int,
        judged: Rows | None = None,
    ) -> None:
        if model.lanes != 1:
            raise SettingError("SETTING-LANES", "model", f"must have one lane, has {model.lanes}")
        for name in ("tol", "target_loss", "time_limit"):
            if getattr(settings, name) is not None:
                raise SettingError("SETTING-LANES", name, "lanes have one budget; none may stop before max_iter")
        if settings.average is not None:
            raise SettingError("SETTING-LANES", "average", "lanes hand out their last iterates", "Run each alone.")
        self.model, self.rows, self.settings, self.random_state = model, rows, settings, random_state
        self.judged = rows if judged is None else judged
        self.rules = tuple(rules)
        self.epoch = 0
        self.seconds = 0.0
        self._ended: dict[int, Lane] = {}
        self._alone: dict[int, tuple[Run, list[float]]] = {}
        self._judge_one = Evaluation(model, self.judged, settings.loss)
        self._groups = [_Group(self, members) for members in _alike(self.rules)]

    @property
    def alive(self) -> int:
        """Lanes that are still learning."""
        return len(self.rules) - len(self._ended)

    def lowest(self) -> tuple[float, int]:
        """Return the lowest loss on the judged rows so far, and its lane."""
        last = [
            (float(value), k)
            for group in self._groups
            for value, k in zip(group.losses[-1], group.members, strict=True)
        ]
        return min([*last, (np.inf, -1)], key=lambda pair: (not np.isfinite(pair[0]), pair))

    def descend(
        self, watch: Callable[[Lockstep], object] | None = None, halted: Callable[[], bool] = lambda: False
    ) -> list[Lane]:
        """Train all lanes to the end.

        Parameters
        ----------
        watch : callable, optional
            Called after every epoch; a true answer stops all lanes.
        halted : callable
            Asked between pieces of an epoch; a true answer ends all lanes at once, inside an epoch: their numbers are
            of no use then, only their status, ``"stopped"``.

        Returns
        -------
        list of Lane
            In the order of ``rules``.
        """
        status = records.FINISHED
        while self.epoch < self.settings.max_iter and self.alive:
            self._advance(halted)
            if halted() or (watch is not None and watch(self)):
                status = records.STOPPED
                break
        for group in self._groups:
            for k in range(len(group.members)):
                self._ended[group.members[k]] = group.lane(k, status)
        for member, (run, losses) in self._alone.items():
            run.status = run.status or status
            self._ended[member] = Lane(run.record(), run.theta, tuple(losses))
        return [self._ended[k] for k in range(len(self.rules))]

    def _advance(self, halted: Callable[[], bool]) -> None:
        """Make one epoch of all lanes."""
        start = time.perf_counter()
        for group in self._groups:
            group.begin()
        if self._groups:
            order, batch, factors, pieces = self._groups[0].layout()
            for first, stop in pieces:
                if halted():
                    return
                for group in self._groups:
                    group.learn(order, batch, factors, first, stop)
        self.epoch += 1
        for group in self._groups:
            for member, run, curve in group.close():
                self._take_out(member, run, curve)
        for member, (run, losses) in list(self._alone.items()):
            self._advance_alone(run, losses)
            self._end_if_diverged(member, run, losses)
        self._groups = [group for group in self._groups if group.members]
        self.seconds += time.perf_counter() - start

    def _take_out(self, member: int, run: Run, losses: list[float]) -> None:
        """Make the last epochs of a lane again alone."""
        while not run.ended() and run.epoch < self.epoch:
            self._advance_alone(run, losses)
        self._alone[member] = (run, losses)
        self._end_if_diverged(member, run, losses)

    def _advance_alone(self, run: Run, losses: list[float]) -> None:
        run.advance(1)
        if run.epoch == len(losses):  # not where it left the finite numbers on the way
            losses.append(float(self._judge_one(run.theta)[0]))

    def _end_if_diverged(self, member: int, run: Run, losses: list[float]) -> None:
        if run.ended():
            del self._alone[member]
            self._ended[member] = Lane(run.record(), run.theta, tuple(losses[: run.epoch + 1]))


class _Group:
    """The lanes of one rule that differ in their learning rates alone."""

    def __init__(self, whole: Lockstep, members: list[int]) -> None:
        self.whole, self.members = whole, members
        self.rule = whole.rules[members[0]]
        self.outputs = whole.model.n_outputs
        self.curve: list[NDArray[np.float64]] = []
        self.grown = np.zeros(len(members), np.int64)
        self._start(None)
        self.losses = [self.judge(self.run.theta)]
        self.before: list[tuple[Array, Array, float]] = []

    def _start(self, old: Run | None, kept: Sequence[int] = ()) -> None:
        """Set up the run of all lanes; from an old one, that of the lanes that are kept."""
        whole = self.whole
        told: dict[str, Any] = {"random_state": whole.random_state}
        rule = self.rule
        if len(self.members) > 1:
            told["rates"] = np.repeat(
                [whole.rules[k].hyperparameters["learning_rate"] for k in self.members], self.outputs
            )
        else:
            rule = whole.rules[self.members[0]]
        if old is not None:
            state = self._slots(old.state, kept)
            told |= {"theta": self._columns(old.theta, kept), "state": state, "t": old.t, "epoch": old.epoch}
        model = replace(whole.model, lanes=len(self.members))
        self.run = Run(model, whole.rows, replace(whole.settings, optimizer=rule), **told)
        self.judge = Evaluation(model, whole.judged, whole.settings.loss)

    def _columns(self, flat: Array, lanes: Sequence[int]) -> Array:
        """Return some lanes of parameters or of a slot, flat."""
        rows = self.whole.model.size // self.outputs
        return np.ascontiguousarray(flat.reshape(rows, -1, self.outputs)[:, list(lanes)]).ravel()

    def _slots(self, state: Array, lanes: Sequence[int]) -> Array:
        size = self.whole.model.size * len(lanes)
        return np.array([self._columns(slot, lanes) for slot in state], state.dtype).reshape(len(state), size)

    def layout(self) -> tuple[NDArray[np.int64], int, Array, list[tuple[int, int]]]:
        """Return this epoch's order, its batch, the schedule's factors, and its pieces in updates."""
        return epoch_layout(self.run, _CHUNK)

    def begin(self) -> None:
        """Keep what two epochs began with."""
        self.before = [*self.before[-1:], (self.run.theta.copy(), self.run.state.copy(), self.run.t)]
        self.sums = np.zeros(len(self.members))

    def learn(self, order: NDArray[np.int64], batch: int, factors: Array, first: int, stop: int) -> None:
        """Make the updates ``first`` to ``stop`` of the epoch."""
        self.sums += piece(self.run, order, batch, factors, first, stop)

    def close(self) -> list[tuple[int, Run, list[float]]]:
        """End the epoch: book its losses, and hand over the lanes that are not to go on, as runs alone."""
        self.run.epoch += 1
        self.curve.append(self.sums)
        self.losses.append(self.judge(self.run.theta))
        cells = self.run.theta.reshape(-1, len(self.members), self.outputs)
        finite = np.isfinite(self.sums) & np.isfinite(cells).all(axis=(0, 2))
        first = self.curve[0]
        with np.errstate(invalid="ignore", over="ignore"):
            self.grown = np.where((first > 0) & (self.sums > GREW_FACTOR * first), self.grown + 1, 0)
        lost = finite & (self.grown >= GREW_EPOCHS)
        handed = [
            (self.members[k], self._before(k), self._losses(k)[: self.run.epoch - len(self.before) + 1])
            for k in np.flatnonzero(~finite).tolist()
        ]
        for k in np.flatnonzero(lost).tolist():
            self.whole._ended[self.members[k]] = self.lane(k, records.DIVERGED)
        kept = np.flatnonzero(finite & ~lost).tolist()
        if len(kept) < len(self.members):
            self._keep(kept)
        return handed

    def _keep(self, kept: list[int]) -> None:
        """Go on with some of the lanes."""
        old = self.run
        cut = [(self._columns(theta, kept), self._slots(state, kept), t) for theta, state, t in self.before]
        self.members = [self.members[k] for k in kept]
        self.curve = [losses[kept] for losses in self.curve]
        self.losses = [losses[kept] for losses in self.losses]
        self.grown, self.before = self.grown[kept], cut
        if kept:
            self._start(old, kept)

    def _losses(self, k: int) -> list[float]:
        return [float(losses[k]) for losses in self.losses]

    def _before(self, k: int) -> Run:
        """Return the lane alone as it was before the last epoch but one: what broke it may lie there."""
        theta, state, t = self.before[0]
        whole, epoch = self.whole, self.run.epoch - len(self.before)
        settings = replace(whole.settings, optimizer=whole.rules[self.members[k]])
        run = Run(
            whole.model, whole.rows, settings, theta=self._columns(theta, [k]), state=self._slots(state, [k]), t=t,
            epoch=epoch, random_state=whole.random_state,
        )  # fmt: skip
        run.remember([float(losses[k]) for losses in self.curve[:epoch]])
        return run

    def lane(self, k: int, status: str) -> Lane:
        """Return what lane ``k`` leaves when it ends now."""
        whole, run = self.whole, self.run
        settings = replace(whole.settings, optimizer=whole.rules[self.members[k]])
        told = settings.as_dict() | {"dtype": run.dtype, "entropy": str(run.root.entropy)}
        divergence = None
        if status == records.DIVERGED:
            divergence = grew(run.epoch, int(run.t))
        record = Record(
            status=status,
            epochs=run.epoch,
            steps=int(run.t),
            loss_curve=[float(losses[k]) for losses in self.curve],
            settings=told,
            divergence=divergence,
            seconds=whole.seconds / len(whole.rules),
            machine=records.machine_information(),
        )
        return Lane(record, self._columns(run.theta, [k]), tuple(self._losses(k)))


def _alike(rules: Sequence[Rule]) -> list[list[int]]:
    """Group the positions of rules that differ in their learning rates alone."""
    groups: dict[Any, list[int]] = {}
    for k, rule in enumerate(rules):
        numbers = tuple((name, value) for name, value in rule.hyperparameters.items() if name != "learning_rate")
        key = (rule.fingerprint, numbers) if rule.has_learning_rate else ("alone", k)
        groups.setdefault(key, []).append(k)
    return list(groups.values())


def epoch_layout(run: Run, room: int) -> tuple[NDArray[np.int64], int, Array, list[tuple[int, int]]]:
    """Lay the next epoch of a run out for :func:`piece`.

    Parameters
    ----------
    run : Run
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
    order = orders_of(run, 1)[0]
    batch = min(run._loop.batch or order.size, order.size)
    updates = -(-order.size // batch)
    factors = factors_of(run, 1, updates)
    entries = run.rows.values.size / max(run.rows.count, 1) * 2 if run.rows.csr else run.rows.X.shape[1]
    length = max(1, int(room // (run.theta.itemsize * (entries + run.rows.targets.shape[1] + 1) * batch)))
    length = min(length, _PIECE)
    return order, batch, factors, [(k, min(k + length, updates)) for k in range(0, updates, length)]


@np.errstate(over="ignore", invalid="ignore")  # lanes that diverge are called by whoever adds the parts up
def piece(run: Run, order: NDArray[np.int64], batch: int, factors: Array, first: int, stop: int) -> NDArray[np.float64]:
    """Make some updates of an epoch and return their part of its loss for each lane, (lanes,); book nothing."""
    rows = order[first * batch : stop * batch].reshape(1, -1)
    trace = run._loop.run(run, rows, batch, factors[first:stop], into=run.trace(stop - first))
    # One by one, whatever the number of lanes: NumPy sums a single column in pairs.
    part: NDArray[np.float64] = trace[:, 0].cumsum()[-1:] if trace.shape[1] == 1 else trace.sum(axis=0)
    short = order.size % batch if stop * batch > order.size else 0
    if short:  # the last batch counts by its rows
        part = part - trace[-1] * ((batch - short) / batch)
    return part * (batch / order.size)
