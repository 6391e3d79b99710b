"""The softmax loss over whole rows: the native twin of :func:`thalweg.formulas.losses.softmax`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from thalweg.engine.elementary import exp


def softmax(targets, scores, rows, weights, factor, hyper, slopes, sums):
    """Cross-entropy of softmax, row by row: the native twin of :func:`thalweg.formulas.losses.softmax`."""
    outputs = targets.shape[1]
    for i in range(scores.shape[0]):
        weight = weights[rows[i]] if weights.size > 0 else scores.dtype.type(1)
        size = scores.dtype.type(weight * factor)
        for lane in range(sums.size):
            first = lane * outputs
            top = scores[i, first]
            for k in range(1, outputs):
                top = max(top, scores[i, first + k])
            total = scores.dtype.type(0)
            mass = scores.dtype.type(0)
            expected = scores.dtype.type(0)
            for k in range(outputs):
                exponential = exp(scores[i, first + k] - top)
                slopes[i, first + k] = exponential
                total += exponential
                mass += targets[rows[i], k]
                expected += targets[rows[i], k] * (scores[i, first + k] - top)
            sums[lane] += np.float64(weight) * np.float64(mass * np.log(total) - expected)
            for k in range(outputs):
                slopes[i, first + k] = (mass * slopes[i, first + k] / total - targets[rows[i], k]) * size
