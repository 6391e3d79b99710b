"""The penalty on a weight, and the proximal step that it may have."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self, final

import numpy as np

from thalweg.errors import SettingError
from thalweg.formulas import loops
from thalweg.formulas.base import Array, Formula
from thalweg.formulas.language import check
from thalweg.formulas.source import read
from thalweg.formulas.trial import TRIAL, expect_arguments, expect_derivative, expect_two_outputs, try_on_arrays


@final
class Penalty(Formula):
    """A penalty on a weight. Written ``f(w, **hyperparameters) -> value, derivative``; it may have a proximal step.

    Parameters
    ----------
    source : Source
        Text of the function; :func:`~thalweg.formulas.formula.penalty` reads it.
    ranges : mapping, optional
        Intervals of hyperparameters whose names are not standard.
    proximal : Source, optional
        Text of the proximal step; :meth:`proximal` reads it.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line.

    Examples
    --------
    >>> from thalweg.formulas.penalties import l1
    >>> float(l1(alpha=0.5).proximal_step(np.array([2.0]), 1.0)[0])
    1.5
    """

    kind = "penalty"

    def _check_signature(self, signature: inspect.Signature) -> None:
        expect_arguments(self, signature, ("w",), "def my_penalty(w, *, alpha=1e-4): return value, derivative")

    def _prepare(self) -> None:
        self._program = check(self._source)
        expect_two_outputs(self, "value, derivative")
        try_on_arrays(self, TRIAL)
        expect_derivative(self)
        self._proximal: _Proximal | None = None
        declared = self._options.get("proximal")
        if declared is not None:
            self._proximal = _Proximal(declared, self._own_ranges)

    def proximal(self, function: Callable[..., Any]) -> Self:
        """Declare the proximal step ``f(w, step, **hyperparameters) -> w`` as a decorator, and return the penalty.

        It minimises ``(x - w)**2 / 2 + step * penalty(x)`` over x.
        """
        made = type(self)(self._source, self._own_ranges, **{**self._options, "proximal": read(function)})
        step = made._proximal
        if step is not None and set(step.hyperparameters) != set(self._numbers):
            names = ", ".join(self._numbers)
            raise step._error("PENALTY-PROXIMAL", f"the proximal step takes the penalty's hyperparameters: {names}")
        return made

    @property
    def has_proximal(self) -> bool:
        """Whether a proximal step is declared."""
        return self._proximal is not None

    def value(self, w: Array) -> Array:
        """Return the penalty per weight."""
        return np.asarray(self.formula(w, **self._numbers)[0])

    def derivative(self, w: Array) -> Array:
        """Return the derivative per weight (0 at a kink)."""
        return np.asarray(self.formula(w, **self._numbers)[1])

    def proximal_step(self, w: Array, step: float) -> Array:
        """Return the minimiser of ``(x - w)**2 / 2 + step * penalty(x)`` for every weight."""
        if self._proximal is None:
            raise SettingError("PENALTY-PROXIMAL", self.name, "has no proximal step")
        return np.asarray(self._proximal.formula(w, float(step), **self._numbers))

    @property
    def fingerprint(self) -> str:
        """What penalty and proximal step compute, as SHA-256."""
        return self._program.fingerprint + (self._proximal.fingerprint if self._proximal else "")

    def kernel_text(self, dtype: str) -> tuple[str, str]:
        """Return name and text of the native loop that adds the slope to the gradient."""
        return loops.penalty_text(self._program, dtype)

    def proximal_text(self, dtype: str) -> tuple[str, str]:
        """Return name and text of the native proximal step."""
        if self._proximal is None:
            raise SettingError("PENALTY-PROXIMAL", self.name, "has no proximal step")
        return loops.proximal_text(self._proximal._program, dtype)

    def source(self, dtype: str = "float64") -> str:
        """Return the native loop as text."""
        return self.kernel_text(dtype)[1]


@final
class _Proximal(Formula):
    kind = "proximal step"
    scalar_arguments = ("step",)

    def _check_signature(self, signature: inspect.Signature) -> None:
        expect_arguments(self, signature, ("w", "step"), "def my_step(w, step, *, alpha=1e-4): return w")

    def _defaults(self, signature: inspect.Signature) -> dict[str, Any]:
        # The numbers come from the penalty; the proximal step only names them.
        names = [n for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY]
        return dict.fromkeys(names, 0.5)

    def _prepare(self) -> None:
        self._program = check(self._source, self.scalar_arguments)
        try_on_arrays(self, TRIAL, 0.5)
