"""A named function with numbers: what all kinds of formulas share.

A formula can be called to get a copy with other numbers, is cloned and searched over as scikit-learn's parameters
are, and pickles by its text.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import FunctionType
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from thalweg.errors import FormulaError, SettingError
from thalweg.formulas.program import Program
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
