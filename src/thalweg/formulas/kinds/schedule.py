"""The schedule: a factor for the learning rate over the epochs."""

from __future__ import annotations

import inspect
from typing import Any, final

import numpy as np

from thalweg.errors import FormulaError, SettingError
from thalweg.formulas.base import Array, Formula
from thalweg.formulas.ranges import check_number
from thalweg.formulas.trial import expect_arguments


@final
class Schedule(Formula):
    """A factor for the learning rate. Written ``f(t, **hyperparameters) -> factor``, ``t`` in epochs, an array.

    A hyperparameter ``total=None`` is the number of epochs of the run, filled in by :meth:`over`.

    Parameters
    ----------
    source : Source
        Text of the function; :func:`~thalweg.formulas.formula.schedule` reads it.
    ranges : mapping, optional
        Intervals of hyperparameters whose names are not standard.

    Raises
    ------
    FormulaError
        A function that fails on an array of times, or gives what is not finite.

    Examples
    --------
    >>> from thalweg.formulas.schedules import cosine
    >>> round(float(cosine.over(10).factor(5.0)), 6)
    0.5
    """

    kind = "schedule"

    def _check_signature(self, signature: inspect.Signature) -> None:
        expect_arguments(self, signature, ("t",), "def my_schedule(t, *, gamma=0.9): return gamma ** t")

    def _checked(self, name: str, value: Any) -> Any:
        if name == "total":
            return None if value is None else check_number(f"total of {self.name}", value, "(0, inf)")
        if isinstance(value, tuple | list):
            return tuple(check_number(f"{name} of {self.name}", v, self.ranges.get(name)) for v in value)
        return super()._checked(name, value)

    def _prepare(self) -> None:
        try:
            with np.errstate(all="ignore"):
                trial = self.over(4.0).factor(np.array([0.0, 0.5, 1.0, 2.25]))
        except (TypeError, ValueError) as error:
            if isinstance(error, FormulaError | SettingError):
                raise
            hint = "t is an array of times in epochs: write np.where(condition, a, b), not if."
            raise self._error("SCHEDULE-FAILS", f"the schedule fails on an array of times: {error}", hint) from None
        if not np.isfinite(trial).all():
            raise self._error(
                "SCHEDULE-FINITE", f"the factor is {trial[~np.isfinite(trial)][0]} at a time between 0 and 2.25 epochs"
            )

    @property
    def fingerprint(self) -> str:
        """What the formula computes, as text of its own."""
        return self.text

    def over(self, total: float) -> Schedule:
        """Return the schedule with ``total`` filled in, where it is left open."""
        return self(total=total) if "total" in self._numbers and self._numbers["total"] is None else self

    def factor(self, t: Any) -> Array:
        """Return the factor at times ``t`` (epochs elapsed), float64, shape of ``t``."""
        times = np.asarray(t, dtype=np.float64)
        return np.array(np.broadcast_to(self.formula(times, **self._numbers), times.shape), dtype=np.float64)

    def source(self, dtype: str = "float64") -> str:  # noqa: ARG002 - the same call for every kind
        """Return the text: a schedule is evaluated in NumPy, once per epoch."""
        return self.text
