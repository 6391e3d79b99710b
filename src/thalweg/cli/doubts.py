"""Settings that are allowed and hardly meant: each is said before the work begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thalweg.cli.terminal import digits
from thalweg.descent.settings import schedule_doubts

if TYPE_CHECKING:
    from thalweg.descent.settings import Settings

#: A learning rate this many times the rule's usual one is named.
_FAR_ABOVE = 1000.0


def doubts(settings: Settings, rows: int, asked_batch: int | None = None) -> tuple[str, ...]:
    """Return one line for each setting that has no effect, or hardly the one that was meant.

    Parameters
    ----------
    settings : Settings
    rows : int
        Rows to learn from.
    asked_batch : int, optional
        The batch size that was asked for.

    Returns
    -------
    tuple of str
        Each ``CODE: text``.
    """
    rule, numbers, found = settings.optimizer, settings.optimizer.hyperparameters, []
    rate = float(numbers.get("learning_rate", 0.0))
    usual = _usual_rate(rule.name, rate)
    if rate > _FAR_ABOVE * usual:
        found.append(
            f"SETTING-LARGE: learning_rate {digits(rate)} is far above the usual {digits(usual)} of {rule.name}"
        )
    if rate * float(numbers.get("weight_decay", 0.0)) >= 1:
        found.append(
            "SETTING-LARGE: learning_rate x weight_decay is 1 or more: every step flips the sign of the weights"
        )
    if numbers.get("momentum") == 0:
        found.append(f"SETTING-IDLE: momentum 0 has no effect: {rule.name} is then a rule without memory")
    penalty = settings.layer_penalties(1)[0]
    if penalty is not None:
        alpha = float(penalty.hyperparameters.get("alpha", 0.0))
        if rate * alpha > 1 and not penalty.has_proximal:
            found.append("SETTING-LARGE: learning_rate x alpha is above 1: the penalty alone makes the weights swing")
        if alpha == 0 and "alpha" in penalty.hyperparameters:
            found.append(f"SETTING-IDLE: alpha 0: the penalty {penalty.name} has no effect")
    if asked_batch is not None and asked_batch > rows:
        found.append(
            f"SETTING-BATCH: a batch of {asked_batch} is more than the {rows} rows to learn from; all are used"
        )
    doubted = schedule_doubts(settings.schedule, settings.max_iter)
    return (*found, *(f"SETTING-IDLE: {each}" for each in doubted))


def _usual_rate(name: str, rate: float) -> float:
    """Return the rate that a built-in rule has by itself; for a rule of the user's own any rate is usual."""
    from thalweg.formulas import catalog

    known = catalog.rules().get(name)
    return float(known.hyperparameters.get("learning_rate", rate)) if known is not None else rate
