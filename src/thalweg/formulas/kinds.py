"""The five kinds of formulas: rule, loss, penalty, activation, schedule; how each is written, and what it gives."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from thalweg.errors import FormulaError, SettingError
from thalweg.formulas import lowering
from thalweg.formulas.base import (
    TRIAL,
    Array,
    Formula,
    expect_arguments,
    expect_derivative,
    expect_two_outputs,
    try_on_arrays,
)
from thalweg.formulas.language import check
from thalweg.formulas.ranges import check_number
from thalweg.formulas.source import read

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
        return lowering.lane_values(self._program)

    def kernel_text(self, dtype: str, *, lanes: bool = False) -> tuple[str, str]:
        """Return name and text of the native loop."""
        return lowering.update_text(self._program, dtype, lanes=lanes)

    def source(self, dtype: str = "float64") -> str:
        """Return the native loop as text: what Numba compiles."""
        return self.kernel_text(dtype)[1]


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
        return lowering.loss_text(self._program, dtype)

    def source(self, dtype: str = "float64") -> str:
        """Return the native loop as text; for a row-wise loss the formula, whose twin is written by hand."""
        return self.text if self.per_row else self.kernel_text(dtype)[1]


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
        return lowering.penalty_text(self._program, dtype)

    def proximal_text(self, dtype: str) -> tuple[str, str]:
        """Return name and text of the native proximal step."""
        if self._proximal is None:
            raise SettingError("PENALTY-PROXIMAL", self.name, "has no proximal step")
        return lowering.proximal_text(self._proximal._program, dtype)

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
        return (
            lowering.forward_text((self._program,), dtype)[1]
            + "\n"
            + lowering.backward_text((self._program,), dtype)[1]
        )


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
