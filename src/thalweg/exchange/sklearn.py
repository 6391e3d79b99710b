"""Models as scikit-learn's own: its linear and multilayer estimators, holding our weights, with equal predictions.

What comes back needs nothing of this library: it predicts, goes on with ``partial_fit``, and can be kept in whatever
way scikit-learn's estimators are kept. How ours was trained (rule, penalty, batches) is not carried over.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear, Model, Network
from thalweg.errors import SettingError
from thalweg.exchange.files import atomic_write
from thalweg.exchange.learned import Number, Text
from thalweg.exchange.preparation import Preparation

if TYPE_CHECKING:
    from thalweg.descent.outputs import Outputs
    from thalweg.exchange.models import TrainedModel
    from thalweg.formulas.formula import Loss

Array = NDArray[Any]

# Names of losses here and there, and the number that goes along.
_FOR_NUMBERS = {
    "squared": ("squared_error", ""),
    "huber": ("huber", "delta"),
    "epsilon_insensitive": ("epsilon_insensitive", "epsilon"),
    "squared_epsilon_insensitive": ("squared_epsilon_insensitive", "epsilon"),
}
_FOR_CLASSES = {
    **_FOR_NUMBERS,
    "log": ("log_loss", ""),
    "hinge": ("hinge", ""),
    "squared_hinge": ("squared_hinge", ""),
    "modified_huber": ("modified_huber", ""),
}
_ACTIVATIONS = ("identity", "logistic", "relu", "tanh")


def estimator(
    model: Model,
    theta: Array,
    loss: Loss,
    *,
    classes: Array | None = None,
    several: bool = False,
    names: Array | None = None,
) -> Any:
    """Return a fitted estimator of scikit-learn.

    Parameters
    ----------
    model : Linear or Network
    theta : ndarray (model.size,)
        Its parameters. They are copied.
    loss : Loss
        What it was trained with.
    classes : ndarray (classes,), optional
        The labels; none for regression.
    several : bool
        A row can have several labels.
    names : ndarray of str, optional
        Of the features.

    Returns
    -------
    SGDRegressor, SGDClassifier, LogisticRegression, MLPRegressor or MLPClassifier
        ``LogisticRegression`` for softmax, whose probabilities ``SGDClassifier`` has not.

    Raises
    ------
    SettingError
        SKLEARN-LOSS, SKLEARN-ACTIVATION, SKLEARN-OUTPUTS: what scikit-learn's estimator cannot be.
    """
    theta = theta.copy()
    if isinstance(model, Linear):
        made = _linear(model, theta, loss, classes, several=several)
    else:
        made = _network(model, theta, loss, classes, several=several)
    made.n_features_in_ = model.n_features
    if names is not None:
        made.feature_names_in_ = np.asarray(names, dtype=object)
    return made


def of_table(trained: TrainedModel) -> Any:
    """Return a model of a table as a pipeline of scikit-learn that takes the columns as they are in the table.

    Parameters
    ----------
    trained : TrainedModel

    Returns
    -------
    Pipeline or TransformedTargetRegressor
        Predicts data frames, or arrays of objects, with the columns in the order of the training.

    Raises
    ------
    SettingError
        As `estimator`; SKLEARN-LOSS also for a loss of one's own.
    """
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import Pipeline

    outputs = trained.outputs
    classes = None if not outputs.classes else _labels(outputs)
    columns, order = _columns(trained.preparation)
    theta, features = trained.theta.copy(), trained.model.n_features
    first, last = trained.model.weights[0]
    theta[first:last] = theta[first:last].reshape(features, -1)[order].reshape(-1)
    fitted = estimator(trained.model, theta, _loss_of(trained), classes=classes)
    pipeline = Pipeline([("columns", columns), ("model", fitted)])
    if (outputs.mean, outputs.scale) == (0.0, 1.0):
        return pipeline
    back = TransformedTargetRegressor(
        regressor=pipeline, transformer=_scaler([Number("", outputs.mean, outputs.scale)])
    )
    back.regressor_, back.transformer_ = pipeline, back.transformer
    back._training_dim = 1
    return back


def write(path: str | os.PathLike[str], made: Any) -> list[str]:
    """Write an estimator of scikit-learn as a file of skops, which reads it without running code.

    Returns
    -------
    list of str
        Types that skops wants to be told that they are trusted: ``numpy.dtype`` where numbers can be missing.

    Raises
    ------
    SettingError
        SKLEARN-MISSING: skops is not installed.
    StorageError
        It cannot be written.
    """
    try:
        import skops.io
    except ImportError as error:
        what = "writing an estimator of scikit-learn needs skops: pip install 'thalweg[skops]'"
        raise SettingError("SKLEARN-MISSING", "", what) from error
    content = skops.io.dumps(made, compression=zipfile.ZIP_DEFLATED)
    atomic_write(path, content)
    return list(skops.io.get_untrusted_types(data=content))


def _linear(model: Linear, theta: Array, loss: Loss, classes: Array | None, *, several: bool) -> Any:
    from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor

    coef, intercept = np.ascontiguousarray(model.coef(theta)), np.array(model.intercept(theta))
    if several or (classes is None and model.n_outputs > 1):
        what = "scikit-learn's linear estimators have one target"
        raise SettingError("SKLEARN-OUTPUTS", "y", what, "Fit one for each, or take a network.")
    told: dict[str, Any] = {"fit_intercept": model.fit_intercept}
    made: Any
    if loss.name == "softmax" and classes is not None:
        made = LogisticRegression(**told)
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        made.n_iter_ = np.array([1], np.int32)
    else:
        known = _FOR_NUMBERS if classes is None else _FOR_CLASSES
        name, number = _counterpart(loss, known)
        made = (SGDRegressor if classes is None else SGDClassifier)(
            loss=name, **({"epsilon": float(loss.hyperparameters[number])} if number else {}), **told
        )
        made.t_, made.n_iter_ = 1.0, 1
    made.coef_, made.intercept_ = coef[0] if classes is None else coef, intercept
    if classes is not None:
        made.classes_ = classes
    return made


def _network(model: Network, theta: Array, loss: Loss, classes: Array | None, *, several: bool) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import LabelBinarizer

    names = [chosen.name for chosen in model.hidden_activations]
    strange = next((name for name in names if name not in _ACTIVATIONS), None)
    if strange is not None or len(set(names)) > 1:
        what = f"scikit-learn's networks have no '{strange}'" if strange else "scikit-learn's networks have only one"
        raise SettingError("SKLEARN-ACTIVATION", "activation", what, f"They have {', '.join(_ACTIVATIONS)}.")
    coefs = [np.array(w) for w in model.coefs(theta)]
    biases = [np.array(b) for b in model.biases(theta)]
    told: dict[str, Any] = {"hidden_layer_sizes": tuple(model.layer_sizes[1:-1]), "activation": names[0]}
    made: Any
    if classes is None:
        name, _ = _counterpart(loss, {"squared": ("squared_error", ""), "poisson": ("poisson", "")})
        made, last = MLPRegressor(loss=name, **told), "exp" if name == "poisson" else "identity"
    else:
        one_question = loss.name == "log" and (several or len(classes) == 2)
        if not one_question and (several or loss.name != "softmax"):
            many = "several labels" if several else f"{len(classes)} classes"
            what = f"scikit-learn's networks have no '{loss.name}' of {many}"
            raise SettingError("SKLEARN-LOSS", "loss", what, "They have log (log_loss), and softmax for many classes.")
        if loss.name == "softmax" and len(classes) == 2:
            coefs[-1], biases[-1] = coefs[-1][:, 1:] - coefs[-1][:, :1], biases[-1][1:] - biases[-1][:1]
        last = "softmax" if len(classes) > 2 and not several else "logistic"
        made = MLPClassifier(**told)
        made.classes_ = classes
        made._label_binarizer = LabelBinarizer().fit(np.eye(len(classes), dtype=int) if several else classes)
    made.coefs_, made.intercepts_, made.out_activation_ = coefs, biases, last
    made.n_layers_, made.n_outputs_ = len(coefs) + 1, coefs[-1].shape[1]
    made.n_iter_, made.t_, made.loss_curve_ = 1, 1, []
    made.best_loss_, made._no_improvement_count = np.inf, 0  # what partial_fit goes on from
    return made


def _counterpart(loss: Loss, known: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Return scikit-learn's name of a loss, and the number that goes along."""
    from thalweg.formulas import catalog

    ours = catalog.losses().get(loss.name)
    if loss.name not in known or ours is None or ours.identity != loss.identity:
        listed = ", ".join(known)
        raise SettingError("SKLEARN-LOSS", "loss", f"scikit-learn's has no '{loss.name}'", f"It has: {listed}.")
    return known[loss.name]


def _loss_of(trained: TrainedModel) -> Loss:
    from thalweg.formulas import catalog

    told = dict(trained.training.get("loss") or {})
    name = str(told.pop("name", ""))
    found = catalog.losses().get(name)
    if found is None:
        hint = f"It has: {', '.join(_FOR_CLASSES)}."
        raise SettingError("SKLEARN-LOSS", "loss", f"scikit-learn's has no '{name[:40]}'", hint)
    return found(**told)


def _labels(outputs: Outputs) -> Array:
    """Return the classes as they stood in the table: text, or whole numbers."""
    if isinstance(outputs.classes[0], str):
        return np.array(outputs.classes)
    numbers = np.array(outputs.classes)
    return numbers.astype(np.int64) if bool((numbers == np.floor(numbers)).all()) else numbers


def _columns(preparation: Preparation) -> tuple[Any, Array]:
    """Return the way from columns to features as scikit-learn's transformer, and which of ours each feature is."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns, names = preparation.columns, np.array([c.name for c in preparation.columns], dtype=object)
    scaled = {k: column for k, column in enumerate(columns) if isinstance(column, Number)}
    encoded = {k: column for k, column in enumerate(columns) if isinstance(column, Text)}
    numbers, texts = list(scaled), list(encoded)
    rows = np.empty((2, len(columns)), dtype=object)
    for k, column in enumerate(columns):
        rows[:, k] = [column.categories[0]] * 2 if isinstance(column, Text) else [0.0, 1.0]
    scaler = _scaler(list(scaled.values()))
    # What is missing becomes 0 behind the scaler: the mean.
    filled = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    known = [np.array(column.categories, dtype=object) for column in encoded.values()]
    encoder = OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
    steps: list[Any] = [("numbers", Pipeline([("scale", scaler), ("fill", filled)]), numbers)] if numbers else []
    made = ColumnTransformer([*steps, ("texts", encoder, texts)] if texts else steps).fit(rows)
    made.feature_names_in_ = names
    if numbers:
        scaler.feature_names_in_ = names[numbers]
        made.named_transformers_["numbers"].steps[0] = ("scale", scaler)  # fitted rows stood in for ours
    if texts:
        made.named_transformers_["texts"].feature_names_in_ = names[texts]
    starts = np.cumsum([0, *(len(column.features) for column in columns)])
    return made, np.concatenate([np.arange(starts[k], starts[k + 1]) for k in (*numbers, *texts)])


def _scaler(columns: Sequence[Number]) -> Any:
    """Return a StandardScaler in the state that the columns describe."""
    from sklearn.preprocessing import StandardScaler

    made = StandardScaler()
    made.mean_, made.scale_ = np.array([c.mean for c in columns]), np.array([c.scale for c in columns])
    made.var_, made.n_features_in_, made.n_samples_seen_ = made.scale_**2, len(columns), np.int64(2)
    return made
