"""What a model file says of itself, as plain data: of what table, how trained, how good, what weighs most.

Only the description and the numbers are read: no formula is looked up, so that the card of a model with a formula of
one's own, or with weights that are not finite, can be read too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.exchange import layers, models
from thalweg.exchange.tables.cells import shown

Array = NDArray[Any]


def card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a model file says of itself.

    Parameters
    ----------
    path : path-like
        A file of ``thalweg train`` or :func:`thalweg.save`.

    Returns
    -------
    dict
        ``file``, ``bytes``, ``format``, ``kind``, ``model``, ``target``, ``classes``, ``columns``, ``data``,
        ``training``, ``scores``, ``weights`` (one entry per feature, the largest first), ``not_finite`` (names of
        arrays), ``versions``: plain data.

    Raises
    ------
    ModelFileError
        The file is damaged, of another kind, or newer than this library.
    StorageError
        It cannot be read.
    """
    name = shown(str(path), 200)
    kind, description, arrays = models.read(path, finite=False)
    try:
        with np.errstate(all="ignore"):  # numbers beyond all bounds are shown as such
            found = _card(kind, description, arrays)
    except models.UNSOUND as error:
        raise models.unsound(name, error) from error
    return {"file": Path(path).name, "bytes": Path(path).stat().st_size, **found}


def _card(kind: str, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the card; one of `models.UNSOUND` where the description is not sound."""
    if kind == models.SEVERAL:
        return _card_of_several(description, arrays)
    told = _of_table(description) if kind == models.TABLE else _of_estimator(description, arrays)
    model, features = description["model"], told.pop("features")
    sizes = [int(size) for size in model["layer_sizes"]]
    if len(features) != sizes[0] or arrays["weights.0"].shape != (sizes[0], sizes[1]):
        raise ValueError("the features do not fit the model")
    if sizes[-1] != len(told["classes"]) and len(told["classes"]) > 2:
        raise ValueError("the classes do not fit the model")
    _check(told, dict(description.get("versions", {})))
    scale, linear = told.pop("scale", 1.0), model["kind"] == "linear"
    first = arrays["weights.0"] * scale if linear else arrays["weights.0"]  # the target's units are the last layer's
    return {
        "format": description["format"],
        "kind": kind,
        "model": {
            "kind": str(model["kind"]),
            "layer_sizes": sizes,
            "activations": [_formula(each) for each in model.get("activations", [])],
            "dropout": list(model.get("dropout", [])),
            "parameters": sum(array.size for array in layers.of_layers(arrays).values()),
            "dtype": str(arrays["weights.0"].dtype),
        },
        **told,
        "weights": _weights(first, features, linear=linear),
        "not_finite": sorted(key for key, array in arrays.items() if not np.isfinite(array).all()),
        "versions": dict(description.get("versions", {})),
    }


def _card_of_several(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the card of the middle one of several estimators, with the name and the settings of what has them all."""
    several = list(description["estimators"])
    parts = models.members(dict(arrays), len(several))
    cards = [_card(models.ESTIMATOR, each, part) for each, part in zip(several, parts, strict=True)]
    found = cards[len(cards) // 2]
    told = {name: _formula(value) for name, value in description["parameters"].items() if name != "estimator"}
    model = {**found["model"], "parameters": sum(each["model"]["parameters"] for each in cards)}
    return found | {
        "format": description["format"],
        "kind": models.SEVERAL,
        "class": str(description["class"]),
        "model": model,
        "parameters": told,
        "not_finite": sorted(f"{k}:{name}" for k, each in enumerate(cards) for name in each["not_finite"]),
    }


def _check(told: Mapping[str, Any], versions: Mapping[str, Any]) -> None:
    """Raise TypeError where something is told that a reader of the card would not expect."""
    training, data = told["training"], told["data"]
    texts = [training.get("status", ""), data.get("table", ""), *versions, *versions.values()]
    counts = [training.get("epochs", 0), training.get("steps", 0), *data.get("rows", {}).values()]
    formulas = [training.get(name) for name in ("loss", "optimizer", "penalty", "schedule")]
    sound = (
        all(isinstance(text, str) for text in texts)
        and all(type(count) is int for count in counts)
        and all(formula is None or isinstance(formula, str | dict | list) for formula in formulas)
        and all(isinstance(label, bool | int | float | str) for label in told["classes"])
        and isinstance(training.get("batch_size"), int | None)
    )
    if not sound:
        raise TypeError("what is told of the training is not what training tells")


def _of_table(description: Mapping[str, Any]) -> dict[str, Any]:
    from thalweg.exchange.preparation import Preparation

    preparation, outputs = Preparation.from_list(description["columns"]), description["outputs"]
    data, training = dict(description.get("data", {})), dict(description["training"])
    if training.get("training_loss") is not None:
        training["training_loss"] = float(training["training_loss"])
    return {
        "target": str(description["target"]),
        "classes": list(outputs["classes"]),
        "columns": preparation.as_list(),
        "data": {**data, "rows": _in_order(dict(data.get("rows", {})))} if data else {},
        "training": training,
        "scores": _in_order({part: _numbers(scores) for part, scores in description.get("scores", {}).items()}),
        "link": str(outputs["link"]),
        "scale": float(outputs["scale"]) if outputs["link"] == "identity" else 1.0,
        "features": list(preparation.feature_names),
    }


def _of_estimator(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    from thalweg.exchange.values import decode

    fitted, record = description["fitted"], description["record"]
    names = decode(fitted["feature_names_in_"], arrays).tolist() if "feature_names_in_" in fitted else None
    count = len(arrays["weights.0"])  # what the description says of it is compared later
    settings = record["settings"]
    told = ("loss", "optimizer", "penalty", "schedule", "batch_size", "clip_value", "clip_norm")
    training = {name: settings.get(name) for name in told}
    curve = record["loss_curve"]
    training |= {name: record[name] for name in ("status", "epochs", "steps")}
    training["training_loss"] = float(curve[-1]) if curve else None
    return {
        "class": str(description["class"]),
        "target": "",
        "classes": decode(fitted["classes_"], arrays).tolist() if "classes_" in fitted else [],
        "columns": [],
        "data": {},
        "training": training,
        "scores": {},
        "parameters": {name: _formula(value) for name, value in description["parameters"].items()},
        "features": [str(name) for name in names] if names is not None else [f"x{k}" for k in range(count)],
    }


def _formula(value: Any) -> Any:
    """Return a formula of a description as its name, with its numbers where it has some; else the value."""
    if isinstance(value, dict) and "tuple" in value:
        return [_formula(each) for each in value["tuple"]]
    if isinstance(value, list):
        return [_formula(each) for each in value]
    if not isinstance(value, dict) or "numbers" not in value:
        return value
    numbers = ", ".join(f"{name}={number:g}" for name, number in value["numbers"].items())
    return f"{value['name']}({numbers})" if numbers else str(value["name"])


def _numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return scores as numbers: those that are not finite are written as text."""
    return {name: float(score) for name, score in _in_order(scores).items()}


#: Parts and scores in the order in which they are used and told: a file has them by name.
_ORDER = ("train", "validation", "test", "RMSE", "MAE", "R2", "accuracy", "log loss")


def _in_order(named: Mapping[str, Any]) -> dict[str, Any]:
    others = sorted(named.keys() - _ORDER)
    return {name: named[name] for name in (*_ORDER, *others) if name in named}


def _weights(first: Array, features: Sequence[str], *, linear: bool) -> list[dict[str, Any]]:
    """Return one entry per feature, the largest first: of a linear model its coefficients, else a norm.

    Numbers of a table were standardised, so its coefficients are per standard deviation and can be compared; those of
    an estimator are per unit.
    """
    weights = first.astype(np.float64)
    norms = np.sqrt(np.square(weights).sum(axis=1))
    sizes = np.abs(weights).max(axis=1) if linear else norms
    order = np.argsort(-np.nan_to_num(sizes, nan=np.inf), kind="stable")
    entries: list[dict[str, Any]] = []
    for k in order.tolist():
        of: dict[str, Any] = {"coefficients": weights[k].tolist()} if linear else {"norm": float(norms[k])}
        entries.append({"feature": features[k], **of})
    return entries
