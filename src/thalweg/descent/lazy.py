"""Sparse rows: updates that touch only the columns which occur in a batch, and which runs can be made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.loops import Loop, blank, learning_rates, parameter_groups
from thalweg.descent.models import Linear, hyper_table
from thalweg.formulas.formula import Penalty, Rule
from thalweg.formulas.penalties import l1
from thalweg.formulas.rest import (
    AS_IT_IS,
    Factors,
    factors_at_rest,
    made_of_memory,
    number_of,
    numbers_of,
    pull_of,
)
from thalweg.formulas.rules import gradient_descent

if TYPE_CHECKING:
    from thalweg.descent.run import Run
    from thalweg.descent.settings import Settings

Array = NDArray[Any]

# What a row takes, and each of its entries: they stand anywhere in memory. See :meth:`Lazy.cost`.
_ROW, _ENTRY = 64, 8
# A factor outside these bounds is none that a scale can take up for long.
_SMALLEST, _LARGEST = 1e-3, 1.0


@final
class Lazy(Loop):
    """CSR rows on a linear model, under a rule that leaves or shrinks a coordinate without a gradient.

    An update costs what the entries of its rows do, whatever the width. Other rules move every weight in every update,
    so that an epoch costs updates times width: the general loop makes it. Moments that decay carry theta along,
    and the bits of k such updates are those of k updates made one after the other: to catch up with them when a column
    occurs again would be the same work later. The steps towards zero that plain gradient descent makes under l1 are one
    step of their sum: a weight catches up when its column occurs, and all do at the end of an epoch.

    Parameters
    ----------
    run : Run
    factors : tuple of ast.expr
        What happens to a weight without an entry; see :func:`resting`.
    pull : float
        The penalty is ``pull * w**2 / 2``; 0 for none.
    strength : float
        The penalty is ``strength * abs(w)``; 0 for none.
    """

    def __init__(self, run: Run, factors: Factors, pull: float, strength: float = 0.0) -> None:
        from thalweg.engine import compile as compiler
        from thalweg.engine import drivers
        from thalweg.engine.lazy import LEAST, lazy_driver, scattered_kernel
        from thalweg.engine.pointers import address

        settings, rows, model, dtype = run.settings, run.rows, run.model, run.dtype
        self.visited = rows.count
        self.batch = settings.batch_size
        self.whole = False
        self.pull, self.strength = pull, strength
        self.gradient = np.zeros_like(run.theta)
        self.hyper, _ = parameter_groups(run)
        self.rates = learning_rates(run)
        self.loss_hyper = hyper_table([settings.loss])[0]
        clipped = settings.clip_value or settings.clip_norm
        self.kernels = {
            compiler.LOSS: compiler.loss_kernel(settings.loss, dtype),
            compiler.UPDATE: scattered_kernel(settings.optimizer, factors, dtype, pulled=pull > 0),
            compiler.CLIP: drivers.part("clip", dtype) if clipped else None,
        }
        self.code = np.zeros(compiler.PLACES, np.int64)
        for place, kernel in self.kernels.items():
            self.code[place] = 0 if kernel is None else address(kernel)
        shared = any(not _is_one(factor) for factor in factors)
        self.least = LEAST[dtype] if shared else 0.0
        features = rows.X.shape[1]
        self.table = model.table(settings.batch_size or 1)
        self.touched, self.stamps = np.zeros(features, np.int32), np.zeros(features, np.int64)
        self.since = np.zeros(features if strength else 0, np.int64)
        self.intercepts = np.array([features], np.int32)
        self.work = np.zeros((2 * (settings.batch_size or 1) + features + 1) * model.columns, dtype)
        self.driver = lazy_driver(dtype)

    def cost(self, run: Run, batch: int) -> float:
        """See :meth:`Loop.cost`: each entry of the rows is looked for, read and written."""
        entries = run.rows.values.size / max(run.rows.count, 1)
        return float(batch * (_ROW + _ENTRY * entries * run.model.columns * (1 + run.state.shape[0])))

    def run(
        self,
        run: Run,
        orders: NDArray[np.int64],
        batch: int,
        factors: Array,
        skip: int = 0,
        into: Array | None = None,
        kept: Array | None = None,  # noqa: ARG002 - by no loop but the general one
    ) -> NDArray[np.float64]:
        """See :meth:`Loop.run`."""
        if skip:
            per_epoch = -(-orders.shape[1] // batch)
            order = orders[(skip // per_epoch) % orders.shape[0]]
            first = (skip % per_epoch) * batch
            orders = np.ascontiguousarray(order[first : first + batch]).reshape(1, -1)
        trace = blank(factors.size, 1, into)
        rows, settings = run.rows, run.settings
        weights = run.theta[: rows.X.shape[1] * run.model.columns]
        book = np.zeros((2 + -(-orders.shape[1] // batch) if self.strength else 0, 3))
        self.since.fill(0)
        squares = np.array([np.dot(weights, weights)], np.float64) if self.pull else np.zeros(1)
        self.stamps.fill(0)
        ones = np.ones(1 + run.state.shape[0])
        run.t = self.driver(
            self.code, rows.values, rows.indices, rows.indptr, rows.targets, rows.weights, orders, batch, self.table,
            run.theta, self.gradient, run.state, self.hyper, self.rates, factors, ones.copy(), ones, self.touched,
            self.stamps, self.work, self.intercepts, self.loss_hyper,
            settings.clip_value or 0.0, settings.clip_norm or 0.0, self.pull, squares, self.least,
            self.strength, book, self.since, run.t, trace, np.zeros(2),
        )  # fmt: skip
        return trace


def serving(run: Run) -> Lazy | None:
    """Return the loop where the run can be made of lazy updates, and where they pay."""
    settings, model, rows = run.settings, run.model, run.rows
    if not (isinstance(model, Linear) and rows.csr and model.lanes == 1 and run.rates is None):
        return None
    if settings.average is not None or settings.gradient_norm or settings.accumulate > 1:
        return None  # a mean of iterates moves all weights; norms and pieces are the general loop's
    batch = settings.batch_size
    if batch is None or 2 * batch * rows.values.size > rows.count * rows.X.shape[1]:
        return None  # half of the columns or more occur in a batch
    strength = _strength(settings)
    if strength is not None:
        return Lazy(run, (AS_IT_IS,), 0.0, strength)
    found = resting(settings)
    if found is None and made_of_memory(settings.optimizer) and _still(run):
        return Lazy(run, (AS_IT_IS,) * (1 + run.state.shape[0]), 0.0)
    return None if found is None else Lazy(run, *found)


def _still(run: Run) -> bool:
    """Whether theta is what the memory makes of it, and stays so until a gradient comes; take its zeros' signs then.

    A rule that makes theta of its memory alone forgets a theta that came from elsewhere at the first update, and makes
    another one of the same memory where its learning rate has changed.
    """
    settings = run.settings
    if settings.schedule is not None or settings.layer_penalties(1) != [None]:
        return False
    made, _ = settings.optimizer.step(run.theta, np.zeros_like(run.theta), run.state, run.t + 1)
    if not np.array_equal(made, run.theta):
        return False
    run.theta[...] = made
    return True


def resting(settings: Settings) -> tuple[Factors, float] | None:
    """Return what happens to weights without an entry, and the pull of the penalty; None where all have to be updated.

    Examples
    --------
    >>> from thalweg.descent.settings import Settings
    >>> from thalweg.formulas import losses, penalties, rules
    >>> resting(Settings(rules.gradient_descent, losses.log, penalties.l2(alpha=0.5)))[1]
    0.5
    >>> resting(Settings(rules.adam, losses.log)) is None
    True
    """
    (penalty,) = settings.layer_penalties(1)
    pull = _pull(penalty)
    if pull is None:
        return None
    factors = factors_at_rest(settings.optimizer, pulled=pull > 0)
    if factors is None or not all(_in_bounds(factor, settings, pull) for factor in factors):
        return None
    return factors, pull


def _pull(penalty: Penalty | None) -> float | None:
    if penalty is None:
        return 0.0
    return None if penalty.has_proximal else pull_of(penalty)


def _strength(settings: Settings) -> float | None:
    """Return the alpha of l1 where it is met by soft thresholds, as under plain gradient descent; else None."""
    (penalty,) = settings.layer_penalties(1)
    plain = settings.optimizer.fingerprint == gradient_descent.fingerprint
    if penalty is None or not plain or penalty.fingerprint != l1.fingerprint:
        return None
    return float(penalty.hyperparameters["alpha"])


def _is_one(factor: Any) -> bool:
    return getattr(factor, "value", None) == 1.0


def _in_bounds(factor: Any, settings: Settings, pull: float) -> bool:
    """Whether a factor can be kept in a scale, at every learning rate that the schedule comes to."""
    rule: Rule = settings.optimizer
    numbers = numbers_of(rule) | {"pull": pull}
    rates = np.array([numbers.get("learning_rate", 0.0)])
    if settings.schedule is not None:
        times = np.linspace(0.0, settings.max_iter, 1025)
        rates = rates * settings.schedule.over(settings.max_iter).factor(times)
    extremes = (float(np.min(rates)), float(np.max(rates)))
    return all(_SMALLEST <= number_of(factor, numbers | {"learning_rate": rate}) <= _LARGEST for rate in extremes)
