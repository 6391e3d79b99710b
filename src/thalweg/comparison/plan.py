"""What is to be compared: every rule at every learning rate, from the same starts in the same orders of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from thalweg.comparison.variant import Variant
from thalweg.descent.models import Model
from thalweg.descent.settings import Settings, check_count
from thalweg.errors import LimitError, SettingError
from thalweg.formulas.formula import Rule
from thalweg.formulas.ranges import check_number

#: The automatic grid reaches from this many factors of ten below a rule's own rate to so many above it: rates in
#: papers are chosen for large networks and long runs.
BELOW, ABOVE = 1.5, 2.5
#: Rates that a grid gains at each growth, and how often it grows at most.
GROWTH, MOST_GROWTHS = 2, 3
_MOST_RUNS = 100_000


@final
@dataclass(frozen=True)
class Arm:
    """One rule at one learning rate; with a variant, one estimator at one learning rate.

    Attributes
    ----------
    name : str
        What the rule is called in tables; several arms of one rule share it.
    rule : Rule
        With all its numbers.
    learning_rate : float or None
        None for a rule without one.
    variant : Variant or None
        Model and settings of its own; None for those that all arms share.
    """

    name: str
    rule: Rule
    learning_rate: float | None
    variant: Variant | None = None

    def told(self, model: Model, settings: Settings) -> tuple[Model, Settings]:
        """Return the model and the settings of its runs: its own, else the shared ones given; with its rule."""
        if self.variant is not None:
            model, settings = self.variant.model, self.variant.settings
        return model, replace(settings, optimizer=self.rule)


@final
@dataclass(frozen=True)
class Grid:
    """Rates on a logarithmic scale around a rule's usual one: ``usual * 10**(step * k)`` to three digits.

    Attributes
    ----------
    usual, step : float
        Rate at k = 0; decades between neighbours.
    first, last : float
        The lowest and highest k; both fractions move by whole numbers when the grid grows.
    """

    usual: float
    step: float
    first: float
    last: float

    @classmethod
    def around(cls, rule: Rule, count: int) -> Grid:
        """Lay ``count`` rates around a rule's own learning rate.

        Examples
        --------
        >>> from thalweg.formulas.rules import adam
        >>> Grid.around(adam, 9).rates()
        [3.16e-05, 0.0001, 0.000316, 0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316]
        """
        step = (BELOW + ABOVE) / max(count - 1, 1)
        first = -BELOW / step if count > 1 else 0.0
        return cls(float(rule.learning_rate), step, first, first + count - 1)

    def rates(self) -> list[float]:
        """Return the rates, rising."""
        count = round(self.last - self.first) + 1
        return [float(f"{self.usual * 10 ** (self.step * (self.first + k)):.3g}") for k in range(count)]

    def grown(self, side: str) -> Grid:
        """Return the grid with :data:`GROWTH` more rates below (``"<"``) or above (``">"``)."""
        down, up = (GROWTH, 0) if side == "<" else (0, GROWTH)
        return Grid(self.usual, self.step, self.first - down, self.last + up)


@final
@dataclass(frozen=True)
class Plan:
    """Arms and seeds: a run for each pair. All arms see the same starts and orders under one seed.

    Attributes
    ----------
    arms : tuple of Arm
        The arms of one rule stand together, by rising learning rate.
    seeds : tuple of int
    grids : tuple of (str, Grid)
        Of each rule whose rates were laid out automatically; empty where the user named the rates.
    growths : int
        How often the grids have grown.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    grids: tuple[tuple[str, Grid], ...] = ()
    growths: int = 0

    @classmethod
    def of(
        cls,
        rules: Mapping[str, Rule],
        learning_rates: Sequence[float] | int | None = None,
        seeds: int | Sequence[int] = 5,
        variants: Mapping[str, Variant] | None = None,
    ) -> Plan:
        """Plan every rule at every rate.

        Parameters
        ----------
        rules : mapping of str to Rule
            By the names that tables show.
        learning_rates : sequence of float or int, optional
            The same for all rules; or how many each rule has around its own, see :class:`Grid`; nine without.
        seeds : int or sequence of int
            How many (they are 0, 1, 2 ...), or which.
        variants : mapping of str to Variant, optional
            What some of them bring along, by their names.

        Raises
        ------
        SettingError
            Nothing to compare, or a rate out of range.
        LimitError
            SETTING-TOO-MANY: more runs than anyone waits for.
        """
        chosen = tuple(range(check_count("seeds", seeds))) if isinstance(seeds, int) else _distinct(seeds)
        if not rules:
            raise SettingError("SETTING-EMPTY", "optimizers", "there is no rule to compare")
        rates: Sequence[float] | None = None
        count = 9
        if isinstance(learning_rates, int):
            count = check_count("learning_rates", learning_rates)
        elif learning_rates is not None:
            rates = sorted({check_number("learning_rates", rate, "(0, inf)") for rate in learning_rates})
            if not rates:
                raise SettingError("SETTING-EMPTY", "learning_rates", "there is no rate to try")
            count = len(rates)
        tried = [count if rule.has_learning_rate else 1 for rule in rules.values()]
        if sum(tried) * len(chosen) > _MOST_RUNS:
            what = f"{len(rules)} rules x up to {count} rates x {len(chosen)} seeds are {sum(tried) * len(chosen)} runs"
            raise LimitError("SETTING-TOO-MANY", "compare", what, f"At most {_MOST_RUNS} are made.")
        usual = [Arm(name, rule, None, (variants or {}).get(name)) for name, rule in rules.items()]
        if rates is not None:
            return cls(tuple(arm for one in usual for arm in _at(one, rates)), chosen)
        grids = {name: Grid.around(rule, count) for name, rule in rules.items() if rule.has_learning_rate}
        return cls._laid_out(usual, grids, chosen, 0)

    @classmethod
    def _laid_out(cls, usual: Iterable[Arm], grids: Mapping[str, Grid], seeds: tuple[int, ...], growths: int) -> Plan:
        arms = [arm for one in usual for arm in _at(one, grids[one.name].rates() if one.name in grids else [])]
        return cls(tuple(arms), seeds, tuple(grids.items()), growths)

    def grown(self, sides: Mapping[str, str]) -> Plan:
        """Return the plan with :data:`GROWTH` more rates for every rule that has one.

        Parameters
        ----------
        sides : mapping of str to {"<", ">"}
            Where the grid of each rule grows; all grow by as many, so that no rule has more tries than another.
        """
        usual = {arm.name: arm for arm in self.arms}.values()
        grids = {name: grid.grown(sides[name]) for name, grid in self.grids}
        return self._laid_out(usual, grids, self.seeds, self.growths + 1)

    @property
    def may_grow(self) -> bool:
        """Whether the grids may grow once more."""
        return bool(self.grids) and self.growths < MOST_GROWTHS

    def __len__(self) -> int:
        return len(self.arms) * len(self.seeds)

    def __iter__(self) -> Iterator[tuple[Arm, int]]:
        """Return the runs, all seeds of an arm together."""
        return ((arm, seed) for arm in self.arms for seed in self.seeds)

    @property
    def names(self) -> tuple[str, ...]:
        """The rules by name, each once, in order."""
        return tuple(dict.fromkeys(arm.name for arm in self.arms))

    def rates(self, name: str) -> tuple[float | None, ...]:
        """Return the rates at which one rule is tried, rising."""
        return tuple(arm.learning_rate for arm in self.arms if arm.name == name)


def _at(arm: Arm, rates: Sequence[float]) -> list[Arm]:
    """Return an arm at each rate."""
    if not arm.rule.has_learning_rate:
        return [arm]
    return [Arm(arm.name, arm.rule(learning_rate=rate), rate, arm.variant) for rate in rates]


def _distinct(seeds: Sequence[int]) -> tuple[int, ...]:
    if not len(seeds):
        raise SettingError("SETTING-EMPTY", "seeds", "there is no seed")
    return tuple(dict.fromkeys(check_count("seeds", seed, 0) for seed in seeds))
