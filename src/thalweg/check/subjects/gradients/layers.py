"""Layers written as two functions: one forward, and one that is given the errors of what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects.gradients.binding import (
    arguments,
    called,
    choices_of,
    needed,
    parameters,
    returned_names,
    roles,
)
from thalweg.check.subjects.gradients.names import of_gradient, role
from thalweg.check.subjects.gradients.passing import laid_beside
from thalweg.check.subjects.gradients.reading import Given, NotThisWayError, Reading
from thalweg.check.subjects.gradients.worlds import drawn

Array = NDArray[Any]
Function = Callable[..., Any]
Shape = tuple[int, ...]

# Settings that courses hand to layers as dictionaries.
_SETTINGS: dict[str, dict[str, Any]] = {
    "conv_param": {"stride": 1, "pad": 1},
    "pool_param": {"pool_height": 2, "pool_width": 2, "stride": 2},
    "bn_param": {"mode": "train", "eps": 1e-5},
    "ln_param": {"eps": 1e-5},
    "dropout_param": {"p": 0.7, "mode": "train", "seed": 123},
    "hparameters": {"stride": 1, "pad": 1, "f": 2},
    "hparams": {"stride": 1, "pad": 1, "f": 2},
}


def shapes_of_layers(names: list[str]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Yield shapes that the arrays of a layer may have: first what comes in, then weights, then bias.

    Examples
    --------
    >>> next(shapes_of_layers(["A_prev", "W", "b"]))
    {'A_prev': (7, 4), 'W': (4, 3), 'b': (3,)}
    """
    came, *held = names
    if not held:
        alone: list[Shape] = [(7, 3), (7,), (2, 3, 4, 4), (3,)]
        yield from ({came: form} for form in alone)
    elif len(held) == 1:
        pairs: list[tuple[Shape, Shape]] = [((7, 4), (4, 3)), ((4, 7), (3, 4)), ((7, 4), (4,)), ((7, 4), (3, 4))]
        for first, second in pairs:
            yield {came: first, held[0]: second}
    elif len(held) == 2:
        triples: list[tuple[Shape, Shape, Shape]] = [
            ((7, 4), (4, 3), (3,)), ((7, 4), (4, 3), (1, 3)), ((4, 7), (3, 4), (3, 1)), ((7, 4), (3, 4), (3,)),
            ((7, 4), (4,), (4,)), ((4, 7), (4, 1), (4, 1)), ((2, 3, 5, 5), (4, 3, 3, 3), (4,)), ((4,), (4, 3), (3,)),
            ((2, 6, 6, 3), (2, 2, 3, 4), (1, 1, 1, 4)), ((4, 1), (3, 4), (3, 1)), ((1, 4), (4, 3), (1, 3)),
        ]  # fmt: skip
        for first, second, third in triples:
            yield {came: first, held[0]: second, held[1]: third}
    elif len(held) in (3, 4):  # a step of a recurrent layer: x, the last state, weights, bias
        forms: list[Shape] = [(7, 4), (7, 5), (4, 5), (5, 5), (5,)]
        turned: list[Shape] = [(4, 7), (5, 7), (5, 4), (5, 5), (5, 1)]
        for chosen in (forms, turned):
            yield dict(zip(names, chosen, strict=False))


def upstream_of(backward: Function) -> str:
    """Return the argument that takes the errors of what came out; an empty text where there is none.

    Examples
    --------
    >>> def relu_backward(dA, cache): ...
    >>> upstream_of(relu_backward)
    'dA'
    """
    told = roles(backward)
    named = [name for name, said in told.items() if said == "upstream"]
    named += [name for name in list(told)[:1] if of_gradient(name) != name.lower() and name[:1] in "dgD"]
    return next(iter(named), "")


def weights_of(out: Any) -> Array:
    """Return a weight for every number that came out, of both signs."""
    sizes: Array = np.random.default_rng(31).uniform(0.5, 2, np.shape(out))
    signs = np.where(np.arange(np.size(out)).reshape(np.shape(out)) % 3 == 1, -1, 1)
    weights: Array = sizes * signs
    return weights


@final
@dataclass(eq=False)
class LayerRun:
    """A layer as a function of its arrays: what comes out, summed with a weight for every number of it.

    Parameters
    ----------
    forward, backward : callable
    names : list of str
        Arguments of ``forward`` that are arrays.
    others : mapping
        Its other arguments.
    cache : {"theirs", "input", "output"}
        What the backward pass is given as cache where the forward pass gives none.
    averaged : bool
        Parameters' gradients are means over so many examples, the errors of what came in are not.
    X : ndarray
        What came in, for the gradient's doctor to see.
    """

    forward: Function
    backward: Function
    names: list[str]
    others: Mapping[str, Any]
    cache: str
    averaged: bool = False
    X: Any = None

    def _out(self, x: Mapping[str, Any]) -> tuple[Any, Any]:
        result = called(self.forward, {**x, **self.others})
        if not isinstance(result, tuple):
            return result, next(iter(x.values())) if self.cache == "input" else result
        names = returned_names(self.forward)
        told = (
            [k for k, name in enumerate(names) if name and role(name) == "cache"] if len(names) == len(result) else []
        )
        place = told[0] if told else len(result) - 1
        rest = [part for k, part in enumerate(result) if k != place]
        return rest[0], result[place]

    def value(self, x: Mapping[str, Any]) -> Any:
        """Return the weighted sum of what comes out."""
        out, _ = self._out(x)
        if not isinstance(out, (np.ndarray, float)):
            raise NotThisWayError("no array comes out")
        return np.sum(weights_of(out) * out)

    def gradient(self, x: Mapping[str, Any]) -> Any:
        """Return its gradient by the backward pass."""
        out, cache = self._out(x)
        known = {**x, **self.others, "out": out, "a": out, "z": next(iter(x.values()))}
        errors = upstream_of(self.backward)
        known |= {errors: weights_of(out)} if errors else {}
        by_role = {"upstream": weights_of(out), "cache": cache, "output": out}
        result = called(self.backward, arguments(self.backward, known, by_role))
        grads = laid_beside(result, self.backward, dict(x))
        if not self.averaged or not isinstance(grads, Mapping):
            return grads
        first, rows = next(iter(x)), _rows(x)
        return {name: g if name == first or g is None else np.asarray(g) * rows for name, g in grads.items()}


def _rows(x: Mapping[str, Any]) -> int:
    came, held = [*(np.shape(v) for v in x.values()), ()][:2]
    by_columns = len(came) == 2 and held[-1:] == came[:1] and held[:1] != came[-1:]
    return int(came[1] if by_columns else came[0])


def layer_readings(forward: Function, backward: Function) -> Iterator[Reading]:
    """Yield the ways to test a layer's backward pass."""
    told = roles(forward)
    names = [n for n in needed(forward) if n not in _SETTINGS and not choices_of(forward, n) and told[n] != "keep"]
    settings: dict[str, Any] = {n: _SETTINGS[n] for n in needed(forward) if n in _SETTINGS}
    settings |= {n: 0.7 for n in parameters(forward) if told[n] == "keep"}
    free = {n: choices_of(forward, n) for n in needed(forward) if choices_of(forward, n)}
    if not names or not 1 <= len(names) <= 5:
        return
    for form, chosen in product(list(shapes_of_layers(names)), product(*free.values())):
        x = drawn(form, seed=17)
        others = {**settings, **dict(zip(free, chosen, strict=True))}
        given = tuple(Given(name, shape, "made") for name, shape in form.items())
        tier = 2 if _rows(x) == 1 or len(next(iter(form.values()))) == 1 < len(form) else 1
        for cache in ("theirs", "input"):
            yield Reading(*_pair(LayerRun(forward, backward, names, others, cache, X=x[names[0]])), x, given, tier)
            if len(names) > 1:
                run = LayerRun(forward, backward, names, others, cache, averaged=True)
                yield Reading(*_pair(run), x, given, tier, "averaged")


def _pair(run: LayerRun) -> tuple[Function, Function]:
    return run.value, run.gradient
