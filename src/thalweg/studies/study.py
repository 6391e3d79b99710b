"""A table or an array in memory, made ready for descent: divided, prepared, with the model and the loss that fit."""

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
from thalweg.descent.outputs import Outputs
from thalweg.errors import DataError
from thalweg.exchange.tables.cells import shown
from thalweg.studies.arrays import read, weights_of
from thalweg.studies.design import Design
from thalweg.studies.division import at_random, check_seen, in_order, mapped_warnings
from thalweg.studies.prepared import PARTS, Part, Prepared, about_the_validation_rows, check_least

if TYPE_CHECKING:
    from thalweg.descent.run import Run
    from thalweg.descent.settings import Settings
    from thalweg.exchange.tables import Table
    from thalweg.formulas.formula import Loss

Array = NDArray[Any]


class Aside(NamedTuple):
    """Rows of the caller's own to choose with.

    Attributes
    ----------
    X : Table or array
        As the other rows came; a table has the target too.
    y : ndarray or None
        None for a table.
    weights : ndarray (n,) or None
    """

    X: Any
    y: Any = None
    weights: Any = None


@final
@dataclass(frozen=True)
class Study(Prepared):
    """Rows in memory, made ready.

    Attributes
    ----------
    table : Table or None
        As it was read; None for arrays.
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

    Others as of :class:`~thalweg.studies.prepared.Prepared`.
    """

    table: Table | None = None
    means: Array = field(default_factory=lambda: np.zeros(0))
    scales: Array = field(default_factory=lambda: np.zeros(0))
    source: Any = field(default=None, repr=False)
    places: dict[str, Any] = field(default_factory=dict, repr=False)
    frame: Any = field(default=None, repr=False)
    labels: Any = None

    @classmethod
    def of_table(
        cls, table: Table, target: str, design: Design, warnings: Sequence[str] = (), aside: Aside | None = None
    ) -> Study:
        """Divide and prepare a table: numbers are standardised, text one-hot encoded, by the training part.

        Parameters
        ----------
        table : Table
        target : str
            The column to predict.
        design : Design
        warnings : sequence of str
            Told before, by the reader.
        aside : Aside, optional
            Rows to choose with, where the design takes none out of the table.

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
        rows, split_warnings = at_random(y, design, classes=bool(classes))
        preparation = Preparation.fit(features, rows=rows["train"])
        prepared = preparation.transform(features)
        outputs = _outputs(loss, classes, y[rows["train"]], design, f"{named}, column {shown(target)}")
        model = design.model(prepared.X.shape[1], outputs.count)
        _check_targets(loss, y, target)
        parts = {part: Part(prepared.X[at], y[at], outputs.encode(y[at])) for part, at in rows.items()}
        told = [*prepared.warnings]
        if aside is not None:
            own, chosen = aside.X.split_target(target)
            with about_the_validation_rows():
                _check_targets(loss, chosen, target)
                found = preparation.transform(own)
                parts["validation"] = Part(
                    found.X, chosen, outputs.encode(chosen), weights_of(aside.weights, len(chosen))
                )
            told += [*aside.X.warnings, *found.warnings]
        return cls(
            name=table.name,
            target=target,
            features=tuple(preparation.feature_names),
            outputs=outputs,
            loss=loss,
            model=model,
            parts={part: parts[part] for part in PARTS},
            rows={part: len(parts[part].y) for part in PARTS},
            design=design,
            warnings=(*warnings, *table_warnings(features, y, target), *split_warnings, *told),
            table=table,
            preparation=preparation,
            source=features,
            places=rows,
        )

    @classmethod
    def of_arrays(
        cls, X: Any, y: Any, design: Design, names: Sequence[str] | None = None, aside: Aside | None = None
    ) -> Study:
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
        aside : Aside, optional
            Rows to choose with, where the design takes none out of the array.

        Raises
        ------
        DataError, SettingError
            Whatever is wrong with them.
        """
        from scipy.sparse import issparse

        mapped = isinstance(X, np.memmap)
        X, y, labels = read(X, y)
        sparse = issparse(X)
        several = y.ndim == 2
        classes, loss = ([], design.loss_for(0)) if several else _task(y, design, "y", "y")
        if mapped:
            rows = in_order(len(y), design)
            check_seen(classes, y[rows["train"]])
            warnings = mapped_warnings(X, design, len(classes), {part: y[at] for part, at in rows.items()})
        else:
            rows, warnings = at_random(y, design, classes=bool(classes))
        names = tuple(names) if names is not None else tuple(f"x{k}" for k in range(X.shape[1]))
        means = scales = np.zeros(0)
        if design.standardize and not mapped:
            means, scales = _moments(X[rows["train"]])
        outputs = _outputs(loss, classes, y[rows["train"]], design, "y")
        _check_targets(loss, y, "y")

        def part_of(some: Any, y: Array, weights: Array | None = None) -> Part:
            if scales.size:
                some = some.multiply(1 / scales).tocsr() if sparse else (some - means) / scales
            encoded = np.asarray((y - outputs.mean) / outputs.scale) if several else outputs.encode(y)
            return Part(some, y, encoded, weights)

        parts = {part: part_of(X[at], y[at]) for part, at in rows.items()}
        if aside is not None:
            with about_the_validation_rows():
                own, chosen, _ = read(aside.X, aside.y)
                if (own.shape[1], issparse(own), chosen.shape[1:]) != (X.shape[1], sparse, y.shape[1:]):
                    what = f"X has shape {own.shape}, y {chosen.shape}; those to learn from {X.shape} and {y.shape}"
                    raise DataError("DATA-SHAPE", "", what, "Sparse rows go with sparse rows only.")
                _check_targets(loss, chosen, "y")
                parts["validation"] = part_of(own, chosen, weights_of(aside.weights, len(chosen)))
        return cls(
            name="X",
            target="y",
            features=names,
            outputs=outputs,
            loss=loss,
            model=design.model(X.shape[1], y.shape[1] if several else outputs.count),
            parts={part: parts[part] for part in PARTS},
            rows={part: len(parts[part].y) for part in PARTS},
            design=design,
            warnings=tuple(warnings),
            preparation=None,
            means=means,
            scales=scales,
            source=X,
            places=rows,
            labels=labels,
        )

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
        part = self.parts["validation"]
        return Problem(self.model, self.train, self.part_features("validation"), part.targets, part.weights)

    def run(self, settings: Settings, **more: Any) -> Run:
        """Return a run over the rows to learn from; ``more`` as :class:`~thalweg.descent.run.Run` takes it."""
        from thalweg.descent.run import Run

        return Run(self.model, self.train, settings, **more)

    def scores(self, theta: Array) -> dict[str, dict[str, float]]:
        """Return the scores of each part with these parameters, in the target's own units."""
        from thalweg.comparison.scores import scores

        def z(part: str) -> Array:
            return self.model.scores(theta, self.part_features(part))

        return {name: scores(self.outputs, part.y, z(name)) for name, part in self.parts.items()}

    def describe(self) -> list[str]:
        """Return what was read and made of it, in a few lines."""
        lines = super().describe()
        if self.table is None:
            return lines
        table = self.table
        delimiter = {None: "", "\t": "; delimiter tab"}.get(table.delimiter, f"; delimiter '{table.delimiter}'")
        return [f"{shown(table.name, 40)}: {table.n_rows} rows, {len(table.names)} columns{delimiter}", *lines]


def _task(y: Array, design: Design, target: str, named: str) -> tuple[list[Any], Loss]:
    """Return the classes (none for regression) and the loss."""
    from thalweg.exchange.targets import check_target, infer_task

    task = infer_task(y, design.task)
    check_target(y, task, target, named)
    classes = sorted(set(y.tolist())) if task == "classification" else []
    return classes, design.loss_for(len(classes))


def _moments(X: Any) -> tuple[Array, Array]:
    from sklearn.preprocessing import StandardScaler

    sparse = hasattr(X, "tocsr")
    scaler = StandardScaler(with_mean=not sparse).fit(X)
    mean = np.zeros(X.shape[1]) if sparse else scaler.mean_
    return np.asarray(mean), np.asarray(scaler.scale_)


def _outputs(loss: Loss, classes: list[Any], y: Array, design: Design, where: str) -> Outputs:
    from thalweg.exchange.learned import target_scale

    if classes:
        return Outputs.classification(loss, classes)
    mean, scale = target_scale(y, where) if design.scales_target(loss) and y.ndim == 1 else (0.0, 1.0)
    return Outputs.regression(loss, mean, scale)


def _check_targets(loss: Loss, y: Array, name: str) -> None:
    """Refuse a target that the loss is not made for."""
    if loss.target == "count":
        check_least(loss, float(y.min()), name)
