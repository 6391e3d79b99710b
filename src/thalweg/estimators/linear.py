"""Linear models, fitted by any rule under any loss."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear
from thalweg.estimators import settings as told
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.targets import Classification, Regression
from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]


class LinearEstimator(DescentEstimator):
    """Scores that are linear in the features, on dense rows or on CSR."""

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
class LinearRegressor(Regression, LinearEstimator):
    r"""Linear regression by descent: least squares, robust, quantile, Poisson, or a loss of your own.

    .. math:: \min_{w, b} \; \frac{\sum_i s_i \, \ell(y_i, w \cdot x_i + b)}{\sum_i s_i} + p(w)

    Parameters
    ----------
    loss : str or Loss
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"epsilon_insensitive"``,
        ``"squared_epsilon_insensitive"``, ``"poisson"``, a loss with numbers such as ``losses.huber(delta=2)``, or
        one of your own.
    penalty : str or Penalty or None
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the coefficients, not on intercepts.
    alpha : float >= 0, optional
        Strength of the penalty; replaces its own (1e-4).
    l1_ratio : float in [0, 1], optional
        Share of l1 in the elastic net; replaces its own (0.15).
    fit_intercept : bool
        Whether scores have an intercept.
    optimizer : str or Rule
        ``"nesterov"``, ``"adam"``, ``"gradient_descent"``, any other rule of this library, or one of your own.
    learning_rate : float > 0, "auto", "range_test" or None
        None is the rule's own. "auto" finds one on the rows of the first fit, unless the rule was given numbers of its
        own: from the curvature of the loss for linear models under gradient descent, momentum, Nesterov's and their
        like, at the price of about one epoch; elsewhere by a short range test, at that of several. "range_test" always
        makes the test, see ``range_test_``. ``partial_fit`` finds none.
    schedule : str or Schedule, "auto" or None
        Factor on the learning rate over the epochs. "auto" is a straight fall to zero where the rate was found, which
        is what such rates are meant for, and none elsewhere.
    batch_size : int, "auto" or None
        Rows per update; None for all of them (full batch). "auto" takes a 32nd of the rows, at most 200.
    accumulate : int
        Batches whose gradients add up to one update: that of so many times the rows, in the memory of one batch.
    max_iter : int or None
        Epochs at most. None makes 15 where the learning rate is found, which then falls to zero, and 1000 elsewhere.
    tol : float >= 0 or None
        Stop when the loss has not fallen by ``tol`` below its best for ``n_iter_no_change`` epochs. None makes all
        ``max_iter`` epochs, as does a rate that "auto" makes fall to zero.
    n_iter_no_change : int
        Epochs to wait for a fall.
    shuffle : bool
        A new order of the rows each epoch.
    clip_value : float > 0, optional
        Bound on every entry of the gradient, before the penalty.
    clip_norm : float > 0, optional
        Bound on the Euclidean norm of the gradient, before the penalty; not together with ``clip_value``.
    average : bool, "polyak", "ema", int >= 1 or float in (0, 1)
        Predict with a mean of the parameters after each update (Polyak and Juditsky 1992): of all alike (True,
        "polyak"), from so many updates on (an integer), or each weighing so much less than the one after it (a decay;
        "ema" is 0.999).
    gradient_norm : bool
        Keep ``gradient_norm_curve_``.
    early_stopping : bool
        Watch the loss on validation rows instead, and go back to the epoch where it was lowest. The rows are those
        that ``fit`` is given as ``X_val`` and ``y_val``, or some of the others set aside.
    validation_fraction : float in (0, 1)
        Share of the rows set aside; classes keep their shares.
    scoring : str or callable, optional
        What to watch on validation rows in the place of the loss: a name of scikit-learn's scorers, or
        ``scorer(estimator, X, y)``. The greater the better.
    random_state : int, Generator, RandomState, SeedSequence or None
        Source of all that is drawn: first weights, orders, dropout, rows set aside. The same number gives the same
        bits.
    warm_start : bool
        Go on from the last fit; see :meth:`fit`.
    verbose : int
        1 prints the loss of every epoch.
    callbacks : callable or sequence of callable, optional
        Called after every epoch with the :class:`~thalweg.descent.run.Run`; a true answer stops it. Those of
        ``sklearn.callback`` are set by :meth:`set_callbacks`.

    Attributes
    ----------
    coef_ : ndarray (n_features,) or (n_outputs, n_features)
        Coefficients, a view of ``theta_``; the second form where ``y`` has two dimensions.
    intercept_ : ndarray (n_outputs,)
        Intercepts, a view of ``theta_``.
    theta_ : ndarray (n_parameters,)
        All parameters as one flat vector; their mean, where iterates are averaged.
    last_iterate_ : ndarray (n_parameters,)
        Parameters after the last update, from which ``warm_start`` and ``partial_fit`` go on; ``theta_`` itself where
        nothing is averaged.
    state_ : ndarray (n_slots, n_parameters)
        Memory of the rule: moments, velocities.
    t_ : float
        Updates made since the parameters were drawn.
    learning_rate_ : float or None
        Learning rate of the last fit, before its schedule; None for a rule without one.
    range_test_ : dict or None
        The range test that found ``learning_rate_``, if one did: rates, losses and what they say, as of
        :func:`thalweg.learning_rate_range`.
    n_iter_ : int
        Epochs made by the last call of ``fit`` or ``partial_fit``.
    loss_curve_ : list of float
        Objective of every epoch since the parameters were drawn: mean loss plus penalty, each batch measured before
        its update.
    validation_curve_ : list of float
        With ``early_stopping``, the mean loss on the validation rows after each epoch, penalty apart, or what
        ``scoring`` says; else empty.
    learning_rate_curve_ : list of float
        Learning rate of every epoch, the mean over its updates; empty for a rule without one.
    gradient_norm_curve_ : list of float
        With ``gradient_norm``, of every epoch the root mean square over its updates of the Euclidean norm of the
        gradient of the mean loss: what ``clip_norm`` bounds, before it does and before the penalty. Else empty.
    best_epoch_ : int or None
        With ``early_stopping``, the epoch whose parameters were kept; else None.
    record_ : Record
        Account of the last run: settings, how it ended, where it ran.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where ``X`` has names.

    Notes
    -----
    The objective is a mean over rows plus the penalty, and squared error is halved: ``alpha`` is scikit-learn's for
    ``Lasso``, ``ElasticNet`` and ``SGDRegressor``; that of its ``Ridge`` is ``n`` times ours. Several outputs add up.

    On CSR rows in batches an update costs as much as the entries of its rows under ``gradient_descent`` (without a
    penalty or with ``"l2"``), ``adagrad``, ``signsgd``, ``rmsprop``, ``rmsprop_centered`` and ``adadelta`` (without a
    penalty), ``ftrl`` (without a penalty, at a constant learning rate), and under rules of your own whose formula
    leaves or shrinks a weight without a gradient. All others, ``adam`` and ``momentum`` among them, move every weight
    in every update, and so does the penalty ``"l1"``: an epoch costs updates times columns.

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
class LinearClassifier(Classification, LinearEstimator):
    """Linear classification by descent: logistic regression, support vector machines, or a loss of your own.

    Parameters
    ----------
    loss : str or Loss
        ``"log_loss"`` is logistic regression, softmax where there are more than two classes. ``"hinge"``,
        ``"squared_hinge"``, ``"modified_huber"``, the two-class loss ``losses.log`` as such, and a two-class loss of
        your own have one score per class against the rest. Losses for numbers learn -1 and 1.
    penalty : str or Penalty or None
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the coefficients, not on intercepts.
    alpha : float >= 0, optional
        Strength of the penalty; replaces its own (1e-4).
    l1_ratio : float in [0, 1], optional
        Share of l1 in the elastic net; replaces its own (0.15).
    fit_intercept : bool
        Whether scores have an intercept.
    optimizer : str or Rule
        ``"nesterov"``, ``"adam"``, ``"gradient_descent"``, any other rule of this library, or one of your own.
    learning_rate : float > 0, "auto", "range_test" or None
        None is the rule's own. "auto" finds one on the rows of the first fit, unless the rule was given numbers of its
        own: from the curvature of the loss for linear models under gradient descent, momentum, Nesterov's and their
        like, at the price of about one epoch; elsewhere by a short range test, at that of several. "range_test" always
        makes the test, see ``range_test_``. ``partial_fit`` finds none.
    schedule : str or Schedule, "auto" or None
        Factor on the learning rate over the epochs. "auto" is a straight fall to zero where the rate was found, which
        is what such rates are meant for, and none elsewhere.
    batch_size : int, "auto" or None
        Rows per update; None for all of them (full batch). "auto" takes a 32nd of the rows, at most 200.
    accumulate : int
        Batches whose gradients add up to one update: that of so many times the rows, in the memory of one batch.
    max_iter : int or None
        Epochs at most. None makes 15 where the learning rate is found, which then falls to zero, and 1000 elsewhere.
    tol : float >= 0 or None
        Stop when the loss has not fallen by ``tol`` below its best for ``n_iter_no_change`` epochs. None makes all
        ``max_iter`` epochs, as does a rate that "auto" makes fall to zero.
    n_iter_no_change : int
        Epochs to wait for a fall.
    shuffle : bool
        A new order of the rows each epoch.
    clip_value : float > 0, optional
        Bound on every entry of the gradient, before the penalty.
    clip_norm : float > 0, optional
        Bound on the Euclidean norm of the gradient, before the penalty; not together with ``clip_value``.
    average : bool, "polyak", "ema", int >= 1 or float in (0, 1)
        Predict with a mean of the parameters after each update (Polyak and Juditsky 1992): of all alike (True,
        "polyak"), from so many updates on (an integer), or each weighing so much less than the one after it (a decay;
        "ema" is 0.999).
    gradient_norm : bool
        Keep ``gradient_norm_curve_``.
    early_stopping : bool
        Watch the loss on validation rows instead, and go back to the epoch where it was lowest. The rows are those
        that ``fit`` is given as ``X_val`` and ``y_val``, or some of the others set aside.
    validation_fraction : float in (0, 1)
        Share of the rows set aside; classes keep their shares.
    scoring : str or callable, optional
        What to watch on validation rows in the place of the loss: a name of scikit-learn's scorers, or
        ``scorer(estimator, X, y)``. The greater the better.
    class_weight : dict, "balanced" or None
        Factor on the weights of the rows by class; classes that are not named count once. "balanced" gives all
        classes the same total weight.
    label_smoothing : float in [0, 1)
        Share of each row's certainty that goes to all classes alike (Szegedy et al. 2016); for log_loss. Validation
        rows keep theirs.
    random_state : int, Generator, RandomState, SeedSequence or None
        Source of all that is drawn: first weights, orders, dropout, rows set aside. The same number gives the same
        bits.
    warm_start : bool
        Go on from the last fit; see :meth:`fit`.
    verbose : int
        1 prints the loss of every epoch.
    callbacks : callable or sequence of callable, optional
        Called after every epoch with the :class:`~thalweg.descent.run.Run`; a true answer stops it. Those of
        ``sklearn.callback`` are set by :meth:`set_callbacks`.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        Labels in order.
    coef_ : ndarray (1, n_features) or (n_classes, n_features)
        Coefficients, a view of ``theta_``; one row for two classes.
    intercept_ : ndarray (1,) or (n_classes,)
        Intercepts, a view of ``theta_``.
    theta_ : ndarray (n_parameters,)
        All parameters as one flat vector; their mean, where iterates are averaged.
    last_iterate_ : ndarray (n_parameters,)
        Parameters after the last update, from which ``warm_start`` and ``partial_fit`` go on; ``theta_`` itself where
        nothing is averaged.
    state_ : ndarray (n_slots, n_parameters)
        Memory of the rule: moments, velocities.
    t_ : float
        Updates made since the parameters were drawn.
    learning_rate_ : float or None
        Learning rate of the last fit, before its schedule; None for a rule without one.
    range_test_ : dict or None
        The range test that found ``learning_rate_``, if one did: rates, losses and what they say, as of
        :func:`thalweg.learning_rate_range`.
    n_iter_ : int
        Epochs made by the last call of ``fit`` or ``partial_fit``.
    loss_curve_ : list of float
        Objective of every epoch since the parameters were drawn: mean loss plus penalty, each batch measured before
        its update.
    validation_curve_ : list of float
        With ``early_stopping``, the mean loss on the validation rows after each epoch, penalty apart, or what
        ``scoring`` says; else empty.
    learning_rate_curve_ : list of float
        Learning rate of every epoch, the mean over its updates; empty for a rule without one.
    gradient_norm_curve_ : list of float
        With ``gradient_norm``, of every epoch the root mean square over its updates of the Euclidean norm of the
        gradient of the mean loss: what ``clip_norm`` bounds, before it does and before the penalty. Else empty.
    best_epoch_ : int or None
        With ``early_stopping``, the epoch whose parameters were kept; else None.
    record_ : Record
        Account of the last run: settings, how it ended, where it ran.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where ``X`` has names.

    Notes
    -----
    The objective is a mean over rows plus the penalty: ``C`` of scikit-learn's ``LogisticRegression`` is
    ``1 / (n * alpha)``, ``alpha`` of its ``SGDClassifier`` is ours. ``SGDClassifier`` fits ``"log_loss"`` one class
    against the rest, which here is ``loss=losses.log``. Explicit ``losses.softmax`` keeps two columns for two classes.

    On CSR rows in batches an update costs as much as the entries of its rows under ``gradient_descent`` (without a
    penalty or with ``"l2"``), ``adagrad``, ``signsgd``, ``rmsprop``, ``rmsprop_centered`` and ``adadelta`` (without a
    penalty), ``ftrl`` (without a penalty, at a constant learning rate), and under rules of your own whose formula
    leaves or shrinks a weight without a gradient. All others, ``adam`` and ``momentum`` among them, move every weight
    in every update, and so does the penalty ``"l1"``: an epoch costs updates times columns.

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
