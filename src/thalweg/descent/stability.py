"""The largest learning rate at which theory lets a linear model settle, and the column that makes it small.

Near its minimum the objective is a bowl. Along an eigenvector of its Hessian, with eigenvalue h, the gradient is h
times the distance, so that a rule whose step is linear in gradients and memory is a small matrix that multiplies
(distance, memory) at each update. The rate is stable while no eigenvalue of that matrix reaches 1 in size along the
steepest direction, h = L:

================  ==============================  ============================================================
rule              stable below                    roots, to lie inside the unit circle, of
================  ==============================  ============================================================
gradient_descent  2 / L                           x - (1 - rate L)
momentum          2 (1 + mu) / L                  x^2 - (1 + mu - rate L) x + mu
nesterov          2 (1 + mu) / ((1 + 2 mu) L)     x^2 - (1 + mu) (1 - rate L) x + mu (1 - rate L)
================  ==============================  ============================================================

The matrix is read off the rule's own formula, so that these three are examples: `ema_momentum`, `qhm`, `aggmo` and a
linear rule of the user's own have their limits too. Rules that divide by the size of gradients have none.

Batches make the gradient vary, in proportion to the distance, and the rates at which that variance feeds on itself are
smaller. See :func:`limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.curvature import Bend, Curvature, bend_of_loss, bend_of_penalty
from thalweg.descent.models import Linear, Model
from thalweg.descent.settings import layer_penalties
from thalweg.errors import SettingError
from thalweg.formulas.formula import Loss, Penalty, Rule

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: Share of the steepest direction from which on a column is named as its cause.
CAUSE = 0.5
#: A column is called large from so many times the median of the others.
LARGE = 3.0
# Rates that are tried, in units of one over the largest curvature: five in each factor of ten.
_TRIED = np.logspace(-6, 6, 61)


@final
@dataclass(frozen=True)
class Limit:
    """Where theory ends the rates of one rule.

    Attributes
    ----------
    name : str
        The rule.
    rate : float or None
        The largest stable learning rate, for the batches that were asked about; None where theory knows none, and
        `note` says why.
    full_batch : float or None
        The same for full batches; `rate` is never above it.
    eigenvalue : float
        The largest of the Hessian of the objective, or of a bound on it; nan where there is none.
    column : str
        The feature with the largest share of its eigenvector, or ``"intercept"``; empty where there is no eigenvalue.
    share : float
        Squared component of that column, from 0 to 1.
    size : float
        Root mean square of that column in units of the median of the other columns'; nan where it is the only one.
    exact : bool
        The Hessian is the same everywhere and every update sees it: below the rate the descent settles from any start,
        above it none does (but for starts without any part in the steepest direction).
    note : str
        How far the rate holds, in one sentence.
    columns : tuple of str
        The features with the largest shares, falling, at most three.
    bound : bool
        The Hessian is a bound, which the true one may never reach: larger rates may hold.
    """

    name: str
    rate: float | None
    full_batch: float | None
    eigenvalue: float
    column: str
    share: float
    size: float
    exact: bool
    note: str
    columns: tuple[str, ...] = ()
    bound: bool = False

    @property
    def sentence(self) -> str:
        """The limit in a sentence."""
        return f"{self._claim}{'; larger rates may hold' if self.bound else ''}."

    @property
    def message(self) -> str:
        """The limit, how far it holds, and its cause, in a few sentences."""
        return self.sentence if self.rate is None else f"{self._claim}: {self.note}. {self.cause}"

    @property
    def _claim(self) -> str:
        if self.rate is None:
            return f"Theory knows no largest stable rate of {self.name}: {self.note}"
        rate = f"{'' if self.exact else 'about '}{self.rate:.3g}"
        vouched = f"Theory vouches for {self.name} below {rate}"
        return vouched if self.bound else f"By theory {self.name} is stable below {rate}"

    @property
    def cause(self) -> str:
        """What makes the steepest direction steep, in a sentence; empty where there is no limit."""
        if self.rate is None:
            return ""
        share = f"{100 * self.share:.0f} % of the steepest direction"
        if self.share < CAUSE:
            named = ", ".join(f"{name!r:.60}" for name in self.columns)
            return f"No single column makes it small; the largest parts of the steepest direction have {named}."
        if self.column == "intercept":
            return f"The intercept carries {share}; no column makes it small."
        column = f"Column {self.column!r:.60}"
        if self.size >= LARGE:
            return (
                f"{column} has a scale {self.size:.3g} times the median column's and carries {share}: "
                f"standardise it, or keep the rate below {self.rate:.2g}."
            )
        return f"{column} carries {share}."


def limits(
    model: Model,
    rows: Rows,
    loss: Loss,
    penalty: Penalty | Sequence[Penalty | None] | None,
    batch_size: int | None,
    feature_names: Sequence[str],
    rules: Mapping[str, Rule],
) -> tuple[Limit, ...]:
    r"""Return the largest stable learning rates of the rules that theory can speak about.

    Parameters
    ----------
    model : Linear or Network
        For a network, whose curvature changes as it learns, nothing is returned.
    rows : Rows
        To learn from.
    loss : Loss
        Squared error has one Hessian everywhere. Other losses are bounded by their largest second derivative: log by
        1/4, softmax by 1/2, Huber by 1, squared hinge, modified Huber and squared epsilon-insensitive by 2. Poisson has
        no bound; absolute, quantile, epsilon-insensitive and hinge have no curvature.
    penalty : Penalty, sequence of one, or None
        The ridge part counts, the kink of l1 does not.
    batch_size : int or None
        None for the full batch.
    feature_names : sequence of str
        One per column of the rows.
    rules : mapping of str to Rule
        By the names that tables show, each with its own numbers; the learning rate is left aside.

    Returns
    -------
    tuple of Limit
        One for each rule that is linear in its gradients and has a learning rate, in the order given.

    Notes
    -----
    For full batches and squared error the limit is exact. For batches of b rows out of n, `rate` is an estimate from
    second moments: along the eigenvectors j of the Hessian, a unit of variance in the gradient leaves the variance
    :math:`G_j(\eta)` in theta, and variance :math:`s` in theta makes :math:`\frac{n - b}{b (n - 1)} K s` in the
    gradient, with :math:`K` from the fourth moments of the rows. The rate is the largest at which no eigenvalue of
    :math:`\frac{n - b}{b (n - 1)} \operatorname{diag}(G) K` reaches 1, and at which the same holds along each column by
    itself, where rare values show. Correlations between directions are left out.

    On diabetes, wine, breast_cancer and digits, standardised, in batches of 16 and 64, it was between 0.80 and 1.27
    times the rate at which runs of 100 epochs began to diverge. Where a few rows with very large values decide
    (Student's t with 3 degrees of freedom) it is cautious, 0.05 to 0.41 times: most runs never feel what the mean over
    runs does. For tables with more than :data:`thalweg.descent.curvature.NARROW` parameters per output only the
    columns are looked at, and `note` says so.

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods, section 2. Mulayoff and Michaeli
    (2024), Exact mean square linear stability analysis for SGD, Conference on Learning Theory, arXiv:2306.07850.

    Examples
    --------
    >>> from thalweg.formulas.losses import squared
    >>> from thalweg.formulas.rules import gradient_descent, momentum
    >>> rows = Rows.of([[1.0, 100.0], [-1.0, 100.0], [1.0, -100.0], [-1.0, -100.0]], [1.0, 2.0, 3.0, 4.0])
    >>> both = {"gradient_descent": gradient_descent, "momentum": momentum(momentum=0.5)}
    >>> found = limits(Linear(2), rows, squared, None, None, ["small", "large"], both)
    >>> [(limit.name, round(limit.rate, 7), limit.column) for limit in found]
    [('gradient_descent', 0.0002, 'large'), ('momentum', 0.0003, 'large')]
    """
    if not isinstance(model, Linear):
        return ()
    linear = {name: rule for name, rule in rules.items() if is_linear(rule)}
    if not linear:
        return ()
    bend, ridge = bend_of_loss(loss), bend_of_penalty(layer_penalties(penalty, 1)[0])
    for part in (bend, ridge):
        if part.most is None:
            return tuple(_none(name, part.why) for name in linear)
    try:
        curvature = Curvature.of(rows, bend=bend.most or 0.0, ridge=ridge.most or 0.0, intercept=model.fit_intercept)
    except OverflowError:
        return tuple(_none(name, "squares of the columns are more than a float holds") for name in linear)
    if curvature.eigenvalue == 0:
        return tuple(_none(name, "nothing bends: all columns are zero") for name in linear)
    batch = None if batch_size is None or batch_size >= rows.count else batch_size
    return tuple(
        _limit(name, rule, curvature, loss, bend, ridge, batch, rows.count, feature_names)
        for name, rule in linear.items()
    )


def _none(name: str, why: str) -> Limit:
    nan = float("nan")
    return Limit(name, None, None, nan, "", nan, nan, exact=False, note=why)


def _limit(
    name: str,
    rule: Rule,
    curvature: Curvature,
    loss: Loss,
    bend: Bend,
    ridge: Bend,
    batch: int | None,
    count: int,
    feature_names: Sequence[str],
) -> Limit:
    full = largest_stable_rate(rule, curvature.eigenvalue)
    shares = np.square(curvature.direction)
    names = [*map(str, feature_names), "intercept"]
    ranked = np.argsort(-shares, kind="stable")
    first = int(ranked[0])
    others = np.delete(curvature.sizes, first) if first < curvature.sizes.size else np.zeros(0)
    middle = float(np.median(others)) if others.size else 0.0
    rate, note = _for_batches(rule, full, curvature, batch, count)
    note = note or f"the largest curvature is {curvature.eigenvalue:.3g}"
    if not bend.constant:
        note = f"{note}, by a bound on the curvature of {loss.name}, so that larger rates may hold"
    if full is None:
        return _none(name, f"{rule.name} shrinks every distance at any rate that was tried")
    return Limit(
        name=name,
        rate=rate,
        full_batch=full,
        eigenvalue=curvature.eigenvalue,
        column=names[first],
        share=float(shares[first]),
        size=float(curvature.sizes[first]) / middle if middle > 0 else float("nan"),
        exact=bend.constant and ridge.constant and batch is None,
        note=note,
        columns=tuple(names[k] for k in ranked[:3]),
        bound=not bend.constant,
    )


def _for_batches(
    rule: Rule, full: float | None, curvature: Curvature, batch: int | None, count: int
) -> tuple[float | None, str]:
    """Return the limit for batches, and what to say about it; an empty text for full batches."""
    if batch is None or full is None:
        return full, ""
    rows = f"{batch} row{'s' * (batch > 1)}"
    share = (count - batch) / (batch * (count - 1))
    moves = curvature.columns[0] > 0
    along, varies = curvature.columns[:, moves]

    def settles(rate: float) -> bool:
        at_rate = rule(learning_rate=rate)
        if not np.all(share * _variance_gains(at_rate, along) * varies < 1):
            return False
        gains = np.sqrt(_variance_gains(at_rate, curvature.eigenvalues))
        if not np.isfinite(gains).all():
            return False
        return not gains.size or bool(share * np.linalg.eigvalsh(gains[:, None] * curvature.noise * gains)[-1] < 1)

    low = full
    while not settles(low / 2) and low > 1e-9 * full:
        low /= 2
    rate = _last(settles, low / 2, low, 1e-4) if not settles(full * (1 - 1e-9)) else full
    if not curvature.eigenvalues.size:
        return rate, f"for batches of {rows} an upper guide, from the columns one by one; {full:.3g} in full batches"
    return rate, f"estimated for batches of {rows}, from how the rows vary; {full:.3g} in full batches"


# -- a rule as a matrix


def is_linear(rule: Rule) -> bool:
    """Tell whether a step is linear in the gradient and the memory, the same at each update, and has a learning rate.

    Examples
    --------
    >>> from thalweg.formulas.rules import adam, aggmo
    >>> is_linear(aggmo), is_linear(adam)
    (True, False)
    """
    if not rule.has_learning_rate:
        return False
    keeps, takes = _response(rule)
    matrix = np.column_stack([keeps, takes])
    trials = np.random.default_rng(0).standard_normal((takes.size + 1, 16)) * np.logspace(-3, 3, 16)
    expected, largest = matrix @ trials, np.abs(matrix) @ np.abs(trials)
    for t in (1.0, 2.0, 1000.0):
        made = _stepped(rule, trials, t)
        if not (np.isfinite(made).all() and np.all(np.abs(made - expected) <= 1e-12 * largest + 1e-300)):
            return False
    return True


def _response(rule: Rule) -> tuple[Floats, Floats]:
    """Return what one step of a linear rule makes of (theta, *slots) and of the gradient.

    Returns
    -------
    keeps : ndarray (1 + slots, 1 + slots)
        New theta and slots from the old ones.
    takes : ndarray (1 + slots,)
        What they get of the gradient.
    """
    matrix = _stepped(rule, np.eye(2 + len(rule.slots)), 1.0)
    return matrix[:, :-1], matrix[:, -1]


def _stepped(rule: Rule, columns: Floats, t: float) -> Floats:
    """Make a step from each column of (theta, *slots, gradient); return (theta, *slots)."""
    theta, state = rule.step(columns[0], columns[-1], columns[1:-1], t)
    return np.vstack([theta[None], state])


def largest_stable_rate(rule: Rule, curvature: float) -> float | None:
    """Return the learning rate from which on a rule that is linear in its gradients leaves a bowl.

    Parameters
    ----------
    rule : Rule
    curvature : float > 0
        Second derivative of the bowl.

    Returns
    -------
    float or None
        None for a rule that is not linear, or stable at every rate up to a million over the curvature.

    Examples
    --------
    >>> from thalweg.formulas.rules import nesterov
    >>> round(largest_stable_rate(nesterov(momentum=0.5), 4.0), 12)
    0.375
    """

    def stable(rate: float) -> bool:
        closed, takes = _response(rule(learning_rate=rate))
        closed[:, 0] += curvature * takes
        return bool(np.abs(np.linalg.eigvals(closed)).max() < 1)

    if not is_linear(rule):
        return None
    before = None
    for rate in (_TRIED / curvature).tolist():
        try:
            if not stable(rate):
                return None if before is None else _last(stable, before, rate)
        except SettingError:  # beyond the range that the rule declares
            return None
        before = rate
    return None


def rate_below(rule: Rule, smoothness: float) -> float:
    """Return the learning rate at which a steady gradient moves theta by one over the smoothness at each update.

    For gradient descent that is the rate of theory, half of the largest stable one; momentum, which moves ten times as
    far for the same rate when it keeps nine tenths, gets a tenth of it. It is never more than half of the largest
    stable rate.

    Parameters
    ----------
    rule : Rule
        Linear in its gradients: see :func:`is_linear`.
    smoothness : float > 0
        See :func:`thalweg.descent.curvature.expected_smoothness`.

    Examples
    --------
    >>> from thalweg.formulas.rules import ema_momentum, gradient_descent, nesterov
    >>> [round(rate_below(rule, 4.0), 6) for rule in (gradient_descent, nesterov, ema_momentum)]
    [0.25, 0.025, 0.25]
    """
    keeps, takes = _response(rule(learning_rate=1.0))
    memory = np.linalg.solve(np.eye(takes.size - 1) - keeps[1:, 1:], takes[1:])
    gain = -float(keeps[0, 1:] @ memory + takes[0])
    stable = largest_stable_rate(rule, smoothness)
    rate = 1 / (gain * smoothness) if gain > 0 else np.inf
    return float(min(rate, np.inf if stable is None else stable / 2))


def _last(holds: Callable[[float], bool], low: float, high: float, close: float = 1e-12) -> float:
    """Return the largest number between two at which something holds, by halving until they are relatively close."""
    while high - low > close * high:
        middle = low + (high - low) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _variance_gains(rule: Rule, curvatures: Floats) -> Floats:
    """Return the variance of theta that each unit of variance in the gradient leaves, for each curvature.

    The second moments P of (theta, *slots) settle where P = M P M' + b b' for the matrix M of the rule in the bowl and
    what b it takes of the gradient; infinite where they do not.
    """
    keeps, takes = _response(rule)
    size = takes.size
    closed = np.repeat(keeps[None], curvatures.size, axis=0)
    closed[:, :, 0] += curvatures[:, None] * takes
    stable = np.abs(np.linalg.eigvals(closed)).max(axis=1) < 1
    twice = np.einsum("hij,hkl->hikjl", closed[stable], closed[stable]).reshape(-1, size * size, size * size)
    settled = np.linalg.solve(np.eye(size * size) - twice, np.outer(takes, takes).reshape(1, -1, 1))
    gains = np.full(curvatures.size, np.inf)
    gains[stable] = settled[:, 0, 0]
    return gains
