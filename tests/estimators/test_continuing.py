from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from thalweg.errors import DataError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas.rules import adam, momentum

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.3 * GENERATOR.normal(size=60)
C = np.array(["low", "mid", "top"])[np.digitize(Y, [-1, 1])]

KINDS = {
    "linear regressor": (LinearRegressor, Y, {}),
    "linear classifier": (LinearClassifier, C, {"loss": "log_loss"}),
    "network regressor": (MLPRegressor, Y, {"hidden_layer_sizes": (5, 4), "dropout": 0.2}),
    "network classifier": (MLPClassifier, C, {"hidden_layer_sizes": 5, "dropout": 0.2}),
}


@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("name", KINDS)
def test_fits_that_go_on_are_one_longer_fit_bit_for_bit(name, batch_size):
    kind, y, told = KINDS[name]
    told = {**told, "optimizer": adam(learning_rate=0.02), "batch_size": batch_size, "tol": None, "random_state": 3}
    longer = kind(**told, max_iter=6).fit(X, y)
    parts = kind(**told, max_iter=2, warm_start=True)
    for _ in range(3):
        parts.fit(X, y)
    np.testing.assert_array_equal(parts.theta_, longer.theta_)
    np.testing.assert_array_equal(parts.state_, longer.state_)
    assert (parts.t_, parts.loss_curve_) == (longer.t_, longer.loss_curve_)
    assert (parts.n_iter_, longer.n_iter_) == (2, 6)


@pytest.mark.parametrize("name", KINDS)
def test_a_pass_is_an_epoch_of_a_fit(name):
    kind, y, told = KINDS[name]
    told = {**told, "learning_rate": 0.02, "batch_size": 7, "tol": None, "random_state": 3}
    fitted, passed = kind(**told, max_iter=3).fit(X, y), kind(**told)
    for _ in range(3):
        passed.partial_fit(X, y, **({"classes": np.unique(y)} if y is C else {}))
    np.testing.assert_array_equal(passed.theta_, fitted.theta_)
    assert (passed.t_, passed.loss_curve_, passed.n_iter_) == (fitted.t_, fitted.loss_curve_, 1)


def test_a_pass_over_all_rows_at_once_is_one_update():
    line = LinearRegressor(optimizer=momentum(learning_rate=0.5, momentum=0.9), batch_size=None)
    line.partial_fit(X, Y)
    first = 0.5 * X.T @ Y / 60
    np.testing.assert_allclose(line.coef_, first, rtol=1e-12)
    line.partial_fit(X[:10], Y[:10])
    residual = X[:10] @ first + 0.5 * Y.mean() - Y[:10]
    np.testing.assert_allclose(line.coef_, first + 0.9 * first - 0.5 * X[:10].T @ residual / 10, rtol=1e-12)
    assert line.t_ == 2


def test_a_weight_in_a_pass_is_a_factor_on_the_gradient():
    plain, light = LinearRegressor(optimizer="sgd", batch_size=None), LinearRegressor(optimizer="sgd", batch_size=None)
    plain.partial_fit(X, Y), light.partial_fit(X, Y, sample_weight=np.full(60, 0.25))
    np.testing.assert_allclose(light.theta_, plain.theta_ / 4, rtol=1e-12)


def test_a_pass_over_fewer_rows_than_a_batch_is_no_reason_to_warn():
    assert LinearRegressor(batch_size=50).partial_fit(X[:10], Y[:10]).t_ == 1


def test_a_schedule_runs_over_passes_as_over_epochs():
    told = {
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "schedule": "cosine",
        "batch_size": None,
        "max_iter": 4,
        "tol": None,
    }
    fitted, passed = LinearRegressor(**told).fit(X, Y), LinearRegressor(**told)
    for _ in range(4):
        passed.partial_fit(X, Y)
    np.testing.assert_array_equal(passed.theta_, fitted.theta_)
    before = passed.theta_.copy()
    assert np.abs(passed.partial_fit(X, Y).theta_ - before).max() < 1e-12  # the schedule has come to its end, zero


def test_fits_that_go_on_agree_where_the_longer_one_sums_up_its_rows_once():
    rows = np.random.default_rng(1).normal(size=(2000, 9))
    y = rows.sum(axis=1)
    told = {"optimizer": "adam", "learning_rate": 0.05, "batch_size": None, "tol": None}
    longer, parts = LinearRegressor(**told, max_iter=12).fit(rows, y), LinearRegressor(**told, warm_start=True)
    for _ in range(3):
        parts.set_params(max_iter=4).fit(rows, y)
    np.testing.assert_allclose(parts.theta_, longer.theta_, rtol=1e-11)


def test_a_cold_fit_forgets():
    told = {"batch_size": 7, "max_iter": 3, "tol": None, "random_state": 0}
    line = LinearRegressor(**told).fit(X, Y)
    first = line.theta_.copy()
    line.fit(X, Y)
    np.testing.assert_array_equal(line.theta_, first)
    assert len(line.loss_curve_) == 3


def test_another_rule_goes_on_with_an_empty_memory():
    line = LinearRegressor(optimizer=adam(learning_rate=0.1), batch_size=None, max_iter=3, tol=None, warm_start=True)
    start = line.fit(X, Y).theta_.copy()
    line.set_params(optimizer=momentum(learning_rate=0.5), max_iter=1).fit(X, Y)
    residual = X @ start[:4] + start[4] - Y
    np.testing.assert_allclose(line.coef_, start[:4] - 0.5 * X.T @ residual / 60, rtol=1e-12)
    assert (line.t_, line.state_.shape) == (1, (1, 5))


def test_other_numbers_of_the_same_rule_keep_the_memory():
    line = LinearRegressor(optimizer=adam(learning_rate=0.1), batch_size=None, max_iter=3, tol=None, warm_start=True)
    line.fit(X, Y)
    theta, state = adam(learning_rate=0.01).step(line.theta_, gradient_at(line.theta_), line.state_, 4.0)
    line.set_params(optimizer__learning_rate=0.01, max_iter=1).fit(X, Y)
    np.testing.assert_allclose(line.theta_, theta, rtol=1e-12)
    np.testing.assert_allclose(line.state_, state, rtol=1e-10, atol=1e-15)


def gradient_at(theta):
    residual = X @ theta[:4] + theta[4] - Y
    return np.r_[X.T @ residual, residual.sum()] / 60


@pytest.mark.parametrize(
    ("change", "rows"),
    [({"hidden_layer_sizes": 6}, X), ({"hidden_layer_sizes": (5, 5)}, X), ({}, X[:, :3])],
    ids=["wider", "deeper", "fewer features"],
)
def test_another_model_cannot_go_on(change, rows):
    net = MLPRegressor(5, max_iter=2, tol=None, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"warm_start: continues a model of 31 parameters|expecting 4 features"):
        net.set_params(**change).fit(rows, Y)


def test_other_classes_cannot_go_on():
    model = LinearClassifier(max_iter=2, tol=None, warm_start=True).fit(X, C)
    with pytest.raises(DataError, match="the label zzz in row 5 is not one of the 3 classes"):
        model.fit(X, np.where(np.arange(60) == 5, "zzz", C))


def test_the_dtype_of_the_first_fit_stays():
    line = LinearRegressor(max_iter=2, tol=None, warm_start=True).fit(X.astype(np.float32), Y)
    assert line.fit(X, Y).theta_.dtype == np.float32


@pytest.mark.parametrize("name", KINDS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones(name):
    kind, y, told = KINDS[name]
    fits = [kind(**told, batch_size=7, max_iter=3, tol=None, random_state=s).fit(X, y).theta_ for s in (5, 5, 6)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


def test_without_a_seed_every_fit_is_another_that_its_record_repeats():
    told = {"batch_size": 7, "max_iter": 3, "tol": None}
    first, second = LinearRegressor(**told).fit(X, Y), LinearRegressor(**told).fit(X, Y)
    assert not np.array_equal(first.theta_, second.theta_)
    again = LinearRegressor(**told, random_state=int(first.record_.settings["entropy"])).fit(X, Y)
    np.testing.assert_array_equal(again.theta_, first.theta_)


# -- passes over classes


def test_the_first_pass_needs_all_classes():
    with pytest.raises(SettingError, match="must be passed to the first call of partial_fit"):
        LinearClassifier().partial_fit(X, C)


def test_a_pass_may_lack_classes_but_not_bring_new_ones():
    model = LinearClassifier().partial_fit(X[:1], C[:1], classes=["top", "low", "mid"])
    assert model.coef_.shape == (3, 4)
    assert list(model.classes_) == ["low", "mid", "top"]
    model.partial_fit(X, C, classes=["low", "mid", "top"])
    with pytest.raises(SettingError, match="are not those of the first call"):
        model.partial_fit(X, C, classes=["low", "top"])
    with pytest.raises(DataError, match="the label new in row 0"):
        model.partial_fit(X[:1], ["new"])


def test_a_pass_cannot_balance_classes():
    with pytest.raises(SettingError, match="'balanced' cannot be told from a part of the rows"):
        LinearClassifier(class_weight="balanced").partial_fit(X, C, classes=np.unique(C))


# -- stopping


def test_tol_stops_and_says_so():
    line = LinearRegressor(optimizer="sgd", learning_rate=0.3, batch_size=None, tol=1e-6, n_iter_no_change=4).fit(X, Y)
    assert line.record_.status == "converged"
    falls = -np.diff(line.loss_curve_)
    assert (falls[-4:] < 1e-6).all()
    assert falls[-5] >= 1e-6
    assert line.n_iter_ == len(line.loss_curve_) < 1000


def test_running_out_of_epochs_is_warned_of_only_where_a_stop_was_asked_for():
    with pytest.warns(ConvergenceWarning, match="had not settled after max_iter=3 epochs"):
        LinearRegressor(learning_rate=0.01, max_iter=3).fit(X, Y)
    assert LinearRegressor(learning_rate=0.01, max_iter=3, tol=None).fit(X, Y).n_iter_ == 3
    assert LinearRegressor(max_iter=3).fit(X, Y).n_iter_ == 3  # where the rate falls to zero, the end is meant


def overfitting(**told):
    generator = np.random.default_rng(4)
    X, y = generator.normal(size=(40, 10)), generator.normal(size=40)
    net = MLPRegressor(30, learning_rate=0.02, early_stopping=True, validation_fraction=0.3, random_state=1, **told)
    return net.set_params(n_iter_no_change=15).fit(X, y)


def test_early_stopping_goes_back_to_the_epoch_with_the_lowest_validation_loss():
    net = overfitting()
    assert net.record_.status == "converged"
    assert net.n_iter_ == len(net.validation_curve_) < 200
    assert net.best_epoch_ == np.argmin(net.validation_curve_) + 1 < net.n_iter_
    with pytest.warns(ConvergenceWarning):
        short = overfitting(max_iter=net.best_epoch_)
    np.testing.assert_array_equal(short.theta_, net.theta_)


def test_early_stopping_keeps_the_weights_the_memory_and_the_count_of_that_epoch():
    seen = {}
    net = overfitting(callbacks=lambda run: seen.update({run.epoch: (run.theta.copy(), run.state.copy(), run.t)}))
    theta, state, t = seen[net.best_epoch_]
    np.testing.assert_array_equal(net.theta_, theta)
    np.testing.assert_array_equal(net.state_, state)
    assert net.t_ == t


def test_early_stopping_never_learns_from_the_rows_it_sets_aside():
    X, y = np.arange(50.0).reshape(-1, 1) / 50, np.zeros(50)
    seen = []
    line = LinearRegressor(early_stopping=True, validation_fraction=0.2, max_iter=5, tol=0.0, random_state=0)
    line.set_params(learning_rate=0.01)
    with pytest.warns(ConvergenceWarning):
        line.set_params(callbacks=lambda run: seen.append(run.rows.X.copy())).fit(X, y)
    assert {len(rows) for rows in seen} == {40}


def test_rows_set_aside_keep_the_shares_of_classes_and_their_weights():
    y = np.array([0] * 80 + [1] * 20)
    rows = np.random.default_rng(0).normal(size=(100, 2)) + y[:, None]
    model = LinearClassifier(early_stopping=True, tol=0.1, random_state=0)
    counted = []
    model.set_params(callbacks=lambda run: counted.append(run.rows.targets.sum())).fit(rows, y)
    assert set(counted) == {18.0}
    with pytest.raises(DataError, match="DATA-SPLIT"):
        model.fit(rows[76:84], y[76:84])


# -- callbacks


def test_a_callback_sees_every_epoch_and_can_stop():
    losses = []

    def watch(run):
        losses.append(run.loss_curve[-1])
        return run.epoch == 4

    line = LinearRegressor(batch_size=None, max_iter=9, tol=None, callbacks=[watch]).fit(X, Y)
    assert losses == line.loss_curve_
    assert (line.n_iter_, line.record_.status) == (4, "stopped")


def test_verbose_prints_a_line_per_epoch(capsys):
    line = LinearRegressor(max_iter=3, tol=None, verbose=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [float(text.split()[-1]) for text in lines] == pytest.approx(line.loss_curve_, rel=1e-5)
    LinearRegressor(max_iter=3, tol=None).fit(X, Y)
    assert capsys.readouterr().out == ""
