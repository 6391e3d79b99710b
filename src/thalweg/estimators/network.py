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
from thalweg.estimators.documentation import documented
from thalweg.estimators.targets import Classification, Regression
from thalweg.formulas import catalog
from thalweg.formulas.formula import Activation, Loss, Rule
from thalweg.formulas.ranges import check_number

Array = NDArray[Any]


class NetworkEstimator(DescentEstimator):
    """Scores by a multilayer perceptron, on dense rows or on CSR.

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
    penalty : str or Penalty or None, or a sequence of them
        ``"l2"``, ``"l1"``, ``"elasticnet"``, or one of your own; on the weights, not on biases. One for all layers, or
        one for each, the last layer included.
    alpha : float >= 0, optional, or a sequence of them
        Strength of the penalty; replaces its own (1e-4). One for all layers, or one for each.

    Attributes
    ----------
    coefs_ : list of ndarray (fan_in, fan_out)
        Weights of each layer, views of ``theta_``.
    intercepts_ : list of ndarray (fan_out,)
        Biases of each layer, views of ``theta_``.
    """

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
@documented
class MLPRegressor(Regression, NetworkEstimator):
    """Regression by a multilayer perceptron, with dropout, weights of rows and settings per layer.

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
@documented
class MLPClassifier(Classification, NetworkEstimator):
    """Classification by a multilayer perceptron, with dropout, weights of rows and classes, and settings per layer.

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
