"""Linear models, fitted by any rule under any loss."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear
from thalweg.estimators import settings as told
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.documentation import documented
from thalweg.estimators.targets import Classification, Regression
from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]


class LinearEstimator(DescentEstimator):
    """Scores that are linear in the features, on dense rows or on CSR.

    Parameters
    ----------
    penalty : str or Penalty or None
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the coefficients, not on intercepts.
    alpha : float >= 0, optional
        Strength of the penalty; replaces its own (1e-4).
    fit_intercept : bool
        Whether scores have an intercept.

    Notes
    -----
    On CSR rows in batches an update costs as much as the entries of its rows under ``gradient_descent`` (without a
    penalty, with ``"l2"`` or with ``"l1"``), ``adagrad``, ``signsgd``, ``rmsprop``, ``rmsprop_centered`` and
    ``adadelta`` (without a penalty), ``ftrl`` (without a penalty, at a constant learning rate), and under rules of your
    own whose formula leaves or shrinks a weight without a gradient. All others, ``adam`` and ``momentum`` among them,
    move every weight in every update, and so do other penalties: an epoch costs updates times columns.
    """

    _model: Linear

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        *,
        penalty: Any = None,
        alpha: float | None = None,
        l1_ratio: float | None = None,
        fit_intercept: bool = True,
        optimizer: str | Rule = "nesterov",
        learning_rate: float | str | None = "auto",
        schedule: Any = "auto",
        batch_size: int | str | None = "auto",
        accumulate: int = 1,
        max_iter: int | None = None,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        shuffle: bool = True,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: Any = False,
        gradient_norm: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        callbacks: Any = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.clip_value = clip_value
        self.clip_norm = clip_norm
        self.average = average
        self.gradient_norm = gradient_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.callbacks = callbacks

    def _check_parameters(self) -> None:
        super()._check_parameters()
        told.flag("fit_intercept", self.fit_intercept)

    def _layers(self) -> int:
        return 1

    def _make_model(self, n_features: int, n_outputs: int) -> Linear:
        return Linear(n_features, n_outputs, told.flag("fit_intercept", self.fit_intercept))

    @property
    def intercept_(self) -> Array:
        """Intercepts (n_outputs,), a view of ``theta_``; zeros where none is fitted."""
        return np.asarray(self._model.intercept(self.theta_))


@final
@documented
class LinearRegressor(Regression, LinearEstimator):
    r"""Linear regression by descent: least squares, robust, quantile, Poisson, or a loss of your own.

    .. math:: \min_{w, b} \; \frac{\sum_i s_i \, \ell(y_i, w \cdot x_i + b)}{\sum_i s_i} + p(w)

    Attributes
    ----------
    coef_ : ndarray (n_features,) or (n_outputs, n_features)
        Coefficients, a view of ``theta_``; the second form where ``y`` has two dimensions.
    intercept_ : ndarray (n_outputs,)
        Intercepts, a view of ``theta_``.

    Notes
    -----
    The objective is a mean over rows plus the penalty, and squared error is halved: ``alpha`` is scikit-learn's for
    ``Lasso``, ``ElasticNet`` and ``SGDRegressor``; that of its ``Ridge`` is ``n`` times ours. Several outputs add up.

    Examples
    --------
    >>> X, y = np.arange(6.0).reshape(-1, 1), np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0])
    >>> line = LinearRegressor(optimizer="momentum", learning_rate=0.05, batch_size=None, tol=None).fit(X, y)
    >>> print(line.coef_.round(6), line.intercept_.round(6))
    [2.] [1.]
    >>> float(line.predict([[10.0]])[0])
    21.0
    """

    @property
    def coef_(self) -> Array:
        """Coefficients, a view of ``theta_``."""
        coef: Array = self._model.coef(self.theta_)
        return coef[0] if self._one_dimensional else coef


@final
@documented
class LinearClassifier(Classification, LinearEstimator):
    """Linear classification by descent: logistic regression, support vector machines, or a loss of your own.

    Attributes
    ----------
    coef_ : ndarray (1, n_features) or (n_classes, n_features)
        Coefficients, a view of ``theta_``; one row for two classes.
    intercept_ : ndarray (1,) or (n_classes,)
        Intercepts, a view of ``theta_``.

    Notes
    -----
    The objective is a mean over rows plus the penalty: ``C`` of scikit-learn's ``LogisticRegression`` is
    ``1 / (n * alpha)``, ``alpha`` of its ``SGDClassifier`` is ours. ``SGDClassifier`` fits ``"log_loss"`` one class
    against the rest, which here is ``loss=losses.log``. Explicit ``losses.softmax`` keeps two columns for two classes.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
    >>> switch = LinearClassifier(penalty="l2", alpha=0.1, learning_rate=0.1, batch_size=None, tol=None).fit(X, y)
    >>> print(switch.predict([[0.2], [2.8]]))
    ['no' 'yes']
    >>> round(float(switch.predict_proba([[1.5]])[0, 1]), 2)
    0.50
    """

    def __init__(
        self,
        loss: str | Loss = "log_loss",
        *,
        penalty: Any = None,
        alpha: float | None = None,
        l1_ratio: float | None = None,
        fit_intercept: bool = True,
        optimizer: str | Rule = "nesterov",
        learning_rate: float | str | None = "auto",
        schedule: Any = "auto",
        batch_size: int | str | None = "auto",
        accumulate: int = 1,
        max_iter: int | None = None,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        shuffle: bool = True,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: Any = False,
        gradient_norm: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: Any = None,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        callbacks: Any = None,
    ) -> None:
        super().__init__(
            loss,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
            fit_intercept=fit_intercept,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            batch_size=batch_size,
            accumulate=accumulate,
            max_iter=max_iter,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            shuffle=shuffle,
            clip_value=clip_value,
            clip_norm=clip_norm,
            average=average,
            gradient_norm=gradient_norm,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            scoring=scoring,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    @property
    def coef_(self) -> Array:
        """Coefficients, a view of ``theta_``."""
        return np.asarray(self._model.coef(self.theta_))
