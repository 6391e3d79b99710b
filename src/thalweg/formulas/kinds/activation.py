"""The activation: what a unit makes of its input."""

from __future__ import annotations

import inspect
from typing import final

import numpy as np

from thalweg.formulas import loops
from thalweg.formulas.base import Array, Formula
from thalweg.formulas.language import check
from thalweg.formulas.trial import TRIAL, expect_arguments, expect_derivative, expect_two_outputs, try_on_arrays


@final
class Activation(Formula):
    """What a unit makes of its input. Written ``f(z, **hyperparameters) -> value, derivative``.

    Parameters
    ----------
    source : Source
        Text of the function; :func:`~thalweg.formulas.formula.activation` reads it.
    ranges : mapping, optional
        Intervals of hyperparameters whose names are not standard.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line.

    Examples
    --------
    >>> from thalweg.formulas.activations import leaky_relu
    >>> float(leaky_relu(slope=0.25).value(np.array([-2.0]))[0])
    -0.5
    """

    kind = "activation"

    def _check_signature(self, signature: inspect.Signature) -> None:
        expect_arguments(self, signature, ("z",), "def my_activation(z, *, slope=0.1): return value, derivative")

    def _prepare(self) -> None:
        self._program = check(self._source)
        expect_two_outputs(self, "value, derivative")
        try_on_arrays(self, TRIAL)
        expect_derivative(self)

    def value(self, z: Array) -> Array:
        """Return the activation, shape and dtype of ``z``."""
        with np.errstate(all="ignore"):
            return np.asarray(self.formula(z, **self._numbers)[0])

    def derivative(self, z: Array) -> Array:
        """Return the derivative, shape and dtype of ``z``."""
        with np.errstate(all="ignore"):
            return np.asarray(self.formula(z, **self._numbers)[1])

    def source(self, dtype: str = "float64") -> str:
        """Return the native loops, forward and backward, as text."""
        return loops.forward_text((self._program,), dtype)[1] + "\n" + loops.backward_text((self._program,), dtype)[1]
