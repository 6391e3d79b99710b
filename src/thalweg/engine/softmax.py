"""The softmax loss over whole rows: the native twin of :func:`thalweg.formulas.losses.softmax`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from thalweg.engine.arithmetic import flat
from thalweg.engine.elementary import exp, log1p


def softmax(targets, scores, rows, weights, factor, hyper, slopes, sums):
    """Cross-entropy of softmax, row by row: the native twin of :func:`thalweg.formulas.losses.softmax`."""
    outputs = targets.shape[1]
    zero, one = scores.dtype.type(0), scores.dtype.type(1)
    if outputs == 1:  # the only class is right: no loss and no slope, or nan where a score is not finite
        for i in range(scores.shape[0]):
            for lane in range(sums.size):
                slopes[i, lane] = scores[i, lane] - scores[i, lane]
                sums[lane] += np.float64(slopes[i, lane])
        return
    for i in range(scores.shape[0]):
        row = rows[i]
        weight = weights[row] if weights.size > 0 else one
        for lane in range(sums.size):
            first = lane * outputs
            top, best = scores[i, first], 0
            for k in range(1, outputs):
                score = scores[i, first + k]
                larger = score > top
                top = score if larger else top
                best = k if larger else best
            mass = expected = zero
            for k in range(outputs):
                below = scores[i, first + k] - top
                slopes[i, first + k] = below
                truth = targets[row, k]
                mass += truth
                expected += truth * below
            sums[lane] -= np.float64(weight) * np.float64(expected)
            scores[i, first], scores[i, first + 1] = best, mass  # the scores are used up
    cells = flat(slopes)
    for cell in range(cells.size):  # one long loop, so that it vectorises whole
        cells[cell] = exp(cells[cell])
    used = flat(scores)
    for i in range(scores.shape[0]):
        row = rows[i]
        size = scores.dtype.type((weights[row] if weights.size > 0 else one) * factor)
        for lane in range(sums.size):
            first = lane * outputs
            best, mass = int(scores[i, first]), scores[i, first + 1]
            # The formula's own way: what the largest leaves is summed apart, so that a sure and right answer keeps its
            # small loss and slope. The largest's own share is one, or nan where a score is infinite.
            rest = slopes[i, first + best] - one
            for k in range(outputs):
                share = slopes[i, first + k]
                rest += zero if k == best else share
            total = one + rest
            part = size / total
            for k in range(outputs):
                share = slopes[i, first + k]
                others = rest if k == best else total - share
                truth = targets[row, k]
                slopes[i, first + k] = ((mass - truth) * share - truth * others) * part
            place = 2 * (i * sums.size + lane)  # never beyond what was read: a row has two scores or more
            used[place], used[place + 1] = rest, mass
    for place in range(0, 2 * scores.shape[0] * sums.size, 2):
        used[place] = used[place + 1] * log1p(used[place])
    for i in range(scores.shape[0]):
        weight = np.float64(weights[rows[i]] if weights.size > 0 else one)
        for lane in range(sums.size):
            sums[lane] += weight * np.float64(used[2 * (i * sums.size + lane)])
