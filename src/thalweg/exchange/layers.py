"""A model in a file: its sizes and activations as plain data, its parameters as one array per layer and kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear, Model, Network
from thalweg.errors import ModelFileError
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.values import Formulas, decode, encode

Array = NDArray[Any]


def describe(model: Model) -> dict[str, Any]:
    """Return a model without its parameters as plain data."""
    if isinstance(model, Linear):
        sizes = [model.n_features, model.n_outputs]
        return {"kind": "linear", "layer_sizes": sizes, "fit_intercept": model.fit_intercept}
    return {
        "kind": "network",
        "layer_sizes": list(model.layer_sizes),
        "activations": [encode(activation, "activation") for activation in model.hidden_activations],
        "dropout": list(model.dropout),
        "initialisation": model.initialisation,
    }


def model_of(data: Mapping[str, Any], formulas: Formulas) -> Model:
    """Take back what `describe` gave; KeyError, TypeError or ValueError for anything else."""
    from thalweg.formulas import catalog

    sizes = data["layer_sizes"]
    if not all(type(size) is int and 0 < size < 1 << 32 for size in sizes) or len(sizes) < 2:
        raise ValueError("the sizes of the layers are whole numbers from 1")
    if data["kind"] == "linear":
        if len(sizes) != 2 or not isinstance(data["fit_intercept"], bool):
            raise ValueError("a linear model has features, outputs and perhaps intercepts")
        return Linear(sizes[0], sizes[1], data["fit_intercept"])
    if data["kind"] != "network":
        raise ValueError(f"unknown kind of model: {data['kind']}")
    chosen = []
    for each in data["activations"]:
        if set(each) == {"name", "numbers"}:  # as format 1 had them
            chosen.append(catalog.find("activation", each["name"])(**each["numbers"]))
        else:
            chosen.append(decode(each, {}, formulas))
    dropout = tuple(float(rate) for rate in data["dropout"])
    return Network(tuple(sizes), tuple(chosen), dropout, data.get("initialisation", "he"))


def split(model: Model, theta: Array) -> dict[str, Array]:
    """Return the parts of theta by name: ``weights.k`` (fan in, fan out) and ``biases.k`` (fan out,)."""
    shapes = _shapes(model)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
    parts = np.split(theta, ends)
    return {key: part.reshape(shape) for (key, shape), part in zip(shapes.items(), parts, strict=True)}


def join(model: Model, arrays: Mapping[str, Array]) -> Array:
    """Return theta again; ValueError where these are not the arrays of the model, and no others."""
    shapes = _shapes(model)
    if shapes != {key: arrays[key].shape for key in shapes if key in arrays} or len(shapes) != len(arrays):
        raise ValueError("the tensors are not those of the model")
    if len({array.dtype for array in arrays.values()}) != 1:
        raise ValueError("the tensors are of different types")
    return np.concatenate([arrays[key].reshape(-1) for key in shapes])


def of_layers(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return those of the arrays in a file that belong to layers."""
    return {key: array for key, array in arrays.items() if key.startswith(("weights.", "biases."))}


def check(arrays: Mapping[str, Array], name: str, *, finite: bool = True) -> None:
    """Refuse layers that do not chain and, unless they are only to be looked at, numbers that are not finite.

    Raises
    ------
    ModelFileError
        MODEL-NONFINITE, MODEL-SHAPE.
    """
    for key, array in arrays.items():
        if finite and not np.isfinite(array).all():
            where = f"{name}, tensor '{shown(key)}'"
            raise ModelFileError("MODEL-NONFINITE", where, "holds numbers that are not finite", "Train again.")
    width = None
    for k in range(len(arrays)):
        weights, biases = arrays.get(f"weights.{k}"), arrays.get(f"biases.{k}")
        if weights is not None:
            if weights.ndim != 2 or (width is not None and weights.shape[0] != width):
                wanted = "a matrix" if width is None else f"{width} rows, as the layer before it has columns"
                what = f"has shape {weights.shape}, expected {wanted}"
                raise ModelFileError("MODEL-SHAPE", f"{name}, tensor 'weights.{k}'", what)
            width = weights.shape[1]
        if biases is not None and biases.shape != (width,):
            what = f"has shape {biases.shape}, expected ({width},)"
            raise ModelFileError("MODEL-SHAPE", f"{name}, tensor 'biases.{k}'", what)


def _shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the shapes of weights (fan in, fan out) and biases (fan out,) by name, in the order of theta."""
    layers = [(model.n_features, model.n_outputs)] if isinstance(model, Linear) else model.shapes
    shapes: dict[str, tuple[int, ...]] = {f"weights.{k}": shape for k, shape in enumerate(layers)}
    if isinstance(model, Linear) and not model.fit_intercept:
        return shapes
    return shapes | {f"biases.{k}": (fan_out,) for k, (_, fan_out) in enumerate(layers)}
