"""The mean loss of a model on rows that it does not learn from, for one lane and for many."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Model
from thalweg.descent.passes import Pass
from thalweg.formulas.formula import Loss

Array = NDArray[Any]

# Rows of one native call: their scores stay in cache.
_BLOCK = 512


@final
class Evaluation:
    """Mean loss, penalties apart and without dropout, by the kernels that runs call.

    A lane's loss has the same bits whatever lanes stand beside it. One thread at a time may use an evaluation.

    Parameters
    ----------
    model : Linear or Network
        With any number of lanes.
    rows : Rows
    loss : Loss

    Examples
    --------
    >>> from thalweg.descent.models import Linear
    >>> from thalweg.formulas.losses import squared
    >>> rows = Rows.of(np.array([[1.0], [2.0]]), np.array([2.0, 2.0]))
    >>> Evaluation(Linear(1, lanes=2), rows, squared)(np.array([1.0, 0.0, 0.0, 1.0])).tolist()
    [0.25, 0.5]
    """

    def __init__(self, model: Model, rows: Rows, loss: Loss) -> None:
        self.model, self.rows = model, rows
        self._pass = Pass(model, rows, loss, min(_BLOCK, rows.count))

    def __call__(self, theta: Array) -> NDArray[np.float64]:
        """Return the mean losses (lanes,) at ``theta`` (model.size,), in the rows' dtype."""
        return self.each(theta[None]).reshape(-1)

    def each(self, thetas: Array) -> NDArray[np.float64]:
        """Return the mean losses (n, lanes) at each of ``thetas`` (n, model.size), in the rows' dtype."""
        means: NDArray[np.float64] = self._pass.losses(thetas) / self.rows.count
        return means
