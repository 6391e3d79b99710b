"""Explanations of code in which parameter arrays do not all do the same: the lines of W are right, one of b is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.candidates import Candidates, preference
from thalweg.check.catalogue.edits import SHARED
from thalweg.check.catalogue.entries import entries
from thalweg.check.catalogue.variation import Variation
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.numbers import Evidence, Fit
from thalweg.check.tape import COPY, Tape
from thalweg.check.trajectory import Trajectory

Array = NDArray[Any]

MOST = 8
"""Of more arrays than these, none is looked at by itself."""
ACTIVE = 2
"""How many coordinates of an array must have gradients for its explanation to be built upon."""
BASES = 3
"""How many explanations of single arrays are built upon."""
DECAYS = frozenset({"l2-in-gradient", "decoupled-decay", "decay-left-out"})
"""What is usually meant for some arrays only: weights decay, biases do not."""
_ACROSS = ("first_array", "layer", "calls", "first_of", "last_of", "total_sum", SHARED)
"""Names in the text of variations that read what belongs to other arrays, or count them."""


@final
@dataclass(frozen=True)
class Divided:
    """An explanation array by array: one rule with one set of numbers, and for each array its own variations.

    Parameters
    ----------
    rule : str
    codes : tuple of tuple of str
        Of each array.
    numbers : mapping
        All hyperparameters.
    residuals : tuple of float
        Of each array, over its own coordinates.
    equivalent : tuple of tuple of str
        Rule and codes of what the arrays that differ from the others might as well do.
    """

    rule: str
    codes: tuple[tuple[str, ...], ...]
    numbers: Mapping[str, float]
    residuals: tuple[float, ...]
    equivalent: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def places(self) -> dict[str, tuple[int, ...]]:
        """The arrays in which each variation stands, from 1; none where it stands in all. Those of all come first."""
        count = len(self.codes)
        found = {
            code: tuple(k for k, codes in enumerate(self.codes, 1) if code in codes)
            for codes in self.codes
            for code in codes
        }
        shared: dict[str, tuple[int, ...]] = {code: () for code, where in found.items() if len(where) == count}
        return shared | {code: where for code, where in found.items() if len(where) < count}

    @property
    def cost(self) -> float:
        """What is believed last: a sum over the variations, each counted once."""
        return sum(entries()[code].cost for code in self.places)

    def is_mistake(self, code: str) -> bool:
        """Whether a variation is to be mended: a convention is, where other arrays do not have it."""
        return entries()[code].kind == "mistake" or (bool(self.places[code]) and code not in DECAYS)


def path_by_array(rule: str, codes: Sequence[Sequence[str]], numbers: Mapping[str, float], tape: Tape) -> Trajectory:
    """Play a rule with variations of each array's own.

    Gradients do not depend on theta, so that each array's path is its own whatever the others do.

    Parameters
    ----------
    rule : str
    codes : sequence of sequence of str
        Variations of each array, in an order in which they go together.
    numbers : mapping
    tape : Tape

    Returns
    -------
    Trajectory

    Examples
    --------
    >>> from thalweg.check.tape import standard
    >>> tape = standard().steady()
    >>> path = path_by_array("gradient_descent", ((), ("uphill",)), {"learning_rate": 0.1}, tape)
    >>> right = Hypothesis("gradient_descent").trajectory({"learning_rate": 0.1}, tape)
    >>> [bool(np.array_equal(path.moves[:, own], right.moves[:, own])) for own in tape.slices()]
    [True, False]
    """
    played = {own: Hypothesis(rule, own).thetas(numbers, tape) for own in {tuple(one) for one in codes}}
    parts = [played[tuple(own)][:, where] for own, where in zip(codes, tape.slices(), strict=True)]
    return Trajectory(np.concatenate(parts, axis=1))


def divided(search: Candidates, rules: Sequence[str], closely: Sequence[str]) -> Divided | list[Fit] | None:
    """Explain each parameter array by itself, where that needs one rule and one set of numbers.

    Parameters
    ----------
    search : Candidates
        What was tried on all coordinates, none of which holds.
    rules : sequence of str
        Rules that arrays may follow as they are.
    closely : sequence of str
        Those of which they may also follow a variation.

    Returns
    -------
    Divided, list of Fit or None
        The cheapest explanation; fits, where one that was found for an array holds for all after all; None where there
        is an array that has none.
    """
    tape = search.evidence.tape
    slices = list(tape.slices())
    if not 2 <= len(slices) <= MOST or _do_the_same(search.evidence):
        return None
    where = [np.arange(own.start, own.stop) for own in slices]
    moving = np.any(tape.gradients != 0, axis=0)
    able = [own for own in where if moving[own].sum() >= ACTIVE]
    alone = [Candidates(search.evidence.on(own)) for own in able]
    held: list[Fit] = []
    for level, few in (
        ([Hypothesis(rule) for rule in rules], False),
        ([Hypothesis(rule, (entry.code,)) for rule in closely for entry in _own(search, rule)], True),
    ):
        held = [fits[0] for one in alone if (fits := one.level(level, few=few))]
        if held:
            break
    found: list[Divided] = []
    for base in list({(fit.hypothesis, *fit.numbers.items()): fit for fit in sorted(held, key=preference)}.values())[
        :BASES
    ]:
        whole = _of_all_arrays(search, base)
        if whole:
            return whole
        made = _built_on(search.evidence, search, base, where)
        if made is not None:
            if whole := _everywhere(search.evidence, made):
                return whole
            found.append(made)
    return min(found, key=lambda made: (round(made.cost, 6), max(map(len, made.codes))), default=None)


def _do_the_same(evidence: Evidence) -> bool:
    """Whether two arrays make the same steps from the same start with the same gradients: then nothing is in one alone.

    The tape has two such coordinates. Of more arrays than two they say nothing of the others.
    """
    tape, (one, other) = evidence.tape, COPY
    slices = list(tape.slices())
    if len(slices) != 2 or not slices[0].stop > one or not slices[1].start <= other < tape.size:
        return False
    if tape.theta0[one] != tape.theta0[other] or np.any(tape.gradients[:, one] != tape.gradients[:, other]):
        return False
    moves, noise = evidence.trajectory.moves, evidence.trajectory.noise
    return bool(np.all(np.abs(moves[:, one] - moves[:, other]) <= noise[:, one]))


def _of_all_arrays(search: Candidates, base: Fit) -> list[Fit]:
    """Return the fits on all coordinates of what an array does, also with one mistake that is made across arrays."""
    hypothesis = base.hypothesis
    across = [entry.code for entry in search.fitting(hypothesis.rule) if _is_across(hypothesis.rule, entry.code)]
    made = [combined(hypothesis.rule, (*hypothesis.codes, code)) for code in across if code not in hypothesis.codes]
    together = search.evidence.on(np.arange(search.evidence.tape.size), {**base.numbers, **search.evidence.known})
    fits = [together.fit(one, {**one.numbers, **base.numbers}) for one in (hypothesis, *made) if one is not None]
    return [fit for fit in fits if fit.residual <= together.tolerance]


def _everywhere(evidence: Evidence, made: Divided) -> list[Fit]:
    """Return the fit of what several arrays do, where all may as well do all of it: in some it only does not show."""
    together = combined(made.rule, tuple(dict.fromkeys(code for codes in made.codes for code in codes)))
    fit = None if together is None else evidence.fit(together, {**together.numbers, **made.numbers})
    return [fit] if fit is not None and fit.residual <= evidence.tolerance else []


def _own(search: Candidates, rule: str) -> list[Variation]:
    """Return the variations that may stand in the lines of one array."""
    return [entry for entry in search.fitting(rule, some_arrays=True) if not _is_across(rule, entry.code)]


@cache
def _is_across(rule: str, code: str) -> bool:
    """Whether a variation reads what belongs to other arrays, or counts them."""
    text = Hypothesis(rule, (code,)).text
    return any(name in text for name in _ACROSS)


def _built_on(evidence: Evidence, search: Candidates, base: Fit, where: Sequence[Array]) -> Divided | None:
    """Explain the arrays that do not follow an explanation by what stands in their lines besides, or instead."""
    parts = [evidence.on(own, base.numbers) for own in where]
    fits = [part.fit(base.hypothesis, base.numbers) for part in parts]
    odd = [k for k, fit in enumerate(fits) if fit.residual > evidence.tolerance]
    if not odd or len(odd) == len(parts):
        return None
    rest = Candidates(evidence.on(np.concatenate([where[k] for k in odd]), base.numbers))
    for level in _levels(base.hypothesis, _own(search, base.hypothesis.rule)):
        held = rest.level(level, few=True)
        for fit in held[:1]:
            cost = round(fit.hypothesis.cost, 6)
            as_well = [other.hypothesis for other in held[1:] if round(other.hypothesis.cost, 6) == cost]
            alike = tuple(dict.fromkeys((one.rule, *one.codes) for one in as_well if one != fit.hypothesis))
            own = [parts[k].fit(fit.hypothesis, fit.numbers).residual for k in odd]
            codes = [fit.hypothesis.codes if k in odd else base.hypothesis.codes for k in range(len(parts))]
            residuals = [own[odd.index(k)] if k in odd else fits[k].residual for k in range(len(parts))]
            return Divided(base.hypothesis.rule, tuple(codes), {**base.numbers, **fit.numbers}, tuple(residuals), alike)
    return None


def _levels(base: Hypothesis, fits: Sequence[Variation]) -> Iterable[list[Hypothesis]]:
    """Yield what odd arrays may do, the nearest to the others first."""
    yield [Hypothesis(base.rule)]
    yield base.extended(fits)
    yield [Hypothesis(base.rule, (entry.code,)) for entry in fits]
    yield [pair for one in base.extended(fits) for pair in one.extended(fits)]
