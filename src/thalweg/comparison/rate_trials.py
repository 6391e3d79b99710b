"""Trials of a range test: one seed holds rows out, orders the others, and trains at many rates side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: Each seed holds out another part of the rows, one in so many.
PARTS = 5
#: Rows that a loss is taken on, at most.
MOST_ROWS = 4096
#: Full batches are of so many rows at most, drawn once for each seed.
FULL_ROWS = 1 << 14
#: Multiplications that the whole test may take, about, before the budget of a rate is cut; and the least of updates.
WORK, LEAST_UPDATES = 3e10, 100
# Numbers that the lanes of one run may take, in parameters, memory and scratch: 256 MB in float64.
_CELLS = 1 << 25


@final
@dataclass(frozen=True)
class Budget:
    """How many updates a rate is given.

    Attributes
    ----------
    batch_size : int or None
        Rows per update; None for all of those that are not held out.
    updates, quarter, training : int
        Of the test, of its first quarter, of the training.
    """

    batch_size: int | None
    updates: int
    quarter: int
    training: int

    @classmethod
    def of(cls, model: Model, rows: Rows, settings: Settings, tried: int, updates: int | None) -> Budget:
        """Return the budget of a test.

        Parameters
        ----------
        model : Linear or Network
        rows : Rows
        settings : Settings
        tried : int
            Rates times seeds, about.
        updates : int or None
            None for as many as the training has, or as :data:`WORK` allows.
        """
        batch = settings.batch_size if settings.batch_size and settings.batch_size < rows.count else None
        training = settings.max_iter * (-(-rows.count // batch) if batch else 1)
        if updates is None:
            size = rows.values.size / rows.count * model.n_outputs if rows.csr else model.size
            # Forward, backward, and an update that costs as much as a few rows.
            each = 2 * (batch or min(rows.count, FULL_ROWS)) * size + 10 * model.size
            updates = max(LEAST_UPDATES, int(WORK / (each * tried)))
        updates = min(updates, training)
        return cls(batch, updates, max(1, updates // 4), training)


@final
class Trial:
    """One seed: rows held out, an order of the others, and the losses that rates leave.

    Attributes
    ----------
    start : ndarray (2,)
        Loss before any update on the rows held out, and on rows trained on.
    """

    def __init__(
        self, model: Model, rows: Rows, settings: Settings, budget: Budget, root: np.random.SeedSequence, seed: int
    ) -> None:
        from thalweg.engine import streams

        # Seeds that share a division of the rows hold out each a part of its own.
        division = streams.generator(root, streams.SPLIT, seed // PARTS).permutation(rows.count)
        first, last = (rows.count * (seed % PARTS + side) // PARTS for side in (0, 1))
        held = division[first : max(last, first + 1)]
        self.fit = np.concatenate([division[:first], division[max(last, first + 1) :]])
        if budget.batch_size is None:
            self.fit = self.fit[:FULL_ROWS]
        self.judges = [Judge(rows, settings.loss, np.sort(part[:MOST_ROWS])) for part in (held, self.fit)]
        self.root = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, streams.ORDER, seed))
        self.model, self.rows, self.budget = model, rows, budget
        whole = budget.updates == budget.training
        self.settings = replace(settings, schedule=settings.schedule if whole else None)
        generator = streams.generator(self.root, streams.INITIALISATION)
        start = model.initial(generator, rows.dtype)
        self.start = np.array([judge.losses(model, start)[0] for judge in self.judges])
        self.pieces = self._pieces(whole=whole)

    def _pieces(self, *, whole: bool) -> list[int]:
        """Return the updates of each piece: the epochs of the training, or a quarter of the test and the rest."""
        budget = self.budget
        if budget.batch_size is None:
            return [1] * budget.updates
        if not whole:
            rest = budget.updates - budget.quarter
            return [budget.quarter, rest] if rest else [budget.quarter]
        return [budget.updates // self.settings.max_iter] * self.settings.max_iter

    def _order(self, piece: int) -> NDArray[np.int64]:
        """Return the rows of a piece: all that are not held out, in new orders one after the other."""
        from thalweg.engine import streams

        if self.budget.batch_size is None:
            return self.fit
        wanted = self.pieces[piece] * self.budget.batch_size
        generator = streams.generator(self.root, streams.ORDER, piece)
        orders = [generator.permutation(self.fit) for _ in range(-(-wanted // self.fit.size))]
        return np.concatenate(orders)[:wanted]

    def losses(self, rates: Floats) -> Floats:
        """Train at several rates and return what they leave.

        Parameters
        ----------
        rates : ndarray (rates,)

        Returns
        -------
        ndarray (3, rates)
            Mean loss on the rows held out, after a quarter of the test and at its end; on rows trained on, at its end.
            Infinite where a run diverged.
        """
        if isinstance(self.model, Linear):
            outputs = self.model.n_outputs
            slots = len(self.settings.optimizer.slots)
            cells = 2 * (self.budget.batch_size or self.fit.size) * outputs + (6 + 2 * slots) * self.model.size
            groups = np.array_split(rates, -(-rates.size * cells // _CELLS))
            each = [(replace(self.model, lanes=group.size), np.repeat(group, outputs)) for group in groups]
            return np.hstack([self._trained(model, group, None) for model, group in each])
        rule = self.settings.optimizer
        return np.hstack([self._trained(self.model, None, rule(learning_rate=float(rate))) for rate in rates])

    def _trained(self, model: Model, rates: Floats | None, rule: Rule | None) -> Floats:
        settings = replace(self.settings, optimizer=rule or self.settings.optimizer)
        run = Run(model, self.rows, settings, rates=rates, random_state=self.root, order=self._order)
        quarter = 1 if self.budget.batch_size is not None else self.budget.quarter
        held, own = self.judges
        run.advance(min(quarter, len(self.pieces)))
        early = held.losses(model, run.theta)
        run.advance(len(self.pieces) - quarter)
        ends = np.stack([early, held.losses(model, run.theta), own.losses(model, run.theta)])
        # A run that was stopped keeps its last finite parameters, which it would not have kept.
        return np.full(ends.shape, np.inf) if run.ended() else ends


@final
class Judge:
    """Takes the mean loss of each lane on some rows, penalties apart."""

    def __init__(self, rows: Rows, loss: Loss, chosen: NDArray[np.int64]) -> None:
        self.loss, self.targets = loss, rows.targets[chosen].astype(np.float64)
        self.weights = rows.weights[chosen].astype(np.float64) if rows.weights.size else np.ones(chosen.size)
        if rows.csr:
            from scipy import sparse

            whole = sparse.csr_array((rows.values, rows.indices, rows.indptr), shape=(rows.count, rows.X.shape[1]))
            self.X: Any = whole[chosen]
        else:
            self.X = rows.X[chosen]

    @np.errstate(all="ignore")  # what is not finite is a loss of infinity
    def losses(self, model: Model, theta: Array) -> Floats:
        """Return the losses, (lanes,)."""
        scores = model.scores(theta, self.X).astype(np.float64)
        lanes = scores.reshape(len(scores), model.lanes, -1)
        found = np.empty(model.lanes)
        for k in range(model.lanes):
            values = self.loss.value(self.targets, np.ascontiguousarray(lanes[:, k]))
            found[k] = self.weights @ values.reshape(len(scores), -1).sum(axis=1) / (self.weights.sum() or 1.0)
        return np.where(np.isfinite(found), found, np.inf)
