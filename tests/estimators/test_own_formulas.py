"""A rule, loss, penalty and schedule that a user wrote: in a module, in a script, in other processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import thalweg
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPRegressor
from thalweg.formulas.formula import penalty, rule, schedule

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + 1


@rule
def half_sign(theta, g, t, m, *, learning_rate=0.05, beta=0.5):
    m = beta * m + (1 - beta) * g
    return theta - learning_rate * (m + np.sign(m)) / 2, m


@penalty(ranges={"strength": "[0, inf)"})
def quartic(w, *, strength=0.1):
    return strength * w**4 / 4, strength * w**3


@schedule
def halves(t, *, every=10.0):
    return 0.5 ** np.floor(t / every)


def test_a_rule_of_ones_own_is_the_formula_step_by_step():
    line = LinearRegressor(optimizer=half_sign(beta=0.25), batch_size=None, max_iter=5, tol=None, penalty=quartic)
    line.set_params(schedule=halves(every=2.0)).fit(X, Y)
    theta, state = np.zeros(4), np.zeros((1, 4))
    for t in range(5):
        residual = X @ theta[:3] + theta[3] - Y
        g = np.r_[X.T @ residual, residual.sum()] / 60 + np.r_[0.1 * theta[:3] ** 3, 0]
        rate = 0.05 * 0.5 ** (t // 2)
        theta, state = half_sign(beta=0.25, learning_rate=rate).step(theta, g, state, t + 1.0)
    np.testing.assert_allclose(line.theta_, theta, rtol=1e-12)


def test_a_penalty_without_alpha_says_that_alpha_does_nothing():
    with pytest.warns(UserWarning, match="alpha has no effect with the penalty quartic"):
        LinearRegressor(penalty=quartic, alpha=0.5, max_iter=1, tol=None).fit(X, Y)


def test_a_rule_of_ones_own_is_cloned_pickled_and_searched():
    line = LinearRegressor(optimizer=half_sign, batch_size=None, max_iter=100, tol=None)
    copy = pickle.loads(pickle.dumps(clone(line).set_params(optimizer__beta=0.75)))  # noqa: S301 - of our own making
    assert (copy.optimizer.beta, half_sign.beta) == (0.75, 0.5)
    assert copy.fit(X, Y).score(X, Y) > 0.99
    search = GridSearchCV(line, {"optimizer__learning_rate": [1e-6, 0.05]}, n_jobs=2, cv=2).fit(X, Y)
    assert search.best_params_ == {"optimizer__learning_rate": 0.05}
    assert half_sign.learning_rate == 0.05


def test_a_rule_of_ones_own_drives_every_estimator():
    told = {"optimizer": half_sign(learning_rate=0.02), "max_iter": 200, "tol": None, "random_state": 0}
    assert LinearClassifier(**told).fit(X, Y > 1).score(X, Y > 1) > 0.95
    assert MLPRegressor(8, **told).fit(X, Y).score(X, Y) > 0.95


RULE = """
import pickle
import numpy as np
from sklearn.model_selection import GridSearchCV
from thalweg import rule, LinearRegressor

SHARE = 0.5

@rule
def mine(theta, g, t, m, *, learning_rate=0.1):
    m = SHARE * m + (1 - SHARE) * g
    return theta - learning_rate * m, m

X = np.random.default_rng(0).normal(size=(60, 3))
y = X @ [1.0, -2.0, 0.5] + 1
line = LinearRegressor(optimizer=mine, batch_size=None, max_iter=100, tol=None)
"""
SCRIPT = """
if __name__ == "__main__":
    search = GridSearchCV(line, {"optimizer__learning_rate": [1e-6, 0.3]}, n_jobs=2, cv=2).fit(X, y)
    print(search.best_params_, round(search.best_score_, 6), mine.learning_rate)
"""
CELL = """
copy = pickle.loads(pickle.dumps(line.set_params(optimizer__learning_rate=0.3)))
print(copy.optimizer, round(copy.fit(X, y).score(X, y), 6), mine.learning_rate)
"""


def run(arguments, folder, text=None):
    source = str(Path(thalweg.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_rule_written_in_a_script_is_searched_in_two_processes(tmp_path):
    (tmp_path / "mine.py").write_text(RULE + SCRIPT)
    assert run(["mine.py"], tmp_path) == "{'optimizer__learning_rate': 0.3} 1.0 0.1\n"


def test_a_rule_written_in_a_cell_of_a_notebook_fits_and_pickles(tmp_path):
    """A cell is compiled text in __main__ whose lines only linecache knows, as in IPython."""
    host = (
        "import linecache, sys\n"
        f"text = {RULE + CELL!r}\n"
        "linecache.cache['<cell 1>'] = (len(text), None, text.splitlines(keepends=True), '<cell 1>')\n"
        "exec(compile(text, '<cell 1>', 'exec'), sys.modules['__main__'].__dict__)\n"
    )
    assert run(["-"], tmp_path, host) == "mine(learning_rate=0.3) 1.0 0.1\n"
