"""What is learned of a column: mean and scale of numbers, categories of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from thalweg.errors import DataError
from thalweg.exchange.tables.cells import place, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from thalweg.exchange.tables.columns import Kind, Values

#: Rows whose mean and variance are taken together where a table comes in pieces.
_LEARNED_TOGETHER = 1 << 16


@final
@dataclass(frozen=True)
class Number:
    """A column of numbers: it becomes one feature, ``(x - mean) / scale``; a missing cell becomes 0, the mean."""

    name: str
    mean: float
    scale: float

    kind: ClassVar[Kind] = "number"

    @property
    def features(self) -> tuple[str, ...]:
        """The name of its feature."""
        return (self.name,)

    def as_dict(self) -> dict[str, Any]:
        """Return the column as plain data."""
        return {"name": self.name, "kind": self.kind, "mean": self.mean, "scale": self.scale}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Number:
        """Take back what `as_dict` gave; ValueError or KeyError for anything else."""
        mean, scale = data["mean"], data["scale"]
        plain = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (mean, scale))
        if not plain or not np.isfinite([mean, scale]).all() or scale <= 0:
            raise ValueError(f"column {shown(data['name'])} has no finite mean and positive scale")
        return cls(data["name"], float(mean), float(scale))


@final
@dataclass(frozen=True)
class Text:
    """A column of text: it becomes one feature per category, 1 where the cell holds it."""

    name: str
    categories: tuple[str, ...]

    kind: ClassVar[Kind] = "text"

    @property
    def features(self) -> tuple[str, ...]:
        """The names of its features: ``column=category``."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def as_dict(self) -> dict[str, Any]:
        """Return the column as plain data."""
        return {"name": self.name, "kind": self.kind, "categories": list(self.categories)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Text:
        """Take back what `as_dict` gave; ValueError or KeyError for anything else."""
        categories = data["categories"]
        plain = isinstance(categories, list) and all(isinstance(category, str) for category in categories)
        if not plain or not categories or sorted(set(categories)) != categories:
            raise ValueError(f"column {shown(data['name'])} has no categories in order")
        return cls(data["name"], tuple(categories))


@final
class Numbers:
    """Columns of numbers whose means and scales are being learned from one piece after another."""

    def __init__(self) -> None:
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler()
        self._waiting: list[NDArray[np.float64]] = []
        self._many = 0
        self._smallest: Any = np.inf
        self._largest: Any = 0.0
        self._there: Any = 0

    def add(self, columns: Sequence[Values]) -> None:
        """Take the next cells of all columns."""
        if not columns:
            return
        self._waiting.append(np.column_stack(columns))
        self._many += len(columns[0])
        if self._many >= _LEARNED_TOGETHER:
            joined = np.concatenate(self._waiting)
            whole = len(joined) // _LEARNED_TOGETHER * _LEARNED_TOGETHER
            for first in range(0, whole, _LEARNED_TOGETHER):
                self._learn(joined[first : first + _LEARNED_TOGETHER])
            self._waiting, self._many = [joined[whole:].copy()], len(joined) - whole

    def _learn(self, block: NDArray[np.float64]) -> None:
        with np.errstate(all="ignore"):
            self._scaler.partial_fit(block)
        sizes, there = np.abs(block), ~np.isnan(block)
        self._smallest = np.minimum(self._smallest, np.min(sizes, axis=0, initial=np.inf, where=there))
        self._largest = np.maximum(self._largest, np.max(sizes, axis=0, initial=0.0, where=there))
        self._there = self._there + there.sum(axis=0)

    def learned(self, names: Sequence[str], rows: int, table: str) -> dict[str, Number]:
        """Return what was learned of each column."""
        if not names:
            return {}
        if self._many:
            self._learn(np.concatenate(self._waiting))
            self._many = 0
        found = {}
        for k, name in enumerate(names):
            where = place(table, column=name)
            if not self._there[k]:
                what = f"no number among the {rows} training rows"
                raise DataError("DATA-EMPTY-COLUMN", where, what, f"Leave it out with --drop {shown(name)}.")
            check_variance(np.array([self._smallest[k], self._largest[k]]), float(self._scaler.var_[k]), where)
            found[name] = Number(name, float(self._scaler.mean_[k]), float(self._scaler.scale_[k]))
        return found


def target_scale(target: NDArray[np.float64], where: str = "y") -> tuple[float, float]:
    """Return mean and scale that standardise a target of numbers, by scikit-learn's StandardScaler.

    Parameters
    ----------
    target : ndarray (rows,)
        The training rows' target.
    where : str
        The column, for messages.

    Raises
    ------
    DataError
        DATA-SCALE: its squares overflow or vanish.
    """
    from sklearn.preprocessing import StandardScaler

    with np.errstate(all="ignore"):
        scaler = StandardScaler().fit(target.reshape(-1, 1))
    check_variance(target, float(scaler.var_[0]), where)
    return float(scaler.mean_[0]), float(scaler.scale_[0])


def check_variance(column: Values, variance: float, where: str) -> None:
    """Refuse numbers whose variance a float64 cannot hold: the scaler would leave them as they are."""
    largest = float(np.nanmax(np.abs(column)))
    if not np.isfinite(variance):
        what = f"numbers up to {largest:.3g}, whose squares overflow"
        raise DataError("DATA-SCALE", where, what, "Give the column in a larger unit.")
    if variance < np.finfo(np.float64).tiny and float(np.nanmin(np.abs(column))) < largest < 1e-150:
        what = f"numbers up to {largest:.3g}, whose squares vanish"
        raise DataError("DATA-SCALE", where, what, "Give the column in a smaller unit.")
