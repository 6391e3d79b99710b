"""What in a file looks like a gradient, and what it is the gradient of."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, product
from typing import Any

from thalweg.check.subjects.gradients.binding import (
    names_within,
    needed,
    parameters,
    returned_names,
    roles,
    tree_of,
)
from thalweg.check.subjects.gradients.holding import Holder
from thalweg.check.subjects.gradients.layers import layer_readings, upstream_of
from thalweg.check.subjects.gradients.loss_layers import loss_layer
from thalweg.check.subjects.gradients.models import Model, readings, readings_by_known_losses
from thalweg.check.subjects.gradients.names import of_gradient, part, role, stem, words
from thalweg.check.subjects.gradients.objects import built, methods_of, object_readings
from thalweg.check.subjects.gradients.pairs import elementwise, losses
from thalweg.check.subjects.gradients.reading import GradientSubject, Reading
from thalweg.check.subjects.gradients.worlds import worlds
from thalweg.check.subjects.subject import CannotRun

Function = Callable[..., Any]

_SWITCHES = ("deriv", "derivative", "prime", "grad", "der", "derive", "gradient", "diff")


def remember(path: str, text: str) -> None:
    """Let the text of functions be found under the name they were compiled with, though no such file is on disk."""
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)


def find_gradients(
    scope: Mapping[str, Any],
    text: str,
    name: str | None = None,
    *,
    function: str | None = None,
    gradient_function: str | None = None,
    at: str | None = None,
) -> list[GradientSubject]:
    """Return the gradients of a file that was run.

    Parameters
    ----------
    scope : mapping
        Its names after it ran.
    text : str
        Its text.
    name : str, optional
        Only this function or class.
    function, gradient_function : str, optional
        The cost and its gradient, where names do not tell.
    at : str, optional
        The name of the parameters at which to look.

    Raises
    ------
    CannotRun
        A name that the file does not have; nothing that looks like a gradient.
    """
    for asked in (name, function, gradient_function, at):
        if asked is not None and asked.split(".")[0] not in scope:
            raise CannotRun(f"the file has no {asked}")
    functions, classes = _written_here(scope, text)
    point = scope[at] if at is not None else None
    if gradient_function is not None or function is not None:
        found = [_asked_for(scope, text, functions, function, gradient_function, point, at or "")]
    else:
        found = [*_of_functions(functions, scope, text, point, at or ""), *_of_classes(classes, functions, scope, text)]
    if name is not None:
        found = [
            each for each in found if name in (each.name, each.of, each.name.split(".")[0]) or name in _names(each)
        ]
    if not found:
        what = f"{name} is no gradient that could be recognised" if name else "no function in it looks like a gradient"
        raise CannotRun(what)
    return found


def _names(subject: GradientSubject) -> list[str]:
    own = [getattr(f, "__name__", "") for f in subject.functions]
    return [subject.name, subject.name.partition(".")[0], *own]


def _written_here(scope: Mapping[str, Any], text: str) -> tuple[dict[str, Function], dict[str, type]]:
    """Return functions and classes that the file defines, not those it imports."""
    defined = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    inner = {id(n) for outer in defined for n in ast.walk(outer) if n is not outer}
    names = [n.name for n in defined if id(n) not in inner and n.name in scope]
    return (
        {name: scope[name] for name in names if inspect.isfunction(scope[name])},
        {name: scope[name] for name in names if inspect.isclass(scope[name])},
    )


def _asked_for(
    scope: Mapping[str, Any], text: str, functions: Mapping[str, Function], cost: str | None, gradient: str | None,
    point: Any, at: str,
) -> GradientSubject:  # fmt: skip
    own = functions.get(gradient or cost or "")
    if own is None:
        raise CannotRun(f"{gradient or cost} is no function of the file")
    of = functions.get(cost) if cost and gradient else None
    return _of_model(own, [of] if of else [None], functions, scope, text, point, at)


# -- functions


def _of_functions(
    functions: Mapping[str, Function], scope: Mapping[str, Any], text: str, point: Any, at: str
) -> Iterator[GradientSubject]:
    backwards = {name: f for name, f in functions.items() if part(name) == "backward"}
    for name, f in functions.items():
        switch = next((p for p in parameters(f) if p.lower() in _SWITCHES and p not in needed(f)), None)
        if switch is not None and len(needed(f)) == 1:
            derivative = partial(f, **{switch: True})
            yield GradientSubject(f"{name}({switch}=True)", name, (f,), partial(elementwise, f, derivative))
        elif (part(name) not in ("backward", "other", "initial") or _steps(name)) and _returns_both(f):
            yield _of_model(f, [None], functions, scope, text, point, at)
    for name, f in backwards.items():
        yield _of_backward(name, f, functions, scope, text, point, at)


def _of_backward(
    name: str, f: Function, functions: Mapping[str, Function], scope: Mapping[str, Any], text: str, point: Any, at: str
) -> GradientSubject:
    others = {n: g for n, g in functions.items() if g is not f and part(n) not in ("backward", "other", "initial")}
    partners = [n for n in others if stem(n) == stem(name) and (stem(name) or upstream_of(f))]
    partners.sort(key=lambda n: (part(n) != "forward", len(n)))
    if upstream_of(f) and partners:
        forward = functions[partners[0]]
        return GradientSubject(name, partners[0], (f,), partial(layer_readings, forward, f))
    if stem(name) and partners and point is None:
        g = functions[partners[0]]
        told = set(roles(g).values())
        if len(needed(g)) == 1 and not told & {"parameters"}:
            model = partial(readings, Model(g, f), scope, text)
            return GradientSubject(name, partners[0], (f,), lambda: chain(elementwise(g, f), model()))
        if len(needed(g)) == 2 and not told & {"parameters", "piece", "inputs"}:
            return GradientSubject(name, partners[0], (f,), partial(losses, g, f, text))
    if _returns_both(f):
        return _of_model(f, [None], functions, scope, text, point, at)
    costs = [n for n in others if part(n) == "cost" and "upstream" not in roles(others[n]).values()]
    costs += [n for n in others if part(n) == "forward" and _gives_cost(others[n])]
    alike = [n for n in costs if stem(n) == stem(name)]
    of_partner = [n for n in partners if n not in costs and part(n) != "forward"] if stem(name) else []
    simple = [n for n in costs if not stem(n)]
    chosen = alike or of_partner or ([n for n in costs if len(costs) == 1] or simple or costs)
    if not chosen:  # f and grad_f, whatever they are called
        chosen = [n for n in others if len(n) <= 2 and n in name]
        chosen = chosen or [n for n in others if stem(n) & stem(name) and part(n) != "forward"]
    return _of_model(f, [functions[n] for n in chosen] or [], functions, scope, text, point, at)


def _of_model(
    backward: Function, costs: list[Function] | list[None], functions: Mapping[str, Function], scope: Mapping[str, Any],
    text: str, point: Any, at: str,
) -> GradientSubject:  # fmt: skip
    own = stem(backward.__name__)
    forwards = [n for n in functions if part(n) == "forward" and "upstream" not in roles(functions[n]).values()]
    alike = [n for n in forwards if stem(n) == own]
    rest = [n for n in forwards if n not in alike]
    rest.sort(key=lambda n: ("parameters" not in roles(functions[n]).values(), len(stem(n))))
    spare = [n for n in functions if words(n)[:1] == ("predict",)]
    passes: list[Function | None] = [functions[n] for n in (*alike, *rest, *spare)]
    named = [c.__name__ for c in costs if c is not None]

    def ways() -> Iterator[Reading]:
        for cost in costs:
            needs = _needs_forward(cost, backward)
            own_pass = [cost] if cost in passes else [*passes, None] if needs else [None, *passes]
            for forward in own_pass:
                model = Model(cost, backward, forward)
                yield from readings(model, scope, text, point, at)
        for forward in passes if not costs else []:
            yield from readings_by_known_losses(backward, forward, scope, text, point, at)

    of = named[0] if len(named) == 1 else "" if named else backward.__name__ if costs else ""
    return GradientSubject(backward.__name__, of, (backward,), ways, tuple(named) if len(named) != 1 else ())


def _needs_forward(cost: Function | None, backward: Function) -> bool:
    told = {t for f in (cost, backward) if f is not None for t in roles(f).values()}
    return bool(told & {"cache", "output"})


def _gives_cost(function: Function) -> bool:
    names = [name for name in returned_names(function) if name]
    return any(set(words(name)) & {"cost", "loss", "j"} for name in names)


def _returns_both(function: Function) -> bool:
    """Tell whether a function returns a cost and gradients, by the names of what it returns."""
    names = [name for name in returned_names(function) if name]
    costs = [n for n in names if set(words(n)) & {"cost", "loss", "j", "costs", "error"} and not _is_gradient(n)]
    grouped = [part for part in names_within(function) if len(part) > 1]
    gradients = any(_is_gradient(n) for n in names) or any(_is_gradient(n) for part in grouped for n in part)
    return len(names) + len(grouped) > 1 and bool(costs) and gradients


def _steps(name: str) -> bool:
    """Tell whether a function is a step of training by its name: it may give the cost and its gradient as well."""
    return part(name) == "other" and "step" in words(name) and not set(words(name)) & {"update", "optimizer", "adam"}


def _is_gradient(name: str) -> bool:
    return of_gradient(name) != name.lower() or bool(set(words(name)) & {"grad", "grads", "gradient", "gradients"})


# -- classes


def _of_classes(
    classes: Mapping[str, type], functions: Mapping[str, Function], scope: Mapping[str, Any], text: str
) -> Iterator[GradientSubject]:
    for name, kind in classes.items():
        told = methods_of(kind)
        backward = [n for n, said in told.items() if said == "backward"]
        both = [n for n, said in told.items() if said == "cost" and _returns_both(getattr(kind, n))]
        if not backward and not both:
            continue
        if all(_is_empty(getattr(kind, n)) for n in (*backward, *both)):
            continue  # the promise of a base class
        methods = tuple(getattr(kind, n) for n in (*backward, *both))
        pair = _pair_of(kind, told)
        if pair is not None:
            called, of = (f"{name}.{f.__name__}" for f in (pair[1], pair[0]))
            yield GradientSubject(called, of, methods, partial(_pair, *pair, text))
            continue
        layer = loss_layer(kind, told)
        if layer is not None:
            forward = next(n for n in told if told[n] in ("forward", "cost"))
            yield GradientSubject(name, f"{name}.{forward}", methods, partial(losses, *layer, text))
            continue
        instances = [value for value in scope.values() if type(value) is kind]
        beside = [f for n, f in functions.items() if part(n) == "cost"]
        outer = [f for f in beside if set(roles(f).values()) <= {"output", "targets"}]
        costs = [n for n, said in told.items() if said == "cost"]
        ways = partial(object_readings, kind, instances, text, outer)
        yield GradientSubject(name, costs[0] if costs else outer[0].__name__ if outer else "", methods, ways)


def _pair_of(kind: type, told: Mapping[str, str]) -> tuple[Function, Function] | None:
    """Return a function and its derivative where a class is no more than a home for them."""
    thing = next(built(kind, worlds("")[0]), None)
    if thing is None or Holder(thing).paths:
        return None
    if any(value is None and role(name) == "piece" for name, value in vars(thing).items()):
        return None  # it gets its parameters when it is fitted
    for backward, forward in product(told, told):
        if told[backward] == "backward" and told[forward] in ("forward", "cost"):
            b, f = getattr(thing, backward), getattr(thing, forward)
            same = needed(b) == needed(f) or [role(n) for n in needed(b)] == [role(n) for n in needed(f)]
            if same and 1 <= len(needed(f)) <= 2 and "upstream" not in roles(b).values():
                return f, b
    return None


def _pair(f: Function, b: Function, text: str) -> Iterator[Reading]:
    return elementwise(f, b) if len(needed(f)) == 1 else losses(f, b, text)


def _is_empty(function: Function) -> bool:
    """Tell whether a function only promises something: its body is a text, ``pass`` or an error."""
    tree = tree_of(function)
    return tree is not None and all(
        isinstance(s, (ast.Pass, ast.Raise)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in tree.body
    )
