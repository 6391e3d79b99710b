"""What a caller in Python asked for, read into rules, a design, rows and settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.descent.settings import Settings, check_count
from thalweg.errors import DataError, SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Activation, Formula, Rule
from thalweg.studies.study import Design, Study


def design_of(told: Mapping[str, Any]) -> Design:
    """Return the design that keywords ask for.

    Parameters
    ----------
    told : mapping
        The keywords ``model``, ``activation``, ``dropout``, ``loss``, ``task``, ``standardize``, ``fit_intercept``,
        ``dtype``, ``random_state`` and, where they count, ``validation`` and ``test`` of :func:`thalweg.compare`.
    """
    hidden, loss = _hidden(told["model"]), told["loss"]
    if told["dtype"] not in ("float64", "float32"):
        raise SettingError("SETTING-UNKNOWN", "dtype", f"unknown {told['dtype']!r:.40}; allowed: float64, float32")
    return Design(
        hidden=hidden,
        activations=_activations(told["activation"], len(hidden)),
        dropout=_dropout(told["dropout"], len(hidden)),
        loss=None if isinstance(loss, str) and loss == "auto" else catalog.resolve("loss", loss, "loss"),
        several=isinstance(loss, str) and loss == "log_loss",
        task=told["task"],
        validation=told.get("validation", 0.2),
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
        rule,
        study.loss,
        None if penalty is None else catalog.resolve("penalty", penalty, "penalty"),
        None if schedule is None else catalog.resolve("schedule", schedule, "schedule"),
        None if batch is None or check_count("batch_size", batch) >= study.train.count else batch,
        check_count("budget", told["budget"]),
        clip_value=told["clip_value"],
        clip_norm=told["clip_norm"],
    )


def named_rules(optimizers: Any) -> dict[str, Rule]:
    """Return rules by the names that tables show.

    Raises
    ------
    SettingError
        What is neither the name of a rule, nor a rule, nor an estimator with one.
    """
    if isinstance(optimizers, str) and optimizers == "all":
        return catalog.rules()
    if isinstance(optimizers, Mapping):
        return {str(name): rule_of(one) for name, one in optimizers.items()}
    given = [optimizers] if isinstance(optimizers, str | Formula) else list(optimizers)
    found: dict[str, Rule] = {}
    for one in given:
        rule = rule_of(one)
        found[rule.name if found.get(rule.name, rule) == rule else repr(rule)] = rule
    return found


def rule_of(given: Any) -> Rule:
    """Return a rule by its name, itself, or out of an estimator of this library."""
    if not isinstance(given, str | Rule) and hasattr(given, "get_params"):
        told = given.get_params(deep=False)
        if "optimizer" not in told:
            what = f"{type(given).__name__} has no optimizer"
            raise SettingError("SETTING-TYPE", "optimizers", what, "Give a rule, or an estimator of this library.")
        rule: Rule = catalog.resolve("rule", told["optimizer"], "optimizers")
        rate = told.get("learning_rate")
        return rule if rate is None or not rule.has_learning_rate else rule(learning_rate=rate)
    found: Rule = catalog.resolve("rule", given, "optimizers")
    return found


def _hidden(model: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers; none for a linear model."""
    if isinstance(model, str):
        kind, colon, sizes = model.partition(":")
        if kind == "linear" and not colon:
            return ()
        pieces = sizes.split(",")
        if kind != "mlp" or not all(piece.strip().isdecimal() for piece in pieces):
            raise SettingError(
                "SETTING-UNKNOWN", "model", f"unknown {model!r:.40}; allowed: linear, mlp:64,32, (64, 32)"
            )
        model = [int(piece) for piece in pieces]
    return tuple(check_count("model", size) for size in model)


def _each(given: Any, layers: int, where: str) -> list[Any]:
    """Return one value for each hidden layer."""
    values = list(given) if isinstance(given, list | tuple) else [given] * layers
    if len(values) != layers:
        raise SettingError("SETTING-LAYERS", where, f"{len(values)} given for {layers} hidden layers")
    return values


def _activations(given: Any, layers: int) -> tuple[Activation, ...]:
    return tuple(catalog.resolve("activation", one, "activation") for one in _each(given, layers, "activation"))


def _dropout(given: Any, layers: int) -> tuple[float, ...]:
    rates = tuple(float(rate) for rate in _each(given, layers, "dropout"))
    return rates if any(rates) else ()


def study_of(X: Any, y: Any, design: Design) -> tuple[Study, str]:
    """Make the data ready; return it with the first arguments of the call as they are to be read."""
    if isinstance(X, str | os.PathLike):
        from thalweg.exchange.datasets import load
        from thalweg.exchange.tables import read_table

        place = os.fspath(X)
        table = load(place) if str(place).startswith("dataset:") else read_table(place, target=y)
        target = y if isinstance(y, str) else table.default_target
        if target is None:
            raise DataError("FILE-NO-TARGET", str(place), "which column is to be predicted?", "Name it as y.")
        return Study.of_table(table, target, design, table.warnings), f"{place!r}, {target!r}"
    frame = _frame(X)
    if frame is None:
        if y is None or isinstance(y, str):
            raise DataError("DATA-ROWS", "y", "must be an array beside an array X")
        return Study.of_arrays(X, y, design), "X, y"
    names, columns = frame
    from thalweg.exchange.tables import Table

    if isinstance(y, str):
        return replace(Study.of_table(Table(names, columns, "X"), y, design), frame=X), f"X, {y!r}"
    target = str(getattr(y, "name", None) or "y")
    while target in names:
        target += "_"
    values = y.to_list() if hasattr(y, "to_list") else np.asarray(y).tolist()
    if np.ndim(values) != 1 or len(values) != len(columns[0] if columns else []):
        raise DataError("DATA-ROWS", "y", f"must be one column of as many rows as X, has shape {np.shape(values)}")
    return replace(Study.of_table(Table([*names, target], [*columns, values], "X"), target, design), frame=X), "X, y"


def _frame(X: Any) -> tuple[list[str], list[list[Any]]] | None:
    """Return names and columns of a data frame, None for what is none."""
    import narwhals as nw

    frame = nw.from_native(X, pass_through=True, eager_only=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    return [str(name) for name in frame.columns], [frame[name].to_list() for name in frame.columns]
