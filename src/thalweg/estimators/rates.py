"""The learning rate of a fit that names none: from the curvature of its loss, or from a short range test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model
from thalweg.descent.settings import Settings, layer_penalties
from thalweg.errors import SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.plan import Plan

if TYPE_CHECKING:
    from thalweg.comparison.range_test import RangeTest
    from thalweg.estimators.base import DescentEstimator

#: Epochs of training that the rate is meant for, at most: what ``max_iter`` allows is more than most fits make.
EPOCHS = 30
#: Seeds of the test, for linear models and networks; a rate for a network is tried for this share of the updates.
SEEDS, NETWORK_SEEDS, NETWORK_SHARE = 4, 2, 4
#: Rows that a range test needs.
LEAST_ROWS = 4
_PURPOSE = 4  # of the test's randomness, beside those of the run: `thalweg.engine.streams` names them


def from_curvature(model: Model, rows: Rows, settings: Settings) -> float | None:
    """Return the rate of theory, or None where there is none.

    That of :func:`~thalweg.descent.stability.rate_below` for the expected smoothness of the batches: half of it where
    the loss bends the same everywhere, twice where it never bends more than at its worst, as log loss does, and less
    from then on. Meant for rates that fall to zero. It costs about one pass over the rows.

    None for networks, for rules that are not linear in their gradients, for losses and penalties whose curvature has no
    bound, and for rows whose squares are more than a float holds.
    """
    from thalweg.descent.curvature import bend_of_loss, bend_of_penalty, expected_smoothness
    from thalweg.descent.stability import is_linear, rate_below

    rule = settings.optimizer
    if not isinstance(model, Linear) or not is_linear(rule):
        return None
    bend, ridge = bend_of_loss(settings.loss), bend_of_penalty(layer_penalties(settings.penalty, 1)[0])
    if bend.most is None or ridge.most is None:
        return None
    try:
        smoothness = expected_smoothness(
            rows, bend=bend.most, ridge=ridge.most, intercept=model.fit_intercept, batch_size=settings.update_rows
        )
    except OverflowError:
        return None
    rate = rate_below(rule, smoothness) * (0.5 if bend.constant else 2.0) if smoothness > 0 else np.inf
    return rate if np.isfinite(rate) and rate > 0 else None


def tested(
    model: Model,
    rows: Rows,
    settings: Settings,
    epochs: int,
    root: np.random.SeedSequence,
    feature_names: Sequence[str] | None,
) -> RangeTest:
    """Return the range test for a fit.

    Parameters
    ----------
    model : Linear or Network
    rows : Rows
        To learn from.
    settings : Settings
        Of the fit; its optimizer's own rate is where the search begins.
    epochs : int
        That the fit may make.
    root : SeedSequence
        Of the fit: the same root, the same rate.
    feature_names : sequence of str, optional
        For what is said of a column.

    Raises
    ------
    SettingError
        SETTING-RANGE-TEST: a rule without a learning rate.
    DataError
        DATA-ROWS: fewer than four rows.
    DivergedError
        No rate leaves a finite loss: the column, or the target, that is too large is named.
    """
    from thalweg.comparison.range_test import suggest  # it loads what a fit at a given rate does without

    trial = replace(
        settings, max_iter=min(epochs, EPOCHS), batch_size=settings.update_rows, accumulate=1,
        average=None, gradient_norm=False, tol=None,
    )  # fmt: skip
    seed = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, _PURPOSE))
    if isinstance(model, Linear):
        return suggest(model, rows, trial, seeds=SEEDS, random_state=seed, feature_names=feature_names)
    batches = -(-rows.count // (trial.batch_size or rows.count))
    updates = max(1, trial.max_iter * batches // NETWORK_SHARE)
    return suggest(
        model, rows, trial, seeds=NETWORK_SEEDS, updates=updates, random_state=seed, feature_names=feature_names
    )


def rated(
    estimator: DescentEstimator,
    plan: Plan,
    model: Model,
    rows: Rows,
    settings: Settings,
    root: np.random.SeedSequence,
    *,
    continuing: bool,
) -> Settings:
    """Return settings whose rule has the learning rate that is looked for; that of the last fit in another.

    Raises
    ------
    SettingError
        SETTING-RANGE-TEST: a range test on a part of the rows.
    """
    if not continuing:
        estimator.range_test_ = None
    if plan.finds_rate:
        rate = estimator.learning_rate_ if continuing else None
        if rate is None and not plan.one_pass:
            rate = _found(estimator, model, rows, settings, root)
        if rate is None and estimator.learning_rate == told.RANGE_TEST:
            what = "'range_test' cannot be made on a part of the rows"
            raise SettingError("SETTING-RANGE-TEST", "learning_rate", what, "Call fit first.")
        if rate is not None:
            settings = replace(settings, optimizer=settings.optimizer(learning_rate=rate))
    rule = settings.optimizer
    estimator.learning_rate_ = float(rule.learning_rate) if rule.has_learning_rate else None
    return settings


def _found(
    estimator: DescentEstimator, model: Model, rows: Rows, settings: Settings, root: np.random.SeedSequence
) -> float | None:
    """Return the rate that curvature, or else a range test, asks for; None for too few rows to test one."""
    asked = estimator.learning_rate == told.RANGE_TEST
    rate = None if asked else from_curvature(model, rows, settings)
    if rate is not None or (rows.count < LEAST_ROWS and not asked):
        return rate
    names = getattr(estimator, "feature_names_in_", None)
    found = tested(model, rows, settings, settings.max_iter, root, None if names is None else [str(n) for n in names])
    estimator.range_test_ = found.as_dict()
    return found.learning_rate
