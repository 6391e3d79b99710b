"""What a caller in Python asked for, read into rules, a design, rows and settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from thalweg.descent.settings import Settings, check_count
from thalweg.errors import SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Formula, Rule
from thalweg.formulas.ranges import check_number
from thalweg.studies.design import Design
from thalweg.studies.layers import activations_of, dropout_of, hidden_layers
from thalweg.studies.study import Study


def design_of(told: Mapping[str, Any]) -> Design:
    """Return the design that keywords ask for.

    Parameters
    ----------
    told : mapping
        The keywords ``model``, ``activation``, ``dropout``, ``loss``, ``task``, ``standardize``, ``fit_intercept``,
        ``dtype``, ``random_state`` and, where they count, ``validation`` and ``test`` of :func:`thalweg.compare`.
    """
    hidden, loss = hidden_layers(told["model"]), told["loss"]
    _check_parts(told)
    if told["dtype"] not in ("float64", "float32"):
        raise SettingError("SETTING-UNKNOWN", "dtype", f"unknown {told['dtype']!r:.40}; allowed: float64, float32")
    return Design(
        hidden=hidden,
        activations=activations_of(told["activation"], len(hidden)),
        dropout=dropout_of(told["dropout"], len(hidden)),
        loss=None if isinstance(loss, str) and loss == "auto" else catalog.resolve("loss", loss, "loss"),
        several=isinstance(loss, str) and loss == "log_loss",
        task=told["task"],
        validation=None if own_rows(told.get("validation")) else told.get("validation", 0.2),
        test=told.get("test", 0.2),
        seed=check_count("random_state", told["random_state"], 0),
        dtype=told["dtype"],
        standardize=told["standardize"],
        fit_intercept=told["fit_intercept"],
    )


def settings_of(rule: Rule, study: Study, told: Mapping[str, Any]) -> Settings:
    """Return the settings that keywords ask for.

    Parameters
    ----------
    rule : Rule
    study : Study
    told : mapping
        Of ``penalty``, ``schedule``, ``batch_size``, ``budget``, ``clip_value`` and ``clip_norm``.
    """
    batch, penalty, schedule = told["batch_size"], told["penalty"], told["schedule"]
    return Settings(
        optimizer=rule,
        loss=study.loss,
        penalty=None if penalty is None else catalog.resolve("penalty", penalty, "penalty"),
        schedule=None if schedule is None else catalog.resolve("schedule", schedule, "schedule"),
        batch_size=None if batch is None or check_count("batch_size", batch) >= study.train.count else batch,
        max_iter=check_count("budget", told["budget"]),
        clip_value=told["clip_value"],
        clip_norm=told["clip_norm"],
    )


def as_lists(value: Any) -> Any:
    """Return arrays, numbers of NumPy, and what can be walked through once only, as lists and numbers of Python."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str | list | tuple | Mapping | Formula | os.PathLike):
        return value if hasattr(value, "get_params") else list(value)
    return value


def written(value: Any) -> str:
    """Return a value as it is written in Python, on one line: estimators with what was told of them.

    Examples
    --------
    >>> from thalweg.estimators import LinearRegressor
    >>> written({"wide": LinearRegressor(optimizer="adam", batch_size=8), "adam": "adam"})
    "{'wide': LinearRegressor(batch_size=8, optimizer='adam'), 'adam': 'adam'}"
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{written(name)}: {written(one)}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' * (len(value) == 1)})"
    if not isinstance(value, Formula) and hasattr(value, "get_params"):
        usual = type(value)().get_params(deep=False)
        told = {k: v for k, v in value.get_params(deep=False).items() if repr(v) != repr(usual[k])}
        return f"{type(value).__name__}({', '.join(f'{name}={written(one)}' for name, one in told.items())})"
    return repr(value)


def rates_of(given: Any) -> Any:
    """Return learning rates, or how many, or None, as :meth:`thalweg.comparison.plan.Plan.of` takes them."""
    if given is None or isinstance(given, Integral):
        return given
    if isinstance(given, str) or not isinstance(given, Iterable):
        what = f"must be a list of rates or how many, got {type(given).__name__} {given!r:.40}"
        raise SettingError("SETTING-TYPE", "learning_rates", what, "For one rate, give a list of it.")
    return list(given)


def seeds_of(given: Any) -> Any:
    """Return seeds, or how many, as :meth:`thalweg.comparison.plan.Plan.of` takes them."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return check_count("seeds", given)
    return list(given)


def jobs_of(given: Any) -> int | None:
    """Return how many threads, None for as many as there are processors: None and -1 say so."""
    return None if given is None or (isinstance(given, Integral) and given == -1) else check_count("n_jobs", given)


def callbacks_of(given: Any) -> tuple[Callable[..., object], ...]:
    """Return callbacks, of which there may be one, several, or none."""
    called = (given,) if callable(given) else tuple(given) if isinstance(given, Iterable) else (given,)
    odd = [one for one in called if not callable(one)]
    if odd:
        what = f"must be callable, got {type(odd[0]).__name__} {odd[0]!r:.40}"
        raise SettingError("SETTING-TYPE", "callbacks", what)
    return called


def store_of(given: Any) -> str | os.PathLike[str] | None:
    """Return the path of a store, or None."""
    if given is not None and not isinstance(given, str | os.PathLike):
        what = f"must be a path, got {type(given).__name__} {given!r:.40}"
        raise SettingError("SETTING-TYPE", "store", what)
    return given


def _check_parts(told: Mapping[str, Any]) -> None:
    """Raise where the task or the shares of the parts cannot be."""
    if told["task"] not in ("auto", "regression", "classification"):
        allowed = "auto, regression, classification"
        raise SettingError("SETTING-UNKNOWN", "task", f"unknown {told['task']!r:.40}; allowed: {allowed}")
    parts = [part for part in ("validation", "test") if part in told and not own_rows(told[part])]
    shares = [float(check_number(part, told[part], "(0, 1)")) for part in parts]
    if sum(shares) >= 1:
        what = f"{shares[0]:g} and {shares[1]:g} leave nothing to learn from"
        raise SettingError("SETTING-RANGE", "validation, test", what, "Together they must be less than 1.")


def own_rows(validation: Any) -> tuple[Any, ...]:
    """Return the caller's own rows to choose with as they were told: X, then y and weights where given; else nothing.

    Raises
    ------
    SettingError
        Too few or too many of them.
    """
    if isinstance(validation, str | os.PathLike):
        return (validation,)
    if not isinstance(validation, tuple | list):
        return ()
    if not 2 <= len(validation) <= 3:
        what = f"must be a share of the rows, or rows of your own: (X, y) or (X, y, weights); got {len(validation)}"
        raise SettingError("SETTING-TYPE", "validation", what)
    return tuple(validation)


def check_target_loss(given: Any) -> float | None:
    """Return a loss to count epochs to, or None."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, Real):
        what = f"must be a real number, got {type(given).__name__} {given!r:.40}"
        raise SettingError("SETTING-TYPE", "target_loss", what)
    return float(check_number("target_loss", given))
