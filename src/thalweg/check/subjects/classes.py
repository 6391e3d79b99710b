"""Classes and objects with a method that makes a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, final

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.actors import Actor, ObjectActor
from thalweg.check.subjects.arrangements import Arrangement, Whole
from thalweg.check.subjects.beginnings import Beginning
from thalweg.check.subjects.casting import blind_casts, casts
from thalweg.check.subjects.functions import believed, first_that_plays
from thalweg.check.subjects.held import held_layouts
from thalweg.check.subjects.layouts import first_of_each, layouts
from thalweg.check.subjects.loops import LoopPlan, first_way, is_loop, loop_plans
from thalweg.check.subjects.play import Plan, guarded
from thalweg.check.subjects.signature import NUMBERS, PAIRS, Argument, Signature, signature_of
from thalweg.check.subjects.stage import Stage
from thalweg.check.subjects.subject import CannotRun, Source

METHODS = (
    "step", "update", "apply_gradients", "apply", "update_params", "update_parameters", "update_weights", "__call__",
    "optimize", "minimize", "descend", "run_step", "step_all", "apply_update", "compute_update", "get_update",
    "get_updates", "gradient_step", "take_step", "one_step", "next", "backward_pass", "更新", "一步", "gengxin",
)  # fmt: skip
"""Methods that make a step, the commonest first."""
_STEMS = (
    "actualiz", "aktuali", "aggiorn", "atualiz", "guncelle", "güncelle", "schritt", "mettre", "mise_a_jour", "pas_",
    "paso", "passo", "krok", "обнов", "шаг", "갱신", "업데이트", "更新", "一歩", "aggior", "uppdat", "opdat", "bijwerk",
)  # fmt: skip
"""How the names of such methods begin in other languages."""
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
    kind: type,
    given: Mapping[str, float],
    rate_name: str | None,
    source: Source | None,
    method: str | None = None,
    made: Callable[..., Any] | None = None,
) -> tuple[Plan | LoopPlan, ...]:
    """Return the ways to play a class that makes steps; ``made`` is what makes an object, where it is not the class.

    Raises
    ------
    CannotRun
        There is none.
    """
    try:
        maker: Signature | None = signature_of(made or kind, source, rate_name, vars_init(kind))
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
    """Return the ways to play an object that makes steps: another one is made like it, or it is copied.

    What it has learned so far plays no part, and it stays as it is.

    Raises
    ------
    CannotRun
        There is none.
    """
    kind = type(instance)
    try:
        maker = signature_of(kind, source, rate_name, vars_init(kind))
    except (ValueError, TypeError):
        return _plans(kind, None, instance, given, rate_name, source, method)
    held = {a.name: getattr(instance, a.name, getattr(instance, f"_{a.name}", None)) for a in maker.arguments}
    settings = {n: v for n, v in held.items() if isinstance(v, int | float | bool | str | tuple)}
    flags = {a.name: settings[a.name] for a in maker.arguments if a.name in settings and a.role not in NUMBERS}
    arguments = (replace(a, default=settings.get(a.name, a.default)) for a in maker.arguments if a.name not in flags)
    like = replace(maker, function=partial(kind, **flags), arguments=tuple(arguments)).recast({})
    return first_way([
        lambda: _plans(kind, like, None, given, rate_name, source, method),
        lambda: _plans(kind, None, instance, given, rate_name, source, method),
    ])  # fmt: skip


def vars_init(kind: type) -> Callable[..., Any]:
    """Return the function that a class's constructor is written in."""
    init: Callable[..., Any] = kind.__init__  # type: ignore[misc]
    return init


@final
@dataclass(frozen=True, eq=False)
class _Reading:
    """A class with its methods, as they are read."""

    kind: type
    maker: Signature | None
    instance: object
    methods: Mapping[str, Signature]
    beginning: Beginning

    def around(self, starts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the methods without arguments whose names start so."""
        return tuple(
            n for n, s in self.methods.items() if n.startswith(starts) and not any(a.required for a in s.arguments)
        )

    def actor(self, name: str, step: Signature, maker: Signature | None, setup: str = "") -> ObjectActor:
        """Return what calls a method."""
        pre = self.around(("pre_update", "before_update", "pre_step"))
        post = self.around(("post_update", "after_update", "post_step"))
        made = self.methods.get(setup)
        return ObjectActor(step, self.beginning, maker, self.instance, name, made, setup, pre=pre, post=post)

    @property
    def setups(self) -> list[str]:
        """The methods that prepare an object for its parameters, and the empty name for none."""
        fitting = [
            n for n in _SETUPS if n in self.methods and self.methods[n].has(words.PARAMETERS, words.SIZE, words.LAYER)
        ]
        return [*fitting, ""]

    @property
    def others(self) -> list[Signature]:
        """All that shows how the class treats parameters."""
        return [*([self.maker] if self.maker is not None else []), *self.methods.values()]


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
    functions = _functions(kind)
    names = [method] if method else methods_of(kind) or _nameless(functions)
    loops = names if method else [*names, *LOOPS]
    if not any(name in functions for name in loops):
        raise CannotRun(f"{kind.__name__} has no method that could make a step")
    sample = next((functions[name] for name in loops if name in functions), vars_init(kind))
    methods = {n: bound(signature_of(f, source, rate_name)) for n, f in functions.items()}
    if maker is not None:
        maker = maker.recast({a.name: words.PARAMETERS for a in maker.arguments if _holds_slopes(a, methods)})
    reading = _Reading(kind, maker, instance, methods, Beginning(sample))
    return first_way([
        lambda: first_that_plays(_own_arrays(reading, names, given, rate_name, source), given, rate_name, source),
        lambda: believed(
            lambda: first_that_plays(_tries(reading, names), given, rate_name, source),
            _blind(reading, names), given, rate_name, source,
        ),
        lambda: loop_plans(_loops(reading, loops), given, rate_name, source),
    ])  # fmt: skip


def _tries(reading: _Reading, names: list[str]) -> Iterator[tuple[Actor, Arrangement]]:
    """Yield the ways in which parameters and gradients are given to the methods or the constructor."""
    maker = reading.maker
    held = reading.instance is not None or (maker is not None and maker.has(words.PARAMETERS, words.LAYER))
    makers = list(casts(maker, held=True))[:2] if maker is not None else [None]
    for name in (n for n in names if n in reading.methods):
        step = reading.methods[name]
        if step.has(words.ITERATIONS, words.TOLERANCE) and is_loop_of(step, maker):
            continue
        for cast, made in product(casts(step, held=True), makers):
            if not (held or cast.has(words.GRADIENTS, words.LAYER, PAIRS, words.PARAMETERS)):
                continue
            for setup in reading.setups:
                if setup != name:
                    actor = reading.actor(name, cast, made, setup)
                    yield from ((actor, layout) for layout in layouts(cast, reading.others))


def _holds_slopes(argument: Argument, methods: Mapping[str, Signature]) -> bool:
    """Whether methods ask for gradients of what the constructor is given, under a name that says nothing."""
    if argument.role is not None or not argument.required:
        return False
    uses = [m.anatomy.use(f"self.{mark}{argument.name}") for m in methods.values() for mark in ("", "_")]
    return any(words.role_of(name) == words.GRADIENTS for use in uses for name in use.attributes)


def _nameless(functions: Mapping[str, Callable[..., Any]]) -> list[str]:
    """Return the methods that are given something, where no name says what they do; those given two things first."""
    given = {n: [a for a in bound(signature_of(f)).arguments if a.required] for n, f in functions.items()}
    fitting = [n for n, a in given.items() if a and (n == "__call__" or not n.startswith("__"))]
    return sorted(fitting, key=lambda n: len(given[n]) < 2)


def _blind(reading: _Reading, names: list[str]) -> Iterator[tuple[Actor, Arrangement]]:
    """Yield the ways to give parameters and gradients to the methods, whatever their arguments are called."""
    maker = reading.maker
    if maker is not None and maker.has(words.PARAMETERS, words.LAYER):
        return
    for name in (n for n in names if n in reading.methods):
        for cast in blind_casts(reading.methods[name]):
            actor = reading.actor(name, cast, maker)
            yield from ((actor, layout) for layout in first_of_each(cast, reading.others))


def _own_arrays(
    reading: _Reading, names: list[str], given: Mapping[str, float], rate_name: str | None, source: Source | None
) -> Iterator[tuple[Actor, Arrangement]]:
    """Yield the ways to play an object that makes its parameters itself."""
    maker = reading.maker
    if maker is None or maker.has(words.PARAMETERS, words.LAYER):
        return
    for name in (n for n in names if n in reading.methods):
        step = reading.methods[name]
        if step.has(words.PARAMETERS, words.LAYER, PAIRS):
            continue
        actor = reading.actor(name, step, maker)
        try:
            with guarded(actor, source):
                reading.beginning.restore()
                made = maker.called(Stage(Whole(), [np.zeros(24)], given, 1, rate_name).values(maker))
        except CannotRun:
            return
        asked = [use[5:] for use in step.anatomy.all() if use.startswith("self.")]
        slopes = tuple(name for name in asked if words.role_of(name) == words.GRADIENTS)
        yield from ((actor, layout) for layout in held_layouts(made, slopes))


def _loops(reading: _Reading, names: list[str]) -> Iterator[Actor]:
    """Yield the methods that walk a whole way."""
    for name in (n for n in names if n in reading.methods):
        if is_loop_of(reading.methods[name], reading.maker):
            yield reading.actor(name, reading.methods[name], reading.maker)


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
        verbs = set(words.tokens(name)) & {"step", "update", "apply", "optimize", "descend", "minimize"} or (
            name.lower().lstrip("_").startswith(_STEMS)
        )
        takes = signature.has(words.GRADIENTS, words.LAYER, PAIRS)
        aside = name.startswith(("zero", "reset", "get_lr", "set_", "pre_", "post_", "init", "add_", "compute_loss"))
        if (takes or verbs) and not aside:
            others.append((not takes, name.startswith("_"), not verbs, name))
    return known + [name for *_, name in sorted(others)]
