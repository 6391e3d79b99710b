"""Functions with their derivatives: activations, losses in the prediction, and whatever else is written as two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects.gradients.binding import called, needed
from thalweg.check.subjects.gradients.names import role
from thalweg.check.subjects.gradients.reading import Given, NotThisWayError, Reading

Array = NDArray[Any]
Function = Callable[..., Any]

SHAPES: tuple[tuple[int, ...], ...] = ((5, 3), (9,))


@final
@dataclass(eq=False)
class Elementwise:
    """A function of each number by itself and its derivative, as a sum with weights of its own for every number.

    Parameters
    ----------
    function, derivative : callable
    weights : ndarray
        One for each number; a mistake at any of them changes the sum's slope there alone.
    of_activation : bool
        The derivative takes what the function gives.
    one_by_one : bool
        They take single numbers.
    """

    function: Function
    derivative: Function
    weights: Array
    of_activation: bool = False
    one_by_one: bool = False

    def _activation(self, x: Array) -> Any:
        if self.one_by_one:
            return np.array([_first(self.function(float(v))) for v in x.reshape(-1).real]).reshape(x.shape)
        return _first(self.function(x))

    def value(self, x: Array) -> Any:
        """Return the weighted sum."""
        values = np.asarray(self._activation(x))
        if not np.array_equal(np.shape(values), np.shape(x)):
            raise NotThisWayError("not a function of each number by itself")
        return np.sum(self.weights * values)

    def gradient(self, x: Array) -> Any:
        """Return its gradient by the derivative under test."""
        at = self._activation(x) if self.of_activation else x
        if self.one_by_one:
            slopes = np.array([self.derivative(float(v)) for v in np.asarray(at).reshape(-1)]).reshape(x.shape)
        else:
            slopes = np.asarray(self.derivative(at))
        if x.ndim == 1 and np.array_equal(np.shape(slopes), (x.size, x.size)):
            return self.weights @ slopes  # a Jacobian
        return self.weights * slopes


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def elementwise(function: Function, derivative: Function) -> Iterator[Reading]:
    """Yield the ways to test the derivative of a function of one argument."""
    rng = np.random.default_rng(21)
    for one_by_one in (False, True):
        for shape in SHAPES:
            x = 1.5 * rng.normal(size=shape)
            weights = rng.uniform(0.5, 2, size=shape) * rng.choice([-1.0, 1.0], size=shape)
            for of_activation in (False, True):
                pair = Elementwise(function, derivative, weights, of_activation, one_by_one)
                given = (Given((needed(function) or ["x"])[0], shape, "made"),)
                form = "of_activation" if of_activation else ""
                yield Reading(pair.value, pair.gradient, x, given, int(one_by_one), form)  # type: ignore[arg-type]


@final
@dataclass(eq=False)
class LossPair:
    """A loss in the prediction and its derivative.

    Parameters
    ----------
    loss, derivative : callable
    place : str
        Name of the argument that is the prediction.
    Y : ndarray
        What the other argument is.
    link : callable or None
        Makes predictions of scores, where the derivative is one in the scores.
    """

    loss: Function
    derivative: Function
    place: str
    Y: Any
    link: Callable[[Array], Array] | None = None

    def _given(self, function: Function, x: Array) -> dict[str, Any]:
        predicted = x if self.link is None else self.link(x)
        named = needed(self.loss)
        k = named.index(self.place)
        values = [predicted if i == k else self.Y for i in range(len(named))]
        own = needed(function)
        by_name = dict(zip(named, values, strict=True))
        if all(name in by_name for name in own):
            return {name: by_name[name] for name in own}
        told = {role(name): value for name, value in by_name.items()}
        if all(role(name) in told for name in own):
            return {name: told[role(name)] for name in own}
        if len(own) == len(named):
            return dict(zip(own, values, strict=True))
        raise NotThisWayError("other arguments than the loss")

    def value(self, x: Array) -> Any:
        """Return the loss, summed where it comes for every example."""
        return np.sum(called(self.loss, self._given(self.loss, x)))

    def gradient(self, x: Array) -> Any:
        """Return the derivative under test."""
        return called(self.derivative, self._given(self.derivative, x))


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def losses(loss: Function, derivative: Function, text: str) -> Iterator[Reading]:
    """Yield the ways to test the derivative of a loss of two arguments."""
    named = needed(loss)
    told = [name for name in named if role(name) == "output"]
    places = told[:1] or ([name for name in named if role(name) != "targets"] or named)
    rng = np.random.default_rng(22)
    rows = 7
    classes = rng.permutation(np.arange(rows) % 3)
    binary = (rng.permutation(rows * 2) % 2).astype(float)[:rows]
    onehot = np.eye(3)[classes]
    real: list[Any] = [rng.normal(size=(rows, 3)), rng.normal(size=rows), rng.normal(size=(rows, 1))]
    shares: list[Any] = [onehot, binary[:, np.newaxis], binary]
    signs: list[Any] = [np.where(binary > 0, 1.0, -1.0)]
    by_logs = "log" in text
    for place in places:
        for Y in [*shares, *real, *signs, classes] if by_logs else [*real, *shares, *signs, 0.4]:
            form = (rows, 3) if Y is classes else np.shape(Y)
            z = rng.normal(size=form) if form else np.asarray(0.9)
            given = (Given(place, form, "made"),)
            inside = _softmax(z) if Y is onehot or Y is classes else _sigmoid(z)
            pair = LossPair(loss, derivative, place, Y)
            yield Reading(pair.value, pair.gradient, inside if by_logs else z, given, int(not form))
            if by_logs:
                link = _softmax if Y is onehot or Y is classes else _sigmoid
                scores = LossPair(loss, derivative, place, Y, link)
                yield Reading(scores.value, scores.gradient, z, given, int(not form), "of_scores")
