"""How good predictions are, in the target's own units: scikit-learn's metrics under the names that tables show."""

from __future__ import annotations

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
