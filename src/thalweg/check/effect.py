"""What a variation changes: the lines, and the steps."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from thalweg.check.catalogue.edits import SHARED
from thalweg.check.catalogue.entries import entries
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.tape import Tape
from thalweg.check.verdict import Finding

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


def how_much(wrong: Hypothesis, right: Hypothesis, numbers: Mapping[str, float]) -> str:
    """Say how long the steps are on a constant gradient, against those of the right rule.

    Examples
    --------
    >>> adam = Hypothesis("adam")
    >>> how_much(Hypothesis("adam", ("second-corrected-with-beta1",)), adam, adam.numbers)
    'steps are 10.0 times too long at t = 1, 8.1 at t = 10, 3.2 at t = 100'
    """
    for size in (0.5, 1e-3, 1e-6):
        gradients = np.full((LONG, 2), size)
        tape = Tape(np.array([0.0, 1.0]), gradients, np.ones(LONG), ((1,), (1,)))
        with np.errstate(all="ignore"):
            ratios = wrong.moves(numbers, tape)[:, 0] / right.moves(numbers, tape)[:, 0]
        said = _told(ratios)
        if said:
            return said if size == 0.5 else f"{said}, with gradients of {size:g}"
    return "steps differ where gradients change, not on a constant one"


def _told(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    shown = {t: float(ratios[t - 1]) for t in SHOWN}
    if not all(np.isfinite(v) for v in shown.values()):
        first = int(np.flatnonzero(~np.isfinite(ratios))[0]) + 1
        return f"theta is no number from t = {first} on"
    if all(abs(v - 1) < 5e-3 for v in shown.values()):
        return ""
    if all(v < 0 for v in shown.values()):
        return "steps go uphill"
    parts: list[str] = []
    word = ""
    for t, ratio in shown.items():
        if abs(ratio - 1) < 5e-3:
            parts.append(f"right at t = {t}")
            word = ""
            continue
        now = (
            "uphill" if ratio < 0 else "nothing" if ratio == 0 else "times too long" if ratio > 1 else "times too short"
        )
        amount = "" if ratio <= 0 else _amount(max(ratio, 1 / ratio)) + " "
        same = now == word and now.startswith("times")
        parts.append(f"{amount.strip()} at t = {t}" if same else f"{amount}{now} at t = {t}")
        word = now
    return "steps are " + ", ".join(parts)


def _amount(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 1e4 else f"{ratio:.1e}"
