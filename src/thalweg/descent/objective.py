"""What a run descends on, as a function of theta: the native loss and gradient of a model on all its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model, hyper_table
from thalweg.descent.passes import Pass
from thalweg.descent.settings import layer_penalties
from thalweg.errors import SettingError
from thalweg.formulas.formula import Loss, Penalty

Array = NDArray[Any]


@final
class Objective:
    """Mean loss over the rows plus the penalty, with its gradient, by the kernels that a run calls.

    Parameters
    ----------
    model : Linear or Network
        With one lane.
    rows : Rows
    loss : Loss
    penalty : Penalty or sequence of Penalty or None
        As in :class:`~thalweg.descent.settings.Settings`: on the weights, one for all layers or one per layer.
    masks : sequence of ndarray (n, units), optional
        Dropout of a network, held fixed: for each hidden layer, which of its units are kept for each row (true or 1).
        Units kept in a layer are divided by the share that ``model.dropout`` keeps there. No unit is dropped without
        masks.

    Raises
    ------
    SettingError
        Rows, masks or penalties that do not fit the model, masks without dropout, a model with several lanes.

    Examples
    --------
    >>> from thalweg.formulas.losses import squared
    >>> rows = Rows.of(np.array([[1.0], [2.0]]), np.array([2.0, 2.0]))
    >>> objective = Objective(Linear(1), rows, squared)
    >>> value, gradient = objective.value_and_gradient(np.array([1.0, 0.0]))
    >>> value, gradient.tolist()
    (0.25, [-0.5, -0.5])
    """

    def __init__(
        self,
        model: Model,
        rows: Rows,
        loss: Loss,
        *,
        penalty: Penalty | Sequence[Penalty | None] | None = None,
        masks: Sequence[Array] | None = None,
    ) -> None:
        from thalweg.engine import compile as compiler

        if model.lanes != 1:
            raise SettingError("SETTING-LANES", "model", f"must have one lane, has {model.lanes}")
        self.model, self.rows = model, rows
        self._pass = Pass(model, rows, loss, rows.count)
        self._penalties = [
            (compiler.penalty_kernel(p, rows.dtype), hyper_table([p])[0], start, stop)
            for (start, stop), p in zip(model.weights, layer_penalties(penalty, len(model.weights)), strict=True)
            if p is not None
        ]
        self._scales: list[Array] | None = None
        if masks is not None:
            self._lay_out(masks)

    def _lay_out(self, masks: Sequence[Array]) -> None:
        """Put the masks where the kernel looks for them."""
        from thalweg.engine.network import FAN_OUT, MASK

        shares = () if isinstance(self.model, Linear) else self.model.dropout
        if len(masks) != len(shares):
            raise SettingError("SETTING-MASKS", "masks", f"{len(masks)} given for {len(shares)} layers with dropout")
        self._scales = []
        for layer, (mask, share) in enumerate(zip(masks, shares, strict=True)):
            shape = (self.rows.count, int(self._pass.table[layer, FAN_OUT]))
            kept = np.asarray(mask)
            if kept.shape != shape:
                raise SettingError("SETTING-MASKS", "masks", f"layer {layer} has shape {kept.shape}, expected {shape}")
            self._scales.append(np.where(kept, 1 / (1 - share), 0.0).astype(self.rows.dtype))
            if share:
                start = self._pass.table[layer, MASK]
                self._pass.work[start : start + kept.size] = self._scales[-1].ravel()
                self._pass.dropout[layer] = -1.0  # a mask stands in the work array
            elif not kept.all():
                raise SettingError("SETTING-MASKS", "masks", f"layer {layer} has no dropout, yet its mask drops units")

    def __call__(self, theta: Array) -> float:
        """Return the value at ``theta``, as :meth:`value` does."""
        return self.value(theta)

    def value(self, theta: Array) -> float:
        """Return mean loss plus penalty at ``theta`` (model.size,), without the work that the gradient takes."""
        return self._value(self._point(theta), None)

    def gradient(self, theta: Array) -> Array:
        """Return the gradient at ``theta``, (model.size,), in the rows' dtype."""
        return self.value_and_gradient(theta)[1]

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Return both, at the price of the gradient.

        Raises
        ------
        SettingError
            SETTING-THETA: another shape than (model.size,).
        """
        point = self._point(theta)
        gradient = np.zeros_like(point)
        return self._value(point, gradient), gradient

    def _point(self, theta: Array) -> Array:
        """Return theta as the kernels take it."""
        point = np.ascontiguousarray(theta, dtype=self.rows.dtype)
        if point.shape != (self.model.size,):
            raise SettingError("SETTING-THETA", "theta", f"has shape {point.shape}, the model has {(self.model.size,)}")
        return point

    def _value(self, point: Array, gradient: Array | None) -> float:
        """Return the value, and write the gradient."""
        total, cost, factor = np.zeros(1), np.zeros(1), 1 / self.rows.count
        self._pass(point, total, gradient, factor=factor)
        for kernel, *rest in self._penalties:
            kernel(point, np.zeros_like(point) if gradient is None else gradient, *rest, 1, cost)
        return float(total[0]) * factor + float(cost[0])

    def scores(self, theta: Array) -> Array:
        """Return the scores of the rows before the inverse link, (n, outputs), under the masks where there are any.

        Raises
        ------
        SettingError
            Rows that are not dense: ``model.scores`` takes those as they are.
        """
        if self.rows.csr:
            raise SettingError("SETTING-ROWS", "rows", "must be dense", "For CSR rows there is model.scores(theta, X).")
        if isinstance(self.model, Linear):
            return self.model.scores(theta, self.rows.X)
        return self.model.scores(theta, self.rows.X, self._scales)
