"""A table made ready for descent: divided, prepared, with the model and the loss that fit its target."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.outcome import Problem
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import DataError, LimitError, SettingError
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from thalweg.exchange.preparation import Preparation
    from thalweg.exchange.tables import Table
    from thalweg.formulas.formula import Activation, Loss, Rule

Array = NDArray[Any]
PARTS = ("train", "validation", "test")


class Part(NamedTuple):
    """Some rows, made ready: features as the model takes them, the target in its own units and as the loss takes it."""

    X: Any
    y: Array
    targets: Array


@final
@dataclass(frozen=True)
class Design:
    """What is to be learned, and how the rows are divided, before the table is known.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers; none for a linear model.
    activations : tuple of Activation
        One for each hidden layer.
    dropout : tuple of float
        One for each hidden layer, or none.
    loss : Loss or None
        None for the one that the task suggests: squared error, logistic loss, softmax.
    several : bool
        The loss is scikit-learn's ``log_loss``, which is softmax for more than two classes.
    task : {"auto", "regression", "classification"}
    validation, test : float in (0, 1)
        Shares of the rows.
    seed : int
        Of the parts.
    dtype : {"float64", "float32"}
    scale_target : bool
        Standardise the target of a regression by what the training part holds.
    standardize : bool
        Standardise the columns of an array by what the training part holds. Columns of a table always are.
    fit_intercept : bool
        Of a linear model.
    """

    hidden: tuple[int, ...] = ()
    activations: tuple[Activation, ...] = ()
    dropout: tuple[float, ...] = ()
    loss: Loss | None = None
    several: bool = False
    task: str = "auto"
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0
    dtype: str = "float64"
    scale_target: bool = True
    standardize: bool = True
    fit_intercept: bool = True

    def model(self, features: int, outputs: int) -> Model:
        """Return the model."""
        if not self.hidden:
            return Linear(features, outputs, self.fit_intercept)
        return Network((features, *self.hidden, outputs), self.activations, self.dropout)

    def loss_for(self, classes: int) -> Loss:
        """Return the loss that was asked for, or the one that the task suggests."""
        from thalweg.formulas.losses import log, softmax, squared

        if self.loss is not None:
            return softmax if self.several and classes > 2 else self.loss
        return squared if not classes else log if classes == 2 else softmax


@final
@dataclass(frozen=True)
class Study:
    """Rows made ready: three parts, the model, the loss, and what its scores stand for.

    Attributes
    ----------
    name : str
        Of the table: a path, ``dataset:NAME``, or what an array is called.
    target : str
        The column to predict.
    features : tuple of str
        In the order of the weights.
    parts : dict of str to Part
        ``"train"``, ``"validation"``, ``"test"``.
    warnings : tuple of str
        What looks wrong, one line each, beginning with a code.
    table : Table or None
        As it was read; None for arrays.
    preparation : Preparation or None
        What turns a table into features; None for arrays.
    means, scales : ndarray (features,)
        What the columns of an array were standardised with; empty where they are as they came.
    source : Table or array
        The features as they came.
    places : dict of str to index
        Which of its rows are in each part.
    frame : data frame or None
        What `source` was made of.
    labels : dtype or None
        Of the target as it came, where it was integers or booleans.
    """

    name: str
    target: str
    features: tuple[str, ...]
    outputs: Outputs
    loss: Loss
    model: Model
    parts: dict[str, Part]
    design: Design
    warnings: tuple[str, ...]
    table: Table | None = None
    preparation: Preparation | None = None
    means: Array = field(default_factory=lambda: np.zeros(0))
    scales: Array = field(default_factory=lambda: np.zeros(0))
    source: Any = field(default=None, repr=False)
    places: dict[str, Any] = field(default_factory=dict, repr=False)
    frame: Any = field(default=None, repr=False)
    labels: Any = None

    @classmethod
    def of_table(cls, table: Table, target: str, design: Design, warnings: Sequence[str] = ()) -> Study:
        """Divide and prepare a table: numbers are standardised, text one-hot encoded, by the training part.

        Parameters
        ----------
        table : Table
        target : str
            The column to predict.
        design : Design
        warnings : sequence of str
            Told before, by the reader.

        Raises
        ------
        DataError, SettingError, LimitError
            Whatever is wrong with it.
        """
        from thalweg.exchange.preparation import Preparation
        from thalweg.exchange.targets import table_warnings

        features, y = table.split_target(target)
        named = shown(table.name, 200)
        classes, loss = _task(y, design, target, named)
        rows, split_warnings = _split(y, design, classes=bool(classes))
        preparation = Preparation.fit(features, rows=rows["train"])
        prepared = preparation.transform(features)
        outputs = _outputs(loss, classes, y[rows["train"]], design, f"{named}, column {shown(target)}")
        model = design.model(prepared.X.shape[1], outputs.count)
        _check_targets(loss, y, target)
        return cls(
            name=table.name,
            target=target,
            features=tuple(preparation.feature_names),
            outputs=outputs,
            loss=loss,
            model=model,
            parts={part: Part(prepared.X[at], y[at], outputs.encode(y[at])) for part, at in rows.items()},
            design=design,
            warnings=(*warnings, *table_warnings(features, y, target), *split_warnings, *prepared.warnings),
            table=table,
            preparation=preparation,
            source=features,
            places=rows,
        )

    @classmethod
    def of_arrays(cls, X: Any, y: Any, design: Design, names: Sequence[str] | None = None) -> Study:
        """Divide an array; standardise its columns by the training part unless the design says not to.

        A memory map is divided in the order of its rows and left where it is, as it came: it has no copy to
        standardise.

        Parameters
        ----------
        X : ndarray, memory map (n, features) or SciPy sparse
        y : array_like (n,) or (n, outputs)
            Numbers, or labels.
        design : Design
        names : sequence of str, optional
            Of the columns.

        Raises
        ------
        DataError, SettingError
            Whatever is wrong with them.
        """
        from scipy.sparse import issparse

        sparse, mapped = issparse(X), isinstance(X, np.memmap)
        X = X.tocsr() if sparse else X if mapped else np.asarray(X)
        if getattr(X, "ndim", 0) != 2 or X.dtype.kind not in "biuf":
            raise DataError("DATA-SHAPE", "X", f"must be rows and columns of numbers, is {X.dtype} of shape {X.shape}")
        y = np.asarray(y)
        if y.shape[:1] != X.shape[:1] or y.ndim > 2:
            raise DataError("DATA-ROWS", "y", f"has shape {y.shape}, X has {X.shape[0]} rows")
        if X.shape[1] == 0 or (y.ndim == 2 and y.shape[1] == 0):
            raise DataError("DATA-SHAPE", "y" if X.shape[1] else "X", "has no column")
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        labels = y.dtype if y.dtype.kind in "biu" else None
        y = _numbers_or_labels(y)
        _check_finite("X", X.data if sparse else X)
        _check_finite("y", y)
        several = y.ndim == 2
        classes, loss = ([], design.loss_for(0)) if several else _task(y, design, "y", "y")
        if mapped:
            rows = _in_order(len(y), design)
            _check_seen(classes, y[rows["train"]])
            warnings = _mapped_warnings(X, design, len(classes), {part: y[at] for part, at in rows.items()})
        else:
            rows, warnings = _split(y, design, classes=bool(classes))
        names = tuple(names) if names is not None else tuple(f"x{k}" for k in range(X.shape[1]))
        means = scales = np.zeros(0)
        if design.standardize and not mapped:
            means, scales = _moments(X[rows["train"]])
        outputs = _outputs(loss, classes, y[rows["train"]], design, "y")
        _check_targets(loss, y, "y")
        parts = {}
        for part, at in rows.items():
            some = X[at]
            if scales.size:
                some = some.multiply(1 / scales).tocsr() if sparse else (some - means) / scales
            encoded = np.asarray((y[at] - outputs.mean) / outputs.scale) if several else outputs.encode(y[at])
            parts[part] = Part(some, y[at], encoded)
        return cls(
            name="X",
            target="y",
            features=names,
            outputs=outputs,
            loss=loss,
            model=design.model(X.shape[1], y.shape[1] if several else outputs.count),
            parts=parts,
            design=design,
            warnings=tuple(warnings),
            means=means,
            scales=scales,
            source=X,
            places=rows,
            labels=labels,
        )

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers; none for a linear model."""
        return self.model.layer_sizes[1:-1] if isinstance(self.model, Network) else ()

    @property
    def dtype(self) -> str:
        """Of weights and rows."""
        return self.design.dtype

    @cached_property
    def train(self) -> Rows:
        """The rows to learn from, laid out for the kernels."""
        return Rows.of(self.parts["train"].X, self.parts["train"].targets, dtype=self.dtype)

    def raw(self, *parts: str) -> Any:
        """Return the features of some parts as they came: rows of an array or frame, columns of a table as objects."""
        at = [self.places[part] for part in parts]
        if all(isinstance(each, slice) for each in at) and all(a.stop == b.start for a, b in itertools.pairwise(at)):
            return self.source[at[0].start : at[-1].stop]
        rows = np.concatenate(at)
        if self.frame is not None:
            import narwhals as nw

            return nw.from_native(self.frame, eager_only=True)[rows.tolist()].to_native()
        if self.preparation is None:
            return self.source[rows]
        columns = [self.source[name] for name in self.preparation.kinds]
        cells = np.empty((self.source.n_rows, len(columns)), dtype=object)
        for k, column in enumerate(columns):
            cells[:, k] = column
        return cells[rows]

    @cached_property
    def problem(self) -> Problem:
        """What all runs on the rows share."""
        return Problem(self.model, self.train, self.part_features("validation"), self.parts["validation"].targets)

    def part_features(self, part: str) -> Any:
        """Return the features of a part, in the type of the model."""
        return self.parts[part].X.astype(self.dtype, copy=False)

    def check_size(
        self, rule: Rule, batch_size: int | None, lanes: int = 1, where: str = "model", model: Model | None = None
    ) -> None:
        """Raise LimitError, about the setting ``where``, if parameters and buffers do not fit into memory."""
        from thalweg.exchange.tables.source import free_memory

        cell = 8 if self.dtype == "float64" else 4
        batch = min(batch_size or len(self.parts["train"].y), len(self.parts["train"].y))
        model = self.model if model is None else model
        needed = lanes * cell * (model.size * (6 + 2 * len(rule.slots)) + model.work_size(batch))
        room = free_memory() // 2
        if needed > room:
            together = f" at {lanes} rates" if lanes > 1 else ""
            what = f"{model.size} parameters with {rule.name}{together} need about {needed / 2**30:.3g} GiB"
            hint = f"At most {room / 2**30:.3g} GiB may be used. Take smaller layers, smaller batches or fewer rates."
            raise LimitError("SETTING-TOO-LARGE", where, what, hint)

    def describe(self) -> list[str]:
        """Return what was read and made of it, in a few lines."""
        sizes = ", ".join(f"{len(part.y)} {name}" for name, part in self.parts.items())
        task = f"{len(self.outputs.classes)} classes" if self.outputs.classes else "regression"
        count = len(self.features)
        lines = [f"target: {shown(self.target)}, {task}; {count} feature{'s' * (count != 1)}", f"rows: {sizes}"]
        if self.table is None:
            return lines
        table = self.table
        delimiter = {None: "", "\t": "; delimiter tab"}.get(table.delimiter, f"; delimiter '{table.delimiter}'")
        return [f"{shown(table.name, 40)}: {table.n_rows} rows, {len(table.names)} columns{delimiter}", *lines]

    def account(self) -> dict[str, Any]:
        """Return what was read and made of it, as plain data for records."""
        return {
            "table": self.name,
            "target": self.target,
            "task": self.outputs.task,
            "classes": list(self.outputs.classes),
            "features": list(self.features),
            "hidden_layers": list(self.hidden),
            "rows": {name: len(part.y) for name, part in self.parts.items()},
            "dtype": self.dtype,
            "warnings": list(self.warnings),
        }


def _task(y: Array, design: Design, target: str, named: str) -> tuple[list[Any], Loss]:
    """Return the classes (none for regression) and the loss."""
    from thalweg.exchange.targets import check_target, infer_task

    task = infer_task(y, design.task)
    check_target(y, task, target, named)
    classes = sorted(set(y.tolist())) if task == "classification" else []
    return classes, design.loss_for(len(classes))


def _split(y: Array, design: Design, *, classes: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    from thalweg.engine import streams
    from thalweg.exchange.parts import split

    parts = split(
        y,
        classes=classes,
        generator=streams.generator(streams.seed_sequence(design.seed), streams.SPLIT),
        validation=design.validation,
        test=design.test,
    )
    return {"train": parts.train, "validation": parts.validation, "test": parts.test}, parts.warnings


def _numbers_or_labels(y: Array) -> Array:
    """Return a target as float64, or as labels that are objects of str."""
    from thalweg.exchange.frames import as_column, check_complete

    if y.dtype.kind in "biuf":
        return y.astype(np.float64)
    if y.ndim == 2:
        raise DataError("DATA-NUMBERS", "y", f"several columns must be numbers, got {y.dtype}")
    found = as_column(y.tolist(), "y")[0]
    check_complete(found, "y")
    return found


def _check_seen(classes: list[Any], y: Array) -> None:
    """Raise where the rows to learn from lack a class."""
    lost = [label for label in classes if label not in set(y.tolist())]
    if lost:
        what = f"class {str(lost[0])!r:.40} is not among the first {len(y)} rows, which are those to learn from"
        raise DataError("DATA-ORDER", "y", what, "A memory map is divided in the order of its rows: shuffle them.")


def _mapped_warnings(X: Any, design: Design, classes: int, parts: dict[str, Array]) -> tuple[str, ...]:
    """Return lines where a memory map cannot be used as it is, or where its rows are in no good order."""
    found = []
    if X.dtype != np.dtype(design.dtype) or not X.flags.c_contiguous:
        layout = "" if X.flags.c_contiguous else " in the order of columns"
        found.append(f"DATA-MAP: the memory map is {X.dtype}{layout}; it is copied into memory as {design.dtype}")
    poor = [part for part, y in parts.items() if len(np.unique(y.astype(str))) < classes]
    if poor:
        found.append(f"DATA-ORDER: the {poor[0]} part lacks a class: a memory map is divided in the order of its rows")
    return tuple(found)


def _in_order(rows: int, design: Design) -> dict[str, Any]:
    """Divide rows where they lie: the first to learn from, the last to look at last."""
    test, validation = max(1, round(rows * design.test)), max(1, round(rows * design.validation))
    first = rows - test - validation
    if first < 2:
        raise DataError("DATA-FEW-ROWS", "X", f"{rows} rows are too few for three parts")
    return {"train": slice(0, first), "validation": slice(first, rows - test), "test": slice(rows - test, rows)}


def _moments(X: Any) -> tuple[Array, Array]:
    from sklearn.preprocessing import StandardScaler

    sparse = hasattr(X, "tocsr")
    scaler = StandardScaler(with_mean=not sparse).fit(X)
    mean = np.zeros(X.shape[1]) if sparse else scaler.mean_
    return np.asarray(mean), np.asarray(scaler.scale_)


def _outputs(loss: Loss, classes: list[Any], y: Array, design: Design, where: str) -> Outputs:
    from thalweg.exchange.preparation import target_scale

    if classes:
        return Outputs.classification(loss, classes)
    as_it_is = not design.scale_target or loss.target != "real" or loss.inverse_link != "identity" or y.ndim > 1
    mean, scale = (0.0, 1.0) if as_it_is else target_scale(y, where)
    return Outputs.regression(loss, mean, scale)


def _check_targets(loss: Loss, y: Array, name: str) -> None:
    if loss.target == "count" and float(y.min()) < 0:
        what = f"the loss {loss.name} is for numbers >= 0, the target has {y.min():g}"
        raise DataError("DATA-TARGET-RANGE", f"column {shown(name)}", what, "Take another loss.")


def _check_finite(where: str, values: Array) -> None:
    """Look for what is not finite, in blocks: a memory map may be larger than memory."""
    if values.dtype.kind != "f":
        return
    length = max(1, (1 << 20) // max(1, values[:1].size))
    for first in range(0, len(values), length):
        bad = ~np.isfinite(values[first : first + length])
        if bad.any():
            row = first + int(np.argwhere(bad)[0][0])
            raise DataError("DATA-FINITE", where, f"row {row} is not finite", "Fill it, or leave the row out.")


def refuse(name: str, value: object, allowed: str) -> SettingError:
    """Return the error for a setting that is none of those allowed."""
    return SettingError("SETTING-UNKNOWN", name, f"unknown {value!r:.40}; allowed: {allowed}")
