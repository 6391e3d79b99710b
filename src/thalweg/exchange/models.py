"""Model files: a trained model with all that it takes to use it on another table, and nothing that could run.

Weights and biases are tensors; sizes, activations by name, what the scores stand for, and how the columns become
features are a text in the header.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from thalweg.descent.models import Linear, Model, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import ModelFileError, SettingError, ThalwegError
from thalweg.exchange import tensors
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from thalweg.exchange.tables import Table

#: The format that is written, and the newest that is read.
FORMAT = 1


@final
@dataclass(frozen=True)
class TrainedModel:
    """A model with its parameters, and the way from a table to its predictions.

    Attributes
    ----------
    model : Linear or Network
    theta : ndarray (model.size,)
        Its parameters, float64 or float32.
    outputs : Outputs
        What its scores stand for.
    preparation : Preparation
        How the columns of a table become its features.
    target : str
        The column that it predicts.
    training : dict
        How it was trained, as plain data: loss and optimizer with their numbers. For information only.
    """

    model: Model
    theta: NDArray[Any]
    outputs: Outputs
    preparation: Preparation
    target: str
    training: dict[str, Any] = field(default_factory=dict)

    def predict(self, table: Table) -> Predictions:
        """Return the predictions for every row of a table.

        Parameters
        ----------
        table : Table
            With the columns of the training, by name.

        Raises
        ------
        DataError
            A column that is not there, or of another kind.
        """
        prepared = self.preparation.transform(table)
        scores = self.model.scores(self.theta, prepared.X.astype(self.theta.dtype, copy=False))
        likely = self.outputs.probabilities(scores) if self.outputs.has_probabilities else None
        return Predictions(self.outputs.predict(scores), likely, prepared.warnings)


@final
@dataclass(frozen=True)
class Predictions:
    """What a model says of the rows of a table.

    Attributes
    ----------
    values : ndarray (rows,)
        Numbers in the target's units, or labels.
    probabilities : ndarray (rows, classes) or None
        Where there are classes and the loss gives probabilities.
    warnings : tuple of str
        What was noticed in the table.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()


def save(path: str | os.PathLike[str], trained: TrainedModel) -> None:
    """Write a model file.

    Raises
    ------
    StorageError
        It cannot be written.
    SettingError
        MODEL-FORMULA: see `check_savable`.
    """
    check_savable(trained.model)
    model, outputs = trained.model, trained.outputs
    description = {
        "format": FORMAT,
        "model": _describe(model),
        "outputs": {
            "classes": list(outputs.classes),
            "link": outputs.link,
            "mean": outputs.mean,
            "one_hot": outputs.one_hot,
            "scale": outputs.scale,
        },
        "columns": trained.preparation.as_list(),
        "target": trained.target,
        "training": trained.training,
    }
    tensors.write(path, description, _layers(model, trained.theta))


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """Read a model file; nothing in it is run.

    Raises
    ------
    ModelFileError
        The file is damaged, of another kind, or newer than this library: codes MODEL-..., see `tensors.read`;
        MODEL-VERSION, MODEL-META, MODEL-SHAPE, MODEL-NONFINITE.
    StorageError
        It cannot be read.
    """
    name = shown(str(path), 200)
    description, arrays = tensors.read(path)
    written = description.get("format")
    if type(written) is not int or written > FORMAT:
        what = f"is written in format {shown(str(written))}, this version reads up to {FORMAT}"
        raise ModelFileError("MODEL-VERSION", name, what, "Install a newer thalweg.")
    _check_arrays(arrays, name)
    try:
        trained = _rebuild(description, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # A ThalwegError is a ValueError: an activation that is not known, say.
        what = error.what if isinstance(error, ThalwegError) else str(error)
        raise ModelFileError(
            "MODEL-META", name, f"the description of the model is not sound: {shown(what, 100)}"
        ) from error
    return trained


def check_savable(model: Model) -> None:
    """Raise SettingError MODEL-FORMULA where a file cannot name an activation: one of the user's own is code."""
    from thalweg.formulas import catalog

    known = catalog.activations()
    own = [a.name for a in model.activations if a.name not in known or known[a.name].fingerprint != a.fingerprint]
    if own:
        what = f"'{own[0]}' is a formula of your own; a model file holds no code, only names of built-in ones"
        raise SettingError("MODEL-FORMULA", "activation", what)


def _describe(model: Model) -> dict[str, Any]:
    if isinstance(model, Linear):
        sizes = [model.n_features, model.n_outputs]
        return {"kind": "linear", "layer_sizes": sizes, "fit_intercept": model.fit_intercept}
    chosen = [{"name": a.name, "numbers": a.hyperparameters} for a in model.hidden_activations]
    return {
        "kind": "network",
        "layer_sizes": list(model.layer_sizes),
        "activations": chosen,
        "dropout": list(model.dropout),
    }


def _rebuild(data: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrainedModel:
    """Return what `save` was given; KeyError, TypeError, ValueError or AttributeError for another description."""
    preparation = Preparation.from_list(data["columns"])
    outputs, model = _outputs(data["outputs"]), _model(data["model"])
    target, training = data["target"], data["training"]
    if not isinstance(target, str) or not isinstance(training, dict):
        raise TypeError("the target is a name, the training a list of settings")
    shapes = _shapes(model)
    first, last = shapes["weights.0"][0], list(shapes.values())[-1][-1]
    if (first, last) != (len(preparation.feature_names), outputs.count):
        promised = f"{len(preparation.feature_names)} features and {outputs.count} scores"
        raise ValueError(f"{promised}, but a model from {first} to {last}")
    if shapes != {key: arrays[key].shape for key in shapes if key in arrays} or len(shapes) != len(arrays):
        raise ValueError("the tensors are not those of the model")
    if len({array.dtype for array in arrays.values()}) != 1:
        raise ValueError("the tensors are of different types")
    theta = np.concatenate([arrays[key].reshape(-1) for key in shapes])
    return TrainedModel(model, theta, outputs, preparation, target, training)


def _model(data: dict[str, Any]) -> Model:
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
    chosen = tuple(catalog.find("activation", a["name"])(**a["numbers"]) for a in data["activations"])
    return Network(tuple(sizes), chosen, tuple(float(rate) for rate in data["dropout"]))


def _outputs(data: dict[str, Any]) -> Outputs:
    classes = data["classes"]
    labels = all(isinstance(label, str) for label in classes) or all(type(label) is float for label in classes)
    if not labels or sorted(set(classes)) != classes:
        raise ValueError("the classes are texts or numbers, in order")
    mean, scale, one_hot = data["mean"], data["scale"], data["one_hot"]
    if type(mean) is not float or type(scale) is not float or not scale > 0 or type(one_hot) is not bool:
        raise ValueError("the target has a mean and a positive scale")
    return Outputs(data["link"], tuple(classes), mean, scale, one_hot)


def _shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the shapes of weights (fan in, fan out) and biases (fan out,) by name, in the order of theta."""
    layers = [(model.n_features, model.n_outputs)] if isinstance(model, Linear) else model.shapes
    shapes: dict[str, tuple[int, ...]] = {f"weights.{k}": shape for k, shape in enumerate(layers)}
    if isinstance(model, Linear) and not model.fit_intercept:
        return shapes
    return shapes | {f"biases.{k}": (fan_out,) for k, (_, fan_out) in enumerate(layers)}


def _layers(model: Model, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the parts of theta by name."""
    shapes = _shapes(model)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
    parts = np.split(theta, ends)
    return {key: part.reshape(shape) for (key, shape), part in zip(shapes.items(), parts, strict=True)}


def _check_arrays(arrays: dict[str, NDArray[Any]], name: str) -> None:
    """Refuse numbers that are not finite, and layers that do not chain."""
    for key, array in arrays.items():
        if not np.isfinite(array).all():
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
