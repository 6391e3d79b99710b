"""scikit-learn's callbacks: tasks that begin and end in order, models as of the epoch, an end where they ask."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import FitCallback, ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV

from thalweg.errors import DivergedError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + GENERATOR.normal(size=60)
C = (Y > 0).astype(int)
FIXED = {"max_iter": 4, "tol": None, "learning_rate": 0.05, "random_state": 0}
ALL = [(LinearRegressor, Y), (LinearClassifier, C), (MLPRegressor, Y), (MLPClassifier, C)]


class Diary:
    """Writes down every hook."""

    def __init__(self, stop_at=None):
        self.lines, self.models, self.weights, self.stop_at = [], [], [], stop_at

    def setup(self, estimator, context):
        self.lines.append("setup")

    def teardown(self, estimator, context):
        self.lines.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.lines.append(f"begin {context.task_name} {context.task_id} of {context.max_subtasks}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.lines.append(f"end {context.task_name} {context.task_id}")
        self.models.append(fitted_estimator)
        self.weights.append(metadata)
        return context.task_name == "epoch" and context.task_id == self.stop_at


@pytest.mark.parametrize(("kind", "targets"), ALL)
def test_a_fit_is_a_task_and_each_epoch_one_in_it(kind, targets):
    diary = Diary()
    assert isinstance(diary, FitCallback)
    model = kind(**FIXED).set_callbacks(diary).fit(X, targets, np.ones(60))
    epochs = [line for k in range(4) for line in (f"begin epoch {k} of 0", f"end epoch {k}")]
    assert diary.lines == ["setup", "begin fit 0 of 4", *epochs, "end fit 0", "teardown"]
    for k, shown in enumerate(diary.models[:-1]):
        until = clone(model).set_callbacks().set_params(max_iter=k + 1).fit(X, targets, np.ones(60))
        np.testing.assert_array_equal(shown.predict(X), until.predict(X))
    np.testing.assert_array_equal(diary.models[-1].predict(X), model.predict(X))
    assert (diary.weights[0]["sample_weight"] == 1).all()
    assert model.record_.status == "finished"


def test_a_callback_ends_the_fit():
    diary = Diary(stop_at=1)
    model = LinearRegressor(**FIXED).set_callbacks(diary).fit(X, Y)
    assert (model.n_iter_, model.record_.status) == (2, "stopped")
    assert diary.lines[-3:] == ["end epoch 1", "end fit 0", "teardown"]


@pytest.mark.parametrize(
    "more", [{"callbacks": lambda run: run.epoch == 2}, {"max_iter": 50, "tol": 1e9, "n_iter_no_change": 2}]
)
def test_every_task_that_began_ends_whatever_stops_the_run(more):
    diary = Diary()
    model = LinearRegressor(**{**FIXED, **more}).set_callbacks(diary).fit(X, Y)
    assert model.n_iter_ < 5
    begun, ended = (sum(line.startswith(word) for line in diary.lines) for word in ("begin", "end"))
    assert begun == ended
    assert diary.lines[-1] == "teardown"


def test_what_diverges_tears_down():
    diary = Diary()
    with pytest.raises(DivergedError):
        LinearRegressor(
            "squared_error", optimizer="gradient_descent", **{**FIXED, "learning_rate": 50.0, "max_iter": 300}
        ).set_callbacks(diary).fit(X, Y)
    assert diary.lines[-1] == "teardown"


def test_watching_changes_nothing():
    watched = MLPRegressor(**FIXED).set_callbacks(Diary()).fit(X, Y)
    np.testing.assert_array_equal(watched.theta_, MLPRegressor(**FIXED).fit(X, Y).theta_)
    assert "_callback_fit_ctx" not in vars(watched)


@pytest.mark.parametrize(("kind", "targets"), ALL)
def test_scores_are_monitored(kind, targets):
    monitor = ScoringMonitor(scoring="r2" if targets is Y else "accuracy")
    model = kind(**FIXED).set_callbacks(monitor).fit(X, targets)
    log = monitor.get_logs().data_as_pandas
    assert log.task_name.tolist() == ["fit"] + ["epoch"] * 4
    assert log.iloc[-1, -1] == log.iloc[0, -1] == model.score(X, targets)


def test_the_iterates_mean_is_what_is_monitored():
    monitor = ScoringMonitor(scoring="r2")
    model = LinearRegressor(**FIXED, average=True).set_callbacks(monitor).fit(X, Y)
    assert monitor.get_logs().data[-1]["r2"] == model.score(X, Y)


def test_a_search_passes_its_progress_on(capsys):
    search = GridSearchCV(LinearRegressor(**FIXED), {"average": [False, True]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "LinearRegressor - fit" in capsys.readouterr().out
    monitor = ScoringMonitor(scoring="r2")
    GridSearchCV(LinearRegressor(**FIXED).set_callbacks(monitor), {"average": [False, True]}, cv=2).fit(X, Y)
    assert len(monitor.get_logs().data) == 5 * 5  # four fits and the last: each with its epochs


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="FitCallback"):
        LinearRegressor().set_callbacks(print)


def test_who_sets_none_does_not_load_them():
    text = "import sys, thalweg; thalweg.LinearRegressor(max_iter=1, tol=None).fit([[0.0], [1.0]], [0.0, 1.0]); "
    text += "print('sklearn.callback' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
