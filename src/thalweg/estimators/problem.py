"""The function that an estimator descends on, for those who check its gradient."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.check.differentiable import GradientProblem
from thalweg.descent.models import Linear, Model
from thalweg.descent.objective import Objective
from thalweg.estimators import settings as told

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator

AWAY = 0.3  # spread of what is added to drawn parameters: off the zeros at which linear models and biases start


def gradient_problem(estimator: DescentEstimator, X: Any, y: Any, rng: np.random.Generator) -> GradientProblem:
    """Return mean loss plus penalty over all rows, and its native gradient, by name of the parameters.

    At the fitted parameters, or, before a fit, at drawn ones. Units are dropped by masks that are drawn once.

    Parameters
    ----------
    estimator : DescentEstimator
        It is not changed.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, n_outputs)
    rng : Generator
        Draws the masks, and the parameters before a fit.
    """
    fitted = hasattr(estimator, "theta_")
    reader = copy(estimator)  # reading learns classes and columns
    table = reader._read(X, y, None, continuing=fitted, learn=not fitted)
    loss = reader._fitting_loss()
    model = reader._make_model(table.X.shape[1], table.targets.shape[1])
    rows = table._replace(targets=reader._softened(table.targets, loss)).laid_out(None)
    if fitted:
        theta = estimator.theta_
    else:
        theta = model.initial(rng, rows.dtype)
        theta = theta + rng.normal(0, AWAY, theta.shape).astype(theta.dtype)
    masks = None
    if not isinstance(model, Linear) and any(model.dropout):
        units = zip(model.layer_sizes[1:-1], model.dropout, strict=True)
        masks = [rng.random((rows.count, count)) >= share for count, share in units]
    penalty = told.penalties(estimator.penalty, estimator.alpha, estimator.l1_ratio, len(model.weights), warn=False)
    objective = Objective(model, rows, loss, penalty=penalty, masks=masks)
    return GradientProblem.of_slices(objective.value, objective.gradient, theta, _places(model))


def _places(model: Model) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """Return place and shape of every array of parameters, by the name that users know."""
    if isinstance(model, Linear):
        shapes, names = [(model.n_features, model.n_outputs)], ("coef_", "intercept_")
    else:
        shapes, names = model.shapes, ("coefs_[{}]", "intercepts_[{}]")
    places: dict[str, tuple[slice, tuple[int, ...]]] = {}
    for k, (place, shape) in enumerate(zip(model.weights, shapes, strict=True)):
        places[names[0].format(k)] = slice(*place), shape
    for k, (start, stop) in enumerate(model.intercepts):
        places[names[1].format(k)] = slice(start, stop), (stop - start,)
    return places
