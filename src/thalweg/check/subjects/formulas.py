"""Formulas of this library and of its users, and their rules with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from thalweg.check.catalogue.textbook import names
from thalweg.check.subjects.subject import Subject
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory, play_rule
from thalweg.formulas.formula import Rule


@final
@dataclass(frozen=True, kw_only=True)
class FormulaSubject(Subject):
    """A rule made with ``@thalweg.rule``, with its numbers.

    Examples
    --------
    >>> from thalweg.check.tape import standard
    >>> from thalweg.formulas.rules import adam
    >>> subject = formula_subject(adam(learning_rate=0.5))
    >>> subject.hint, subject.numbers["learning_rate"]
    ('adam', 0.5)
    """

    rule: Rule

    def play(self, tape: Tape) -> Trajectory:
        """Step the formula along the tape."""
        return play_rule(self.rule, tape)


def formula_subject(rule: Rule, hint: str | None = None) -> FormulaSubject:
    """Return a rule as a subject: its numbers are known, and its learning rate moves if it has one."""
    promised = hint or (rule.name if rule.name in names() else None)
    return FormulaSubject(
        name=rule.name,
        hint=promised,
        numbers=dict(rule.hyperparameters),
        moves_rate=rule.has_learning_rate,
        rule=rule,
    )
