"""Which functions and classes of a module make the steps of an optimizer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

from thalweg.check.subjects import words
from thalweg.check.subjects.choices import choices_of
from thalweg.check.subjects.classes import Method, bound, methods_of
from thalweg.check.subjects.functions import bare
from thalweg.check.subjects.hints import hint_of
from thalweg.check.subjects.signature import PAIRS, Signature, signature_of
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.subjects.tried import that_descend
from thalweg.formulas.formula import Rule

_ASIDE = {
    "accuracy", "activation", "backprop", "backward", "check", "compute", "cost", "dataset", "draw", "evaluate",
    "fit", "forward", "generate", "init", "initialise", "initialize", "load", "loss", "main", "make_data", "model",
    "parse", "plot", "predict", "print", "propagate", "random", "read", "relu", "save", "show", "sigmoid",
    "softmax", "test",
}  # fmt: skip
_VERBS = {
    "update", "step", "optimize", "optimizer", "optimise", "descent", "descend", "minimize", "apply", "optim", "更新",
}  # fmt: skip
LEAST = 3
BASE = 99
"""The score against a class that another one is made of."""


@final
@dataclass(frozen=True)
class Candidate:
    """Something in a module that may be an update.

    Parameters
    ----------
    name : str
        As one asks for it: ``adam``, ``Adam``, ``Network.apply``.
    update : object
        The function, class or object.
    score : int
        How much speaks for it.
    """

    name: str
    update: Any
    score: int


def find(namespace: Mapping[str, Any], source: Source | None = None, name: str | None = None) -> tuple[Candidate, ...]:
    """Return what in a module looks like an update rule, in the order of the file.

    Parameters
    ----------
    namespace : mapping
        The module's names after it was run.
    source : Source, optional
        Its text.
    name : str, optional
        What to take: a function, a class, or a method as ``Class.method``.

    Returns
    -------
    tuple of Candidate
        Those that more speaks for than for helpers; all of them where a file has several optimizers.

    Raises
    ------
    CannotRun
        There is nothing of that name.

    Examples
    --------
    >>> space = {}
    >>> exec("def sgd(w, dw, lr=0.1): return w - lr * dw", space)
    >>> exec("def sigmoid(x): return x", space)
    >>> [candidate.name for candidate in find(space)]
    ['sgd']
    """
    if name is not None:
        return tuple(_choices(Candidate(name, _named(namespace, name), LEAST), source))
    own = {n: v for n, v in namespace.items() if _is_own(n, v, namespace)}
    own |= {f"{n}.{m}": f for n, kind in own.items() for m, f in _without_object(kind)}
    called = _called_by_others(own, source)
    found = []
    for each, value in own.items():
        score = _score(each, value, source)
        if each in called and called[each] >= score:
            score -= 9 if called[each] == BASE else 4
        if score >= LEAST:
            found.append(Candidate(each, value, score))
    if not found:  # nothing is plain: what comes nearest
        scored = [Candidate(each, value, _score(each, value, source)) for each, value in own.items()]
        most = max((one.score for one in scored), default=0)
        found = [one for one in scored if one.score == most > 0]
    if not found:  # no name says anything: what goes where gradients send it
        open_ = {n: v for n, v in own.items() if not set(words.tokens(n)) & _ASIDE}
        found = [Candidate(each, value, LEAST) for each, value in that_descend(open_, source)]
    return tuple(each for one in found for each in _choices(one, source))


def _choices(candidate: Candidate, source: Source | None) -> Iterator[Candidate]:
    """Yield a candidate, and the other rules that it offers: that of the defaults first."""
    if isinstance(candidate.update, Method | Rule):
        yield candidate
        return
    offered = list(choices_of(candidate.update, source))
    for choice in offered:
        chosen = replace(candidate, name=choice.named(candidate.name), update=choice)
        yield chosen if choice.settings else candidate
    if not offered:
        yield candidate


def _without_object(kind: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the functions that stand in a class only to be kept together."""
    if not isinstance(kind, type) or methods_of(kind):
        return
    for name, held in vars(kind).items():
        if isinstance(held, staticmethod):
            yield name, held.__func__


def _named(namespace: Mapping[str, Any], name: str) -> Any:
    first, *rest = name.split(".")
    if first not in namespace:
        there = ", ".join(n for n, v in namespace.items() if callable(v) and not n.startswith("_"))[:120]
        raise CannotRun(f"there is no {first!r} in it; there are: {there}")
    value = namespace[first]
    if not rest:
        return value
    if isinstance(value, type) and isinstance(inspect.getattr_static(value, rest[0], None), staticmethod | classmethod):
        return getattr(value, rest[0])
    if not hasattr(value, rest[0]):
        raise CannotRun(f"{first} has no {rest[0]!r}")
    return Method(value, rest[0]) if isinstance(value, type) else getattr(value, rest[0])


def _is_own(name: str, value: Any, namespace: Mapping[str, Any]) -> bool:
    """Whether something was written in this module."""
    if name.startswith("__"):
        return False
    if isinstance(value, Rule):
        return True
    if isinstance(value, partial):
        return True
    value = getattr(value, "py_func", value)  # compiled by Numba
    if not (inspect.isfunction(value) or isinstance(value, type)):
        return False
    if isinstance(value, type):
        return bool(value.__module__ == namespace.get("__name__", value.__module__))
    home: dict[str, Any] = inspect.unwrap(value).__globals__
    return home is namespace or bool(home.get("__name__") == namespace.get("__name__", object()))


def _called_by_others(own: Mapping[str, Any], source: Source | None) -> dict[str, int]:
    """Return which functions are called by another one that looks like an update, with its score."""
    called: dict[str, int] = {}
    for name, value in own.items():
        score = _score(name, value, source)
        if score < LEAST:
            continue
        functions = [value] if inspect.isfunction(value) else _methods(value)
        for function in functions:
            names = set(inspect.unwrap(function).__code__.co_names)
            for other in names & set(own) - {name}:
                called[other] = max(called.get(other, 0), score)
        if isinstance(value, type):  # a base class is a helper of its children
            for base in value.__mro__[1:-1]:
                if base.__name__ in own and words.promised(base.__name__) is None:
                    called[base.__name__] = BASE
    return called


def _methods(value: Any) -> list[Callable[..., Any]]:
    return [f for f in vars(value).values() if inspect.isfunction(f)] if isinstance(value, type) else []


def _score(name: str, value: Any, source: Source | None) -> int:
    """Return how much speaks for an update."""
    if isinstance(value, Rule):
        return 9
    tokens = set(words.tokens(name))
    promise = words.promised(name) is not None
    score = 3 * promise + 2 * bool(tokens & _VERBS) - 3 * bool(tokens & _ASIDE)
    if isinstance(value, type):
        if issubclass(value, BaseException) or inspect.isabstract(value) or not methods_of(value):
            return 0
        return score + 2 + 3 * _steps(value) - 4 * _is_given_one(value)
    try:
        signature = signature_of(value, source, None, bare(value))
    except (ValueError, TypeError):
        return 0
    return score + _by_arguments(signature)


_USED = ("opt", "optimizer", "optim", "optimiser")


def _is_given_one(kind: type) -> bool:
    """Whether a class is made with an optimizer, which it then uses."""
    try:
        given = inspect.signature(kind).parameters.values()
    except (ValueError, TypeError):
        return False
    return any(a.name.lower().removesuffix("_fn") in _USED and not isinstance(a.default, str) for a in given)


def _steps(kind: type) -> bool:
    """Whether a class has a method that takes parameters and a gradient, or a gradient alone."""
    methods = [bound(signature_of(getattr(kind, name))) for name in methods_of(kind)]
    return any(m.has(words.PARAMETERS) and m.has(words.GRADIENTS) for m in methods)


def _by_arguments(signature: Signature) -> int:
    slopes = signature.has(words.GRADIENTS, words.LAYER, PAIRS)
    if any(a.name.lower() in _USED and not a.use.indexed for a in signature.arguments):
        return -4  # it uses one
    if any(inspect.isfunction(a.default) for a in signature.arguments):
        return -4
    if signature.has(words.PARAMETERS) and slopes:
        return 4
    if any("grad" in a.use.attributes for a in signature.having(words.PARAMETERS)):
        return 4
    if signature.has(words.FUNCTION, words.BOTH) and signature.has(words.PARAMETERS):
        return 4
    if slopes and signature.has(words.RATE, words.MEMORY, words.COUNT, words.CONFIG):
        return 2
    if signature.anatomy.nested and signature.has(words.RATE):
        return 2
    return 0 if slopes or signature.has(words.RATE) else -2


def promised_by(candidate: Candidate, source: Source | None) -> str | None:
    """Return the rule that a candidate promises."""
    return hint_of(candidate.update, source)
