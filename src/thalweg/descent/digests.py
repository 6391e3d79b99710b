"""What the blocks of a stream held when they were learned from: a fit that goes on finds out where others come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.blocks import Block, Blocks
from thalweg.descent.progress import Arrays, Progress
from thalweg.errors import DataError

Array = NDArray[Any]

# Up to so many words are looked at; of more, a piece of so many out of every so many pieces.
_FEW, _PIECE, _EVERY = 1 << 14, 64, 64


@final
class BlockDigests(Progress):
    """Digests of 64 bits of the blocks seen so far, by their numbers; held against those that were put back.

    Features, targets and weights count, as the kernels take them.

    Parameters
    ----------
    blocks : Blocks
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._known: list[int] = []
        self._seen: list[int] = []

    @property
    def knows(self) -> bool:
        """Whether there is something to hold blocks against."""
        return bool(self._known)

    def look(self, block: Block) -> None:
        """Take the digest of a block that is about to be learned from, or was.

        Raises
        ------
        DataError
            DATA-STREAM: it is not what it was.
        """
        number, found = block.first // self._blocks.size, digest(block.rows)
        if number < len(self._known) and self._known[number] != found:
            what = f"rows {block.first} to {block.first + block.rows.count - 1} are not what they were"
            hint = "The checkpoint is of a fit to what the stream gave before; remove it to begin anew."
            raise DataError("DATA-STREAM", self._blocks.name, what, hint)
        self._seen[number : number + 1] = [found]

    def take(self) -> Callable[[], dict[str, Array]]:
        """Copy the digests; halves of them are numbers that floats hold."""
        seen = np.array(self._seen, dtype=np.uint64)
        return lambda: {"digests": np.stack([seen >> np.uint64(32), seen & np.uint64(0xFFFFFFFF)], axis=1).astype("f8")}

    def put_back(self, arrays: Arrays) -> None:
        """Know the digests from now on; none, where a version wrote the file that took none."""
        halves = arrays.get("digests", np.zeros((0, 2)))
        if halves.ndim != 2 or halves.shape[1] != 2 or not ((halves >= 0) & (halves < 2**32)).all():
            raise ValueError("the digests of the stream are none")
        self._known = [int(high) << 32 | int(low) for high, low in halves]
        self._seen = list(self._known)


def digest(rows: Rows) -> int:
    """Return a digest of 64 bits of rows: see :mod:`thalweg.engine.digests`.

    Targets and weights count wholly, and so do features that are few. Of many a piece of 64 words out of 64 pieces is
    looked at: all of them would take a tenth of the time that learning from them takes.

    Examples
    --------
    >>> one, other = (Rows.of([[1.0], [number]], [3.0, 4.0]) for number in (2.0, 2.0 + 2**-51))
    >>> digest(one) == digest(one), digest(one) == digest(other)
    (True, False)
    """
    from thalweg.engine.digests import digest as compiled

    add, found = compiled(), np.uint64(0)
    for part in (rows.targets, rows.weights, rows.indptr):
        found = add(_words(part), np.uint64(found))
    for part in (rows.X, rows.values, rows.indices):
        words = _words(part)
        if words.size > _FEW:
            pieces = words[: words.size // (_PIECE * _EVERY) * (_PIECE * _EVERY)].reshape(-1, _EVERY, _PIECE)
            found = add(words[pieces.size :], np.uint64(found))
            words = np.ascontiguousarray(pieces[:, 0]).reshape(-1)
        found = add(words, np.uint64(found))
    return int(found)


def _words(array: Array) -> NDArray[np.uint64]:
    """Return the bytes of an array as words; a last one that is not whole is filled up with zeros."""
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return (raw if raw.size % 8 == 0 else np.concatenate([raw, np.zeros(-raw.size % 8, np.uint8)])).view(np.uint64)
