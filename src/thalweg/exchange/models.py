"""Models of tables in files: all that it takes to use one on another table, and nothing that could run.

Weights and biases are tensors; sizes, activations by name, what the scores stand for, how the columns become
features, how it was trained and how well it did are a text in the header.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from thalweg.descent.models import Model
from thalweg.descent.outputs import Outputs
from thalweg.errors import ModelFileError, SettingError, ThalwegError
from thalweg.exchange import layers, tensors
from thalweg.exchange.preparation import Preparation, Unseen
from thalweg.exchange.tables import Table
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from thalweg.exchange.tables.columns import Kind

#: The newest format that is read. 1 had models of tables only, without scores and versions; 3 has several estimators in
#: a file, and everything else is still written as 2, which earlier versions read.
FORMAT = 3
_FORMATS = {"table": 2, "estimator": 2, "estimators": 3}
#: What a file can hold, by the word for it in the description.
TABLE, ESTIMATOR, SEVERAL = _FORMATS
#: What reading a description that cannot be true may run into.
UNSOUND = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
Scores = dict[str, dict[str, float]]


class TableModel(ABC):
    """What predicts the rows of a table, by the names of its columns.

    Attributes
    ----------
    target : str or None
        The column that it predicts, where it knows its name.
    fills_gaps : bool
        Whether it knows what to put in the place of a missing number.
    """

    target: str | None
    fills_gaps: ClassVar[bool]

    @property
    @abstractmethod
    def kinds(self) -> dict[str, Kind]:
        """The columns that a table must have, and what they hold."""

    @property
    @abstractmethod
    def classes(self) -> tuple[Any, ...]:
        """The labels in order; none of numbers."""

    @property
    @abstractmethod
    def has_probabilities(self) -> bool:
        """Whether it says how likely each class is."""

    @property
    @abstractmethod
    def value_names(self) -> tuple[str, ...]:
        """What is predicted for a row: one name, or one for each of several values."""

    @abstractmethod
    def predictions(self, table: Table) -> Predictions:
        """Return the predictions for every row of a table, and what was noticed on the way.

        Parameters
        ----------
        table : Table
            With the columns of the training, by name.

        Raises
        ------
        DataError
            A column that is not there, or of another kind.
        """


@final
@dataclass(frozen=True)
class TrainedModel(TableModel):
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
    scores : dict of str to dict of str to float
        For each part of the table, training, validation and test, the scores by name. For information only.
    data : dict
        Of what table: its name, the rows of each part. For information only.
    versions : dict of str to str
        What wrote the file. Filled in when it is read.
    """

    model: Model
    theta: NDArray[Any]
    outputs: Outputs
    preparation: Preparation
    target: str
    fills_gaps: ClassVar[bool] = True
    training: dict[str, Any] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature: the column's, or ``column=category``."""
        return self.preparation.feature_names

    @property
    def kinds(self) -> dict[str, Kind]:
        """See :class:`TableModel`."""
        return self.preparation.kinds

    @property
    def classes(self) -> tuple[Any, ...]:
        """See :class:`TableModel`."""
        return self.outputs.classes

    @property
    def has_probabilities(self) -> bool:
        """See :class:`TableModel`."""
        return self.outputs.has_probabilities

    @property
    def value_names(self) -> tuple[str, ...]:
        """See :class:`TableModel`."""
        return ("prediction",)

    def predict(self, rows: Any) -> NDArray[Any]:
        """Return a prediction for every row.

        Parameters
        ----------
        rows : data frame or Table
            With the columns of the training, by name; more do no harm. A missing number counts as the mean of the
            training part.

        Returns
        -------
        ndarray (rows,)
            Numbers in the target's units, or labels.

        Raises
        ------
        DataError
            A column that is not there, or of another kind.
        """
        return self.predictions(self._table(rows)).values

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """Return the probability of each class for every row, (rows, classes).

        Parameters
        ----------
        rows : data frame or Table

        Raises
        ------
        SettingError
            SETTING-LOSS: its scores are no probabilities.
        """
        prepared = self.preparation.transform(self._table(rows))
        return self.outputs.probabilities(self._scores(prepared.X))

    def predictions(self, table: Table) -> Predictions:
        """See :class:`TableModel`."""
        prepared = self.preparation.transform(table)
        scores = self._scores(prepared.X)
        likely = self.outputs.probabilities(scores) if self.outputs.has_probabilities else None
        return Predictions(self.outputs.predict(scores), likely, prepared.noticed, prepared.unseen)

    def to_onnx(self, dtype: str | None = None) -> Any:
        """Return an ONNX graph that takes the columns of the table; see :func:`thalweg.exchange.onnx.graph`."""
        from thalweg.exchange.onnx import of_table

        return of_table(self, dtype)

    def to_sklearn(self) -> Any:
        """Return a pipeline of scikit-learn that takes the columns; see :func:`thalweg.exchange.sklearn.of_table`."""
        from thalweg.exchange.sklearn import of_table

        return of_table(self)

    def to_torch(self) -> Any:
        """Return a module of PyTorch that takes the features; see :func:`thalweg.exchange.torch.module`."""
        from thalweg.exchange.torch import module

        return module(self.model, self.theta)

    def _scores(self, X: NDArray[np.float64]) -> NDArray[Any]:
        return self.model.scores(self.theta, X.astype(self.theta.dtype, copy=False))

    def _table(self, rows: Any) -> Table:
        if isinstance(rows, Table):
            return rows
        from thalweg.exchange.frames import columns_of, frame_of

        frame = frame_of(rows)
        if frame is None:
            what = f"must be a data frame with the columns of the training, got {type(rows).__name__}"
            raise SettingError("SETTING-TYPE", "rows", what, f"It needs {', '.join(map(shown, self._columns))[:100]}.")
        names, columns, _ = columns_of(frame)
        return Table(names, columns)

    @property
    def _columns(self) -> list[str]:
        return list(self.preparation.kinds)


@final
@dataclass(frozen=True)
class Predictions:
    """What a model says of the rows of a table.

    Attributes
    ----------
    values : ndarray (rows,) or (rows, values)
        Numbers in the target's units, or labels; of a model with several values each.
    probabilities : ndarray (rows, classes) or None
        Where there are classes and the loss gives probabilities.
    noticed : tuple of str
        What was noticed in the table, a line each.
    unseen : tuple of Unseen
        Texts in it that the training part had not.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None = None
    noticed: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that was noticed, a line each."""
        return (*self.noticed, *(str(each) for each in self.unseen))


def save(path: str | os.PathLike[str], trained: TrainedModel) -> None:
    """Write a model file.

    Raises
    ------
    StorageError
        It cannot be written.
    SettingError
        MODEL-FORMULA: see `check_savable`.
    """
    from thalweg.descent.record import machine_information, plain

    check_savable(trained.model)
    outputs = trained.outputs
    description = {
        **begun(TABLE),
        "model": layers.describe(trained.model),
        "outputs": {
            "classes": list(outputs.classes),
            "link": outputs.link,
            "mean": outputs.mean,
            "one_hot": outputs.one_hot,
            "scale": outputs.scale,
        },
        "columns": trained.preparation.as_list(),
        "target": trained.target,
        "training": plain(trained.training),
        "scores": plain(trained.scores),
        "data": plain(trained.data),
        "versions": trained.versions or versions(machine_information()),
    }
    tensors.write(path, description, layers.split(trained.model, trained.theta))


def begun(kind: str) -> dict[str, Any]:
    """Return how the description of a file of this kind begins."""
    return {"format": _FORMATS[kind], "kind": kind}


def members(arrays: dict[str, NDArray[Any]], count: int) -> list[dict[str, NDArray[Any]]]:
    """Return the arrays of each of several estimators; KeyError where there are others."""
    found: list[dict[str, NDArray[Any]]] = [{} for _ in range(count)]
    for key, array in arrays.items():
        number, _, own = key.partition(":")
        if not number.isdecimal() or int(number) >= count:
            raise KeyError(key)
        found[int(number)][own] = array
    return found


def versions(machine: dict[str, str]) -> dict[str, str]:
    """Return what wrote a file: the library and what its numbers depend on, without the machine."""
    return {name: machine[name] for name in ("thalweg", "numpy", "numba", "scikit-learn", "python")}


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """Read a model file; nothing in it is run.

    Raises
    ------
    ModelFileError
        The file is damaged, of another kind, or newer than this library: codes MODEL-..., see `tensors.read`;
        MODEL-VERSION, MODEL-META, MODEL-SHAPE, MODEL-NONFINITE, MODEL-KIND.
    StorageError
        It cannot be read.
    """
    name = shown(str(path), 200)
    kind, description, arrays = read(path)
    if kind != TABLE:
        what = "holds an estimator; a model of a table, which thalweg train writes, is needed here"
        raise ModelFileError("MODEL-KIND", name, what, "For this: thalweg.load(path).")
    return rebuild(description, arrays, name)


def read(path: str | os.PathLike[str], *, finite: bool = True) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a model file holds, `TABLE`, `ESTIMATOR` or `SEVERAL`, with its description and its arrays.

    With ``finite=False`` numbers that are not finite are let pass, to be looked at.

    Raises
    ------
    ModelFileError
        MODEL-VERSION: it is newer than this library. Else as `load`, for what is the same in both kinds.
    StorageError
        It cannot be read.
    """
    name = shown(str(path), 200)
    description, arrays = tensors.read(path)
    written = description.get("format")
    if type(written) is not int or written > FORMAT:
        what = f"is written in format {shown(str(written))}, this version reads up to {FORMAT}"
        raise ModelFileError("MODEL-VERSION", name, what, "Install a newer thalweg.")
    kind = description.get("kind", TABLE if written == 1 else None)
    try:
        parts = members(arrays, len(description["estimators"])) if kind == SEVERAL else [arrays]
    except (KeyError, TypeError) as error:
        raise unsound(name, error) from error
    for part in parts:
        layers.check(part, name, finite=finite)
    if kind not in list(_FORMATS):  # no set: it may be anything
        raise ModelFileError("MODEL-META", name, f"holds neither a model of a table nor an estimator: {kind!r:.40}")
    return str(kind), description, arrays


def rebuild(description: dict[str, Any], arrays: dict[str, NDArray[Any]], name: str) -> TrainedModel:
    """Return the model of a table that a file describes; ModelFileError, MODEL-META, where it is not sound."""
    try:
        return _rebuild(description, arrays)
    except UNSOUND as error:
        raise unsound(name, error) from error


def unsound(name: str, error: Exception) -> ModelFileError:
    """Return the answer to a description that cannot be true; an answer of its own stays what it is."""
    if isinstance(error, ModelFileError):
        return error
    # A ThalwegError is a ValueError: an activation that is not known, say.
    what = error.what if isinstance(error, ThalwegError) else str(error)
    return ModelFileError("MODEL-META", name, f"the description of the model is not sound: {shown(what, 100)}")


def check_savable(model: Model) -> None:
    """Raise SettingError MODEL-FORMULA where a file cannot name an activation: one of the user's own is code."""
    from thalweg.formulas import catalog

    known = catalog.activations()
    own = [a.name for a in model.activations if a.name not in known or known[a.name].fingerprint != a.fingerprint]
    if own:
        what = f"'{own[0]}' is a formula of your own; a model file holds no code, only names of built-in ones"
        hint = (
            "In Python an MLPRegressor or MLPClassifier can have it: thalweg.save, thalweg.load(..., formulas=[...])."
        )
        raise SettingError("MODEL-FORMULA", "activation", what, hint)


def _rebuild(data: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrainedModel:
    """Return what `save` was given; KeyError, TypeError, ValueError or AttributeError for another description."""
    preparation = Preparation.from_list(data["columns"])
    outputs, model = _outputs(data["outputs"]), layers.model_of(data["model"], ())
    target, training = data["target"], data["training"]
    if not isinstance(target, str) or not isinstance(training, dict):
        raise TypeError("the target is a name, the training a list of settings")
    promised, width = len(preparation.feature_names), layer_widths(model)
    if width != (promised, outputs.count):
        raise ValueError(f"{promised} features and {outputs.count} scores, but a model from {width[0]} to {width[1]}")
    theta = layers.join(model, arrays)
    told = {name: _told(data.get(name, {})) for name in ("data", "versions")}
    return TrainedModel(model, theta, outputs, preparation, target, training, _scores(data.get("scores", {})), **told)


def layer_widths(model: Model) -> tuple[int, int]:
    """Return the numbers that go into a model and come out."""
    return model.n_features, model.n_outputs


def _scores(data: Any) -> Scores:
    if not isinstance(data, dict) or not all(isinstance(part, dict) for part in data.values()):
        raise TypeError("the scores are numbers by part and name")
    return {part: {name: float(score) for name, score in scores.items()} for part, scores in data.items()}


def _told(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("the data and the versions are told by name")
    return data


def _outputs(data: dict[str, Any]) -> Outputs:
    classes = data["classes"]
    labels = all(isinstance(label, str) for label in classes) or all(type(label) is float for label in classes)
    if not labels or sorted(set(classes)) != classes:
        raise ValueError("the classes are texts or numbers, in order")
    mean, scale, one_hot = data["mean"], data["scale"], data["one_hot"]
    if type(mean) is not float or type(scale) is not float or not scale > 0 or type(one_hot) is not bool:
        raise ValueError("the target has a mean and a positive scale")
    return Outputs(data["link"], tuple(classes), mean, scale, one_hot)
