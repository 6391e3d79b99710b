"""A picture of what an entry of the catalogue does: a parameter's path with it and without, where that is seen best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.catalogue.entries import entries, fitting
from thalweg.check.catalogue.textbook import names
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.numbers import USUAL
from thalweg.check.tape import Tape

Array = NDArray[Any]

STEPS = 40
CLEAR = 0.5
"""Paths that are so far apart, in units of the right one's length, show the effect: the first such picture is taken."""


@final
@dataclass(frozen=True, eq=False)
class Picture:
    """Two paths of one parameter.

    Parameters
    ----------
    code, rule : str
        The entry, and the rule in which it is shown.
    gradients : str
        Key of the gradients: one of :func:`gradients`.
    without, with_it : ndarray (steps + 1,)
        Theta before the first and after every step.
    apart : float
        Their largest distance in units of the length of the path without it.
    """

    code: str
    rule: str
    gradients: str
    without: Array
    with_it: Array
    apart: float


@cache
def gradients() -> Mapping[str, tuple[Array, Array]]:
    """Return the gradients that pictures are made with, and the factors on the rate: each (steps,).

    Examples
    --------
    >>> list(gradients())
    ['constant', 'turning', 'stopping', 'rare', 'negative', 'tiny', 'growing', 'slower']
    """
    t = np.arange(STEPS)
    steady = np.ones(STEPS)
    # Turns every few steps, with sizes that repeat in another rhythm.
    turning = np.where(t // 7 % 2 == 0, 1.0, -0.7) * (0.4 + 0.3 * (t * 5 % 8) / 8)
    return {
        "constant": (0.5 * steady, steady),
        "turning": (turning, steady),
        "stopping": (np.where(t < 12, 0.5, 0.0), steady),
        "rare": (np.where(t % 8 == 2, 1.0, 0.0), steady),
        "negative": (-0.5 * steady, steady),
        "tiny": (1e-6 * steady, steady),
        "growing": (10.0 ** (-12 + t / 3), steady),
        "slower": (0.5 * steady, np.where(t < STEPS // 2, 1.0, 0.25)),
    }


def picture(code: str, rule: str | None = None, numbers: Mapping[str, float] | None = None) -> Picture:
    """Play an entry of the catalogue where its effect is seen best.

    Parameters
    ----------
    code : str
        Of the entry.
    rule : str, optional
        In which rule; the first that it fits when None.
    numbers : mapping, optional
        Hyperparameters; the usual ones when None.

    Returns
    -------
    Picture

    Examples
    --------
    >>> seen = picture("second-corrected-with-beta1")
    >>> seen.rule, seen.gradients, round(seen.apart, 1)
    ('adam', 'constant', 5.9)
    >>> picture("epsilon-inside-root").gradients
    'tiny'
    """
    entry = entries()[code]
    if rule is None:
        rule = next(name for name in names() if entry in fitting(name))
    # A guard shows only beside the mistake that it hides.
    right, wrong = Hypothesis(rule), combined(rule, (entry.beside, code) if entry.beside else (code,))
    assert wrong is not None  # noqa: S101 - the two go together
    idle = {name: next(v for v in USUAL[name] if v) for name, value in entry.numbers.items() if value == 0}
    settings = {**wrong.numbers, **idle, **(numbers or {})}
    best: Picture | None = None
    for key, (values, rates) in gradients().items():
        # Two arrays with gradients of their own: some mistakes are made from one to the other.
        sizes = np.array([1.0, 0.01, -0.6, 0.02])
        tape = Tape(np.ones(4), values[:, np.newaxis] * sizes, rates, ((2,), (2,)))
        with np.errstate(all="ignore"):
            a, b = right.thetas(settings, tape), wrong.thetas(settings, tape)
            far = _apart(a, b)
        column = 0 if far[0] >= CLEAR else int(np.argmax(far))
        if best is None or far[column] > best.apart:
            best = Picture(code, rule, key, a[:, column], b[:, column], float(far[column]))
        if best.apart >= CLEAR:
            break
    assert best is not None  # noqa: S101 - there are gradients
    return best


def _apart(a: Array, b: Array) -> Array:
    """Largest distance of two paths in units of the first one's length, per column; at most 1e6."""
    length = np.ptp(a, axis=0)
    gap = np.abs(a - b).max(axis=0)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    return np.asarray(np.minimum(np.where(gap == 0, 0.0, gap / np.maximum(length, 1e-300)), 1e6))
