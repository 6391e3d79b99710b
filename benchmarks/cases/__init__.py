"""Every case, in the order of the table."""

from __future__ import annotations

from benchmarks.case import Case, Contest, Sheet
from benchmarks.cases import (
    checkpoints,
    comparisons,
    defaults,
    estimators,
    full_batch,
    lanes,
    networks,
    one_sample,
    start_up,
    streams,
    updates,
)

CASES: tuple[Case | Contest | Sheet, ...] = (
    *one_sample.CASES,
    *lanes.CASES,
    *networks.CASES,
    *updates.CASES,
    *full_batch.CASES,
    *estimators.CASES,
    *comparisons.CASES,
    *streams.CASES,
    *checkpoints.CASES,
    *start_up.CASES,
    *defaults.CONTESTS,
    *updates.SHEETS,
)


def find(name: str) -> Case | Contest | Sheet:
    """The case of that name."""
    return next(case for case in CASES if case.name == name)
