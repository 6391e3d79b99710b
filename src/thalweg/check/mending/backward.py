"""Mends of a backward pass: the changed text is run, and what it gives is the slope of the same loss."""

from __future__ import annotations

import ast
import contextlib
import io
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np

from thalweg.check.gradient_verdict import GradientVerdict
from thalweg.check.gradients import Held
from thalweg.check.mending.backward_changes import CALLS, backward_changes
from thalweg.check.mending.changes import steering
from thalweg.check.mending.live import Live
from thalweg.check.mending.mend import Mend, changed_lines
from thalweg.check.mending.recording import Watch
from thalweg.check.mending.splices import Change, Layout, spliced
from thalweg.check.randomness import reachable
from thalweg.check.subjects.gradients.reading import Reading
from thalweg.check.subjects.gradients.worlds import redrawn
from thalweg.check.subjects.subject import Source

SECONDS = 3.0
"""Of processor time, for all mistakes of a gradient together."""
ROUNDS = 3
"""How many changes may belong together."""
PROOFS = 3
"""How many texts are put through the whole check."""
SAME = 1e-12
"""To which the loss has to stay what it was."""
_LARGEST = 1 << 18  # numbers of an array that is put back after each trial


def backward_mends(
    scope: Mapping[str, Any],
    source: Source,
    reading: Reading,
    verdict: GradientVerdict,
    looked: Sequence[int],
    check: Callable[[Reading], GradientVerdict],
    confirmed: Callable[[str], bool],
    until: float = math.inf,
) -> tuple[Mend, ...]:
    """Return the changes of a file's lines with which a gradient is right, proven by running them.

    Parameters
    ----------
    scope : mapping
        The names of the file after it ran.
    source : Source
        Its text.
    reading : Reading
        How its gradient was put to the test.
    verdict : GradientVerdict
        What came of that; of a gradient that is not wrong nothing is to be mended.
    looked : sequence of int
        Lines that are likely to be wrong.
    check : callable
        The examination of a reading.
    confirmed : callable
        Whether an edited text, run from its beginning, has a right gradient.
    until : float
        Seconds of processor time of this process at which the search ends at the latest.

    Returns
    -------
    tuple of Mend
        With all of them the loss is what it was, and the gradient its slope, at the same point and at another; none
        where no such change was found.
    """
    if verdict.verdict != "wrong":
        return ()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return _Search(scope, source, reading, verdict, looked, check, confirmed, until).mends()
        except Exception:  # noqa: BLE001 - a text that is too strange to be edited costs its mends, never the verdict
            return ()


@final
class _Search:
    """One text, and what is changed in it."""

    def __init__(
        self, scope: Mapping[str, Any], source: Source, reading: Reading, verdict: GradientVerdict,
        looked: Sequence[int], check: Callable[[Reading], GradientVerdict], confirmed: Callable[[str], bool],
        until: float,
    ) -> None:  # fmt: skip
        self.confirmed = confirmed
        self.source, self.reading, self.verdict, self.looked, self.check = source, reading, verdict, looked, check
        self.until = min(time.process_time() + SECONDS, until)
        self.live, self.layout = Live(scope, source), Layout(source.text)
        self.held = Held(reading.fun, reading.grad, reading.x)
        self.measured = self.held.verdict.blocks
        self.at = self.held.value()
        self.arrays = [
            (array, array.copy())
            for function in (reading.fun, reading.grad)
            for _, array in reachable(function)
            if isinstance(array, np.ndarray) and array.size < _LARGEST
        ]
        self.proofs = 0

    def mends(self) -> tuple[Mend, ...]:
        """Search for changes that make all blocks right."""
        wanted = {block.name for block in self.measured if block.right is not None}
        base: Change = ()
        reached = wanted - set(self.held.verdict.wrong_blocks)
        changes = list(self._changes())
        for _ in range(ROUNDS):
            best: Change | None = None
            for change in changes:
                if time.process_time() > self.until:
                    return ()
                right = self._right((*base, *change))
                if right is None or not right > reached:
                    continue
                if right >= wanted:
                    if self._proven((*base, *change)):
                        return self._told((*base, *change))
                    if self.proofs >= PROOFS:
                        return ()
                elif best is None:
                    best, further = (*base, *change), right
            if best is None:
                return ()
            base, reached = best, further
        return ()

    def _changes(self) -> Iterator[Change]:
        """Yield changes of the lines that run when the gradient is computed, the likeliest first."""
        watch = Watch(self.layout, self.source.path, CALLS)
        watch.during(self.held.gradient, keep=True)
        self._put_back()
        helpers = {
            node.name: len(node.args.args) - len(node.args.defaults)
            for node in self.layout.tree.body
            if isinstance(node, ast.FunctionDef)
        }
        kept = steering(self.layout)
        for statement in kept:
            watch.counts.pop(statement, None)
        causes = {cause.code for cause in self.verdict.causes}
        wrong = [block.numbers for block in self.measured if block.right is False]
        lacks = [(np.array(n.places), np.array(n.measured) - np.array(n.given)) for n in wrong]
        found = backward_changes(self.layout, watch, set(self.looked), helpers, causes, lacks)
        yield from (change for _, change in found)

    def _right(self, change: Change) -> set[str] | None:
        """Return the blocks that are right with a change; None where it makes another loss, or nothing that runs."""
        try:
            with self.live.edited(change) as edited:
                if not edited:
                    return None
                value = self.held.value()
                if not abs(value - self.at) <= SAME * abs(self.at):
                    return None
                received = self.held.gradient()
        except Exception:  # noqa: BLE001 - most changes make nothing that runs
            return None
        finally:
            self._put_back()
        right = set()
        places = {name: place for name, _, place in self.held.blocks.slices()}
        for block in self.measured:
            n = block.numbers
            if block.name in (*received.missing, *received.shapes) or not n.places:
                continue
            given = received.flat[places[block.name]][np.array(n.places)]
            slopes, bounds = np.array(n.measured), np.array(n.bounds)
            room = 4 * np.nan_to_num(bounds) + 1e-9 * float(np.max(np.abs(slopes), initial=0.0))
            if np.all(np.abs(given - slopes) <= room):
                right.add(block.name)
        return right

    def _put_back(self) -> None:
        """Undo what a trial did to arrays that are shared."""
        for array, before in self.arrays:
            if array.flags.writeable:
                np.copyto(array, before)

    def _proven(self, change: Change) -> bool:
        """Put a text through the whole check, at the same point and at another, and as a file of its own."""
        self.proofs += 1
        other = Reading(self.reading.fun, self.reading.grad, redrawn(self.reading.x, seed=17))
        with self.live.edited(change):
            try:
                if self.check(self.reading).verdict != "right":
                    return False
            finally:
                self._put_back()
            with contextlib.suppress(Exception):  # another point may be out of its domain
                if self.check(other).verdict == "wrong":
                    return False
            self._put_back()
        text = spliced(self.source.text, change)
        return text is not None and self.confirmed(text)

    def _told(self, change: Change) -> tuple[Mend, ...]:
        """Put changes into mends."""
        code = self.verdict.causes[0].code if self.verdict.causes else ""
        text = spliced(self.source.text, change)
        assert text is not None  # noqa: S101 - it ran
        old, new = self.source.text.splitlines(), text.splitlines()
        return tuple(
            Mend(code, first + 1, "\n".join(was), "\n".join(now), self.source.where(first + 1))
            for first, _, was, now in changed_lines(old, new)
        )
