"""Soft thresholds of an l1 penalty that weights catch up with when they are looked at, instead of in every update.

A weight without a gradient is moved towards zero by ``rate * alpha`` in every update, and stays there once it has
arrived: so many of these steps are one step of their sum. With ``limits[k]`` the sum before update k of an epoch, a
weight w that was last moved before that with limit c is ``level - limits[k]`` then, level being ``abs(w) + c``, or zero
(Langford, Li and Zhang 2009, Sparse online learning via truncated gradient, section 5; with the sum of their gravity).

What the penalty costs before each update is asked for too. A weight costs ``level - limits[t]`` in the updates t from
the one after it was moved to the one that it is zero in, or is moved again: the level and the weight's number are added
where that begins, and taken away where it ends, and running sums over the epoch are the cost of all weights.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by their arguments.

from __future__ import annotations

from thalweg.engine.arithmetic import nested


@nested
def first_at_zero(level, limits, first, last):
    """Return the first update from ``first`` on whose limit reaches a level; ``last`` where none before it does."""
    while first < last:
        middle = (first + last) // 2
        if limits[middle] < level:
            first = middle + 1
        else:
            last = middle
    return first


@nested
def bring_to(theta, column, columns, limits, since, counts, levels, k):
    """Bring a column's weights to what they are before update ``k``, and book what they cost up to that update.

    Parameters
    ----------
    theta : (features * columns + ...,)
    limits : (updates + 1,) float64
        Sums of the thresholds before each update, as far as ``k``.
    since : (features,) int64
        The update from which on a column's cost is not booked yet; moved to the one after ``k``.
    counts, levels : (updates + 1,) float64
        What begins, and ends, with each update.
    """
    begun = since[column]
    if begun > k:  # it stands twice in a batch
        return
    before = limits[begun - 1] if begun > 0 else 0.0
    since[column] = k + 1
    for i in range(column * columns, (column + 1) * columns):
        weight = theta[i]
        if weight == 0:
            continue
        level = abs(float(weight)) + before
        end = k + 1
        if level > limits[k]:
            left = theta.dtype.type(level - limits[k])
            theta[i] = left if weight > 0 else -left
        else:
            end = first_at_zero(level, limits, begun, k)
            theta[i] = theta.dtype.type(0)
        counts[begun] += 1.0
        counts[end] -= 1.0
        levels[begun] += level
        levels[end] -= level


@nested
def bring_all_to(theta, columns, limits, since, counts, levels, k, strength, trace):
    """Bring all weights to what they are before update ``k``, add their costs to ``trace``, and start anew.

    Parameters
    ----------
    strength : float
        What the penalty multiplies the size of a weight by.
    trace : (at least k, 1) float64
        Mean losses of the updates since the limits were zero.
    """
    for column in range(since.size):
        bring_to(theta, column, columns, limits, since, counts, levels, k)
        since[column] = 0
    count = total = 0.0
    for t in range(k):
        count += counts[t]
        total += levels[t]
        trace[t, 0] += strength * (total - count * limits[t])
    for t in range(k + 2):
        counts[t] = levels[t] = 0.0
