"""Soft thresholds of an l1 penalty that weights catch up with when they are looked at, instead of in every update.

A weight without a gradient is moved towards zero by ``rate * alpha`` in every update, and stays there once it has
arrived: so many of these steps are one step of their sum. With ``limit[k]`` the sum before update k of an epoch, a
weight w that was last moved before that, at a limit c, is ``level - limit[k]`` then, level being ``abs(w) + c``, or
zero (Duchi and Singer 2009, Efficient online and batch learning using forward backward splitting, Journal of Machine
Learning Research 10, on sparse data in many dimensions).

What the penalty costs before each update is asked for too. A weight costs ``level - limit[t]`` in the updates t from
the one after it was moved to the one that it is zero in, or is moved again: its level, and 1, are added where that
begins and taken away where it ends, and their running sums over the epoch are the cost of all weights.

A *book* holds that, (updates of an epoch + 2, 3) float64, a row for each update: the limit before it, and the numbers
of weights and the levels that begin with it less those that end.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by their arguments.

from __future__ import annotations

import numpy as np

from thalweg.engine.arithmetic import nested

# Columns of a book: what is looked up together stands together.
LIMIT, COUNT, LEVEL = range(3)


@nested
def first_at_zero(level, book, first, last):
    """Return the first update from ``first`` on whose limit reaches a level, as that before ``last`` does."""
    # Where the rate is the same all along the limits rise evenly, and this is where it is, or beside.
    risen = (level - book[first, LIMIT]) / (book[last, LIMIT] - book[first, LIMIT])
    guess = first + np.int64(risen * (last - first)) if risen > 0.0 else first
    if first < guess <= last and book[guess - 1, LIMIT] < level:
        first = guess
    if guess + 1 < last and book[guess + 1, LIMIT] >= level:
        last = guess + 1
    while first < last:
        middle = (first + last) // 2
        if book[middle, LIMIT] < level:
            first = middle + 1
        else:
            last = middle
    return first


@nested
def bring_to(theta, column, columns, book, since, k):
    """Bring a column's weights to what they are before update ``k``, and book what they cost up to that update.

    Parameters
    ----------
    theta : (features * columns + ...,)
    book : (updates + 2, 3) float64
        With the limits as far as ``k``.
    since : (features,) int64
        The update from which on a column's cost is not booked yet; moved to the one after ``k``.
    """
    begun = since[column]
    if begun > k:  # it stands twice in a batch
        return
    before = book[begun - 1, LIMIT] if begun > 0 else 0.0
    since[column] = k + 1
    for i in range(column * columns, (column + 1) * columns):
        weight = theta[i]
        if weight == 0:
            continue
        level = abs(float(weight)) + before
        end = k + 1
        if level > book[k, LIMIT]:
            left = theta.dtype.type(level - book[k, LIMIT])
            theta[i] = left if weight > 0 else -left
        else:
            end = first_at_zero(level, book, begun, k)
            theta[i] = theta.dtype.type(0)
        book[begun, COUNT] += 1.0
        book[begun, LEVEL] += level
        book[end, COUNT] -= 1.0
        book[end, LEVEL] -= level


@nested
def bring_all_to(theta, columns, book, since, k, strength, trace):
    """Bring all weights to what they are before update ``k``, add their costs to ``trace``, and start anew.

    Parameters
    ----------
    strength : float
        What the penalty multiplies the size of a weight by.
    trace : (at least k, 1) float64
        Mean losses of the updates since the limits were zero.
    """
    for column in range(since.size):
        bring_to(theta, column, columns, book, since, k)
        since[column] = 0
    count = total = 0.0
    for t in range(k):
        count += book[t, COUNT]
        total += book[t, LEVEL]
        trace[t, 0] += strength * (total - count * book[t, LIMIT])
    for t in range(k + 2):
        book[t, COUNT] = book[t, LEVEL] = 0.0
