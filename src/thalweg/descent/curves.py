"""What each epoch of a run was: loss, learning rate, gradients; added as epochs are made, and taken back."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]


@final
class Curves:
    """One entry per epoch in every list, for each lane.

    Parameters
    ----------
    steps : bool
        Keep the loss of every update too.

    Attributes
    ----------
    losses : list of ndarray (lanes,)
        Mean of an epoch's batches by their numbers of rows.
    factors : list of float
        Mean over an epoch's updates of the schedule's factor.
    norms : list of ndarray (lanes,)
        Root mean square over an epoch's updates of the gradient's norm; empty where norms are not taken.
    steps : list of ndarray (updates, lanes)
        Losses of updates, in blocks; empty where they are not kept.
    """

    def __init__(self, *, steps: bool) -> None:
        self._keep_steps = steps
        self.losses: list[Floats] = []
        self.factors: list[float] = []
        self.norms: list[Floats] = []
        self.steps: list[Floats] = []

    def add(self, trace: Floats, norms: Floats, factors: Floats | None, rows: int, batch: int) -> int:
        """Add whole epochs and return their number.

        Parameters
        ----------
        trace : ndarray (updates, lanes)
            Losses; used up.
        norms : ndarray (at least updates, lanes) or (0, lanes)
        factors : ndarray (at least updates,) or None
            The schedule's; None where there is none.
        rows, batch : int
            Rows of an epoch, and of its updates but the last.
        """
        if self._keep_steps:
            self.steps.append(trace.copy())
        counts = np.full(-(-rows // batch), float(batch))
        counts[-1] = rows - batch * (counts.size - 1)
        shared = trace.reshape(-1, counts.size, trace.shape[1])
        np.multiply(shared, (counts / rows)[:, None], out=shared)
        means = np.ascontiguousarray(shared.transpose(0, 2, 1)).sum(axis=2)  # one order, whatever the number of lanes
        self.losses.extend(means)
        epochs = int(means.shape[0])
        if factors is None:
            self.factors.extend([1.0] * epochs)
        else:
            self.factors.extend(factors[: trace.shape[0]].reshape(-1, counts.size).mean(axis=1).tolist())
        if norms.size:
            each = norms[: trace.shape[0]].reshape(shared.shape)
            largest = np.maximum(each.max(axis=1), np.finfo(np.float64).tiny)  # squares may be more than a float holds
            self.norms.extend(largest * np.sqrt(np.square(each / largest[:, None]).mean(axis=1)))
        return epochs

    def take_back(self, epochs: int, per_epoch: int) -> None:
        """Strike the last epochs off, of so many updates each."""
        if not epochs:
            return
        del self.losses[-epochs:], self.factors[-epochs:], self.norms[-epochs:]
        steps = epochs * per_epoch
        while self._keep_steps and steps:
            last = self.steps.pop()
            if last.shape[0] > steps:
                self.steps.append(last[:-steps])
            steps -= min(steps, last.shape[0])
