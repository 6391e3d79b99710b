"""A table made ready for descent: divided, prepared, with the model and the loss that fit its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from thalweg.errors import DataError, LimitError, UsageError
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from thalweg.cli.told import Blueprint, Modelling, Reading
    from thalweg.descent.batches import Rows
    from thalweg.descent.models import Model
    from thalweg.descent.outputs import Outputs
    from thalweg.exchange.preparation import Preparation
    from thalweg.exchange.tables import Table
    from thalweg.formulas.formula import Loss, Rule

    Array = NDArray[Any]


class Part(NamedTuple):
    """Some rows of the table, made ready."""

    X: Array
    y: Array
    targets: Array


@dataclass(frozen=True)
class Study:
    """A table made ready: three parts, the model, the loss, and what its scores stand for.

    Attributes
    ----------
    table : Table
        As it was read.
    target : str
        The column to predict.
    parts : dict of str to Part
        ``"train"``, ``"validation"``, ``"test"``.
    warnings : tuple of str
        What looks wrong, one line each, beginning with a code.
    """

    table: Table
    target: str
    preparation: Preparation
    outputs: Outputs
    loss: Loss
    model: Model
    parts: dict[str, Part]
    dtype: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, reading: Reading, modelling: Modelling, blueprint: Blueprint) -> Study:
        """Divide and prepare a table.

        Parameters
        ----------
        table : Table
        reading : Reading
        modelling : Modelling
        blueprint : Blueprint

        Raises
        ------
        DataError, SettingError, LimitError
            Whatever is wrong with it.
        """
        from thalweg.exchange.targets import check_target, infer_task, table_warnings

        name = modelling.target or table.default_target
        if name is None:
            listed = ", ".join(shown(each) for each in table.names[:8])
            raise UsageError(
                "OPTION-TARGET", "--target", "which column is to be predicted?", f"The table has {listed}."
            )
        features, y = table.split_target(name)
        task = infer_task(y, modelling.task)
        check_target(y, task, name, shown(table.name, 200))
        classes = _classes(y) if task == "classification" else []
        loss = blueprint.loss_for(len(classes))
        parts, split_warnings = _split(y, modelling, classes=bool(classes))
        preparation, X, prepared_warnings = _prepare(features, parts["train"])
        outputs = _outputs(
            loss, classes, y[parts["train"]], modelling, f"{shown(table.name, 200)}, column {shown(name)}"
        )
        model = blueprint.model(X.shape[1], outputs.count)
        _check_targets(loss, y, name)
        warnings = [*reading.warnings(table, features.names), *table_warnings(features, y, name)]
        return cls(
            table=table,
            target=name,
            preparation=preparation,
            outputs=outputs,
            loss=loss,
            model=model,
            parts={part: Part(X[rows], y[rows], outputs.encode(y[rows])) for part, rows in parts.items()},
            dtype=modelling.dtype,
            warnings=(*warnings, *split_warnings, *prepared_warnings),
        )

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers; none for a linear model."""
        from thalweg.descent.models import Network

        return self.model.layer_sizes[1:-1] if isinstance(self.model, Network) else ()

    @property
    def train(self) -> Rows:
        """The rows to learn from, laid out for the kernels."""
        from thalweg.descent.batches import Rows

        return Rows.of(self.parts["train"].X, self.parts["train"].targets, dtype=self.dtype)

    def features(self, part: str) -> Array:
        """Return the features of a part, in the type of the model."""
        return self.parts[part].X.astype(self.dtype, copy=False)

    def check_size(self, rule: Rule, batch_size: int | None) -> None:
        """Raise LimitError where parameters and buffers do not fit into memory."""
        from thalweg.exchange.tables.source import free_memory

        cell = 8 if self.dtype == "float64" else 4
        batch = min(batch_size or len(self.parts["train"].y), len(self.parts["train"].y))
        needed = cell * (self.model.size * (6 + 2 * len(rule.slots)) + self.model.work_size(batch))
        room = free_memory() // 2
        if needed > room:
            what = f"{self.model.size} parameters with {rule.name} need about {needed / 2**30:.3g} GiB of memory"
            hint = f"At most {room / 2**30:.3g} GiB may be used. Take smaller layers or a smaller --batch-size."
            raise LimitError("SETTING-TOO-LARGE", "--model", what, hint)

    def describe(self) -> list[str]:
        """Return what was read and made of it, in a few lines."""
        table, outputs = self.table, self.outputs
        delimiter = {None: "", "\t": "; delimiter tab"}.get(table.delimiter, f"; delimiter '{table.delimiter}'")
        sizes = ", ".join(f"{len(part.y)} {name}" for name, part in self.parts.items())
        features = len(self.preparation.feature_names)
        task = f"{len(outputs.classes)} classes" if outputs.classes else "regression"
        return [
            f"{shown(table.name, 40)}: {table.n_rows} rows, {len(table.names)} columns{delimiter}",
            f"target: {shown(self.target)}, {task}; {features} feature{'s' * (features > 1)}",
            f"rows: {sizes}",
        ]

    def account(self) -> dict[str, Any]:
        """Return what was read and made of it, as plain data for records."""
        return {
            "table": self.table.name,
            "target": self.target,
            "task": self.outputs.task,
            "classes": list(self.outputs.classes),
            "features": list(self.preparation.feature_names),
            "hidden_layers": list(self.hidden),
            "rows": {name: len(part.y) for name, part in self.parts.items()},
            "dtype": self.dtype,
            "warnings": list(self.warnings),
        }


def _classes(y: Array) -> list[Any]:
    return sorted(set(y.tolist()))


def _split(y: Array, modelling: Modelling, *, classes: bool) -> tuple[dict[str, Array], tuple[str, ...]]:
    from thalweg.engine import streams
    from thalweg.exchange.parts import split

    parts = split(
        y,
        classes=classes,
        generator=streams.generator(streams.seed_sequence(modelling.seed), streams.SPLIT),
        validation=modelling.validation_fraction,
        test=modelling.test_fraction,
    )
    return {"train": parts.train, "validation": parts.validation, "test": parts.test}, parts.warnings


def _prepare(features: Table, train: Array) -> tuple[Preparation, Array, tuple[str, ...]]:
    from thalweg.exchange.preparation import Preparation

    preparation = Preparation.fit(features, rows=train)
    prepared = preparation.transform(features)
    return preparation, prepared.X, prepared.warnings


def _outputs(loss: Loss, classes: list[Any], y: Array, modelling: Modelling, where: str) -> Outputs:
    from thalweg.descent.outputs import Outputs
    from thalweg.exchange.preparation import target_scale

    if classes:
        return Outputs.classification(loss, classes)
    as_it_is = modelling.no_scale_target or loss.target != "real" or loss.inverse_link != "identity"
    mean, scale = (0.0, 1.0) if as_it_is else target_scale(y, where)
    return Outputs.regression(loss, mean, scale)


def _check_targets(loss: Loss, y: Array, name: str) -> None:
    if loss.target == "count" and float(y.min()) < 0:
        what = f"the loss {loss.name} is for numbers >= 0, the target has {y.min():g}"
        raise DataError("DATA-TARGET-RANGE", f"column {shown(name)}", what, "Take another --loss.")
