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
    target: Values, *, classes: bool, generator: np.random.Generator, validation: float | None = 0.2, test: float = 0.2
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
        Shares of all rows; together less than 1. None for no validation part: its rows are elsewhere.

    Raises
    ------
    SettingError
        A share out of its range.
    DataError
        DATA-FEW-ROWS: a part would be empty, the part to learn from would have one row, or a class would be missing
        from it.
    """
    shares = {"test": test} if validation is None else {"test": test, "validation": validation}
    _check_shares(shares)
    from thalweg.exchange.postponed import postponed

    with postponed("pandas"):
        from sklearn.model_selection import train_test_split

    rows = len(target)
    counts = {name: round(share * rows) for name, share in shares.items()}
    sizes = {**counts, "training": rows - sum(counts.values())}
    small = min(sizes, key=lambda part: sizes[part])
    if sizes[small] < 1:
        what = f"{rows} row{'s' if rows != 1 else ''} leave none for the {small} part"
        options = " and ".join(f"--{name}-fraction" for name in sorted(shares, reverse=True))
        raise DataError("DATA-FEW-ROWS", "", what, f"Take more rows, or other values of {options}.")
    if sizes["training"] < _FEWEST_TO_LEARN_FROM:
        what = f"{rows} rows leave 1 to learn from"
        raise DataError("DATA-FEW-ROWS", "", what, "Take more rows.")
    labels = np.unique(target, return_inverse=True)[1] if classes else None
    state = np.random.RandomState(generator.bit_generator)  # what scikit-learn draws with
    rest, warnings = np.arange(rows), _few(sizes)
    drawn = {"validation": np.zeros(0, np.int64)}
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


def _check_shares(shares: dict[str, float]) -> None:
    for name in sorted(shares, reverse=True):
        check_number(f"{name}_fraction", shares[name], "(0, 1)")
    if sum(shares.values()) >= 1:
        what = f"{shares['validation']:g} and {shares['test']:g} leave nothing to learn from"
        hint = "Together they must be less than 1."
        raise SettingError("SETTING-RANGE", "validation_fraction, test_fraction", what, hint)
