"""What to change when a run has diverged: said from its settings and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg.descent.run import Run

# Features and targets beyond this size are named.
LARGE = 1e3


def advice(run: Run, X: Any, names: Sequence[str] | None = None) -> str:
    """Return what to change, in at most three lines.

    Parameters
    ----------
    run : Run
        It has diverged.
    X : ndarray or scipy CSR (n, features)
        What it learned from.
    names : sequence of str, optional
        Of the features.
    """
    rule = run.settings.optimizer
    lines = []
    if rule.has_learning_rate:
        limit = "" if run.settings.clip_norm else ", or bound the gradient: clip_norm=1"
        lines.append(f"Lower learning_rate, which is {rule.learning_rate:g}{limit}.")
    else:
        lines.append("Bound the gradient, clip_norm=1, or take another rule.")
    lines.extend(_large_values(run, X, names))
    lines.append(f"The weights after update {run.t:.0f} are finite and kept in theta_.")
    return "\n".join(lines)


def _large_values(run: Run, X: Any, names: Sequence[str] | None) -> list[str]:
    """Name the feature or the target that is too large to learn from as it is."""
    if isinstance(X, np.ndarray):
        column = int(np.abs(X).max(axis=0).argmax())
        size = float(np.abs(X[:, column]).max())
    else:
        at = int(np.abs(X.data).argmax()) if X.nnz else 0
        column, size = (int(X.indices[at]), float(abs(X.data[at]))) if X.nnz else (0, 0.0)
    target = float(np.abs(run.rows.targets).max())
    if max(size, target) <= LARGE:
        return []
    if size >= target:
        named = f"column {column}" if names is None else f"column {names[column]!r}"
        return [f"Scale the features: {named} reaches {size:.3g}."]
    return [f"Scale the target: it reaches {target:.3g}."]
