"""The search for mends, and their proof: the changed text is run, and does what the rule does without the mistake."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Iterator
from functools import cache
from typing import final

import numpy as np

from thalweg.check.hypothesis import Hypothesis
from thalweg.check.mending.changes import expression_changes
from thalweg.check.mending.lines import line_changes
from thalweg.check.mending.mend import Mend, changed_lines
from thalweg.check.mending.rebuilding import Rebuilder
from thalweg.check.mending.recording import record
from thalweg.check.mending.splices import Change, Layout, spliced
from thalweg.check.mending.targets import Progress, Target, hypothesis
from thalweg.check.mending.translation import Translator, translations
from thalweg.check.numbers import Evidence
from thalweg.check.subjects.subject import Source, Subject
from thalweg.check.tape import Tape, standard
from thalweg.check.trajectory import Trajectory, distance
from thalweg.check.verdict import Verdict

SECONDS = 2.0
"""Of processor time, for all mistakes of a verdict together."""
PLAYED = 3000
"""How many changed texts are played at most."""
SCREENED = 3
"""Steps on which a changed text is played first."""
ROUNDS = 4
"""How often the changes that lead on are built upon."""
SETS = 60
"""How many sets of changes that lead on are kept in one round."""
CONFIRMED = 64
"""Steps on which a mend is played once more, with other gradients."""
STEP = 3
"""At which the values of expressions are compared: powers of t differ from one another and from products."""


def mends(source: Source | None, subject: Subject, verdict: Verdict, tape: Tape | None = None) -> tuple[Mend, ...]:
    """Return the changes of the user's lines that remove the mistakes of a verdict, each proven by being played.

    Parameters
    ----------
    source : Source or None
        The text of the subject.
    subject : Subject
        What was examined.
    verdict : Verdict
        Of kind ``wrong``; any other has nothing to be mended.
    tape : Tape, optional
        On which it was played.

    Returns
    -------
    tuple of Mend
        In the order in which they apply; several of one code where several lines have to change. After those of one
        mistake the code does what the explanation does without it, after all of them what the rule does. A mistake for
        which no change could be proven has none.
    """
    if source is None or verdict.kind != "wrong" or verdict.rule is None:
        return ()
    tape = tape or (standard() if subject.moves_rate else standard().steady())
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return _Workshop(source, subject, verdict, tape).mended()
        except Exception:  # noqa: BLE001 - a text that is too strange to be edited costs its mends, never the verdict
            return ()


@final
class _Workshop:
    """One text, and what is changed in it for one mistake after the other."""

    def __init__(self, source: Source, subject: Subject, verdict: Verdict, tape: Tape) -> None:
        self.source, self.subject, self.verdict, self.tape = source, subject, verdict, tape
        self.until = time.process_time() + SECONDS
        self.played = 0
        self.text = source.text

    def mended(self) -> tuple[Mend, ...]:
        """Mend what can be mended, mistake by mistake."""
        rule = self.verdict.rule or ""
        try:
            self.rebuilder = Rebuilder(self.subject)
            path = self.rebuilder.rebuilt(self.text).play(self.tape)
        except Exception:  # noqa: BLE001 - code that its text alone does not make cannot be proven to be mended
            return ()
        tolerance = Evidence(path, self.tape, {}).tolerance
        # What stands in some arrays only is mended first: from then on all arrays do the same.
        mistakes = sorted(self.verdict.mistakes, key=lambda finding: not finding.arrays)
        left = [finding.code for finding in mistakes]
        origin = list(range(1, len(self.text.splitlines()) + 2))
        found: list[Mend] = []
        while left:
            for code in left:
                target = self._target(rule, code, left, tolerance)
                made = target and self._without(target)
                if made:
                    found += self._described(code, made, origin)
                    left.remove(code)
                    break
            else:
                break
        return tuple(found)

    def _target(self, rule: str, code: str, left: list[str], tolerance: float) -> Target | None:
        """Return what the text has to do without one of the mistakes that are left."""

        def does(place: int, mistakes: list[str]) -> Hypothesis | None:
            own = self.verdict.in_array(place)
            conventions = self.verdict.in_array(place, mistakes=False)
            return hypothesis(rule, [c for c in own if c in conventions or c in mistakes])

        (finding,) = (one for one in self.verdict.mistakes if one.code == code)
        places = finding.arrays or (1,)
        wrong, right = does(places[0], left), does(places[0], [c for c in left if c != code])
        everywhere = range(1, len(self.tape.shapes) + 1) if finding.arrays else ()
        kept = {place - 1: does(place, left) for place in everywhere if place not in places}
        if wrong is None or right is None:
            return None
        others = {place: made for place, made in kept.items() if made is not None}
        return Target(wrong, right, [self.verdict.numbers], self.tape, tolerance, others)

    def _without(self, target: Target) -> str | None:
        """Return the text without a mistake, or None where no change of it is proven."""
        start = self._judged(self.text, target, self.tape.steps)
        if start is None or start == target.done:
            return None
        screened = min(max(SCREENED, target.first_difference() + 1), self.tape.steps)
        base: list[Change] = []
        for _ in range(ROUNDS):
            further = self._round(base, start, target, screened)
            if further is None:
                return None
            base, start = further
            if start == target.done:
                return self._least(base, target)
        return None

    def _round(
        self, base: list[Change], start: Progress, target: Target, screened: int
    ) -> tuple[list[Change], Progress] | None:
        """Try single changes beside those of ``base``; return those that lead on, the sooner the better."""
        sets: list[tuple[list[Change], Progress]] = []
        tried: set[str] = set()
        for change in self._changes(target):
            if self.played > PLAYED or time.process_time() > self.until:
                break
            text = self._with([*base, change])
            if text is None or text in tried:
                continue
            tried.add(text)
            if not _further(start, self._judged(text, target, screened)):
                continue
            reached = self._judged(text, target, self.tape.steps)
            if reached is None or not _further(start, reached):
                continue
            if reached == target.done and not self._confirmed(text, target):
                continue
            sets.append(([*base, change], reached))
            for others, so_far in sets[:-1]:
                both = self._with([*others, change])
                together = self._judged(both, target, self.tape.steps) if both is not None else None
                if together is not None and _further(so_far, together):
                    sets.append(([*others, change], together))
            for changes, so_far in sets:
                if so_far == target.done and self._confirmed(self._with(changes) or "", target):
                    return changes, so_far
            sets = [made for made in sets if made[1] != target.done]
            if len(sets) > SETS:
                break
        return max(sets, key=lambda made: sum(made[1]), default=None)

    def _confirmed(self, text: str, target: Target) -> bool:
        """Whether a text does what is right on other gradients as well: where only signs show, one tape says little."""
        other = confirming(self.tape)
        try:
            path = self.rebuilder.rebuilt(text).play(other)
        except Exception:  # noqa: BLE001 - it is no proof then
            return False
        return distance(target.expected(other), path).residual <= target.tolerance

    def _with(self, changes: list[Change]) -> str | None:
        return spliced(self.text, (splice for change in changes for splice in change))

    def _least(self, current: list[Change], target: Target) -> str | None:
        """Return the text without the changes that others made needless."""
        for change in list(current[:-1]):
            rest = [other for other in current if other is not change]
            made = self._with(rest)
            done = made is not None and self._judged(made, target, self.tape.steps) == target.done
            if made is not None and done and self._confirmed(made, target):
                current = rest
        return self._with(current)

    def _judged(self, text: str, target: Target, steps: int) -> Progress | None:
        """Play a text, adapted as the user's own was, and return how far it has come."""
        self.played += 1
        try:
            path = self.rebuilder.rebuilt(text).play(self.tape.first(steps))
        except Exception:  # noqa: BLE001 - most changes make nothing that runs
            return None
        return target.progress(path) if _fits(path, self.tape) else None

    def _changes(self, target: Target) -> Iterator[Change]:
        """Return changes of the text, the likeliest first."""
        layout = Layout(self.text)
        step = min(STEP, self.tape.steps)
        seen = record(self.rebuilder.rebuilt(self.text), layout, self.tape, step)
        scopes = target.book_values(self.verdict.numbers, step)
        translator = Translator(layout, seen, target.wrong.statements or [], scopes, target.tolerance)
        yield from translations(target, translator)
        ranked = [*expression_changes(layout, seen, translator), *line_changes(layout, seen, target, translator)]
        yield from (change for _, change in sorted(ranked, key=lambda pair: pair[0]))

    def _described(self, code: str, made: str, origin: list[int]) -> list[Mend]:
        """Put a changed text into mends, and go on from it; ``origin`` says which of the user's lines each line is."""
        old, new = self.text.splitlines(), made.splitlines()
        found: list[Mend] = []
        lines: list[int] = []
        at = 0
        for first, last, was, now in changed_lines(old, new):
            lines += origin[at:first]
            lines += (
                origin[first:last] if len(was) == len(now) else [origin[min(first + k, last)] for k in range(len(now))]
            )
            at = last
            line = self.source.first_line + origin[first] - 1
            found.append(Mend(code, line, "\n".join(was), "\n".join(now), self.source.where(origin[first])))
        lines += origin[at : len(old)]
        origin[:] = [*lines, origin[-1]]
        self.text = made
        return found


def _further(old: Progress, new: Progress | None) -> bool:
    """Whether nothing has become worse and something better."""
    return new is not None and new != old and all(b >= a for a, b in zip(old, new, strict=True))


@cache
def confirming(tape: Tape) -> Tape:
    """Return a longer tape of random gradients that often turn, cut into the same arrays; its rate is steady."""
    draw = np.random.default_rng(20_261_120)
    sizes = 10.0 ** draw.integers(-3, 2, tape.size)
    gradients = draw.normal(size=(CONFIRMED, tape.size)) * sizes
    return Tape(tape.theta0, gradients, np.ones(CONFIRMED), tape.shapes)


def _fits(path: Trajectory, tape: Tape) -> bool:
    return path.thetas.shape[1:] == (tape.size,)
