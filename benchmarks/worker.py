"""One side of one case in a process of its own, with its threads set before anything is imported.

The harness writes one word a line: ``check`` computes the small problem and answers with the parameters, ``first``
and ``round`` time the whole work. Answers are single lines of JSON on the original standard output; whatever a
library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from benchmarks.case import Case, Sheet
from benchmarks.cases import find
from benchmarks.machine import processor_seconds


def _serve_side(case: Case, index: int, answer: Callable[[dict[str, Any]], None]) -> None:
    side = case.sides[index]
    assert side.prepare is not None
    if side.tolerance is None or case.small is None:
        difference = None
    else:
        theta = side.prepare(case.small())(case.check_epochs)
        assert theta is not None
        difference = case.difference(theta)
    problem = case.problem() if side.part is None else side.part(case.problem())
    begin = time.perf_counter()
    run = side.prepare(problem)
    answer({"difference": difference, "prepare": time.perf_counter() - begin})
    units = case.steps(problem) * side.epochs
    for _ in sys.stdin:
        busy = processor_seconds()
        begin = time.perf_counter()
        run(side.epochs)
        wall = time.perf_counter() - begin
        answer({"wall": wall, "cpu": processor_seconds() - busy, "units": units})


def _serve_sheet(sheet: Sheet, answer: Callable[[dict[str, Any]], None]) -> None:
    assert sheet.prepare is not None
    begin = time.perf_counter()
    measure = sheet.prepare()
    answer({"prepare": time.perf_counter() - begin})
    for _ in sys.stdin:
        busy = processor_seconds()
        rows = measure()
        answer({"rows": rows, "cpu": processor_seconds() - busy})


def main() -> None:
    """Serve the side named by the arguments until standard input ends."""
    out: TextIO = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    case = find(sys.argv[1])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-case.threads :])
    if isinstance(case, Sheet):
        _serve_sheet(case, answer)
    else:
        _serve_side(case, int(sys.argv[2]), answer)


if __name__ == "__main__":
    main()
