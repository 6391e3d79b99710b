"""Rows between the caller and the kernels: checked, and not laid out yet."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.blocks import Blocks

Array = NDArray[Any]


class Table(NamedTuple):
    """Checked rows, before they are laid out for the kernels: as the loss takes them, and as the caller has them."""

    X: Any
    targets: Array
    weights: Array | None
    y: Array
    sample_weight: Array | None
    stream: Blocks | Rows | None = None

    def close(self) -> None:
        """Let go of what was opened to look at the first rows."""
        if isinstance(self.stream, Blocks):
            self.stream.close()

    @property
    def length(self) -> int:
        """Number of rows; of a stream that goes on, where it is not known, any that is large."""
        return (self.stream.count or sys.maxsize) if isinstance(self.stream, Blocks) else len(self.targets)

    def laid_out(self, mean_weight: float | None) -> Rows:
        """Return the rows as runs take them; of a stream those of its first block."""
        if isinstance(self.stream, Blocks):
            return self.stream.first().rows
        dtype = str(self.targets.dtype)
        return self.stream or Rows.of(self.X, self.targets, self.weights, dtype, mean_weight=mean_weight)

    def rows(self, which: NDArray[np.intp]) -> Table:
        """Return some of the rows."""
        parts: Any = (None if part is None else part[which] for part in self[:5])
        return Table(*parts)
