"""Functions of arrays: ``step(theta, g, ...) -> theta``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory

RATES = ("learning_rate", "lr", "alpha", "eta")


@final
@dataclass(frozen=True, kw_only=True)
class ArrayFunction(Subject):
    """A function ``f(theta, g) -> theta``."""

    function: Callable[..., Any]
    rate_name: str = ""

    @staticmethod
    def of(
        function: Callable[..., Any],
        *,
        rule: str | None,
        numbers: Mapping[str, float],
        rate_name: str | None,
        source: Source | None,
    ) -> ArrayFunction:
        """Read the signature."""
        parameters = inspect.signature(function).parameters
        rate = rate_name or next((n for n in parameters if n in RATES), "")
        default = parameters[rate].default if rate in parameters else None
        moves = isinstance(default, float)
        known = {"learning_rate": float(default), **numbers} if isinstance(default, float) else dict(numbers)
        name = getattr(function, "__name__", type(function).__name__)
        return ArrayFunction(
            name=name, hint=rule, numbers=known, source=source, moves_rate=moves, function=function, rate_name=rate
        )

    def play(self, tape: Tape) -> Trajectory:
        """Call the function once per step."""
        theta = tape.theta0.copy()
        thetas = [theta.copy()]
        for g, factor in zip(tape.gradients, tape.rates, strict=True):
            moved = {self.rate_name: self.numbers["learning_rate"] * factor} if self.moves_rate else {}
            try:
                with np.errstate(all="ignore"):
                    theta = np.array(self.function(theta, g.copy(), **moved), dtype=np.float64)
            except Exception as failure:  # noqa: BLE001 - whatever strangers' code may raise
                raise CannotRun(f"{type(failure).__name__}: {failure}") from None
            thetas.append(theta.copy())
        return Trajectory(np.stack(thetas))
