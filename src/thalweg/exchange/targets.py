"""The target of a table: what task it asks for, whether it can be learned, and what looks wrong beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from thalweg.errors import DataError, UsageError
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from thalweg.exchange.tables import Table
    from thalweg.exchange.tables.columns import Values

Task = Literal["regression", "classification"]
#: Numbers with more different values than this are no classes, unless there are many rows for each.
MOST_CLASSES = 20


def infer_task(target: Values, task: str = "auto") -> Task:
    """Return the task that a target column asks for.

    Text is classification. Numbers are classification where all are whole and they have at most two different
    values, or at most 20 with five rows or more for each on average; otherwise regression.

    Parameters
    ----------
    target : ndarray of float64 or of str objects, shape (rows,)
        The target column.
    task : {"auto", "regression", "classification"}
        Anything but ``"auto"`` is returned as it is.

    Raises
    ------
    UsageError
        Another `task`.

    Examples
    --------
    >>> infer_task(np.array([0.0, 1.0, 1.0])), infer_task(np.array([0.9, 2.1, 2.7]))
    ('classification', 'regression')
    >>> len({infer_task(np.array([1.0, 2.0, 3.0])), infer_task(np.repeat([1.0, 2.0, 3.0], 5))})
    2
    """
    if task == "regression":
        return "regression"
    if task == "classification":
        return "classification"
    if task != "auto":
        what = f"must be 'auto', 'regression' or 'classification', got '{shown(task)}'"
        raise UsageError("OPTION-TASK", "--task", what)
    if target.dtype != np.float64:
        return "classification"
    different = len(np.unique(target))
    few = different <= 2 or different <= min(MOST_CLASSES, len(target) / 5)
    return "classification" if few and _whole(target) else "regression"


def check_target(target: Values, task: Task, name: str = "y", table: str = "") -> None:
    """Raise where a target cannot be learned as this task.

    Parameters
    ----------
    target : ndarray of float64 or of str objects, shape (rows,)
        The target column.
    task : {"regression", "classification"}
        What is to be learned.
    name : str
        The column's name, for messages.
    table : str
        The table, for messages.

    Raises
    ------
    DataError
        DATA-ONE-CLASS: one class only. DATA-TARGET-TYPE: text for regression; for classification more different
        values than can be classes (more than 20 and more than a tenth of the rows; where they are text or not
        whole, also more than half of the rows).
    """
    where = f"{table}, column {shown(name)}" if table else f"column {shown(name)}"
    rows = len(target)
    if task == "regression":
        if target.dtype != np.float64:
            what = f"the target is text, such as '{shown(str(target[0]))}'; regression needs numbers"
            raise DataError("DATA-TARGET-TYPE", where, what, "Pass --task classification, or another target.")
        return
    values = np.unique(target) if target.dtype == np.float64 else np.array(sorted(set(target)), object)
    different = len(values)
    if different == 1:
        what = f"'{_label(values[0])}' in all {rows} rows"
        raise DataError("DATA-ONE-CLASS", where, what, "Classification needs two classes or more.")
    crowded = different > max(MOST_CLASSES, rows / 10)
    if crowded or (different > max(2, rows / 2) and not (target.dtype == np.float64 and _whole(target))):
        what = f"{different} distinct of {rows} values are too many for classes"
        hint = "Is it an id or a free text?" if target.dtype != np.float64 else "Regression? Pass --task regression."
        raise DataError("DATA-TARGET-TYPE", where, what, hint)


def table_warnings(features: Table, target: Values | None = None, target_name: str = "y") -> tuple[str, ...]:
    """Return what looks wrong in the features: one line each.

    DATA-CONSTANT: a column that never changes. DATA-LEAK: a column that equals the target in every row.
    DATA-CONSTANT-TARGET: a target of numbers that never changes.

    Parameters
    ----------
    features : Table
        The columns to learn from.
    target : ndarray, shape (rows,), optional
        The target column.
    target_name : str
        Its name, for the warnings.

    Examples
    --------
    >>> from thalweg.exchange.tables import Table
    >>> table_warnings(Table(["a", "b"], [[1.0, 1.0], [0.0, 2.0]]), np.array([0.0, 2.0]))
    ('DATA-CONSTANT: column a never changes', 'DATA-LEAK: column b equals y in every row (leak?)')
    """
    warnings = []
    if target is not None and len(target) and target.dtype == np.float64 and bool((target == target[0]).all()):
        warnings.append(f"DATA-CONSTANT-TARGET: the target {shown(target_name)} never changes")
    for name, column in zip(features.names, features.columns, strict=True):
        if len(column) and bool((column == column[0]).all()):
            warnings.append(f"DATA-CONSTANT: column {shown(name)} never changes")
        elif target is not None and column.dtype == target.dtype and np.array_equal(column, target):
            warnings.append(f"DATA-LEAK: column {shown(name)} equals {shown(target_name)} in every row (leak?)")
    return tuple(warnings)


def _whole(values: Values) -> bool:
    return bool((values == np.floor(values)).all())


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else shown(str(value))
