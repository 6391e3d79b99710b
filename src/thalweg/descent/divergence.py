"""Why a run has diverged and what to change: theory's limit on the rate, the column whose scale is to blame."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from thalweg.descent.models import Linear
from thalweg.descent.stability import CAUSE, LARGE, Limit, limits

if TYPE_CHECKING:
    from thalweg.descent.batches import Rows
    from thalweg.descent.run import Run

#: Features and targets beyond this size are named.
LARGE_VALUE = 1e3


def advice(
    run: Run, names: Sequence[str] | None = None, *, rate: str = "learning_rate", clip: str = "clip_norm=1"
) -> str:
    """Return why a run has diverged and what to change, in at most three lines.

    Parameters
    ----------
    run : Run
        It has diverged.
    names : sequence of str, optional
        Of the features; their numbers without.
    rate, clip : str
        What the reader calls the learning rate, and how a bound on the gradient is asked for.
    """
    settings, rule = run.settings, run.settings.optimizer
    bound = "" if settings.clip_norm or settings.clip_value else f", or bound the gradient: {clip}"
    if not rule.has_learning_rate:
        return "\n".join([f"Take another rule{bound}.", *large_values(run.rows, names)])
    limit = _limit(run, [str(k) for k in range(run.model.n_features)] if names is None else [str(n) for n in names])
    if limit is None or limit.rate is None:
        usual = inspect.signature(rule.formula).parameters["learning_rate"].default  # as it is declared
        lines, lower = [], min(rule.learning_rate / 10, usual)
    else:
        lines, lower = [limit.sentence], min(rule.learning_rate / 10, limit.rate / 2)
    lines.insert(0, f"Lower {rate} from {rule.learning_rate:.3g} to {lower:.2g}{bound}.")
    scale = "" if limit is None else _cause(limit, names)
    lines.extend([scale] if scale else large_values(run.rows, names))
    return "\n".join(lines)


def _limit(run: Run, names: Sequence[str]) -> Limit | None:
    """Return theory's limit where the learning rate is above it."""
    settings, rule = run.settings, run.settings.optimizer
    if not isinstance(run.model, Linear):
        return None
    found = limits(run.model, run.rows, settings.loss, settings.penalty, settings.update_rows, names, {rule.name: rule})
    return next((limit for limit in found if limit.rate is not None and rule.learning_rate > limit.rate), None)


def _cause(limit: Limit, names: Sequence[str] | None) -> str:
    """Return the sentence that blames a column for the limit; empty where none stands out."""
    if limit.share < CAUSE or limit.size < LARGE or limit.column == "intercept":
        return ""
    column = f"column {limit.column!r:.60}" if names is not None else f"column {limit.column}"
    size = f"its values are {limit.size:.3g} times the median column's"
    return f"Scale the features: {column} makes {100 * limit.share:.0f} % of the steepest direction, {size}."


def large_values(rows: Rows, names: Sequence[str] | None) -> list[str]:
    """Return a sentence that names the feature or the target that is too large to learn from as it is; or none."""
    if rows.csr:
        at = int(np.abs(rows.values).argmax()) if rows.values.size else 0
        column, size = (int(rows.indices[at]), float(abs(rows.values[at]))) if rows.values.size else (0, 0.0)
    else:
        column = int(np.abs(rows.X).max(axis=0).argmax())
        size = float(np.abs(rows.X[:, column]).max())
    target = float(np.abs(rows.targets).max())
    if max(size, target) <= LARGE_VALUE:
        return []
    if size >= target:
        named = f"column {column}" if names is None else f"column {str(names[column])!r:.60}"
        return [f"Scale the features: {named} reaches {size:.3g}."]
    return [f"Scale the target: it reaches {target:.3g}."]
