"""What a variation changes: the lines, and the steps."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from thalweg.check.catalogue.edits import SHARED
from thalweg.check.catalogue.entries import entries
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.tape import Tape
from thalweg.check.verdict import NOTICED, Effect, Finding

LONG = 100
"""How many steps on a constant gradient the size of an effect is read from."""
SHOWN = (1, 10, 100)
"""At which of them."""


def finding(hypothesis: Hypothesis, code: str) -> Finding:
    """Describe one variation of a hypothesis, with the lines in which it stands.

    Examples
    --------
    >>> seen = finding(Hypothesis("adam", ("first-not-corrected",)), "first-not-corrected")
    >>> seen.found, seen.right
    ('m_hat = m', 'm_hat = m / (1 - beta1 ** t)')
    """
    entry = entries()[code]
    with_it = [ast.unparse(s) for s in Hypothesis(hypothesis.rule, (code,)).statements or []]
    without = [ast.unparse(s) for s in hypothesis.book.tree]
    found = "\n".join(line for line in with_it if line not in without and line != SHARED)
    right = "\n".join(line for line in without if line not in with_it)
    return Finding(code, entry.title, entry.explanation, entry.source, found, right)


def effect(wrong: Hypothesis, right: Hypothesis, numbers: Mapping[str, float]) -> Effect:
    """Measure how long the steps are on a constant gradient, against those of the right rule.

    Examples
    --------
    >>> adam = Hypothesis("adam")
    >>> seen = effect(Hypothesis("adam", ("second-corrected-with-beta1",)), adam, adam.numbers)
    >>> seen.ratios
    ((1, 10.0), (10, 8.1...), (100, 3.2...))
    """
    for size in (0.5, 1e-3, 1e-6):
        gradients = np.full((LONG, 2), size)
        tape = Tape(np.array([0.0, 1.0]), gradients, np.ones(LONG), ((1,), (1,)))
        with np.errstate(all="ignore"):
            ratios = wrong.moves(numbers, tape)[:, 0] / right.moves(numbers, tape)[:, 0]
        found = {t: float(ratios[t - 1]) for t in SHOWN}
        if not all(np.isfinite(v) for v in found.values()):
            return Effect(size, no_number_from=int(np.flatnonzero(~np.isfinite(ratios))[0]) + 1)
        if any(abs(v - 1) >= NOTICED for v in found.values()):
            return Effect(size, tuple(found.items()))
    return Effect(0.5)
