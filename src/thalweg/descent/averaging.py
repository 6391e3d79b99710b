"""Averages of the iterates: the mean that is handed out instead of the last one, and what it weighs each by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.settings import Averaging

Array = NDArray[Any]


@final
@dataclass
class Mean:
    """The average so far.

    Attributes
    ----------
    values : ndarray (model.size,), float64
        Of the parameters after each update since; zeros before the first of them. In float64 whatever the parameters
        are: steps of one part in a million are lost in float32.
    since : float
        Updates made before the first that counts.
    """

    values: NDArray[np.float64]
    since: float

    @classmethod
    def begin(cls, averaging: Averaging, size: int, t: float) -> Mean:
        """Return an average of nothing, for a run that has made ``t`` updates."""
        return cls(np.zeros(size), max(averaging.start - 1.0, t))

    def copy(self) -> Mean:
        """Return another of the same values."""
        return Mean(self.values.copy(), self.since)


def step_weights(averaging: Averaging, since: float, t: float, steps: int) -> NDArray[np.float64]:
    """Return the weights ``w`` of ``mean += w * (theta - mean)`` after each of the updates ``t + 1``, ``t + 2``, ...

    Parameters
    ----------
    averaging : Averaging
    since : float
        Updates made before the first that counts: until then weights are 0.
    t : float
        Updates made before.
    steps : int

    Returns
    -------
    ndarray (steps,), float64

    Examples
    --------
    >>> step_weights(Averaging(), since=1.0, t=0.0, steps=4).tolist()
    [0.0, 1.0, 0.5, 0.3333333333333333]
    """
    count = np.maximum(t - since + np.arange(1, steps + 1), 0.0)
    counted = np.maximum(count, 1.0)
    if averaging.decay is None:
        weights = 1.0 / counted
    else:  # the share of the last of `count` iterates whose weights fall by `decay` from each to the one before
        weights = (1.0 - averaging.decay) / -np.expm1(counted * math.log(averaging.decay))
        weights[counted == 1.0] = 1.0
    return np.where(count > 0, weights, 0.0)
