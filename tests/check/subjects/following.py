"""Whether a piece of code, found and adapted by itself, follows a rule: without the search, tested elsewhere."""

from __future__ import annotations

import textwrap

import numpy as np

from thalweg.check.child.loading import MODULE, load
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.subjects import Source, Subject, adapt
from thalweg.check.subjects.finding import Candidate, find
from thalweg.check.written import Written


def candidates(text: str, name: str | None = None) -> tuple[Candidate, ...]:
    """Run a text and find the updates in it."""
    written = Written("stranger.py", textwrap.dedent(text))
    own = {**load(written, name).own, "__name__": MODULE}
    return find(own, Source(written.path, written.text), name)


def subject_of(text: str, name: str | None = None) -> Subject:
    """Run a text, and adapt the one update that is found in it."""
    (found,) = candidates(text, name)
    return adapt(found.update, source=Source("stranger.py", textwrap.dedent(text)))


def distance(subject: Subject, rule: str, conventions: tuple[str, ...] = (), **numbers: float) -> float:
    """Return how far the nearest reading of a subject is from a rule with the numbers that were read, and others."""
    ways = []
    for reading in subject.readings():
        tape = reading.tape()
        expected = Hypothesis(rule, conventions).trajectory({**reading.numbers, **numbers}, tape)
        ways.append(np.max(np.abs(reading.play(tape).thetas - expected.thetas)))
    return float(np.nanmin(ways))
