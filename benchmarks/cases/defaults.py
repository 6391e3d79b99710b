"""Defaults, untouched, against scikit-learn's: test scores on ten tables, the same splits on both sides."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.case import Contest, Match
from benchmarks.cases.full_batch import airfoil_table

SEEDS = range(10)


class Table(NamedTuple):
    """Rows, targets, and whether these are classes."""

    name: str
    X: Any
    y: Any
    classes: bool


def tables() -> Iterator[Table]:
    """The bundled tables of scikit-learn, airfoil, and generated ones: wide, curved, imbalanced, sparse."""
    from scipy import sparse
    from sklearn import datasets

    yield Table("diabetes", *datasets.load_diabetes(return_X_y=True), classes=False)
    airfoil = airfoil_table()
    yield Table("airfoil", airfoil[:, :-1], airfoil[:, -1], classes=False)
    wide = datasets.make_regression(400, 1000, n_informative=30, noise=20, random_state=0)
    yield Table("wide (400 x 1000)", *wide, classes=False)
    yield Table("friedman1", *datasets.make_friedman1(2000, noise=1, random_state=0), classes=False)
    for name in ("breast_cancer", "wine", "iris", "digits"):
        yield Table(name, *getattr(datasets, f"load_{name}")(return_X_y=True), classes=True)
    rare = datasets.make_classification(5000, 20, n_informative=8, weights=[0.95], flip_y=0.01, random_state=0)
    yield Table("imbalanced (5 % of 5000)", *rare, classes=True)
    rng = np.random.default_rng(0)
    X = sparse.random_array((4000, 5000), density=0.01, format="csr", rng=rng)
    z = X @ rng.normal(size=5000)
    yield Table("sparse (4000 x 5000)", X, (z + rng.normal(size=4000) * z.std() * 0.3 > 0).astype(int), classes=True)


def play(ours: str, theirs: Callable[[], type[Any]], *, classes: bool) -> list[Match]:
    """Fit both on every table that suits them, once for each seed."""
    return [_match(table, ours, theirs()) for table in tables() if table.classes is classes]


def _match(table: Table, ours: str, theirs: type[Any]) -> Match:
    from scipy import sparse
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    import thalweg

    found = []
    for seed in SEEDS:
        strata = table.y if table.classes else None
        X, Z, y, z = train_test_split(table.X, table.y, random_state=seed, stratify=strata)
        scaler = (MaxAbsScaler() if sparse.issparse(X) else StandardScaler()).fit(X)
        X, Z = scaler.transform(X), scaler.transform(Z)
        models = [kind(random_state=seed) for kind in (getattr(thalweg, ours), theirs)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # epochs are counted and shown
            found.append([(model.fit(X, y).score(Z, z), model.n_iter_) for model in models])
    scores = np.array(found)[:, :, 0]
    differences = scores[:, 0] - scores[:, 1]
    epochs = [statistics.median(seed[side][1] for seed in found) for side in (0, 1)]
    half = float(_student(len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5)
    ours_mean, theirs_mean = scores.mean(axis=0).tolist()
    return Match(table.name, ours_mean, theirs_mean, float(differences.mean()), half, *epochs)


def _student(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


def _sgd_regressor() -> type[Any]:
    from sklearn.linear_model import SGDRegressor

    return SGDRegressor


def _sgd_classifier() -> type[Any]:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier


def _mlp_regressor() -> type[Any]:
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor


def _mlp_classifier() -> type[Any]:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier


def _contest(ours: str, theirs: str, peer: Callable[[], type[Any]], *, classes: bool) -> Contest:
    return Contest(
        name=f"defaults {ours}",
        ours=ours,
        theirs=theirs,
        score="accuracy" if classes else "R2",
        seeds=len(SEEDS),
        play=partial(play, ours, peer, classes=classes),
    )


CONTESTS = (
    _contest("LinearRegressor", "SGDRegressor", _sgd_regressor, classes=False),
    _contest("MLPRegressor", "MLPRegressor", _mlp_regressor, classes=False),
    _contest("LinearClassifier", "SGDClassifier", _sgd_classifier, classes=True),
    _contest("MLPClassifier", "MLPClassifier", _mlp_classifier, classes=True),
)
