"""Units of work: which runs one thread makes in one go, the same in every process that works on a comparison."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from thalweg.comparison.outcome import Problem
from thalweg.comparison.plan import Arm
from thalweg.comparison.variant import Variant
from thalweg.descent.models import Linear
from thalweg.descent.settings import Settings

Pair = tuple[Arm, int]
Key = Callable[[Arm], bytes]

# A unit of work is what one thread makes in one go and what is lost with it, in products and sums: as many units as
# would keep several threads busy to the end, none so small that handing it over costs more, none longer than seconds.
# Networks gain nothing by standing beside others: theirs are no longer than a second, or a single run.
_UNITS, _LEAST, _MOST, _MOST_ALONE = 8, 2e8, 2e10, 2e9


class Unit(NamedTuple):
    """What one thread makes in one go.

    Attributes
    ----------
    number : int
    name : str
        By which processes tell who makes it; of all its runs, so that it does not depend on what is finished.
    missing : list of (Arm, int)
        The runs of it that are to be made: of one seed, with one model, under one batch size.
    """

    number: int
    name: str
    missing: list[Pair]


def cut(pairs: Iterable[Pair], problem: Problem, settings: Settings) -> list[list[Pair]]:
    """Cut runs into units of work: the same in every process, whenever it comes, whatever is finished by then.

    Parameters
    ----------
    pairs : iterable of (Arm, int)
        Runs, in the order of the plan.
    problem : Problem
    settings : Settings
        What all runs share that bring nothing of their own.
    """
    groups: dict[tuple[int, Variant | None], list[Pair]] = {}
    for arm, seed in pairs:
        groups.setdefault((seed, arm.variant), []).append((arm, seed))
    units = []
    for group in groups.values():
        model, own = group[0][0].told(problem.model, settings)
        work = 4.0 * own.max_iter * problem.train.count * model.size * len(group)
        wanted = min(_UNITS / len(groups), work / _LEAST)
        most = _MOST if isinstance(model, Linear) else _MOST_ALONE
        units += _parts(group, max(1, math.ceil(work / most), math.ceil(wanted)))
    return units


def one_by_one(units: Sequence[list[Pair]], problem: Problem, settings: Settings) -> list[list[Pair]]:
    """Return units with networks each by itself."""
    apart: list[list[Pair]] = []
    for unit in units:
        linear = isinstance(unit[0][0].told(problem.model, settings)[0], Linear)
        apart += [unit] if linear else [[pair] for pair in unit]
    return apart


def numbered(units: Iterable[list[Pair]], missing: Iterable[Pair], kind: str, key_of: Key | None) -> list[Unit]:
    """Return the units of which some runs are missing.

    Parameters
    ----------
    units : iterable of list of (Arm, int)
    missing : iterable of (Arm, int)
    kind : str
        What is done to them; part of their names.
    key_of : callable or None
        :meth:`thalweg.comparison.store.Comparison.key_of`, where other processes are to know them: they have names
        then.
    """
    wanted, found = set(missing), []
    for number, pairs in enumerate(units):
        left = [pair for pair in pairs if pair in wanted]
        if left:
            found.append(Unit(number, "" if key_of is None else _name(kind, pairs, key_of), left))
    return found


def _parts(pairs: Sequence[Pair], parts: int) -> list[list[Pair]]:
    """Cut runs that go together into so many units at most, of about as many lanes; rules stay whole where they can."""
    size = math.ceil(len(pairs) / parts)
    units: list[list[Pair]] = [[]]
    for _, rule in itertools.groupby(pairs, key=lambda pair: pair[0].name):
        lanes = list(rule)
        if units[-1] and len(units[-1]) + len(lanes) / 2 > size:
            units.append([])
        while len(units[-1]) + len(lanes) > 2 * size:
            room = max(size - len(units[-1]), 1)
            units[-1] += lanes[:room]
            units.append([])
            lanes = lanes[room:]
        units[-1] += lanes
    return [unit for unit in units if unit]


def _name(kind: str, unit: Iterable[Pair], key_of: Key) -> str:
    """Return the name of a unit of work, the same in all processes."""
    from thalweg.comparison.store import digest_of

    return str(digest_of([kind, *(f"{key_of(arm).hex()} {seed}" for arm, seed in unit)]))
