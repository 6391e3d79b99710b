"""What can be gone through in chunks: files larger than memory, arrays on disk, Arrow, iterators of chunks.

`opening` tells what a source is; `tabular` turns record batches into chunks, which come from
`files` and `capsule`; `arrays`, `given` and `svmlight` read the rest; `prepared` standardises and encodes columns.
"""

from __future__ import annotations

from thalweg.exchange.streams.opening import stream

__all__ = ["stream"]
