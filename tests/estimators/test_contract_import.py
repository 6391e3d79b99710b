"""The way into scikit-learn leaves out what no estimator uses, and nobody who uses it can tell."""

from __future__ import annotations

import subprocess
import sys


def test_a_fit_loads_neither_pandas_nor_special_functions_nor_statistics_and_all_work_afterwards():
    script = """
import sys
import numpy as np
from thalweg import LinearRegressor, MLPClassifier
X = np.arange(12.0).reshape(6, 2)
LinearRegressor(max_iter=2, tol=None).fit(X, X[:, 0]).predict(X)
network = MLPClassifier((3,), max_iter=2, tol=None).fit(X, [0, 1] * 3)
assert not {"pandas", "scipy.special", "scipy.stats"} & set(sys.modules)
network.predict_proba(X)
assert not {"pandas", "scipy.stats"} & set(sys.modules)

import pandas
import scipy
import sklearn.utils.fixes as fixes
from sklearn.preprocessing import PowerTransformer
assert fixes.pd.DataFrame is pandas.DataFrame
from sklearn.utils._array_api import special
assert special.expit(0.0) == 0.5
assert fixes._mode(np.array([1, 2, 2])).mode == 2
assert scipy.stats is sys.modules["scipy.stats"]
PowerTransformer().fit(X)
frame = pandas.DataFrame(X, columns=["a", "b"])
assert list(LinearRegressor(max_iter=2, tol=None).fit(frame, frame["a"]).feature_names_in_) == ["a", "b"]
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
