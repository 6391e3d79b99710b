"""The formulas by name: the one way from a word in a setting or on the command line to a formula.

A formula is found under the name of its function. Beside these names stand the words that scikit-learn and everyday
speech use for the same thing, in :data:`ALIASES`.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from thalweg.errors import SettingError
from thalweg.formulas import activations as _activations
from thalweg.formulas import losses as _losses
from thalweg.formulas import penalties as _penalties
from thalweg.formulas import rules as _rules
from thalweg.formulas import schedules as _schedules
from thalweg.formulas import surfaces as _surfaces
from thalweg.formulas.formula import Activation, Formula, Loss, Penalty, Rule, Schedule
from thalweg.formulas.surfaces import Surface

_ROOMS: dict[str, tuple[ModuleType, type[Any]]] = {
    "rule": (_rules, Rule),
    "loss": (_losses, Loss),
    "penalty": (_penalties, Penalty),
    "activation": (_activations, Activation),
    "schedule": (_schedules, Schedule),
    "surface": (_surfaces, Surface),
}

_WIDTH = 76  # of a hint, which stands two columns in

ALIASES: Mapping[str, Mapping[str, Any]] = {
    "rule": {"gd": _rules.gradient_descent, "sgd": _rules.gradient_descent},
    "loss": _losses.ALIASES,
    "penalty": {"elasticnet": _penalties.elastic_net},
    "activation": {"sigmoid": _activations.logistic},
    "schedule": {},
    "surface": {},
}


def rules() -> dict[str, Rule]:
    """Return the rules by name, in alphabetical order.

    Examples
    --------
    >>> rules()["adam"].learning_rate
    0.001
    """
    return dict(_discovered("rule"))


def losses() -> dict[str, Loss]:
    """Return the losses by name, in alphabetical order."""
    return dict(_discovered("loss"))


def penalties() -> dict[str, Penalty]:
    """Return the penalties by name, in alphabetical order."""
    return dict(_discovered("penalty"))


def activations() -> dict[str, Activation]:
    """Return the activations by name, in alphabetical order."""
    return dict(_discovered("activation"))


def schedules() -> dict[str, Schedule]:
    """Return the schedules by name, in alphabetical order."""
    return dict(_discovered("schedule"))


def surfaces() -> dict[str, Surface]:
    """Return the surfaces by name, in alphabetical order; the quadratic one with its usual condition number."""
    return dict(_discovered("surface"))


def find(kind: str, name: str, where: str = "") -> Any:
    """Return the formula of a kind that goes by a name.

    Parameters
    ----------
    kind : {"rule", "loss", "penalty", "activation", "schedule", "surface"}
        What is looked for.
    name : str
        Its name, or an alias.
    where : str
        Parameter to name in the message; the kind when empty.

    Raises
    ------
    SettingError
        ``SETTING-UNKNOWN``: there is none of that name; the nearest is suggested.

    Examples
    --------
    >>> find("loss", "squared_error").name
    'squared'
    >>> find("penalty", "l22")
    Traceback (most recent call last):
    ...
    thalweg.errors.SettingError: error[SETTING-UNKNOWN] penalty: unknown 'l22'; did you mean 'l2'?
      There are: elastic_net, l1, l2.
    """
    named = _discovered(kind)
    known = {**named, **ALIASES[kind]}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        guess = f"; did you mean {_both_names(kind, near[0])}?" if near else ""
        raise SettingError("SETTING-UNKNOWN", where or kind, f"unknown {name[:40]!r}{guess}", _there_are(kind, name))
    return known[name]


def _both_names(kind: str, name: str) -> str:
    """Return the function's name, with the alias that was meant in brackets."""
    function = ALIASES[kind].get(name)
    return repr(name) if function is None or function.name == name else f"{function.name!r} ({name})"


def _there_are(kind: str, name: str) -> str:
    """Return all names of a kind in lines that fit a terminal; of the many rules those like this one."""
    named = list(_discovered(kind))
    if kind != "rule":
        return textwrap.fill(f"There are: {', '.join(named)}.", _WIDTH)
    alike = difflib.get_close_matches(name, named, n=5, cutoff=0.4)
    some = f"Names like it: {', '.join(alike)}. " if alike else ""
    return f"{some}See all {len(named)}: thalweg rules."


def resolve(kind: str, given: object, where: str = "") -> Any:
    """Return a formula that is given by its name or as itself.

    Parameters
    ----------
    kind : {"rule", "loss", "penalty", "activation", "schedule", "surface"}
        What it has to be.
    given : str or Formula or Surface
        Its name, or the formula.
    where : str
        Parameter to name in the message; the kind when empty.

    Raises
    ------
    SettingError
        ``SETTING-UNKNOWN`` for an unknown name, ``SETTING-TYPE`` for anything that is neither name nor such a formula.

    Examples
    --------
    >>> resolve("activation", "tanh").name
    'tanh'
    >>> resolve("activation", find("rule", "adam"))
    Traceback (most recent call last):
    ...
    thalweg.errors.SettingError: error[SETTING-TYPE] activation: must be an activation or its name, got the rule adam
    """
    if isinstance(given, str):
        return find(kind, given, where)
    if isinstance(given, _ROOMS[kind][1]):
        return given
    article = "an" if kind[0] in "aeiou" else "a"
    got = f"the {given.kind} {given.name}" if isinstance(given, Formula) else f"{type(given).__name__} {given!r:.40}"
    plain_function = isinstance(given, FunctionType) and kind != "surface"
    hint = f"Write @{kind} above its def." if plain_function else ""
    raise SettingError("SETTING-TYPE", where or kind, f"must be {article} {kind} or its name, got {got}", hint)


@cache
def _discovered(kind: str) -> Mapping[str, Any]:
    module, wanted = _ROOMS[kind]
    found = {name: value for name, value in vars(module).items() if isinstance(value, wanted) and name == value.name}
    if kind == "surface":
        found["quadratic"] = _surfaces.quadratic()  # of a family, the member that is shown first
    return dict(sorted(found.items()))
