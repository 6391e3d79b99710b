"""Data made for functions that need some: rows or columns of examples, targets of every kind, parameters that fit.

All lengths differ from one another, so that what is transposed or summed over the wrong axis does not fit by accident.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layout = Literal["rows", "columns", "line", "one"]

ROWS, FEATURES, OUTPUTS = 7, 4, 3
HIDDEN = (5, 6, 5, 6)
RATE = 1.0
PENALTY = 0.3
KEEP = 0.7
_SEVERAL = ("softmax", "argmax", "onehot", "one_hot", "keepdims", "axis", "W2", "w2", "hidden")
"""What functions of several outputs, or of several layers, are written with."""


@final
@dataclass(frozen=True, eq=False)
class World:
    """Examples with targets.

    Parameters
    ----------
    layout : {"rows", "columns", "line", "one"}
        Where the examples stand; ``line`` is one feature without an axis of its own, ``one`` a single example.
    X, Y : ndarray or number
    features, outputs : int
        Lengths that the first and the last layer have.
    kind : str
        What the targets are: real, binary, signs, onehot, labels.
    own : tuple of str
        Names of the file that it was taken from; empty for made data.
    """

    layout: Layout
    X: Any
    Y: Any
    features: int
    outputs: int
    kind: str
    own: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Count of examples."""
        if self.layout == "one":
            return 1
        return int(np.shape(self.X)[1 if self.layout == "columns" else 0])


def worlds(text: str, ends: tuple[int, int] = (FEATURES, OUTPUTS)) -> list[World]:
    """Return made data of every layout, those first that the functions' text speaks for.

    Parameters
    ----------
    text : str
        Of the functions that will be called.
    ends : (int, int)
        Features, and outputs where there are several; a file may have parameters of lengths of its own.
    """
    made = [*_of_rows(ends), *_of_columns(ends), *_of_lines(), *_of_one(ends)]
    columns = text.count("shape[1]") + text.count("axis=1, keepdims") > text.count("shape[0]") + text.count("len(")
    likely = ["onehot", "binary", "labels", "real", "signs"] if "log" in text else ["real", "onehot", "binary"]
    if "softmax" in text or ("exp(" in text and "sum(" in text and "log" in text and "sigmoid" not in text):
        likely = ["onehot", "labels", "binary"]

    # Linear and logistic regression: one output, and where rows are examples no axis for it.
    alone = not any(word in text for word in _SEVERAL)
    if alone and "log" in text:
        likely.remove("binary")
        likely.insert(0, "binary")

    def belief(world: World) -> tuple[bool, bool, int, bool, bool]:
        place = likely.index(world.kind) if world.kind in likely else len(likely)
        several, flat = world.outputs > 1, np.ndim(world.Y) == 1
        other = (world.layout == "columns") != columns
        return world.layout == "one", other, place, several == alone, alone and flat == (world.layout == "columns")

    return sorted(made, key=belief)


def _targets(rng: np.random.Generator, outputs: int, rows: int) -> Iterator[tuple[str, Array]]:
    if outputs > 1:
        labels = rng.permutation(np.arange(rows) % outputs)
        yield "onehot", np.eye(outputs)[labels]
        yield "labels", labels
        yield "real", rng.normal(size=(rows, outputs))
        yield "binary", (rng.permutation(np.arange(rows * outputs)) % 2).reshape(rows, outputs).astype(float)
        return
    for kind, values in (
        ("real", rng.normal(size=rows)),
        ("binary", (rng.permutation(rows) % 2).astype(float)),
        ("signs", np.where(rng.permutation(rows) % 2, 1.0, -1.0)),
    ):
        yield kind, values[:, np.newaxis]
        yield kind, values


def _of_rows(ends: tuple[int, int]) -> Iterator[World]:
    rng = np.random.default_rng(11)
    features, many = ends
    rows = max(ROWS, many + 2)  # so that every class is there, and no length is that of another axis
    rows += rows in ends
    X = rng.normal(size=(rows, features))
    for outputs in dict.fromkeys((many, 1)):
        for kind, Y in _targets(rng, outputs, rows):
            yield World("rows", X, Y, features, outputs, kind)


def _of_columns(ends: tuple[int, int]) -> Iterator[World]:
    for world in _of_rows(ends):
        X, sizes = world.X.T.copy(), (world.features, world.outputs)
        yield World("columns", X, np.transpose(world.Y).copy(), *sizes, world.kind)
        if world.kind == "labels":
            yield World("columns", X, world.Y[np.newaxis, :], *sizes, world.kind)


def _of_lines() -> Iterator[World]:
    rng = np.random.default_rng(12)
    X = rng.normal(size=ROWS)
    for kind, Y in _targets(rng, 1, ROWS):
        if Y.ndim == 1:
            yield World("line", X, Y, 1, 1, kind)


def _of_one(ends: tuple[int, int]) -> Iterator[World]:
    rng = np.random.default_rng(13)
    features, outputs = ends
    x = rng.normal(size=features)
    onehot = np.eye(outputs)[outputs // 2]
    yield World("one", x, onehot, features, outputs, "onehot")
    yield World("one", x[:, np.newaxis], onehot[:, np.newaxis], features, outputs, "onehot")
    yield World("one", x[np.newaxis, :], onehot[np.newaxis, :], features, outputs, "onehot")
    yield World("one", x, 1, features, outputs, "labels")
    yield World("one", x, 1.0, features, 1, "binary")
    yield World("one", x[:, np.newaxis], np.ones((1, 1)), features, 1, "binary")
    yield World("one", 1.3, 0.4, 1, 1, "real")


def ends_of(x: Any) -> list[tuple[int, int]]:
    """Return features and outputs that parameters speak of, rows or columns, where they are not the usual ones.

    Examples
    --------
    >>> ends_of({"W1": np.ones((10, 784)), "b1": np.ones((10, 1)), "W2": np.ones((12, 10)), "b2": np.ones((12, 1))})
    [(784, 12), (10, 10)]
    """
    arrays = list(x.values()) if isinstance(x, Mapping) else list(x) if isinstance(x, (list, tuple)) else [x]
    weights = [np.shape(a) for a in arrays if isinstance(a, np.ndarray) and a.ndim == 2 and min(a.shape) > 1]
    if not weights:
        return []
    (before, after), (last_before, last_after) = weights[0], weights[-1]
    found = [(after, last_before), (before, last_after)]
    return [ends for ends in found if ends != (FEATURES, OUTPUTS) and ends[1] > 1]


# -- parameters


def layers_of(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return weights and bias of each layer among the names of parameters, or an empty list where that is unclear.

    Examples
    --------
    >>> layers_of(["W1", "b1", "W2", "b2"])
    [('W1', 'b1'), ('W2', 'b2')]
    >>> layers_of(["w", "b"]), layers_of(["theta"])
    ([('w', 'b')], [('theta', None)])
    """
    biases = [name for name in names if _is_bias(name)]
    weights = [name for name in names if not _is_bias(name)]
    if not weights or (biases and len(biases) != len(weights)):
        return []
    if not biases:
        return [(name, None) for name in sorted(weights, key=_order)]
    in_order = sorted(biases, key=_order)
    return [(name, in_order[k]) for k, name in enumerate(sorted(weights, key=_order))]


def _is_bias(name: str) -> bool:
    low = name.lower()
    if low.startswith(("b", "c")):
        return "beta" not in low and "coef" not in low
    return any(word in low for word in ("bias", "intercept", "偏"))


def _order(name: str) -> tuple[str, str]:
    digits = "".join(sign for sign in name if sign.isdigit())
    return digits.zfill(3), {"ih": "0", "hh": "1", "ho": "2"}.get(name.lower()[-2:], "") or name


def shapes(names: Sequence[str], world: World) -> Iterator[dict[str, tuple[int, ...]]]:
    """Yield the shapes that parameters of these names may have in a world, the likeliest first."""
    layers = layers_of(names)
    if not layers:
        return
    if len(layers) == 1:
        yield from _of_one_layer(*layers[0], world)
    sizes = [world.features, *HIDDEN[: len(layers) - 1], world.outputs]
    if len(sizes) != len(layers) + 1 or (world.layout == "line" and len(layers) == 1):
        return
    for bias in ("flat", "row", "column"):
        turned = world.layout == "columns" or (world.layout == "one" and bias == "column")
        for swap in (turned, not turned):
            found: dict[str, tuple[int, ...]] = {}
            for (weights, of_bias), before, after in zip(layers, sizes, sizes[1:], strict=False):
                found[weights] = (after, before) if swap else (before, after)
                if of_bias is not None:
                    found[of_bias] = {"flat": (after,), "row": (1, after), "column": (after, 1)}[bias]
            yield found


def _of_one_layer(weights: str, bias: str | None, world: World) -> Iterator[dict[str, tuple[int, ...]]]:
    n = world.features
    if world.outputs > 1:
        return
    if world.layout == "line" or (world.layout == "one" and np.ndim(world.X) == 0):
        forms: list[tuple[int, ...]] = [(), (1,), (1, 1)]
    else:
        forms = [(n,), (n, 1), (1, n)]
    for form in forms:
        for of_bias in [(), (1,), (1, 1)] if bias else [()]:
            yield {weights: form, **({bias: of_bias} if bias else {})}
    if bias is None and world.layout != "columns":
        wider: list[tuple[int, ...]] = [(n + 1,), (n + 1, 1), (1, n + 1)]
        yield from ({weights: form} for form in wider)


def drawn(like: Mapping[str, tuple[int, ...]], seed: int = 5) -> dict[str, Any]:
    """Return values for parameters of these shapes: numbers where the shape is empty."""
    rng = np.random.default_rng(seed)
    return {
        name: 0.6 * rng.normal(size=shape) + 0.1 if shape else float(0.6 * rng.normal() + 0.2)
        for name, shape in like.items()
    }


def redrawn(x: Any, seed: int = 5) -> Any:
    """Return a structure like ``x`` with other values of a middling size, where it holds numbers of floating point.

    Starts of zeros and tiny numbers hide mistakes: of penalties, of slopes, of what is multiplied by the weights.
    """
    rng = np.random.default_rng(seed)

    def again(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: again(inside) for key, inside in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(again(inside) for inside in value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            made = np.asarray(0.6 * rng.normal(size=value.shape))
            return made.astype(value.dtype if value.dtype.kind == "f" else np.float64)
        if isinstance(value, (float, np.floating)):
            return float(0.6 * rng.normal() + 0.2)
        return value

    return again(x)


def dull(x: Any) -> bool:
    """Tell whether any array in a structure holds one value throughout, or only values too small to show anything."""
    if isinstance(x, Mapping):
        return any(dull(value) for value in x.values())
    if isinstance(x, (list, tuple)):
        return any(dull(value) for value in x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size:
        return bool(np.max(np.abs(x)) < 0.05 or (x.size > 1 and np.ptp(x) == 0) or not np.all(np.isfinite(x)))
    return isinstance(x, float) and x == 0
