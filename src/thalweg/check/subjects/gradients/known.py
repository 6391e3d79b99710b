"""Losses that courses use, for files that descend on one without writing it down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Loss = Callable[..., Any]


def _aligned(output: Any, targets: Any) -> tuple[Array, Array]:
    """Return predictions and targets of one shape; labels become rows, or columns, of zeros and a one.

    Raises
    ------
    ValueError
        They do not fit.
    """
    a, y = np.asarray(output), np.asarray(targets)
    if a.ndim == 2 and y.dtype.kind in "iu" and y.size in a.shape and y.shape != a.shape and y.max() < max(a.shape):
        by_rows = a.shape[0] == y.size
        onehot = np.eye(a.shape[1] if by_rows else a.shape[0])[y.reshape(-1)]
        y = onehot if by_rows else onehot.T
    if y.shape != a.shape:
        raise ValueError("predictions and targets have other shapes")
    return a, y


def _squares(output: Any, targets: Any) -> Any:
    a, y = _aligned(output, targets)
    return np.sum((a - y) ** 2)


def _binary(output: Any, targets: Any) -> Any:
    a, y = _aligned(output, targets)
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))


def _classes(output: Any, targets: Any) -> Any:
    a, y = _aligned(output, targets)
    return -np.sum(y * np.log(a))


def _made(whole: Loss, share: Callable[[Any, int], float]) -> Loss:
    def loss(output: Any, targets: Any, m: int) -> Any:
        return share(output, m) * whole(output, targets)

    return loss


KNOWN: tuple[tuple[str, Loss], ...] = (
    ("half the mean squared error", _made(_squares, lambda _, m: 0.5 / m)),
    ("the mean squared error", _made(_squares, lambda _, m: 1 / m)),
    ("the squared error's mean over all outputs", _made(_squares, lambda a, _: 1 / np.size(a))),
    ("half the sum of squared errors", _made(_squares, lambda *_: 0.5)),
    ("the sum of squared errors", _made(_squares, lambda *_: 1.0)),
    ("the mean cross-entropy of independent outputs", _made(_binary, lambda _, m: 1 / m)),
    ("the summed cross-entropy of independent outputs", _made(_binary, lambda *_: 1.0)),
    ("the mean cross-entropy of classes", _made(_classes, lambda _, m: 1 / m)),
    ("the summed cross-entropy of classes", _made(_classes, lambda *_: 1.0)),
)
"""Name and function of each, of predictions, targets and the count of examples."""
