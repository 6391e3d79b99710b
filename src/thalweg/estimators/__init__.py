"""One run, as scikit-learn's users know it: four estimators that any rule, loss and penalty drives."""

from __future__ import annotations

from thalweg.estimators.linear import LinearClassifier, LinearRegressor
from thalweg.estimators.network import MLPClassifier, MLPRegressor

__all__ = ["LinearClassifier", "LinearRegressor", "MLPClassifier", "MLPRegressor"]
