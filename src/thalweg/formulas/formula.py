"""The decorators that make formulas of plain functions, and the five kinds by name.

:func:`rule`, :func:`loss`, :func:`penalty`, :func:`activation` and :func:`schedule` read a function once and answer
the author's mistakes there and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any, overload

from thalweg.formulas.base import Formula
from thalweg.formulas.kinds import Activation, Loss, Penalty, Rule, Schedule
from thalweg.formulas.source import read

__all__ = [
    "Activation", "Formula", "Loss", "Penalty", "Rule", "Schedule",
    "activation", "loss", "penalty", "row_loss", "rule", "schedule",
]  # fmt: skip

Written = Callable[..., Any] | str
# Formulas written here are the library's own. To read all sixty would take a tenth of a second of every start.
OWN_FOLDER = str(Path(__file__).parent)


def _decorate(kind: type[Any], function: Written | None, ranges: Mapping[str, str] | None, **options: Any) -> Any:
    def made(written: Written) -> Any:
        if isinstance(written, FunctionType) and written.__code__.co_filename.startswith(OWN_FOLDER):
            return kind.later(written, ranges, options)
        return kind(read(written), ranges, **options)

    return made if function is None else made(function)


@overload
def rule(
    function: Written, *, starts: Mapping[str, float | str] | None = ..., ranges: Mapping[str, str] | None = ...
) -> Rule: ...
@overload
def rule(
    function: None = ..., *, starts: Mapping[str, float | str] | None = ..., ranges: Mapping[str, str] | None = ...
) -> Callable[[Written], Rule]: ...
def rule(
    function: Written | None = None,
    *,
    starts: Mapping[str, float | str] | None = None,
    ranges: Mapping[str, str] | None = None,
) -> Rule | Callable[[Written], Rule]:
    """Make an update rule of a function.

    Parameters
    ----------
    function : function or str
        ``f(theta, g, t, *slots, **hyperparameters) -> theta, *slots``, or its text.
    starts : mapping, optional
        Slots that do not start at zero: a number, or the name of a hyperparameter.
    ranges : mapping, optional
        Intervals such as ``"[0, 1)"`` for hyperparameters whose names are not standard.

    Returns
    -------
    Rule
        Or, when called with options only, the decorator that makes one.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line: a branch on an array, an unknown function, a wrong number of returned
        values, a name given twice, a value that would widen float32.
    SettingError
        A default outside its range.

    Notes
    -----
    The native loop and the formula agree to the last bit, unless the formula calls ``exp``, ``log``, ``tanh``, a
    general power or their kin (``thalweg.formulas.lowering.NOT_EXACT``): there they agree to 4 units in the last place.

    Examples
    --------
    >>> import numpy as np
    >>> @rule
    ... def plain(theta, g, t, *, learning_rate=0.5):
    ...     return theta - learning_rate * g
    >>> theta, state = plain.step(np.array([1.0]), np.array([1.0]), plain.init(np.array([1.0])), t=1)
    >>> float(theta[0])
    0.5
    """
    made: Rule | Callable[[Written], Rule] = _decorate(Rule, function, ranges, starts=dict(starts or {}))
    return made


@overload
def loss(
    function: Written, *, target: str = ..., inverse_link: str = ..., ranges: Mapping[str, str] | None = ...
) -> Loss: ...
@overload
def loss(
    function: None = ..., *, target: str = ..., inverse_link: str = ..., ranges: Mapping[str, str] | None = ...
) -> Callable[[Written], Loss]: ...
def loss(
    function: Written | None = None,
    *,
    target: str = "real",
    inverse_link: str = "identity",
    ranges: Mapping[str, str] | None = None,
) -> Loss | Callable[[Written], Loss]:
    """Make a loss of a function ``f(y, z, **hyperparameters) -> value, derivative in z``.

    Parameters
    ----------
    function : function or str
        The formula, per output.
    target : {"real", "count", "binary", "classes"}
        What ``y`` may be: any number, a number >= 0, 0 or 1, one-hot rows.
    inverse_link : {"identity", "exp", "logistic", "softmax"}
        From the score to the prediction.
    ranges : mapping, optional
        Intervals such as ``"[0, 1)"`` for hyperparameters whose names are not standard.

    Returns
    -------
    Loss
        Or, when called with options only, the decorator that makes one.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line: what the language does not know, a wrong list of arguments, another number
        of returned values than two, a value that would widen float32, and a derivative that is not the slope of the
        value where both are smooth (GRAD-MISMATCH).
    SettingError
        A default outside its range.

    Notes
    -----
    The native loop and the formula agree to the last bit, unless the formula calls ``exp``, ``log``, ``tanh``, a
    general power or their kin (``thalweg.formulas.lowering.NOT_EXACT``): there they agree to 4 units in the last place.

    Examples
    --------
    >>> import numpy as np
    >>> @loss(target="real", ranges={"scale": "(0, inf)"})
    ... def soft_absolute(y, z, *, scale=1.0):
    ...     r = (z - y) / scale
    ...     root = np.sqrt(1 + r * r)
    ...     return scale * root - scale, r / root
    >>> float(soft_absolute(scale=4.0).value(np.array([3.0]), np.array([0.0]))[0])
    1.0
    """
    made: Loss | Callable[[Written], Loss] = _decorate(Loss, function, ranges, target=target, inverse_link=inverse_link)
    return made


def row_loss(*, target: str = "classes", inverse_link: str = "softmax") -> Callable[[Written], Loss]:
    """Make a loss of a NumPy function of whole rows: ``f(y, z) -> value per row, derivative`` for (n, outputs)."""
    made: Callable[[Written], Loss] = _decorate(
        Loss, None, None, target=target, inverse_link=inverse_link, per_row=True
    )
    return made


@overload
def penalty(function: Written, *, ranges: Mapping[str, str] | None = ...) -> Penalty: ...
@overload
def penalty(function: None = ..., *, ranges: Mapping[str, str] | None = ...) -> Callable[[Written], Penalty]: ...
def penalty(
    function: Written | None = None, *, ranges: Mapping[str, str] | None = None
) -> Penalty | Callable[[Written], Penalty]:
    """Make a penalty of a function ``f(w, **hyperparameters) -> value, derivative in w``.

    Parameters
    ----------
    function : function or str
        The formula, per weight; the objective adds its sum over the weights. At a kink the derivative is one between
        the slopes beside it, 0 by custom.
    ranges : mapping, optional
        Intervals such as ``"[0, 1)"`` for hyperparameters whose names are not standard.

    Returns
    -------
    Penalty
        Or, when called with options only, the decorator that makes one. :meth:`Penalty.proximal` adds the step that
        reaches zero exactly.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line: what the language does not know, a wrong list of arguments, another number
        of returned values than two, a value that would widen float32, and a derivative that is not the slope of the
        value where both are smooth (GRAD-MISMATCH).
    SettingError
        A default outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> @penalty(ranges={"strength": "[0, inf)"})
    ... def quartic(w, *, strength=0.5):
    ...     return strength * w**4 / 4, strength * w**3
    >>> float(quartic(strength=1.0).derivative(np.array([2.0]))[0])
    8.0
    """
    made: Penalty | Callable[[Written], Penalty] = _decorate(Penalty, function, ranges)
    return made


@overload
def activation(function: Written, *, ranges: Mapping[str, str] | None = ...) -> Activation: ...
@overload
def activation(function: None = ..., *, ranges: Mapping[str, str] | None = ...) -> Callable[[Written], Activation]: ...
def activation(
    function: Written | None = None, *, ranges: Mapping[str, str] | None = None
) -> Activation | Callable[[Written], Activation]:
    """Make an activation of a function ``f(z, **hyperparameters) -> value, derivative in z``.

    When the first value returned is a plain name, the backward pass reuses the stored activation under that name.

    Parameters
    ----------
    function : function or str
        The formula, per unit.
    ranges : mapping, optional
        Intervals such as ``"[0, 1)"`` for hyperparameters whose names are not standard.

    Returns
    -------
    Activation
        Or, when called with options only, the decorator that makes one.

    Raises
    ------
    FormulaError
        The author's mistakes, with the line: what the language does not know, a wrong list of arguments, another number
        of returned values than two, a value that would widen float32, and a derivative that is not the slope of the
        value where both are smooth (GRAD-MISMATCH).
    SettingError
        A default outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> @activation
    ... def softsign(z):
    ...     a = z / (1 + np.abs(z))
    ...     return a, (1 - np.abs(a)) ** 2
    >>> float(softsign.derivative(np.array([1.0]))[0])
    0.25
    """
    made: Activation | Callable[[Written], Activation] = _decorate(Activation, function, ranges)
    return made


@overload
def schedule(function: Written, *, ranges: Mapping[str, str] | None = ...) -> Schedule: ...
@overload
def schedule(function: None = ..., *, ranges: Mapping[str, str] | None = ...) -> Callable[[Written], Schedule]: ...
def schedule(
    function: Written | None = None, *, ranges: Mapping[str, str] | None = None
) -> Schedule | Callable[[Written], Schedule]:
    """Make a schedule of a function ``f(t, **hyperparameters) -> factor`` on the learning rate.

    Parameters
    ----------
    function : function or str
        ``t`` is a float64 array of times in epochs: before update ``k`` (from 0) of an epoch of ``S`` updates, the
        epochs made plus ``k / S``. The body is NumPy, which may do more here than in a compiled formula (``np.floor``,
        ``np.clip``). A hyperparameter ``total=None`` is filled in by the run with its number of epochs.
    ranges : mapping, optional
        Intervals such as ``"[0, 1)"`` for hyperparameters whose names are not standard.

    Returns
    -------
    Schedule
        Or, when called with options only, the decorator that makes one.

    Raises
    ------
    FormulaError
        A schedule that fails on an array of times, or is not finite at one between 0 and 2.25 epochs.
    SettingError
        A default outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> @schedule(ranges={"every": "(0, inf)"})
    ... def halves(t, *, every=10.0):
    ...     return 0.5 ** np.floor(t / every)
    >>> float(halves(every=5.0).factor(12.5))
    0.25
    """
    made: Schedule | Callable[[Written], Schedule] = _decorate(Schedule, function, ranges)
    return made
