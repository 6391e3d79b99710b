"""Parameters of an estimator: all are looked at before the data, and a wrong one is named in scikit-learn's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, final

from thalweg.errors import SettingError
from thalweg.estimators.contract import InvalidParameterError

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
