"""Optimizers of Keras 3 on whichever backend it runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from thalweg.check.subjects.libraries.live import (
    Arrays,
    Live,
    Stepper,
    double_in_jax,
    fresh,
    known,
    left_out,
    loaded,
)

_ROLES = {
    "learning_rate": "learning_rate", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon", "rho": "rho",
    "momentum": "momentum", "weight_decay": "weight_decay", "initial_accumulator_value": "initial_accumulator",
    "l1_regularization_strength": "l1", "l2_regularization_strength": "l2", "beta": "beta",
    "l2_shrinkage_regularization_strength": "shrinkage",
}  # fmt: skip
_HINTS = {
    "AdamW": "adamw", "Adamax": "adamax", "Adagrad": "adagrad", "Adadelta": "adadelta", "Nadam": "nadam",
    "Ftrl": "ftrl", "Lion": "lion",
}  # fmt: skip
_ASIDE = {
    "clipnorm": None, "global_clipnorm": None, "clipvalue": None, "use_ema": False, "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}  # fmt: skip
"""What surrounds the rule, and the values at which it is not there."""


def recognise(update: Any) -> Live | None:
    """Return an optimizer of Keras as a subject; None for anything else."""
    keras = loaded("keras")
    if keras is None:
        return None
    kind: Any = update if inspect.isclass(update) else type(update)
    if not issubclass(kind, keras.optimizers.Optimizer) or kind is keras.optimizers.Optimizer:
        return None
    precise = _doubles(keras)
    with precise():
        config = (fresh(update) if inspect.isclass(update) else update).get_config()
        wide = _is_double(keras)
    name = f"keras.optimizers.{kind.__name__}" if kind.__module__.startswith("keras.") else kind.__name__
    without = [n for n, off in _ASIDE.items() if config.get(n, off) != off]
    rate = config.get("learning_rate")
    if isinstance(rate, Mapping) or callable(rate):
        without.append("its schedule")
        rate = update._learning_rate(0) if not inspect.isclass(update) else 1e-2
    rate = float(str(np.float32(rate)))  # Keras keeps it in float32: the number that was written, not the one kept
    config = {**config, **{n: off for n, off in _ASIDE.items() if n in config}, "learning_rate": rate}
    dtype = "float64" if wide else "float32"

    def start(arrays: Arrays) -> Stepper:
        parameters = [keras.Variable(a, dtype=dtype) for a in arrays]
        optimizer = kind.from_config(config)
        if not wide and keras.config.floatx() != dtype:
            keras.config.set_floatx(dtype)
        optimizer.build(parameters)

        def step(gradients: Arrays, factor: float) -> Arrays:
            optimizer.learning_rate = rate * factor
            optimizer.apply([keras.ops.convert_to_tensor(g, dtype=dtype) for g in gradients], parameters)
            return [np.asarray(keras.ops.convert_to_numpy(p.value)) for p in parameters]

        return step

    numbers = known(config, _ROLES)
    if kind.__name__ == "Nadam":
        numbers["momentum_decay"] = 1.0  # written into it: its momentum rises with 0.96**t
    if "learning_rate_power" in config:
        numbers["power"] = -float(config["learning_rate_power"])
        numbers["shrinkage"] = float(config["l2_shrinkage_regularization_strength"])
    return Live(
        name=name, hint=_hint(kind.__name__, config), numbers=numbers, moves_rate=True,
        note=left_out(without), start=start, context=precise,
    )  # fmt: skip


def _doubles(keras: Any) -> Any:
    """Return the context in which Keras counts in float64, as far as its backend does."""

    @contextmanager
    def precise() -> Iterator[None]:
        before = keras.config.floatx()
        with ExitStack() as stack:
            jax = loaded("jax") if keras.config.backend() == "jax" else None
            if jax is not None:
                stack.enter_context(double_in_jax(jax))
            keras.config.set_floatx("float64" if _is_double(keras) else "float32")
            try:
                yield
            finally:
                keras.config.set_floatx(before)

    return precise


def _is_double(keras: Any) -> bool:
    """Whether a sum of numbers in float64 is one: the numpy backend answers in float32 whatever it is given."""
    total = keras.ops.add(keras.ops.convert_to_tensor(np.ones(1), dtype="float64"), 1.0)
    return str(keras.backend.standardize_dtype(total.dtype)) == "float64"


def _hint(name: str, config: Mapping[str, Any]) -> str | None:
    if name == "SGD":
        moving = "nesterov" if config.get("nesterov") else "momentum"
        return moving if config.get("momentum") else "gradient_descent"
    if name == "Adam":
        return "amsgrad" if config.get("amsgrad") else "adam"
    if name == "RMSprop":
        return "rmsprop" + "_centered" * bool(config["centered"]) + "_momentum" * bool(config["momentum"])
    return _HINTS.get(name)
