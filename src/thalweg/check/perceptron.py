"""A stranger's function recognised as a multilayer perceptron: its layers, activation, loss, scale and penalty.

Nothing is taken on trust: the arrays that the function can see are tried as inputs and targets, every activation and
loss is tried on them, and a network is recognised only where its loss agrees with the function at several points, up to
one factor and one L2 coefficient, which are solved for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.blocks import Blocks
from thalweg.check.differences import Probe

Array = NDArray[Any]
POINTS = 6
AGREES = 1e-9


@final
@dataclass(frozen=True)
class Unit:
    """An activation, with its slope written in terms of z and in terms of the activation a."""

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    slope_of_a: Callable[[Array], Array]


def _logistic(z: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-z))
    return result


def _leaky(share: float) -> Unit:
    return Unit(
        f"leaky ReLU ({share:g})",
        lambda z: np.where(z > 0, z, share * z),
        lambda z: np.where(z > 0, 1.0, share),
        lambda a: np.where(a > 0, 1.0, share),
    )


UNITS = (
    Unit("ReLU", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, lambda a: (a > 0) * 1.0),
    Unit("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda a: 1 - a * a),
    Unit("sigmoid", _logistic, lambda z: _logistic(z) * (1 - _logistic(z)), lambda a: a * (1 - a)),
    _leaky(0.01),
    _leaky(0.1),
    _leaky(0.2),
    Unit("softplus", lambda z: np.logaddexp(0, z), _logistic, lambda a: 1 - np.exp(-a)),
    Unit(
        "ELU",
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
        lambda a: np.where(a > 0, 1.0, a + 1),
    ),
    Unit("identity", lambda z: z, np.ones_like, np.ones_like),
)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


@final
@dataclass(frozen=True)
class Output:
    """What is done with the last scores: an activation, and a loss summed over rows and outputs."""

    name: str
    value: Callable[[Array], Array]
    loss: Callable[[Array, Array], Array]
    delta: Callable[[Array, Array, Array], Array]  # slope in z, of (z, a, y)
    slope: Callable[[Array, Array], Array] | None  # of the activation, of (z, a); None for none


def _squared(unit: Unit) -> Output:
    return Output(
        "squared error" + ("" if unit.name == "identity" else f" of {unit.name}"),
        unit.value,
        lambda a, y: (a - y) ** 2 / 2,
        lambda z, a, y: (a - y) * unit.slope(z),
        None if unit.name == "identity" else lambda z, a: unit.slope(z),  # noqa: ARG005 - one signature for all
    )


def _of_probabilities(p: Array) -> Array:
    slope: Array = p * (1 - p)
    return slope


OUTPUTS = (
    Output(
        "softmax cross-entropy",
        _softmax,
        lambda a, y: -y * np.log(a),
        lambda z, a, y: a * y.sum(axis=1, keepdims=True) - y,  # noqa: ARG005
        lambda z, a: _of_probabilities(a),  # noqa: ARG005
    ),
    Output(
        "sigmoid cross-entropy",
        _logistic,
        lambda a, y: -y * np.log(a) - (1 - y) * np.log1p(-a),
        lambda z, a, y: a - y,  # noqa: ARG005
        lambda z, a: _of_probabilities(a),  # noqa: ARG005
    ),
    _squared(UNITS[-1]),
    _squared(UNITS[2]),
    _squared(UNITS[1]),
    _squared(UNITS[0]),
    Output(
        "squared error of softmax",
        _softmax,
        lambda a, y: (a - y) ** 2 / 2,
        lambda z, a, y: a * ((a - y) - ((a - y) * a).sum(axis=1, keepdims=True)),  # noqa: ARG005
        lambda z, a: _of_probabilities(a),  # noqa: ARG005
    ),
)


@final
@dataclass(frozen=True)
class Layer:
    """Where a layer's weights and bias stand among the blocks; ``turned`` where weights are (outputs, inputs)."""

    weights: int
    bias: int | None
    turned: bool


@final
@dataclass(frozen=True)
class Perceptron:
    """A recognised network: rows are examples here, and weights are (inputs, outputs), however the caller has them.

    Parameters
    ----------
    blocks : Blocks
    layers : tuple of Layer
    X, Y : ndarray
        Inputs (m, features) and targets (m, outputs).
    unit : Unit
    output : Output
    scale : float
        Factor on the summed loss, 1/m for a mean.
    l2 : tuple of float
        Coefficient of the sum of squared weights of each layer.
    """

    blocks: Blocks
    layers: tuple[Layer, ...]
    X: Array
    Y: Array
    unit: Unit
    output: Output
    scale: float
    l2: tuple[float, ...]

    def weights(self, flat: Array) -> list[Array]:
        """Return the weights of every layer, (inputs, outputs)."""
        return [_matrix(self.blocks, flat, layer) for layer in self.layers]

    def forward(self, flat: Array) -> tuple[list[Array], list[Array]]:
        """Return scores ``Z[l]`` and activations ``A[l]`` of all layers; ``A[0]`` is the input."""
        return _forward(self, self.weights(flat), flat)

    def laid_out(self, weights: list[Array], biases: list[Array]) -> Array:
        """Return gradients of weights and biases as the caller's flat vector."""
        flat = np.zeros(self.blocks.size)
        places = self.blocks.slices()
        for layer, w, b in zip(self.layers, weights, biases, strict=True):
            flat[places[layer.weights][2]] = (w.T if layer.turned else w).reshape(-1)
            if layer.bias is not None:
                flat[places[layer.bias][2]] = b
        return flat


def _matrix(blocks: Blocks, flat: Array, layer: Layer) -> Array:
    _, shape, place = blocks.slices()[layer.weights]
    matrix = flat[place].reshape(shape if len(shape) == 2 else (-1, 1))
    return matrix.T if layer.turned else matrix


def _bias(blocks: Blocks, flat: Array, layer: Layer) -> Array | float:
    return 0.0 if layer.bias is None else flat[blocks.slices()[layer.bias][2]]


def _forward(net: Perceptron, weights: list[Array], flat: Array) -> tuple[list[Array], list[Array]]:
    scores, activations = [], [net.X]
    for k, (w, layer) in enumerate(zip(weights, net.layers, strict=True)):
        z = activations[-1] @ w + _bias(net.blocks, flat, layer)
        scores.append(z)
        activations.append(net.output.value(z) if k == len(weights) - 1 else net.unit.value(z))
    return scores, activations


# -- recognising one


def recognise(
    blocks: Blocks, probe: Probe, named: Iterable[tuple[str, Any]], rng: np.random.Generator
) -> Perceptron | None:
    """Return the network that a function computes the loss of, or None.

    Parameters
    ----------
    blocks : Blocks
        Its parameters.
    probe : Probe
        The function.
    named : iterable of (name, value)
        Values that the function can see.
    rng : Generator
        Draws the points of comparison.
    """
    arrays = list(_arrays(named))
    flat = blocks.flat
    typical = max(1e-3, float(np.sqrt(np.mean(flat**2)))) if flat.size else 1.0
    points = [flat] + [flat + 0.3 * typical * rng.normal(size=flat.size) for _ in range(POINTS + len(blocks.names))]
    values = np.array([probe(point) for point in points])
    if not np.all(np.isfinite(values)) or np.ptp(values) == 0:
        return None
    for layers in _orders(blocks):
        sizes = [_matrix(blocks, flat, layer).shape for layer in layers]
        for X, Y in _tables(arrays, sizes[0][0], sizes[-1][1]):
            for output, unit in product(OUTPUTS, UNITS if len(layers) > 1 else UNITS[-1:]):
                made = _fitted(Perceptron(blocks, layers, X, Y, unit, output, 1.0, ()), points, values)
                if made is not None:
                    return made
    return None


def _fitted(net: Perceptron, points: list[Array], values: Array) -> Perceptron | None:
    """Return the network with the scale and penalty that give the values, or None where none do."""
    table = np.empty((len(points), 1 + len(net.layers)))
    for row, point in zip(table, points, strict=True):
        with np.errstate(all="ignore"):
            weights = net.weights(point)
            row[0] = np.sum(net.output.loss(_forward(net, weights, point)[1][-1], net.Y))
        row[1:] = [float(np.sum(w * w)) for w in weights]
    sizes = np.abs(table).max(axis=0)
    if not np.all(np.isfinite(table)) or not np.all(sizes):
        return None
    shares, *_ = np.linalg.lstsq(table / sizes, values)
    size = np.max(np.abs(values))
    if np.max(np.abs(table / sizes @ shares - values)) > AGREES * size or shares[0] <= 0:
        return None
    solved = np.where(np.abs(shares) < 10 * AGREES * size, 0.0, shares / sizes)
    l2 = tuple(solved[1:].tolist())
    return Perceptron(net.blocks, net.layers, net.X, net.Y, net.unit, net.output, float(shares[0] / sizes[0]), l2)


def _arrays(named: Iterable[tuple[str, Any]]) -> Iterator[Array]:
    seen: set[int] = set()
    for _, value in named:
        array = value if isinstance(value, np.ndarray) else None
        if array is None and isinstance(value, list) and value and isinstance(value[0], (list, float, int)):
            try:
                array = np.array(value, dtype=np.float64)
            except (TypeError, ValueError):
                continue
        if (
            array is not None
            and array.ndim in (1, 2)
            and array.size > 1
            and array.dtype.kind in "fiub"
            and id(value) not in seen
        ):
            seen.add(id(value))
            yield np.asarray(array, dtype=np.float64)


def _orders(blocks: Blocks) -> Iterator[tuple[Layer, ...]]:
    """Yield the ways to read the blocks as layers, first to last."""
    weights: list[int] = []
    biases: list[int] = []
    for k, (name, shape, _) in enumerate(blocks.slices()):
        plain = name.lower().lstrip("x[0123456789]'\"")
        size = int(np.prod(shape))
        flat = len(shape) < 2 or min(shape) == 1
        named_bias = plain.startswith(("b", "c", "intercept")) or "bias" in plain
        named_weight = plain.startswith(("w", "theta", "coef", "u", "v", "k"))
        follows = bool(weights) and size in _shape(blocks, weights[-1]) and len(biases) < len(weights)
        if len(shape) <= 2 and size and not (flat and (named_bias or (not named_weight and follows))):
            weights.append(k)
        elif flat:
            biases.append(k)
        else:
            return
    if not weights or (biases and len(biases) != len(weights)):
        return
    paired: list[int | None] = list(biases) if biases else [None] * len(weights)
    # Dictionaries may hold the layers in any order; a square one may stand either way.
    for turned in (False, True):
        for order in (range(len(weights)), range(len(weights) - 1, -1, -1)):
            layers = tuple(Layer(weights[i], paired[i], turned) for i in order)
            shapes = [_matrix(blocks, blocks.flat, layer).shape for layer in layers]
            chained = all(a[1] == b[0] for a, b in pairwise(shapes))
            fits = all(
                layer.bias is None or int(np.prod(blocks.shapes[layer.bias])) in (shape[1], 1)
                for layer, shape in zip(layers, shapes, strict=True)
            )
            if chained and fits:
                yield layers


def _shape(blocks: Blocks, k: int) -> tuple[int, ...]:
    shape = blocks.shapes[k]
    return shape if len(shape) == 2 else (*shape, 1)


def _tables(arrays: list[Array], features: int, outputs: int) -> Iterator[tuple[Array, Array]]:
    """Yield the pairs of arrays that could be inputs and targets, rows as examples."""
    for i, first in enumerate(arrays):
        inputs = [first[:, np.newaxis]] if first.ndim == 1 else [first, first.T]
        for X in inputs:
            if X.shape[1] != features:
                continue
            for k, second in enumerate(arrays):
                if k == i:
                    continue
                for Y in _targets(second, len(X), outputs):
                    yield X, Y


def _targets(array: Array, rows: int, outputs: int) -> Iterator[Array]:
    shapes = [array.reshape(-1, 1)] if array.size == rows else [] if array.ndim == 1 else [array, array.T]
    for Y in shapes:
        if Y.shape == (rows, outputs):
            yield Y
        elif Y.shape == (rows, 1) and outputs > 1 and np.array_equal(Y, np.rint(Y)):
            labels = Y[:, 0].astype(int) - (1 if Y.min() == 1 and Y.max() == outputs else 0)
            if labels.min() >= 0 and labels.max() < outputs:
                yield np.eye(outputs)[labels]
