"""From a table to a matrix: numbers standardised, text one-hot, with what was learned from the training part alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from thalweg.errors import DataError, LimitError
from thalweg.exchange.learned import Number, Numbers, Text, check_variance
from thalweg.exchange.tables import Table, match_columns
from thalweg.exchange.tables.cells import place, shown
from thalweg.exchange.tables.source import free_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from thalweg.exchange.tables.columns import Kind, Values

#: A text column with more different values than this, and than half of the rows, is taken for an id or free text.
MOST_CATEGORIES = 20


@final
@dataclass(frozen=True)
class Preparation:
    """How the columns of a table become features, as learned from some of its rows.

    Parameters
    ----------
    columns : tuple of Number or Text
        In the order of the table. The features stand in the same order.

    Examples
    --------
    >>> table = Table(["size", "town"], [[1.0, 3.0], ["Rome", "Oslo"]])
    >>> preparation = Preparation.fit(table)
    >>> preparation.feature_names
    ('size', 'town=Oslo', 'town=Rome')
    >>> preparation.transform(table).X.tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """

    columns: tuple[Number | Text, ...]

    @classmethod
    def fit(cls, table: Table, *, rows: NDArray[np.int64] | None = None) -> Preparation:
        """Learn means, scales and categories with scikit-learn's StandardScaler and OneHotEncoder.

        Parameters
        ----------
        table : Table
            The features.
        rows : ndarray of int64, optional
            The rows to learn from; all if left out. The others are not looked at, save that a text column with too
            many values in the whole table is refused.

        Raises
        ------
        DataError
            DATA-TEXT: a text column that looks like an id or free text. DATA-SCALE: numbers whose squares overflow or
            vanish. DATA-EMPTY-COLUMN: no number among the training rows.
        LimitError
            DATA-TOO-LARGE: more features than fit into memory.
        """
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        part = table if rows is None else table.rows(rows)
        learned: dict[str, Number | Text] = {}
        numbers = [name for name, kind in table.kinds.items() if kind == "number"]
        texts = [name for name, kind in table.kinds.items() if kind == "text"]
        if numbers:
            with np.errstate(all="ignore"):
                scaler = StandardScaler().fit(np.column_stack([part[name] for name in numbers]))
            for k, name in enumerate(numbers):
                where = place(shown(part.name, 200), column=name)
                if bool(np.isnan(part[name]).all()):
                    what = f"no number among the {part.n_rows} training rows"
                    raise DataError("DATA-EMPTY-COLUMN", where, what, f"Leave it out with --drop {shown(name)}.")
                check_variance(part[name], float(scaler.var_[k]), where)
                learned[name] = Number(name, float(scaler.mean_[k]), float(scaler.scale_[k]))
        for name in texts:
            _check_categories(table, name)
        if texts:
            encoder = OneHotEncoder().fit(_cells(part, texts))
            for name, categories in zip(texts, encoder.categories_, strict=True):
                learned[name] = Text(name, tuple(str(category) for category in categories))
        columns = tuple(learned[name] for name in table.names)
        _check_size(table, columns)
        return cls(columns)

    @classmethod
    def learn(cls, tables: Iterable[Table], name: str) -> Preparation:
        """Learn means, scales and categories from a table that comes in pieces, however it is cut.

        Means and variances are combined by StandardScaler's ``partial_fit`` over blocks of 65,536 rows. Up to so many
        rows they have the bits of :meth:`fit`, beyond they differ in the last digits (about 1e-15 of the mean and 1e-13
        of the variance, where the mean is of the size of the scale).

        Parameters
        ----------
        tables : iterable of Table
            The pieces, with the same columns.
        name : str
            Of the table, for messages.

        Raises
        ------
        DataError
            As :meth:`fit`, and DATA-ROWS where there is no row.
        """
        numbers, rows = Numbers(), 0
        texts: dict[str, set[str]] = {}
        kinds: dict[str, Kind] = {}
        for table in tables:
            kinds = kinds or table.kinds
            numbers.add([table[column] for column, kind in kinds.items() if kind == "number"])
            for column, kind in kinds.items():
                if kind == "text":
                    texts.setdefault(column, set()).update(table[column].tolist())
            rows += table.n_rows
        if not rows:
            raise DataError("DATA-ROWS", name, "has no rows")
        found = numbers.learned([column for column, kind in kinds.items() if kind == "number"], rows, name)
        columns: list[Number | Text] = []
        for column, kind in kinds.items():
            if kind == "text":
                _check_different(len(texts[column]), rows, place(name, column=column), column)
            columns.append(Text(column, tuple(sorted(texts[column]))) if kind == "text" else found[column])
        return cls(tuple(columns))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature: the column's, or ``column=category``."""
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns that a table must have, and what they hold."""
        return {column.name: column.kind for column in self.columns}

    def transform(self, table: Table) -> Prepared:
        """Return the features of every row.

        Parameters
        ----------
        table : Table
            With all columns by name, in any order; more are left out with a warning.

        Raises
        ------
        DataError
            A column that is not there, or of the other kind.
        """
        chosen = match_columns(table, self.kinds)
        noticed = chosen.warnings[len(table.warnings) :]
        unseen: list[Unseen] = []
        X = np.empty((chosen.n_rows, len(self.feature_names)))
        owners = np.repeat([column.kind for column in self.columns], [len(column.features) for column in self.columns])
        numbers, texts = self._numbers, self._texts
        if numbers:
            with np.errstate(over="ignore"):
                scaled = self._scaler.transform(np.column_stack([chosen[column.name] for column in numbers]))
            scaled[np.isnan(scaled)] = 0.0
            X[:, owners == "number"] = scaled
        if texts:
            encoded = self._encoder.transform(_cells(chosen, [column.name for column in texts]))
            X[:, owners == "text"] = encoded
            ends = np.cumsum([len(column.categories) for column in texts])[:-1]
            for column, features in zip(texts, np.split(encoded, ends, axis=1), strict=True):
                unseen += _unseen(chosen[column.name], features, column.name)
        return Prepared(X, tuple(noticed), tuple(unseen))

    def as_list(self) -> list[dict[str, Any]]:
        """Return the columns as plain data."""
        return [column.as_dict() for column in self.columns]

    @classmethod
    def from_list(cls, columns: Sequence[dict[str, Any]]) -> Preparation:
        """Take back what `as_list` gave.

        Raises
        ------
        ValueError, KeyError, TypeError
            Anything else.
        """
        learned: list[Number | Text] = []
        for column in columns:
            if not isinstance(column["name"], str) or column["kind"] not in {"number", "text"}:
                raise ValueError("a column has a name and is of kind number or text")
            learned.append(Number.from_dict(column) if column["kind"] == "number" else Text.from_dict(column))
        if not learned or len({column.name for column in learned}) < len(learned):
            raise ValueError("a model has columns, with different names")
        return cls(tuple(learned))

    @property
    def _numbers(self) -> list[Number]:
        return [column for column in self.columns if isinstance(column, Number)]

    @property
    def _texts(self) -> list[Text]:
        return [column for column in self.columns if isinstance(column, Text)]

    # scikit-learn's transformers, in the state that the columns describe

    @cached_property
    def _scaler(self) -> Any:
        from sklearn.preprocessing import StandardScaler

        numbers = self._numbers
        scaler = StandardScaler()
        scaler.mean_ = np.array([column.mean for column in numbers])
        scaler.scale_ = np.array([column.scale for column in numbers])
        scaler.var_ = scaler.scale_**2
        scaler.n_features_in_ = len(numbers)
        return scaler

    @cached_property
    def _encoder(self) -> Any:
        from sklearn.preprocessing import OneHotEncoder

        texts = self._texts
        categories = [np.array(column.categories, object) for column in texts]
        encoder = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
        first = np.empty((1, len(texts)), object)
        first[0] = [column.categories[0] for column in texts]
        return encoder.fit(first)


@final
@dataclass(frozen=True)
class Prepared:
    """Features, (rows, features) float64, and what was noticed on the way.

    Attributes
    ----------
    X : ndarray (rows, features)
    noticed : tuple of str
        A line each.
    unseen : tuple of Unseen
        Texts that were not learned.
    """

    X: NDArray[np.float64]
    noticed: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All of that, a line each."""
        return (*self.noticed, *(str(each) for each in self.unseen))


class Unseen(NamedTuple):
    """Cells of a column with texts that were not in the training part: how many, and the first with its row, from 1."""

    column: str
    cells: int
    first: str
    row: int

    def __str__(self) -> str:
        count = "1 cell holds" if self.cells == 1 else f"{self.cells} cells hold"
        where = f"first '{shown(self.first)}' in row {self.row}"
        return f"DATA-CATEGORY: {count} text that was not in the training part, column {shown(self.column)}, {where}"


def _check_categories(table: Table, name: str) -> None:
    """Refuse a text column in which hardly any value comes twice."""
    _check_different(len(set(table[name])), table.n_rows, place(shown(table.name, 200), column=name), name)


def _check_different(different: int, rows: int, where: str, name: str) -> None:
    if different > max(MOST_CATEGORIES, rows / 2):
        what = f"{different} different texts in {rows} rows; is it an id or a free text?"
        raise DataError("DATA-TEXT", where, what, f"Leave it out with --drop {shown(name)}.")


def _check_size(table: Table, columns: Sequence[Number | Text]) -> None:
    features = sum(len(column.features) for column in columns)
    needed, room = 8 * table.n_rows * features, free_memory() // 2
    if needed > room:
        widest = max(columns, key=lambda column: len(column.features))
        what = f"{table.n_rows} rows x {features} features need {needed / 2**20:.3g} MiB of memory"
        leave_out = f"Leave a column with many values out: --drop {shown(widest.name)}."
        hint = f"At most {room / 2**20:.3g} MiB may be used. {leave_out}"
        raise LimitError("DATA-TOO-LARGE", shown(table.name, 200), what, hint)


def _cells(table: Table, names: Sequence[str]) -> NDArray[np.object_]:
    cells = np.empty((table.n_rows, len(names)), object)
    for k, name in enumerate(names):
        cells[:, k] = table[name]
    return cells


def _unseen(cells: Values, encoded: NDArray[np.float64], name: str) -> list[Unseen]:
    """Return what cells hold a category that was not learned: all their features are 0."""
    strange = np.flatnonzero(~encoded.any(axis=1))
    if not strange.size:
        return []
    return [Unseen(name, int(strange.size), str(cells[strange[0]]), int(strange[0]) + 1)]
