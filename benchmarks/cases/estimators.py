"""Estimators against scikit-learn's, end to end: checks, encoding, shuffling and all that a caller waits for."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side

RATE, ALPHA = 0.01, 1e-4


@dataclass(frozen=True)
class Labelled:
    """Rows of two classes; ``shuffle`` is off where results are compared, for everyone shuffles in their own way.

    Sparse rows have no intercept: scikit-learn's learns at a hundredth of the rate there.
    """

    X: Any
    y: NDArray[np.int64]
    shuffle: bool
    alpha: float = 0.0

    @property
    def intercept(self) -> bool:
        """Whether the model has one."""
        return isinstance(self.X, np.ndarray)


def dense(n: int, shuffle: bool) -> Labelled:
    """Standard normal features, 20 of them, and a noisy linear rule."""
    rng = np.random.default_rng(20261121)
    X = rng.normal(size=(n, 20))
    return Labelled(X, (X @ rng.normal(size=20) + rng.normal(size=n) > 0).astype(np.int64), shuffle)


def text_like(n: int, width: int, words: int, alpha: float, shuffle: bool) -> Labelled:
    """CSR rows of ``words`` entries each, in columns drawn alike."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng(20261122)
    columns = np.sort(rng.integers(0, width, size=(n, words), dtype=np.int32), axis=1)
    starts = np.arange(0, n * words + 1, words, dtype=np.int32)
    X = csr_array((rng.random(n * words) + 0.5, columns.ravel(), starts), shape=(n, width))
    X.sum_duplicates()
    return Labelled(X, (X @ rng.normal(size=width) > 0).astype(np.int64), shuffle, alpha)


def numpy_logistic(problem: Labelled, epochs: int) -> NDArray[Any]:
    """Logistic regression by plain gradient descent, one row at a time: weights, then the intercept."""
    X = problem.X if problem.intercept else problem.X.toarray()
    theta = np.zeros(X.shape[1] + 1)
    for _ in range(epochs):
        for x, y in zip(X, problem.y, strict=True):
            slope = 1 / (1 + np.exp(-(x @ theta[:-1] + theta[-1]))) - y
            theta[:-1] -= RATE * (slope * x + problem.alpha * theta[:-1])
            theta[-1] -= RATE * slope * problem.intercept
    return theta if problem.intercept else theta[:-1]


def ours_linear(problem: Labelled) -> Run:
    """``LinearClassifier.fit``."""
    import thalweg

    def run(epochs: int) -> NDArray[Any]:
        model = thalweg.LinearClassifier(
            penalty="l2" if problem.alpha else None,
            alpha=problem.alpha or None,
            fit_intercept=problem.intercept,
            optimizer=thalweg.gradient_descent(learning_rate=RATE),
            batch_size=1,
            max_iter=epochs,
            tol=None,
            shuffle=problem.shuffle,
            random_state=0,
        )
        return np.asarray(model.fit(problem.X, problem.y).theta_)

    return run


def sgd_classifier(problem: Labelled) -> Run:
    """``SGDClassifier.fit`` with the same loss, penalty, rate and epochs."""
    from scipy.sparse import csr_array, csr_matrix
    from sklearn.linear_model import SGDClassifier

    X = csr_matrix(problem.X) if isinstance(problem.X, csr_array) else problem.X

    def run(epochs: int) -> NDArray[Any]:
        model = SGDClassifier(
            loss="log_loss",
            penalty="l2" if problem.alpha else None,
            alpha=problem.alpha or ALPHA,
            fit_intercept=problem.intercept,
            learning_rate="constant",
            eta0=RATE,
            max_iter=epochs,
            tol=None,
            shuffle=problem.shuffle,
            random_state=0,
        ).fit(X, problem.y)
        return np.concatenate([model.coef_[0], model.intercept_[: int(problem.intercept)]])

    return run


def _linear(name: str, work: str, problem: Any, small: Any, epochs: int, at_most: float, tolerance: float) -> Case:
    return Case(
        name=name,
        work=work,
        unit="epoch",
        problem=problem,
        small=small,
        steps=lambda _: 1,
        reference=numpy_logistic,
        start=lambda problem: np.zeros(problem.X.shape[1] + int(problem.intercept)),
        ours=Side("thalweg", ours_linear, epochs, tolerance=1e-9),
        peers=(Side("scikit-learn SGDClassifier", sgd_classifier, epochs, ("sklearn",), at_most, tolerance=tolerance),),
    )


# -- digits


def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """The table that comes with scikit-learn: 1797 rows, 64 columns, float64, ten classes."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X, y


def ours_digits(dtype: str, problem: Any) -> Run:
    """``MLPClassifier.fit``: 100 hidden units, Adam."""
    import thalweg

    X, y = problem
    X = X.astype(dtype)

    def run(epochs: int) -> None:
        model = thalweg.MLPClassifier((100,), batch_size=64, max_iter=epochs, tol=None, random_state=0)
        model.fit(X, y)

    return run


def sklearn_digits(dtype: str, problem: Any) -> Run:
    """``MLPClassifier.fit`` of scikit-learn: the same units, batches, rule and epochs."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = problem
    X = X.astype(dtype)

    def run(epochs: int) -> None:
        model = MLPClassifier(
            (100,), alpha=0.0, batch_size=64, max_iter=epochs, tol=0.0, n_iter_no_change=10**9, random_state=0
        )
        model.fit(X, y)

    return run


def _digits(dtype: str) -> Case:
    short = {"float64": "", "float32": "-float32"}[dtype]
    return Case(
        name=f"fit-digits{short}",
        work=f"MLPClassifier.fit on digits, 64-100-10, batch 64, 50 epochs of Adam, {dtype}, one thread",
        unit="fit",
        problem=digits,
        steps=lambda _: 1 / 50,
        ours=Side("thalweg", partial(ours_digits, dtype), 50, note="each side draws its own start"),
        peers=(Side("scikit-learn MLPClassifier", partial(sklearn_digits, dtype), 50, ("sklearn",), 0.12),),
    )


# -- predict_proba


@dataclass(frozen=True)
class Fitted:
    """Rows, and the weights of a model that is given to every side: of a linear model, or of a network."""

    X: NDArray[np.float64]
    coefs: list[NDArray[np.float64]]
    intercepts: list[NDArray[np.float64]]


def fitted(n: int, sizes: tuple[int, ...]) -> Fitted:
    """Standard normal rows and weights."""
    rng = np.random.default_rng(20261123)
    coefs = [rng.normal(size=shape) / shape[0] ** 0.5 for shape in itertools.pairwise(sizes)]
    return Fitted(rng.normal(size=(n, sizes[0])), coefs, [rng.normal(size=size) for size in sizes[1:]])


def _labels(problem: Fitted) -> NDArray[np.int64]:
    """Labels for a first fit, whose weights are then replaced."""
    outputs = problem.coefs[-1].shape[1]
    return np.arange(60) % (2 if outputs == 1 else outputs)


def numpy_proba(problem: Fitted, _: int) -> NDArray[Any]:
    """Probabilities by plain NumPy: one class against the rest for a linear model, softmax for a network."""
    z = problem.X
    for k, (coef, intercept) in enumerate(zip(problem.coefs, problem.intercepts, strict=True)):
        z = z @ coef + intercept
        z = np.maximum(z, 0) if k < len(problem.coefs) - 1 else z
    if z.shape[1] == 1:
        z = 1 / (1 + np.exp(-z))
        return np.hstack([1 - z, z]).ravel()
    shares = np.exp(z) if len(problem.coefs) > 1 else 1 / (1 + np.exp(-z))
    return np.ravel(shares / shares.sum(axis=1, keepdims=True))


def ours_proba(problem: Fitted) -> Run:
    """``predict_proba`` of our estimator."""
    import thalweg

    network = len(problem.coefs) > 1
    y = _labels(problem)
    model: Any
    if network:
        model = thalweg.MLPClassifier(problem.coefs[0].shape[1], max_iter=1, tol=None)
    else:
        model = thalweg.LinearClassifier(loss=thalweg.losses.log, max_iter=1, tol=None)
    model.fit(problem.X[: len(y)], y)
    weights = [*(coef.ravel() for coef in problem.coefs), *problem.intercepts]
    model.theta_[:] = np.concatenate(weights)

    def run(_: int) -> NDArray[Any]:
        return np.ravel(model.predict_proba(problem.X))

    return run


def sklearn_proba(problem: Fitted) -> Run:
    """``predict_proba`` of scikit-learn's estimator."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import SGDClassifier
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    y = _labels(problem)
    model: Any
    if len(problem.coefs) > 1:
        model = MLPClassifier(problem.coefs[0].shape[1], max_iter=1).fit(problem.X[: len(y)], y)
        model.coefs_, model.intercepts_ = problem.coefs, problem.intercepts
    else:
        model = SGDClassifier(loss="log_loss", max_iter=1, tol=None).fit(problem.X[: len(y)], y)
        model.coef_, model.intercept_ = np.ascontiguousarray(problem.coefs[0].T), problem.intercepts[0]

    def run(_: int) -> NDArray[Any]:
        return np.ravel(model.predict_proba(problem.X))

    return run


def _proba(name: str, work: str, sizes: tuple[int, ...], peer: str) -> Case:
    return Case(
        name=name,
        work=f"predict_proba of 1,000,000 rows, 20 features, float64, one thread: {work}",
        unit="call",
        problem=partial(fitted, 1_000_000, sizes),
        small=partial(fitted, 1_000, sizes),
        steps=lambda _: 1,
        reference=numpy_proba,
        start=lambda problem: np.full(numpy_proba(problem, 1).size, 0.5),
        ours=Side("thalweg", ours_proba, tolerance=1e-12),
        peers=(Side(peer, sklearn_proba, 1, ("sklearn",), 1.0, tolerance=1e-12),),
    )


SPARSE = "10^5 x 10^5 CSR, 0.1 % filled, log loss, plain SGD, one sample a step, one epoch"
LINEAR, NETWORK = "scikit-learn SGDClassifier", "scikit-learn MLPClassifier"

CASES = (
    _linear(
        "fit-dense",
        "LinearClassifier.fit, 10^6 x 20, log loss, plain SGD, one sample a step, five epochs, one thread",
        partial(dense, 1_000_000, True),
        partial(dense, 2_000, False),
        5,
        0.8,
        1e-9,
    ),
    _linear(
        "fit-sparse",
        f"LinearClassifier.fit, {SPARSE}, one thread",
        partial(text_like, 100_000, 100_000, 100, 0.0, True),
        partial(text_like, 500, 2_000, 8, 0.0, False),
        1,
        1.0,
        1e-9,
    ),
    _linear(
        "fit-sparse-l2",
        f"LinearClassifier.fit, {SPARSE}, l2 penalty, one thread",
        partial(text_like, 100_000, 100_000, 100, ALPHA, True),
        partial(text_like, 500, 2_000, 8, ALPHA, False),
        1,
        1.0,
        1e-9,
    ),
    _digits("float64"),
    _digits("float32"),
    _proba("proba-linear-2", "LinearClassifier, two classes", (20, 1), LINEAR),
    _proba("proba-linear-5", "LinearClassifier, five classes", (20, 5), LINEAR),
    _proba("proba-mlp-2", "MLPClassifier, 100 hidden units, two classes", (20, 100, 1), NETWORK),
    _proba("proba-mlp-5", "MLPClassifier, 100 hidden units, five classes", (20, 100, 5), NETWORK),
)
