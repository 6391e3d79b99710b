"""What a run reads: rows of features, targets and weights, dense or CSR, in the form the kernels take."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thalweg.errors import DataError, SettingError

Array = NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Rows ready for the kernels: one dtype, C order, features dense or CSR.

    Attributes
    ----------
    X : ndarray (n, features)
        Dense features; (0, features) when the rows are CSR.
    values, indices, indptr : ndarray
        CSR: entries, columns (int32), row starts (int64); empty when dense.
    targets : ndarray (n, outputs)
    weights : ndarray (n,) or (0,)
        Of mean 1: a batch's objective is the mean over its rows of weight times loss, which a small batch estimates
        without bias. Empty for equal weights.
    """

    X: Array
    targets: Array
    weights: Array
    values: Array = field(repr=False)
    indices: Array = field(repr=False)
    indptr: Array = field(repr=False)

    @classmethod
    def of(
        cls,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        dtype: str = "float64",
        *,
        mean_weight: float | None = None,
    ) -> Rows:
        """Lay arrays out for the kernels, copying only what is not so laid out already.

        Parameters
        ----------
        X : array_like (n, features) or SciPy sparse
            A sparse matrix or array of another format is made CSR.
        y : array_like (n,) or (n, outputs)
        sample_weight : array_like (n,), optional
        dtype : {"float64", "float32"}
        mean_weight : float > 0, optional
            What the weights are measured against; their own mean without, so that the objective is their weighted
            mean. For rows out of a longer stream, the mean weight of the stream.

        Raises
        ------
        SettingError
            Another dtype.
        DataError
            What is no table of numbers, weights below 0 or not finite, another number of targets or weights than rows,
            or a CSR that points outside itself: the kernels go where they are sent.

        Examples
        --------
        >>> rows = Rows.of([[1, 2], [3, 4], [5, 6]], [0.5, 1.5, 2.5])
        >>> rows.count
        3
        """
        if dtype not in ("float64", "float32"):
            raise SettingError("SETTING-DTYPE", "dtype", f"must be float64 or float32, got {dtype!r}")
        targets = _numbers("y", y, dtype)
        targets = targets if targets.ndim == 2 else np.reshape(targets, (-1, 1))
        sparse = _is_sparse(X)
        table: Any = X.tocsr() if sparse else _numbers("X", X, dtype)
        if table.ndim != 2:
            raise DataError("DATA-SHAPE", "X", f"must have rows and columns, has shape {table.shape}")
        weights = np.empty(0, dtype)
        if sample_weight is not None:
            sample_weight = _numbers("sample_weight", sample_weight)
            if not (np.isfinite(sample_weight).all() and np.min(sample_weight, initial=0.0) >= 0):
                raise DataError("DATA-WEIGHTS", "sample_weight", "must be finite and >= 0")
            mean = WeightSum().add(sample_weight).mean if mean_weight is None else mean_weight
            weights = np.ascontiguousarray(sample_weight / (mean or 1.0), dtype=dtype)
        for where, given in (("y", targets), ("sample_weight", weights)):
            if given.shape[0] != table.shape[0] and (where == "y" or sample_weight is not None):
                raise DataError("DATA-ROWS", where, f"has {given.shape[0]} rows, X has {table.shape[0]}")
        if not sparse:
            none = np.empty(0, dtype)
            return cls(table, targets, weights, none, np.empty(0, np.int32), np.empty(0, np.int64))
        try:
            table.check_format(full_check=True)
        except ValueError as error:
            raise DataError("DATA-SPARSE", "X", f"is no valid CSR: {error}") from None
        values = np.ascontiguousarray(table.data, dtype=dtype)
        indices = np.ascontiguousarray(table.indices, dtype=np.int32)
        indptr = np.ascontiguousarray(table.indptr, dtype=np.int64)
        return cls(np.empty((0, table.shape[1]), dtype), targets, weights, values, indices, indptr)

    def some(self, which: NDArray[np.int64] | slice) -> Any:
        """Return the features of some rows, an ndarray or SciPy CSR (m, features)."""
        if not self.csr:
            return self.X[which]
        from scipy.sparse import csr_array

        return csr_array((self.values, self.indices, self.indptr), shape=(self.count, self.X.shape[1]))[which]

    def features(self) -> Any:
        """Return the features as an array, or as CSR of SciPy; they are not copied."""
        return self.some(slice(None))

    @property
    def csr(self) -> bool:
        """Whether the features are CSR."""
        return self.indptr.size > 0

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.targets.shape[0])

    @cached_property
    def dtype(self) -> str:
        """``"float64"`` or ``"float32"``."""
        return str(self.targets.dtype)


class WeightSum:
    """The sum of the weights of rows, added up over blocks of fixed numbers of them: how they came does not show.

    Examples
    --------
    >>> WeightSum().add(np.array([1.0, 2.0])).add(np.array([6.0])).mean
    3.0
    """

    _BLOCK = 1 << 16

    def __init__(self) -> None:
        self._total, self._rows = 0.0, 0
        self._waiting: list[Array] = []
        self._many = 0

    def add(self, weights: Array) -> WeightSum:
        """Add the weights of the next rows, and return the sum."""
        self._waiting.append(weights)
        self._many += len(weights)
        self._rows += len(weights)
        if self._many >= self._BLOCK:
            joined = np.concatenate(self._waiting)
            whole = len(joined) // self._BLOCK * self._BLOCK
            for first in range(0, whole, self._BLOCK):
                self._total += float(np.sum(joined[first : first + self._BLOCK], dtype=np.float64))
            self._waiting, self._many = [joined[whole:].copy()], len(joined) - whole
        return self

    @property
    def mean(self) -> float:
        """Their mean; nan of none."""
        rest = float(np.sum(np.concatenate(self._waiting), dtype=np.float64)) if self._many else 0.0
        return (self._total + rest) / self._rows if self._rows else float("nan")


def _is_sparse(X: Any) -> bool:
    if isinstance(X, np.ndarray):
        return False
    from scipy.sparse import issparse

    return bool(issparse(X))


def _numbers(where: str, given: ArrayLike, dtype: str | None = None) -> Array:
    """Return an array of numbers in C order: the one given, where it is that already."""
    try:
        array = np.ascontiguousarray(given, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError("DATA-NUMBERS", where, f"is no array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise DataError("DATA-NUMBERS", where, f"is no array of numbers but of {array.dtype}")
    return array
