"""The five kinds of formulas: rule, loss, penalty, activation, schedule; how each is written, and what it gives."""

from thalweg.formulas.kinds.activation import Activation
from thalweg.formulas.kinds.loss import Loss
from thalweg.formulas.kinds.penalty import Penalty
from thalweg.formulas.kinds.rule import Rule
from thalweg.formulas.kinds.schedule import Schedule

__all__ = ["Activation", "Loss", "Penalty", "Rule", "Schedule"]
