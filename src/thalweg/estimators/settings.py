"""From an estimator's parameters to formulas and numbers: each is checked when it is used, and named when wrong."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.models import per_layer
from thalweg.descent.settings import Averaging, check_count, layer_penalties, schedule_doubts
from thalweg.errors import SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Loss, Penalty, Rule, Schedule
from thalweg.formulas.ranges import check_number
from thalweg.formulas.rules import gradient_descent

AUTO, RANGE_TEST = "auto", "range_test"
# Epochs without ``max_iter``: where the rate was found and falls to zero, and elsewhere.
PLANNED_EPOCHS, MOST_EPOCHS = 15, 1000
# "auto" batches: at least this many updates an epoch where there are as many rows, and never more rows in a batch.
UPDATES_PER_EPOCH, LARGEST_BATCH = 32, 200
# Learning rates beyond this are warned of.
LARGEST_RATE = 1e6
# Decay of the exponential mean that goes by the name of "ema": of about the last thousand iterates.
EMA_DECAY = 0.999


def flag(where: str, value: object) -> bool:
    """Return ``value`` when it is a truth value."""
    if not isinstance(value, bool | np.bool_):
        raise SettingError("SETTING-TYPE", where, f"must be True or False, got {type(value).__name__} {value!r:.40}")
    return bool(value)


def rule(optimizer: object, learning_rate: float | str | None) -> Rule:
    """Return the rule with its numbers; ``learning_rate`` replaces the rule's own when it is a number.

    Raises
    ------
    SettingError
        An unknown rule, a rate outside its range, or SETTING-RANGE-TEST: a range test for a rule without a rate.
    """
    found: Rule = catalog.resolve("rule", optimizer, "optimizer")
    if learning_rate == RANGE_TEST and not found.has_learning_rate:
        raise SettingError("SETTING-RANGE-TEST", "learning_rate", f"'range_test': {found.name} has none to look for")
    return found if learning_rate in (None, AUTO, RANGE_TEST) else found(learning_rate=learning_rate)


def warn_of_numbers(
    rule: Rule, penalty: Penalty | Sequence[Penalty | None] | None, schedule: Schedule | None = None, epochs: int = 0
) -> None:
    """Say which numbers are allowed and can hardly be meant."""
    numbers = rule.hyperparameters
    rate = float(numbers.get("learning_rate", 0.0))
    doubts = []
    if rate > LARGEST_RATE:
        doubts.append(f"learning_rate={rate:g} is far beyond any that serves")
    if numbers.get("momentum") == 0:
        doubts.append(f"momentum=0 has no effect: {rule.name} is plain gradient descent then")
    if rate * float(numbers.get("weight_decay", 0.0)) >= 1:
        what = f"weight_decay * learning_rate = {rate * numbers['weight_decay']:g}"
        doubts.append(f"{what}, which is not below 1: every update turns the signs of the weights")
    chosen = [each for each in layer_penalties(penalty) if each is not None]
    alpha = max((float(each.hyperparameters.get("alpha", 0.0)) for each in chosen if each.name == "l2"), default=0.0)
    if rule.fingerprint == gradient_descent.fingerprint and rate * alpha > 1:
        what = f"alpha * learning_rate = {rate * alpha:g}"
        doubts.append(f"{what}, which is above 1: the penalty alone turns the signs of the weights at every update")
    for doubt in doubts + schedule_doubts(schedule, epochs):
        warnings.warn(doubt, UserWarning, stacklevel=2)


def finds_rate(optimizer: object, learning_rate: float | str | None) -> bool:
    """Return whether a fit looks for its learning rate: never in place of one that a rule was given."""
    if learning_rate == RANGE_TEST:
        return True
    rule: Rule = catalog.resolve("rule", optimizer, "optimizer")
    return learning_rate == AUTO and rule.has_learning_rate and (isinstance(optimizer, str) or not rule.told)


def falls(given: object) -> bool:
    """Return whether a schedule is left to the fit: to zero where it finds the rate."""
    return isinstance(given, str) and given == AUTO


def schedule(given: object, *, falling: bool = False) -> Schedule | None:
    """Return the schedule, or None; for "auto", a line to zero where ``falling``."""
    if falls(given):
        given = "polynomial" if falling else None
    found: Schedule | None = None if given is None else catalog.resolve("schedule", given, "schedule")
    return found


def penalties(
    penalty: object, alpha: object, l1_ratio: float | None, layers: int, *, warn: bool = True
) -> Penalty | list[Penalty | None] | None:
    """Return one penalty, or None, for all layers; a list of one per layer where they differ.

    With ``warn``, say so where a number has no effect.

    Parameters
    ----------
    penalty : str or Penalty or None, or a sequence of them
    alpha : float or None, or a sequence of them
        Replaces the penalty's own when it is given.
    l1_ratio : float or None
        The same, for all layers.
    layers : int
    """
    each = zip(per_layer("penalty", penalty, layers), per_layer("alpha", alpha, layers), strict=True)
    found = [_penalty(given, {"alpha": strength, "l1_ratio": l1_ratio}, warn=warn) for given, strength in each]
    return found[0] if all(other == found[0] for other in found) else found


def _penalty(given: object, numbers: dict[str, Any], *, warn: bool) -> Penalty | None:
    found: Penalty | None = None if given is None else catalog.resolve("penalty", given, "penalty")
    known = {} if found is None else found.hyperparameters
    told = {name: value for name, value in numbers.items() if value is not None}
    idle = [name for name, value in told.items() if name not in known and value != 0]
    if idle and warn:
        what = "without a penalty" if found is None else f"with the penalty {found.name}"
        said = " and ".join(idle) + (" have" if len(idle) > 1 else " has")
        warnings.warn(f"{said} no effect {what}", UserWarning, stacklevel=2)
    return None if found is None else found(**{name: value for name, value in told.items() if name in known})


def epochs(max_iter: int | None, *, planned: bool) -> int:
    """Return the epochs of a fit, at most."""
    if max_iter is None:
        return PLANNED_EPOCHS if planned else MOST_EPOCHS
    return check_count("max_iter", max_iter)


def batch_size(given: object, rows: int, *, warn: bool = True) -> int | None:
    """Return the rows per update, None for all of them; with ``warn``, say so when there are fewer rows."""
    if given is None:
        return None
    if isinstance(given, str):
        if given != "auto":
            raise SettingError(
                "SETTING-UNKNOWN", "batch_size", f"must be an integer >= 1, None or 'auto', got {given!r:.40}"
            )
        return min(LARGEST_BATCH, math.ceil(rows / UPDATES_PER_EPOCH))
    size = check_count("batch_size", given)
    if size > rows and warn:
        warnings.warn(f"batch_size={size} is more than there are rows; all {rows} are used", UserWarning, stacklevel=2)
    return min(size, rows)


def averaging(given: object) -> Averaging | None:
    """Return how iterates are averaged, None where they are not.

    Parameters
    ----------
    given : bool, {"polyak", "ema"}, int or float
        An integer is the first update that counts, a number between 0 and 1 the decay of an exponential mean.
    """
    if isinstance(given, bool | np.bool_):
        return Averaging() if given else None
    if isinstance(given, str) and given in ("polyak", "ema"):
        return Averaging(EMA_DECAY if given == "ema" else None)
    if isinstance(given, int | np.integer):
        return Averaging(start=check_count("average", given))
    if isinstance(given, float | np.floating):
        return Averaging(check_number("average", given, "(0, 1)"))
    what = "must be True, False, 'polyak', 'ema', an integer >= 1 or a number in (0, 1)"
    raise SettingError("SETTING-TYPE", "average", f"{what}, got {type(given).__name__} {given!r:.40}")


def smoothed(targets: Any, share: float, loss: Loss) -> Any:
    """Return targets that move a share of each row's certainty to all its classes alike.

    Parameters
    ----------
    targets : ndarray (n, outputs)
        0 and 1: one column per class under softmax, one question per column under a logistic link.
    share : float in [0, 1)
    loss : Loss

    Raises
    ------
    SettingError
        A loss that takes classes, not probabilities of classes.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna (2016), Rethinking the inception architecture for computer vision,
    arXiv:1512.00567, section 7.
    """
    if not share:
        return targets
    if loss.inverse_link not in {"logistic", "softmax"} or loss.target not in {"binary", "classes"}:
        what = f"is {share:g}, and {loss.name} takes no probabilities of classes in the place of classes"
        raise SettingError("SETTING-SMOOTHING", "label_smoothing", what, "log_loss does: log and softmax.")
    classes = targets.shape[1] if loss.inverse_link == "softmax" else 2
    return (targets * (1 - share) + share / classes).astype(targets.dtype)


def random_state(given: object) -> None:
    """Refuse what is no source of randomness, and draw nothing from one that is."""
    from thalweg.engine.streams import seed_sequence

    if not isinstance(given, np.random.Generator | np.random.RandomState):
        seed_sequence(given)


def callbacks(given: object) -> list[Callable[[Any], object]]:
    """Return the caller's functions; a checkpoint among them is none."""
    listed = [each for each in _listed(given) if not isinstance(each, Checkpoint)]
    for each in listed:
        if not callable(each):
            what = f"must be functions of the run, got {type(each).__name__} {each!r:.40}"
            raise SettingError("SETTING-TYPE", "callbacks", what)
    return listed


def checkpoint(given: object) -> Checkpoint | None:
    """Return the checkpoint among the callbacks."""
    found = [each for each in _listed(given) if isinstance(each, Checkpoint)]
    if len(found) > 1:
        paths = ", ".join(str(each.path) for each in found)
        raise SettingError("SETTING-TWICE", "callbacks", f"has {len(found)} checkpoints: {paths:.100}", "Give one.")
    return found[0] if found else None


def checkpoint_apart(given: object, name: str) -> list[Any]:
    """Return callbacks whose checkpoint, if there is one, is in a file of its own: for one of several fits."""
    return [
        replace(each, path=f"{os.fspath(each.path)}.{name}") if isinstance(each, Checkpoint) else each
        for each in _listed(given)
    ]


def _listed(given: object) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]
