"""A workbench for gradient descent: one formula per rule, compiled, trained and compared on your own tables."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names and the rooms they live in. They are fetched when first asked for, so that `import thalweg` loads
# neither Numba nor scikit-learn.
_FORMULA = ("Activation", "Loss", "Penalty", "Rule", "Schedule", "activation", "loss", "penalty", "rule", "schedule")
_RULES = (
    "adabelief", "adadelta", "adagrad", "adam", "adamax", "adamw", "adan", "ademamix", "aggmo", "amsgrad",
    "ema_momentum", "ftrl", "gradient_descent", "laprop", "lion", "momentum", "nadam", "nesterov", "qhm", "radam",
    "rmsprop", "rmsprop_centered", "rmsprop_centered_momentum", "rmsprop_momentum", "rprop", "signsgd", "signum",
    "yogi",
)  # fmt: skip
_ROOMS = {
    **dict.fromkeys(_FORMULA, "thalweg.formulas.formula"),
    **dict.fromkeys(_RULES, "thalweg.formulas.rules"),
    "activations": "thalweg.formulas",
    "losses": "thalweg.formulas",
    "penalties": "thalweg.formulas",
    "rules": "thalweg.formulas",
    "schedules": "thalweg.formulas",
    "surfaces": "thalweg.formulas",
    "ThalwegError": "thalweg.errors",
    "Linear": "thalweg.descent.models",
    "Network": "thalweg.descent.models",
    "Objective": "thalweg.descent.objective",
    "Record": "thalweg.descent.record",
    "Rows": "thalweg.descent.batches",
    "Run": "thalweg.descent.run",
    "Settings": "thalweg.descent.settings",
    "minimize": "thalweg.descent.minimize",
    "check_gradient": "thalweg.check.gradients",
    "check_loss": "thalweg.check.losses",
    "check_rule": "thalweg.check.rules",
    "diagnose": "thalweg.check.diagnosis",
    "Checkpoint": "thalweg.descent.checkpoint",
    "Comparison": "thalweg.studies.comparison",
    "compare": "thalweg.studies.compare",
    "learning_rate_range": "thalweg.studies.range",
    "IntervalRegressor": "thalweg.estimators.intervals",
    "LinearClassifier": "thalweg.estimators",
    "LinearRegressor": "thalweg.estimators",
    "MLPClassifier": "thalweg.estimators",
    "MLPRegressor": "thalweg.estimators",
    "load": "thalweg.estimators.files",
    "save": "thalweg.estimators.files",
    "stream": "thalweg.exchange.streams",
}

__all__ = ["__version__", *sorted(_ROOMS)]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'thalweg' has no attribute {name!r}")
    room = import_module(_ROOMS[name])
    value = getattr(room, name, None) or import_module(f"{_ROOMS[name]}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
