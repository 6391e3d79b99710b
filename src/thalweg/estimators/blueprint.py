"""What an estimator would fit, before it has seen a row: its model and its settings, for whoever makes many runs."""

from __future__ import annotations

from thalweg.descent.models import Model
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.plan import Plan
from thalweg.formulas.formula import Loss

#: Parameters that say how long a fit goes on and what it tells, not what is fitted.
APART = (
    "callbacks", "max_iter", "n_iter_no_change", "random_state", "scoring", "tol", "validation_fraction", "verbose",
    "warm_start",
)  # fmt: skip


def blueprint(
    estimator: DescentEstimator, n_features: int, n_outputs: int, rows: int, loss: Loss
) -> tuple[Model, Settings]:
    """Return the model and the settings that an estimator's parameters describe.

    Parameters
    ----------
    estimator : DescentEstimator
        Not fitted, or what it fitted counts for nothing.
    n_features, n_outputs : int
        Columns of the rows, and scores.
    rows : int
        To learn from: ``batch_size="auto"`` goes by them.
    loss : Loss
        For these targets.

    Returns
    -------
    model : Linear or Network
    settings : Settings
        As :meth:`fit` would have them.

    Raises
    ------
    SettingError
        A parameter that cannot be used; or SETTING-ARM for one that changes the rows or their weights, so that losses
        of two estimators would not be of the same thing.

    Examples
    --------
    >>> from thalweg.estimators import MLPRegressor
    >>> from thalweg.formulas.losses import squared
    >>> model, settings = blueprint(MLPRegressor((8,), batch_size=16), 3, 1, 200, squared)
    >>> model.size, settings.batch_size
    (41, 16)
    """
    for name, usual, why in _ROWS:
        if getattr(estimator, name, usual) != usual:
            what = f"{getattr(estimator, name)!r:.40} {why}"
            hint = f"Leave {name} out: all arms learn from the same rows, for as many epochs."
            raise SettingError("SETTING-ARM", name, what, hint)
    model = estimator._make_model(n_features, n_outputs)
    return model, estimator._settings(loss, Plan.of(estimator, one_pass=True), len(model.weights), rows)


_ROWS = (
    ("early_stopping", False, "sets rows aside and stops when it likes"),
    ("class_weight", None, "weighs the rows"),
    ("label_smoothing", 0.0, "softens the targets"),
)
