"""All entries of the catalogue, by code and by the rules they fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from thalweg.check.catalogue import (
    arrays,
    confusions,
    conventions,
    moments,
    scaling,
    successors,
    surroundings,
    velocity,
)
from thalweg.check.catalogue.edits import text_of
from thalweg.check.catalogue.textbook import textbook
from thalweg.check.catalogue.variation import Variation

_FILES = (conventions, surroundings, moments, successors, scaling, velocity, confusions, arrays)
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
