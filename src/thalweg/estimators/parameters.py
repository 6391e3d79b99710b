"""Parameters of an estimator: all are looked at before the data, and a wrong one is named in scikit-learn's words."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, final

from thalweg.descent.settings import check_count
from thalweg.errors import SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.contract import BaseEstimator, InvalidParameterError
from thalweg.formulas import catalog
from thalweg.formulas.base import Formula
from thalweg.formulas.formula import Loss, Rule
from thalweg.formulas.ranges import check_number

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator

E = TypeVar("E", bound="DescentEstimator")
P = ParamSpec("P")
R = TypeVar("R")


@final
class ParameterError(SettingError, InvalidParameterError):  # type: ignore[misc] # scikit-learn ships no types
    """A parameter that an estimator cannot use: our error, caught by those who wait for scikit-learn's.

    Parameters
    ----------
    code, where, what, hint : str
        As of every error of ours; ``what`` says "must be this, got that".
    estimator : str
        Whose parameter it is.
    """

    def __init__(self, code: str, where: str, what: str, hint: str, estimator: str) -> None:
        super().__init__(code, where, what, hint)
        self.args = (code, where, what, hint, estimator)  # what a copy or another process makes it of
        self.estimator = estimator

    def __str__(self) -> str:
        name, _, of = self.where.partition(" of ")
        allowed, _, got = self.what.rpartition(", got ")
        allowed = f"{allowed} ({of})" if of else allowed
        lines = [f"error[{self.code}] The {name!r} parameter of {self.estimator} {allowed}. Got {got} instead."]
        return "\n".join(lines + [f"  {line}" for line in self.hint.splitlines()])


def parameters_checked(method: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Let a method check all parameters of its estimator first, and name the estimator when one is wrong."""

    @wraps(method)
    def checked(self: E, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            self._check_parameters()
            return method(self, *args, **kwargs)
        except SettingError as error:
            name = error.where.partition(" of ")[0]
            formed = re.match("must be .*, got ", error.what)
            if isinstance(error, ParameterError) or not formed or name not in self.get_params(deep=False):
                raise
            raise ParameterError(error.code, error.where, error.what, error.hint, type(self).__name__) from None

    return checked


class Parameters(BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn ships no types
    """What the constructors of the four estimators store, as it was given."""

    loss: str | Loss
    penalty: Any
    alpha: Any
    l1_ratio: float | None
    optimizer: str | Rule
    learning_rate: float | str | None
    schedule: Any
    batch_size: int | str | None
    max_iter: int | None
    tol: float | None
    n_iter_no_change: int
    shuffle: bool
    clip_value: float | None
    clip_norm: float | None
    average: Any
    accumulate: int
    gradient_norm: bool
    early_stopping: bool
    validation_fraction: float
    scoring: Any
    random_state: Any
    warm_start: bool
    verbose: int
    callbacks: Any

    @abstractmethod
    def _layers(self) -> int:
        """Return how many layers penalties act on."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of a formula by names such as ``optimizer__learning_rate``.

        A formula that gets other numbers is copied first, so that nobody else who holds it, least of all its
        declaration, sees the change.

        Returns
        -------
        self

        Raises
        ------
        SettingError
            A number for a formula that is given only by name, or a number outside its range.
        """
        for name in sorted({key.partition("__")[0] for key in params if "__" in key}):
            value = params.get(name, getattr(self, name, None))
            if isinstance(value, Formula):
                params[name] = value()
            elif name in self.get_params(deep=False):
                nested = next(key for key in params if key.startswith(f"{name}__"))
                what = f"{name} is {value!r:.40}, which holds no numbers"
                raise SettingError("SETTING-NAME", nested, what, "Give the formula itself, as optimizer=thalweg.adam.")
        super().set_params(**params)
        return self

    def _check_parameters(self) -> None:
        """Refuse every parameter that no data could make right."""
        for name in ("shuffle", "early_stopping", "warm_start", "gradient_norm"):
            told.flag(name, getattr(self, name))
        catalog.resolve("loss", self.loss, "loss")
        told.rule(self.optimizer, self.learning_rate)
        told.schedule(self.schedule)
        told.penalties(self.penalty, self.alpha, self.l1_ratio, self._layers(), warn=False)
        told.batch_size(self.batch_size, rows=1, warn=False)
        told.random_state(self.random_state)
        told.callbacks(self.callbacks)
        told.averaging(self.average)
        if not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring)):
            what = f"must be a name, a callable or None, got {type(self.scoring).__name__} {self.scoring!r:.40}"
            raise SettingError("SETTING-TYPE", "scoring", what)
        told.epochs(self.max_iter, planned=False)
        for name in ("n_iter_no_change", "accumulate"):
            check_count(name, getattr(self, name))
        if not isinstance(self.verbose, bool):
            check_count("verbose", self.verbose, 0)
        check_number("validation_fraction", self.validation_fraction, "(0, 1)")
        if self.tol is not None:
            check_number("tol", self.tol, "[0, inf)")
        for name in ("clip_value", "clip_norm"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), "(0, inf)")
