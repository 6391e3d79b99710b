"""Estimators as models of tables: the rows of a file go in by the names of its columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np

from thalweg.descent.stream import Chunk, Stream
from thalweg.errors import ModelFileError
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.intervals import IntervalRegressor
from thalweg.estimators.targets import Classification
from thalweg.exchange.models import Predictions, TableModel
from thalweg.exchange.tables import Table
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.columns import Kind
from thalweg.exchange.tables.table import match_columns


@final
class EstimatorOfTable(TableModel):
    """A fitted estimator that finds its features in a table: columns of numbers, as they are.

    Parameters
    ----------
    estimator : DescentEstimator or IntervalRegressor
        Fitted to rows whose columns had names.
    name : str
        What messages call it.

    Raises
    ------
    ModelFileError
        MODEL-COLUMNS: it knows no names.
    """

    target = None
    fills_gaps = False

    def __init__(self, estimator: DescentEstimator | IntervalRegressor, name: str) -> None:
        names = getattr(estimator, "feature_names_in_", None)
        if names is None:
            what = "was fitted to arrays: it knows no names by which columns of a table could be found"
            hint = "Fit it to a data frame, or to a stream with names, and save it again."
            raise ModelFileError("MODEL-COLUMNS", name, what, hint)
        self._estimator: Any = estimator
        self._names = tuple(str(each) for each in names)

    @property
    def kinds(self) -> dict[str, Kind]:
        """See :class:`TableModel`."""
        return dict.fromkeys(self._names, "number")

    @property
    def classes(self) -> tuple[Any, ...]:
        """See :class:`TableModel`."""
        return tuple(self._estimator.classes_.tolist()) if isinstance(self._estimator, Classification) else ()

    @property
    def has_probabilities(self) -> bool:
        """See :class:`TableModel`."""
        return hasattr(self._estimator, "predict_proba")  # scikit-learn's own way to ask

    @property
    def value_names(self) -> tuple[str, ...]:
        """See :class:`TableModel`: one per output, per label of several, or per quantile."""
        found = self._estimator
        if isinstance(found, IntervalRegressor):
            return ("prediction", *(f"quantile_{level:g}" for level in found.quantiles))
        if isinstance(found, Classification):
            return tuple(f"prediction_{label}" for label in self.classes) if found._multilabel else ("prediction",)
        if found._one_dimensional:
            return ("prediction",)
        return tuple(f"prediction_{k + 1}" for k in range(found._model.n_outputs))

    def predictions(self, table: Table) -> Predictions:
        """See :class:`TableModel`."""
        chosen = match_columns(table, self.kinds)
        noticed = tuple(chosen.warnings[len(table.warnings) :])
        rows = _Rows(np.column_stack([chosen[name] for name in self._names]), self._names, shown(table.name, 200))
        values = self._estimator.predict(rows)
        if isinstance(self._estimator, IntervalRegressor):
            values = np.column_stack([values, self._estimator.predict_quantiles(rows)])
        likely = self._estimator.predict_proba(rows) if self.has_probabilities else None
        return Predictions(values, likely, noticed)


@final
class _Rows(Stream):
    """Rows with names, whatever data frames are installed."""

    def __init__(self, X: Any, names: tuple[str, ...], name: str) -> None:
        self._rows = X
        self.feature_names, self.name, self.n_rows = names, name, len(X)

    def chunks(self) -> Iterator[Chunk]:
        yield Chunk(self._rows, None, None)
