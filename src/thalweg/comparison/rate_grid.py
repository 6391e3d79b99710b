"""The rates that a range test tries: where they lie, where they grow, and which of them leaves the lowest loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.rate_trials import Budget, Trial
from thalweg.descent.batches import Rows
from thalweg.descent.divergence import large_values
from thalweg.descent.models import Linear, Model
from thalweg.descent.settings import Settings
from thalweg.errors import DivergedError, SettingError

Floats = NDArray[np.float64]

#: Rates in each factor of ten.
PER_DECADE = 6
#: Factors of ten that the first grid reaches to either side of the rule's own rate, for linear models and networks.
REACH, NETWORK_REACH = 4, 3
#: Networks are tried at every so many rates first, then at those around the best.
COARSE = 3
#: A best rate this near to an end makes the grid grow there by so many rates, and so often at most.
NEAR, GROWTH, MOST_GROWTHS = 2, 2 * PER_DECADE, 3
#: The loss at a rate is smoothed over its neighbours, with weights that fall linearly to 0 at so many rates away,
#: before the best is chosen: among rates so large that they hover there are lucky ones. With 27 rules on diabetes,
#: airfoil, breast_cancer, wine and iris the mean share of what training gains that was lost fell from 1.35 % to 1.09 %.
SMOOTH = 4
#: A rate counts as stable while it leaves the loss on its own rows above that of the start by no more than this share.
SLACK = 0.05


@final
class RateGrid:
    """Losses at the rates ``usual * 10 ** (k / PER_DECADE)`` tried so far.

    ``feature_names`` are for what is said of rows that no rate can learn from; without them columns go by number.

    Attributes
    ----------
    found : dict of int to ndarray (3, seeds)
        By k, what :meth:`thalweg.comparison.rate_trials.Trial.losses` gives.
    """

    def __init__(
        self,
        model: Model,
        rows: Rows,
        settings: Settings,
        seeds: int,
        updates: int | None,
        random_state: object,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        from thalweg.engine import streams

        root = streams.seed_sequence(random_state)
        self.model, self.rows, self.settings, self.feature_names = model, rows, settings, feature_names
        self.usual = float(settings.optimizer.learning_rate)
        self.linear = isinstance(model, Linear)
        tried = 2 * REACH * PER_DECADE if self.linear else 2 * NETWORK_REACH * PER_DECADE // COARSE
        self.budget = Budget.of(model, rows, settings, tried * seeds, updates)
        self.trials = [Trial(model, rows, settings, self.budget, root, seed) for seed in range(seeds)]
        self.found: dict[int, Floats] = {}

    def fill(self) -> int:
        """Try rates until the best of them stands between others, and return where that is.

        Raises
        ------
        DivergedError
            No rate leaves a finite loss: the column, or the target, that is too large is named.
        """
        reach, stride = (REACH, 1) if self.linear else (NETWORK_REACH, COARSE)
        self.try_out(range(-reach * PER_DECADE, reach * PER_DECADE + 1, stride))
        for _ in range(MOST_GROWTHS):
            first, last, best = min(self.found), max(self.found), self.best()
            if best is None or best - first <= NEAR:
                self.try_out(range(first - GROWTH, first, stride))
            elif last - best <= NEAR:
                self.try_out(range(last + stride, last + GROWTH + 1, stride))
            else:
                break
        best = self.best()
        if best is None:
            what = f"{self.settings.optimizer.name} diverged at every rate from {self.rate(min(self.found)):.3g} on"
            scale = large_values(self.rows, self.feature_names) or ["Standardise the columns, or bound the gradient."]
            raise DivergedError("DIVERGED", "learning_rate", what, "\n".join(scale))
        first, last = min(self.found), max(self.found)
        self.try_out(range(max(first, best - COARSE), min(last, best + COARSE) + 1))
        finer = self.best()
        return best if finer is None else finer

    def try_out(self, places: Sequence[int]) -> None:
        """Train at rates that were not tried before, and that the rule allows."""
        new = [k for k in places if k not in self.found and self.allows(self.rate(k))]
        if not new:
            return
        rates = np.array([self.rate(k) for k in new])
        losses = np.stack([trial.losses(rates) for trial in self.trials], axis=1)  # (3, seeds, rates)
        self.found |= {k: losses[:, :, at] for at, k in enumerate(new)}

    def allows(self, rate: float) -> bool:
        """Tell whether a rate is in the range that the rule declares."""
        try:
            self.settings.optimizer(learning_rate=rate)
        except SettingError:
            return False
        return True

    def rate(self, place: float) -> float:
        """Return a rate to three digits."""
        return float(f"{self.usual * 10 ** (place / PER_DECADE):.3g}")

    def best(self, when: int = 1) -> int | None:
        """Return where the smoothed loss is lowest; None where no rate has a finite one."""
        smooth = self.smoothed(when)
        lowest = min(sorted(smooth), key=lambda k: smooth[k])
        return lowest if math.isfinite(smooth[lowest]) else None

    @np.errstate(over="ignore")  # a mean that is too large is infinite
    def smoothed(self, when: int) -> dict[int, float]:
        """Return the mean over seeds at each place, smoothed over its neighbours; infinite where a run diverged.

        Where a neighbour does harm, or was not tried, the one on the other side does not count either: the best rate
        may stand at the edge of what is stable.
        """
        means = {k: float(losses[when].mean()) for k, losses in self.found.items()}
        start = self.start()
        smooth = {}
        for k, own in means.items():
            bound = max(own, start)
            total, weight = SMOOTH * own, float(SMOOTH)
            for distance in range(1, SMOOTH):
                left, right = means.get(k - distance, math.inf), means.get(k + distance, math.inf)
                if left <= bound and right <= bound:
                    total += (SMOOTH - distance) * (left + right)
                    weight += 2 * (SMOOTH - distance)
            smooth[k] = total / weight if math.isfinite(own) else math.inf
        return smooth

    def start(self) -> float:
        """Return the mean over seeds of the loss on the rows held out, before any update."""
        return float(np.mean([trial.start[0] for trial in self.trials]))

    def vertex(self, when: int, place: int) -> float:
        """Return where the parabola through the smoothed losses at a place and at its neighbours is lowest."""
        smooth = self.smoothed(when)
        left, middle, right = (smooth.get(k, math.inf) for k in (place - 1, place, place + 1))
        bend = left - 2 * middle + right
        return place + (left - right) / (2 * bend) if math.isfinite(bend) and bend > 0 else float(place)

    def largest_stable(self, places: Sequence[int]) -> float:
        """Return the last rate before the first that did harm; nan where the first did."""
        starts = np.array([trial.start[1] for trial in self.trials])
        bound = starts + SLACK * np.abs(starts)
        last = math.nan
        for k in places:
            if not (self.found[k][2] <= bound).all():
                break
            last = self.rate(k)
        return last
