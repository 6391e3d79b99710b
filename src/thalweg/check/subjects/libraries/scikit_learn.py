"""What scikit-learn descends with: the two optimizers of its perceptrons, and the linear models that step by rows."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from thalweg.check.subjects.libraries.live import Arrays, Live, Stepper, known, left_out, loaded
from thalweg.check.subjects.subject import CannotRun

_ROLES = {
    "learning_rate_init": "learning_rate", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon",
    "momentum": "momentum",
}  # fmt: skip


def recognise(update: Any) -> Live | None:
    """Return an optimizer, a perceptron or a linear model of scikit-learn as a subject; None for anything else."""
    return _optimizer(update) or _perceptron(update) or _linear(update)


def _optimizer(update: Any) -> Live | None:
    module = loaded("sklearn.neural_network._stochastic_optimizers")
    kind = update if inspect.isclass(update) else type(update)
    if module is None or not issubclass(kind, module.BaseOptimizer) or kind is module.BaseOptimizer:
        return None
    parameters = [p for p in inspect.signature(kind).parameters.values() if p.name != "params"]
    settings = {p.name: getattr(update, p.name, p.default) for p in parameters}
    return _played(kind, settings, f"scikit-learn's {kind.__name__}")


def _perceptron(update: Any) -> Live | None:
    network = loaded("sklearn.neural_network")
    if network is None or not isinstance(update, network.MLPRegressor | network.MLPClassifier):
        return None
    module = loaded("sklearn.neural_network._stochastic_optimizers")
    adam = update.solver == "adam"
    if update.solver not in ("adam", "sgd"):
        raise CannotRun(f"solver={update.solver!r} asks for the loss itself, not for gradients one after another")
    settings = {"learning_rate_init": update.learning_rate_init}
    if adam:
        settings |= {n: getattr(update, n) for n in ("beta_1", "beta_2", "epsilon")}
    else:
        settings |= {"momentum": update.momentum, "nesterov": update.nesterovs_momentum}
    kind = module.AdamOptimizer if adam else module.SGDOptimizer
    name = f"{type(update).__name__}(solver={update.solver!r})"
    return _played(kind, settings, name)


def _played(kind: Any, settings: Mapping[str, Any], name: str) -> Live:
    scheduled = settings.get("lr_schedule", "constant") != "constant"
    rate = float(settings["learning_rate_init"])

    def start(arrays: Arrays) -> Stepper:
        optimizer = kind(arrays, **settings)

        def step(gradients: Arrays, factor: float) -> Arrays:
            optimizer.learning_rate_init = optimizer.learning_rate = rate * factor  # either may be the one it reads
            optimizer.update_params(arrays, gradients)
            return [a.copy() for a in arrays]

        return step

    hint = "adam" if "beta_1" in settings else "gradient_descent"
    if settings.get("momentum"):
        hint = "nesterov" if settings.get("nesterov") else "momentum"
    return Live(
        name=name, hint=hint, numbers=known(settings, _ROLES), moves_rate=True, note=_unscheduled(scheduled),
        start=start,
    )  # fmt: skip


def _unscheduled(scheduled: bool) -> str:
    return left_out(["its schedule"] * scheduled)


def _linear(update: Any) -> Live | None:
    linear = loaded("sklearn.linear_model")
    if linear is None or not isinstance(update, linear.SGDRegressor | linear.SGDClassifier):
        return None
    penalty = update.penalty
    rate, alpha = float(update.eta0), float(update.alpha)
    numbers = {"learning_rate": rate} | ({"weight_decay": alpha} if penalty == "l2" and alpha else {})

    def start(arrays: Arrays) -> Stepper:
        model = linear.SGDRegressor(
            loss="epsilon_insensitive", epsilon=0.0, penalty=penalty, alpha=alpha, l1_ratio=update.l1_ratio,
            fit_intercept=False, learning_rate="constant", eta0=rate,
        )  # fmt: skip
        shapes = [a.shape for a in arrays]
        ends = np.cumsum([a.size for a in arrays])[:-1]
        theta = np.concatenate([a.reshape(-1) for a in arrays])
        model.partial_fit(np.zeros((1, theta.size)), np.zeros(1))  # what makes its memory; theta rests
        model.coef_[:] = theta

        def step(gradients: Arrays, factor: float) -> Arrays:
            model.set_params(eta0=rate * factor)
            row = np.concatenate([g.reshape(-1) for g in gradients])
            # The absolute error of a row x whose prediction is too large has the slope x, by however much.
            below = row @ model.coef_ - 1 - np.abs(row) @ np.abs(model.coef_)
            model.partial_fit(row[np.newaxis], np.array([below]))
            after = np.split(model.coef_.copy(), ends)
            return [part.reshape(shape) for part, shape in zip(after, shapes, strict=True)]

        return step

    return Live(
        name=type(update).__name__, hint="gradient_descent", numbers=numbers, moves_rate=True,
        note=_unscheduled(update.learning_rate != "constant"), start=start,
    )  # fmt: skip
