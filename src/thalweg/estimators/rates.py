"""``learning_rate="auto"``: the rate that a short range test on the rows of a fit suggests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError

if TYPE_CHECKING:
    from thalweg.comparison.range_test import RangeTest
    from thalweg.estimators.base import DescentEstimator

#: Epochs of training that the rate is meant for, at most: what ``max_iter`` allows is more than most fits make.
EPOCHS = 30
#: Seeds of the test, for linear models and networks; a rate for a network is tried for this share of the updates.
SEEDS, NETWORK_SEEDS, NETWORK_SHARE = 4, 2, 4
_PURPOSE = 4  # of the test's randomness, beside those of the run: `thalweg.engine.streams` names them


def tested(model: Model, rows: Rows, settings: Settings, epochs: int, root: np.random.SeedSequence) -> RangeTest:
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

    Raises
    ------
    SettingError
        SETTING-RANGE-TEST: a rule without a learning rate.
    DataError
        DATA-ROWS: fewer than four rows.
    DivergedError
        No rate leaves a finite loss.
    """
    from thalweg.comparison.range_test import suggest  # it loads what a fit at a given rate does without

    told = replace(
        settings, max_iter=min(epochs, EPOCHS), batch_size=settings.update_rows, accumulate=1,
        average=None, gradient_norm=False, tol=None,
    )  # fmt: skip
    seed = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, _PURPOSE))
    if isinstance(model, Linear):
        return suggest(model, rows, told, seeds=SEEDS, random_state=seed)
    batches = -(-rows.count // (told.batch_size or rows.count))
    updates = max(1, told.max_iter * batches // NETWORK_SHARE)
    return suggest(model, rows, told, seeds=NETWORK_SEEDS, updates=updates, random_state=seed)


def rated(
    estimator: DescentEstimator,
    model: Model,
    rows: Rows,
    settings: Settings,
    root: np.random.SeedSequence,
    *,
    continuing: bool,
    one_pass: bool,
) -> Settings:
    """Return settings whose rule has the learning rate that "auto" stands for; that of the last fit in another."""
    if not continuing:
        estimator.range_test_ = None
    if estimator.learning_rate == "auto":
        rate = estimator.learning_rate_ if continuing else None
        if rate is None:
            if one_pass:
                what = "cannot be told from a part of the rows"
                raise SettingError("SETTING-RANGE-TEST", "learning_rate", f"'auto' {what}", "Call fit first.")
            found = tested(model, rows, settings, estimator.max_iter, root)
            estimator.range_test_, rate = found.as_dict(), found.learning_rate
        settings = replace(settings, optimizer=settings.optimizer(learning_rate=rate))
    rule = settings.optimizer
    estimator.learning_rate_ = float(rule.learning_rate) if rule.has_learning_rate else None
    return settings
