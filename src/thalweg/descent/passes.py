"""Looks at rows by the native kernels: the loss of a model on them, and its gradient where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model, check_rows, hyper_table
from thalweg.formulas.formula import Loss

Array = NDArray[Any]


def kernels_of(model: Model, loss: Loss, dtype: str) -> tuple[Any, Any, Any]:
    """Return what every objective of a model calls: its loss, and the two passes through activations, None without."""
    from thalweg.engine import compile as compiler

    made = compiler.loss_kernel(loss, dtype)
    if isinstance(model, Linear):
        return made, None, None
    return made, *compiler.activation_kernels(model.activations, dtype)


def addresses(kernels: Sequence[Any]) -> NDArray[np.int64]:
    """Return the addresses of kernels, in the order of :mod:`thalweg.engine.compile`; 0 for None, and for the rest.

    A kernel must live as long as its address is used.
    """
    from thalweg.engine.compile import PLACES
    from thalweg.engine.pointers import address

    code = np.zeros(PLACES, np.int64)
    code[: len(kernels)] = [0 if kernel is None else address(kernel) for kernel in kernels]
    return code


@final
class Pass:
    """The kernels of a model and a loss, with the buffers that they take, for blocks of rows. One thread at a time.

    Parameters
    ----------
    model : Linear or Network
        With any number of lanes.
    rows : Rows
    loss : Loss
    block : int
        Most rows of one call.

    Attributes
    ----------
    table : ndarray of int64
        Shapes and offsets, as the kernel takes them.
    work : ndarray
        Scratch, in the rows' dtype.
    dropout : ndarray (layers,)
        Zero for no dropout in a layer, -1 where a mask stands in ``work``.

    Raises
    ------
    SettingError
        Rows that do not fit the model.
    """

    def __init__(self, model: Model, rows: Rows, loss: Loss, block: int) -> None:
        check_rows(model, loss, rows)
        self._rows, self._block, self._lanes = rows, block, model.lanes
        self._objective = model.objective(rows, block)
        self._kernels = (self._objective, *kernels_of(model, loss, rows.dtype))
        self._code = addresses(self._kernels)
        self._loss_hyper = hyper_table([loss])[0]
        self._activation_hyper = hyper_table(model.activations)
        self._order = np.arange(rows.count)
        self._nothing = np.zeros(0, rows.dtype)
        self.table = model.table(block, csr=rows.csr)
        self.work = np.zeros(model.work_size(block, csr=rows.csr), rows.dtype)
        self.dropout = np.zeros(len(self.table))

    def __call__(
        self,
        theta: Array,
        sums: NDArray[np.float64],
        gradient: Array | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        factor: float = 1.0,
    ) -> None:
        """Look at rows ``first`` to ``last``, a block at most.

        Parameters
        ----------
        theta : ndarray (model.size,)
            Contiguous, in the rows' dtype.
        sums : ndarray (lanes,) of float64
            Their losses are added, of each lane.
        gradient : ndarray, as theta, optional
            Overwritten by ``factor`` times the sum of their gradients. Without it the kernel ends where the loss is
            known; the loss has the same bits.
        """
        rows = self._rows
        self._objective(
            theta, self._nothing if gradient is None else gradient,
            rows.X, rows.values, rows.indices, rows.indptr, rows.targets, rows.weights,
            self._order[first:last], factor, self.table, self.work, sums,
            self._code, self._loss_hyper, self._activation_hyper, self.dropout, np.uint64(0), np.uint64(0),
        )  # fmt: skip

    def losses(self, thetas: Array) -> NDArray[np.float64]:
        """Return the sums of the losses of all rows at several thetas, in one native call.

        Parameters
        ----------
        thetas : ndarray (n, model.size)
            Contiguous, in the rows' dtype.

        Returns
        -------
        ndarray (n, lanes), float64
            The bits of :meth:`__call__` on one block after the other.
        """
        from thalweg.engine.evaluation import judging

        rows = self._rows
        sums = np.zeros((len(thetas), self._lanes))
        judging(rows.dtype)(
            self._code, thetas, self._nothing,
            rows.X, rows.values, rows.indices, rows.indptr, rows.targets, rows.weights,
            self._order, self._block, self.table, self.work, sums,
            self._loss_hyper, self._activation_hyper, self.dropout,
        )  # fmt: skip
        return sums
