"""The backward pass of a recognised network with one mistake in it, for every mistake that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.gradient_verdict import Cause
from thalweg.check.perceptron import UNITS, Perceptron

Array = NDArray[Any]
Change = Callable[["Pass"], None]
MATCHES = 1e-6


class Pass:
    """Where a backward pass stands, for mistakes to reach into.

    Attributes
    ----------
    Z, A : list of ndarray (m, units)
        Scores and activations; ``A[0]`` is the input.
    slopes : list of ndarray
        Slope of the activation of each hidden layer.
    back : list of ndarray
        What the errors of a layer are multiplied by on their way to the layer before.
    previous : list of ndarray
        What the errors of a layer meet in the gradient of its weights.
    errors : ndarray
        Slope of the loss in the last scores, summed loss.
    bias : list of callable
        From the errors of a layer to the gradient of its bias.
    undone : list of str
        For each layer what takes the errors before the activation's slope: the gradients ``w`` and ``b``, the errors
        ``e`` of the layer before.
    """

    def __init__(self, net: Perceptron, flat: Array) -> None:
        self.net = net
        self.Z, self.A = net.forward(flat)
        self.W = net.weights(flat)
        last = len(self.W) - 1
        self.slopes = [net.unit.slope(z) for z in self.Z[:last]]
        self.back = [w.T for w in self.W]
        self.previous = list(self.A[:-1])
        self.errors = net.output.delta(self.Z[-1], self.A[-1], net.Y)
        self.bias: list[Callable[[Array], Array]] = [lambda d: d.sum(axis=0)] * len(self.W)
        self.undone: list[str] = [""] * len(self.W)

    def gradient(self) -> Array:
        """Return the gradient of all parameters, flat, without the penalty."""
        errors, weights, biases = self.errors * self.net.scale, [], []
        before = (self.A[-1] - self.net.Y) * self.net.scale
        for layer in range(len(self.W) - 1, -1, -1):
            undone = self.undone[layer]
            weights.append(self.previous[layer].T @ (before if "w" in undone else errors))
            biases.append(self.bias[layer](before if "b" in undone else errors))
            if layer:
                before = (before if "e" in undone else errors) @ self.back[layer]
                errors = before * self.slopes[layer - 1]
        return self.net.laid_out(weights[::-1], biases[::-1])


@final
@dataclass(frozen=True)
class Mistake:
    """One way to go wrong, as it is told and as it is done."""

    code: str
    title: str
    mend: str
    change: Change


def mistakes(p: Pass) -> Iterator[Mistake]:
    """Yield the mistakes that a backward pass can have, at every layer and at all of them."""
    yield from _of_output(p)
    yield from _of_slopes(p)
    yield from _of_products(p)
    yield from _of_biases(p)


def _of_output(p: Pass) -> Iterator[Mistake]:
    slope = p.net.output.slope
    if slope is None:
        return
    factor = slope(p.Z[-1], p.A[-1])
    if p.net.output.name.startswith("squared"):

        def without(q: Pass) -> None:
            q.errors = q.A[-1] - q.net.Y

        title = f"the slope of the output's activation is missing ({p.net.output.name})"
        yield Mistake("output_slope_missing", title, "Multiply a - y by the activation's slope at the output.", without)
    else:

        def divided(q: Pass) -> None:
            q.errors = q.errors / factor

        title = "the slope of the output's activation is missing: the errors are those in a, not in z"
        yield Mistake("output_slope_missing", title, "Multiply dA by the activation's slope: a - y is left.", divided)

        def twice(q: Pass) -> None:
            q.errors = q.errors * factor

        title = "the output's errors are multiplied by the activation's slope once too often"
        mend = "With cross-entropy the slope in z is a - y: the activation's slope has cancelled."
        yield Mistake("output_slope_twice", title, mend, twice)


def _everywhere(layers: int) -> list[tuple[int, ...]]:
    single: list[tuple[int, ...]] = [(k,) for k in range(layers)]
    return single if layers < 2 else [*single, tuple(range(layers))]


def _of_slopes(p: Pass) -> Iterator[Mistake]:
    hidden, unit = len(p.slopes), p.net.unit

    def exchanged(which: tuple[int, ...], made: Callable[[Pass, int], Array]) -> Change:
        def change(q: Pass) -> None:
            for k in which:
                q.slopes[k] = made(q, k)

        return change

    forms: list[tuple[str, str, str, Callable[[Pass, int], Array]]] = [
        (
            "activation_slope_missing",
            f"the slope of {unit.name} is missing",
            f"Multiply the errors by the slope of {unit.name} before they go on.",
            lambda q, k: np.ones_like(q.Z[k]),
        ),
        (
            "activation_slope_at_a",
            f"the slope of {unit.name} is taken at a = {unit.name}(z), not at z",
            "Hand z to the function of the slope, or write the slope in terms of a.",
            lambda q, k: unit.slope(q.A[k + 1]),
        ),
        (
            "activation_slope_of_z",
            f"the slope of {unit.name} in terms of a is given z",
            "The formula (such as a * (1 - a) or 1 - a**2) takes the activation a, not z.",
            lambda q, k: unit.slope_of_a(q.Z[k]),
        ),
    ]
    others: list[tuple[str, Callable[[Pass, int], Array]]] = [
        ("1 - a", lambda q, k: 1 - q.A[k + 1]),
        ("a", lambda q, k: q.A[k + 1]),
        ("z", lambda q, k: q.Z[k]),
        ("the slope squared", lambda q, k: q.slopes[k] ** 2),
        ("1 + a**2", lambda q, k: 1 + q.A[k + 1] ** 2),
        ("the slope's inverse", lambda q, k: 1 / q.slopes[k]),
    ]
    for other in UNITS:
        if other.name not in (unit.name, "identity"):
            others.append((f"the slope of {other.name}", lambda q, k, other=other: other.slope(q.Z[k])))  # type: ignore[misc]
            others.append((f"{other.name}'s slope of a", lambda q, k, other=other: other.slope_of_a(q.A[k + 1])))  # type: ignore[misc]
            others.append((f"{other.name}'s slope at a", lambda q, k, other=other: other.slope(q.A[k + 1])))  # type: ignore[misc]
    for told, made in others:
        mend = f"The slope of {unit.name} belongs there."
        forms.append(("activation_slope_other", f"{told} stands where the slope of {unit.name} belongs", mend, made))
    for code, title, mend, made in forms:
        for which in _everywhere(hidden):
            where = "of every hidden layer" if len(which) > 1 else f"of hidden layer {which[0] + 1}"
            yield Mistake(code, f"{title}, in the errors {where}", mend, exchanged(which, made))
    for k in range(hidden):
        for other_k in range(len(p.Z)):
            if other_k != k and p.Z[other_k].shape == p.Z[k].shape:
                title = f"the slope of layer {other_k + 1} is used in the errors of layer {k + 1}"
                mend = "Each layer's errors take the slope at that layer's own z."
                yield Mistake(
                    "activation_slope_layer", title, mend,
                    exchanged((k,), lambda q, _, other_k=other_k: unit.slope(q.Z[other_k])),  # type: ignore[misc]
                )  # fmt: skip
        for spoiled, told in (("wb", "gradients"), ("w", "weights' gradient"), ("b", "bias gradient")):
            title = f"the {told} of layer {k + 1} takes dA, not dZ: the slope of {unit.name} is left out there"
            mend = "Use the errors after the slope: dZ = dA * slope."
            yield Mistake("activation_slope_missing", title, mend, _undone(k, spoiled))
    for k in range(1, len(p.Z)):
        title = f"what goes back from layer {k + 1} is dA, not dZ: the activation's slope is left out on the way"
        yield Mistake("activation_slope_missing", title, "Send the errors after the slope back.", _undone(k, "e"))


def _undone(k: int, which: str) -> Change:
    def change(q: Pass) -> None:
        q.undone[k] = which

    return change


def _of_products(p: Pass) -> Iterator[Mistake]:
    for layer, w in enumerate(p.W):
        for code, told, values in _instead(p, layer):
            mend = f"The gradient of layer {layer + 1}'s weights is (what came into that layer) times its errors."
            title = f"layer {layer + 1}'s weights meet {told}, not the activation of the layer before"
            yield Mistake(code, title, mend, _with_previous(layer, values))
        if not layer:
            continue
        if w.shape[0] == w.shape[1]:
            title = f"the errors go back through the weights of layer {layer + 1} untransposed"
            mend = "Back means the transposed: dA = dZ @ W.T where rows are examples, W.T @ dZ where columns are."
            yield Mistake("weights_not_transposed", title, mend, _with_back(layer, w))
        for other, v in enumerate(p.W):
            if other != layer and v.shape == w.shape:
                title = f"the errors go back through the weights of layer {other + 1}, not of layer {layer + 1}"
                yield Mistake("weights_other_layer", title, "Use the layer's own weights.", _with_back(layer, v.T))
                if v.shape[0] == v.shape[1]:
                    yield Mistake("weights_other_layer", title, "Use the layer's own weights.", _with_back(layer, v))


def _instead(p: Pass, layer: int) -> Iterator[tuple[str, str, Array]]:
    shape = p.previous[layer].shape
    for k, values in enumerate(p.A):
        if k != layer and values.shape == shape:
            code = "previous_is_input" if k == 0 else "previous_is_own" if k == layer + 1 else "previous_is_earlier"
            yield code, "the input" if k == 0 else f"the activation of layer {k}", values
    for k, values in enumerate(p.Z):
        if values.shape == shape:
            yield "previous_is_z", f"z of layer {k + 1}", values


def _with_previous(layer: int, values: Array) -> Change:
    def change(q: Pass) -> None:
        q.previous[layer] = values

    return change


def _with_back(layer: int, values: Array) -> Change:
    def change(q: Pass) -> None:
        q.back[layer] = values

    return change


def _of_biases(p: Pass) -> Iterator[Mistake]:
    forms: list[tuple[str, str, str, Callable[[Array], Array]]] = [
        ("bias_one_row", "the last example alone", "Sum the errors over all examples.", lambda d: d[-1]),
        ("bias_one_row", "the first example alone", "Sum the errors over all examples.", lambda d: d[0]),
        ("bias_size", "the sum of the errors' sizes", "Sum the errors with their signs.", lambda d: np.abs(d).sum(0)),
    ]
    if len(p.net.Y) == p.W[-1].shape[1]:
        mend = "Sum over the axis of the examples."
        forms.append(("bias_axis", "the sum over the wrong axis", mend, lambda d: d.sum(axis=1)))
    for code, told, mend, made in forms:
        for which in _everywhere(len(p.W)):
            if any(p.net.layers[k].bias is None for k in which):
                continue
            where = "every layer" if len(which) > 1 else f"layer {which[0] + 1}"
            yield Mistake(code, f"the bias of {where} takes {told}", mend, _with_bias(which, made))


def _with_bias(which: tuple[int, ...], made: Callable[[Array], Array]) -> Change:
    def change(q: Pass) -> None:
        for k in which:
            q.bias[k] = made

    return change


# -- which of them was made


def explain(net: Perceptron, given: Array, wrong: tuple[str, ...]) -> list[Cause]:
    """Return the mistakes that give these gradients where they are wrong, and change nothing where they are right.

    Parameters
    ----------
    net : Perceptron
    given : ndarray (size,)
        The gradient under test, flat.
    wrong : tuple of str
        Blocks that are wrong.
    """
    flat = net.blocks.flat
    penalty = net.laid_out(
        [2 * l2 * w for l2, w in zip(net.l2, net.weights(flat), strict=True)],
        [np.zeros(w.shape[1]) for w in net.weights(flat)],
    )
    known = list(mistakes(Pass(net, flat)))
    true = Pass(net, flat).gradient() + penalty
    left = set(wrong)
    found: list[Cause] = []
    for count in (1, 2):
        best: tuple[int, float, tuple[Mistake, ...], tuple[str, ...]] | None = None
        for chosen in combinations(known, count):
            explained = _explained(net, chosen, penalty, true, given, left)
            if explained is None:
                continue
            names, residual = explained
            if best is None or len(names) > best[0] or (len(names) == best[0] and residual < 1e-3 * best[1]):
                best = (len(names), residual, chosen, names)
        if best is not None:
            _, residual, chosen, names = best
            found += [Cause(m.code, names, m.title, m.mend, _evidence(net, residual), residual) for m in chosen]
            left -= set(names)
        if not left or (len(known) > 120 and found):
            break
    return found


def _explained(
    net: Perceptron, chosen: tuple[Mistake, ...], penalty: Array, true: Array, given: Array, left: set[str]
) -> tuple[tuple[str, ...], float] | None:
    """Return the wrong blocks that these mistakes spoil just so, or None if they would spoil others, or otherwise."""
    p = Pass(net, net.blocks.flat)
    with np.errstate(all="ignore"):
        try:
            for mistake in chosen:
                mistake.change(p)
            made = p.gradient() + penalty
        except ValueError:  # shapes that do not fit
            return None
    names, worst = [], 0.0
    for name, _, place in net.blocks.slices():
        size = float(np.max(np.abs(given[place]), initial=0.0))
        apart = float(np.max(np.abs(made[place] - given[place]), initial=0.0))
        altered = float(np.max(np.abs(made[place] - true[place]), initial=0.0)) > 1e-9 * size
        if not altered:
            continue
        if name not in left or not apart <= MATCHES * size:
            return None
        names.append(name)
        worst = max(worst, apart / size)
    return (tuple(names), worst) if names else None


def _evidence(net: Perceptron, residual: float) -> str:
    rows = len(net.Y)
    scale = f"1/m, m = {rows}" if abs(net.scale * rows - 1) < 1e-6 else f"{net.scale:.4g}"
    penalty = f", L2 {max(net.l2):.4g}" if any(net.l2) else ""
    shape = f"{len(net.layers)} layers, {net.unit.name}" if len(net.layers) > 1 else "one layer"
    said = f"recognised: {shape}, {net.output.name} times {scale}{penalty}"
    return f"{said}; this mistake gives your numbers to {max(residual, 1e-16):.0e}"
