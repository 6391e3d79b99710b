from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from thalweg.comparison import rate_grid, rate_trials
from thalweg.comparison.range_test import _not_told_apart, suggest
from thalweg.comparison.rate_trials import Budget, Trial
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import mean_loss
from thalweg.descent.record import plain
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine.streams import seed_sequence
from thalweg.errors import DataError, DivergedError, SettingError
from thalweg.formulas import catalog, losses, rules, schedules
from thalweg.formulas.activations import tanh
from thalweg.formulas.formula import rule
from thalweg.formulas.penalties import l2


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((240, 4)) @ np.diag([1.0, 0.6, 1.4, 1.0])
    return X, X @ [1.0, -2.0, 0.5, 0.0] + rng.standard_normal(240) / 2


def trial(X, y, settings, seed=0, updates=None, model=None, **more):
    rows = Rows.of(X, y, **more)
    model = model or Linear(X.shape[1], rows.targets.shape[1])
    budget = Budget.of(model, rows, settings, 100, updates)
    return Trial(model, rows, settings, budget, seed_sequence(0), seed)


SETTINGS = Settings(rules.adam, losses.squared, l2(alpha=0.01), batch_size=16, max_iter=6)


# -- trials


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("batch", [16, None])
def test_a_rate_fares_side_by_side_as_it_fares_alone_whatever_diverges_beside_it(table, outputs, kind, batch):
    X = sparse.csr_array(table[0]) if kind == "csr" else table[0]
    y = np.column_stack([table[1] * k for k in range(1, outputs + 1)])
    one = trial(X, y, Settings(rules.gradient_descent, losses.squared, batch_size=batch, max_iter=8))
    rates = np.array([1e-3, 1e-2, 0.1, 1e3, 1e40])
    together = one.losses(rates)
    assert together.shape == (3, 5)
    assert np.isfinite(together[:, :3]).all()
    assert np.isinf(together[1:, 4]).all()
    for k in range(3):
        np.testing.assert_allclose(together[:, k], one.losses(rates[k : k + 1])[:, 0], rtol=1e-12)


def test_lanes_that_do_not_fit_into_one_run_are_trained_in_several(table, monkeypatch):
    one = trial(*table, SETTINGS)
    rates = np.geomspace(1e-4, 1, 9)
    whole = one.losses(rates)
    made = []
    monkeypatch.setattr(rate_trials, "Run", lambda *a, **k: made.append(a) or Run(*a, **k))
    monkeypatch.setattr(rate_trials, "_CELLS", 3 * (2 * 16 + 10 * 5))
    np.testing.assert_allclose(one.losses(rates), whole, rtol=1e-12)
    assert len(made) == 3


def test_losses_are_those_of_the_rows_held_out_and_no_held_row_is_learned_from(table):
    X, y = table
    one = trial(X, y, SETTINGS)
    held = np.setdiff1d(np.arange(240), one.fit)
    assert held.size == 48
    orders = [one._order(piece) for piece in range(6)]
    assert set(np.concatenate(orders)) == set(one.fit)
    assert not np.array_equal(orders[0], orders[1])
    settings = Settings(rules.adam(learning_rate=0.05), losses.squared, l2(alpha=0.01), batch_size=16)
    run = Run(Linear(4), Rows.of(X, y), settings, order=one._order)
    run.advance(6)
    found = one.losses(np.array([0.05]))[:, 0]
    for part, value in ((held, found[1]), (one.fit, found[2])):
        assert value == pytest.approx(mean_loss(losses.squared, y[part, None], run.model.scores(run.theta, X[part])))
    assert int(run.t) == one.budget.updates == 6 * 15


def test_every_row_is_held_out_once_in_five_seeds(table):
    held = [np.setdiff1d(np.arange(240), trial(*table, SETTINGS, seed=seed).fit) for seed in range(10)]
    assert sorted(np.concatenate(held[:5])) == list(range(240))
    assert sorted(np.concatenate(held[5:])) == list(range(240))
    assert not np.array_equal(held[0], held[5])


def test_weights_weigh_on_both_sides(table):
    X, y = table
    weights = np.where(np.arange(240) % 3, 0.0, 2.0)
    few = weights > 0
    one = trial(X, y, SETTINGS, sample_weight=weights)
    held = np.setdiff1d(np.arange(240), one.fit)
    start = np.mean(y[held][few[held]] ** 2) / 2
    assert one.start[0] == pytest.approx(start)
    assert suggest(Linear(4), Rows.of(X, y, weights), SETTINGS, seeds=2) != suggest(
        Linear(4), Rows.of(X, y), SETTINGS, seeds=2
    )


def test_the_schedule_runs_its_course_where_the_test_is_as_long_as_the_training(table):
    scheduled = Settings(rules.adam, losses.squared, schedule=schedules.cosine, batch_size=16, max_iter=6)
    whole, short = trial(*table, scheduled), trial(*table, scheduled, updates=45)
    without = Settings(rules.adam, losses.squared, batch_size=16, max_iter=6)
    rates = np.array([0.01, 0.1])
    assert not np.allclose(whole.losses(rates)[1], trial(*table, without).losses(rates)[1], rtol=1e-6)
    np.testing.assert_array_equal(short.losses(rates), trial(*table, without, updates=45).losses(rates))


# -- the suggestion


def prepared(name):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    if name == "diabetes":
        return X, ((y - y.mean()) / y.std())[:, None], losses.squared
    return (
        X,
        np.eye(3)[y] if len(set(y)) == 3 else y[:, None].astype(float),
        losses.softmax if len(set(y)) == 3 else losses.log,
    )


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer"])
@pytest.mark.parametrize("which", ["adam", "gradient_descent", "momentum", "lion", "adagrad", "rmsprop"])
def test_the_suggestion_keeps_nearly_all_that_an_exhaustive_search_gains(name, which):
    X, y, loss = prepared(name)
    chosen = catalog.rules()[which]
    rates = chosen.learning_rate * 10 ** (np.arange(-32, 33) / 8)
    curves, suggested = [], []
    for split in range(3):
        order = np.random.default_rng(split).permutation(len(X))
        train, rest = order[: int(0.7 * len(X))], order[int(0.7 * len(X)) :]
        rows, settings = Rows.of(X[train], y[train]), Settings(chosen, loss, batch_size=32, max_iter=20)
        run = Run(Linear(X.shape[1], lanes=rates.size), rows, settings, rates=rates, random_state=split)
        run.advance(20)
        with np.errstate(all="ignore"):
            scores = run.model.scores(run.theta, X[rest])
            values = [mean_loss(loss, y[rest], scores[:, k : k + 1]) for k in range(rates.size)]
        curves.append(np.nan_to_num(values, nan=np.inf))
        found = suggest(Linear(X.shape[1]), rows, settings, random_state=split)
        assert (found.updates, found.edge) == (found.training_updates, "")
        suggested.append(values[int(np.argmin(np.abs(np.log(rates / found.learning_rate))))])
    with np.errstate(over="ignore"):
        every = np.mean(curves, axis=0)
    gained = every[0] - every.min()
    assert np.mean(suggested) - every.min() < 0.05 * gained


def test_a_short_test_is_carried_on_to_the_length_of_the_training():
    X, y, loss = prepared("diabetes")
    settings = Settings(rules.gradient_descent, loss, batch_size=16, max_iter=40)
    whole = suggest(Linear(10), Rows.of(X, y), settings)
    short = suggest(Linear(10), Rows.of(X, y), settings, updates=200)
    assert (whole.updates, whole.training_updates, short.updates) == (1120, 1120, 200)
    assert (whole.earlier, whole.best) == (None, whole.learning_rate)
    assert short.learning_rate < short.best <= short.earlier
    assert short.best / whole.learning_rate > 1.8  # what the short test would have said by itself
    assert 0.5 < short.learning_rate / whole.learning_rate < 2
    assert "Tried for 200 updates only" in short.message
    assert short.high / short.low > whole.high / whole.low


def test_the_same_seed_gives_the_same_answer_and_another_gives_another(table):
    rows = Rows.of(*table)
    first, second, third = (suggest(Linear(4), rows, SETTINGS, random_state=seed) for seed in (1, 1, 2))
    assert first == second
    assert first.curve != third.curve
    assert first.curve.rates == third.curve.rates


def test_the_rows_are_left_as_they_are(table):
    X, y = (part.copy() for part in table)
    for part in (X, y):
        part.flags.writeable = False
    suggest(Linear(4), Rows.of(X, y), SETTINGS, seeds=2)
    np.testing.assert_array_equal(X, table[0])


def test_csr_rows_and_dense_rows_ask_for_the_same_rate(table):
    X, y = table
    found = [suggest(Linear(4), Rows.of(each, y), SETTINGS, seeds=2) for each in (X, sparse.csr_array(X))]
    assert found[0].learning_rate == found[1].learning_rate
    np.testing.assert_allclose(found[0].curve.medians, found[1].curve.medians, rtol=1e-9)


@pytest.mark.parametrize("start", [1e-9, 1e7])
def test_the_grid_grows_to_where_the_best_rate_is(table, start):
    rows = Rows.of(*table)
    usual = suggest(Linear(4), rows, SETTINGS)
    far = suggest(Linear(4), rows, SETTINGS, rules.adam(learning_rate=start))
    assert (usual.edge, far.edge) == ("", "")
    assert usual.low / 1.5 <= far.learning_rate <= usual.high * 1.5
    assert not start * 1e-4 < far.learning_rate < start * 1e4


def test_a_grid_that_has_grown_enough_says_that_the_best_is_on_its_edge(table):
    found = suggest(Linear(4), Rows.of(*table), SETTINGS, rules.adam(learning_rate=1e-20), seeds=2)
    assert found.edge == ">"
    assert found.learning_rate == found.curve.rates[-1] == 1e-10
    assert "largest rate tried" in found.message


@rule(ranges={"learning_rate": "(0, 1e-3]"})
def timid(theta, g, t, *, learning_rate=1e-4):
    """Gradient descent with small steps."""
    return theta - learning_rate * g


def test_no_rate_is_tried_that_the_rule_does_not_allow(table):
    found = suggest(Linear(4), Rows.of(*table), SETTINGS, timid, seeds=2)
    assert max(found.curve.rates) == found.learning_rate == 1e-3
    assert found.edge == ">"


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov"])
def test_the_largest_stable_rate_in_full_batches_is_the_last_below_the_limit_of_theory(table, name):
    settings = Settings(catalog.rules()[name], losses.squared, max_iter=300)
    found = suggest(Linear(4), Rows.of(*table), settings, seeds=2)
    step = 10 ** (1 / rate_grid.PER_DECADE)
    assert found.limit.exact
    assert found.limit.rate / step / 1.1 < found.largest_stable < found.limit.rate * 1.1
    assert f"By theory {name} is stable below {found.limit.rate:.3g}." in found.message
    assert f"Above {found.largest_stable:.3g} the loss" in found.message


def smoothed(means, start):
    found = []
    for k, own in enumerate(means):
        pairs = [(4 - d, means[k - d] + means[k + d]) for d in (1, 2, 3) if k - d >= 0 and k + d < len(means)
                 and max(means[k - d], means[k + d]) <= max(own, start)]  # fmt: skip
        found.append((4 * own + sum(w * both for w, both in pairs)) / (4 + 2 * sum(w for w, _ in pairs)))
    return found


def test_a_lucky_rate_among_those_that_hover_is_not_the_best_and_a_cliff_is_no_reason_to_keep_away(table):
    grid = rate_grid.RateGrid(Linear(4), Rows.of(*table), SETTINGS, 2, None, 0)
    start = grid.start()
    basin = [0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.15, 0.2, 0.4, 0.2, 0.45, 0.05, 0.5, 0.4, 0.5, 0.6]
    grid.found = {k: np.full((3, 2), share * start) for k, share in enumerate(basin)}
    assert grid.best() == 6
    cliff = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 7.0, 8.0, np.inf]  # and the rate before it is not dragged down
    grid.found = {k: np.full((3, 2), share * start) for k, share in enumerate(cliff)}
    assert grid.best() == 5


def test_the_curve_holds_what_each_seed_left(table):
    rows = Rows.of(*table)
    found = suggest(Linear(4), rows, SETTINGS, rules.gradient_descent, seeds=3)
    budget = Budget(16, found.updates, found.updates // 4, found.training_updates)
    settings = Settings(rules.gradient_descent, losses.squared, l2(alpha=0.01), batch_size=16, max_iter=6)
    each = [Trial(Linear(4), rows, settings, budget, seed_sequence(0), seed) for seed in range(3)]
    ends = np.array([one.losses(np.array(found.curve.rates))[1] for one in each])
    np.testing.assert_array_equal(found.curve.medians, np.median(ends, axis=0))
    np.testing.assert_array_equal(found.curve.lows, ends.min(axis=0))
    np.testing.assert_array_equal(found.curve.highs, ends.max(axis=0))
    np.testing.assert_array_equal(found.curve.means, ends.T.copy().mean(axis=1))
    assert found.learning_rate == found.curve.rates[int(np.argmin(smoothed(found.curve.means, found.start)))]
    assert found.start == pytest.approx(np.mean([one.start[0] for one in each]))
    assert math.isinf(found.curve.medians[-1])
    assert found.low <= found.learning_rate <= found.high


def test_networks_are_tried_at_few_rates_and_then_at_those_around_the_best(table):
    X, y = table
    network = Network((4, 6, 1), (tanh,))
    found = suggest(network, Rows.of(X, y), SETTINGS)
    places = np.round(np.log10(np.array(found.curve.rates) / 1e-3) * rate_grid.PER_DECADE).astype(int)
    gaps = dict(zip(places[1:], np.diff(places), strict=True))
    best = int(np.round(np.log10(found.best / 1e-3) * rate_grid.PER_DECADE))
    assert set(gaps.values()) == {1, rate_grid.COARSE}
    assert gaps[best] == gaps[best + 1] == 1
    assert found.limit is None
    assert min(found.curve.medians) < 0.5 * found.start
    assert found.seeds == 3
    assert found == suggest(network, Rows.of(X, y), SETTINGS)


def test_the_test_can_be_written_as_json(table):
    found = suggest(Linear(4), Rows.of(*table), SETTINGS, rules.momentum, seeds=2, feature_names=["a", "b", "c", "d"])
    data = json.loads(json.dumps(plain(found.as_dict()), allow_nan=False))
    assert data["learning_rate"] == found.learning_rate
    assert data["limit"]["column"] == "c"
    assert len(data["curve"]["rates"]) == len(data["curve"]["medians"])
    assert data["message"] == found.message == str(found)


# -- how sure it is


def test_rates_are_told_apart_by_all_seeds_together():
    losses_of = np.array([[5.0, 6.0, 7.0], [1.2, 0.9, 1.1], [1.0, 1.0, 1.0], [1.1, 1.1, 1.1], [0.5, np.inf, 0.5]])
    assert _not_told_apart(losses_of, 2) == (1, 2)
    assert _not_told_apart(np.repeat(losses_of[:3], 4, axis=1), 2) == (1, 2)
    assert _not_told_apart(np.ones((3, 2)), 1) == (0, 2)


def test_noise_widens_the_range_of_rates_that_cannot_be_told_apart():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    y, noise = X @ [1.0, -2.0, 0.5, 0.0], rng.standard_normal(60)
    found = [suggest(Linear(4), Rows.of(X, y + size * noise), SETTINGS) for size in (0.1, 4.0)]
    assert found[1].high / found[1].low > 2 * found[0].high / found[0].low


# -- what cannot be tested


def test_a_rule_without_a_rate_few_rows_and_one_seed_are_refused(table):
    rows = Rows.of(*table)
    with pytest.raises(SettingError, match="rprop has no learning rate"):
        suggest(Linear(4), rows, SETTINGS, rules.rprop)
    with pytest.raises(DataError, match="has 3 rows"):
        suggest(Linear(4), Rows.of(table[0][:3], table[1][:3]), SETTINGS)
    with pytest.raises(SettingError, match="seeds"):
        suggest(Linear(4), rows, SETTINGS, seeds=1)
    with pytest.raises(SettingError, match="updates"):
        suggest(Linear(4), rows, SETTINGS, updates=0)


def test_the_smallest_table_there_may_be_gives_an_answer(table):
    found = suggest(Linear(4), Rows.of(table[0][:4], table[1][:4]), SETTINGS)
    assert math.isfinite(found.learning_rate)


@pytest.mark.parametrize("updates", [1, 2, 3])
@pytest.mark.parametrize("batch", [16, None])
def test_the_shortest_tests_there_may_be_give_an_answer(table, updates, batch):
    settings = Settings(rules.adam, losses.squared, batch_size=batch, max_iter=6)
    found = suggest(Linear(4), Rows.of(*table), settings, updates=updates, seeds=2)
    assert found.updates == updates
    assert found.low <= found.learning_rate < found.best
    assert found.learning_rate <= found.high


def test_where_no_rate_holds_it_says_so(table):
    X, y = table
    with pytest.raises(DivergedError, match="diverged at every rate"):
        suggest(Linear(4), Rows.of(X * 1e200, y * 1e200), SETTINGS, rules.gradient_descent, seeds=2)


def test_the_budget_is_cut_where_the_test_would_take_long(table, monkeypatch):
    X, y = table
    budget = Budget.of(Linear(4), Rows.of(X, y), SETTINGS, 100, None)
    assert (budget.updates, budget.training) == (90, 90)
    monkeypatch.setattr(rate_trials, "LEAST_UPDATES", 10)
    monkeypatch.setattr(rate_trials, "WORK", 100 * 40 * (2 * 16 * 5 + 10 * 5))
    cut = Budget.of(Linear(4), Rows.of(X, y), SETTINGS, 100, None)
    assert (cut.updates, cut.quarter, cut.training) == (40, 10, 90)
    monkeypatch.setattr(rate_trials, "WORK", 1.0)
    assert Budget.of(Linear(4), Rows.of(X, y), SETTINGS, 100, None).updates == 10
    assert Budget.of(Linear(4), Rows.of(X, y), SETTINGS, 100, 77).updates == 77
