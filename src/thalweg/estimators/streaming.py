"""Streams in the place of ``X`` and ``y``: what an estimator has to know of one before it starts, and its blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows, WeightSum
from thalweg.descent.blocks import Blocks, Layout, Making, all_finite, checked
from thalweg.descent.stream import Columns, Stream
from thalweg.errors import DataError, SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.contract import ClassifierMixin, check_classification_targets
from thalweg.estimators.plan import Plan
from thalweg.estimators.table import Table

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator

Array = NDArray[Any]

# With as many rows "auto" gives the largest batch, however many more there are.
_ENOUGH = told.UPDATES_PER_EPOCH * told.LARGEST_BATCH


@dataclass(frozen=True)
class Survey:
    """What a pass over the targets tells.

    Attributes
    ----------
    rows : int
    classes : ndarray
        Labels in order; empty where they are not looked for.
    counts : ndarray (classes,), float64
        Rows of each class, or their weights.
    mean_weight : float
    """

    rows: int
    classes: Array
    counts: NDArray[np.float64]
    mean_weight: float


def read_stream(
    estimator: DescentEstimator,
    plan: Plan,
    stream: Stream,
    y: Any,
    sample_weight: Any,
    *,
    continuing: bool,
    validated: bool = False,
) -> Table:
    """Return the blocks of a stream, or its rows where one block holds them all.

    The estimator learns of the stream what it learns of arrays: classes, number and names of the features.

    Parameters
    ----------
    estimator : DescentEstimator
    plan : Plan
        In one pass weights count as they are.
    stream : Stream
    y, sample_weight : None
        A stream has its own.
    continuing : bool
        The fit goes on from another.
    validated : bool
        Rows are to be set aside.

    Raises
    ------
    SettingError
        SETTING-STREAM: settings that a stream cannot serve: several epochs over an iterator, all rows in one update.
    DataError
        Whatever is wrong with its rows.
    """
    if y is not None or sample_weight is not None:
        what = "go with arrays; a stream has targets and weights of its own"
        raise SettingError("SETTING-STREAM", "y, sample_weight", what, "See thalweg.stream.")
    if validated:
        what = "sets rows aside, which must be in memory for that"
        raise SettingError("SETTING-STREAM", "early_stopping", what, "Pass rows of your own: fit(stream, X_val=...).")
    if not stream.repeatable and not plan.one_pass and plan.epochs > 1:
        what = f"is {plan.epochs}, and {stream.name} can be gone through once"
        hint = "Set max_iter=1, or make the stream of a function, a list or a file."
        raise SettingError("SETTING-STREAM", "max_iter", what, hint)
    given = _Opening(estimator, plan, stream, continuing=continuing).blocks()
    rows = given.first().rows if isinstance(given, Blocks) else given
    one_dimensional = getattr(estimator, "_one_dimensional", True)
    targets = rows.targets[:, 0] if one_dimensional else rows.targets
    return Table(rows.features(), rows.targets, rows.weights, targets, None, given)


class _Opening:
    """The steps from a stream to its blocks."""

    def __init__(self, estimator: DescentEstimator, plan: Plan, stream: Stream, *, continuing: bool) -> None:
        self.estimator, self.plan, self.stream, self.continuing = estimator, plan, stream, continuing
        self.one_pass = plan.one_pass
        self.classifies = isinstance(estimator, ClassifierMixin)
        self.balanced = getattr(estimator, "class_weight", None)
        self.survey: Survey | None = None
        self.per_class: Array | None = None
        self.learn = not continuing

    def blocks(self) -> Blocks | Rows:
        """Return the blocks, or the rows of the only one."""
        count = self.stream.n_rows
        if self.classifies and self.learn and not self.one_pass:
            self._learn_classes()
        if self.balanced is not None and self.classifies:
            self._weigh_classes()
        if count is None and self.plan.schedule is not None and not self.one_pass:
            self._look("the number of rows, for the schedule", "n_rows")
        blocks = self._cut()
        if self.survey is None and not self.one_pass and blocks.first().rows.weights.size:
            blocks.close()
            self._look("the mean of the weights")
            blocks = self._cut()
        try:
            return self._usable(blocks)
        except BaseException:
            blocks.close()
            raise

    def _usable(self, blocks: Blocks) -> Blocks | Rows:
        """Tell the estimator of the blocks; return them, or the rows of the only one."""
        first = blocks.first()
        self._tell(first.rows)
        if first.last:
            blocks.close()
            return first.rows
        if self.estimator.batch_size is None:
            what = f"is None, all rows in one update, and {self.stream.name} has more than {blocks.size}"
            hint = "Give a number of rows, or a larger block_size to thalweg.stream."
            raise SettingError("SETTING-STREAM", "batch_size", what, hint)
        return blocks

    def _cut(self) -> Blocks:
        count = self.stream.n_rows if self.survey is None else self.survey.rows
        batch, together = self.estimator.batch_size, self.estimator.accumulate
        auto = isinstance(batch, str)
        update = told.batch_size(batch, count or _ENOUGH, warn=False) if auto else batch
        return Blocks(
            self.stream,
            Making(self._encode, self._weigh, 1.0 if self.survey is None else self.survey.mean_weight),
            update=int(update or 1) * together,
            least=_ENOUGH if auto and count is None else 1,
            count=count,
            dtype=str(self.estimator.theta_.dtype) if self.continuing else None,
        )

    # -- what a pass over the targets tells

    def _look(self, what: str, option: str = "") -> None:
        """Survey the stream for something that must be known before the first update."""
        stream = self.stream
        if not stream.repeatable:
            hint = f"Pass {option}=... to thalweg.stream" if option else "Use partial_fit"
            what = f"can be gone through once, and {what} must be known before"
            raise SettingError(
                "SETTING-STREAM", stream.name, what, f"{hint}, or make it of a function, a list or a file."
            )
        self.survey = survey(stream, labels=self.classifies, weigh=self._weigh)

    def _learn_classes(self) -> None:
        from thalweg.estimators.targets import at_least_two

        classes = self.stream.classes
        if classes is None:
            self._look("the classes", "classes")
            assert self.survey is not None  # noqa: S101 - made above
            classes = self.survey.classes
        estimator: Any = self.estimator
        estimator._multilabel, estimator.classes_ = False, at_least_two(classes)

    def _weigh_classes(self) -> None:
        estimator: Any = self.estimator
        if isinstance(self.balanced, str) and self.survey is None:
            self._look("how many rows each class has")
        if self.survey is None:
            self.per_class = estimator._class_weights(estimator.classes_, None)
        else:
            at = np.searchsorted(estimator.classes_, self.survey.classes)
            counts = np.zeros(len(estimator.classes_))
            counts[at] = self.survey.counts
            self.per_class = estimator._class_weights(estimator.classes_, counts)
        if not self.one_pass:
            self._look("the mean of the weights")  # of rows and classes together

    # -- what becomes of targets and weights

    def _encode(self, y: Array, first: int, dtype: str) -> Array:
        """Return the targets of a block as the loss takes them."""
        estimator = self.estimator
        where = f"{self.stream.name}, rows {first} to {first + len(y) - 1}"
        try:
            targets = estimator._encode(
                self._checked(y, first), np.dtype(dtype), learn=self.learn and not self.classifies
            )
        except DataError as error:
            raise DataError(error.code, f"{where}: {error.where}", error.what, error.hint) from None
        self.learn = False
        return estimator._softened(targets, estimator._fitting_loss())

    def _checked(self, y: Array, first: int) -> Array:
        if self.classifies:
            y = self._labels(y)
        elif y.dtype.kind not in "biuf":
            raise DataError("DATA-NUMBERS", "y", f"holds {y.dtype}; a regressor learns numbers")
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            row = int(np.flatnonzero(~np.isfinite(y).reshape(len(y), -1).all(axis=1))[0])
            raise DataError("DATA-FINITE", f"y, row {first + row}", "is not a finite number", "Leave the row out.")
        return y

    def _labels(self, y: Array) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise DataError("DATA-SHAPE", "y", f"has shape {y.shape}; a stream gives one label a row")
        return y

    def _weigh(self, y: Array, weights: Array | None) -> Array | None:
        """Return the weights of rows, with those of their classes."""
        if self.per_class is None:
            return weights
        classes = self.estimator.classes_
        of_rows = self.per_class[np.searchsorted(classes, self._labels(y)).clip(max=len(classes) - 1)]
        return np.asarray(of_rows if weights is None else weights * of_rows)

    # -- what the estimator is told

    def _tell(self, rows: Rows) -> None:
        """Set, or compare, the number and the names of the features."""
        estimator: Any = self.estimator
        names = self.stream.feature_names
        features = rows.X.shape[1]
        if not self.continuing:
            estimator.n_features_in_ = features
            if names is not None:
                estimator.feature_names_in_ = np.array(names, dtype=object)
            elif hasattr(estimator, "feature_names_in_"):
                del estimator.feature_names_in_
            return
        _check_features(estimator, self.stream, features)


def stream_scores(estimator: DescentEstimator, stream: Stream) -> Array:
    """Return the scores of all rows of a stream, (n, outputs); its targets, if it has some, are not looked at.

    Raises
    ------
    DataError
        Other columns than those of the fit, and whatever is wrong with its rows.
    """
    fitted: Any = estimator
    scores = []
    for first, chunk in checked(stream.chunks(), stream.name):
        _check_features(estimator, stream, chunk.X.shape[1])
        X = chunk.X.array() if isinstance(chunk.X, Columns) else chunk.X
        X = X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)
        entries = X if isinstance(X, np.ndarray) else X.data
        if not all_finite(np.ascontiguousarray(entries)):
            bad = np.flatnonzero(~np.isfinite(entries).reshape(len(entries), -1).all(axis=1))[0]
            row = int(bad if isinstance(X, np.ndarray) else np.searchsorted(X.indptr, bad, side="right") - 1)
            where = f"{stream.name}, row {first + row}"
            raise DataError("DATA-FINITE", where, "holds what is not a finite number", "Fill it, or leave the row out.")
        scores.append(fitted._model.scores(fitted.theta_, X))
    if not scores:
        raise DataError("DATA-ROWS", stream.name, "has no rows")
    return np.concatenate(scores)


def _check_features(estimator: Any, stream: Stream, features: int) -> None:
    """Refuse other columns than those of the fit."""
    if features != estimator.n_features_in_:
        what = f"has {features} columns; {type(estimator).__name__} was fitted with {estimator.n_features_in_}"
        raise DataError("DATA-FEATURES", stream.name, what)
    known, names = getattr(estimator, "feature_names_in_", None), stream.feature_names
    if names is not None and known is not None and list(names) != list(known):
        odd = next((name for name in names if name not in known), "in another order")
        raise DataError("DATA-FEATURES", stream.name, f"has other columns than the fit: {odd!s:.60}")


def survey(stream: Stream, *, labels: bool, weigh: Any) -> Survey:
    """Go through the targets of a stream once.

    Sums are taken row after row, or over blocks of fixed numbers of rows, so that the cut does not show in them.
    """
    rows, classes, counts = 0, np.empty(0), np.zeros(0)
    weights, weighted = WeightSum(), False
    layout: Layout | None = None
    for first, chunk in checked(stream.targets(), stream.name):
        layout = layout or Layout.of(chunk)
        if chunk.y is None:
            raise DataError("DATA-CHUNK", stream.name, "has rows without targets; there is nothing to learn")
        rows = first + chunk.rows
        y = chunk.y[:, 0] if chunk.y.ndim == 2 and chunk.y.shape[1] == 1 else chunk.y
        if labels:
            classes, counts = _count(y, chunk.weights, classes, counts, stream.name)
        used = weigh(chunk.y, chunk.weights)
        if used is not None:
            weights.add(used)
            weighted = True
    if not rows:
        raise DataError("DATA-ROWS", stream.name, "has no rows")
    return Survey(rows, classes, counts, weights.mean if weighted else 1.0)


def _count(y: Array, weights: Array | None, classes: Array, counts: Array, name: str) -> tuple[Array, Array]:
    """Add the labels of a chunk to the classes and their counts."""
    if y.ndim != 1:
        raise DataError("DATA-SHAPE", name, f"has targets of shape {y.shape}; a stream gives one label a row")
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1) if len(classes) else None
    if codes is None or (classes[codes] != y).any():
        check_classification_targets(y)
        known = classes if len(classes) else y[:0]
        found = np.unique(np.concatenate([known, y]))
        moved = np.zeros(len(found))
        moved[np.searchsorted(found, known)] = counts
        classes, counts = found, moved
        codes = np.searchsorted(classes, y)
    np.add.at(counts, codes, 1.0 if weights is None else weights)
    return classes, counts
