"""All that a comparison found out, before anyone judges it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from thalweg.comparison.outcome import Confirmation, Outcome
from thalweg.comparison.plan import Plan


@final
@dataclass(frozen=True)
class Whole:
    """What stands behind a name where estimators are compared as wholes.

    Attributes
    ----------
    rule, model : str
    batch_size : int or None
        None for the full batch.
    steps : int
        Updates of a run.
    settings : dict
        As those of :class:`Facts`.
    """

    rule: str
    model: str
    batch_size: int | None
    steps: int
    settings: dict[str, Any]


@final
@dataclass(frozen=True)
class Facts:
    """What was compared on, and how: all that a reader needs to judge the numbers, and to get them again.

    Attributes
    ----------
    table, target : str
        As the user named them; ``target`` is the column, or ``"y"``.
    task : {"regression", "classification"}
    classes : int
        0 for regression.
    features : tuple of str
        Columns of the prepared table, in the order of the weights.
    model : str
        ``"linear model"``, or ``"network 64-32"`` with its hidden layers; with ``;`` between those of several arms.
    loss : str
    scaled : bool
        The target was standardised: losses are in units of its variance.
    rows : dict of str to int
        ``"train"``, ``"validation"``, ``"test"``; ``"validation"`` is 0 where losses were taken on the training part.
    batch_size : int or None
        None for the full batch.
    epochs, steps : int
        Budget of a run: passes over the training part, and the updates they make. A pass evaluates the gradient of
        each row once, whatever the rule.
    paired : bool
        All arms of a seed had the same start and the same orders of the rows.
    dtype : str
    settings : dict
        What all runs shared, as :meth:`thalweg.descent.settings.Settings.as_dict` gives it, without the optimizer.
    command : str
        What makes the comparison again.
    warnings : tuple of str
        What looks wrong with the data, a line each.
    machine : dict of str to str
    wholes : dict of str to Whole
        What each arm is, where some brought models or settings of their own; empty where rules alone were compared.
        ``batch_size``, ``steps`` and ``settings`` are then those of rules without any.
    validation : str
        ``"of your own"``, and whether weighted, where the rows to choose with were no part of the table; else empty.
    """

    table: str
    target: str
    task: str
    classes: int
    features: tuple[str, ...]
    model: str
    loss: str
    scaled: bool
    rows: dict[str, int]
    batch_size: int | None
    epochs: int
    steps: int
    paired: bool
    dtype: str
    settings: dict[str, Any]
    command: str
    warnings: tuple[str, ...] = ()
    machine: dict[str, str] = field(default_factory=dict)
    wholes: dict[str, Whole] = field(default_factory=dict)
    validation: str = ""

    @property
    def noun(self) -> str:
        """What is compared: ``"rule"``, or ``"estimator"`` where some brought models or settings of their own."""
        return "estimator" if self.wholes else "rule"


@final
@dataclass(frozen=True)
class Results:
    """Runs of a plan with what they were made of.

    Attributes
    ----------
    plan : Plan
        As it was in the end, growths included.
    outcomes : tuple of Outcome
        One for each run of the plan, in its order.
    confirmations : tuple of Confirmation
        For each rule that has a rate at which half of its runs or more did not diverge, one per seed.
    facts : Facts
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    confirmations: tuple[Confirmation, ...]
    facts: Facts
