"""Which argument of a function plays which part: from names, and from how the text uses them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from thalweg.check.subjects import words
from thalweg.check.subjects.anatomy import Anatomy, Use, dissect
from thalweg.check.subjects.calls import called_with
from thalweg.check.subjects.subject import Source

EMPTY = inspect.Parameter.empty
NUMBERS = frozenset(
    ("learning_rate", "beta1", "beta2", "epsilon", "momentum", "rho", words.SHARE, "weight_decay",
     "initial_accumulator", "dampening", "clip", "betas")
)  # fmt: skip
PAIRS = "pairs"


@final
@dataclass(frozen=True)
class Argument:
    """One argument and its part.

    Parameters
    ----------
    name : str
    role : str or None
        A role of the vocabulary; None where neither the name nor the text says anything.
    default : object
        ``inspect.Parameter.empty`` where there is none.
    use : Use
        What the text does with it.
    part : int or None
        Which of several arrays it is, where there are separate arguments for each.
    usual : float or None
        The number that the file calls it with, where it has no default.
    """

    name: str
    role: str | None
    default: Any
    use: Use
    part: int | None = None
    usual: float | None = None

    @property
    def required(self) -> bool:
        """Whether a call has to give it."""
        return self.default is EMPTY


@final
@dataclass(frozen=True, eq=False)
class Signature:
    """The arguments of a function, with their parts."""

    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    anatomy: Anatomy
    positional: frozenset[str] = frozenset()
    extra: str | None = None
    """The name of ``**kwargs``."""
    rest: str | None = None
    """The name of ``*args``."""

    def having(self, role: str) -> list[Argument]:
        """Return the arguments of a role."""
        return [a for a in self.arguments if a.role == role]

    def has(self, *roles: str) -> bool:
        """Whether any argument has one of the roles."""
        return any(a.role in roles for a in self.arguments)

    def recast(self, roles: Mapping[str, str | None]) -> Signature:
        """Return the signature with other parts for some arguments."""
        changed = tuple(replace(a, role=roles.get(a.name, a.role)) for a in self.arguments)
        return replace(self, arguments=_with_parts(changed))

    def called(self, values: Mapping[str, Any]) -> Any:
        """Call the function with values by name."""
        return call(self.function, self.positional, values)


def call(function: Callable[..., Any], positional: frozenset[str], values: Mapping[str, Any]) -> Any:
    """Call a function by names, save for what takes no names."""
    if not positional:
        return function(**values)
    ordered = [value for name, value in values.items() if name in positional]
    return function(*ordered, **{name: value for name, value in values.items() if name not in positional})


def signature_of(
    function: Callable[..., Any],
    source: Source | None = None,
    rate_name: str | None = None,
    text_of: Callable[..., Any] | None = None,
) -> Signature:
    """Read a function's signature and text.

    Raises
    ------
    ValueError, TypeError
        It has no signature.
    """
    anatomy = dissect(text_of or function, source)
    found = []
    positional = set()
    extra = rest = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = parameter.name
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = parameter.name
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.add(parameter.name)
        use = anatomy.use(parameter.name)
        role = words.RATE if parameter.name == rate_name else words.role_of(parameter.name)
        if parameter.name.lower() in _PAIRS:
            role = PAIRS
        made = type(parameter.default).__name__ == "_HAS_DEFAULT_FACTORY_CLASS"  # of a dataclass: it knows what to do
        if made and role in (words.CONFIG, words.MEMORY):
            continue
        found.append(Argument(parameter.name, role, parameter.default, use))
    for key in dict.fromkeys(anatomy.use(extra).keys if extra else ()):
        if key not in {a.name for a in found}:
            found.append(Argument(key, words.role_of(key), EMPTY, Use()))
    given = called_with(getattr(text_of or function, "__name__", ""), source)
    if isinstance(function, type):
        given = called_with(function.__name__, source)
    found = [replace(a, usual=given.get(a.name, given.get(k))) if a.required else a for k, a in enumerate(found)]
    settled = _with_parts(tuple(_one_gradient(_settled(found, anatomy))))
    return Signature(function, settled, anatomy, frozenset(positional), extra, rest)


_PAIRS = {
    "grads_and_vars", "grads_vars", "gradvars", "grads_and_params", "params_and_grads", "params_grads", "grads_params",
    "param_grads", "param_grad_pairs", "params_and_gradients", "weights_and_grads", "vars_and_grads", "pairs",
    "param_and_grads", "parameters_and_gradients", "grads_and_variables", "params_with_grads", "param_grad",
    "gradients_and_variables", "grad_var_pairs", "params_grad", "updates",
}  # fmt: skip


def _settled(arguments: list[Argument], anatomy: Anatomy) -> list[Argument]:
    """Decide what a name alone leaves open by the company it is in, and by what the text does with it."""
    roles = {_uncalled(a) for a in arguments}
    has_params = any(a.role == words.PARAMETERS for a in arguments)
    called = [a for a in arguments if a.use.called]
    settled = []
    for a in arguments:
        role = a.role
        lower = a.name.lower()
        if a.use.called:
            role = _called_role(a, called)
        elif a.use.measures and role in (None, words.COUNT, words.ITERATIONS) and _is_size(a, roles):
            role = words.SIZE
        elif role is None and a.use.raises and a.required:
            role = words.COUNT
        elif role in (words.GRADIENTS, words.OBJECTIVE, words.COUNT) and isinstance(a.default, float):
            role = "epsilon" if 0 < a.default < 1e-3 else words.SHARE if 0.4 < a.default < 1 else None
        elif role in (words.FUNCTION, words.OBJECTIVE, words.BOTH):
            role = _not_called_role(a, role, roles)
        elif role in (words.COUNT, words.ITERATIONS):
            role = _count_role(a, roles)
        elif role == words.LAYER and (isinstance(a.default, int) or (a.use.paired and not a.use.attributes)):
            role = words.SIZE
        elif role in (None, words.DATA, words.COUNT) and (beside := _beside(a.name, arguments)) is not None:
            role = beside
        elif lower in _LETTERS:
            role = _letter_role(a, arguments)
        elif lower == "delta" and has_params and any(x is not a and x.role == words.GRADIENTS for x in arguments):
            role = words.MEMORY if a.required or a.default is None else "epsilon"
        elif (lower == "p" and isinstance(a.default, float)) or (
            role == words.MEMORY and isinstance(a.default, float) and 0 < a.default < 1
        ):
            role = words.SHARE
        elif role == words.PARAMETERS and isinstance(a.default, float) and has_params and not a.required:
            role = words.SHARE if 0.4 < a.default < 1 else "epsilon" if a.default < 1e-3 else None
        elif role in ("momentum", words.SHARE) and _is_memory(a, anatomy):
            role = words.MEMORY
        elif role == words.PARAMETERS and lower in ("x", "data") and _is_data(a, arguments):
            role = words.DATA
        settled.append(replace(a, role=role))
    return settled


def _uncalled(a: Argument) -> str | None:
    """Return the part of an argument that is no function after all: never called, but calculated with."""
    if a.use.called or a.role not in (words.FUNCTION, words.OBJECTIVE):
        return a.role
    if a.role == words.OBJECTIVE:
        return None if a.use.assigned else a.role
    fn = any(part in ("fn", "func", "function", "fun", "f") for part in words.tokens(a.name))
    return words.FUNCTION if fn else words.GRADIENTS


_LETTERS = frozenset(("b", "b1", "b2", "w1", "w2", "e", "a", "alpha"))


def _letter_role(a: Argument, arguments: list[Argument]) -> str | None:
    """Read names that are a weight, a bias or a hyperparameter, as the others have it."""
    lower = a.name.lower()
    if lower in ("b", "b1", "b2") and isinstance(a.default, float):
        return {"b": words.SHARE, "b1": "beta1", "b2": "beta2"}[lower]
    if lower == "b" and a.required and _is_share(a, arguments):
        return words.SHARE
    if lower in ("b1", "b2"):
        return words.PARAMETERS if _twin(a.name, arguments) else {"b1": "beta1", "b2": "beta2"}[lower]
    if lower in ("w1", "w2"):
        return words.PARAMETERS
    if lower == "e":
        return "epsilon" if isinstance(a.default, float) else None
    if lower in ("a", "alpha") and any(x is not a and x.role == words.RATE for x in arguments):
        return words.SHARE
    return a.role


def _is_share(a: Argument, arguments: list[Argument]) -> bool:
    """Whether ``b`` is a number beside one array and its gradient: nothing is written to it or asked of it."""
    slopes = [x for x in arguments if x.role == words.GRADIENTS]
    params = [x for x in arguments if x.role == words.PARAMETERS and x is not a]
    if len(slopes) != 1 or len(params) != 1 or not params[0].required:
        return False
    used = [a.use, slopes[0].use]
    return not any(u.assigned or u.indexed or u.walked or u.mapped or u.unpacked or u.attributes for u in used)


def _one_gradient(arguments: list[Argument]) -> list[Argument]:
    """Where one array has several gradients by name, those that are written to are memory: ``G += g**2``."""
    slopes = [a for a in arguments if a.role == words.GRADIENTS]
    params = [a for a in arguments if a.role == words.PARAMETERS and a.required]
    if len(slopes) < 2 or len(params) != 1:
        return arguments
    kept = [a for a in slopes if a.use.assigned or a.name.isupper()]
    if len(kept) == len(slopes):
        kept = slopes[1:]
    return [replace(a, role=words.MEMORY) if a in kept else a for a in arguments]


def _is_size(a: Argument, roles: set[str | None]) -> bool:
    """Whether what something is as long as is an array's length, not how long a run is to be."""
    looped = roles & {words.FUNCTION, words.OBJECTIVE, words.BOTH, words.DATA}
    length = a.role is None or a.name.lower() in ("n", "d", "k", "m", "p", "count", "nparam")
    return length and a.required and not looped and not (a.use.counted or a.use.indexed)


def _called_role(a: Argument, called: list[Argument]) -> str:
    apart = [words.role_of(name) for name in a.use.taken_apart]
    if len(apart) == 2 and words.GRADIENTS in apart:
        return words.BOTH
    if a.role in (words.FUNCTION, words.BOTH, words.CALLBACK):
        return a.role
    if a.role == words.GRADIENTS:
        return words.FUNCTION
    if any(x is not a and x.role in (words.FUNCTION, words.GRADIENTS, words.BOTH) for x in called):
        return words.OBJECTIVE
    lower = a.name.lower()
    if a.role == words.OBJECTIVE:
        return words.OBJECTIVE
    return words.FUNCTION if "grad" in lower or "d" in lower else words.OBJECTIVE


def _not_called_role(a: Argument, role: str, roles: set[str | None]) -> str | None:
    """Read a function's name that the text never calls itself: handed on to others, or a value after all."""
    if role == words.OBJECTIVE and a.use.assigned and a.required:
        return None  # an energy that is added up, a target that is moved
    if role == words.OBJECTIVE and words.GRADIENTS in roles:
        return words.OBJECTIVE
    if role == words.FUNCTION and words.PARAMETERS in roles:
        return _uncalled(a)
    return role


def _count_role(a: Argument, roles: set[str | None]) -> str:
    """Tell how far a run is from how long it is to be, and both from which array it is."""
    looped = words.FUNCTION in roles or words.OBJECTIVE in roles or words.BOTH in roles
    if a.use.points and not looped and words.KEY not in roles and a.required:
        return words.KEY
    if a.role == words.ITERATIONS:
        stepwise = words.GRADIENTS in roles or (not looped and words.DATA not in roles)
        return words.COUNT if stepwise and a.required and "max" not in a.name.lower() else words.ITERATIONS
    if isinstance(a.default, int) and a.default >= 2:
        return words.ITERATIONS
    if looped and a.required and a.name.lower() in ("n", "k", "steps", "t", "step", "epoch"):
        return words.ITERATIONS
    if a.name.lower() in ("i", "j", "k", "n") and a.use.indexed is False and words.KEY not in roles and a.required:
        return words.COUNT
    return words.COUNT


_SLOPE_OF = re.compile(r"(?:d|g|grad|grad_|g_|d_|nabla_|∇)")
_MEMORY_OF = re.compile(r"(?:[vmshr]|vel|cache|mem|vd|sd|md|mom|acc)_?d?")


def _beside(name: str, arguments: list[Argument]) -> str | None:
    """Read a name by the others: ``gy`` is the gradient of ``y``, and then ``y`` a parameter."""
    others = {a.name for a in arguments if a.name != name}
    for other in others:
        if name.endswith(other) and name != other:
            before = name[: -len(other)]
            if _SLOPE_OF.fullmatch(before):
                return words.GRADIENTS
            if _MEMORY_OF.fullmatch(before) and words.role_of(other) in (words.PARAMETERS, words.DATA):
                return words.MEMORY
        if other.endswith(name) and _SLOPE_OF.fullmatch(other[: -len(name)]):
            return words.PARAMETERS
    return None


def _twin(name: str, arguments: list[Argument]) -> bool:
    """Whether there is a gradient of that name: ``b1`` beside ``db1`` is a bias."""
    names = {a.name.lower() for a in arguments}
    return any(f"d{name.lower()}" in other or f"{name.lower()}_grad" in other for other in names)


def _is_memory(a: Argument, anatomy: Anatomy) -> bool:
    """Whether an argument called momentum is the velocity: indexed, or returned under its own name."""
    returned = {name for names in anatomy.returned for name in names}
    if a.use.keys or a.use.made_keys or a.use.walked or a.use.indexed:
        return True
    return a.name in returned and a.required


def _is_data(a: Argument, arguments: list[Argument]) -> bool:
    others = {x.name.lower() for x in arguments}
    return bool(others & {"y", "labels", "targets", "t_train"}) and any(
        x is not a and x.role == words.PARAMETERS for x in arguments
    )


def _with_parts(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Number the separate arrays: parameters in order, and what belongs to each by its name."""
    params = [a for a in arguments if a.role == words.PARAMETERS and a.required]
    if len(params) < 2:
        return tuple(replace(a, part=None) for a in arguments)
    names = [a.name for a in params]
    counted = dict.fromkeys((words.GRADIENTS, words.MEMORY), 0)
    numbered = []
    for a in arguments:
        part = None
        if a in params:
            part = names.index(a.name)
        elif a.role in counted:
            known = words.stem(a.name, names)
            part = names.index(known) if known is not None else counted[a.role] % len(names)
            counted[a.role] += 1
        numbered.append(replace(a, part=part))
    return tuple(numbered)
