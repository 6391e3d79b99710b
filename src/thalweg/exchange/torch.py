"""Models in PyTorch: a module of its own layers, or two files that need nothing of this library.

The files are text that can be read before it is run, and weights as safetensors. PyTorch's own files are pickles,
which can run code when they are opened; none is written.
"""

from __future__ import annotations

import keyword
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear, Model
from thalweg.errors import SettingError
from thalweg.exchange.files import atomic_write, check_writable
from thalweg.exchange.learned import Number
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from thalweg.descent.outputs import Outputs
    from thalweg.exchange.models import TrainedModel
    from thalweg.formulas.formula import Activation

Array = NDArray[Any]

# PyTorch's layers, and its names for our numbers.
_LAYERS: dict[str, tuple[str, dict[str, str]]] = {
    "identity": ("Identity", {}),
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"slope": "negative_slope"}),
    "elu": ("ELU", {"alpha": "alpha"}),
    "tanh": ("Tanh", {}),
    "logistic": ("Sigmoid", {}),
    "softplus": ("Softplus", {}),
    "silu": ("SiLU", {}),
    "gelu": ("GELU", {}),
}
# By default Softplus is cut off where it still changes, and GELU is another formula.
_ALWAYS: dict[str, dict[str, Any]] = {"softplus": {"threshold": 40.0}, "gelu": {"approximate": "tanh"}}


def module(model: Model, theta: Array) -> Any:
    """Return a model as ``torch.nn.Sequential`` of PyTorch's own layers, in the type of the parameters.

    Parameters
    ----------
    model : Linear or Network
    theta : ndarray (model.size,)
        Its parameters. They are copied.

    Returns
    -------
    torch.nn.Sequential
        From rows (n, features) to scores (n, outputs), before the inverse link: what PyTorch's losses take. It is in
        evaluation mode; where there is dropout, ``train()`` switches it on.

    Raises
    ------
    SettingError
        TORCH-MISSING: PyTorch is not installed. TORCH-ACTIVATION: an activation that it has not.
    """
    planned = _plan(model)
    try:
        import torch
    except ImportError as error:
        what = "a module of PyTorch needs PyTorch: pip install 'thalweg[torch]'"
        raise SettingError("TORCH-MISSING", "", what) from error
    kind = getattr(torch, str(theta.dtype))
    layers = [getattr(torch.nn, name)(*sizes, **({"dtype": kind} if sizes else told)) for name, sizes, told in planned]
    made = torch.nn.Sequential(*layers)
    made.load_state_dict({key: torch.tensor(value) for key, value in state(model, theta).items()})
    return made.eval()


def state(model: Model, theta: Array) -> dict[str, Array]:
    """Return the parameters under the names that ``Sequential`` gives them; zeros where there is no intercept."""
    weights = [model.coef(theta)] if isinstance(model, Linear) else [w.T for w in model.coefs(theta)]
    biases = [model.intercept(theta)] if isinstance(model, Linear) else model.biases(theta)
    places = [k for k, (name, _, _) in enumerate(_plan(model)) if name == "Linear"]
    found: dict[str, Array] = {}
    for place, w, b in zip(places, weights, biases, strict=True):
        found |= {f"{place}.weight": np.ascontiguousarray(w), f"{place}.bias": np.ascontiguousarray(b)}
    return found


def write(path: str | os.PathLike[str], trained: TrainedModel) -> Path:
    """Write a model of a table as a Python file and, beside it, its weights; return the path of the weights.

    Parameters
    ----------
    path : path-like
        The Python file: its name ends in ``.py``.
    trained : TrainedModel

    Raises
    ------
    SettingError
        TORCH-NAME: another name, or one that Python cannot import. TORCH-ACTIVATION: an activation that PyTorch has
        not.
    StorageError
        One of the two cannot be written.
    """
    told = _lines(trained.model, trained.theta, trained.outputs, trained.outputs.classes)
    told |= {
        "what": "a table",
        "imports": "import math\n",
        "target": ascii(trained.target),
        "prepare": _PREPARE_COLUMNS.format(**told),
    }
    columns = []
    for column in trained.preparation.columns:
        known = (column.mean, column.scale) if isinstance(column, Number) else column.categories
        columns.append(f"    {column.name!a}: {known!a},")
    told["columns"] = _COLUMNS.format(columns="\n".join(columns))
    return _write(path, trained.model, trained.theta, told)


def write_rows(
    path: str | os.PathLike[str], model: Model, theta: Array, outputs: Outputs, *, several: bool = False
) -> Path:
    """Write a model of rows of numbers as a Python file with its weights beside it; else as `write`.

    Parameters
    ----------
    path : path-like
    model : Linear or Network
    theta : ndarray (model.size,)
    outputs : Outputs
        What its scores stand for.
    several : bool
        A row can have several labels.
    """
    told = _lines(model, theta, outputs, outputs.classes, several=several)
    told |= {"what": "rows", "imports": "", "target": "'y'", "columns": "", "prepare": _PREPARE_ROWS.format(**told)}
    return _write(path, model, theta, told)


def _write(path: str | os.PathLike[str], model: Model, theta: Array, told: dict[str, str]) -> Path:
    from safetensors.numpy import save

    source = Path(path)
    if source.suffix != ".py":
        what = f"{shown(source.name)} does not end in .py; the weights go beside it, into .safetensors"
        raise SettingError("TORCH-NAME", "path", what)
    taken = source.stem in {*sys.stdlib_module_names, "torch", "safetensors"}
    if taken or not source.stem.isidentifier() or keyword.iskeyword(source.stem):
        what = f"{shown(source.name)} would stand for a module of Python's or PyTorch's"
        what = what if taken else f"{shown(source.name)} is no name that Python can import"
        raise SettingError("TORCH-NAME", "path", what, "Take a name of letters, such as model.py.")
    weights = source.with_suffix(".safetensors")
    text = _TEMPLATE.format(**told, weights=ascii(weights.name))
    tensors = {f"layers.{key}": value for key, value in state(model, theta).items()}
    for each in (source, weights):
        check_writable(each)
    atomic_write(weights, save(tensors))
    atomic_write(source, text.encode())
    return weights


def _plan(model: Model) -> list[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """Return the layers: their names in PyTorch, sizes, and further arguments."""
    if isinstance(model, Linear):
        return [("Linear", (model.n_features, model.n_outputs), {})]
    planned: list[tuple[str, tuple[int, ...], dict[str, Any]]] = []
    rates = model.dropout or (0.0,) * len(model.hidden_activations)
    for shape, activation, rate in zip(model.shapes, model.hidden_activations, rates, strict=False):
        name, told = _layer(activation)
        planned += [("Linear", shape, {}), (name, (), told)]
        planned += [("Dropout", (), {"p": rate})] if rate else []
    return [*planned, ("Linear", model.shapes[-1], {})]


def _layer(activation: Activation) -> tuple[str, dict[str, Any]]:
    from thalweg.formulas import catalog

    ours = catalog.activations().get(activation.name)
    if activation.name not in _LAYERS or ours is None or ours.identity != activation.identity:
        what = f"PyTorch has no layer for '{activation.name}'"
        raise SettingError("TORCH-ACTIVATION", "activation", what, f"It has: {', '.join(_LAYERS)}.")
    name, numbers = _LAYERS[activation.name]
    told = {theirs: float(activation.hyperparameters[our]) for our, theirs in numbers.items()}
    return name, {**_ALWAYS.get(activation.name, {}), **told}


def _lines(
    model: Model, theta: Array, outputs: Outputs, classes: Sequence[Any], *, several: bool = False
) -> dict[str, str]:
    """Return what stands in the Python file. What comes from a model's file is a literal: none of it can run."""
    kind = str(theta.dtype)
    layers = []
    for name, sizes, told in _plan(model):
        numbers = [*map(str, sizes), *(f"{key}={value!r}" for key, value in told.items())]
        numbers += [f"dtype=torch.{kind}"] if sizes else []
        layers.append(f"            nn.{name}({', '.join(numbers)}),")
    predictions = "    return (scores > 0).long().tolist()" if several else _predictions(model, outputs)
    return {
        "kind": kind,
        "layers": "\n".join(layers),
        "classes": ascii(list(classes)),
        "predictions": predictions,
    }


def _predictions(model: Model, outputs: Outputs) -> str:
    """Return the lines from scores to predictions."""
    if not outputs.classes:
        linked = {"exp": "scores.double().exp()", "logistic": "scores.double().sigmoid()"}
        of = linked.get(outputs.link, "scores.double()") + ("[:, 0]" if model.n_outputs == 1 else "")
        return f"    return ({outputs.mean!r} + {outputs.scale!r} * {of}).tolist()"
    chosen = "(scores[:, 0] > 0).long()" if outputs.count == 1 else "scores.argmax(dim=1)"
    return f"    return [CLASSES[k] for k in {chosen}.tolist()]"


# What comes from the model's file stands in literals alone: in a docstring it could end the docstring.
_TEMPLATE = '''"""A model of {what} in PyTorch: predict(rows) gives one prediction of TARGET for each row.

It needs torch and safetensors. The weights are in a file beside this one.
"""

{imports}from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

TARGET = {target}
WEIGHTS = {weights}
CLASSES = {classes}
{columns}

class Model(nn.Module):
    """From features to scores, before the inverse link."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
{layers}
        )

    def forward(self, features):
        return self.layers(features)


def load():
    """Return the model with its weights."""
    model = Model()
    model.load_state_dict(load_file(Path(__file__).with_name(WEIGHTS)))
    return model.eval()


{prepare}

@torch.no_grad()
def predict(rows, model=None):
    """Return a prediction for each row."""
    scores = (model or load())(prepare(rows))
{predictions}
'''

_COLUMNS = """# Of numbers mean and scale in the training part, of text its categories.
COLUMNS = {{
{columns}
}}
"""

_PREPARE_COLUMNS = '''def prepare(rows):
    """Return the features of rows: dictionaries by column, with None for what is missing."""
    features = [[x for name in COLUMNS for x in _features(name, row[name])] for row in rows]
    return torch.tensor(features, dtype=torch.{kind})


def _features(name, cell):
    known = COLUMNS[name]
    if isinstance(known[0], str):
        return [1.0 if cell == category else 0.0 for category in known]
    missing = cell is None or math.isnan(cell)
    return [0.0 if missing else (cell - known[0]) / known[1]]
'''

_PREPARE_ROWS = '''def prepare(rows):
    """Return rows, lists of numbers, as the model takes them."""
    return torch.as_tensor(rows, dtype=torch.{kind})
'''
