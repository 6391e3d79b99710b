"""The numbers of a hypothesis: usual values first, then solved from the trajectory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.hypothesis import Hypothesis, shared_play
from thalweg.check.sharing import SharedPlay
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory, differences

Array = NDArray[Any]

SHARES = ("beta1", "beta2", "beta3", "momentum", "rho", "dampening", "nu", "rate_decay")
"""Numbers between 0 and 1 that are usually near 1: solved as the logarithm of what they lack."""

USUAL: dict[str, tuple[float, ...]] = {
    "beta1": (0.9, 0.95, 0.5, 0.98, 0.8, 0.99, 0.0),
    "beta2": (0.999, 0.99, 0.9, 0.95, 0.9999, 0.98, 0.5),
    "beta3": (0.99, 0.9999, 0.999, 0.9),
    "momentum": (0.9, 0.5, 0.99, 0.8, 0.95),
    "rho": (0.9, 0.99, 0.999, 0.95, 0.8, 0.5),
    "epsilon": (1e-8, 1e-7, 1e-6, 1e-10, 1e-5, 1e-3, 1e-16, 1e-12, 1e-4, 1e-15),
    "epsilon_root": (1e-8, 1e-16, 1e-6),
    "weight_decay": (0.01, 1e-4, 5e-4, 1e-3, 0.1, 0.05),
    "initial_accumulator": (0.0, 0.1, 1e-6, 1.0),
    "momentum_decay": (4e-3, 0.0, 1.0),
    "nu": (0.7, 0.9),
    "dampening": (0.9, 0.5, 0.1),
    "lr_decay": (0.01, 0.1, 1e-3),
    "rate_decay": (0.95, 0.99, 0.9, 0.999, 0.5),
    "epoch_length": (10.0, 5.0, 4.0, 8.0, 20.0),
    "shrinkage": (0.0, 0.1),
    "clip": (1.0, 5.0, 0.1, 10.0, 0.5),
    "max_norm": (5.0, 1.0, 0.5, 10.0, 2.0),
    "initial_step": (0.1, 0.01, 1e-3),
}
BELIEVED: dict[str, tuple[float, float]] = {
    "learning_rate": (1e-10, 1e4),
    "momentum": (0.0, 0.99999),
    "beta1": (0.0, 0.99999),
    "beta2": (0.5, 0.99999),
    "beta3": (0.5, 0.99999),
    "rho": (0.1, 0.99999),
    "epsilon": (1e-30, 1e-2),
    "epsilon_root": (1e-30, 1e-2),
    "alpha": (0.1, 100.0),
    "initial_accumulator": (0.0, 10.0),
    "weight_decay": (0.0, 2.0),
    "momentum_decay": (0.0, 1.0),
    "clip": (1e-3, 1e3),
    "max_norm": (1e-3, 1e3),
    "lr_decay": (1e-8, 10.0),
    "rate_decay": (0.1, 0.99999),
    "epoch_length": (2.0, 20.0),
    "eta_plus": (1.0, 10.0),
    "eta_minus": (0.01, 1.0),
    "nu": (0.05, 0.999),  # at 0 and 1 it is another rule
}
"""Where a number that was looked for may lie: an epsilon of a million makes any rule of another."""
SLOW, EXACT = 1e-4, 1e-12
"""Below which decay a rate that falls as 1 / (1 + t * decay) is believed only where nothing is left over."""
NORMAL = 1e-6
"""A limit of norms that is so near to 1 and was not told is a division by the norm."""
FEW = 3
"""How many usual values are tried of each number where many hypotheses are screened."""
MOST = 600
"""How many settings are played at once."""
CLEAR = 100
"""How many times larger than its rounding a move has to be for a ratio."""
GLANCE = 2
"""How many steps thousands of hypotheses are glanced at."""
TOGETHER = 1000
"""How many settings of hypotheses are compared at once."""
PREFIX = 6
"""How many steps settings are screened on: the first rates, and the first that differ."""


ROUNDS = 20
"""Of solving, on each number of steps."""
STARTS = 4
"""From how many of the best usual settings the numbers of a plain rule are solved."""
STAGES = (2, 4, 8)
"""Numbers are solved on so many steps first: what is wrong after two steps hides everything later."""
HOPELESS = 0.05
"""Disagreement on the first steps above which a hypothesis with its best numbers is given up."""
SIGNS = ("signum", "lion")
"""Rules whose moves do not change a little when a number does."""
FINE = tuple(float(x) for x in np.round(1 - np.geomspace(0.9, 1e-3, 60), 4))
"""On which their shares are looked for."""


@final
@dataclass(frozen=True)
class Fit:
    """A hypothesis with numbers, and how well it does.

    Parameters
    ----------
    hypothesis : Hypothesis
    numbers : mapping
        All its hyperparameters.
    disagreement : float
        Mean relative difference of moves, each counted as at most 1: for ranking what does not fit.
    residual : float
        Largest relative difference.
    """

    hypothesis: Hypothesis
    numbers: Mapping[str, float]
    disagreement: float
    residual: float


@final
@dataclass(frozen=True, eq=False)
class _Opening:
    """What statements read before the first step, with how many settings, and whether the rate is one of them."""

    scope: dict[str, Any]
    rows: int
    free_rate: bool


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """What was observed, and what is known beforehand.

    Parameters
    ----------
    trajectory : Trajectory
        What the code did.
    tape : Tape
        On which gradients.
    known : mapping
        Hyperparameters by role, such as ``{"learning_rate": 0.01}``.
    where : ndarray of int, optional
        The coordinates of the tape that the trajectory has; all when None.
    """

    trajectory: Trajectory
    tape: Tape
    known: Mapping[str, float]
    where: Array | None = None

    @cached_property
    def moves_at_once(self) -> bool:
        """Whether anything moves at the first step by more than rounding."""
        return bool(np.any(np.abs(self.trajectory.moves[0]) > CLEAR * self.trajectory.noise[0]))

    def on(self, where: Array, known: Mapping[str, float] | None = None) -> Evidence:
        """Return what was observed of some coordinates alone, with other numbers known if they are given."""
        return Evidence(self.trajectory.at(where), self.tape, self.known if known is None else known, where)

    @property
    def tolerance(self) -> float:
        """Residual up to which an explanation holds; float32 rounds moments and corrections a thousand times more."""
        return 1e-6 if self.trajectory.unit < 1e-12 else 3e-3

    @cached_property
    def _shared(self) -> SharedPlay:
        """What many hypotheses have in common on the first steps."""
        return shared_play(self.tape)

    def _moves(self, hypothesis: Hypothesis, numbers: Mapping[str, Any], steps: int | None = None) -> Array:
        """Play a hypothesis and return the moves of the coordinates that were observed."""
        shared = self._shared if steps is not None and steps <= PREFIX else None
        moves = hypothesis.moves(numbers, self.tape, steps, shared)
        return moves if self.where is None else moves[..., self.where]

    def fit(self, hypothesis: Hypothesis, numbers: Mapping[str, float], steps: int | None = None) -> Fit:
        """Play a hypothesis with numbers over some or all steps."""
        moves = self._moves(hypothesis, numbers, steps)
        apart = differences(moves, self.trajectory)
        return Fit(hypothesis, numbers, float(np.minimum(apart, 1).mean()), float(apart.max()))

    def screen(self, hypothesis: Hypothesis, *, few: bool) -> list[Fit]:
        """Find the best of the usual numbers on the first steps; of many settings several, for solving to start at."""
        fixed, free = self.split(hypothesis)
        prefix = self.tape.steps if hypothesis.rule in SIGNS and not few else min(PREFIX, self.tape.steps)
        if not free:
            return [self.fit(hypothesis, fixed, prefix)]
        settings = _settings(hypothesis, [n for n in free if n != "learning_rate"], few=few)
        columns: dict[str, Any] = {**fixed, **settings}
        if "learning_rate" in free:
            columns["learning_rate"] = self._rates(hypothesis, columns)
        apart = differences(self._moves(hypothesis, columns, prefix), self.trajectory)
        apart = apart.reshape(-1, *apart.shape[-2:])
        disagreement = np.minimum(apart, 1).mean(axis=(-2, -1))
        fits = []
        for row in np.argsort(disagreement)[: 1 if few else STARTS]:
            numbers = {n: float(v) if np.ndim(v) == 0 else float(v[row, 0]) for n, v in columns.items()}
            fits.append(Fit(hypothesis, numbers, float(disagreement[row]), float(apart[row].max())))
        return fits

    def glances(self, hypotheses: Sequence[Hypothesis], steps: int = GLANCE) -> list[float]:
        """Return how far each is from what was seen of the first one or two steps, as if moves grew with the rate.

        That is the disagreement of the best usual numbers.
        """
        found = [np.inf] * len(hypotheses)
        waiting: dict[tuple[int, bool], list[tuple[int, list[Array], float]]] = {}
        for index, hypothesis in enumerate(hypotheses):
            opening = self._opening(hypothesis)
            with np.errstate(all="ignore"):
                thetas = hypothesis.opened(opening.scope, self.tape, steps, self._shared)
            key = opening.rows, opening.free_rate
            waiting.setdefault(key, []).append((index, thetas, hypothesis.book.numbers.get("learning_rate", 1.0)))
            if len(waiting[key]) * opening.rows >= TOGETHER:
                self._compare(waiting.pop(key), *key, found)
        for key, batch in waiting.items():
            self._compare(batch, *key, found)
        return found

    def _compare(
        self, batch: list[tuple[int, list[Array], float]], rows: int, free_rate: bool, found: list[float]
    ) -> None:
        """Compare many hypotheses with what was seen at once, each played with so many settings."""
        thetas = np.empty((len(batch), rows, len(batch[0][1]), self.tape.size))
        for place, (_, path, _) in enumerate(batch):
            for step, theta in enumerate(path):
                thetas[place, :, step] = theta
        with np.errstate(all="ignore"):
            moves = thetas[..., 1:, :] - thetas[..., :-1, :]
            moves = moves if self.where is None else moves[..., self.where]
            if free_rate:
                usual = np.array([rate for _, _, rate in batch])[:, np.newaxis, np.newaxis]
                moves = moves * self._ratio(moves, usual)[..., np.newaxis]
        disagreements = np.minimum(differences(moves, self.trajectory), 1).mean(axis=(-2, -1)).min(axis=-1)
        for (index, _, _), disagreement in zip(batch, disagreements, strict=True):
            found[index] = float(disagreement)

    def _opening(self, hypothesis: Hypothesis) -> _Opening:
        """Return with what a hypothesis is glanced at; the same for all of a rule that bring no numbers or memory."""
        key = hypothesis.rule, hypothesis.bringing
        if key not in self._openings:
            fixed, free = self.split(hypothesis)
            columns = _settings(hypothesis, [n for n in free if n != "learning_rate"], few=True)
            rows = max((len(column) for column in columns.values()), default=1)
            rate = {"learning_rate": 1.0} if "learning_rate" in free else {}
            scope = hypothesis.scope({**fixed, **columns, **rate}, self.tape, self._shared)
            self._openings[key] = _Opening(scope, rows, bool(rate))
        return self._openings[key]

    @cached_property
    def _openings(self) -> dict[tuple[str, tuple[str, ...]], _Opening]:
        return {}

    def split(self, hypothesis: Hypothesis) -> tuple[dict[str, float], list[str]]:
        """Return the numbers that are known, and the names of those that are not."""
        fixed = {n: float(self.known[n]) for n in hypothesis.numbers if n in self.known}
        return fixed, [n for n in hypothesis.numbers if n not in fixed]

    def _rates(self, hypothesis: Hypothesis, columns: Mapping[str, Any]) -> Array | float:
        """Return the learning rate that each setting needs."""
        usual = hypothesis.numbers["learning_rate"]
        median = self._ratio(self._moves(hypothesis, {**columns, "learning_rate": 1.0}, 2), np.float64(usual))
        return median if median.ndim == 2 else float(median[0])

    def _ratio(self, moves: Array, usual: Array | np.float64) -> Array:
        """Return the median ratio of what was seen to two steps at a rate of 1, at the first of them that moves.

        Where there is none, it is the usual rate.
        """
        seen = self.trajectory.moves[:2]
        clear = np.abs(seen) > CLEAR * self.trajectory.noise[:2]
        row = 0 if self.moves_at_once else 1
        with np.errstate(all="ignore"):
            ratio = seen[row] / moves[..., row, :]
        ratio = np.where(clear[row] & np.isfinite(ratio) & (ratio > 0), ratio, np.nan)
        size = np.sort(ratio, axis=-1)  # what is no number comes last
        count = np.isfinite(size).sum(axis=-1, keepdims=True)
        median: Array = np.take_along_axis(size, np.maximum((count - 1) // 2, 0), axis=-1)
        return np.where(count > 0, median, usual)

    def solve(self, start: Fit) -> Fit:
        """Improve the unknown numbers of a fit until its residual is nothing, or they move no more.

        Levenberg and Marquardt's method on relative differences of moves, in the logarithms of rates and epsilons and
        of what shares lack to 1, on more and more steps: all slopes of a round are played at once.
        """
        hypothesis = start.hypothesis
        free = [n for n in self.split(hypothesis)[1] if _solvable(n, start.numbers[n])]
        best = self.fit(hypothesis, start.numbers)
        if not free or best.residual <= self.tolerance:
            return best
        numbers = dict(best.numbers)
        for steps in (*(n for n in STAGES if n < self.tape.steps), self.tape.steps):
            numbers = self._solved(hypothesis, numbers, free, steps)
            if self.fit(hypothesis, numbers, steps).disagreement > HOPELESS:
                return best
        solved = self.fit(hypothesis, numbers)
        return self._rounded(solved, free) if solved.residual <= self.tolerance else min(best, solved, key=_rank)

    def _solved(
        self, hypothesis: Hypothesis, numbers: Mapping[str, float], free: list[str], steps: int
    ) -> dict[str, float]:
        """Return numbers with the free ones solved on the first steps."""
        x = np.array([_to_line(n, numbers[n]) for n in free])
        error = self._errors(hypothesis, numbers, free, x[np.newaxis], steps)[0]
        damping = 1e-3
        for _ in range(ROUNDS):
            shifted = x + 1e-6 * np.eye(len(free))
            slopes = (self._errors(hypothesis, numbers, free, shifted, steps) - error) / 1e-6
            square, pull = slopes @ slopes.T, slopes @ error
            dampings = damping * np.array([1e-3, 0.1, 10.0, 1e3])
            scales = np.diag(np.diag(square) + 1e-12)
            moves = np.stack([np.linalg.lstsq(square + d * scales, -pull, rcond=None)[0] for d in dampings])
            tried = x + np.clip(moves, -3, 3)
            errors = self._errors(hypothesis, numbers, free, tried, steps)
            sizes = (errors**2).sum(axis=1)
            k = int(np.argmin(sizes))
            before = float((error**2).sum())
            if not sizes[k] < before:
                break
            x, error, damping = tried[k], errors[k], float(np.clip(dampings[k], 1e-12, 1e3))
            if sizes[k] > before * (1 - 1e-4) or sizes[k] < 1e-24:
                break
        return {**numbers, **{n: _from_line(n, v) for n, v in zip(free, x, strict=True)}}

    def believed(self, fit: Fit) -> bool:
        """Whether an explanation holds with numbers that somebody would write."""
        if fit.residual > self.tolerance:
            return False
        free = self.split(fit.hypothesis)[1]
        # The tape's norms are large: what is clipped at every step is as long as the rate says, whatever the limit.
        if "max_norm" in free and ("learning_rate" in free or abs(fit.numbers["max_norm"] - 1) < NORMAL):
            return False
        # A rate that falls so slowly does so in every form alike, but for what is left to tell them apart.
        if "lr_decay" in free and fit.numbers["lr_decay"] < SLOW and fit.residual > EXACT:
            return False
        ranges = ((fit.numbers[n], BELIEVED[n]) for n in free if n in BELIEVED)
        return all(low <= value <= high for value, (low, high) in ranges)

    def _errors(
        self, hypothesis: Hypothesis, numbers: Mapping[str, float], free: list[str], x: Array, steps: int
    ) -> Array:
        """Return the signed relative differences of moves for rows of transformed numbers: (rows, steps * n)."""
        columns = {n: np.array([[_from_line(n, v)] for v in x[:, k]]) for k, n in enumerate(free)}
        moves = self._moves(hypothesis, {**numbers, **columns}, steps)
        seen, noise = self.trajectory.moves[:steps], self.trajectory.noise[:steps]
        with np.errstate(all="ignore"):
            gap = moves - seen
            size = np.maximum(np.abs(moves), np.abs(seen))
            relative = np.where(np.abs(gap) > noise, gap / size, 0.0)
        relative = np.where(np.isfinite(relative), relative, 0.0)
        return np.broadcast_to(relative, (len(x), *seen.shape)).reshape(len(x), -1)

    def _rounded(self, fit: Fit, free: list[str]) -> Fit:
        """Give numbers the fewest digits with which the explanation holds as well."""
        for digits in (2, 4, 6, 8):
            rounded = {n: _brief(n, fit.numbers[n], digits) for n in free}
            made = self.fit(fit.hypothesis, {**fit.numbers, **rounded})
            if made.residual <= self.tolerance:
                return made
        return fit


def _rank(fit: Fit) -> float:
    return fit.disagreement


def _settings(hypothesis: Hypothesis, free: list[str], *, few: bool) -> Mapping[str, Array]:
    """Return columns of usual values: every combination, of fewer values where there would be too many."""
    needed = frozenset(name for v in hypothesis.variations for name in v.numbers)
    return _columns(tuple((n, hypothesis.numbers[n]) for n in free), needed, hypothesis.rule in SIGNS, few)


@cache
def _columns(
    free: tuple[tuple[str, float], ...], needed: frozenset[str], signs: bool, few: bool
) -> Mapping[str, Array]:
    if not free:
        return {}
    choices = []
    for name, default in free:
        usual = dict.fromkeys((default, *USUAL.get(name, ())))
        if signs and name in SHARES and not few:
            usual |= dict.fromkeys(FINE)
        values = [v for v in usual if v != 0 or name not in needed]
        choices.append(values[:FEW] if few else values)
    most = len(FINE) ** 2 if signs else MOST
    while math.prod(len(c) for c in choices) > most:
        longest = max(range(len(choices)), key=lambda k: len(choices[k]))
        choices[longest] = choices[longest][:-1]
    rows = np.array(list(product(*choices)), dtype=np.float64).reshape(-1, len(free))
    return {name: rows[:, k : k + 1] for k, (name, _) in enumerate(free)}


def _solvable(name: str, value: float) -> bool:
    return (0 <= value < 1) if name in SHARES else value > 0


def _to_line(name: str, value: float) -> float:
    return math.log(1 - value) if name in SHARES else math.log(value)


def _from_line(name: str, x: float) -> float:
    return 1 - math.exp(min(x, 0.0)) if name in SHARES else math.exp(min(max(x, -700.0), 700.0))


def _brief(name: str, value: float, digits: int) -> float:
    """Round to significant digits; of shares, the digits of what is lacking to 1."""
    if name in SHARES:
        return float(f"{1 - float(f'{1 - value:.{digits}g}'):.12g}")
    return float(f"{value:.{digits}g}")
