"""The three parts of a table: one to learn from, one to choose with, one that is looked at last."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from thalweg.errors import DataError, SettingError
from thalweg.formulas.ranges import check_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from thalweg.exchange.tables.columns import Values

#: A class with fewer rows cannot be in all three parts.
_ROWS_FOR_ALL_PARTS = 3
_FEWEST_TO_LEARN_FROM = 2
#: What fewer rows say about a model is mostly chance.
_FEWEST_TO_JUDGE_BY = 10


class Parts(NamedTuple):
    """Positions of the rows of each part, int64, in the order of the table."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    warnings: tuple[str, ...] = ()


def split(
    target: Values, *, classes: bool, generator: np.random.Generator, validation: float = 0.2, test: float = 0.2
) -> Parts:
    """Draw the parts at random; for classes so that each has about its share in every part.

    Parameters
    ----------
    target : ndarray (rows,)
        The target column.
    classes : bool
        Whether it holds classes.
    generator : Generator
        Where the draw comes from.
    validation, test : float in (0, 1)
        Shares of all rows; together less than 1.

    Raises
    ------
    SettingError
        A share out of its range.
    DataError
        DATA-FEW-ROWS: a part would be empty, the part to learn from would have one row, or a class would be missing
        from it.
    """
    _check_shares(validation, test)
    from sklearn.model_selection import train_test_split

    rows = len(target)
    counts = {"test": round(test * rows), "validation": round(validation * rows)}
    sizes = {**counts, "training": rows - sum(counts.values())}
    small = min(sizes, key=lambda part: sizes[part])
    if sizes[small] < 1:
        what = f"{rows} row{'s' if rows != 1 else ''} leave none for the {small} part"
        raise DataError(
            "DATA-FEW-ROWS", "", what, "Take more rows, or other values of --validation-fraction and --test-fraction."
        )
    if sizes["training"] < _FEWEST_TO_LEARN_FROM:
        what = f"{rows} rows leave 1 to learn from"
        raise DataError("DATA-FEW-ROWS", "", what, "Take more rows.")
    labels = np.unique(target, return_inverse=True)[1] if classes else None
    state = np.random.RandomState(generator.bit_generator)  # what scikit-learn draws with
    rest, drawn, warnings = np.arange(rows), {}, _few(sizes)
    if labels is not None and (sizes[small] <= labels.max() or np.bincount(labels).min() < _ROWS_FOR_ALL_PARTS):
        warnings.append(f"DATA-FEW-ROWS: too few rows to have each of {labels.max() + 1} classes in every part")
        labels = None
    for name, count in counts.items():
        by = None if labels is None or np.unique(labels[rest], return_counts=True)[1].min() < 2 else labels[rest]
        rest, drawn[name] = train_test_split(rest, test_size=count, random_state=state, stratify=by)
    train, validation_rows, test_rows = (
        np.sort(part).astype(np.int64) for part in (rest, drawn["validation"], drawn["test"])
    )
    if classes and len(set(target[train])) < 2:
        what = f"only one class among the {len(train)} rows to learn from"
        raise DataError("DATA-FEW-ROWS", "", what, "Take more rows, or another --seed.")
    return Parts(train, validation_rows, test_rows, tuple(warnings))


def _few(sizes: dict[str, int]) -> list[str]:
    """Return a warning where a part is so small that what it says is mostly chance."""
    part = min(sizes, key=lambda name: sizes[name])
    if sizes[part] >= _FEWEST_TO_JUDGE_BY:
        return []
    count = f"only {sizes[part]} row{'s' * (sizes[part] > 1)} in the {part} part"
    return [f"DATA-FEW-ROWS: {count}: scores of so few are mostly chance"]


def _check_shares(validation: float, test: float) -> None:
    for name, share in (("validation_fraction", validation), ("test_fraction", test)):
        check_number(name, share, "(0, 1)")
    if validation + test >= 1:
        what = f"{validation:g} and {test:g} leave nothing to learn from"
        hint = "Together they must be less than 1."
        raise SettingError("SETTING-RANGE", "validation_fraction, test_fraction", what, hint)
