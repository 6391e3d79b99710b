"""The mean loss of a model on rows that it does not learn from, for one lane and for many."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model, check_rows, hyper_table
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
    >>> from thalweg.formulas.losses import squared
    >>> rows = Rows.of(np.array([[1.0], [2.0]]), np.array([2.0, 2.0]))
    >>> Evaluation(Linear(1, lanes=2), rows, squared)(np.array([1.0, 0.0, 0.0, 1.0])).tolist()
    [0.25, 0.5]
    """

    def __init__(self, model: Model, rows: Rows, loss: Loss) -> None:
        from thalweg.engine import compile as compiler
        from thalweg.engine.pointers import address

        check_rows(model, loss, rows)
        self.model, self.rows = model, rows
        block = min(_BLOCK, rows.count)
        self._kernel = model.objective(rows, block)
        activations = [] if isinstance(model, Linear) else compiler.activation_kernels(model.activations, rows.dtype)
        self._kernels = [None, compiler.loss_kernel(loss, rows.dtype), *activations]
        self._code = np.zeros(compiler.PLACES, np.int64)
        self._code[: len(self._kernels)] = [0 if kernel is None else address(kernel) for kernel in self._kernels]
        self._loss_hyper = hyper_table([loss])[0]
        self._activation_hyper = hyper_table(model.activations)
        self._table = model.table(block, csr=rows.csr)
        self._work = np.zeros(model.work_size(block, csr=rows.csr), rows.dtype)
        # A network leaves its slopes out where there is no place for them.
        self._gradient = np.zeros(model.size if isinstance(model, Linear) else 0, rows.dtype)
        self._order = np.arange(rows.count)
        self._none = np.zeros(len(self._table))

    def __call__(self, theta: Array) -> NDArray[np.float64]:
        """Return the mean losses (lanes,) at ``theta`` (model.size,), in the rows' dtype."""
        rows, sums = self.rows, np.zeros(self.model.lanes)
        block = min(_BLOCK, rows.count)
        for first in range(0, rows.count, block):
            self._kernel(
                theta, self._gradient, rows.X, rows.values, rows.indices, rows.indptr, rows.targets, rows.weights,
                self._order[first : first + block], 1.0, self._table, self._work, sums,
                self._code, self._loss_hyper, self._activation_hyper, self._none, np.uint64(0), np.uint64(0),
            )  # fmt: skip
        return sums / rows.count
