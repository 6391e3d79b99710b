"""Early stopping: the loss on rows set aside, the best weights so far, and when to give up waiting."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Model
from thalweg.descent.record import CONVERGED
from thalweg.descent.run import Run
from thalweg.errors import DataError
from thalweg.formulas.formula import Loss

Array = NDArray[Any]


@final
class Validation:
    """A callback that measures the mean loss on validation rows after every epoch, penalty apart.

    Parameters
    ----------
    model : Linear or Network
    loss : Loss
    X : ndarray or scipy CSR (n, features)
    targets : ndarray (n, outputs)
    weights : ndarray (n,) or None
    tol : float
        A fall of the loss by less than this does not count.
    patience : int
        Epochs without a fall after which the run is stopped.

    Attributes
    ----------
    curve : list of float
        Validation loss of each epoch.
    best_epoch : int
        Epoch with the lowest; 0 when none was finite.
    """

    def __init__(
        self, model: Model, loss: Loss, X: Any, targets: Array, weights: Array | None, tol: float, patience: int
    ) -> None:
        if weights is not None and not weights.sum() > 0:
            raise DataError("DATA-WEIGHTS", "sample_weight", "is zero for all rows set aside for validation")
        self._model, self._loss = model, loss
        self._X, self._targets, self._weights = X, targets, weights
        self._tol, self._patience = tol, patience
        self._best = self._reference = np.inf
        self._kept: tuple[Array, Array, float] | None = None
        self._waited = 0
        self.best_epoch = 0
        self.curve: list[float] = []

    def __call__(self, run: Run) -> None:
        """Measure, remember the best, and stop the run when it waited too long."""
        values = self._loss.value(self._targets, self._model.scores(run.theta, self._X))
        per_row = values if values.ndim == 1 else values.sum(axis=1, dtype=np.float64)
        loss = float(np.average(per_row, weights=self._weights))
        self.curve.append(loss)
        if loss < self._best:
            self._best, self.best_epoch = loss, run.epoch
            self._kept = run.theta.copy(), run.state.copy(), run.t
        self._waited = 0 if loss < self._reference - self._tol else self._waited + 1
        self._reference = min(self._reference, loss)
        if self._waited >= self._patience and not run.status:
            run.status = CONVERGED

    def restore(self, run: Run) -> None:
        """Put the run back to the epoch with the lowest loss: weights, memory and count of updates."""
        if self._kept is not None:
            run.theta, run.state, run.t = self._kept
