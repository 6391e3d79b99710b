"""Estimators before the gradient doctor: losses, penalties, depths, dropout, sparse rows, float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor, check_gradient
from thalweg.check.differentiable import GradientProblem

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=20)
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, [-1, 1])]


@pytest.mark.parametrize(
    ("estimator", "rows", "targets"),
    [
        (LinearRegressor(), X, Y),
        (LinearRegressor("huber", penalty="elasticnet", alpha=0.3), X, Y),
        (LinearRegressor(fit_intercept=False, penalty="l2", alpha=0.5), csr_array(X), Y),
        (LinearClassifier(), X, LABELS),
        (MLPRegressor((4,), dropout=0.5), X, Y),
        (MLPClassifier((4, 3), penalty="l2", alpha=0.1), X, LABELS),
        (MLPRegressor((4,)), X.astype("float32"), Y.astype("float32")),
    ],
    ids=["line", "huber", "sparse", "softmax", "dropout", "deep", "float32"],
)
def test_gradients_of_estimators_are_right(estimator: Any, rows: Any, targets: Any) -> None:
    told = check_gradient(estimator, rows, targets)
    assert told.verdict == "right", str(told)
    assert not hasattr(estimator, "n_features_in_")


def test_a_fitted_estimator_is_looked_at_where_it_stands() -> None:
    fitted = LinearRegressor(optimizer="gradient_descent", learning_rate=0.1, max_iter=50, tol=None).fit(X, Y)
    problem = fitted._gradient_problem(X, Y, np.random.default_rng(0))
    np.testing.assert_array_equal(problem.x["coef_"].ravel(), fitted.coef_)
    assert check_gradient(fitted, X, Y).verdict == "right"


def test_a_wrong_gradient_of_an_estimator_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = GradientProblem.of_slices.__func__  # type: ignore[attr-defined]

    def wrong(cls: Any, fun: Any, grad: Any, theta: Any, places: Any) -> Any:
        return right(cls, fun, lambda x: grad(x) * 2, theta, places)

    monkeypatch.setattr(GradientProblem, "of_slices", classmethod(wrong))
    told = check_gradient(LinearRegressor(), X, Y)
    assert told.wrong_blocks == ("coef_", "intercept_")
    assert told.codes == {"factor_2"}
