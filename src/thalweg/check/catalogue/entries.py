"""All entries of the catalogue, by code and by the rules they fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from thalweg.check.catalogue import (
    arrays,
    brackets,
    confusions,
    conventions,
    counting,
    forms,
    moments,
    scaling,
    successors,
    surroundings,
    velocity,
)
from thalweg.check.catalogue.edits import text_of
from thalweg.check.catalogue.textbook import textbook
from thalweg.check.catalogue.variation import Variation

_FILES = (
    conventions, forms, surroundings, moments, counting, successors, scaling, brackets, velocity, confusions, arrays,
)  # fmt: skip
_ALL = tuple(entry for file in _FILES for entry in file.VARIATIONS)


@cache
def entries() -> Mapping[str, Variation]:
    """Return all variations by code.

    Examples
    --------
    >>> entries()["epsilon-inside-root"].kind
    'convention'
    """
    return MappingProxyType({entry.code: entry for entry in _ALL})


@cache
def fitting(rule: str) -> tuple[Variation, ...]:
    """Return the variations that fit a rule by themselves, conventions first.

    Examples
    --------
    >>> [entry.code for entry in fitting("qhm")]
    ['uphill', 'one-state-for-all-arrays']
    """
    book = textbook(rule)
    found = []
    for entry in _ALL:
        if entry.rules and rule not in entry.rules:
            continue
        changed = entry.apply(list(book.tree))
        if changed is not None and [text_of(s) for s in changed] != [text_of(s) for s in book.tree]:
            found.append(entry)
    return tuple(found)


@cache
def joining(rule: str) -> tuple[Variation, ...]:
    """Return the variations that fit a rule after one of its conventions only: a decay that grows needs a decay.

    Examples
    --------
    >>> "decay-grows" in [entry.code for entry in joining("momentum")]
    True
    """
    alone = fitting(rule)
    # What stands around a rule is no part of it: a rate over t is a schedule, and not a root that is missing.
    own = [entry for entry in alone if entry.kind == "convention" and entry not in surroundings.VARIATIONS]
    written = [made for entry in own if (made := entry.apply(list(textbook(rule).tree))) is not None]
    return tuple(
        entry
        for entry in _ALL
        if entry not in alone
        and (not entry.rules or rule in entry.rules)
        and any(entry.apply(form) is not None for form in written)
    )
