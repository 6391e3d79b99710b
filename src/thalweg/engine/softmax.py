"""The softmax loss over whole rows: the native twin of :func:`thalweg.formulas.losses.softmax`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from thalweg.engine.elementary import exp, log1p


def softmax(targets, scores, rows, weights, factor, hyper, slopes, sums):
    """Cross-entropy of softmax, row by row: the native twin of :func:`thalweg.formulas.losses.softmax`."""
    outputs = targets.shape[1]
    zero, one = scores.dtype.type(0), scores.dtype.type(1)
    for i in range(scores.shape[0]):
        for lane in range(sums.size):
            first = lane * outputs
            top = scores[i, first]
            for k in range(1, outputs):
                top = max(top, scores[i, first + k])
            for k in range(outputs):
                slopes[i, first + k] = scores[i, first + k] - top
    flat = slopes.reshape(slopes.size)
    for i in range(scores.shape[0]):
        weight = weights[rows[i]] if weights.size > 0 else one
        for lane in range(sums.size):
            first = lane * outputs
            mass = expected = zero
            for k in range(outputs):
                mass += targets[rows[i], k]
                expected += targets[rows[i], k] * slopes[i, first + k]
            sums[lane] -= np.float64(weight) * np.float64(expected)
    for cell in range(flat.size):  # one long loop, so that it vectorises whole
        flat[cell] = exp(flat[cell])
    for i in range(scores.shape[0]):
        weight = weights[rows[i]] if weights.size > 0 else one
        size = scores.dtype.type(weight * factor)
        for lane in range(sums.size):
            first = lane * outputs
            # The formula's own way: what the largest leaves is summed apart, so that a sure and right answer keeps its
            # small loss and slope.
            best = -1
            rest = mass = zero
            for k in range(outputs):
                if best < 0 and slopes[i, first + k] == one:
                    best = k
                else:
                    rest += slopes[i, first + k]
                mass += targets[rows[i], k]
            total = one + rest
            sums[lane] += np.float64(weight) * np.float64(mass * log1p(rest))
            for k in range(outputs):
                share = slopes[i, first + k]
                others = rest if k == best else total - share
                truth = targets[rows[i], k]
                slopes[i, first + k] = ((mass - truth) * share - truth * others) / total * size
