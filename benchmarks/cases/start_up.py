"""Processes from their start to their end: the command's help, and the first fit."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from benchmarks.case import Case, Run, Side


def process(*arguments: str) -> Run:
    """Start Python with these arguments and wait for its end."""
    environment = dict(os.environ)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            subprocess.run(
                [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment, timeout=120
            )

    return run


def import_numpy(_: Any) -> Run:
    """The floor that every numerical program stands on."""
    return process("-c", "import numpy")


def _case(name: str, work: str, ours: Side, at_most: float | None, beyond: float | None) -> Case:
    return Case(
        name=name,
        work=work,
        unit="process",
        problem=lambda: None,
        steps=lambda _: 1,
        ours=ours,
        peers=(Side("python -c 'import numpy'", import_numpy, at_most=at_most),),
        beyond=beyond,
        rounds_at_least=15,
    )


CASES = (
    _case("help", "start-up: thalweg --help", Side("thalweg", None), 2.5, None),
    _case(
        "first-fit-warm",
        "first fit in a new process, cache warm, beyond importing NumPy",
        Side("thalweg", None),
        None,
        0.6,
    ),
    _case(
        "first-fit-ever",
        "first fit ever: new process, empty cache, beyond importing NumPy",
        Side("thalweg", None),
        None,
        3.0,
    ),
)
