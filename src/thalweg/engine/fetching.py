"""Rows on their way from memory before they are worked on.

In a shuffled order they come from anywhere: no processor guesses the next one, but the order is known. They are asked
for one by one while others are worked on, for a processor waits where more are asked for at once than it keeps track
of: 20 columns out of a block of 10 MB take 19 ns a row this way, 42 where a batch asks for all of the next one.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by their arguments.

from __future__ import annotations

from thalweg.engine.arithmetic import fetch, nested

# Cells of a table that is not in cache; cells in a line of memory, and of all lines of a row that are asked for: the
# processor follows along the rest of a long one by itself.
FAR, LINE, LINES = 1 << 18, 8, 64
# Rows between the one that is asked for and the one that is worked on.
AHEAD = 24


@nested
def fetch_row(X, targets, row):
    """Ask for a row and its target."""
    width = X.shape[1] if X.shape[1] < LINES else LINES
    start = row * X.shape[1]
    for at in range(start, start + width, LINE):
        fetch(X, at)
    fetch(X, start + width - 1)  # a row need not begin where a line does
    fetch(targets, row * targets.shape[1])


@nested
def fetch_ahead(X, targets, rows, i):
    """Ask for the row of a batch that is worked on some rows after the ``i``-th, where rows do not stay in cache."""
    if X.size > FAR and i + AHEAD < rows.size:
        fetch_row(X, targets, rows[i + AHEAD])


@nested
def fetch_first(X, targets, order, first, batch_size):
    """Ask for the first rows of the batch that begins at ``first``: nobody is ahead of them."""
    if X.size > FAR:
        last = first + (batch_size if batch_size < AHEAD else AHEAD)
        for k in range(first, last if last < order.size else order.size):
            fetch_row(X, targets, order[k])
