"""What an estimator's parameters say of a fit before it sees the rows: settled once, and handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from thalweg.estimators import settings as told
from thalweg.formulas.formula import Rule, Schedule

if TYPE_CHECKING:
    from thalweg.estimators.parameters import Parameters


@final
@dataclass(frozen=True)
class Plan:
    """Rule, schedule and epochs of a fit, or of one pass.

    Attributes
    ----------
    rule : Rule
        With its numbers; where the rate is to be found, its own stands there until then.
    finds_rate : bool
        Whether a fit looks for the learning rate.
    schedule : Schedule or None
    epochs : int
        Of a fit, at most.
    one_pass : bool
        Only one of them is made, and no rate is looked for.
    """

    rule: Rule
    finds_rate: bool
    schedule: Schedule | None
    epochs: int
    one_pass: bool
    _left_to_fit: bool

    @classmethod
    def of(cls, estimator: Parameters, *, one_pass: bool = False) -> Plan:
        """Return that of an estimator.

        Raises
        ------
        SettingError
            A parameter that cannot be used.
        """
        rule = told.rule(estimator.optimizer, estimator.learning_rate)
        finds = told.finds_rate(estimator.optimizer, estimator.learning_rate)
        schedule = told.schedule(estimator.schedule, falling=finds and not one_pass)
        epochs = told.epochs(estimator.max_iter, planned=finds)
        return cls(rule, finds, schedule, epochs, one_pass, told.falls(estimator.schedule))

    @property
    def ends_by_itself(self) -> bool:
        """Whether the last epoch is the end that is meant: the rate has come down to zero there."""
        return self.finds_rate and self._left_to_fit
