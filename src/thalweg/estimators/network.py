"""Multilayer perceptrons, fitted by any rule under any loss."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import INITIALISATIONS, Network, per_layer
from thalweg.descent.settings import check_count
from thalweg.errors import LimitError, SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.targets import Classification, Regression
from thalweg.formulas import catalog
from thalweg.formulas.formula import Activation, Loss, Rule
from thalweg.formulas.ranges import check_number

Array = NDArray[Any]


class NetworkEstimator(DescentEstimator):
    """Scores by a multilayer perceptron, on dense rows or on CSR."""

    _model: Network

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        activation: Any = "relu",
        dropout: float | Sequence[float] = 0.0,
        initialisation: str = "he",
        loss: str | Loss = "squared_error",
        penalty: Any = None,
        alpha: Any = None,
        l1_ratio: float | None = None,
        optimizer: str | Rule = "adam",
        learning_rate: float | str | None = None,
        schedule: Any = None,
        batch_size: int | str | None = "auto",
        accumulate: int = 1,
        max_iter: int | None = 200,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.initialisation = initialisation
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
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
        start: Any = self.initialisation
        if not isinstance(start, str):
            what = f"must be one of {', '.join(INITIALISATIONS)}, got {type(start).__name__} {start!r:.40}"
            raise SettingError("SETTING-TYPE", "initialisation", what)
        self._network(1, 1)

    def _layers(self) -> int:
        return len(self._hidden_sizes()) + 1

    def _make_model(self, n_features: int, n_outputs: int) -> Network:
        network = self._network(n_features, n_outputs)
        self._check_memory(network)
        return network

    def _network(self, n_features: int, n_outputs: int) -> Network:
        """Return the network that the parameters describe, however large."""
        sizes = self._hidden_sizes()
        activations: list[Activation] = [
            catalog.resolve("activation", given, "activation")
            for given in per_layer("activation", self.activation, len(sizes))
        ]
        dropout = [
            float(check_number("dropout", share, "[0, 1)")) for share in per_layer("dropout", self.dropout, len(sizes))
        ]
        return Network((n_features, *sizes, n_outputs), tuple(activations), tuple(dropout), self.initialisation)

    def _hidden_sizes(self) -> list[int]:
        given: Any = self.hidden_layer_sizes
        listed = list(given) if isinstance(given, tuple | list | np.ndarray) else [given]
        if not listed:
            hint = "Without a hidden layer it is a LinearRegressor or LinearClassifier."
            raise SettingError("SETTING-LAYERS", "hidden_layer_sizes", "is empty", hint)
        return [check_count("hidden_layer_sizes", size) for size in listed]

    def _check_memory(self, network: Network) -> None:
        """Refuse a network that cannot be held; parameters, gradient and memory of the rule, in float64."""
        rule = told.rule(self.optimizer, self.learning_rate)
        needed, there = 8 * network.size * (3 + 2 * len(rule.slots)), _machine_memory()
        if needed > there:
            sizes = f"need {needed / 2**30:.3g} GiB, this machine has {there / 2**30:.3g}"
            what = f"{network.size} parameters under {rule.name} {sizes}"
            raise LimitError("LIMIT-MEMORY", "hidden_layer_sizes", what)

    @property
    def coefs_(self) -> list[Array]:
        """Weights of each layer (fan_in, fan_out), views of ``theta_``."""
        return list(self._model.coefs(self.theta_))

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of each layer (fan_out,), views of ``theta_``."""
        return list(self._model.biases(self.theta_))


def _machine_memory() -> float:
    """Return the bytes of memory that the machine has, infinity where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf


@final
class MLPRegressor(Regression, NetworkEstimator):
    """Regression by a multilayer perceptron, with dropout, weights of rows and settings per layer.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str or Activation, or a sequence of them
        ``"relu"``, ``"tanh"``, ``"logistic"``, ``"gelu"``, any other activation of this library, or one of your own.
        One for all hidden layers, or one for each; the last layer is linear, the loss takes its scores.
    dropout : float in [0, 1), or a sequence of them
        Share of the units of each hidden layer that is dropped in training; none is dropped in prediction.
    initialisation : {"he", "glorot", "lecun", "uniform"}
        How weights start: normal with variance 2 / fan_in (He et al. 2015), uniform with variance
        2 / (fan_in + fan_out) (Glorot and Bengio 2010), normal with variance 1 / fan_in (LeCun et al. 1998), or uniform
        in [0, 1). Biases start at zero.
    loss : str or Loss
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"epsilon_insensitive"``,
        ``"squared_epsilon_insensitive"``, ``"poisson"``, a loss with numbers such as ``losses.huber(delta=2)``, or
        one of your own.
    penalty : str or Penalty or None, or a sequence of them
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the weights, not on biases. One for all layers, or
        one for each, the last layer included.
    alpha : float >= 0, optional, or a sequence of them
        Strength of the penalty; replaces its own (1e-4). One for all layers, or one for each.
    l1_ratio : float in [0, 1], optional
        Share of l1 in the elastic net; replaces its own (0.15).
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
    coefs_ : list of ndarray (fan_in, fan_out)
        Weights of each layer, views of ``theta_``.
    intercepts_ : list of ndarray (fan_out,)
        Biases of each layer, views of ``theta_``.
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
    ``alpha`` of scikit-learn's ``MLPRegressor`` is divided by the rows of a batch: it is ours times the batch size.
    Sparse rows are never laid out in full; the weights of the first layer are. Several outputs add up in the loss.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> wave = MLPRegressor((16, 16), activation=("tanh", "relu"), learning_rate=0.005, tol=None, random_state=0)
    >>> wave.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.99
    True
    """


@final
class MLPClassifier(Classification, NetworkEstimator):
    """Classification by a multilayer perceptron, with dropout, weights of rows and classes, and settings per layer.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str or Activation, or a sequence of them
        ``"relu"``, ``"tanh"``, ``"logistic"``, ``"gelu"``, any other activation of this library, or one of your own.
        One for all hidden layers, or one for each; the last layer is linear, the loss takes its scores.
    dropout : float in [0, 1), or a sequence of them
        Share of the units of each hidden layer that is dropped in training; none is dropped in prediction.
    initialisation : {"he", "glorot", "lecun", "uniform"}
        How weights start: normal with variance 2 / fan_in (He et al. 2015), uniform with variance
        2 / (fan_in + fan_out) (Glorot and Bengio 2010), normal with variance 1 / fan_in (LeCun et al. 1998), or uniform
        in [0, 1). Biases start at zero.
    loss : str or Loss
        ``"log_loss"`` is logistic regression, softmax where there are more than two classes. ``"hinge"``,
        ``"squared_hinge"``, ``"modified_huber"``, the two-class loss ``losses.log`` as such, and a two-class loss of
        your own have one score per class against the rest. Losses for numbers learn -1 and 1.
    penalty : str or Penalty or None, or a sequence of them
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the weights, not on biases. One for all layers, or
        one for each, the last layer included.
    alpha : float >= 0, optional, or a sequence of them
        Strength of the penalty; replaces its own (1e-4). One for all layers, or one for each.
    l1_ratio : float in [0, 1], optional
        Share of l1 in the elastic net; replaces its own (0.15).
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
    coefs_ : list of ndarray (fan_in, fan_out)
        Weights of each layer, views of ``theta_``.
    intercepts_ : list of ndarray (fan_out,)
        Biases of each layer, views of ``theta_``.
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
    The last layer has one score for two classes, else one per class. ``alpha`` of scikit-learn's ``MLPClassifier`` is
    divided by the rows of a batch: it is ours times the batch size. Sparse rows are never laid out in full; the weights
    of the first layer are.

    Examples
    --------
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8), np.array([0, 1, 1, 0] * 8)
    >>> xor = MLPClassifier((8, 8), activation=("tanh", "relu"), learning_rate=0.02, random_state=0)
    >>> xor.set_params(max_iter=100, tol=None).fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        activation: Any = "relu",
        dropout: float | Sequence[float] = 0.0,
        initialisation: str = "he",
        loss: str | Loss = "log_loss",
        penalty: Any = None,
        alpha: Any = None,
        l1_ratio: float | None = None,
        optimizer: str | Rule = "adam",
        learning_rate: float | str | None = None,
        schedule: Any = None,
        batch_size: int | str | None = "auto",
        accumulate: int = 1,
        max_iter: int | None = 200,
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
            hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            initialisation=initialisation,
            loss=loss,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
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
