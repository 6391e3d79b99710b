"""The update rule: how one step changes a parameter and the memory kept for it."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from thalweg.formulas import loops
from thalweg.formulas.base import Array, Formula
from thalweg.formulas.language import check
from thalweg.formulas.trial import TRIAL, try_on_arrays

if TYPE_CHECKING:
    from thalweg.formulas.ledger import Ledger


@final
class Rule(Formula):
    """An update rule: how one step changes a parameter and the memory kept for it.

    Written ``f(theta, g, t, *slots, **hyperparameters) -> theta, *slots``; made by
    :func:`~thalweg.formulas.formula.rule`.

    Parameters
    ----------
    source : Source
        Text of the function, as :func:`~thalweg.formulas.source.read` returns it.
    ranges : mapping, optional
        Intervals of hyperparameters whose names are not standard.
    starts : mapping, optional
        Slots that do not start at zero: a number, or the name of a hyperparameter.

    Attributes
    ----------
    slots : tuple of str
        Names of the memory, each of the shape of ``theta``.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line.

    Examples
    --------
    >>> from thalweg.formulas.rules import momentum
    >>> mine = momentum(learning_rate=0.5, momentum=0.5)
    >>> theta, state = np.array([1.0]), mine.init(np.array([1.0]))
    >>> for t in (1, 2):
    ...     theta, state = mine.step(theta, np.array([1.0]), state, t)
    >>> float(theta[0])
    -0.25
    """

    kind = "rule"
    scalar_arguments = ("t",)

    def _check_signature(self, signature: inspect.Signature) -> None:
        names = [n for n, p in signature.parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        strange = [
            n for n, p in signature.parameters.items() if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
        if names[:3] != ["theta", "g", "t"] or strange:
            shown = ", ".join(signature.parameters)
            raise self._error(
                "RULE-SIGNATURE",
                f"a rule begins with (theta, g, t), got ({shown[:60]})",
                "def my_rule(theta, g, t, <memory>, *, learning_rate=0.1): return theta, <memory>",
            )
        self.slots = tuple(names[3:])
        starts = self._options.get("starts") or {}
        unknown = [s for s in starts if s not in self.slots]
        if unknown:
            raise self._error("RULE-STARTS", f"{unknown[0]!r} is not a slot; slots: {', '.join(self.slots) or 'none'}")
        hyperparameters = [n for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY]
        for slot, start in starts.items():
            finite = isinstance(start, int | float) and math.isfinite(start)
            if not finite and start not in hyperparameters:
                raise self._error(
                    "RULE-STARTS", f"start of {slot!r}: {start!r:.40} is no finite number or hyperparameter"
                )
        self._starts = dict(starts)

    def _prepare(self) -> None:
        self._program = check(self._source, self.scalar_arguments)
        given = len(self._program.outputs)
        if given != 1 + len(self.slots):
            wanted = ", ".join(("theta", *self.slots))
            what = f"{given} value{'s are' if given > 1 else ' is'} returned, expected {1 + len(self.slots)}: {wanted}"
            raise self._error("RULE-ARITY", what, node=self._source.definition.body[-1])
        try_on_arrays(self, TRIAL, TRIAL[::-1].copy(), 1.0, *self.init(TRIAL))

    def init(self, theta: Array) -> Array:
        """Return the memory at the start.

        Parameters
        ----------
        theta : ndarray
            Parameters, any shape, float32 or float64.

        Returns
        -------
        ndarray of shape (n_slots, *theta.shape)
            Zeros, or what the rule declares; dtype of ``theta``.
        """
        theta = np.asarray(theta)
        state = np.zeros((len(self.slots), *theta.shape), dtype=theta.dtype)
        for slot, start in self._starts.items():
            state[self.slots.index(slot)] = self._numbers[start] if isinstance(start, str) else start
        return state

    def step(self, theta: Array, g: Array, state: Array, t: float, factor: float = 1.0) -> tuple[Array, Array]:
        """Make one update in NumPy.

        Parameters
        ----------
        theta, g : ndarray of one shape
            Parameters and gradient.
        state : ndarray of shape (n_slots, *theta.shape)
            Memory, from :meth:`init` or the last step.
        t : float
            Count of updates, from 1.
        factor : float
            Multiplies the learning rate of this step, as a schedule does.

        Returns
        -------
        theta, state : ndarray
            New arrays; the arguments are left as they are.
        """
        numbers = (
            self._numbers
            if factor == 1.0
            else {**self._numbers, "learning_rate": self._numbers["learning_rate"] * factor}
        )
        with np.errstate(all="ignore"):
            result = self.formula(theta, g, float(t), *state, **numbers)
        if not self.slots:
            return result, np.empty_like(state)
        new_theta, *slots = result
        return new_theta, np.stack(slots)

    def explain(
        self,
        gradients: Any,
        theta: Any = 1.0,
        *,
        state: Any = None,
        t: int = 1,
        factors: Any = None,
        steps: tuple[int, int] | None = None,
    ) -> Ledger:
        """Make updates and tell them number by number, in the order of the formula.

        Parameters
        ----------
        gradients : array-like (updates,) or (updates, n)
            One gradient per update; of one coordinate, or of n.
        theta : float or array-like (n,)
            Parameters before the first of them.
        state : array-like (n_slots, n), optional
            Memory before the first; that of :meth:`init` if left out.
        t : int
            Count of the first.
        factors : array-like (updates,), optional
            Multiply the learning rate of each, as a schedule does.
        steps : (int, int), optional
            Tell those from t = first to t = last alone; the others are made all the same.

        Returns
        -------
        Ledger
            Prints as a table; theta and slots have the bits of :meth:`step`, in float32 where all that is given is.

        Raises
        ------
        SettingError
            Gradients, theta or memory that do not fit together or are not finite.
        FormulaError
            FORMULA-FAILS: scalars that have no value at some update, such as 1 / (t - 2); with the line.
        LimitError
            LIMIT-LEDGER: more numbers than a ledger holds.

        Examples
        --------
        >>> from thalweg.formulas.rules import adagrad
        >>> told = adagrad(learning_rate=0.1).explain([0.5, -1.0])
        >>> told.values("np.sqrt(s)").round(3).ravel().tolist()
        [0.5, 1.118]
        """
        from thalweg.formulas.ledger import explain

        return explain(self, gradients, theta, state=state, t=t, factors=factors, steps=steps)

    @property
    def has_learning_rate(self) -> bool:
        """Whether ``learning_rate`` is one of the hyperparameters."""
        return "learning_rate" in self._numbers

    @property
    def lane_values(self) -> int:
        """Number of values per lane that the native loop keeps: what depends on the learning rate."""
        return loops.lane_values(self._program)

    def kernel_text(self, dtype: str, *, lanes: bool = False) -> tuple[str, str]:
        """Return name and text of the native loop."""
        return loops.update_text(self._program, dtype, lanes=lanes)

    def source(self, dtype: str = "float64") -> str:
        """Return the native loop as text: what Numba compiles."""
        return self.kernel_text(dtype)[1]
