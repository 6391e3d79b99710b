"""Mistakes planted in rules, for the doctor to find."""

from __future__ import annotations

from thalweg.check.catalogue.entries import entries
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.search import explain
from thalweg.check.tape import EQUAL_SHAPES, Tape, standard
from thalweg.check.trajectory import distance

# Numbers that are zero by default, where a planted decay or shrinkage would do nothing.
ACTIVE = {
    "max_norm": 5.0,
    "weight_decay": 0.01,
    "shrinkage": 0.1,
    "l1": 0.01,
    "l2": 0.02,
    "epsilon_root": 1e-7,
    "power": 0.4,
}


def numbers_of(hypothesis: Hypothesis) -> dict[str, float]:
    return {name: ACTIVE.get(name, value) for name, value in hypothesis.numbers.items()}


def tape_for(hypothesis: Hypothesis) -> Tape:
    """The tape on which the variations show: on equal arrays where they mix arrays up."""
    mixed = any(variation.equal_arrays for variation in hypothesis.variations)
    return standard().shaped(*EQUAL_SHAPES) if mixed else standard()


def planted(rule: str, code: str) -> Hypothesis:
    """A rule with one variation; a guard that a right rule never needs is planted beside the mistake that it hides."""
    beside = entries()[code].beside
    made = combined(rule, (beside, code)) if beside else Hypothesis(rule, (code,))
    assert made is not None
    return made


def acts(hypothesis: Hypothesis) -> bool:
    """Whether the variations change anything that the tape can show."""
    numbers, tape = numbers_of(hypothesis), tape_for(hypothesis)
    plain = Hypothesis(hypothesis.rule).trajectory(numbers, tape)
    return distance(hypothesis.trajectory(numbers, tape), plain).residual > 1e-6


def named(hypothesis: Hypothesis, *, hint: bool = True) -> tuple[bool, str]:
    """Whether the doctor names what was planted, or what does exactly the same with no more variations."""
    numbers, tape = numbers_of(hypothesis), tape_for(hypothesis)
    verdict = explain(hypothesis.trajectory(numbers, tape), tape, numbers, hypothesis.rule if hint else None)
    planted = (hypothesis.rule, frozenset(hypothesis.codes))
    found = {(verdict.rule, verdict.codes), *((rule, frozenset(codes)) for rule, *codes in verdict.equivalent)}
    alike = verdict.residual <= 1e-6 and len(verdict.codes) <= len(hypothesis.codes)
    return planted in found or alike, f"{planted} -> {verdict.kind} {verdict.rule} {sorted(verdict.codes)}"
