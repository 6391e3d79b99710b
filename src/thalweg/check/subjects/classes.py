"""Classes and objects with a method that makes a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, final

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor, ObjectActor
from thalweg.check.subjects.arrangements import Arrangement
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.casting import casts
from thalweg.check.subjects.functions import first_that_plays
from thalweg.check.subjects.layouts import layouts
from thalweg.check.subjects.loops import LoopPlan, first_way, is_loop, loop_plans
from thalweg.check.subjects.play import Plan
from thalweg.check.subjects.signature import Signature, signature_of
from thalweg.check.subjects.subject import CannotRun, Source

METHODS = (
    "step", "update", "apply_gradients", "apply", "update_params", "update_parameters", "update_weights", "__call__",
    "optimize", "minimize", "descend", "run_step", "step_all", "apply_update", "compute_update", "get_update",
    "get_updates", "gradient_step", "take_step", "one_step", "next", "backward_pass", "更新", "一步", "gengxin",
)  # fmt: skip
"""Methods that make a step, the commonest first."""
LOOPS = ("optimize", "minimize", "run", "solve", "fit", "train", "search", "__call__")
"""Methods that walk a whole way."""
_SETUPS = (
    "init", "initialize", "initialise", "setup", "build", "register", "init_state", "initialize_state", "set_params",
    "set_parameters", "create_slots", "init_params", "add_params", "attach", "bind",
)  # fmt: skip


@final
@dataclass(frozen=True)
class Method:
    """A method of a class of which no object has been made."""

    kind: type
    name: str


def class_plans(
    kind: type, given: Mapping[str, float], rate_name: str | None, source: Source | None, method: str | None = None
) -> tuple[Plan | LoopPlan, ...]:
    """Return the ways to play a class that makes steps.

    Raises
    ------
    CannotRun
        There is none.
    """
    try:
        maker: Signature | None = signature_of(kind, source, rate_name, vars_init(kind))
    except (ValueError, TypeError):
        maker = None
    return _plans(kind, maker, None, given, rate_name, source, method)


def object_plans(
    instance: object,
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
    method: str | None = None,
) -> tuple[Plan | LoopPlan, ...]:
    """Return the ways to play an object that makes steps; it is copied, and stays as it is.

    Raises
    ------
    CannotRun
        There is none.
    """
    return _plans(type(instance), None, instance, given, rate_name, source, method)


def vars_init(kind: type) -> Callable[..., Any]:
    """Return the function that a class's constructor is written in."""
    init: Callable[..., Any] = kind.__init__  # type: ignore[misc]
    return init


def _plans(
    kind: type,
    maker: Signature | None,
    instance: object,
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
    method: str | None,
) -> tuple[Plan | LoopPlan, ...]:
    if inspect.isabstract(kind):
        raise CannotRun(
            f"{kind.__name__} is abstract: it leaves {', '.join(sorted(getattr(kind, '__abstractmethods__', ())))} open"
        )
    names = [method] if method else methods_of(kind)
    if not names and not any(n in LOOPS for n in _functions(kind)):
        raise CannotRun(f"{kind.__name__} has no method that could make a step")
    sample = next((f for n in names if inspect.isfunction(f := inspect.getattr_static(kind, n))), None)
    beginning = Beginning(sample or vars_init(kind))
    own = {n: signature_of(f, source) for n, f in _functions(kind).items()}
    pre = tuple(n for n in own if n.startswith(("pre_update", "before_update", "pre_step")) and _bare(own[n]))
    post = tuple(n for n in own if n.startswith(("post_update", "after_update", "post_step")) and _bare(own[n]))
    held = instance is not None or (maker is not None and maker.has(words.PARAMETERS, words.LAYER))

    def actors(name: str) -> Iterator[tuple[Actor, Signature]]:
        step = bound(own.get(name) or signature_of(getattr(kind, name), source))
        makers = list(casts(maker, held=True))[:2] if maker is not None else [None]
        setups = [(n, bound(own[n])) for n in _SETUPS if n in own and n != name]
        setups = [(n, s) for n, s in setups if s.has(words.PARAMETERS, words.SIZE, words.LAYER)]
        for cast, made in product(casts(step, held=True), makers):
            for setup_name, setup in [*setups, ("", None)]:
                yield ObjectActor(cast, beginning, made, instance, name, setup, setup_name, pre=pre, post=post), cast

    def tries() -> Iterator[tuple[Actor, Arrangement]]:
        others = [*([maker] if maker is not None else []), *own.values()]
        for name in names:
            for actor, cast in actors(name):
                if not (cast.has(words.GRADIENTS, words.LAYER, "pairs") or held or cast.has(words.PARAMETERS)):
                    continue
                for layout in layouts(cast, others):
                    yield actor, layout

    def loops() -> Iterator[Actor]:
        for name in names if method else [*names, *LOOPS]:
            if name in own and is_loop_of(bound(own[name]), maker):
                yield ObjectActor(bound(own[name]), beginning, maker, instance, name)

    return first_way([
        lambda: first_that_plays(tries(), given, rate_name, source),
        lambda: loop_plans(loops(), given, rate_name, source),
    ])  # fmt: skip


def is_loop_of(method: Signature, maker: Signature | None) -> bool:
    """Whether a method is a whole loop, its functions being its own arguments or the constructor's."""
    asks = is_loop(method) or (maker is not None and is_loop(maker))
    return asks and not method.has(words.GRADIENTS)


def _functions(kind: type) -> dict[str, Callable[..., Any]]:
    """Return the methods that a class and its bases of the same hand have."""
    found: dict[str, Callable[..., Any]] = {}
    for base in reversed(kind.__mro__[:-1]):
        found.update({n: f for n, f in vars(base).items() if inspect.isfunction(f)})
    return found


def _bare(signature: Signature) -> bool:
    return all(not a.required or a.name == "self" for a in signature.arguments)


def bound(signature: Signature) -> Signature:
    """Return a method's signature without self."""
    arguments = signature.arguments
    if (arguments and arguments[0].name in ("self", "cls", "this", "s", "我")) or _first_is_self(signature):
        arguments = arguments[1:]
    return replace(signature, arguments=arguments).recast({})


def _first_is_self(signature: Signature) -> bool:
    qualified = getattr(signature.function, "__qualname__", "")
    return (
        "." in qualified
        and "<locals>" not in qualified.rsplit(".", 1)[0].rsplit(".", 1)[-1]
        and inspect.isfunction(signature.function)
    )


def methods_of(kind: type) -> list[str]:
    """Return the methods that may make a step, the likeliest first.

    Examples
    --------
    >>> class Optimizer:
    ...     def zero_grad(self): ...
    ...     def update(self, w, dw): ...
    >>> methods_of(Optimizer)
    ['update']
    """
    functions = _functions(kind)
    known = [name for name in METHODS if name in functions]
    others = []
    for name, function in functions.items():
        if name.startswith("__") or name in known or name in _SETUPS:
            continue
        signature = bound(signature_of(function))
        verbs = set(words.tokens(name)) & {"step", "update", "apply", "optimize", "descend", "minimize"}
        takes = signature.has(words.GRADIENTS, words.LAYER, "pairs")
        aside = name.startswith(("zero", "reset", "get_lr", "set_", "pre_", "post_", "init", "add_", "compute_loss"))
        if (takes or verbs) and not aside:
            others.append((not takes, name.startswith("_"), not verbs, name))
    return known + [name for *_, name in sorted(others)]
