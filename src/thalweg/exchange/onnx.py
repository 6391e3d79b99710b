"""Models as ONNX graphs, written node by node: columns to features, layers, and what the scores stand for.

A graph of an estimator takes rows ``X``; one of a table takes each column by its name, numbers and text as they are in
the table, and does to them what was done in training. It is plain ONNX: no operators of our own, no data beside the
file. Numbers are computed in the type of the model.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear, Model
from thalweg.descent.outputs import Outputs
from thalweg.errors import LimitError, SettingError
from thalweg.exchange.files import atomic_write
from thalweg.exchange.graph import Growing, Node
from thalweg.exchange.learned import Number, Text
from thalweg.exchange.preparation import Preparation

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

    from thalweg.exchange.models import TrainedModel

Array = NDArray[Any]

#: Text can be compared from 19 on. The version of the format is that of the same year, which older readers take.
OPSET, FORMAT_VERSION = 19, 9
#: What a protobuf can hold; more would have to lie in files beside it, by which readers were led to other files.
_LARGEST = (1 << 31) - (1 << 20)


class Names(NamedTuple):
    """What comes out: labels and how likely each class is, or its scores; numbers for regression."""

    label: str = "label"
    likely: str = "probabilities"
    variable: str = "variable"


def graph(
    model: Model,
    theta: Array,
    outputs: Outputs,
    *,
    preparation: Preparation | None = None,
    labels: Array | None = None,
    several: bool = False,
    dtype: str | None = None,
    about: dict[str, Any] | None = None,
) -> ModelProto:
    """Return a model as an ONNX graph that was checked in full.

    Parameters
    ----------
    model : Linear or Network
    theta : ndarray (model.size,)
        Its parameters.
    outputs : Outputs
        What its scores stand for.
    preparation : Preparation, optional
        How the columns of a table become features. Without one there is the input ``X``, (rows, features).
    labels : ndarray (classes,), optional
        The classes with their type; those of `outputs` when left out. Whole numbers become int64.
    several : bool
        A row can have several labels: each score is a question of its own, ``label`` is (rows, labels) of 0 and 1.
    dtype : {"float64", "float32"}, optional
        Of inputs, computing and what comes out; that of the parameters when left out.
    about : dict, optional
        Told among the properties of the graph.

    Returns
    -------
    ModelProto
        For classes ``label`` (rows,) and ``probabilities`` (rows, classes), or ``scores`` (rows, classes) where the
        loss has no probabilities; for numbers ``variable`` (rows, outputs). Where a column has such a name, ``_1`` is
        added.

    Raises
    ------
    SettingError
        ONNX-MISSING: the package is not installed. ONNX-FORMULA: an activation that ONNX cannot compute.
        ONNX-OVERFLOW: a parameter that float32 cannot hold. ONNX-LABELS: classes such as dates. ONNX-NAME: a column
        without a name.
    LimitError
        ONNX-TOO-LARGE: 2 GiB or more.
    """
    onnx = _package()
    kind = dtype or str(theta.dtype)
    columns = ["X"] if preparation is None else [column.name for column in preparation.columns]
    if "" in columns:
        raise SettingError("ONNX-NAME", "columns", "one has no name; an input of a graph needs one", "Name it.")
    grown = Growing(kind, columns)
    second = "probabilities" if outputs.has_probabilities else "scores"
    names = Names(*(grown.name(name) for name in Names(likely=second)))
    features, inputs, order = _inputs(grown, model, preparation, kind)
    classes = None if several else labels_of(outputs, labels)
    made = body(grown, model, theta, outputs, classes, features, names, order)
    nodes, constants = grown.needed(made)
    size = sum(value.nbytes for value in constants.values())
    if size > _LARGEST:
        what = f"the parameters take {size / 2**30:.3g} GiB; an ONNX file holds less than 2"
        raise LimitError("ONNX-TOO-LARGE", "model", what)
    h = onnx.helper
    built = h.make_graph(
        [h.make_node(n.operation, list(n.inputs), [n.output], **attributes(n)) for n in nodes],
        "thalweg",
        inputs,
        [
            h.make_tensor_value_info(name, onnx_type(made[name]), shape)
            for name, shape in _shapes(made, model, outputs, several=several)
        ],
        [tensor(value, name) for name, value in constants.items()],
    )
    from thalweg import __version__

    done: ModelProto = h.make_model(built, opset_imports=[h.make_opsetid("", OPSET)], ir_version=FORMAT_VERSION)
    done.producer_name, done.producer_version = "thalweg", __version__
    h.set_model_props(done, {key: json.dumps(value) for key, value in (about or {}).items()})
    onnx.checker.check_model(done, full_check=True)
    return done


def of_table(trained: TrainedModel, dtype: str | None = None) -> ModelProto:
    """Return a model of a table as a graph that takes its columns; see `graph`."""
    about = {"target": trained.target, "features": list(trained.feature_names)}
    told: Any = {"preparation": trained.preparation, "dtype": dtype, "about": about}
    return graph(trained.model, trained.theta, trained.outputs, **told)


def write(path: str | os.PathLike[str], made: ModelProto) -> None:
    """Write a graph to one file, as a whole or not at all.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    atomic_write(path, made.SerializeToString(deterministic=True))


def labels_of(outputs: Outputs, labels: Array | None) -> Array:
    """Return the classes as ONNX has them: text, truth values, int64 or float64."""
    given = np.array(outputs.classes) if labels is None else np.asarray(labels)
    if given.dtype.kind in "UO" and all(isinstance(label, str) for label in given.tolist()):
        return given.astype(object)
    if given.dtype.kind == "b":
        return given
    if given.dtype.kind not in "iuf":
        what = f"ONNX has no labels of {given.dtype}; make them text or whole numbers"
        raise SettingError("ONNX-LABELS", "classes", what)
    return given.astype(np.int64 if bool((given == np.floor(given)).all()) else np.float64)


def body(
    grown: Growing,
    model: Model,
    theta: Array,
    outputs: Outputs,
    labels: Array | None,
    features: str,
    names: Names,
    order: Array | None = None,
) -> dict[str, Any]:
    """Add layers and what their scores stand for; return the types of what comes out, by name.

    Parameters
    ----------
    grown : Growing
        Where to add them.
    labels : ndarray (classes,) or None
        The classes, None where a row can have several of them.
    features : str
        The value that holds the features, in the type of the graph.
    names : Names
        Of what comes out.
    order : ndarray of int, optional
        Which feature of the model each column of `features` is.
    """
    scores = _scores(grown, model, theta, features, order)
    if not outputs.classes:
        _numbers(grown, outputs, scores, names.variable)
        return {names.variable: grown.dtype}
    if labels is None:
        above = grown.add("Greater", scores, grown.constant(np.zeros((1, 1), grown.dtype), "zero"))
        grown.add("Cast", above, to=names.label, to_type="int64")
        _each_likely(grown, outputs, scores, names.likely)
        return {names.label: np.dtype(np.int64), names.likely: grown.dtype}
    held = grown.constant(labels, "classes")
    if outputs.count == 1:
        above = grown.add("Greater", scores, grown.constant(np.zeros((1, 1), grown.dtype), "zero"))
        flat = grown.add("Reshape", above, grown.constant(np.array([-1]), "flat"))
        chosen = grown.add("Cast", flat, to_type="int64")
    else:
        chosen = grown.add("ArgMax", scores, axis=1, keepdims=0)
    grown.add("Gather", held, chosen, to=names.label, axis=0)
    _likely(grown, outputs, scores, names.likely)
    return {names.label: labels.dtype, names.likely: grown.dtype}


def attributes(node: Node) -> dict[str, Any]:
    """Return the attributes of a node as ONNX has them: types are numbers."""
    return {
        "to" if key == "to_type" else key: onnx_type(v) if key == "to_type" else v for key, v in node.attributes.items()
    }


def tensor(value: Array, name: str) -> TensorProto:
    """Return a constant of a graph."""
    onnx = _package()
    if value.dtype == object:
        flat = [label.encode() for label in value.ravel().tolist()]
        made: TensorProto = onnx.helper.make_tensor(name, onnx.TensorProto.STRING, value.shape, flat)
        return made
    held: TensorProto = onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
    return held


def onnx_type(dtype: Any) -> int:
    """Return ONNX's number for a type of NumPy."""
    onnx = _package()
    if np.dtype(dtype) == object:
        return int(onnx.TensorProto.STRING)
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _inputs(
    grown: Growing, model: Model, preparation: Preparation | None, kind: str
) -> tuple[str, list[ValueInfoProto], Array | None]:
    """Add the way from the inputs to the features; return these, the inputs, and which feature stands where."""
    h = _package().helper
    if preparation is None:
        return "X", [h.make_tensor_value_info("X", onnx_type(kind), [None, model.n_features])], None
    columns, starts = preparation.columns, np.cumsum([0, *(len(c.features) for c in preparation.columns)])
    inputs = [
        h.make_tensor_value_info(c.name, onnx_type(kind if isinstance(c, Number) else object), [None, 1])
        for c in columns
    ]
    numbers = [(k, c) for k, c in enumerate(columns) if isinstance(c, Number)]
    parts, order = [], [int(starts[k]) for k, _ in numbers]
    if numbers:
        parts.append(_standardised(grown, [c for _, c in numbers]))
    for k, column in enumerate(columns):
        if isinstance(column, Text):
            categories = grown.constant(np.array([column.categories], object), "categories")
            parts.append(grown.add("Cast", grown.add("Equal", column.name, categories), to_type=kind))
            order += range(int(starts[k]), int(starts[k + 1]))
    return _joined(grown, parts), inputs, np.array(order)


def _standardised(grown: Growing, columns: list[Number]) -> str:
    """Add ``(x - mean) / scale`` in float64, with 0 where x is missing."""
    joined = grown.add("Cast", _joined(grown, [column.name for column in columns]), to_type="float64")
    centred = grown.add("Sub", joined, grown.constant(np.array([[c.mean for c in columns]]), "mean"))
    scaled = grown.add("Div", centred, grown.constant(np.array([[c.scale for c in columns]]), "scale"))
    missing = grown.add("IsNaN", scaled)
    filled = grown.add("Where", missing, grown.constant(np.zeros((1, 1)), "zero"), scaled)
    return grown.add("Cast", filled, to_type=str(grown.dtype))


def _joined(grown: Growing, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else grown.add("Concat", *parts, axis=1)


def _scores(grown: Growing, model: Model, theta: Array, features: str, order: Array | None) -> str:
    linear = isinstance(model, Linear)
    weights = [model.coef(theta).T] if isinstance(model, Linear) else model.coefs(theta)
    biases = [model.intercept(theta)] if isinstance(model, Linear) else model.biases(theta)
    if order is not None:
        weights = [weights[0][order], *weights[1:]]
    at = features
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        product = grown.add("MatMul", at, grown.constant(_typed(grown, w), f"weights.{k}"))
        at = grown.add("Add", product, grown.constant(_typed(grown, b), f"biases.{k}"))
        if not linear and k < len(weights) - 1:
            at = grown.activation(model.hidden_activations[k], at)  # type: ignore[union-attr] # a Network
    return at


def _typed(grown: Growing, value: Array) -> Array:
    with np.errstate(over="ignore"):
        typed = np.ascontiguousarray(value, grown.dtype)
    if not np.isfinite(typed).all():
        what = f"a parameter of {np.abs(value).max():.3g} is more than {grown.dtype} can hold"
        raise SettingError("ONNX-OVERFLOW", "dtype", what, "Take float64.")
    return typed


def _numbers(grown: Growing, outputs: Outputs, scores: str, name: str) -> None:
    """Add the way from scores to numbers in the target's units, in float64."""
    at = grown.add("Cast", scores, to_type="float64")
    if outputs.link in {"exp", "logistic"}:
        at = grown.add("Exp" if outputs.link == "exp" else "Sigmoid", at)
    if (outputs.mean, outputs.scale) != (0.0, 1.0):
        scaled = grown.add("Mul", at, grown.constant(np.array([[outputs.scale]]), "target_scale"))
        at = grown.add("Add", scaled, grown.constant(np.array([[outputs.mean]]), "target_mean"))
    grown.add("Cast", at, to=name, to_type=str(grown.dtype))


def _likely(grown: Growing, outputs: Outputs, scores: str, name: str) -> None:
    """Add the way from scores to probabilities; to a score for each class where there are none."""
    if outputs.link == "softmax":
        grown.add("Softmax", scores, to=name, axis=1)
        return
    single = outputs.count == 1
    both = grown.add("Concat", grown.add("Neg", scores), scores, axis=1) if single else scores
    if not outputs.has_probabilities:
        grown.add("Identity", both, to=name)
        return
    shares = _each_likely(grown, outputs, both)
    total = grown.add("ReduceSum", shares, grown.constant(np.array([1]), "axis"), keepdims=1)
    some = grown.add("Greater", total, grown.constant(np.zeros((1, 1), grown.dtype), "nothing"))
    count = len(outputs.classes)
    alike = grown.constant(np.full((1, count), 1 / count, grown.dtype), "alike")
    grown.add("Where", some, grown.add("Div", shares, total), alike, to=name)


def _each_likely(grown: Growing, outputs: Outputs, scores: str, name: str = "") -> str:
    """Add the answer to each score as a question of its own, and return its name; the score where there is none."""
    if outputs.link == "logistic":
        return grown.add("Sigmoid", scores, to=name)
    if outputs.link != "margin":
        return grown.add("Identity", scores, to=name)
    low, high, half = (grown.constant(np.array(v, grown.dtype), "bound") for v in (-1.0, 1.0, 0.5))
    return grown.add("Mul", grown.add("Add", grown.add("Clip", scores, low, high), high), half, to=name)


def _shapes(
    made: dict[str, Any], model: Model, outputs: Outputs, *, several: bool
) -> list[tuple[str, list[int | None]]]:
    """Return the shapes of what comes out, by name."""
    if several or not outputs.classes:
        return [(name, [None, model.n_outputs]) for name in made]
    label, likely = made
    return [(label, [None]), (likely, [None, len(outputs.classes)])]


def _package() -> Any:
    """Return the package onnx, with the modules that are used."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        what = "writing ONNX needs the package onnx: pip install 'thalweg[onnx]'"
        raise SettingError("ONNX-MISSING", "", what) from error
    return onnx
