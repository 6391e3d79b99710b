"""Early stopping: a loss or a score on rows apart, the best weights so far, and when to give up waiting."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.averaging import Mean
from thalweg.descent.batches import Rows
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.models import Model
from thalweg.descent.progress import Arrays, Progress
from thalweg.descent.record import CONVERGED
from thalweg.descent.run import Run
from thalweg.descent.settings import check_count
from thalweg.errors import DataError, SettingError
from thalweg.estimators.contract import _check_sample_weight, validate_data
from thalweg.estimators.reading import check_numbers
from thalweg.estimators.table import Table
from thalweg.formulas.formula import Loss
from thalweg.formulas.ranges import check_number

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator

Array = NDArray[Any]
Judge = Callable[[Array], float]


def read_apart(estimator: DescentEstimator, X: Any, y: Any, sample_weight: Any, table: Table) -> Table:
    """Check the rows that the caller wants to validate on.

    Parameters
    ----------
    estimator : DescentEstimator
        It has learned what there is to learn from the others.
    X, y, sample_weight
        As the caller gave them; None where they are missing.
    table : Table
        The rows to learn from.

    Raises
    ------
    SettingError
        SETTING-STOPPING: without ``early_stopping``, or one is missing.
    DataError
        Whatever is wrong with them.
    """
    if not estimator.early_stopping:
        what = "are given, and early_stopping is False"
        raise SettingError("SETTING-STOPPING", "X_val, y_val", what, "Set early_stopping=True to use them.")
    if X is None or y is None:
        raise SettingError("SETTING-STOPPING", "X_val" if X is None else "y_val", "is missing: rows need both")
    reader = copy(estimator)  # what it learns of these targets is not to be kept
    dtype = [table.X.dtype]
    try:
        check_numbers(X)
        X, y = validate_data(reader, X, y, reset=False, dtype=dtype, **reader._reads_x, **reader._reads_y)
        y = reader._settle(y)
        targets = reader._encode(y, X.dtype, learn=False)
    except DataError as error:
        raise DataError(error.code, f"{error.where}_val", error.what, error.hint) from None
    if y.ndim != table.y.ndim or targets.shape[1] != table.targets.shape[1]:
        what = f"has shape {y.shape}, y has {table.y.shape}"
        raise DataError("DATA-SHAPE", "y_val", what, "Give the validation targets the columns of the others.")
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
    return table._replace(X=X, targets=targets, weights=sample_weight, y=y, sample_weight=sample_weight)


def set_aside(estimator: DescentEstimator, table: Table, root: np.random.SeedSequence) -> tuple[Table, Table]:
    """Split off the validation rows: the same ones for the same number of rows and the same root.

    Returns
    -------
    kept, held : Table
    """
    from sklearn.model_selection import train_test_split  # 0.1 s that a fit without it is spared

    from thalweg.engine.streams import SPLIT, generator

    share = check_number("validation_fraction", estimator.validation_fraction, "(0, 1)")
    seed = int(generator(root, SPLIT).integers(2**32))
    strata = estimator._strata(table.targets)
    every = np.arange(len(table.targets))
    try:
        kept, held = train_test_split(every, test_size=share, random_state=seed, stratify=strata)
    except ValueError as error:
        raise DataError("DATA-SPLIT", "validation_fraction", f"of {len(every)} rows: {error}") from None
    if len(held) < 2:
        what = f"The validation set is too small: {len(held)} row of {len(every)}"
        raise DataError("DATA-SPLIT", "validation_fraction", what, "Set a larger share aside, or pass X_val and y_val.")
    return table.rows(np.sort(kept)), table.rows(np.sort(held))


def loss_judge(model: Model, loss: Loss, held: Table) -> Judge:
    """Return the mean loss of parameters on rows apart, penalties and dropout apart.

    Raises
    ------
    DataError
        DATA-WEIGHTS: no row has a weight.
    """
    if held.weights is not None and not held.weights.sum() > 0:
        raise DataError("DATA-WEIGHTS", "sample_weight", "is zero for all rows set aside for validation")
    evaluation = Evaluation(model, Rows.of(held.X, held.targets, held.weights, str(held.targets.dtype)), loss)
    return lambda theta: float(evaluation(theta)[0])


def score_judge(estimator: DescentEstimator, scoring: Any, model: Model, loss: Loss, held: Table) -> Judge:
    """Return what a scorer says of the estimator with other parameters, on rows apart; the greater the better.

    Parameters
    ----------
    estimator : DescentEstimator
        It has seen the data, so that it knows its classes.
    scoring : str or callable
        A name of scikit-learn's, or ``scorer(estimator, X, y)``; with ``sample_weight`` where the caller gave weights.
    model, loss : Model, Loss
        Of the run.
    held : Table
        With ``y`` as the caller has it.
    """
    from sklearn.metrics import check_scoring  # 0.1 s that a fit without it is spared

    fitted = copy(estimator)
    fitted._model, fitted._loss = model, loss
    fitted.__dict__.pop("feature_names_in_", None)  # the rows have been checked, and have no names any more
    scorer = check_scoring(fitted, scoring)
    weights = {} if held.sample_weight is None else {"sample_weight": held.sample_weight}

    def judge(theta: Array) -> float:
        fitted.theta_ = theta
        score = scorer(fitted, held.X, held.y, **weights)
        if not np.isscalar(score):
            raise SettingError("SETTING-TYPE", "scoring", f"must give one number, got {type(score).__name__}")
        return float(score)  # type: ignore[arg-type] # a number of NumPy's or Python's

    return judge


@final
class Validation(Progress):
    """A callback that judges the parameters after every epoch, remembers the best and stops a run that waited too long.

    What it keeps is never worse than what any earlier epoch had.

    Parameters
    ----------
    judge : callable
        From parameters (model.size,) to a loss or a score.
    greater_is_better : bool
    tol : float
        An improvement by less than this does not count.
    patience : int
        Epochs without one after which the run is stopped.

    Attributes
    ----------
    curve : list of float
        Of each epoch.
    best_epoch : int
        Epoch with the best; 0 when none was finite.
    held : Table or None
        The rows to judge on, where they are known.
    """

    def __init__(self, judge: Judge, tol: float, patience: int, *, greater_is_better: bool) -> None:
        self._judge, self._sign = judge, -1.0 if greater_is_better else 1.0
        self._tol, self._patience = tol, patience
        self._best = self._reference = np.inf
        self._kept: tuple[Any, ...] | None = None
        self._waited = 0
        self.best_epoch = 0
        self.curve: list[float] = []
        self.held: Table | None = None

    @classmethod
    def of(cls, estimator: DescentEstimator, held: Table, model: Model, loss: Loss) -> Validation:
        """Return the validation that an estimator's parameters describe, on these rows."""
        patience = check_count("n_iter_no_change", estimator.n_iter_no_change)
        tol = 0.0 if estimator.tol is None else check_number("tol", estimator.tol, "[0, inf)")
        if estimator.scoring is None:
            made = cls(loss_judge(model, loss, held), tol, patience, greater_is_better=False)
        else:
            judge = score_judge(estimator, estimator.scoring, model, loss, held)
            made = cls(judge, tol, patience, greater_is_better=True)
        made.held = held
        return made

    def begin(self, run: Run) -> None:
        """Judge what a run goes on from: an epoch of an earlier fit is an earlier epoch too."""
        self._remember(run, self._sign * self._judge(run.parameters))

    def __call__(self, run: Run) -> None:
        """Judge, remember the best, and stop the run when it waited too long."""
        value = self._judge(run.parameters)
        self.curve.append(value)
        cost = self._sign * value
        self._waited = 0 if cost < self._reference - self._tol else self._waited + 1
        self._remember(run, cost)
        if self._waited >= self._patience and not run.status:
            run.status = CONVERGED

    def _remember(self, run: Run, cost: float) -> None:
        if cost < self._best:
            self._best, self.best_epoch = cost, run.epoch
            mean = None if run.mean is None else run.mean.copy()
            self._kept = run.theta.copy(), run.state.copy(), run.t, mean
        self._reference = min(self._reference, cost)

    def restore(self, run: Run) -> None:
        """Put the run back to its best epoch: weights, their mean, memory and count of updates."""
        if self._kept is not None:
            run.theta, run.state, run.t, run.mean = self._kept

    # -- on the way

    def take(self) -> Callable[[], dict[str, Array]]:
        """Hold on to the best so far, whose arrays nothing changes, and to how long the curve is."""
        kept, epochs = self._kept, len(self.curve)
        numbers = [self._best, self._reference, float(self._waited), float(self.best_epoch)]

        def arrays() -> dict[str, Array]:
            found = {"curve": np.array(self.curve[:epochs], dtype=np.float64), "numbers": np.array(numbers)}
            if kept is not None:
                theta, state, t, mean = kept
                found |= {"theta": theta, "state": state, "t": np.array([t])}
                if mean is not None:
                    found |= {"mean": mean.values, "mean_since": np.array([mean.since])}
            return found

        return arrays

    def put_back(self, arrays: Arrays) -> None:
        """Go on from the best, the curve and the patience of another validation of the same run."""
        self._best, self._reference, waited, best_epoch = arrays["numbers"].tolist()
        self._waited, self.best_epoch = int(waited), int(best_epoch)
        self.curve[:] = arrays["curve"].tolist()
        self._kept = None
        if "theta" in arrays:
            mean = None
            if "mean" in arrays:
                mean = Mean(np.array(arrays["mean"], dtype=np.float64), float(arrays["mean_since"][0]))
            state = np.array(arrays["state"], order="C")
            self._kept = arrays["theta"].copy(), state, float(arrays["t"][0]), mean
