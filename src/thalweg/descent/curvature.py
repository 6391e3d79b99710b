"""How steeply the objective of a linear model bends: the Hessian of the mean loss, or a bound on it.

The rows are read in blocks and in float64, dense or CSR, so that a memory map is never in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.formulas import losses, penalties
from thalweg.formulas.formula import Loss, Penalty
from thalweg.formulas.kinds.loss import TRUTHS

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: Parameters per output up to which all second moments are formed, in one pass; beyond, Lanczos' iteration makes a pass
#: for each of its steps.
NARROW = 256
#: Relative accuracy of the largest eigenvalue where it is found by iteration.
TOLERANCE = 1e-6
#: Rows that are looked at to find a rate, at most.
ROWS = 1 << 16
_CELLS_PER_BLOCK = 1 << 21

# Largest second derivative in the score, of losses that have one. Softmax: Boehning (1992), Multinomial logistic
# regression algorithm, Annals of the Institute of Statistical Mathematics 44, 197-200: the matrix diag(p) - pp' is at
# most half of the identity.
_BENDS = {
    losses.squared: 1.0,
    losses.huber: 1.0,
    losses.squared_epsilon_insensitive: 2.0,
    losses.log: 0.25,
    losses.softmax: 0.5,
    losses.squared_hinge: 2.0,
    losses.modified_huber: 2.0,
}
_STRAIGHT = (losses.absolute, losses.quantile, losses.epsilon_insensitive, losses.hinge)


@final
@dataclass(frozen=True)
class Bend:
    """How large the second derivative of a loss, or of a penalty, can be.

    Attributes
    ----------
    most : float or None
        None where there is no bound that says anything about stability.
    constant : bool
        It is the same everywhere.
    why : str
        What to say where there is no bound; empty otherwise.
    """

    most: float | None
    constant: bool
    why: str = ""


def bend_of_loss(loss: Loss) -> Bend:
    """Return the bound on the second derivative of a loss in its score.

    A loss of the user's own counts as a parabola where its derivative is a straight line through 38 scores from -1e6 to
    1e6; of any other no bound is guessed.

    Examples
    --------
    >>> bend_of_loss(losses.log).most
    0.25
    """
    for known, most in _BENDS.items():
        if loss.fingerprint == known.fingerprint:
            return Bend(most, constant=known is losses.squared)
    if any(loss.fingerprint == known.fingerprint for known in _STRAIGHT):
        return Bend(
            None, constant=False, why=f"{loss.name} is straight but for a kink: it has no curvature to overshoot"
        )
    if loss.fingerprint == losses.poisson.fingerprint:
        return Bend(None, constant=False, why="the curvature of poisson grows with the score, without bound")
    slope = None if loss.per_row else _slope_of_derivative(loss)
    if slope is None:
        return Bend(None, constant=False, why=f"no bound on the curvature of {loss.name} is known")
    return Bend(slope, constant=True)


def _slope_of_derivative(loss: Loss) -> float | None:
    """Return the slope of a derivative that is a straight, rising line; None where it is not."""
    size = np.logspace(-3, 6, 19)
    z = np.concatenate([-size, size])
    found = []
    for truth in TRUTHS[loss.target]:
        rise = loss.derivative(np.full(z.shape, truth), z) - loss.derivative(np.full(1, truth), np.zeros(1))
        found.append(np.asarray(rise / z))
    slopes = np.concatenate(found)
    slope = float(slopes[-1])  # at the largest score, where rounding matters least
    same = np.isfinite(slopes).all() and float(np.ptp(slopes)) <= 1e-9 * slope
    return slope if same and slope > 0 else None


def bend_of_penalty(penalty: Penalty | None) -> Bend:
    """Return the bound on the second derivative of a penalty in a weight; the kink of l1 is not counted.

    Examples
    --------
    >>> bend_of_penalty(penalties.elastic_net(alpha=1.0, l1_ratio=0.25)).most
    0.75
    """
    if penalty is None:
        return Bend(0.0, constant=True)
    if penalty.fingerprint == penalties.l2.fingerprint:
        return Bend(float(penalty.alpha), constant=True)
    if penalty.fingerprint == penalties.l1.fingerprint:
        return Bend(0.0, constant=False)
    if penalty.fingerprint == penalties.elastic_net.fingerprint:
        return Bend(float(penalty.alpha) * (1 - float(penalty.l1_ratio)), constant=False)
    return Bend(None, constant=False, why=f"no bound on the curvature of the penalty {penalty.name} is known")


@final
@dataclass(frozen=True)
class Curvature:
    """The Hessian of one output's weights, or the bound on it, seen from its steepest direction.

    Attributes
    ----------
    eigenvalue : float
        The largest; 0 where nothing bends.
    direction : ndarray (features + intercept,)
        Its eigenvector, of length 1; the intercept is last.
    sizes : ndarray (features,)
        Root of the mean square of each column, in its own units.
    eigenvalues : ndarray (directions,)
        All that are not zero, rising; empty for wide tables.
    noise : ndarray (directions, directions)
        How the second moments of the directions of theta make the gradient of a single row vary: the variance of
        direction j is the sum over k of ``noise[j, k]`` times the second moment of k; empty for wide tables.
    columns : ndarray (2, features)
        The same along each column by itself: curvature, and noise.
    """

    eigenvalue: float
    direction: Floats
    sizes: Floats
    eigenvalues: Floats
    noise: Floats
    columns: Floats

    @classmethod
    def of(cls, rows: Rows, *, bend: float, ridge: float, intercept: bool) -> Curvature:
        """Measure the curvature.

        Parameters
        ----------
        rows : Rows
        bend : float
            Second derivative of the loss in the score.
        ridge : float
            Second derivative of the penalty in a weight; intercepts are exempt.
        intercept : bool

        Raises
        ------
        OverflowError
            Squares of the features are more than a float holds.
        """
        features = rows.X.shape[1]
        size = features + int(intercept)
        exempt = np.full(size, ridge)
        exempt[features:] = 0.0
        none: Floats = np.zeros(0)
        with np.errstate(over="ignore", invalid="ignore"):
            squares, fourths = _mean_powers(rows)
            if not (np.isfinite(squares).all() and np.isfinite(bend * squares.sum())):
                raise OverflowError
            sizes = np.sqrt(squares)
            columns = np.stack([bend * squares + ridge, np.maximum(bend**2 * (fourths - squares**2), 0.0)])
            if size > NARROW:
                value, direction = _steepest(rows, bend, exempt, intercept=intercept)
                return cls(value, direction, sizes, none, np.zeros((0, 0)), columns)
            gram = bend * _second_moments(rows, intercept=intercept)
            if not np.isfinite(gram).all():
                raise OverflowError
        values, directions = np.linalg.eigh(gram + np.diag(exempt))
        steep = values > values[-1] * 1e-12  # others are rounding: nothing moves along them
        axes = directions[:, steep]
        noise = bend**2 * _fourth_moments(rows, axes, intercept=intercept) - (axes.T @ gram @ axes) ** 2
        noise = np.maximum(noise, 0.0)
        return cls(float(max(values[-1], 0.0)), directions[:, -1], sizes, values[steep], noise, columns)


def expected_smoothness(
    rows: Rows, *, bend: float, ridge: float = 0.0, intercept: bool = True, batch_size: int | None = None
) -> float:
    r"""Return how steeply the loss on a batch bends, in the mean over batches: what a rate has to stay below.

    .. math:: L(b) = \frac{n (b - 1)}{b (n - 1)} \lambda + \frac{n - b}{b (n - 1)} \rho

    for batches of b rows out of n, the largest eigenvalue :math:`\lambda` of the Hessian, and, where the reference has
    the largest curvature of a single row, the mean of those curvatures weighted by themselves, :math:`\rho`: a few long
    rows count by how often they come.

    Parameters
    ----------
    rows : Rows
        Of more than :data:`ROWS`, so many are looked at, evenly spread.
    bend, ridge : float
        Second derivatives of the loss in the score and of the penalty in a weight.
    intercept : bool
        Whether the model has one.
    batch_size : int or None
        None for full batches.

    Raises
    ------
    OverflowError
        Squares of the features are more than a float holds.

    References
    ----------
    Gower, Loizou, Qian, Sailanbayev, Shulgin and Richtarik (2019), SGD: General analysis and improved rates,
    International Conference on Machine Learning, Proposition 3.8.

    Examples
    --------
    >>> rows = Rows.of([[1.0, 10.0], [-1.0, 10.0], [1.0, -10.0], [-1.0, -10.0]], [1.0, 2.0, 3.0, 4.0])
    >>> expected_smoothness(rows, bend=1.0), expected_smoothness(rows, bend=1.0, batch_size=1)
    (100.0, 102.0)
    """
    n = rows.count
    looked = rows
    if n > ROWS:
        which = np.arange(0, n, -(-n // ROWS))
        weights = rows.weights[which] if rows.weights.size else None
        looked = Rows.of(rows.some(which), rows.targets[which], weights, rows.dtype)
    size = rows.X.shape[1] + int(intercept)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths, squares = 0.0, 0.0
        for x, weights in _blocks(looked, intercept=intercept):
            length = weights * np.asarray((x.power(2) if looked.csr else x * x).sum(axis=1)).ravel()
            lengths, squares = lengths + float(length.sum()), squares + float(np.square(length).sum())
        if not np.isfinite(bend * squares):
            raise OverflowError("squares of the features are more than a float holds")
        if size > NARROW:
            steepest = _steepest(looked, bend, np.zeros(size), intercept=intercept)[0]
        else:
            steepest = bend * float(np.linalg.eigvalsh(_second_moments(looked, intercept=intercept))[-1])
    row = bend * squares / lengths if lengths > 0 else 0.0
    if batch_size is None or batch_size >= n or n == 1:
        return steepest + ridge
    b = batch_size
    return n * (b - 1) / (b * (n - 1)) * steepest + (n - b) / (b * (n - 1)) * row + ridge


def _blocks(rows: Rows, *, intercept: bool) -> Iterator[tuple[Any, Floats]]:
    """Cut rows into blocks of features, in float64 with a last column of ones for the intercept, and weights."""
    width = max(1, rows.X.shape[1])
    if rows.csr:
        width = max(1, rows.values.size // rows.count)
    height = max(1, _CELLS_PER_BLOCK // width)
    for first in range(0, rows.count, height):
        last = min(first + height, rows.count)
        weights = rows.weights[first:last].astype(np.float64) if rows.weights.size else np.ones(last - first)
        x: Any = _csr(rows, first, last) if rows.csr else rows.X[first:last].astype(np.float64)
        if intercept and rows.csr:
            from scipy import sparse

            x = sparse.hstack([x, sparse.csr_array(np.ones((last - first, 1)))], format="csr")
        elif intercept:
            x = np.hstack([x, np.ones((last - first, 1))])
        yield x, weights


def _csr(rows: Rows, first: int, last: int) -> Any:
    from scipy import sparse

    start, stop = int(rows.indptr[first]), int(rows.indptr[last])
    parts = rows.values[start:stop].astype(np.float64), rows.indices[start:stop], rows.indptr[first : last + 1] - start
    return sparse.csr_array(parts, shape=(last - first, rows.X.shape[1]))


def _mean_powers(rows: Rows) -> tuple[Floats, Floats]:
    """Return the means of weight x^2 and of weight^2 x^4 for each column, (features,)."""
    squares, fourths = np.zeros(rows.X.shape[1]), np.zeros(rows.X.shape[1])
    for x, weights in _blocks(rows, intercept=False):
        squared = x.power(2) if rows.csr else x * x
        squares += weights @ squared
        fourths += weights**2 @ (squared.power(2) if rows.csr else squared * squared)
    return squares / rows.count, fourths / rows.count


def _second_moments(rows: Rows, *, intercept: bool) -> Floats:
    size = rows.X.shape[1] + int(intercept)
    total = np.zeros((size, size))
    for x, weights in _blocks(rows, intercept=intercept):
        if rows.csr:
            from scipy import sparse

            total += (x.T @ (sparse.diags_array(weights) @ x)).toarray()
        else:
            total += x.T @ (x * weights[:, None])
    return total / rows.count


def _fourth_moments(rows: Rows, axes: Floats, *, intercept: bool) -> Floats:
    """Return the means of weight^2 a^2 b^2 over rows, for their coordinates a and b along every two axes."""
    total = np.zeros((axes.shape[1], axes.shape[1]))
    for x, weights in _blocks(rows, intercept=intercept):
        with np.errstate(over="ignore"):
            squares = np.square(x @ axes) * weights[:, None]
            total += squares.T @ squares
    if not np.isfinite(total).all():
        raise OverflowError("fourth powers of the rows are more than a float holds")
    return total / rows.count


def _steepest(rows: Rows, bend: float, ridge: Floats, *, intercept: bool) -> tuple[float, Floats]:
    """Return the largest eigenvalue and its eigenvector without forming the Hessian, by products with it alone.

    Lanczos' iteration: powers of the Hessian on one vector, as the power method has them, with all of them kept, so
    that it takes tens of passes where that takes thousands.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    def bent(vector: Floats) -> Floats:
        total = np.zeros(ridge.size)
        for x, weights in _blocks(rows, intercept=intercept):
            total += x.T @ (weights * (x @ vector.ravel()))
        return np.asarray(bend * total / rows.count + ridge * vector.ravel())

    start = np.random.default_rng(0).standard_normal(ridge.size)
    if not np.any(bent(start)):
        return 0.0, np.eye(ridge.size)[0]
    hessian = LinearOperator((ridge.size, ridge.size), matvec=bent, dtype=np.float64)
    values, vectors = eigsh(hessian, k=1, which="LA", v0=start, tol=TOLERANCE)
    return float(values[0]), np.asarray(vectors[:, 0])
