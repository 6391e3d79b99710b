"""``thalweg.compare``: every rule at every learning rate on the user's own data, fairly, with a verdict."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.comparison.execution import Progress
from thalweg.comparison.plan import Plan
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import DataError, SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Activation, Formula, Loss, Penalty, Rule, Schedule
from thalweg.studies.comparison import Comparison, carry_out
from thalweg.studies.study import Design, Study

Callback = Callable[[Progress], None]


def compare(
    X: Any,
    y: Any = None,
    *,
    optimizers: str | Rule | Iterable[str | Rule | Any] | Mapping[str, str | Rule] = "all",
    learning_rates: Sequence[float] | int | None = None,
    seeds: int | Sequence[int] = 3,
    budget: int = 30,
    batch_size: int | None = 32,
    model: str | Sequence[int] = "linear",
    activation: str | Activation | Sequence[str | Activation] = "relu",
    dropout: float | Sequence[float] = 0.0,
    loss: str | Loss = "auto",
    penalty: str | Penalty | None = None,
    schedule: str | Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
    task: str = "auto",
    validation: float = 0.2,
    test: float = 0.2,
    standardize: bool = True,
    fit_intercept: bool = True,
    dtype: str = "float64",
    target_loss: float | None = None,
    n_jobs: int | None = None,
    store: str | os.PathLike[str] | None = None,
    random_state: int = 0,
    callbacks: Callback | Sequence[Callback] = (),
) -> Comparison:
    """Compare update rules at many learning rates on a table, and say what follows from it.

    All rules get the same: starts, orders of the rows, passes over the training part, and number of learning rates.
    What is done to columns and target is learned from the training part. The rate of each rule is chosen by the loss on
    the validation part; the chosen runs are made again and scored on the test part, which nothing has seen before.

    Parameters
    ----------
    X : array_like (n, features), memory map, SciPy sparse, data frame, or path
        Data frames of any library that narwhals knows: numbers are standardised, text one-hot encoded. A path to a
        CSV, TSV or Parquet file, or ``"dataset:NAME"``, is read, and ``y`` names its target column. A memory map is
        divided in the order of its rows, and used as it is.
    y : array_like (n,) or (n, outputs), or str
        Numbers or labels; or the name of a column of X.
    optimizers : names, rules, estimators of this library, or a mapping of names to rules
        ``"all"`` for every built-in rule. A rule may have numbers, ``adam(beta1=0.8)``, or be one of your own. An
        estimator stands for its optimizer.
    learning_rates : sequence of float or int, optional
        The same for all rules; or how many each rule has on a logarithmic grid around its own (9 without). Where a
        rule does best at an edge of its grid, all grids grow, at most three times.
    seeds : int or sequence of int
        Runs of each rule at each rate.
    budget : int
        Passes over the training part that each run makes; each evaluates the gradient of every row once.
    batch_size : int or None
        Rows per update; None for all of them.
    model : "linear", "mlp:64,32", or sizes of hidden layers
    activation, dropout : one for all hidden layers, or one for each
    loss : str or Loss
        ``"auto"``: squared error, logistic loss, or softmax, by the target.
    penalty, schedule : str or formula, optional
    clip_value, clip_norm : float, optional
        See :class:`~thalweg.descent.settings.Settings`.
    task : {"auto", "regression", "classification"}
    validation, test : float in (0, 1)
        Shares of the rows.
    standardize : bool
        Columns of an array to mean 0 and variance 1 (sparse: variance 1).
    fit_intercept : bool
        Of a linear model.
    dtype : {"float64", "float32"}
    target_loss : float, optional
        Loss to count epochs to; without, 95 % of the way from the first loss to the best final one.
    n_jobs : int, optional
        Threads; as many as this process may use processors without. No number depends on it.
    store : path-like, optional
        SQLite file that keeps finished runs; the same call goes on where an interrupted one stopped.
    random_state : int
        Of the division into parts; runs have their seeds.
    callbacks : callable or sequence of callable
        Called with a :class:`~thalweg.comparison.execution.Progress` as the work goes on.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError, SettingError, LimitError, StorageError
        Whatever is wrong with the data, a setting, or the place of the store.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> y = X @ [1.0, 2.0, 3.0]
    >>> found = compare(X, y, optimizers=["adam", "gradient_descent"], seeds=2, budget=10)
    >>> found.best.name in ("adam", "gradient_descent"), len(found.results.plan.seeds)
    (True, 2)
    """
    told = {name: value for name, value in locals().items() if name not in ("X", "y", "callbacks", "store", "n_jobs")}
    check_count("random_state", random_state, 0)
    hidden = _hidden(model)
    design = Design(
        hidden=hidden,
        activations=tuple(
            catalog.resolve("activation", one, "activation") for one in _each(activation, len(hidden), "activation")
        ),
        dropout=_dropout(dropout, len(hidden)),
        loss=None if isinstance(loss, str) and loss == "auto" else catalog.resolve("loss", loss, "loss"),
        several=loss == "log_loss",
        task=task,
        validation=validation,
        test=test,
        seed=random_state,
        dtype=dtype,
        standardize=standardize,
        fit_intercept=fit_intercept,
    )
    rules = named_rules(optimizers)
    plan = Plan.of(rules, learning_rates, seeds)
    study, told_of = _study(X, y, design)
    rows = study.train.count
    settings = Settings(
        plan.arms[0].rule,
        study.loss,
        None if penalty is None else catalog.resolve("penalty", penalty, "penalty"),
        None if schedule is None else catalog.resolve("schedule", schedule, "schedule"),
        None if batch_size is None or check_count("batch_size", batch_size) >= rows else batch_size,
        check_count("budget", budget),
        clip_value=clip_value,
        clip_norm=clip_norm,
    )
    for rule in rules.values():  # a schedule, say, that one of them cannot follow
        Settings(rule, study.loss, schedule=settings.schedule)
    widest = max(rules.values(), key=lambda rule: len(rule.slots))
    study.check_size(widest, settings.batch_size, 1 if hidden else len(plan.arms))
    called = (callbacks,) if callable(callbacks) else tuple(callbacks)

    def watch(progress: Progress) -> None:
        for callback in called:
            callback(progress)

    return carry_out(
        study,
        plan,
        settings,
        command=_command(told_of, told),
        jobs=n_jobs,
        store=store,
        watch=watch if called else None,
        target_loss=target_loss,
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
        return {str(name): _rule(one) for name, one in optimizers.items()}
    given = [optimizers] if isinstance(optimizers, str | Formula) else list(optimizers)
    found: dict[str, Rule] = {}
    for one in given:
        rule = _rule(one)
        found[rule.name if found.get(rule.name, rule) == rule else repr(rule)] = rule
    return found


def _rule(given: Any) -> Rule:
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


def _study(X: Any, y: Any, design: Design) -> tuple[Study, str]:
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


def _command(first: str, told: dict[str, Any]) -> str:
    """Return the call that makes the comparison again, without what is as it is by itself."""
    import inspect

    usual = {name: parameter.default for name, parameter in inspect.signature(compare).parameters.items()}
    given = [
        f"{name}={_shown(value)}" for name, value in told.items() if value is not usual[name] and value != usual[name]
    ]
    return f"thalweg.compare({', '.join([first, *given])})"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    return repr(value)
