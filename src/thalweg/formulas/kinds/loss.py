"""The loss: what a score costs where the truth is known."""

from __future__ import annotations

import inspect
from typing import final

import numpy as np

from thalweg.formulas import loops
from thalweg.formulas.base import Array, Formula
from thalweg.formulas.language import check
from thalweg.formulas.trial import TRIAL, expect_arguments, expect_derivative, expect_two_outputs, try_on_arrays

TARGETS = {"real": "any real number", "count": "a number >= 0", "binary": "0 or 1", "classes": "one-hot rows"}
# Where the derivative of a loss is tried.
TRUTHS = {"real": (-1.19, 0.43, 1.87), "count": (0.0, 1.0, 3.0), "binary": (0.0, 1.0), "classes": (0.0, 1.0)}
INVERSE_LINKS = ("identity", "exp", "logistic", "softmax")


@final
class Loss(Formula):
    """A loss: what a score ``z`` costs where the truth is ``y``.

    Written ``f(y, z, **hyperparameters) -> value, derivative in z``, per output; with ``per_row`` on whole rows.
    Made by :func:`~thalweg.formulas.formula.loss`.

    Parameters
    ----------
    source : Source
        Text of the function.
    ranges : mapping, optional
        Intervals of hyperparameters whose names are not standard.
    target : {"real", "count", "binary", "classes"}
        What ``y`` may be.
    inverse_link : {"identity", "exp", "logistic", "softmax"}
        From the score to the prediction.
    per_row : bool
        Whether the function takes (n, outputs) and gives one value per row.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line.

    Examples
    --------
    >>> from thalweg.formulas.losses import huber
    >>> float(huber(delta=1.0).derivative(np.array([0.0]), np.array([3.0]))[0])
    1.0
    """

    kind = "loss"

    def _check_signature(self, signature: inspect.Signature) -> None:
        expect_arguments(self, signature, ("y", "z"), "def my_loss(y, z, *, delta=1.0): return value, derivative")
        self.target = self._options.get("target", "real")
        self.inverse_link = self._options.get("inverse_link", "identity")
        self.per_row = bool(self._options.get("per_row", False))
        if self.target not in TARGETS:
            raise self._error("LOSS-TARGET", f"target {self.target!r}; allowed: {', '.join(TARGETS)}")
        if self.inverse_link not in INVERSE_LINKS:
            raise self._error("LOSS-LINK", f"inverse_link {self.inverse_link!r}; allowed: {', '.join(INVERSE_LINKS)}")

    def _prepare(self) -> None:
        if self.per_row:
            return  # a row-wise loss is plain NumPy; the engine holds its native twin
        self._program = check(self._source)
        expect_two_outputs(self, "value, derivative")
        try_on_arrays(self, np.array([0, 1, 0, 1], dtype=np.float32), TRIAL)
        expect_derivative(self, *TRUTHS[self.target])

    @property
    def fingerprint(self) -> str:
        """What the formula computes, as text of its own."""
        return self.text if self.per_row else self._program.fingerprint

    def value_and_derivative(self, y: Array, z: Array) -> tuple[Array, Array]:
        """Return value and derivative in ``z``, per output (per row for a row-wise loss).

        Parameters
        ----------
        y, z : ndarray of one shape
            Truth and score before the inverse link.
        """
        with np.errstate(all="ignore"):
            value, derivative = self.formula(y, z, **self._numbers)
        return value, derivative

    def value(self, y: Array, z: Array) -> Array:
        """Return the value per output (per row for a row-wise loss)."""
        return self.value_and_derivative(y, z)[0]

    def derivative(self, y: Array, z: Array) -> Array:
        """Return the derivative in ``z``."""
        return self.value_and_derivative(y, z)[1]

    def kernel_text(self, dtype: str) -> tuple[str, str]:
        """Return name and text of the native loop."""
        return loops.loss_text(self._program, dtype)

    def source(self, dtype: str = "float64") -> str:
        """Return the native loop as text; for a row-wise loss the formula, whose twin is written by hand."""
        return self.text if self.per_row else self.kernel_text(dtype)[1]
