"""Optimizers of River, which step weights in dictionaries."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from thalweg.check.subjects.libraries.live import Arrays, Live, Stepper, fresh, known, left_out, loaded

_ROLES = {
    "lr": "learning_rate", "beta_1": "beta1", "beta_2": "beta2", "eps": "epsilon", "rho": ("rho", "momentum"),
}  # fmt: skip
_FTRL = {"alpha": "learning_rate", "beta": "beta", "l1": "l1", "l2": "l2"}
_HINTS = {
    "SGD": "gradient_descent", "Momentum": "momentum", "NesterovMomentum": "nesterov", "AdaGrad": "adagrad",
    "RMSProp": "rmsprop", "AdaDelta": "adadelta", "Adam": "adam", "AdaMax": "adamax", "AMSGrad": "amsgrad",
    "Nadam": "nadam", "FTRLProximal": "ftrl",
}  # fmt: skip


def recognise(update: Any) -> Live | None:
    """Return an optimizer of River as a subject; None for anything else."""
    optim = loaded("river.optim")
    if optim is None:
        return None
    kind = update if inspect.isclass(update) else type(update)
    if not issubclass(kind, optim.base.Optimizer) or inspect.isabstract(kind):
        return None
    own = fresh(update) if inspect.isclass(update) else update.clone()
    name = f"river.optim.{kind.__name__}" if kind.__module__.startswith("river.") else kind.__name__
    notes: list[str] = []
    if kind.__name__ == "NesterovMomentum":
        notes.append("its look_ahead takes the weights to where the gradient is taken; the step is heavy ball's")
    rate = own.lr.get(0) if isinstance(getattr(own, "lr", None), optim.base.Scheduler) else None
    if rate is not None and not isinstance(own.lr, optim.schedulers.Constant):
        notes.append(left_out(["its schedule"]))
    settings = {n: getattr(own, n, None) for n in inspect.signature(kind).parameters} | {"lr": rate}
    if kind.__name__ == "AdaDelta":
        settings["lr"] = 1.0  # it has none and says 0
    moves = rate is not None and kind.__name__ not in ("AdaDelta", "FTRLProximal")
    numbers = known(settings, _FTRL if kind.__name__ == "FTRLProximal" else _ROLES)

    def start(arrays: Arrays) -> Stepper:
        optimizer = own.clone()
        shapes = [a.shape for a in arrays]
        ends = np.cumsum([a.size for a in arrays])[:-1]
        weights: Any = dict(enumerate(np.concatenate([a.reshape(-1) for a in arrays]).tolist()))

        def step(gradients: Arrays, factor: float) -> Arrays:
            nonlocal weights
            if moves and rate is not None:
                optimizer.lr = optim.schedulers.Constant(rate * factor)
            flat = np.concatenate([g.reshape(-1) for g in gradients]).tolist()
            weights = optimizer.look_ahead(weights)  # where its learners take the gradient
            weights = optimizer.step(weights, dict(enumerate(flat)))
            after = np.array([weights[k] for k in range(len(flat))])
            return [part.reshape(shape) for part, shape in zip(np.split(after, ends), shapes, strict=True)]

        return step

    return Live(
        name=name, hint=_HINTS.get(kind.__name__), numbers=numbers, moves_rate=moves, note="; ".join(notes),
        start=start,
    )  # fmt: skip
