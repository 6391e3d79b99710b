"""Learning rates that a comparison should have tried: beyond an edge, below all, or between two."""

from __future__ import annotations

import math
from collections.abc import Sequence

from thalweg.comparison.results import Results
from thalweg.comparison.summary import Standing

#: Where a grid is continued, neighbours are this factor apart.
_STEP = math.sqrt(10)
# Where there is no end to be seen, a list of rates stops here.
_MOST_RATES = 40


def wider(results: Results, edged: Sequence[Standing]) -> str:
    """Return rates for ``--learning-rates`` that go on where the edges are."""
    plan = results.plan
    if not plan.grids:
        rates = sorted({rate for name in plan.names for rate in plan.rates(name) if rate is not None})
        if any(s.edge == "<" for s in edged):
            step = rates[1] / rates[0]
            rates = [rates[0] / step**2, rates[0] / step, *rates]
        if any(s.edge == ">" for s in edged):
            step = rates[-1] / rates[-2]
            rates = [*rates, rates[-1] * step, rates[-1] * step**2]
        return _written(rates)
    low, high = math.inf, 0.0
    for name in plan.names:
        tried = [rate for rate in plan.rates(name) if rate is not None]
        if tried:  # the middle of its grid is a rule's usual scale
            low, high = min(low, math.sqrt(tried[0] * tried[-1]) / 10), max(high, math.sqrt(tried[0] * tried[-1]) * 10)
    for standing in edged:
        rate = standing.learning_rate or 1.0
        low, high = (
            min(low, rate / (100 if standing.edge == "<" else 1)),
            max(high, rate * (100 if standing.edge == ">" else 1)),
        )
    return _spread(low, high)


def lower(results: Results) -> str:
    """Return rates below all that were tried."""
    least = min((rate for arm in results.plan.arms if (rate := arm.learning_rate) is not None), default=1.0)
    return _spread(least / 1e4, least / _STEP)


def finer(results: Results, best: Standing) -> str:
    """Return the rates tried, with one more below the best rule's."""
    rates = sorted({rate for arm in results.plan.arms if (rate := arm.learning_rate) is not None})
    rate = best.learning_rate or 1.0
    below = max((r for r in rates if r < rate), default=rate / 10)
    return _written(sorted({*rates, math.sqrt(below * rate)}))


def _spread(low: float, high: float) -> str:
    steps = min(max(1, math.ceil(math.log(high / low) / math.log(_STEP) - 1e-9)), _MOST_RATES)
    first = 10 ** (math.floor(2 * math.log10(low) + 1e-9) / 2)
    return _written([first * _STEP**k for k in range(steps + 1)])


def _written(rates: Sequence[float]) -> str:
    return ",".join(f"{rate:.3g}" for rate in rates)
