"""What the scores of a fitted estimator stand for, in the words of models of tables: for other libraries' files."""

from __future__ import annotations

from thalweg.descent.outputs import Outputs
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.targets import Classification, link_of


def outputs_of(estimator: DescentEstimator) -> Outputs:
    """Return the meaning of an estimator's scores; the classes as plain labels."""
    loss = estimator._loss
    if not isinstance(estimator, Classification):
        return Outputs(loss.inverse_link)
    classes = tuple(estimator.classes_.tolist())
    one_hot = len(classes) == 2 and estimator._model.n_outputs == 2
    return Outputs(link_of(loss) or "identity", classes, one_hot=one_hot)
