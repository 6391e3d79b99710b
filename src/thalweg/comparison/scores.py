"""How good predictions are, in the target's own units: scikit-learn's metrics under the names that tables show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.outputs import Outputs

Array = NDArray[Any]

#: All metrics, in the order in which tables show them.
METRICS = ("RMSE", "MAE", "R2", "accuracy", "log loss")


def scores(outputs: Outputs, y: Array, z: Array) -> dict[str, float]:
    """Return the scores of some rows.

    Parameters
    ----------
    outputs : Outputs
        What the model's scores stand for.
    y : ndarray (n,) or (n, outputs)
        The target, in its own units, or labels. Scores of several outputs are means over them.
    z : ndarray (n, outputs)
        Scores of the model before the inverse link.

    Returns
    -------
    dict of str to float
        ``RMSE``, ``MAE`` in the target's units and ``R2`` (nan for fewer than two rows); ``accuracy`` and, where there
        are probabilities, ``log loss``.
    """
    from sklearn import metrics

    predicted = outputs.predict(z)
    if np.ndim(y) == 2:
        predicted = np.column_stack([outputs.predict(z[:, [k]]) for k in range(z.shape[1])])
    if not outputs.classes:
        return {
            "RMSE": float(metrics.root_mean_squared_error(y, predicted)),
            "MAE": float(metrics.mean_absolute_error(y, predicted)),
            "R2": float(metrics.r2_score(y, predicted)) if len(y) > 1 else float("nan"),
        }
    found = {"accuracy": float(np.mean(predicted == y))}
    if outputs.has_probabilities:
        position = {label: k for k, label in enumerate(outputs.classes)}
        codes = [position[label] for label in y]  # scikit-learn takes labels such as -1.5 for a regression
        found["log loss"] = float(metrics.log_loss(codes, outputs.probabilities(z), labels=range(len(position))))
    return found


def scores_in_pieces(outputs: Outputs, pieces: Iterable[tuple[Array, Array]]) -> dict[str, float]:
    """Return the scores of rows that come some at a time: those of :func:`scores` to rounding.

    Parameters
    ----------
    outputs : Outputs
    pieces : iterable of (ndarray (n,), ndarray (n, outputs))
        Target and scores of the next rows, as :func:`scores` takes them.

    Examples
    --------
    >>> from thalweg.formulas.losses import squared
    >>> y, z = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [2.5], [3.5]])
    >>> outputs = Outputs.regression(squared)
    >>> found = scores_in_pieces(outputs, [(y[:1], z[:1]), (y[1:], z[1:])])
    >>> whole = scores(outputs, y, z)
    >>> max(abs(found[name] - whole[name]) for name in whole) < 1e-12
    True
    """
    rows, mean, spread = 0, 0.0, 0.0
    sums: dict[str, float] = {}
    for y, z in pieces:
        found, count = scores(outputs, y, z), len(y)
        if "R2" in found:
            here = float(np.mean(y))
            # Chan, Golub, LeVeque (1983): squares about the mean of two parts together, from those of each
            spread += float(np.sum((y - here) ** 2)) + (here - mean) ** 2 * rows * count / (rows + count)
            mean += (here - mean) * count / (rows + count)
            found["RMSE"] **= 2
            del found["R2"]
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + count * value
        rows += count
    means = {name: total / rows for name, total in sums.items()}
    if outputs.classes:
        return means
    squares = sums["RMSE"]
    # as scikit-learn has it for a target that never changes
    fitted = (1.0 - squares / spread) if spread else float(squares == 0)
    return {"RMSE": means["RMSE"] ** 0.5, "MAE": means["MAE"], "R2": fitted if rows > 1 else float("nan")}
