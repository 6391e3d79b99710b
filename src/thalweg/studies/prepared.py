"""Rows made ready for descent, wherever they are: what a command or a comparison asks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from thalweg.descent.models import Model, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import DataError, LimitError
from thalweg.exchange.tables.cells import shown
from thalweg.studies.design import Design

if TYPE_CHECKING:
    from thalweg.descent.run import Run
    from thalweg.descent.settings import Settings
    from thalweg.exchange.preparation import Preparation
    from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]
PARTS = ("train", "validation", "test")


class Part(NamedTuple):
    """Some rows, made ready: features as the model takes them, the target in its own units and as the loss takes it."""

    X: Any
    y: Array
    targets: Array
    weights: Array | None = None


@dataclass(frozen=True)
class Prepared(ABC):
    """Rows made ready: three parts, the model, the loss, and what its scores stand for.

    Attributes
    ----------
    name : str
        Of the table: a path, ``dataset:NAME``, or what an array is called.
    target : str
        The column to predict.
    features : tuple of str
        In the order of the weights.
    outputs : Outputs
    loss : Loss
    model : Model
    parts : dict of str to Part
        Those that are held in memory of ``"train"``, ``"validation"`` and ``"test"``.
    rows : dict of str to int
        Number of rows of each part, held or not.
    design : Design
    warnings : tuple of str
        What looks wrong, one line each, beginning with a code.
    preparation : Preparation or None
        What turns a table into features; None for arrays.
    """

    name: str
    target: str
    features: tuple[str, ...]
    outputs: Outputs
    loss: Loss
    model: Model
    parts: dict[str, Part]
    rows: dict[str, int]
    design: Design
    warnings: tuple[str, ...]
    preparation: Preparation | None

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers; none for a linear model."""
        return self.model.layer_sizes[1:-1] if isinstance(self.model, Network) else ()

    @property
    def dtype(self) -> str:
        """Of weights and rows."""
        return self.design.dtype

    @property
    def own_validation(self) -> bool:
        """Whether the rows to choose with are the caller's own, not a part of the others."""
        return self.design.validation is None

    def part_features(self, part: str) -> Any:
        """Return the features of a part that is held, in the type of the model."""
        return self.parts[part].X.astype(self.dtype, copy=False)

    def identity(self) -> list[Any]:
        """Return arrays that are others where any row is another."""
        return [array for name in self.parts for array in (self.part_features(name), self.parts[name].targets)]

    @abstractmethod
    def run(self, settings: Settings, **more: Any) -> Run:
        """Return a run over the rows to learn from; ``more`` as :class:`~thalweg.descent.run.Run` takes it."""

    @abstractmethod
    def scores(self, theta: Array) -> dict[str, dict[str, float]]:
        """Return the scores of each part with these parameters, in the target's own units."""

    def check_size(
        self, rule: Rule, batch_size: int | None, lanes: int = 1, where: str = "model", model: Model | None = None
    ) -> None:
        """Raise LimitError, about the setting ``where``, if parameters and buffers do not fit into memory."""
        from thalweg.exchange.tables.source import free_memory

        model = self.model if model is None else model
        rows, cell = self.rows["train"], 8 if self.dtype == "float64" else 4
        batch = model.work_size(min(batch_size or rows, rows))
        needed = lanes * cell * (model.size * (6 + 2 * len(rule.slots)) + batch)
        room = free_memory() // 2
        if needed > room:
            together = f" at {lanes} rates" if lanes > 1 else ""
            what = f"{model.size} parameters with {rule.name}{together} need about {needed / 2**30:.3g} GiB"
            hint = f"At most {room / 2**30:.3g} GiB may be used. Take smaller layers, smaller batches or fewer rates."
            raise LimitError("SETTING-TOO-LARGE", where, what, hint)

    def describe(self) -> list[str]:
        """Return what was read and made of it, in a few lines."""
        own = " (your own)" if self.own_validation else ""
        sizes = ", ".join(f"{count} {name}{own * (name == 'validation')}" for name, count in self.rows.items())
        task = f"{len(self.outputs.classes)} classes" if self.outputs.classes else "regression"
        count = len(self.features)
        return [f"target: {shown(self.target)}, {task}; {count} feature{'s' * (count != 1)}", f"rows: {sizes}"]

    def account(self) -> dict[str, Any]:
        """Return what was read and made of it, as plain data for records."""
        return {
            "table": self.name,
            "target": self.target,
            "task": self.outputs.task,
            "classes": list(self.outputs.classes),
            "features": list(self.features),
            "hidden_layers": list(self.hidden),
            "rows": dict(self.rows),
            "dtype": self.dtype,
            "warnings": list(self.warnings),
        }


def check_least(loss: Loss, least: float, name: str) -> None:
    """Refuse a target whose smallest value the loss is not made for."""
    if loss.target == "count" and least < 0:
        what = f"the loss {loss.name} is for numbers >= 0, the target has {least:g}"
        raise DataError("DATA-TARGET-RANGE", f"column {shown(name)}", what, "Take another loss.")


@contextmanager
def about_the_validation_rows() -> Iterator[None]:
    """Say of an error that it is in the caller's own rows to choose with."""
    try:
        yield
    except DataError as error:
        raise DataError(error.code, f"validation, {error.where}".rstrip(", "), error.what, error.hint) from None
