"""Estimators as ONNX graphs, alone and in pipelines that skl2onnx converts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import SettingError
from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.contract import check_is_fitted
from thalweg.estimators.linear import LinearClassifier, LinearRegressor
from thalweg.estimators.network import MLPClassifier, MLPRegressor
from thalweg.estimators.outputs import outputs_of
from thalweg.estimators.targets import Classification
from thalweg.exchange import onnx as graphs
from thalweg.exchange.graph import Growing

if TYPE_CHECKING:
    from onnx import ModelProto


def to_onnx(estimator: DescentEstimator, dtype: str | None = None) -> ModelProto:
    """Return a fitted estimator as an ONNX graph with the input ``X``.

    Parameters
    ----------
    estimator : LinearRegressor, LinearClassifier, MLPRegressor or MLPClassifier
    dtype : {"float64", "float32"}, optional
        Of ``X``, computing and what comes out; that of the parameters when left out.

    Returns
    -------
    ModelProto
        See :func:`thalweg.exchange.onnx.graph`, also for what is raised.
    """
    check_is_fitted(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    classifies = isinstance(estimator, Classification)
    several = isinstance(estimator, Classification) and estimator._multilabel
    about = {} if names is None else {"features": [str(name) for name in names]}
    labels = estimator.classes_ if classifies else None
    told: dict[str, Any] = {"labels": labels, "several": several, "dtype": dtype, "about": about}
    return graphs.graph(estimator._model, estimator.theta_, outputs_of(estimator), **told)


def register() -> None:
    """Make skl2onnx convert pipelines that hold our estimators.

    After this, ``skl2onnx.to_onnx(pipeline, X[:1])`` knows the four of them. Labels and probabilities are tensors with
    ``options={"zipmap": False}``, as for scikit-learn's own.

    Raises
    ------
    SettingError
        ONNX-MISSING: skl2onnx is not installed.
    """
    try:
        from skl2onnx import update_registered_converter
        from skl2onnx.common.shape_calculator import (
            calculate_linear_classifier_output_shapes,
            calculate_linear_regressor_output_shapes,
        )
    except ImportError as error:
        what = "converting pipelines needs skl2onnx: pip install 'thalweg[onnx]'"
        raise SettingError("ONNX-MISSING", "", what) from error
    options = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [False, True]}
    for classifier in (LinearClassifier, MLPClassifier):
        shapes = calculate_linear_classifier_output_shapes
        update_registered_converter(classifier, f"Thalweg{classifier.__name__}", shapes, _convert, options=options)
    for regressor in (LinearRegressor, MLPRegressor):
        shapes = calculate_linear_regressor_output_shapes
        update_registered_converter(regressor, f"Thalweg{regressor.__name__}", shapes, _convert)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add an estimator to the graph of a pipeline, in the type that the pipeline hands on."""
    from skl2onnx.common.data_types import DoubleTensorType

    estimator = operator.raw_operator
    if isinstance(estimator, Classification) and estimator._multilabel:
        what = "a pipeline with several labels per row is not converted"
        raise SettingError("ONNX-LABELS", type(estimator).__name__, what, "Convert the estimator alone: to_onnx.")
    kind = "float64" if isinstance(operator.inputs[0].type, DoubleTensorType) else "float32"
    came_out = [each.full_name for each in operator.outputs]
    grown = Growing(kind)
    features = grown.add("Cast", operator.inputs[0].full_name, to_type=kind)
    outputs = outputs_of(estimator)
    labels = graphs.labels_of(outputs, estimator.classes_) if outputs.classes else np.zeros(0)
    labels = labels.astype(np.int64) if labels.dtype == bool else labels  # which is what skl2onnx declares for them
    names = graphs.Names(variable=came_out[0]) if len(came_out) == 1 else graphs.Names(*came_out)
    made = graphs.body(grown, estimator._model, estimator.theta_, outputs, labels, features, names)
    nodes, constants = grown.needed(made)
    # Names are the pipeline's to give, where they are not its own inputs and outputs.
    known = {*came_out, operator.inputs[0].full_name}
    called = {name: name for name in known}
    for name in (*constants, *(node.output for node in nodes)):
        called.setdefault(name, scope.get_unique_variable_name(f"thalweg_{name}"))
    for name, value in constants.items():
        held = graphs.tensor(value, called[name])
        flat = held.string_data if value.dtype == object else value.ravel().tolist()
        container.add_initializer(called[name], held.data_type, list(held.dims), list(flat))
    for node in nodes:
        container.add_node(
            node.operation,
            [called[name] for name in node.inputs],
            called[node.output],
            name=scope.get_unique_operator_name(f"thalweg_{node.operation}"),
            op_version=13,
            **graphs.attributes(node),
        )
