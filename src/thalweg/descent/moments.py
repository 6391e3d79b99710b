"""Full-batch squared error from second moments: the same path at a cost that does not depend on the number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]


def moments_serve(run: Run) -> bool:
    """Whether second moments can replace the rows, and cost less than the passes they save."""
    from thalweg.formulas.losses import squared

    m, r, s = run.model, run.rows, run.settings
    full = run.order is None and run.blocks is None and (s.update_rows is None or s.update_rows >= r.count)
    squares = s.loss.fingerprint == squared.fingerprint
    if not (isinstance(m, Linear) and full and squares and not r.csr):
        return False
    size = m.size // m.columns
    return r.count * size > 4096 and r.count > size and (s.max_iter - run.epoch) * 2 > size


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is for the caller to see
def second_moments(model: Model, rows: Rows) -> Array:
    """Return the mean squared error expanded around its least-squares solution, as ``engine.linear.gram`` takes it.

    Sums run over blocks of rows, in float64; the loss and the gradient at the centre come from the rows themselves.
    The intercept is the last row and column of the Hessian, a feature that is always 1. Lanes have the same moments.
    """
    features, columns, size = rows.X.shape[1], model.n_outputs, model.size // model.columns
    hessian, moment = np.zeros((features + 1, features + 1)), np.zeros((features + 1, columns))
    for x, y, w in _blocks_of(rows):
        weighed = x if w is None else x * w
        ones = np.ones(x.shape[0]) if w is None else w[:, 0]
        hessian[:features, :features] += x.T @ weighed
        hessian[features, :features] += ones @ x
        hessian[features, features] += ones.sum()
        moment[:features] += weighed.T @ y
        moment[features] += ones @ y
    hessian[:features, features] = hessian[features, :features]
    hessian, moment = hessian[:size, :size] / rows.count, moment[:size] / rows.count

    centre: Array = np.zeros((size, columns))
    if np.isfinite(hessian).all():
        centre = np.linalg.lstsq(hessian, moment, rcond=None)[0]
    gradient, loss = np.zeros((size, columns)), np.zeros(columns)
    for x, y, w in _blocks_of(rows):
        residual = x @ centre[:features] - y
        if size > features:
            residual += centre[features]
        pull = residual if w is None else residual * w
        gradient[:features] += x.T @ pull
        gradient[features:] += pull.sum(axis=0)
        loss += np.einsum("ij,ij->j", pull, residual) / 2
    centre, gradient, loss = (np.tile(part, model.lanes) for part in (centre, gradient, loss))
    parts = (centre.ravel(), gradient.ravel() / rows.count, hessian.ravel(), loss / rows.count, np.zeros(size))
    return np.concatenate(parts).astype(rows.dtype)


def _blocks_of(rows: Rows) -> Iterable[tuple[Array, Array, Array | None]]:
    """Cut rows into blocks of features, targets and weights (a column, or None), in float64."""
    for first in range(0, rows.count, 1 << 14):
        piece = slice(first, first + (1 << 14))
        weights = rows.weights[piece, None].astype(np.float64) if rows.weights.size else None
        yield rows.X[piece].astype(np.float64, copy=False), rows.targets[piece].astype(np.float64, copy=False), weights
