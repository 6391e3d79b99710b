"""``thalweg.compare``: every rule at every learning rate on the user's own data, fairly, with a verdict."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from thalweg.comparison.plan import Plan
from thalweg.comparison.progress import Progress
from thalweg.formulas.formula import Activation, Loss, Penalty, Rule, Schedule
from thalweg.studies.arms import asked_of, check_plan, shared_of, told_with
from thalweg.studies.asked import (
    as_lists,
    callbacks_of,
    check_target_loss,
    design_of,
    jobs_of,
    own_rows,
    rates_of,
    seeds_of,
    settings_of,
    store_of,
    written,
)
from thalweg.studies.comparison import Comparison, carry_out
from thalweg.studies.data import study_of, written_own

Callback = Callable[[Progress], None]

# What decides no number of a comparison, and what stands first in the command that makes it again.
_APART = ("X", "y", "callbacks", "store", "n_jobs")


def compare(
    X: Any,
    y: Any = None,
    *,
    optimizers: str | Rule | Any | Iterable[str | Rule | Any] | Mapping[str, str | Rule | Any] = "all",
    learning_rates: Sequence[float] | int | None = None,
    seeds: int | Sequence[int] = 5,
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
    validation: float | tuple[Any, ...] | str | os.PathLike[str] = 0.2,
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
        Data frames of any library that narwhals knows: numbers are standardised, text one-hot encoded; a missing
        number becomes the mean of the training part, missing text a category of its own. A path to a CSV, TSV or
        Parquet file, or ``"dataset:NAME"``, is read, and ``y`` names its target column. A memory map is divided in the
        order of its rows, and used as it is.
    y : array_like (n,) or (n, outputs), or str
        Numbers or labels; or the name of a column of X.
    optimizers : names, rules, estimators of this library, pairs of a name and one of them, or a mapping of names
        ``"all"`` for every built-in rule. A rule may have numbers, ``adam(beta1=0.8)``, or be one of your own. An
        estimator is compared as a whole: it brings its model, penalty, schedule, batches and clipping; its learning
        rate is tried as those of rules are, and it makes the passes of the budget, whatever its ``max_iter`` and
        ``tol``. All must have the same loss. Keywords such as `model` and `batch_size` are for rules.
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
    validation : float in (0, 1), (X, y), (X, y, weights), or path
        Share of the rows that rates are chosen with; or rows of your own, of the kind that `X` is: arrays, a data
        frame, a path or (path, name of the target), prepared as the others are. No run learns from them.
    test : float in (0, 1)
        Share of the rows that is looked at last.
    standardize : bool
        Columns of an array to mean 0 and variance 1 (sparse: variance 1). Those of a memory map are used as they are.
    fit_intercept : bool
        Of a linear model.
    dtype : {"float64", "float32"}
    target_loss : float, optional
        Loss to count epochs to; without, 95 % of the way from the first loss to the best final one.
    n_jobs : int, optional
        Threads; as many as this process may use processors without, or with -1. No number depends on it.
    store : path-like, optional
        SQLite file that keeps finished runs; the same call goes on where an interrupted one stopped.
    random_state : int
        Of the division into parts; runs have their seeds.
    callbacks : callable or sequence of callable
        Called with a :class:`~thalweg.comparison.progress.Progress` as the work goes on.

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

    Estimators as wholes:

    >>> from thalweg import LinearRegressor, MLPRegressor
    >>> arms = {"line": LinearRegressor(optimizer="momentum"), "bent": MLPRegressor((8,), batch_size=16)}
    >>> found = compare(X, y, optimizers=arms, seeds=2, budget=10, learning_rates=5)
    >>> found.summary.noun, found.results.facts.wholes["bent"].steps
    ('estimator', 80)
    """
    told = {name: as_lists(value) for name, value in locals().items() if name not in _APART}
    jobs, called, target_loss = jobs_of(n_jobs), callbacks_of(callbacks), check_target_loss(target_loss)
    asked = asked_of(told["optimizers"])
    as_asked = told_with(told, asked, _usual())
    design = design_of(as_asked)
    rates, chosen = rates_of(told["learning_rates"]), seeds_of(told["seeds"])
    plan = Plan.of(asked.rules, rates, chosen)
    study, told_of = study_of(X, y, design, own_rows(told["validation"]))
    settings = settings_of(plan.arms[0].rule, study, as_asked)
    study, settings, variants = shared_of(asked, study, settings)
    plan = Plan.of(asked.rules, rates, chosen, variants) if variants else plan
    check_plan(plan, study, settings)

    def watch(progress: Progress) -> None:
        for callback in called:
            callback(progress)

    return carry_out(
        study,
        plan,
        settings,
        command=_command(told_of, told),
        jobs=jobs,
        store=store_of(store),
        watch=watch if called else None,
        target_loss=target_loss,
    )


def _usual() -> dict[str, Any]:
    """Return the keywords as they are by themselves."""
    import inspect

    return {name: parameter.default for name, parameter in inspect.signature(compare).parameters.items()}


def _command(first: str, told: dict[str, Any]) -> str:
    """Return the call that makes the comparison again, without what is as it is by itself."""
    usual = _usual()
    own = own_rows(told["validation"])
    said = {name: written(value) for name, value in told.items() if name != "validation" or not own}
    said |= {"validation": written_own(own)} if own else {}
    given = [f"{name}={said[name]}" for name in told if said[name] != written(usual[name])]
    return f"thalweg.compare({', '.join([first, *given])})"
