"""The target of a table: what task it asks for, whether it can be learned, and what looks wrong beside it."""

from __future__ import annotations

from dataclasses import dataclass
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
#: More different values than these are no classes, however many rows there are.
MOST_DIFFERENT = 1 << 17


@dataclass(frozen=True)
class Seen:
    """What is to be known of a target to tell its task.

    Attributes
    ----------
    rows : int
    values : ndarray
        The different ones, in order; the smallest of them, where they are too many to hold.
    number, whole : bool
        Whether they are numbers, and whole ones.
    first : str or float
        The first one.
    """

    rows: int
    values: Values
    number: bool
    whole: bool
    first: object

    @classmethod
    def of(cls, target: Values) -> Seen:
        """Look at a whole target."""
        number = target.dtype == np.float64
        values: Values = np.unique(target.astype(np.float64)) if number else _in_order(set(target))
        return cls(len(target), values, number, number and _whole(target), target[0] if len(target) else "")


def _in_order(texts: set[str]) -> Values:
    values = np.empty(len(texts), object)
    values[:] = sorted(texts)
    return values


def infer_task(target: Values | Seen, task: str = "auto") -> Task:
    """Return the task that a target column asks for.

    Text is classification. Numbers are classification where all are whole and they have at most two different
    values, or at most 20 with five rows or more for each on average; otherwise regression.

    Parameters
    ----------
    target : ndarray of float64 or of str objects, shape (rows,), or Seen
        The target column, or what was seen of it.
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
    seen = target if isinstance(target, Seen) else Seen.of(target)
    if not seen.number:
        return "classification"
    different = len(seen.values)
    few = different <= 2 or different <= min(MOST_CLASSES, seen.rows / 5)
    return "classification" if few and seen.whole else "regression"


def check_target(target: Values | Seen, task: Task, name: str = "y", table: str = "") -> None:
    """Raise where a target cannot be learned as this task.

    Parameters
    ----------
    target : ndarray of float64 or of str objects, shape (rows,), or Seen
        The target column, or what was seen of it.
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
        values than can be classes (more than 20 and more than a tenth of the rows, or more than 131,072; where they
        are text or not whole, also more than half of the rows).
    """
    where = f"{table}, column {shown(name)}" if table else f"column {shown(name)}"
    seen = target if isinstance(target, Seen) else Seen.of(target)
    if task == "regression":
        if not seen.number:
            what = f"the target is text, such as '{shown(str(seen.first))}'; regression needs numbers"
            raise DataError("DATA-TARGET-TYPE", where, what, "Pass --task classification, or another target.")
        return
    rows, values, different = seen.rows, seen.values, len(seen.values)
    if different == 1:
        what = f"'{_label(values[0])}' in all {rows} rows"
        raise DataError("DATA-ONE-CLASS", where, what, "Classification needs two classes or more.")
    crowded = different > max(MOST_CLASSES, min(rows / 10, MOST_DIFFERENT))
    if crowded or (different > max(2, rows / 2) and not seen.whole):
        what = f"{different} distinct of {rows} values are too many for classes"
        hint = "Is it an id or a free text?" if not seen.number else "Regression? Pass --task regression."
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
