"""What a run reads: rows of features, targets and weights, dense or CSR, in the form the kernels take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import DataError, SettingError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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
        X: Array | csr_array,
        y: Array,
        sample_weight: Array | None = None,
        dtype: str = "float64",
        *,
        mean_weight: float | None = None,
    ) -> Rows:
        """Lay arrays out for the kernels, copying only what is not so laid out already.

        Parameters
        ----------
        X : ndarray (n, features) or scipy CSR
        y : ndarray (n,) or (n, outputs)
        sample_weight : ndarray (n,), optional
        dtype : {"float64", "float32"}
        mean_weight : float > 0, optional
            What the weights are measured against; their own mean without, so that the objective is their weighted
            mean. For rows out of a longer stream, the mean weight of the stream.

        Raises
        ------
        SettingError
            Another dtype.
        DataError
            Weights below 0 or not finite, another number of targets or weights than rows, or a CSR that points outside
            itself: the kernels go where they are sent.
        """
        if dtype not in ("float64", "float32"):
            raise SettingError("SETTING-DTYPE", "dtype", f"must be float64 or float32, got {dtype!r}")
        targets = np.ascontiguousarray(y if np.ndim(y) == 2 else np.reshape(y, (-1, 1)), dtype=dtype)
        weights = np.empty(0, dtype)
        if sample_weight is not None:
            if not (np.isfinite(sample_weight).all() and np.min(sample_weight, initial=0.0) >= 0):
                raise DataError("DATA-WEIGHTS", "sample_weight", "must be finite and >= 0")
            mean = float(np.mean(sample_weight, dtype=np.float64)) if mean_weight is None else mean_weight
            weights = np.ascontiguousarray(np.asarray(sample_weight) / (mean or 1.0), dtype=dtype)
        for where, given in (("y", targets), ("sample_weight", weights)):
            if given.shape[0] != X.shape[0] and (where == "y" or sample_weight is not None):
                raise DataError("DATA-ROWS", where, f"has {given.shape[0]} rows, X has {X.shape[0]}")
        if isinstance(X, np.ndarray):
            none = np.empty(0, dtype)
            dense = np.ascontiguousarray(X, dtype=dtype)
            return cls(dense, targets, weights, none, np.empty(0, np.int32), np.empty(0, np.int64))
        try:
            X.check_format(full_check=True)
        except ValueError as error:
            raise DataError("DATA-SPARSE", "X", f"is no valid CSR: {error}") from None
        values = np.ascontiguousarray(X.data, dtype=dtype)
        indices = np.ascontiguousarray(X.indices, dtype=np.int32)
        indptr = np.ascontiguousarray(X.indptr, dtype=np.int64)
        return cls(np.empty((0, X.shape[1]), dtype), targets, weights, values, indices, indptr)

    @property
    def csr(self) -> bool:
        """Whether the features are CSR."""
        return self.indptr.size > 0

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.targets.shape[0])

    @property
    def dtype(self) -> str:
        """``"float64"`` or ``"float32"``."""
        return str(self.targets.dtype)
