"""Numbers and classes: how targets are encoded for a loss, and what its scores say about new rows."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from thalweg.descent.scores import shares
from thalweg.errors import DataError, SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.contract import (
    ClassifierMixin,
    RegressorMixin,
    available_if,
    check_classification_targets,
    column_or_1d,
    compute_class_weight,
)
from thalweg.estimators.parameters import parameters_checked
from thalweg.formulas import catalog
from thalweg.formulas.formula import Loss
from thalweg.formulas.losses import modified_huber, softmax
from thalweg.formulas.ranges import check_number

Array = NDArray[Any]


def _passes(estimator: DescentEstimator) -> bool:
    """Whether single passes have a meaning: early stopping looks at many."""
    if estimator.early_stopping is True:
        raise AttributeError("early_stopping should be False with partial_fit: one pass never stops by itself")
    return True


class Regression(RegressorMixin, DescentEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """Targets that are numbers, one or several per row.

    Parameters
    ----------
    loss : str or Loss
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"epsilon_insensitive"``,
        ``"squared_epsilon_insensitive"``, ``"poisson"``, a loss with numbers such as ``losses.huber(delta=2)``, or
        one of your own.
    """

    _reads_y: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        loss = _named_loss(self.loss)
        tags.target_tags.positive_only = loss is not None and loss.target == "count"
        return tags

    @available_if(_passes)  # type: ignore[untyped-decorator]
    @parameters_checked
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over these rows: one update with ``batch_size=None``, else one per batch, the last of the rest.

        The first call draws the parameters; each later one goes on from there with the rule's memory, as another
        epoch. Nothing stops a pass: ``max_iter``, ``tol`` and ``callbacks`` do not count, save that schedules take
        ``max_iter`` for the total.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or Stream
            A stream has targets and weights of its own.
        y : array-like of shape (n,) or (n, n_outputs)
        sample_weight : array-like of shape (n,), optional
            A factor on the row's gradient, whatever the others weigh.

        Returns
        -------
        self
        """
        return self._make_pass(X, y, sample_weight, learn=not hasattr(self, "theta_"))

    def predict(self, X: Any) -> Array:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n,) or (n, n_outputs)
            In the units of ``y``: the inverse link of the scores.
        """
        scores = self._scores(X)
        link = self._loss.inverse_link
        means = np.exp(scores) if link == "exp" else _expit(scores) if link == "logistic" else scores
        return means[:, 0] if self._one_dimensional else means

    def _fitting_loss(self) -> Loss:
        loss: Loss = catalog.resolve("loss", self.loss, "loss")
        if loss.target not in {"real", "count"} or loss.inverse_link == "softmax":
            what = f"{loss.name} is a loss for classes, this is a regressor"
            raise SettingError(
                "SETTING-LOSS", "loss", what, "For numbers there are squared, absolute, huber, poisson and more."
            )
        return loss

    def _encode(self, y: Array, dtype: np.dtype[Any], *, learn: bool) -> Array:  # noqa: ARG002 - nothing to learn
        if issparse(y):
            raise DataError("DATA-SPARSE", "y", "is sparse", "Pass y.toarray().")
        self._one_dimensional = y.ndim == 1
        with np.errstate(over="ignore"):
            targets = np.asarray(y, dtype=dtype).reshape(len(y), -1)
        if not np.isfinite(targets).all():
            raise DataError(
                "DATA-RANGE", "y", f"holds numbers that {dtype} cannot", "Scale the target, or pass X as float64."
            )
        loss = self._fitting_loss()
        if loss.target == "count" and (targets < 0).any():
            row = int((targets < 0).any(axis=1).argmax())
            what = f"is {targets[row].min():g} in row {row}; the loss {loss.name} takes numbers >= 0"
            raise DataError("DATA-TARGET-RANGE", "y", what)
        return targets


class Classification(ClassifierMixin, DescentEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """Targets that are classes, two or more; or rows of 0 and 1 that say which of several labels a row has.

    Parameters
    ----------
    loss : str or Loss
        ``"log_loss"`` is logistic regression, softmax where there are more than two classes. ``"hinge"``,
        ``"squared_hinge"``, ``"modified_huber"``, the two-class loss ``losses.log`` as such, and a two-class loss of
        your own have one score per class against the rest. Losses for numbers learn -1 and 1.
    class_weight : dict, "balanced" or None
        Factor on the weights of the rows by class; classes that are not named count once. "balanced" gives all
        classes the same total weight.
    label_smoothing : float in [0, 1)
        Share of each row's certainty that goes to all classes alike (Szegedy et al. 2016); for log_loss. Validation
        rows keep theirs.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        Labels in order.
    """

    _reads_y: ClassVar[dict[str, Any]] = {"multi_output": True}

    class_weight: Any
    label_smoothing: float

    # What targets of several labels leave: that they are, and the type of their 0 and 1.
    _multilabel: bool = False
    _indicator: np.dtype[Any]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = None if self.loss == "log_loss" else _named_loss(self.loss)
        tags.classifier_tags.multi_label = loss is None or not loss.per_row
        return tags

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number("label_smoothing", self.label_smoothing, "[0, 1)")
        given = self.class_weight
        if not (given is None or isinstance(given, dict) or (isinstance(given, str) and given == "balanced")):
            shown = repr(given) if isinstance(given, str) else type(given).__name__
            code = "SETTING-UNKNOWN" if isinstance(given, str) else "SETTING-TYPE"
            raise SettingError(code, "class_weight", f"must be a dictionary or 'balanced', got {shown:.40}")

    @available_if(_passes)  # type: ignore[untyped-decorator]
    @parameters_checked
    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over these rows: one update with ``batch_size=None``, else one per batch, the last of the rest.

        The first call draws the parameters; each later one goes on from there with the rule's memory, as another
        epoch. Nothing stops a pass: ``max_iter``, ``tol`` and ``callbacks`` do not count, save that schedules take
        ``max_iter`` for the total.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or Stream
            A stream has targets and weights of its own.
        y : array-like of shape (n,)
        classes : array-like of shape (n_classes,)
            All classes that will ever come; needed in the first call.
        sample_weight : array-like of shape (n,), optional
            A factor on the row's gradient, whatever the others weigh.

        Returns
        -------
        self
        """
        first = not hasattr(self, "theta_")
        if first and classes is None:
            raise SettingError("SETTING-CLASSES", "classes", "must be passed to the first call of partial_fit")
        if isinstance(self.class_weight, str):
            what = f"{self.class_weight!r} cannot be told from a part of the rows"
            raise SettingError("SETTING-WEIGHT", "class_weight", what, "Pass a dictionary of weights to partial_fit.")
        if first:
            self.classes_ = at_least_two(np.unique(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise SettingError("SETTING-CLASSES", "classes", "are not those of the first call of partial_fit")
        return self._make_pass(X, y, sample_weight, learn=False)

    def decision_function(self, X: Any) -> Array:
        """Return the scores before the inverse link.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n,) or (n, n_classes)
            For two classes one score, positive for ``classes_[1]``; else one per class, the largest wins. Of several
            labels, each has one of its own, positive where a row has the label.
        """
        scores = self._scores(X)
        if scores.shape[1] == 1:
            return scores[:, 0]
        return scores if len(self.classes_) > 2 or self._multilabel else scores[:, 1] - scores[:, 0]

    def predict(self, X: Any) -> Array:
        """Predict the class, or which labels a row has.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n,), dtype of ``classes_``; or ndarray (n, n_labels) of 0 and 1, dtype of ``y``
        """
        scores = self.decision_function(X)
        if self._multilabel:
            return (scores > 0).astype(self._indicator)
        chosen: Array = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        predicted: Array = self.classes_[chosen]
        return predicted

    def _probable(self) -> bool:
        """Whether the scores of the loss are probabilities behind a link."""
        loss = getattr(self, "_loss", None) or _named_loss(self.loss)
        if loss is None or not link_of(loss):
            named = self.loss if loss is None else loss.name
            raise AttributeError(f"the loss {named} gives no probabilities; log (log_loss) and modified_huber do")
        return True

    @available_if(_probable)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class.

        There is no such method where the loss has no probabilities: hinge, squared hinge, losses for numbers. One
        score per class under a logistic link, and the modified Huber loss, ask one question per class: the answers
        are divided by their sum. Several labels do not exclude each other: each has its own probability.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n, n_classes)
            Rows sum to 1, save those of several labels.
        """
        scores = self._scores(X)
        return shares(link_of(self._loss), scores, apart=self._multilabel)

    @available_if(_probable)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of the probability of each class, -inf where it is 0.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _fitting_loss(self) -> Loss:
        if self.loss == "log_loss" and len(self.classes_) > 2 and not self._multilabel:
            return softmax
        loss: Loss = catalog.resolve("loss", self.loss, "loss")
        if loss.target == "count":
            what = f"{loss.name} is a loss for counts, this is a classifier"
            raise SettingError(
                "SETTING-LOSS", "loss", what, "For classes there are log (log_loss), hinge, modified_huber and more."
            )
        if loss.per_row and self._multilabel:
            what = f"{loss.name} gives every row one class; y says which of {len(self.classes_)} labels a row has"
            raise SettingError("SETTING-LOSS", "loss", what, "Take log_loss: one question per label.")
        return loss

    def _settle(self, y: Any) -> Array:
        """Return labels (n,), or which of several labels each row has as 0 and 1 (n, labels)."""
        y = y.toarray() if issparse(y) else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if y.ndim == 2 and not np.isin(y, (0, 1)).all():
            what = f"has {y.shape[1]} columns, which must hold 0 and 1 only: whether a row has the label"
            raise DataError("DATA-LABELS", "y", what, "Several targets of several classes each are as many models.")
        return np.asarray(y)

    def _encode(self, y: Array, dtype: np.dtype[Any], *, learn: bool) -> Array:
        if learn or not hasattr(self, "theta_"):
            self._multilabel = y.ndim == 2
        if self._multilabel:
            return self._encode_labels(y, dtype, learn=learn)
        if y.ndim != 1:
            raise DataError("DATA-LABELS", "y", f"has {y.shape[1]} columns; the classes were learned from one")
        if learn:
            self.classes_ = at_least_two(np.unique(y))
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = np.flatnonzero(self.classes_[codes] != y)
        if unknown.size:
            what = f"the label {y[unknown[0]]!s:.40} in row {unknown[0]} is not one of the {len(self.classes_)} classes"
            raise DataError("DATA-CLASS", "y", what, f"There are {', '.join(map(str, self.classes_[:8]))}"[:100])
        loss = self._fitting_loss()
        single = len(self.classes_) == 2 and loss.target != "classes"
        targets = codes.reshape(-1, 1).astype(dtype) if single else np.eye(len(self.classes_), dtype=dtype)[codes]
        return 2 * targets - 1 if _is_margin(loss) else targets

    def _encode_labels(self, y: Array, dtype: np.dtype[Any], *, learn: bool) -> Array:
        """Return which labels the rows have, one column per label."""
        if learn:
            self.classes_ = np.arange(y.shape[1])
        if y.shape != (len(y), len(self.classes_)):
            what = f"has shape {y.shape}; there are {len(self.classes_)} labels, and a column of 0 and 1 for each"
            raise DataError("DATA-LABELS", "y", what)
        if learn or not hasattr(self, "theta_"):
            self._indicator = y.dtype
        targets = y.astype(dtype)
        return 2 * targets - 1 if _is_margin(self._fitting_loss()) else targets

    def _softened(self, targets: Array, loss: Loss) -> Array:
        softened: Array = told.smoothed(targets, float(self.label_smoothing), loss)
        return softened

    def _strata(self, targets: Array) -> Array | None:
        if self._multilabel:
            return None
        return targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1)

    def _weigh(self, y: Array, weights: Array | None, dtype: np.dtype[Any]) -> Array | None:
        if self.class_weight is None:
            return weights
        if self._multilabel:
            what = "has no meaning where a row has several labels: weights belong to rows"
            raise SettingError("SETTING-WEIGHT", "class_weight", what, "Pass sample_weight to fit.")
        per_class = self._class_weights(y, weights)
        of_rows: Array = per_class[np.searchsorted(self.classes_, y)].astype(dtype)
        return of_rows if weights is None else weights * of_rows

    def _class_weights(self, y: Array, weights: Array | None) -> NDArray[np.float64]:
        """Return the weight of each class."""
        given = self.class_weight
        if isinstance(given, str):
            with np.errstate(divide="ignore"):  # a class without weight has none to balance
                balanced = compute_class_weight("balanced", classes=self.classes_, y=y, sample_weight=weights)
            return np.where(np.isfinite(balanced), balanced, 0.0)
        labels = self.classes_.tolist()
        for label, weight in given.items():
            if label not in labels:
                listed = ", ".join(map(str, labels[:8]))
                raise SettingError(
                    "SETTING-CLASSES", "class_weight", f"{label!r:.40} is not one of the classes {listed:.100}"
                )
            check_number(f"class_weight of {label!r:.40}", weight, "[0, inf)")
        per_class = np.array([float(given.get(label, 1.0)) for label in labels])
        if not per_class.any():
            raise SettingError("SETTING-WEIGHT", "class_weight", "is 0 for all classes")
        return per_class


def at_least_two(classes: Array) -> Array:
    """Return the classes, unless there is none, or one alone."""
    if len(classes) < 2:
        held = f"holds the one class {classes[0]!s:.40}" if len(classes) else "holds no class"
        raise DataError("DATA-ONE-CLASS", "y", f"{held}; classification needs two or more")
    return classes


def _is_margin(loss: Loss) -> bool:
    """Whether a loss takes -1 and 1 for 0 and 1: one for numbers."""
    return bool(loss.target == "real" and loss.inverse_link == "identity")


def _named_loss(given: object) -> Loss | None:
    """Return the loss; None where it cannot be told, which ``fit`` will say."""
    try:
        found: Loss = catalog.resolve("loss", given, "loss")
    except SettingError:
        return None
    return found


def _expit(scores: Array) -> Array:
    from scipy import special  # a tenth of a first fit, which does without

    means: Array = special.expit(scores)
    return means


def link_of(loss: Loss) -> str:
    """Return how scores become probabilities of classes; empty where they do not."""
    if loss.fingerprint == modified_huber.fingerprint:
        return "margin"
    if loss.inverse_link == "softmax":
        return "softmax" if loss.target == "classes" else ""
    return "logistic" if loss.inverse_link == "logistic" else ""
