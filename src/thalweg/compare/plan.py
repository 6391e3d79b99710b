"""What is to be compared: every rule at every learning rate, from the same starts in the same orders of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from thalweg.descent.settings import check_count
from thalweg.errors import LimitError, SettingError
from thalweg.formulas.formula import Rule
from thalweg.formulas.ranges import check_number

#: Steps of the automatic grid around a rule's usual rate, in factors of the square root of ten.
GRID = range(-3, 6)
_MOST_RUNS = 100_000


@final
@dataclass(frozen=True)
class Arm:
    """One rule at one learning rate.

    Attributes
    ----------
    name : str
        What the rule is called in tables; several arms of one rule share it.
    rule : Rule
        With all its numbers.
    learning_rate : float or None
        None for a rule without one.
    """

    name: str
    rule: Rule
    learning_rate: float | None


@final
@dataclass(frozen=True)
class Plan:
    """Arms and seeds: a run for each pair. All arms see the same starts and orders under one seed.

    Attributes
    ----------
    arms : tuple of Arm
        The arms of one rule stand together, by rising learning rate.
    seeds : tuple of int
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, rules: Mapping[str, Rule], learning_rates: Sequence[float] | None = None, seeds: int = 3) -> Plan:
        """Plan every rule at every rate.

        Parameters
        ----------
        rules : mapping of str to Rule
            By the names that tables show.
        learning_rates : sequence of float, optional
            The same for all rules; without them each rule has nine around its own, see `usual_rates`.
        seeds : int
            How many; they are 0, 1, 2 ...

        Raises
        ------
        SettingError
            Nothing to compare, or a rate out of range.
        LimitError
            SETTING-TOO-MANY: more runs than anyone waits for.
        """
        check_count("seeds", seeds)
        if not rules:
            raise SettingError("SETTING-EMPTY", "optimizers", "there is no rule to compare")
        if learning_rates is not None and not len(learning_rates):
            raise SettingError("SETTING-EMPTY", "learning_rates", "there is no rate to try")
        for rate in learning_rates or ():
            check_number("learning_rates", rate, "(0, inf)")
        tried = [len(learning_rates or GRID) if rule.has_learning_rate else 1 for rule in rules.values()]
        if sum(tried) * seeds > _MOST_RUNS:
            what = f"{len(rules)} rules x up to {max(tried)} rates x {seeds} seeds are {sum(tried) * seeds} runs"
            raise LimitError("SETTING-TOO-MANY", "compare", what, f"At most {_MOST_RUNS} are made.")
        arms: list[Arm] = []
        for name, rule in rules.items():
            if not rule.has_learning_rate:
                arms.append(Arm(name, rule, None))
                continue
            rates = usual_rates(rule) if learning_rates is None else sorted(set(map(float, learning_rates)))
            arms += [Arm(name, rule(learning_rate=rate), rate) for rate in rates]
        return cls(tuple(arms), tuple(range(seeds)))

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


def usual_rates(rule: Rule) -> list[float]:
    """Return rates on a logarithmic scale around the rule's own, two to each factor of ten, to three digits.

    They reach further up than down: the usual rates are chosen for large networks and long runs.

    Examples
    --------
    >>> from thalweg.formulas.rules import adam
    >>> usual_rates(adam)
    [3.16e-05, 0.0001, 0.000316, 0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316]
    """
    usual = float(rule.learning_rate)
    return [float(f"{usual * math.sqrt(10) ** step:.3g}") for step in GRID]
