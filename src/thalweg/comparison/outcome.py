"""What one run of a comparison leaves: its record, and how it fared on rows that it did not learn from."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from numpy.typing import NDArray

from thalweg.comparison.plan import Arm
from thalweg.descent.batches import Rows
from thalweg.descent.models import Model
from thalweg.descent.record import DIVERGED, Record, plain

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Problem:
    """What all runs of a comparison share: the model, the rows to learn from, the rows to choose with.

    Attributes
    ----------
    model : Linear or Network
    train : Rows
    X, targets : array (rows, features), ndarray (rows, outputs)
        The validation part, as the model and the loss take it; X may be CSR.
    weights : ndarray (rows,), optional
        Of the rows of the validation part.
    """

    model: Model
    train: Rows
    X: Any
    targets: Array
    weights: Array | None = None

    @cached_property
    def judged(self) -> Rows:
        """The validation part, laid out for the kernels."""
        return Rows.of(self.X, self.targets, self.weights, dtype=self.train.dtype)


@final
@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes
    ----------
    arm : Arm
    seed : int
    record : Record
    losses : tuple of float
        Mean loss on the validation part: before the first epoch, and after each. Fewer than the plan's epochs where the
        run diverged.
    """

    arm: Arm
    seed: int
    record: Record
    losses: tuple[float, ...]

    @property
    def diverged(self) -> bool:
        """Whether the run left the finite numbers, or its loss on the validation part did."""
        return self.record.status == DIVERGED or not math.isfinite(self.losses[-1])

    @property
    def final(self) -> float:
        """The last loss on the validation part; infinite where the run diverged."""
        return math.inf if self.diverged else self.losses[-1]

    def reached(self, target: float) -> int | None:
        """Return the epochs it took to a loss, None where it was not reached."""
        return next((epoch for epoch, loss in enumerate(self.losses) if loss <= target), None)

    def line(self) -> str:
        """Return the run as one line of JSON, without what differs from machine to machine."""
        record = self.record.as_dict()
        del record["seconds"], record["machine"]
        run = {"rule": self.arm.name, "learning_rate": self.arm.learning_rate, "seed": self.seed}
        data = {"run": run, "record": record, "validation_losses": list(self.losses)}
        return json.dumps(plain(data), sort_keys=True, allow_nan=False)


@final
@dataclass(frozen=True)
class Confirmation:
    """A chosen arm run again alone, and scored on the test part, which nothing had seen before.

    Attributes
    ----------
    name : str
    learning_rate : float or None
    seed : int
    loss : float
        Mean loss on the test part; infinite where it is not finite.
    scores : dict of str to float
        In the target's own units; see :func:`thalweg.comparison.scores.scores`.
    seconds : float
        Time in the loop per epoch, on one thread, compilation apart.
    """

    name: str
    learning_rate: float | None
    seed: int
    loss: float
    scores: dict[str, float]
    seconds: float
