r"""What a few seeds and a few rows can tell: intervals for differences between rules, and the price of tuning.

**Seeds.** There are 3 to 10 seeds and up to 30 rules, and the rule that all others are held against was chosen by its
losses, so that it looks better than it is. Resampling the seeds themselves fails here: five values cannot show how far
the differences of 28 rules reach. Shares of comparisons of equal rules in which *all* intervals held (28 rules, 5
seeds, independent normal losses; 95 % is wanted):

==============================================================  ====
max-\|t\| bootstrap of the seeds, differences with the best     0.02
the same, its quantile carried over from the normal to t        0.45
the same over all pairs                                         0.63
Student's t, Sidak's correction for 27 differences              0.84
Student's t, Sidak's correction for all 378 pairs               0.98
the bootstrap below                                             0.95
==============================================================  ====

The bootstrap below is parametric and studentised: each draw is a comparison of equal rules with independent normal
losses, in which the best is chosen anew and each difference has a standard error of its own. Where rules are equal its
intervals cover as they promise, and more where rules differ, run in families, or vary unequally (2,000 comparisons
each, uncertain by 0.01):

====== ====== ============ =========== ============== ======== ======= ============
rules  seeds  independent  same noise  unequal noise  families skewed  heavy tails
====== ====== ============ =========== ============== ======== ======= ============
2      3      0.96         0.96        0.96           0.97     0.98    0.96
2      5      0.95         0.96        0.96           0.96     0.97    0.97
2      10     0.95         0.95        0.95           0.95     0.96    0.97
2      30     0.96         0.95        0.95           0.96     0.95    0.97
5      3      0.97         0.96        0.97           0.95     0.98    0.97
5      5      0.96         0.95        0.96           0.96     0.98    0.97
5      10     0.96         0.96        0.97           0.96     0.98    0.97
5      30     0.96         0.95        0.98           0.96     0.97    0.98
28     3      0.95         0.96        0.98           0.98     0.98    0.99
28     5      0.95         0.96        0.99           0.99     0.98    0.99
28     10     0.96         0.94        0.99           0.99     0.99    0.99
28     30     0.96         0.96        0.99           0.99     0.98    0.99
====== ====== ============ =========== ============== ======== ======= ============

Choosing the best and then comparing with it is Hsu's problem. His intervals promise that the true best is in the first
group; these promise as well that equal rules are not told apart, which costs width.

**Rows.** Another validation part would have chosen other rules. On 8 random splits of each of three small tables
(diabetes, breast cancer, airfoil noise; 9 rates, 5 seeds), intervals over seeds alone made a claim that the other
splits turn round in 7 to 57 % of the comparisons of 10 or 28 rules; two thirds of all their claims were wrong. The
validation and the test part are two samples of rows: how far they disagree about a difference measures what rows do to
it. The half-width of rows is the median disagreement over the rules, or a rule's own where that is more, times the
quantile of a bootstrap of its own. With it 0 to 4 % of the comparisons of 2, 3, 5, 10 and 28 rules made a wrong claim;
in simulations of equal rules whose losses vary by rows alone, by seeds alone, or by both alike, at most 5 %. The price
is power where rules are few: two rules are told apart only where both parts say nearly the same.

References
----------
Efron and Tibshirani (1993), An Introduction to the Bootstrap, sections 6.5 and 12.5.
Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals of Statistics
12(3).
Westfall and Young (1993), Resampling-Based Multiple Testing (max |t|).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Share of comparisons in which all intervals hold together.
LEVEL = 0.95
#: Differences below this share of the loss at the start are rounding.
ROUNDING = 1e-6
#: From so many seeds on the quantile of the bootstrap hardly falls, and more are proposed to nobody.
MOST_SEEDS = 30
# Draws of the bootstrap, and the most numbers it draws.
_DRAWS, _MOST = 4000, 4_000_000
_KEY = 0x7468616C776567
# Median of the absolute value of a standard normal number.
_MEDIAN = NormalDist().inv_cdf(0.75)


@final
@dataclass(frozen=True)
class Intervals:
    """Differences of all rules from one of them, with what seeds and rows may add or take.

    Attributes
    ----------
    mean : ndarray (rules,)
        Mean over seeds of the loss less that of the best under the same seed; 0 for the best itself.
    seeds, rows : ndarray (rules,)
        Half-widths: of the bootstrap over seeds (infinite with one seed), and of the rows (0 where unknown).
    """

    mean: Floats
    seeds: Floats
    rows: Floats

    @property
    def half(self) -> Floats:
        """Half-widths of both together: the two are independent, so their squares add."""
        return np.hypot(self.seeds, self.rows)

    @property
    def low(self) -> Floats:
        """Lower ends; a rule is told apart from the best where this is above 0."""
        return self.mean - self.half

    @property
    def high(self) -> Floats:
        """Upper ends."""
        return self.mean + self.half


def intervals(
    losses: Floats,
    best: int,
    *,
    other: Floats | None = None,
    share: float = 0.5,
    rounding: float = 0.0,
    family: int = 0,
) -> Intervals:
    """Compare all rules with the best, seed by seed; all intervals hold together in 95 % of such comparisons.

    Parameters
    ----------
    losses : ndarray (rules, seeds)
        Finite; a column is one seed, which all rules share.
    best : int
        The row that the others are compared with, chosen because it was the best.
    other : ndarray (rules, seeds), optional
        The same runs on other rows of the table, by which the effect of rows is measured.
    share : float in (0, 1)
        Rows of `other` among the rows of both: the part of their disagreement that `losses` are to blame for.
    rounding : float
        The least half-width.
    family : int
        Rules in the whole comparison, where these are some of them.

    Returns
    -------
    Intervals

    Examples
    --------
    >>> losses = np.array([[1.0, 1.1, 0.9, 1.0], [3.1, 3.0, 2.9, 3.2]])
    >>> found = intervals(losses, 0)
    >>> bool(found.low[1] > 0), round(float(found.mean[1]), 3)
    (True, 2.05)
    """
    rules, seeds = losses.shape
    family = max(family, rules)
    differences = losses - losses[best]
    mean = differences.mean(axis=1)
    if seeds > 1 and family > 1:
        error = differences.std(axis=1, ddof=1) / math.sqrt(seeds)
        half = critical_value(family, seeds) * error
    else:
        half = np.full(rules, math.inf)
    half = np.maximum(half, rounding)
    half[best] = 0.0
    by_rows = np.zeros(rules)
    if other is not None and rules > 1:
        disagreement = np.abs((other - other[best]).mean(axis=1) - mean)
        usual = float(np.median(np.delete(disagreement, best))) / _MEDIAN
        by_rows = disagreement_value(family) * math.sqrt(share) * np.maximum(usual, disagreement)
    by_rows[best] = 0.0
    return Intervals(mean, half, by_rows)


@lru_cache(maxsize=64)
def critical_value(rules: int, seeds: int) -> float:
    """Return how many standard errors the differences of equal rules from the seemingly best of them reach.

    Parameters
    ----------
    rules, seeds : int
        Two or more of both; from 30 seeds on the value for 30 serves, which is a little too large.

    Returns
    -------
    float
        Quantile of max |t| over draws, raised by twice its own Monte Carlo error so that it is not below.
        Infinite for one rule or one seed.

    Examples
    --------
    >>> [round(critical_value(28, seeds)) for seeds in (3, 5, 10, 30)]
    [40, 11, 6, 4]
    """
    if rules < 2 or seeds < 2:
        return math.inf
    seeds = min(seeds, MOST_SEEDS)
    draws = max(500, min(_DRAWS, _MOST // (rules * seeds)))
    losses = np.random.Generator(np.random.Philox(_KEY)).standard_normal((seeds, rules, draws))
    # the mean of draws is known to be 0: only sums over the few seeds are taken, over contiguous draws
    best = losses.sum(axis=0).argmin(axis=0)
    losses -= np.take_along_axis(losses, best[None, None, :], axis=1)
    mean = losses.mean(axis=0)
    losses -= mean
    variance = np.einsum("srd,srd->rd", losses, losses) / (seeds - 1)
    np.put_along_axis(variance, best[None, :], 1.0, axis=0)  # the difference of the best from itself is 0
    largest = np.sqrt((mean * mean / variance).max(axis=0) * seeds)
    return float(np.quantile(largest, _raised(draws)))


def _raised(draws: int) -> float:
    """Return the level, raised by twice the Monte Carlo error of so many draws."""
    return LEVEL + 2 * math.sqrt(LEVEL * (1 - LEVEL) / draws)


@lru_cache(maxsize=64)
def disagreement_value(rules: int) -> float:
    """Return how far differences on one part of the rows reach, in units of how far two parts disagree about them.

    The bootstrap of :func:`critical_value` where nothing but the rows makes rules unequal: each draw has two parts of
    the same size, and the best is chosen on the one that is not looked at.

    Examples
    --------
    >>> [round(disagreement_value(rules), 1) for rules in (2, 5, 28)]
    [7.1, 3.6, 3.5]
    """
    draws = min(_DRAWS, _MOST // rules)
    here, there = np.random.Generator(np.random.Philox(_KEY)).standard_normal((2, draws, rules))
    best = there.argmin(axis=1)[:, None]
    here -= np.take_along_axis(here, best, axis=1)
    there -= np.take_along_axis(there, best, axis=1)
    others = np.arange(rules) != best
    difference = here[others].reshape(draws, rules - 1)
    disagreement = np.abs(difference - there[others].reshape(draws, rules - 1))
    usual = np.median(disagreement, axis=1, keepdims=True) / _MEDIAN
    largest = (np.abs(difference) / np.maximum(usual, disagreement)).max(axis=1) * math.sqrt(2)
    return float(np.quantile(largest, _raised(draws)))


def seeds_needed(difference: float, deviation: float, rules: int) -> int | None:
    """Return how many seeds would tell a difference apart, were it to stay as it is; None beyond 30.

    Parameters
    ----------
    difference, deviation : float
        Mean and standard deviation over seeds of the difference from the best.
    rules : int

    Examples
    --------
    >>> seeds_needed(1.0, 0.5, 28)
    10
    """
    for seeds in (3, 5, 7, 10, 15, 20, MOST_SEEDS):
        if critical_value(rules, seeds) * deviation / math.sqrt(seeds) < difference:
            return seeds
    return None


def expected_best(finals: Floats, untrained: float = math.inf) -> Floats:
    r"""Return the loss to expect from the best of k rates tried, k = 1 ... n: what tuning costs.

    Rates are drawn from those tried, none twice, so that nothing is assumed about their distribution:

    .. math:: E_k = \sum_i \binom{n - i}{k - 1} L_{(i)} \Big/ \binom{n}{k}

    over the sorted losses; the last is the best of all.

    Parameters
    ----------
    finals : ndarray (n,)
        Final loss at each rate; infinite where it diverged.
    untrained : float
        Loss before training. A trial that ended above it, or diverged, leaves whoever made it with the untrained model,
        and counts as that.

    Returns
    -------
    ndarray (n,)
        Not rising.

    References
    ----------
    Dodge, Gururangan, Card, Schwartz, Smith (2019), Show Your Work: Improved Reporting of Experimental Results, EMNLP,
    arXiv:1909.03004, where draws are with replacement; without it the estimate is unbiased: Tang et al.
    (2020), Showing Your Work Doesn't Always Work, ACL, arXiv:2004.13705.

    Examples
    --------
    >>> expected_best(np.array([3.0, 1.0, np.inf]), untrained=5.0).round(3)
    array([3.   , 1.667, 1.   ])
    """
    losses = np.sort(np.minimum(np.nan_to_num(finals, nan=math.inf, posinf=math.inf), untrained))
    n = len(losses)
    expected = np.empty(n)
    for k in range(1, n + 1):
        ways = np.array([math.comb(n - i, k - 1) for i in range(1, n - k + 2)], dtype=np.float64)
        expected[k - 1] = losses[: len(ways)] @ (ways / math.comb(n, k))
    return expected
