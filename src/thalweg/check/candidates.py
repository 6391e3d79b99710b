"""The explanations of a trajectory that were tried, level by level: those that hold, and the nearest of the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from thalweg.check.catalogue.entries import entries, fitting, joining
from thalweg.check.catalogue.textbook import names, textbook
from thalweg.check.catalogue.variation import Variation
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.numbers import Evidence, Fit

MANY = 400
"""Of more hypotheses than these, those that are nearest on the first two steps are looked at more closely."""
SOLVED = 12
"""How many of the nearest hypotheses of a level have their unknown numbers solved."""


@final
class Candidates:
    """The fits found so far: those that hold, and the nearest of those that do not."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.tried: dict[tuple[str, frozenset[str]], Fit] = {}

    def fitting(self, rule: str, *, some_arrays: bool = False, joined: bool = False) -> tuple[Variation, ...]:
        """Return the variations of a rule that can show on this tape.

        On request also those of some arrays only, and those that go with a convention and not alone.
        """
        tape = self.evidence.tape
        equal, several = tape.equal_arrays, len(tape.shapes) > 1
        return tuple(
            entry
            for entry in (*fitting(rule), *(joining(rule) if joined else ()))
            if (equal or not entry.equal_arrays)
            and (several or not entry.several_arrays)
            and (some_arrays or not entry.some_arrays)
        )

    def level(self, hypotheses: Iterable[Hypothesis], *, few: bool, hasty: bool = False) -> list[Fit]:
        """Screen hypotheses and return those that hold, the cheapest first.

        Where ``hasty``, many that part at the first step are let go: those that cannot hold, since all their numbers
        are known, and of the others those that are not among the nearest.
        """
        new = {key: h for h in hypotheses if (key := (h.rule, frozenset(h.codes))) not in self.tried}
        if hasty and len(new) > MANY and self.evidence.moves_at_once:
            firsts = dict(zip(new, self.evidence.glances(list(new.values()), 1), strict=True))
            free = [key for key, h in new.items() if self.evidence.split(h)[1]]
            nearest = set(sorted(free, key=firsts.__getitem__)[:MANY])
            new = {key: h for key, h in new.items() if key in nearest or firsts[key] <= self.evidence.tolerance}
        if len(new) <= MANY:
            return self._held(list(new.values()), few=few)
        glances = dict(zip(new, self.evidence.glances(list(new.values())), strict=True))
        order = sorted(new, key=lambda key: glances[key])[:MANY]
        near = [new[key] for key in order if glances[key] <= self.evidence.tolerance]
        return self._held(near, few=few) or self._held([new[key] for key in order[len(near) :]], few=few)

    def _held(self, hypotheses: list[Hypothesis], *, few: bool) -> list[Fit]:
        """Screen hypotheses closely and return those that hold, the cheapest first."""
        screened: list[list[Fit]] = []
        for hypothesis in hypotheses:
            starts = self.evidence.screen(hypothesis, few=few)
            self.tried[hypothesis.rule, frozenset(hypothesis.codes)] = starts[0]
            screened.append(starts)
        screened.sort(key=lambda starts: starts[0].disagreement)
        # What holds with usual numbers is believed before what has to be solved for.
        exact = [starts for starts in screened if starts[0].residual <= self.evidence.tolerance]
        held = [fit for starts in exact for fit in self._solve(starts)]
        if not held:
            unknown = [starts for starts in screened if self.evidence.split(starts[0].hypothesis)[1]]
            held = [fit for starts in (unknown[:SOLVED] if few else unknown) for fit in self._solve(starts)]
        return sorted(held, key=preference)

    def _solve(self, starts: list[Fit]) -> list[Fit]:
        """Solve the unknown numbers from one start after another, until the explanation holds."""
        for start in starts:
            solved = self.evidence.solve(start)
            key = (solved.hypothesis.rule, frozenset(solved.hypothesis.codes))
            if solved.disagreement < self.tried[key].disagreement or self.evidence.believed(solved):
                self.tried[key] = solved
            if self.evidence.believed(solved):
                return [solved]
        return []

    def ranked(self) -> list[str]:
        """Return the rules: first those that have the very numbers that are known, and of all the nearest first.

        What is far too long is as far from all rules; which numbers it has then says more.
        """
        found = dict.fromkeys(fit.hypothesis.rule for fit in self.nearest(len(self.tried)))
        known = self.evidence.known.keys()
        return sorted(found, key=lambda rule: len(known) < 2 or known != textbook(rule).numbers.keys())

    def nearest(self, count: int) -> list[Fit]:
        """Return the fits that disagree least."""
        return sorted(self.tried.values(), key=lambda fit: fit.disagreement)[:count]


def preference(fit: Fit) -> tuple[float, int, list[int]]:
    """Return what is believed first: what costs least, and of that what stands first in textbook and catalogue."""
    rules, codes = list(names()), list(entries())
    chosen = fit.hypothesis
    return round(chosen.cost, 6), rules.index(chosen.rule), [codes.index(code) for code in chosen.codes]
