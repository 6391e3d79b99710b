"""Every case, in the order of the table."""

from __future__ import annotations

from benchmarks.case import Case, Sheet
from benchmarks.cases import comparisons, full_batch, lanes, networks, one_sample, start_up, updates

CASES: tuple[Case | Sheet, ...] = (
    *one_sample.CASES,
    *lanes.CASES,
    *networks.CASES,
    *updates.CASES,
    *full_batch.CASES,
    *comparisons.CASES,
    *start_up.CASES,
    *updates.SHEETS,
)


def find(name: str) -> Case | Sheet:
    """The case of that name."""
    return next(case for case in CASES if case.name == name)
