"""Estimators in files: parameters, weights, memory of the rule and source of randomness; never code.

A file that was written here opens as the estimator that was saved: its predictions, and what it learns next, have the
same bits as if it had never left.
"""

from __future__ import annotations

import inspect
import os
import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.record import Record, machine_information, plain
from thalweg.errors import SettingError
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.contract import check_is_fitted
from thalweg.estimators.intervals import IntervalRegressor
from thalweg.estimators.linear import LinearClassifier, LinearRegressor
from thalweg.estimators.network import MLPClassifier, MLPRegressor
from thalweg.estimators.settings import callbacks as functions
from thalweg.estimators.targets import Classification
from thalweg.exchange import layers, models, tensors
from thalweg.exchange.models import TrainedModel
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.values import Formulas, decode, encode
from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]

_CLASSES: dict[str, type[DescentEstimator]] = {
    each.__name__: each for each in (LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor)
}
#: Callbacks are code; what scikit-learn keeps beside its own during a fit is of that fit.
_LEFT_OUT = frozenset({"callbacks", "_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx"})
#: What a fitted estimator has that is written in a way of its own.
_APART = frozenset({"theta_", "_model", "record_", "_metadata_request"})
#: Without these no fit can go on; what else a fit left comes along by its name.
_NEEDED = {
    "state_": np.ndarray, "t_": float, "n_features_in_": int, "_epochs": int, "_loss": Loss, "_rule": Rule,
    "_root": np.random.SeedSequence,
}  # fmt: skip
#: What fits left later than the first of these files were written, as it was then.
_SINCE: dict[str, Any] = {
    "_iterate": None, "_mean_values": None, "_mean_since": 0.0, "learning_rate_": None, "range_test_": None,
    "learning_rate_curve_": [], "gradient_norm_curve_": [],
}  # fmt: skip


def save(model: DescentEstimator | IntervalRegressor | TrainedModel, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, or a model that `load` gave, to a file.

    The file is there as a whole or not at all. It holds the parameters of the constructor, formulas by name and
    numbers; weights and biases as tensors that any reader of safetensors sees layer by layer; names of features,
    classes with their type, memory of the rule, counts of updates and epochs, source of randomness, curves and record,
    versions, and a SHA-256 of all of it. Callbacks are code and are left out, with a warning.

    Parameters
    ----------
    model : LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier, IntervalRegressor or TrainedModel
        Fitted.
    path : path-like
        The file; one that is there is replaced.

    Raises
    ------
    SettingError
        MODEL-KIND: another object. MODEL-VALUE: a parameter that no file can hold. MODEL-NONFINITE: weights that are
        not finite.
    NotFittedError
        It was not fitted.
    StorageError
        FILE-WRITE: it cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from thalweg import LinearRegressor, load, save
    >>> line = LinearRegressor(batch_size=None, max_iter=5, tol=None).fit([[0.0], [1.0]], [1.0, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(line, pathlib.Path(folder) / "line.thalweg")
    ...     again = load(pathlib.Path(folder) / "line.thalweg")
    >>> bool((again.predict([[2.0]]) == line.predict([[2.0]])).all())
    True
    """
    if isinstance(model, TrainedModel):
        models.save(path, model)
        return
    if isinstance(model, IntervalRegressor):
        description, arrays = _describe_several(model)
    elif type(model) in _CLASSES.values():
        description, arrays = _describe(model)
    else:
        what = f"a model file holds an estimator of thalweg, got {type(model).__name__}"
        raise SettingError("MODEL-KIND", "model", what, "Of a pipeline save the last step.")
    broken = next((key for key, array in arrays.items() if not np.isfinite(array).all()), None)
    if broken is not None:
        raise SettingError("MODEL-NONFINITE", "model", f"{broken} holds numbers that are not finite", "Train again.")
    tensors.write(path, description, arrays)


def load(path: str | os.PathLike[str], formulas: Formulas = ()) -> Any:
    """Read what `save` or ``thalweg train`` wrote; nothing in the file is run.

    Parameters
    ----------
    path : path-like
        The file.
    formulas : sequence of Formula
        Formulas of your own that the estimator was fitted with. They are compared with the fingerprints in the file.

    Returns
    -------
    LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier, IntervalRegressor or TrainedModel
        The estimator that was saved; of ``thalweg train`` a model that predicts data frames, with its parts:
        ``preparation``, ``model``, ``theta``, ``outputs``, ``scores``.

    Raises
    ------
    ModelFileError
        The file is damaged, of another kind, or newer than this library: codes MODEL-... MODEL-FORMULA: a formula of
        your own is not among `formulas`, or is not the one of the file.
    StorageError
        MODEL-OPEN: it cannot be read.
    """
    name = shown(str(path), 200)
    kind, description, arrays = models.read(path)
    if kind == models.TABLE:
        return models.rebuild(description, arrays, name)
    rebuild = _rebuild_several if kind == models.SEVERAL else _rebuild
    try:
        return rebuild(description, arrays, formulas)
    except models.UNSOUND as error:
        raise models.unsound(name, error) from error


def _describe(model: DescentEstimator) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return a fitted estimator as plain data, and its arrays."""
    check_is_fitted(model)
    arrays = layers.split(model._model, model.theta_)
    parameters = model.get_params(deep=False)
    kept = {name: value for name, value in vars(model).items() if name not in parameters}
    if functions(parameters.get("callbacks")):
        warnings.warn("callbacks are code and are left out of the file", UserWarning, stacklevel=3)
    description = {
        **models.begun(models.ESTIMATOR),
        "class": type(model).__name__,
        "model": layers.describe(model._model),
        "parameters": _told(model),
        "fitted": {name: encode(kept[name], name, arrays) for name in sorted(kept.keys() - _APART - _LEFT_OUT)},
        "record": plain(model.record_.as_dict()),
        "requests": _requests(model),
        # Where in the data the next fit goes on. Estimators are saved between epochs, so no row of one was used.
        "cursor": {"epochs": model._epochs, "rows": 0},
        "versions": models.versions(machine_information()),
    }
    return description, arrays


def _describe_several(model: IntervalRegressor) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the estimators of an interval, each as one in a file of its own, and all their arrays."""
    check_is_fitted(model)
    parts = [_describe(each) for each in model.estimators_]
    template = model.estimator
    told = {"class": type(template).__name__, "parameters": _told(template)} if template is not None else None
    description = {
        **models.begun(models.SEVERAL),
        "class": type(model).__name__,
        "parameters": {
            "quantiles": encode(tuple(model.quantiles), "quantiles"),
            "n_jobs": encode(model.n_jobs, "n_jobs"),
            "estimator": told,
        },
        "requests": _requests(model),
        "estimators": [each for each, _ in parts],
        "versions": models.versions(machine_information()),
    }
    return description, {f"{k}:{key}": array for k, (_, own) in enumerate(parts) for key, array in own.items()}


def _told(model: DescentEstimator) -> dict[str, Any]:
    """Return the parameters of a constructor as plain data."""
    parameters = model.get_params(deep=False)
    return {name: encode(parameters[name], name) for name in sorted(parameters.keys() - _LEFT_OUT)}


def _rebuild_several(data: dict[str, Any], arrays: dict[str, Array], formulas: Formulas) -> IntervalRegressor:
    """Return the interval that `save` was given, as :func:`_rebuild`."""
    told, several = dict(data["parameters"]), list(data["estimators"])
    if data["class"] != IntervalRegressor.__name__ or set(told) != {"quantiles", "n_jobs", "estimator"}:
        raise ValueError("it is no interval")
    template = None if told["estimator"] is None else _made(told["estimator"], {}, formulas)
    quantiles, n_jobs = (decode(told[name], {}, formulas) for name in ("quantiles", "n_jobs"))
    model = IntervalRegressor(template, quantiles=quantiles, n_jobs=n_jobs)
    parts = zip(several, models.members(arrays, len(several)), strict=True)
    model.estimators_ = [_rebuild(each, own, formulas) for each, own in parts]
    levels, kinds = model._levels(), {type(each) for each in model.estimators_}
    if len(levels) != len(several) or kinds != {type(model._template())}:
        raise ValueError("the estimators are not those of the quantiles")
    if len({each.n_features_in_ for each in model.estimators_}) != 1:
        raise ValueError("the estimators take different features")
    model._learn_features()
    _restore_requests(model, data["requests"])
    return model


def _made(data: dict[str, Any], arrays: dict[str, Array], formulas: Formulas) -> DescentEstimator:
    """Return an estimator with the parameters of its constructor, not fitted."""
    made = _CLASSES[data["class"]]
    known = set(inspect.signature(made).parameters)
    strange = [name for name in data["parameters"] if name not in known]
    if strange:
        raise ValueError(f"{made.__name__} has no parameter {strange[0]}")
    return made(**{name: decode(value, arrays, formulas) for name, value in data["parameters"].items()})


def _rebuild(data: dict[str, Any], arrays: dict[str, Array], formulas: Formulas) -> DescentEstimator:
    """Return what `save` was given; KeyError, TypeError, ValueError or AttributeError for another description."""
    estimator = _made(data, arrays, formulas)
    made, known = type(estimator), estimator.get_params(deep=False)
    estimator.__dict__.update(deepcopy(_SINCE))
    for name, value in data["fitted"].items():
        if not name.isidentifier() or name.startswith("__") or name in known or not _free(made, name):
            raise ValueError(f"{name} is nothing that a fit leaves")
        setattr(estimator, name, decode(value, arrays, formulas))
    estimator._model = layers.model_of(data["model"], formulas)
    estimator.theta_ = layers.join(estimator._model, layers.of_layers(arrays))
    estimator.record_ = Record.from_dict(data["record"])
    _restore_requests(estimator, data["requests"])
    _check(estimator)
    between = {"epochs": estimator._epochs, "rows": 0}
    if data.get("cursor", between) != between:
        raise ValueError("it was written within an epoch, where no fit of this version goes on")
    return estimator


def _free(made: type[DescentEstimator], name: str) -> bool:
    """Tell whether an attribute can be set: it is none of the class, or what stands there is plain data too."""
    return isinstance(getattr(made, name, None), bool | int | float | str | None)


def _check(estimator: DescentEstimator) -> None:
    """Raise TypeError or ValueError where what was read does not fit together: kernels go where sizes send them."""
    told = vars(estimator)
    for name, kind in _NEEDED.items():
        if not isinstance(told.get(name), kind) or isinstance(told[name], bool):
            raise TypeError(f"{name} is missing or is something else")
    model, theta, state = estimator._model, estimator.theta_, estimator.state_
    if (state.dtype, state.shape) != (theta.dtype, estimator._rule.init(theta).shape):
        raise ValueError(f"state_ has shape {state.shape}, {estimator._rule.name} has another on this model")
    if not (np.isfinite(estimator.t_) and estimator.t_ >= 0 and estimator._epochs >= 0):
        raise ValueError("the counts of updates and epochs are numbers from 0")
    if estimator.n_features_in_ != model.n_features:
        raise ValueError(f"{estimator.n_features_in_} features, but a model of {model.n_features}")
    names = told.get("feature_names_in_")
    if names is not None and (not isinstance(names, np.ndarray) or names.shape != (model.n_features,)):
        raise ValueError("the names of the features are not as many as the features")
    if isinstance(estimator, Classification):
        classes = told.get("classes_")
        if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not _fits(len(classes), model.n_outputs):
            raise ValueError("the classes do not fit the scores of the model")


def _fits(classes: int, outputs: int) -> bool:
    """Tell whether a model with so many scores can have so many classes: one score is enough for two."""
    return classes == outputs or (classes, outputs) == (2, 1)


def _requests(model: DescentEstimator | IntervalRegressor) -> dict[str, Any]:
    """Return which arguments the estimator asks a pipeline for, where it was told."""
    if "_metadata_request" not in vars(model):
        return {}
    asked = model.get_metadata_routing()
    methods = ("fit", "partial_fit", "score", "predict")
    return {name: dict(getattr(asked, name).requests) for name in methods if getattr(asked, name).requests}


def _restore_requests(estimator: DescentEstimator | IntervalRegressor, requests: dict[str, Any]) -> None:
    if not requests:
        return
    asked = estimator.get_metadata_routing()
    for method, told in requests.items():
        if method not in {"fit", "partial_fit", "score", "predict"}:
            raise ValueError(f"nothing is asked for by {method}")
        for argument, wanted in told.items():
            getattr(asked, method).add_request(param=argument, alias=wanted)
    estimator._metadata_request = asked
