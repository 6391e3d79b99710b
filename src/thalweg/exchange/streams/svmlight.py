"""Files in the svmlight and libsvm format, read piece by piece with scikit-learn's reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np

from thalweg.descent.stream import Chunk, Stream
from thalweg.errors import DataError
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.source import Source, examine

# Bytes of the file that are read at a time.
_BYTES = 1 << 20


@final
class SvmlightStream(Stream):
    """Rows of an svmlight file: ``target column:value column:value ...``, as CSR.

    Parameters
    ----------
    path : Path
    n_features : int, optional
        Without it the file is read once for the largest column.
    zero_based : bool, optional
        Whether columns are counted from 0. Without it they are where column 0 occurs, for which the file is read once.
    """

    read_ahead = True

    def __init__(self, path: Path, n_features: int | None = None, *, zero_based: bool | None = None) -> None:
        self._source: Source = examine(path, any_ending=True)
        self.name = self._source.name
        if self._source.packed:
            raise DataError("FILE-FORMAT", self.name, "is packed; pieces of it cannot be read", "Unpack it first.")
        if n_features is None or zero_based is None:
            lowest, highest = self._columns_used()
            zero_based = lowest == 0 if zero_based is None else zero_based
            n_features = highest + zero_based if n_features is None else n_features
        self._n_features, self._zero_based = n_features, zero_based

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        self._source.check_unchanged()
        for X, y in self._pieces(self._n_features, self._zero_based):
            yield Chunk(X, y)
        self._source.check_unchanged()

    def _columns_used(self) -> tuple[int, int]:
        lowest, highest = 1, 0
        for X, _ in self._pieces(None, True):
            if X.nnz:
                lowest, highest = min(lowest, int(X.indices.min())), max(highest, int(X.indices.max()))
        return lowest, highest

    def _pieces(self, n_features: int | None, zero_based: bool) -> Iterator[tuple[Any, Any]]:
        from sklearn.datasets import load_svmlight_file

        with self._source.path.open("rb") as file:
            for offset in range(0, self._source.size, _BYTES):
                file.seek(0)
                try:
                    # Lines that begin behind the first byte of a piece, up to the one that goes over its last.
                    X, y = load_svmlight_file(
                        file,
                        n_features=n_features or self._source.size,
                        zero_based=zero_based,
                        offset=offset,
                        length=_BYTES,
                    )
                except (ValueError, IndexError) as error:
                    where = f"{self.name}, byte {offset} or later"
                    raise DataError("FILE-SVMLIGHT", where, shown(str(error), 120) or "is not svmlight") from error
                if X.shape[0]:
                    yield X, np.asarray(y)
