"""``thalweg.learning_rate_range``: a learning rate for one rule on the user's own data, with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thalweg.comparison.range_test import RangeTest, suggest
from thalweg.formulas.formula import Activation, Loss, Penalty, Rule, Schedule
from thalweg.studies.arms import rule_of
from thalweg.studies.asked import design_of, settings_of
from thalweg.studies.data import study_of


def learning_rate_range(
    X: Any,
    y: Any = None,
    *,
    optimizer: str | Rule | Any = "adam",
    budget: int = 30,
    seeds: int | None = None,
    updates: int | None = None,
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
    standardize: bool = True,
    fit_intercept: bool = True,
    dtype: str = "float64",
    random_state: int = 0,
) -> RangeTest:
    """Suggest a learning rate for one rule, for a training of so many epochs.

    Many rates train side by side on the same batches and are judged on rows that they did not learn from. Like a
    comparison, it divides the rows and looks at the training part alone; no model of the caller's is touched.

    Parameters
    ----------
    X, y
        As :func:`thalweg.compare` takes them.
    optimizer : str, Rule or estimator of this library
        The rule; its own learning rate is where the search begins.
    budget : int
        Epochs of the training that the rate is meant for.
    seeds, updates : int, optional
        See :func:`thalweg.comparison.range_test.suggest`.
    batch_size, model, activation, dropout, loss, penalty, schedule, clip_value, clip_norm, task
        As in :func:`thalweg.compare`.
    standardize, fit_intercept, dtype, random_state
        As in :func:`thalweg.compare`.

    Returns
    -------
    RangeTest
        ``learning_rate`` with ``low`` and ``high``, between which no rate can be told from it; ``largest_stable``;
        ``curve``; and ``message``, the same in words.

    Raises
    ------
    DataError, SettingError, DivergedError
        Whatever is wrong with the data or a setting; no rate leaves a finite loss.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> found = learning_rate_range(X, X @ [1.0, -2.0, 0.5], optimizer="gradient_descent", budget=3)
    >>> found.low <= found.learning_rate <= found.high
    True
    """
    told = dict(locals())
    design = design_of(told)
    rule = rule_of(optimizer)
    study, _ = study_of(X, y, design)
    settings = settings_of(rule, study, told)
    study.check_size(rule, settings.batch_size)
    return suggest(
        study.model,
        study.train,
        settings,
        seeds=seeds,
        updates=updates,
        random_state=random_state,
        feature_names=study.features,
    )
