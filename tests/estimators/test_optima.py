"""Where descent ends: closed forms, and the solvers of scikit-learn and SciPy, each within a stated distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array
from sklearn import linear_model
from sklearn.svm import LinearSVC

from thalweg.estimators import LinearClassifier, LinearRegressor, MLPRegressor
from thalweg.formulas import losses
from thalweg.formulas.rules import adam, nesterov

N = 300
FULL = {"batch_size": None, "tol": None, "max_iter": 2000}


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(N, 8)) @ (np.eye(8) + 0.3 * generator.normal(size=(8, 8)))
    coef = np.array([3.0, -2.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.5])
    y = X @ coef + 2 + generator.normal(size=N)
    two = (X[:, 0] + 0.5 * generator.normal(size=N) > 0).astype(int)
    three = np.digitize(X[:, 0] + generator.normal(size=N), [-1, 1])
    counts = generator.poisson(np.exp(0.07 * X @ coef))
    return {"X": X, "y": y, "two": two, "three": three, "counts": counts, "weights": generator.uniform(0.1, 3, N)}


def parameters(model):
    return np.r_[np.ravel(model.coef_), np.ravel(model.intercept_)]


CASES = {
    "least squares": (
        LinearRegressor(optimizer=nesterov(learning_rate=0.05), **FULL),
        linear_model.LinearRegression(), "y", 1e-12,
    ),
    "ridge": (
        LinearRegressor(penalty="l2", alpha=0.1, optimizer=nesterov(learning_rate=0.05), **FULL),
        linear_model.Ridge(alpha=0.1 * N), "y", 1e-12,
    ),
    "lasso, proximal descent": (
        LinearRegressor(penalty="l1", alpha=0.1, optimizer="gradient_descent", learning_rate=0.25, **FULL),
        linear_model.Lasso(alpha=0.1, tol=1e-13, max_iter=10**5), "y", 1e-12,
    ),
    "lasso, adam": (
        LinearRegressor(penalty="l1", alpha=0.1, learning_rate=0.05, **FULL),
        linear_model.Lasso(alpha=0.1, tol=1e-13, max_iter=10**5), "y", 1e-9,
    ),
    "elastic net, proximal descent": (
        LinearRegressor(
            penalty="elasticnet", alpha=0.2, l1_ratio=0.5, optimizer="gradient_descent", learning_rate=0.25, **FULL
        ),
        linear_model.ElasticNet(alpha=0.2, l1_ratio=0.5, tol=1e-13, max_iter=10**5), "y", 1e-12,
    ),
    "elastic net, adam": (
        LinearRegressor(penalty="elasticnet", alpha=0.2, l1_ratio=0.5, learning_rate=0.05, **FULL),
        linear_model.ElasticNet(alpha=0.2, l1_ratio=0.5, tol=1e-13, max_iter=10**5), "y", 1e-9,
    ),
    "poisson": (
        LinearRegressor("poisson", penalty="l2", alpha=0.01, optimizer=nesterov(learning_rate=0.03), **FULL),
        linear_model.PoissonRegressor(alpha=0.01, tol=1e-10, max_iter=10**4), "counts", 1e-7,
    ),
    "median": (
        LinearRegressor("absolute_error", learning_rate=0.1, schedule="cosine", **FULL),
        linear_model.QuantileRegressor(quantile=0.5, alpha=0), "y", 0.02,
    ),
    "upper quantile": (
        LinearRegressor(losses.quantile(quantile=0.8), learning_rate=0.1, schedule="cosine", **FULL),
        linear_model.QuantileRegressor(quantile=0.8, alpha=0), "y", 0.02,
    ),
    "logistic regression": (
        LinearClassifier(penalty="l2", alpha=0.01, optimizer=nesterov(learning_rate=0.2), **FULL),
        linear_model.LogisticRegression(C=1 / (N * 0.01), tol=1e-11, max_iter=10**4), "two", 1e-6,
    ),
    "multinomial logistic regression": (
        LinearClassifier(penalty="l2", alpha=0.01, optimizer=nesterov(learning_rate=0.2), **FULL),
        linear_model.LogisticRegression(C=1 / (N * 0.01), tol=1e-11, max_iter=10**4), "three", 1e-6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_descent_ends_where_the_solver_does(table, case):
    ours, theirs, target, near = CASES[case]
    X, y = table["X"], table[target]
    ours.fit(X, y), theirs.fit(X, y)
    np.testing.assert_allclose(parameters(ours), parameters(theirs), rtol=near, atol=near)
    np.testing.assert_array_equal(np.ravel(ours.coef_) == 0, np.ravel(theirs.coef_) == 0)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=10 * near, atol=10 * near)


@pytest.mark.parametrize("case", ["ridge", "logistic regression", "multinomial logistic regression"])
def test_with_weights_too(table, case):
    ours, theirs, target, near = CASES[case]
    X, y, weights = table["X"], table[target], table["weights"] / table["weights"].mean()
    ours.fit(X, y, weights), theirs.fit(X, y, weights)
    np.testing.assert_allclose(parameters(ours), parameters(theirs), rtol=near, atol=near)


def test_the_l1_optimum_has_the_zeros_that_were_planted(table):
    for case in ("lasso, proximal descent", "lasso, adam"):
        ours = CASES[case][0].fit(table["X"], table["y"])
        assert set(np.flatnonzero(ours.coef_ == 0)) == {2, 3, 5, 6}


def test_huber_and_squared_hinge_end_at_the_minimum_of_their_objective(table):
    X, y = table["X"], table["y"] + 30 * (np.arange(N) % 10 == 0)
    formula = losses.huber(delta=1.5)
    ours = LinearRegressor(formula, penalty="l2", alpha=0.05, optimizer=nesterov(learning_rate=0.05), **FULL).fit(X, y)

    def objective(p):
        z = X @ p[:-1] + p[-1]
        value, slope = formula.value_and_derivative(y, z)
        gradient = np.r_[X.T @ slope / N + 0.05 * p[:-1], slope.mean()]
        return value.mean() + 0.025 * p[:-1] @ p[:-1], gradient

    best = minimize(objective, np.zeros(9), jac=True, method="BFGS", options={"gtol": 1e-12})
    np.testing.assert_allclose(parameters(ours), best.x, atol=1e-8)
    assert ours.loss_curve_[-1] == pytest.approx(best.fun, rel=1e-12)
    machine = LinearSVC(C=1 / (N * 0.1), intercept_scaling=1e4, tol=1e-10, max_iter=10**6).fit(X, table["two"])
    ours = LinearClassifier("squared_hinge", penalty="l2", alpha=0.1, optimizer=nesterov(learning_rate=0.03), **FULL)
    np.testing.assert_allclose(parameters(ours.fit(X, table["two"])), parameters(machine), atol=1e-6)


def test_several_outputs_are_several_regressions(table):
    X, Y = table["X"], np.column_stack([table["y"], -2 * table["y"] + 1, table["X"][:, 3]])
    ours = LinearRegressor(optimizer=nesterov(learning_rate=0.05), **FULL).fit(X, Y)
    theirs = linear_model.LinearRegression().fit(X, Y)
    assert ours.coef_.shape == (3, 8)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-12)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-12)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-11)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_sparse_rows_end_where_dense_ones_do(table, loss):
    X = np.where(np.abs(table["X"]) > 0.7, table["X"], 0)
    kind, target = (LinearClassifier, "three") if loss == "log_loss" else (LinearRegressor, "y")
    told = {**FULL, "max_iter": 50}
    dense, sparse = (kind(loss, learning_rate=0.1, **told).fit(rows, table[target]) for rows in (X, csr_array(X)))
    np.testing.assert_allclose(parameters(sparse), parameters(dense), rtol=1e-9)
    np.testing.assert_allclose(sparse.predict(csr_array(X)), dense.predict(X), rtol=1e-9)


def test_without_an_intercept_there_is_none(table):
    X, y = table["X"], table["y"]
    ours = LinearRegressor(fit_intercept=False, optimizer=nesterov(learning_rate=0.05), **FULL).fit(X, y)
    theirs = linear_model.LinearRegression(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-12)
    assert ours.theta_.size == 8
    np.testing.assert_array_equal(ours.intercept_, [0.0])


def test_a_linear_network_finds_the_least_squares_plane(table):
    X, y = table["X"], table["y"]
    told = {**FULL, "max_iter": 4000}
    net = MLPRegressor(3, activation="identity", optimizer=adam(learning_rate=0.01), random_state=0, **told).fit(X, y)
    plane = linear_model.LinearRegression().fit(X, y)
    np.testing.assert_allclose(net.predict(X), plane.predict(X), atol=1e-6)
