"""scikit-learn's classes, told in its own parameters, with estimators of ours inside: what its test suites run on.

A plugin for pytest: importing it puts the stand-ins where the suites look for the originals. Nothing of the originals
computes anything here; of each only the signature of its constructor is read.
"""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any, ClassVar

import numpy as np
import sklearn.linear_model
import sklearn.neural_network
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import _stochastic_optimizers
from sklearn.utils.metaestimators import available_if

from thalweg.errors import DataError, DivergedError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.formula import loss, rule, schedule
from thalweg.formulas.rules import adam, gradient_descent, momentum, nesterov

# -- what scikit-learn calls a learning rate is a rule of ours, five lines each


@rule
def inverse_scaling(theta, g, t, *, learning_rate=0.01, power=0.5):
    rate = learning_rate / t**power
    return theta - rate * g


@rule
def optimal(theta, g, t, *, learning_rate=1.0, alpha=1e-4, first=1.0):
    rate = learning_rate / (alpha * (first + t - 1))
    return theta - rate * g


@schedule
def inverse_scaling_by_epochs(t, *, rows=1.0, power=0.5):
    return (rows * t + 1) ** -power


@schedule
def optimal_by_epochs(t, *, rows=1.0, first=1.0):
    return first / (first + rows * t)


@loss(target="binary")
def perceptron(y, z):
    s = 2 * y - 1
    return np.maximum(0 * z, -s * z), np.where(s * z <= 0, -s, 0 * z)


def told_as(original: type) -> Any:
    """Return a constructor with the parameters of another class."""
    signature = inspect.signature(original.__init__)

    def store(self: Any, *args: Any, **given: Any) -> None:
        bound = signature.bind(self, *args, **given)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    store.__signature__ = signature
    return store


class StandIn(BaseEstimator):
    """An estimator of ours that is told what to do in scikit-learn's parameters."""

    kind: ClassVar[type]

    def told(self, rows: int) -> dict[str, Any]:
        """Return the parameters of our estimator."""
        raise NotImplementedError

    def shared(self) -> dict[str, Any]:
        """Return what has one name and one meaning in both."""
        names = "max_iter tol shuffle random_state early_stopping validation_fraction n_iter_no_change verbose"
        told = {name: getattr(self, name) for name in names.split()}
        score = "accuracy" if isinstance(self, ClassifierMixin) else "r2"
        return told | {"scoring": score if self.early_stopping else None}

    def made(self, rows: int) -> Any:
        """Return our estimator with the parameters of now: the one of before, where it goes on."""
        told = self.told(rows)
        if "model_" in vars(self):
            return self.model_.set_params(**told)
        self.model_ = self.kind(**told)
        return self.model_

    def run(self, made: Any, *args: Any) -> Any:
        """Fit, and say in scikit-learn's words what went wrong."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                made.fit(*args)
            except DivergedError as error:
                raise ValueError(self.overflow.format(epoch=error.what)) from error
            except DataError as error:
                if "is zero for all rows set aside" in str(error):
                    words = "The sample weights for validation set are all zero"
                    raise ValueError(f"{words}, consider using a different random state.") from error
                raise
        for each in caught:
            if issubclass(each.category, ConvergenceWarning):
                words = "Maximum number of iteration reached before convergence."
                more = "Consider increasing max_iter to improve the fit."
                warnings.warn(f"{words} {more}", ConvergenceWarning, stacklevel=3)
            elif "batch_size=" not in str(each.message):
                warnings.warn(each.message, stacklevel=3)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_") and "model_" in vars(self):
            return getattr(self.model_, name)
        return super().__getattribute__(name)  # raises, with what the property itself had to say

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)


class SGD(StandIn):
    """``SGDClassifier`` or ``SGDRegressor``."""

    overflow = (
        "Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with StandardScaler or"
        " MinMaxScaler might help."
    )

    def told_loss(self) -> Any:
        width = {"huber": "delta", "epsilon_insensitive": "epsilon", "squared_epsilon_insensitive": "epsilon"}
        if self.loss in width:
            return getattr(losses, self.loss)(**{width[self.loss]: self.epsilon})
        return {"log_loss": losses.log, "perceptron": perceptron}.get(self.loss, self.loss)

    def told_rate(self, rows: int) -> dict[str, Any]:
        """Return rule and schedule: rates by the number of updates, or by epochs where zeros are to be exact."""
        exact = self.penalty in {"l1", "elasticnet"}
        if self.learning_rate in {"constant", "adaptive"}:
            return {"optimizer": gradient_descent(learning_rate=self.eta0)}
        if self.learning_rate == "invscaling" and exact:
            plain = gradient_descent(learning_rate=self.eta0)
            return {"optimizer": plain, "schedule": inverse_scaling_by_epochs(rows=float(rows), power=self.power_t)}
        if self.learning_rate == "invscaling":
            return {"optimizer": inverse_scaling(learning_rate=self.eta0, power=self.power_t)}
        if self.learning_rate != "optimal":
            raise ValueError(f"there is no learning_rate={self.learning_rate!r}")
        usual = np.sqrt(1 / np.sqrt(self.alpha))  # the first rate is that of a weight of usual size (Bottou)
        first = float(1 / (usual / max(1.0, self.told_loss_slope(usual)) * self.alpha))
        if exact:
            plain = gradient_descent(learning_rate=1 / (self.alpha * first))
            return {"optimizer": plain, "schedule": optimal_by_epochs(rows=float(rows), first=first)}
        return {"optimizer": optimal(alpha=self.alpha, first=first)}

    def told_loss_slope(self, usual: float) -> float:
        made = losses.squared if self.loss == "squared_error" else self.told_loss()
        made = getattr(losses, made) if isinstance(made, str) else made
        return float(made.derivative(np.array([[1.0]]), np.array([[-usual]]))[0, 0])

    def told(self, rows: int) -> dict[str, Any]:
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")
        if self.power_t < 0:
            warnings.warn("Negative values for `power_t` are deprecated", FutureWarning, stacklevel=3)
        return (
            self.shared()
            | {
                "loss": self.told_loss(),
                "penalty": self.penalty,
                "alpha": None if self.penalty is None else self.alpha,
                "l1_ratio": self.l1_ratio if self.penalty == "elasticnet" else None,
                "fit_intercept": self.fit_intercept,
                "schedule": None,
                "batch_size": 1,
                "average": self.average if isinstance(self.average, bool) else int(self.average),
            }
            | self.told_rate(rows)
        )

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        if not self.warm_start:
            vars(self).pop("model_", None)
        made = self.made(len(y))
        started = coef_init is not None or intercept_init is not None
        if started:
            self._start(made, X, y, coef_init, intercept_init)
        if hasattr(made, "theta_"):
            made.t_ = 0.0  # every fit counts its own updates
        self.run(made.set_params(warm_start=self.warm_start or started), X, y, sample_weight)
        if self.learning_rate == "adaptive" and self.tol is not None and not self.early_stopping:
            self._lower_the_rate(made, X, y, sample_weight)
        return self

    @staticmethod
    def _start(made: Any, X: Any, y: Any, coef_init: Any, intercept_init: Any) -> None:
        """Put weights into a model that has been shown the data: its arrays are views of its parameters."""
        made.set_params(max_iter=(asked := made.max_iter), tol=None)
        made.set_params(max_iter=1).fit(X, y).set_params(max_iter=asked)
        made.theta_[:] = 0
        made.state_[:] = 0
        for name, given in (("coef_", coef_init), ("intercept_", intercept_init)):
            if given is None:
                continue
            held, start = getattr(made, name), np.asarray(given)
            if start.size != held.size:
                raise ValueError(f"Provided {name}init does not match dataset: {start.shape} for {held.shape}")
            held[...] = start.reshape(held.shape)

    def _lower_the_rate(self, made: Any, X: Any, y: Any, sample_weight: Any) -> None:
        """Go on with a fifth of the rate whenever the loss has settled."""
        made.set_params(warm_start=True)
        rate, epochs = self.eta0 / 5, made.n_iter_
        while rate > 1e-6 and epochs < self.max_iter:
            made.set_params(optimizer=gradient_descent(learning_rate=rate), max_iter=self.max_iter - epochs)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                made.fit(X, y, sample_weight)
            rate, epochs = rate / 5, epochs + made.n_iter_
        made.n_iter_ = epochs

    @property
    def t_(self) -> float:
        return self.model_.t_ + 1


class SGDRegressor(RegressorMixin, SGD):
    kind = LinearRegressor
    __init__ = told_as(sklearn.linear_model.SGDRegressor)

    @property
    def loss_functions(self) -> dict[str, Any]:
        return {"huber": (None, self.epsilon)}

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        if np.ndim(y) != 1:
            raise ValueError("one target only")
        return super().fit(X, y, coef_init, intercept_init, sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        if self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        self.made(len(y)).partial_fit(X, y, sample_weight=sample_weight)
        return self


def _probable(stand_in: Any) -> bool:
    if stand_in.loss not in {"log_loss", "modified_huber"}:
        raise AttributeError(f"probability estimates are not available for loss={stand_in.loss!r}")
    return True


class SGDClassifier(ClassifierMixin, SGD):
    kind = LinearClassifier
    __init__ = told_as(sklearn.linear_model.SGDClassifier)
    loss_functions: ClassVar[dict[str, Any]] = dict.fromkeys(
        "hinge squared_hinge perceptron log_loss modified_huber squared_error huber epsilon_insensitive "
        "squared_epsilon_insensitive".split()
    )

    def told(self, rows: int) -> dict[str, Any]:
        return super().told(rows) | {"class_weight": self.class_weight}

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        if np.ndim(y) != 1:
            raise ValueError("one label for each row only")
        return super().fit(X, y, coef_init, intercept_init, sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        self.made(len(y)).partial_fit(X, y, classes=classes, sample_weight=sample_weight)
        return self

    def decision_function(self, X):
        return self.model_.decision_function(X)

    @available_if(_probable)
    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    @available_if(_probable)
    def predict_log_proba(self, X):
        return self.model_.predict_log_proba(X)


class MLP(StandIn):
    """``MLPClassifier`` or ``MLPRegressor``."""

    overflow = (
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
        " preprocessed. {epoch}"
    )

    def told_rule(self) -> Any:
        if self.solver == "adam":
            numbers = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
            return adam(learning_rate=self.learning_rate_init, **numbers)
        if self.solver == "lbfgs":  # no counterpart: all rows at once, by a rule that needs no care
            return adam(learning_rate=0.01)
        if not self.momentum:
            return gradient_descent(learning_rate=self.learning_rate_init)
        kind = nesterov if self.nesterovs_momentum else momentum
        return kind(learning_rate=self.learning_rate_init, momentum=self.momentum)

    def told(self, rows: int) -> dict[str, Any]:
        size = min(200, rows) if isinstance(self.batch_size, str) else min(self.batch_size, rows)
        told = self.shared() | {
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "initialisation": "glorot",
            "penalty": "l2",
            "alpha": self.alpha / size,
            "optimizer": self.told_rule(),
            "batch_size": size,
            "warm_start": self.warm_start,
            "n_iter_no_change": 10**9 if self.n_iter_no_change == np.inf else self.n_iter_no_change,
            "verbose": int(self.verbose),
        }
        if self.solver == "lbfgs":
            told |= {"batch_size": None, "max_iter": 20 * self.max_iter, "alpha": self.alpha / rows, "tol": 0.0}
        if hasattr(self, "loss"):
            told["loss"] = self.loss
        return told

    def fit(self, X, y, sample_weight=None):
        if not self.warm_start:
            vars(self).pop("model_", None)
        made = self.made(len(y))
        if hasattr(self, "classes_") and not np.array_equal(self.classes_, np.unique(y)):
            words = "warm_start can only be used where `y` has the same classes as in the previous call to fit."
            raise ValueError(f"{words} Previously got {self.classes_}, `y` has {np.unique(y)}")
        self.run(made, X, y, sample_weight)
        if self.learning_rate == "adaptive" and not self.early_stopping:
            made.set_params(warm_start=True)
            rate = self.learning_rate_init
            while rate > 1e-6 and made.n_iter_ < self.max_iter:
                rate /= 5
                made.set_params(learning_rate=rate).fit(X, y, sample_weight)
        return self

    def _passes(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers")
        return True

    @property
    def best_loss_(self) -> float | None:
        return None if self.early_stopping else min(self.model_.loss_curve_)

    @property
    def validation_scores_(self) -> list[float] | None:
        return self.model_.validation_curve_ if self.early_stopping else None

    @property
    def best_validation_score_(self) -> float | None:
        return max(self.validation_scores_) if self.early_stopping else None


class NetworkRegressor(RegressorMixin, MLP):
    kind = MLPRegressor
    __init__ = told_as(sklearn.neural_network.MLPRegressor)

    @available_if(MLP._passes)
    def partial_fit(self, X, y, sample_weight=None):
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self.made(len(y)).partial_fit(X, y, sample_weight)
        return self


class NetworkClassifier(ClassifierMixin, MLP):
    kind = MLPClassifier
    __init__ = told_as(sklearn.neural_network.MLPClassifier)

    @available_if(MLP._passes)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self.made(len(y)).partial_fit(X, y, classes, sample_weight)
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict_log_proba(self, X):
        return self.model_.predict_log_proba(X)


# -- its optimisers: each update is a rule, in the order of operations that it writes


@rule
def its_momentum(theta, g, t, v, *, learning_rate=0.1, momentum=0.9):
    v = momentum * v - learning_rate * g
    return theta + v, v


@rule
def its_nesterov(theta, g, t, v, *, learning_rate=0.1, momentum=0.9):
    v = momentum * v - learning_rate * g
    return theta + (momentum * v - learning_rate * g), v


@rule
def its_adam(theta, g, t, m, v, *, learning_rate=1e-3, first=0.9, second=0.999, epsilon=1e-8):
    m = first * m + (1 - first) * g
    v = second * v + (1 - second) * g**2
    rate = learning_rate * math.sqrt(1 - second**t) / (1 - first**t)
    return theta + -rate * m / (np.sqrt(v) + epsilon), m, v


class BaseOptimizer:
    def __init__(self, learning_rate_init=0.1):
        self.learning_rate = float(learning_rate_init)

    def trigger_stopping(self, message, verbose):
        return True

    def move(self, made, params, grads, *memories):
        for k, (param, grad) in enumerate(zip(params, grads, strict=True)):
            state = np.array([memory[k].ravel() for memory in memories])
            theta, state = made.step(param.ravel(), grad.ravel(), state, float(self.t))
            param[...] = theta.reshape(param.shape)
            for memory, kept in zip(memories, state, strict=True):
                memory[k] = kept.reshape(param.shape)


class SGDOptimizer(BaseOptimizer):
    def __init__(self, params, lr=0.1, lr_schedule="constant", momentum=0.9, nesterov=True, power_t=0.5):
        super().__init__(lr)
        self.lr_schedule, self.t = lr_schedule, 1
        self.rule = (its_nesterov if nesterov else its_momentum)(learning_rate=lr, momentum=momentum)
        self.velocities = [np.zeros_like(param) for param in params]

    def update_params(self, params, grads):
        self.move(self.rule, params, grads, self.velocities)

    def trigger_stopping(self, message, verbose):
        if self.lr_schedule != "adaptive" or self.learning_rate <= 1e-6:
            return True
        self.learning_rate /= 5
        return False


class AdamOptimizer(BaseOptimizer):
    def __init__(self, params, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(lr)
        self.rule, self.t = its_adam(learning_rate=lr, first=beta_1, second=beta_2, epsilon=epsilon), 0
        self.ms, self.vs = ([np.zeros_like(param) for param in params] for _ in range(2))

    def update_params(self, params, grads):
        self.t += 1
        self.move(self.rule, params, grads, self.ms, self.vs)


def put_in_place() -> None:
    """Put the stand-ins where the suites take the originals from."""
    sklearn.linear_model.SGDClassifier, sklearn.linear_model.SGDRegressor = SGDClassifier, SGDRegressor
    sklearn.neural_network.MLPClassifier, sklearn.neural_network.MLPRegressor = NetworkClassifier, NetworkRegressor
    for each in (BaseOptimizer, SGDOptimizer, AdamOptimizer):
        setattr(_stochastic_optimizers, each.__name__, each)


def pytest_configure(config: Any) -> None:
    """Be in place before the suites are collected."""
    put_in_place()
