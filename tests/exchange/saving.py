"""A program that writes checkpoints, for those who kill it, fail it, or take its power away.

``python -m tests.exchange.saving PATH`` saves four states, and goes on from one that is there; it says the number of
each when it is on the disk, and ends with the status of a command. The number of a state is its generation.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.progress import Arrays, Progress
from thalweg.errors import ThalwegError
from thalweg.exchange import checkpoints

STATES, NUMBERS = 4, 3000
#: What is written stands under a name that strace can look for.
HEX = "0123456789ab"


class Part(Progress):
    """A number that grows, so often that some pages hold it."""

    def __init__(self) -> None:
        self.number = 0

    def take(self) -> Callable[[], dict[str, NDArray[Any]]]:
        number = float(self.number)
        return lambda: {"number": np.full(NUMBERS, number)}

    def put_back(self, arrays: Arrays) -> None:
        self.number = int(arrays["number"][0])


def identity() -> checkpoints.Identity:
    return checkpoints.Identity(np.random.SeedSequence(0), {"fit": "this"}, lambda: "these rows", 0)


def save(path: str | os.PathLike[str], states: int = STATES, *, remove: bool = False) -> Iterator[int]:
    """Write states up to this number, from that which is there on; give the generation of each when it is written."""
    checkpoint = Checkpoint(path, every=1e-9)
    part, run = Part(), SimpleNamespace(between=None, digests=None, blocks=None)
    kept = checkpoints.read(checkpoint)
    with (
        mock.patch.object(checkpoints, "SHARE", float("inf")),
        checkpoints.Keeper(checkpoint, run, {"part": part}, identity(), kept, remove=remove) as keeper,
    ):
        while keeper.generation < states:
            before = keeper.generation
            part.number += 1
            run.between(run)
            if keeper.generation > before:
                yield keeper.generation


def main(path: str) -> None:
    secrets.token_hex = lambda _: HEX
    said = os.open(f"{path}.said", os.O_WRONLY | os.O_CREAT)
    for generation in save(path):
        os.write(said, b"%d\n" % generation)
        sys.stdout.write(f"{generation}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
