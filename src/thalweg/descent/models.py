"""Models as slices of one flat vector: where weights and intercepts stand, how they start, what they predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.scores import affine, through
from thalweg.descent.settings import check_count, check_formula
from thalweg.errors import SettingError
from thalweg.formulas.formula import Activation, Formula, Loss
from thalweg.formulas.ranges import check_number

Array = NDArray[Any]
Slices = list[tuple[int, int]]


@final
@dataclass(frozen=True)
class Linear:
    """Linear scores ``X @ W + b`` over ``theta = (W, b)`` flat: W is (features, outputs) in C order, then b.

    Parameters
    ----------
    n_features : int >= 0
    n_outputs : int
        Scores per row.
    fit_intercept : bool
        Whether there is a ``b``.
    lanes : int
        Models trained together: that many columns of weights for each output, ``n_outputs`` together for each lane.

    Raises
    ------
    SettingError
        A count that is no integer, or too small.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0, 0.5])
    >>> float(Linear(2).scores(theta, np.array([[3.0, 4.0]]))[0, 0])
    11.5
    """

    n_features: int
    n_outputs: int = 1
    fit_intercept: bool = True
    lanes: int = 1

    def __post_init__(self) -> None:
        check_count("n_features", self.n_features, 0)
        check_count("n_outputs", self.n_outputs)
        check_count("lanes", self.lanes)

    @property
    def columns(self) -> int:
        """Columns of the matrix of weights."""
        return self.n_outputs * self.lanes

    @property
    def size(self) -> int:
        """Length of theta."""
        return (self.n_features + int(self.fit_intercept)) * self.columns

    @property
    def weights(self) -> Slices:
        """Slices of theta that penalties act on, one per layer."""
        return [(0, self.n_features * self.columns)]

    @property
    def intercepts(self) -> Slices:
        """Slices of theta that are exempt from penalties and decay."""
        return [(self.n_features * self.columns, self.size)] if self.fit_intercept else []

    def initial(self, generator: np.random.Generator, dtype: str = "float64") -> Array:  # noqa: ARG002 - as Network
        """Return theta at the start: zeros."""
        return np.zeros(self.size, dtype)

    def coef(self, theta: Array) -> Array:
        """Return the weights (outputs, features), a view of theta."""
        return theta[: self.n_features * self.columns].reshape(self.n_features, self.columns).T

    def intercept(self, theta: Array) -> Array:
        """Return the intercepts (outputs,), a view of theta; zeros where there are none."""
        return theta[self.n_features * self.columns :] if self.fit_intercept else np.zeros(self.columns, theta.dtype)

    def scores(self, theta: Array, X: Any) -> Array:
        """Return the scores before the inverse link, (n, outputs); a row's bits do not depend on the others."""
        end = self.n_features * self.columns
        return affine(X, theta[:end].reshape(self.n_features, self.columns), theta[end:])

    # -- what the engine needs to know

    def table(self, batch: int, *, csr: bool = False) -> NDArray[np.int64]:  # noqa: ARG002 - as Network
        """Return the table of shapes for the kernel."""
        return np.array([[self.n_features, self.columns, int(self.fit_intercept)]])

    def work_size(self, batch: int, *, csr: bool = False) -> int:
        """Return the cells of scratch for batches of this size; rows of a CSR are not laid out in it."""
        return batch * ((0 if csr else self.n_features) + 2 * self.columns)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Activations in the order of their numbers: none."""
        return ()

    def dropout_bounds(self) -> NDArray[np.float64]:
        """Return the dropout of each layer for the kernel: none."""
        return np.zeros(1)

    def objective(self, rows: Rows, batch: int) -> Any:  # noqa: ARG002 - as Network
        """Return the compiled objective for these rows."""
        from thalweg.engine import linear

        dense = "dense" if self.columns == 1 else "wide"
        return linear.objective("sparse" if rows.csr else dense, rows.dtype)


INITIALISATIONS = ("he", "glorot", "lecun", "uniform")


@final
@dataclass(frozen=True)
class Network:
    """Multilayer perceptron over ``theta = (W1, W2, ..., b1, b2, ...)`` flat; W of a layer is (fan_in, fan_out).

    Parameters
    ----------
    layer_sizes : tuple of int
        Features, hidden units of each layer, outputs.
    hidden_activations : tuple of Activation
        One per hidden layer. The output layer is linear: the loss takes the scores.
    dropout : tuple of float in [0, 1)
        Share of units dropped in each hidden layer; the others are scaled by one over the share kept.
    initialisation : {"he", "glorot", "lecun", "uniform"}
        Spread of the weights at the start: normal with variance 2 / fan_in (He et al. 2015), uniform with variance
        2 / (fan_in + fan_out) (Glorot and Bengio 2010), normal with variance 1 / fan_in (LeCun et al. 1998), uniform
        in [0, 1). Biases start at zero.
    """

    layer_sizes: tuple[int, ...]
    hidden_activations: tuple[Activation, ...]
    dropout: tuple[float, ...] = ()
    initialisation: str = "he"

    def __post_init__(self) -> None:
        hidden = len(self.layer_sizes) - 2
        if hidden < 0:
            what = f"names features and outputs at least, got {self.layer_sizes}"
            raise SettingError("SETTING-LAYERS", "layer_sizes", what)
        for size in self.layer_sizes:
            check_count("layer_sizes", size)
        for activation in self.hidden_activations:
            check_formula("hidden_activations", activation, Activation)
        for rate in self.dropout:
            check_number("dropout", rate, "[0, 1)")
        if len(self.hidden_activations) != hidden:
            raise SettingError(
                "SETTING-LAYERS", "activation", f"{len(self.hidden_activations)} given for {hidden} hidden layers"
            )
        if self.dropout and len(self.dropout) != hidden:
            raise SettingError("SETTING-LAYERS", "dropout", f"{len(self.dropout)} given for {hidden} hidden layers")
        if self.initialisation not in INITIALISATIONS:
            allowed = ", ".join(INITIALISATIONS)
            raise SettingError(
                "SETTING-UNKNOWN", "initialisation", f"unknown {self.initialisation!r}; allowed: {allowed}"
            )

    @property
    def n_features(self) -> int:
        """Units of the input layer."""
        return self.layer_sizes[0]

    @property
    def n_outputs(self) -> int:
        """Units of the output layer."""
        return self.layer_sizes[-1]

    @property
    def lanes(self) -> int:
        """Networks keep one lane per thread."""
        return 1

    @property
    def columns(self) -> int:
        """Networks are no matrix with lanes innermost."""
        return 1

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Fan-in and fan-out of each layer."""
        return list(zip(self.layer_sizes[:-1], self.layer_sizes[1:], strict=True))

    @property
    def size(self) -> int:
        """Length of theta."""
        return sum(i * o + o for i, o in self.shapes)

    @cached_property
    def weights(self) -> Slices:
        """Slices of theta that penalties act on, one per layer."""
        ends = np.cumsum([i * o for i, o in self.shapes]).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))

    @cached_property
    def intercepts(self) -> Slices:
        """Slices of theta with the biases, one per layer."""
        first = self.weights[-1][1]
        ends = (first + np.cumsum([o for _, o in self.shapes])).tolist()
        return list(zip([first, *ends[:-1]], ends, strict=True))

    def initial(self, generator: np.random.Generator, dtype: str = "float64") -> Array:
        """Return theta at the start, drawn layer by layer."""
        theta = np.zeros(self.size)
        for (start, stop), (fan_in, fan_out) in zip(self.weights, self.shapes, strict=True):
            if self.initialisation == "glorot":
                bound = (6 / (fan_in + fan_out)) ** 0.5
                theta[start:stop] = generator.uniform(-bound, bound, stop - start)
            elif self.initialisation == "uniform":
                theta[start:stop] = generator.uniform(0, 1, stop - start)
            else:
                scale = (2 / fan_in) ** 0.5 if self.initialisation == "he" else fan_in**-0.5
                theta[start:stop] = generator.normal(0, scale, stop - start)
        return theta.astype(dtype)

    def pack(self, coefs: list[Array], intercepts: list[Array], dtype: str = "float64") -> Array:
        """Lay matrices (fan_in, fan_out) and biases (fan_out,) out as theta."""
        parts = [*(np.asarray(w).reshape(-1) for w in coefs), *(np.asarray(b).reshape(-1) for b in intercepts)]
        return np.concatenate(parts).astype(dtype)

    def coefs(self, theta: Array) -> list[Array]:
        """Return the weights of each layer (fan_in, fan_out), views of theta."""
        return [theta[a:b].reshape(shape) for (a, b), shape in zip(self.weights, self.shapes, strict=True)]

    def biases(self, theta: Array) -> list[Array]:
        """Return the biases of each layer (fan_out,), views of theta."""
        return [theta[a:b] for a, b in self.intercepts]

    def scores(self, theta: Array, X: Any, masks: Sequence[Array] | None = None) -> Array:
        """Return the scores before the inverse link, (n, outputs).

        A row's bits do not depend on the others. The units of each hidden layer are multiplied by ``masks`` (n, units)
        where these are given: dropout is not applied otherwise.
        """
        if masks is None:
            return through(X, theta, self._layers, self.activations, hyper_table(self.activations))
        values = X
        coefs, biases = self.coefs(theta), self.biases(theta)
        for k, activation in enumerate(self.hidden_activations):
            values = activation.value(affine(values, coefs[k], biases[k])) * masks[k]
        return affine(values, coefs[-1], biases[-1])

    # -- what the engine needs to know

    def table(self, batch: int, *, csr: bool = False) -> NDArray[np.int64]:
        """Return the table of shapes and offsets for the kernel; see :mod:`thalweg.engine.network`."""
        kinds = list(self.activations)
        rows, at = [], 0 if csr else batch * self.layer_sizes[0]
        rates = [*(self.dropout or [0.0] * len(self.hidden_activations)), 0.0]
        chosen = [*self.hidden_activations, kinds[-1]]
        for (fan_in, fan_out), (w, _), (b, _), activation, rate in zip(
            self.shapes, self.weights, self.intercepts, chosen, rates, strict=True
        ):
            cells = batch * fan_out
            rows.append(
                [fan_in, fan_out, w, b, kinds.index(activation), at, at + cells, at + 3 * cells, at + 2 * cells]
            )
            at += (5 if rate else 3) * cells
        return np.array(rows)

    def work_size(self, batch: int, *, csr: bool = False) -> int:
        """Return the cells of scratch for batches of this size; rows of a CSR are not laid out in it."""
        rates = [*(self.dropout or [0.0] * len(self.hidden_activations)), 0.0]
        cells = sum((5 if rate else 3) * o for (_, o), rate in zip(self.shapes, rates, strict=True))
        return batch * (cells if csr else self.layer_sizes[0] + cells)

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """Distinct activations in the order of their numbers; the last is the output's identity."""
        from thalweg.formulas.activations import identity

        distinct = list(dict.fromkeys(a for a in self.hidden_activations if a != identity))
        return (*distinct, identity)

    @cached_property
    def _layers(self) -> NDArray[np.int64]:
        return self.table(1)

    def dropout_bounds(self) -> NDArray[np.float64]:
        """Return the share of units kept in each layer times 2**53, 0 where there is no dropout."""
        rates = [*(self.dropout or [0.0] * len(self.hidden_activations)), 0.0]
        return np.array([round((1 - r) * 2.0**53) if r else 0.0 for r in rates])

    def objective(self, rows: Rows, batch: int) -> Any:
        """Return the compiled objective for batches of this size."""
        from thalweg.engine import network

        if rows.csr:
            from thalweg.engine import sparse_network

            return sparse_network.objective(rows.dtype)
        return network.objective(rows.dtype, max(self.layer_sizes), batch)


Model = Linear | Network


def per_layer(where: str, given: object, layers: int) -> list[Any]:
    """Return one value per layer, given one for all or a sequence of one for each.

    Raises
    ------
    SettingError
        SETTING-LAYERS: a sequence of another length.
    """
    if not isinstance(given, list | tuple | np.ndarray):
        return [given] * layers
    if len(given) != layers:
        raise SettingError("SETTING-LAYERS", where, f"{len(given)} given for {layers} layer{'s' * (layers != 1)}")
    return list(given)


def hyper_table(formulas: Sequence[Formula]) -> NDArray[np.float64]:
    """Return the numbers of several formulas as rows of one table."""
    numbers = [[float(v) for v in f.hyperparameters.values()] for f in formulas]
    width = max((len(row) for row in numbers), default=0)
    table = np.zeros((max(len(numbers), 1), max(width, 1)))
    for k, row in enumerate(numbers):
        table[k, : len(row)] = row
    return table


def check_rows(model: Model, loss: Loss, rows: Rows) -> None:
    """Refuse rows that do not fit the model: the kernels go where the model's sizes send them."""
    features = rows.X.shape[1]
    if features != model.n_features:
        raise SettingError("DATA-FEATURES", "X", f"has {features} columns, the model has {model.n_features}")
    if not rows.count:
        raise SettingError("DATA-ROWS", "X", "has no rows")
    outputs = rows.targets.shape[1]
    if outputs != model.n_outputs:
        what = f"has {outputs} columns, the model with loss {loss.name} has {model.n_outputs}"
        raise SettingError("DATA-OUTPUTS", "y", what)
    if loss.per_row and outputs < 2:
        what = f"has 1 column; {loss.name} compares the scores of two classes or more"
        raise SettingError("DATA-OUTPUTS", "y", what, "Give one-hot rows, or take the loss log.")
