"""A named function with numbers: what all kinds of formulas share, and the trial that answers their authors' mistakes.

A formula can be called to get a copy with other numbers, is cloned and searched over as scikit-learn's parameters
are, and pickles by its text.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import FunctionType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import FormulaError, SettingError
from thalweg.formulas.language import Program
from thalweg.formulas.ranges import STANDARD, Range, check_number
from thalweg.formulas.source import Source, read

Array = NDArray[Any]


class Formula(ABC):
    """A function of the mathematics, with numbers for its hyperparameters.

    Calling it with hyperparameters gives a copy with other numbers; :attr:`formula` is the plain NumPy function.
    """

    kind: ClassVar[str]
    scalar_arguments: ClassVar[tuple[str, ...]] = ()

    def __init__(self, source: Source, ranges: Mapping[str, str] | None = None, **options: Any) -> None:
        self.text = source.text
        self.name = source.name
        self._source = source
        self._options = options
        self._declared, self._told = True, False
        self.formula: FunctionType = source.function()
        signature = inspect.signature(self.formula)
        self._check_signature(signature)
        self._own_ranges = dict(ranges or {})
        self._check_ranges(signature)
        self.ranges = {**STANDARD, **self._own_ranges}
        self._numbers = self._defaults(signature)
        self.__doc__ = inspect.getdoc(self.formula)
        self._sign()
        self._prepare()

    # -- what a kind has to say

    @abstractmethod
    def _check_signature(self, signature: inspect.Signature) -> None:
        """Answer a wrong list of arguments."""

    @abstractmethod
    def _prepare(self) -> None:
        """Check the body of the formula and try it."""

    # -- hyperparameters

    def _check_ranges(self, signature: inspect.Signature) -> None:
        for name, text in self._own_ranges.items():
            if name not in signature.parameters:
                raise self._error("FORMULA-RANGE", f"ranges name {name!r}, which is not one of the hyperparameters")
            try:
                Range.read(text)
            except ValueError as error:
                raise self._error("FORMULA-RANGE", f"range of {name!r}: {error}") from None

    def _defaults(self, signature: inspect.Signature) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is not parameter.KEYWORD_ONLY:
                continue
            if parameter.default is parameter.empty:
                raise self._error(
                    "FORMULA-SIGNATURE", f"the hyperparameter {name!r} has no default", f"Write {name}=0.1, say."
                )
            numbers[name] = self._checked(name, parameter.default)
        return numbers

    def _checked(self, name: str, value: Any) -> Any:
        if isinstance(value, tuple | list):
            raise SettingError(
                "SETTING-TYPE", f"{name} of {self.name}", f"must be a real number, got {type(value).__name__}"
            )
        return check_number(f"{name} of {self.name}", value, self.ranges.get(name))

    def _sign(self) -> None:
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=v) for n, v in self._numbers.items()]
        )

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Names and numbers of this copy."""
        return dict(self._numbers)

    @classmethod
    def later(cls, function: FunctionType, ranges: Mapping[str, str] | None, options: dict[str, Any]) -> Self:
        """Declare a formula that is read, checked and tried when something is first asked of it.

        For the library's own, of which a run needs three or four, and which the tests have all checked.
        """
        made = object.__new__(cls)
        made.name, made.__doc__ = function.__name__, inspect.getdoc(function)
        made._waiting = function, ranges, options
        return made

    _waiting: tuple[FunctionType, Mapping[str, str] | None, dict[str, Any]]

    def _wake(self) -> None:
        if "_source" in self.__dict__ or "_waiting" not in self.__dict__:
            return
        function, ranges, options = self._waiting
        # Made aside and taken over at once: another thread sees all of it or nothing.
        self.__dict__.update(type(self)(read(function), ranges, **options).__dict__)

    def __getattr__(self, name: str) -> Any:
        self._wake()
        if name in self.__dict__:
            return self.__dict__[name]
        numbers = self.__dict__.get("_numbers", {})
        if name in numbers:
            return numbers[name]
        raise AttributeError(f"{self.__dict__.get('name', 'formula')} has no attribute {name!r}")

    def __call__(self, *arrays: Any, **numbers: Any) -> Self:
        """Return a copy with other numbers.

        Raises
        ------
        SettingError
            An unknown hyperparameter, or a number outside its range.
        """
        if arrays:
            raise TypeError(f"{self.name}() takes hyperparameters by name; to compute, call {self.name}.formula(...)")
        return self._with(numbers)

    def _with(self, numbers: Mapping[str, Any]) -> Self:
        self._wake()
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._declared = False
        copy._numbers = dict(self._numbers)
        copy.set_params(**numbers)
        return copy

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """Return names and numbers, as scikit-learn's estimators do."""
        return dict(self._numbers)

    def set_params(self, **numbers: Any) -> Self:
        """Change numbers of this copy in place, as scikit-learn's estimators do.

        Raises
        ------
        SettingError
            An unknown hyperparameter, a number outside its range, or this is the declaration that all share.
        """
        if numbers and self._declared:
            raise SettingError(
                "SETTING-SHARED",
                self.name,
                "the declaration is shared by all",
                f"Make a copy: {self.name}({next(iter(numbers))}=...).",
            )
        checked: dict[str, Any] = {}
        for name, value in numbers.items():
            if name not in self._numbers:
                import difflib

                near = difflib.get_close_matches(name, self._numbers, n=1)
                have = ", ".join(self._numbers) or "none"
                guess = f"; did you mean {near[0]!r}?" if near else ""
                raise SettingError(
                    "SETTING-UNKNOWN",
                    self.name,
                    f"{name!r} is not one of its hyperparameters{guess}",
                    f"It has: {have}.",
                )
            checked[name] = self._checked(name, value)
        self._numbers.update(checked)  # all of them, or none
        self._told = self._told or bool(checked)
        self._sign()
        return self

    @property
    def told(self) -> bool:
        """Whether it was given numbers, be they those of the declaration."""
        self._wake()
        return self._told

    def __sklearn_clone__(self) -> Self:
        return self._with({})

    # -- identity

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the formula computes, helpers and constants included; the numbers are not part of it."""
        return self._program.fingerprint

    _program: Program

    @property
    def identity(self) -> str:
        """SHA-256 of the declaration: its kind, what it computes, its options; the numbers are not part of it."""
        options = sorted((k, v) for k, v in self._options.items() if not isinstance(v, Source))
        return hashlib.sha256(repr((self.kind, self.fingerprint, options)).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return self._said, tuple(self._numbers.items())

    @cached_property  # comparisons look runs up by their rules
    def _said(self) -> tuple[str, str, str]:
        # The starts of a rule's slots and the targets of a loss are as much of it as its text.
        options = {k: v for k, v in self._options.items() if not isinstance(v, Source)}
        return self.kind, self.fingerprint, repr(options)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{n}={v!r}' for n, v in self._numbers.items())})"

    # A formula is kept by its text and made anew from it. skops asks for the state, pickle and copy do so too.

    def __getstate__(self) -> dict[str, Any]:
        numbers = dict(self._numbers)
        kept = {"source": self._source, "ranges": self._own_ranges, "options": self._options, "numbers": numbers}
        return kept | {"told": self._told}

    def __setstate__(self, state: dict[str, Any]) -> None:
        made = type(self)(state["source"], state["ranges"], **state["options"])
        self.__dict__.update(made(**state["numbers"]).__dict__)
        self._told = state.get("told", True)

    def _error(self, code: str, what: str, hint: str = "", node: ast.AST | None = None) -> FormulaError:
        return self._source.error(code, node, what, hint)


# Values for trying a formula: signs, a zero, different sizes.
TRIAL = np.array([0.5, -1.25, 0.0, 3.0], dtype=np.float32)


def try_on_arrays(formula: Formula, *arguments: Any) -> tuple[Any, ...]:
    """Run a formula on float32 arrays and answer with the line when a value is widened, lost or misshapen."""
    with np.errstate(all="ignore"):
        try:
            result = formula.formula(*arguments, **formula.hyperparameters)
        except Exception as error:  # noqa: BLE001 - whatever the author's line raises
            raise formula._error(
                "FORMULA-FAILS", f"the formula fails on arrays: {error}", node=_failing_line(formula, error)
            ) from None
    results = result if isinstance(result, tuple) else (result,)
    for k, value in enumerate(results):
        if not isinstance(value, np.ndarray) or value.shape != TRIAL.shape:
            what = (
                f"returned value {k + 1} is {_shown(value)}; expected an array like its arguments, shape {TRIAL.shape}"
            )
            last = formula._source.definition.body[-1]
            raise formula._error("FORMULA-SHAPE", what, "Let it depend on a coordinate.", last)
        if value.dtype != np.float32:
            node, name = _widening_line(formula, arguments)
            raise formula._error(
                "FORMULA-WIDENS",
                f"{name or f'returned value {k + 1}'} becomes {value.dtype} although all arrays are float32",
                "A truth value times a number widens: write np.where(condition, a, b) with a coordinate in a or b.",
                node,
            )
    return results


def _shown(value: Any) -> str:
    return (
        f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{type(value).__name__} {value!r:.40}"
    )


def _failing_line(formula: Formula, error: BaseException) -> ast.AST:
    """Find the line of the formula in which an exception arose, as a node that carries it."""
    code = formula.formula.__code__
    lines = [frame.f_lineno for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return ast.Pass(lineno=(lines or [code.co_firstlineno])[0] - formula._source.first_line + 1)


def _widening_line(formula: Formula, arguments: tuple[Any, ...]) -> tuple[ast.AST | None, str]:
    """Run the statements one by one and find the first that leaves float32."""
    (definition,) = (node for node in ast.parse(formula.text).body if isinstance(node, ast.FunctionDef))
    names = [a.arg for a in definition.args.args]
    scope = {**formula.formula.__globals__, **dict(zip(names, arguments, strict=True)), **formula.hyperparameters}
    with np.errstate(all="ignore"):
        for statement in definition.body:
            if not isinstance(statement, ast.Assign):
                continue
            exec(compile(ast.Module([statement], []), "<formula>", "exec"), scope)  # noqa: S102 - the author's own line
            for target in (n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)):
                value = scope[target.id]
                if isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64:
                    return statement, repr(target.id)
    return definition.body[-1], ""


def expect_arguments(formula: Formula, signature: inspect.Signature, arguments: tuple[str, ...], example: str) -> None:
    """Answer a wrong list of positional arguments."""
    names = tuple(n for n, p in signature.parameters.items() if p.kind is not p.KEYWORD_ONLY)
    stars = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values())
    if len(names) != len(arguments) or stars:
        shown = ", ".join(signature.parameters)
        raise formula._error(
            "FORMULA-SIGNATURE", f"a {formula.kind} takes ({', '.join(arguments)}), got ({shown[:60]})", example
        )


def expect_two_outputs(formula: Formula, wanted: str) -> None:
    """Answer a wrong number of returned values."""
    given = len(formula._program.outputs)
    if given != 2:
        what = f"{given} value{'s are' if given > 1 else ' is'} returned, expected 2: {wanted}"
        raise formula._error("FORMULA-ARITY", what, node=formula._source.definition.body[-1])


# Where a written derivative is compared with the slope of its value: off the round numbers, where formulas have kinks.
POINTS = np.array([-2.83, -1.37, -0.61, -0.23, 0.29, 0.74, 1.43, 3.17])
STEPS = np.array([0.0, 1e-4, -1e-4, 3e-5, -3e-5])
# A kink under a point bends its differences; a wrong derivative is wrong at more points than this share.
KINKED = 1 / 3


def expect_derivative(formula: Formula, *truths: float) -> None:
    """Answer a second value that is not the derivative of the first in the last argument.

    Parameters
    ----------
    formula : Formula
        Of ``(x)``, or of ``(y, x)`` when there are ``truths``.
    truths : float
        Values of ``y``, each tried with every point.
    """
    x = np.tile(POINTS, max(len(truths), 1))
    given = [np.repeat(truths, POINTS.size)] if truths else []
    shape = STEPS.size, x.size
    arguments = [*(np.broadcast_to(y, shape) for y in given), x + STEPS[:, np.newaxis]]
    with np.errstate(all="ignore"):
        value, derivative = formula.formula(*arguments, **formula.hyperparameters)
        coarse, fine = (value[1::2] - value[2::2]) / (arguments[-1][1::2] - arguments[-1][2::2])
        written, size = derivative[0], np.maximum(np.abs(fine), np.abs(derivative[0]))
        noise = 1e-8 * np.abs(value[0])  # what rounding leaves in a difference of two values, and more
        smooth = np.isfinite(written) & (np.abs(coarse - fine) <= 1e-5 * size + noise)
        excess = np.where(smooth, np.abs(written - fine) - 1e-3 * size - noise, -np.inf)
    wrong = excess > 0
    if wrong.sum() <= KINKED * smooth.sum():
        return
    k = int(np.argmax(excess))
    names = list(inspect.signature(formula.formula).parameters)
    point = ", ".join(f"{name} = {a[k]:g}" for name, a in zip(names, [*given, x], strict=False))
    what = f"at {point} the derivative is written as {written[k]:.6g}, expected {fine[k]:.6g}"
    hint = f"The second value is the derivative of the first in {names[len(given)]}; the slope is a central difference."
    raise formula._error("GRAD-MISMATCH", what, hint, formula._source.definition.body[-1])
