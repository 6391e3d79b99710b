from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from thalweg.descent import curvature as curvatures
from thalweg.descent.batches import Rows
from thalweg.descent.curvature import Curvature, bend_of_loss
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.descent.stability import largest_stable_rate, limits
from thalweg.formulas import catalog, losses, penalties, rules
from thalweg.formulas.activations import relu
from thalweg.formulas.formula import loss, rule

MUS = (0.0, 0.5, 0.9, 0.99)
NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((200, 5)) @ np.diag([1.0, 1.5, 1.0, 0.7, 1.2])
    X[:, 1] += 0.8 * X[:, 0]
    return X


def hessian(X, weights=None, bend=1.0, alpha=0.0, *, intercept=True):
    X = np.asarray(X, dtype=np.float64)
    ones = np.ones((len(X), int(intercept)))
    full = np.hstack([X, ones])
    weights = np.ones(len(X)) if weights is None else weights / np.mean(weights)
    return bend * full.T @ (full * weights[:, None]) / len(X) + np.diag([alpha] * X.shape[1] + [0.0] * int(intercept))


def one(X, y, rule=rules.gradient_descent, of=losses.squared, penalty=None, batch=None, names=None, **settings):
    outputs = settings.pop("outputs", 1)
    intercept = settings.pop("intercept", True)
    model = Linear(X.shape[1], outputs, fit_intercept=intercept)
    names = names or [f"x{k}" for k in range(X.shape[1])]
    (found,) = limits(model, Rows.of(X, y, **settings), of, penalty, batch, names, {rule.name: rule})
    return found


# -- the eigenvalue


@pytest.mark.parametrize("features", [1, 5, 300], ids=["one column", "narrow", "wide"])
@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "none"])
def test_the_eigenvalue_is_that_of_the_hessian(features, kind, dtype, weighted, intercept, monkeypatch):
    monkeypatch.setattr(curvatures, "_CELLS_PER_BLOCK", 20 * features)  # several blocks, the last of them smaller
    rng = np.random.default_rng(features)
    X = (rng.standard_normal((90, features)) * (rng.random((90, features)) < 0.3)).astype(dtype)
    weights = rng.uniform(0, 3, 90) if weighted else None
    given = sparse.csr_array(X) if kind == "csr" else X
    found = one(
        given, rng.standard_normal(90), penalty=penalties.l2(alpha=0.7), sample_weight=weights, dtype=dtype,
        intercept=intercept,
    )  # fmt: skip
    values = np.linalg.eigvalsh(hessian(X, weights, alpha=0.7, intercept=intercept))
    assert found.eigenvalue == pytest.approx(values[-1], rel=1e-6)
    assert found.rate == pytest.approx(2 / values[-1], rel=1e-6)
    assert found.exact


def test_the_share_is_that_of_the_eigenvector(table):
    for features in (5, 300):
        X = np.hstack([table, np.zeros((200, features - 5))])
        found = one(X, table[:, 0])
        vector = np.linalg.eigh(hessian(X))[1][:, -1]
        assert found.column == f"x{np.argmax(vector**2)}"
        assert found.share == pytest.approx(np.max(vector**2), rel=1e-4)
        assert len(found.columns) == 3


def test_rows_in_a_memory_map_are_read_in_blocks(table, tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", table)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    monkeypatch.setattr(curvatures, "_CELLS_PER_BLOCK", 70)
    mapped_rows = Rows.of(mapped, table[:, 0])
    assert isinstance(mapped_rows.X.base, np.memmap) or isinstance(mapped_rows.X, np.memmap)
    (found,) = limits(
        Linear(5), mapped_rows, losses.squared, None, None, NAMES, {"gradient_descent": rules.gradient_descent}
    )
    assert found.eigenvalue == pytest.approx(np.linalg.eigvalsh(hessian(table))[-1], rel=1e-12)


@pytest.mark.parametrize(
    ("of", "bend"),
    [
        (losses.squared, 1.0), (losses.huber(delta=0.3), 1.0), (losses.squared_epsilon_insensitive, 2.0),
        (losses.log, 0.25), (losses.squared_hinge, 2.0), (losses.modified_huber, 2.0),
    ],
    ids=lambda v: getattr(v, "name", ""),
)  # fmt: skip
def test_the_bound_on_a_loss_is_its_largest_second_derivative(of, bend):
    z = np.linspace(-6, 6, 24_001)
    steepest = 0.0
    for truth in (0.0, 1.0):
        slope = of.derivative(np.full(z.shape, truth), z)
        steepest = max(steepest, float((np.diff(slope) / np.diff(z)).max()))
    assert bend_of_loss(of).most == bend
    assert steepest == pytest.approx(bend, rel=1e-6)


def test_the_bound_on_softmax_holds_and_is_reached():
    rng = np.random.default_rng(0)
    largest = 0.0
    for _ in range(300):
        p = rng.dirichlet(np.full(3, 0.3))
        largest = max(largest, np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1])
    half = np.array([0.5, 0.5, 0.0])
    reached = np.linalg.eigvalsh(np.diag(half) - np.outer(half, half))[-1]
    assert largest <= bend_of_loss(losses.softmax).most == pytest.approx(reached)


# -- from the eigenvalue to the rate


@pytest.mark.parametrize("mu", MUS)
@pytest.mark.parametrize("steepness", [1e-7, 3.0, 1e12])
def test_the_rates_are_those_of_the_characteristic_polynomials(mu, steepness):
    expected = {
        "gradient_descent": (rules.gradient_descent, 2.0),
        "momentum": (rules.momentum(momentum=mu), 2 * (1 + mu)),
        "nesterov": (rules.nesterov(momentum=mu), 2 * (1 + mu) / (1 + 2 * mu)),
        "ema_momentum": (rules.ema_momentum(momentum=mu), 2 * (1 + mu) / (1 - mu)),
    }
    for name, (each, units) in expected.items():
        assert largest_stable_rate(each, steepness) == pytest.approx(units / steepness, rel=1e-9), name


def test_rules_that_are_not_linear_in_gradients_have_no_limit(table):
    found = limits(Linear(5), Rows.of(table, table[:, 0]), losses.squared, None, None, NAMES, catalog.rules())
    assert {limit.name for limit in found} == {
        "aggmo", "ema_momentum", "gradient_descent", "momentum", "nesterov", "qhm"
    }  # fmt: skip


@rule
def heavy_half(theta, g, t, velocity, *, learning_rate=0.1):
    """Momentum 0.5 with half of the gradient."""
    velocity = 0.5 * velocity + g / 2
    return theta - learning_rate * velocity, velocity


@rule
def fading(theta, g, t, *, learning_rate=0.1):
    """A rate that falls with the count of updates."""
    return theta - learning_rate / t * g


def test_a_linear_rule_of_ones_own_has_its_limit_and_one_that_counts_has_none():
    assert largest_stable_rate(heavy_half, 2.0) == pytest.approx(2 * 1.5 / 2.0 * 2)
    assert limits(Linear(1), Rows.of([[1.0]], [1.0]), losses.squared, None, None, ["x"], {"f": fading}) == ()


@pytest.mark.parametrize("mu", MUS)
@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov", "aggmo"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_runs_settle_just_below_the_limit_and_diverge_just_above(table, name, mu, alpha):
    settings = {"momentum": mu} if name in {"momentum", "nesterov"} else {}
    chosen = catalog.rules()[name](**settings)
    penalty = penalties.l2(alpha=alpha) if alpha else None
    rng = np.random.default_rng(1)
    y = table @ rng.standard_normal(5) + rng.standard_normal(200)
    limit = one(table, y, chosen, penalty=penalty).rate
    ends = {}
    for factor in (0.98, 1.02):
        setup = Settings(chosen(learning_rate=factor * limit), losses.squared, penalty, max_iter=4000)
        run = Run(Linear(5), Rows.of(table, y), setup).descend()
        ends[factor] = run.status, run.loss_curve
    best = one_best(table, y, alpha)
    assert ends[0.98][0] == "finished"
    assert ends[0.98][1][-1] == pytest.approx(best, rel=1e-6)
    assert ends[1.02][0] == "diverged"


def one_best(X, y, alpha):
    full = np.hstack([X, np.ones((len(X), 1))])
    weights = np.linalg.solve(hessian(X, alpha=alpha), full.T @ y / len(X))
    return np.mean((full @ weights - y) ** 2) / 2 + alpha * np.sum(weights[:-1] ** 2) / 2


@pytest.mark.parametrize(
    ("of", "outputs"),
    [
        (losses.log, 1), (losses.huber(delta=0.2), 1), (losses.squared_hinge, 1), (losses.modified_huber, 1),
        (losses.squared_epsilon_insensitive, 1), (losses.softmax, 3), (losses.squared, 2),
    ],
    ids=lambda v: getattr(v, "name", ""),
)  # fmt: skip
def test_below_the_limit_the_loss_of_gradient_descent_never_rises(table, of, outputs):
    rng = np.random.default_rng(2)
    y = (table[:, :1] + rng.standard_normal((200, 1)) > 0).astype(float)
    if outputs == 3:
        y = np.eye(3)[rng.integers(0, 3, 200)]
    elif outputs == 2:
        y = rng.standard_normal((200, 2))
    limit = one(table, y, of=of, outputs=outputs)
    setup = Settings(rules.gradient_descent(learning_rate=0.99 * limit.rate), of, max_iter=300)
    curve = Run(Linear(5, outputs), Rows.of(table, y), setup).descend().loss_curve
    assert np.all(np.diff(curve) <= 1e-12)
    assert limit.exact == (of is losses.squared)
    for text in (limit.message, limit.sentence):
        assert text.count("larger rates may hold") == int(not limit.exact)
        assert text.startswith("By theory" if limit.exact else "Theory vouches for")


# -- batches


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov"])
@pytest.mark.parametrize("batch", [4, 32])
def test_the_estimate_for_batches_is_near_what_runs_show(table, name, batch):
    chosen = catalog.rules()[name]
    y = table @ np.ones(5)  # every row is met exactly, so that only instability keeps a run from settling
    limit = one(table, y, chosen, batch=batch)
    rates = np.geomspace(limit.rate / 4, limit.rate * 4, 65)
    setup = Settings(chosen, losses.squared, batch_size=batch, max_iter=400)
    run = Run(Linear(5, lanes=65), Rows.of(table, y), setup, rates=rates, random_state=0)
    run.advance(400)
    settled = np.nan_to_num(run.lane_curves[-1], nan=np.inf) < run.lane_curves[0]
    largest = rates[np.argmin(settled) - 1]
    assert limit.rate <= limit.full_batch
    assert not limit.exact
    assert 0.7 < largest / limit.rate < 1.6
    assert f"batches of {batch} rows" in limit.message


def test_small_batches_lower_the_limit_and_full_ones_do_not(table):
    rates = [one(table, table[:, 0], rules.momentum, batch=batch).rate for batch in (1, 4, 16, 64, 199, 200, 999, None)]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1] / 5
    assert rates[-3] == rates[-2] == rates[-1]


def test_wide_tables_are_judged_column_by_column_and_say_so():
    X = np.random.default_rng(0).standard_normal((40, 600))
    X[:, 7] = 0.0
    X[3, 7] = 40**0.5  # one row that is all there is in its column: with batches of 1 it bends 40 times as much
    found = one(X, X[:, 0], batch=1)
    assert found.rate == pytest.approx(2 / 40, rel=0.01)
    assert found.full_batch == pytest.approx(one(X, X[:, 0]).rate)
    assert "an upper guide" in found.message
    assert not found.exact


@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_rare_values_lower_the_limit_for_batches(table, kind):
    X = np.hstack([table, np.zeros((200, 1))])
    X[17, 5] = 200**0.5
    given = sparse.csr_array(X) if kind == "csr" else X
    y = X @ np.ones(6)
    limit = one(given, y, batch=4)
    rates = np.geomspace(limit.rate / 4, limit.rate * 4, 65)
    setup = Settings(rules.gradient_descent, losses.squared, batch_size=4, max_iter=200)
    run = Run(Linear(6, lanes=65), Rows.of(given, y), setup, rates=rates, random_state=0)
    run.advance(200)
    settled = np.nan_to_num(run.lane_curves[-1], nan=np.inf) < run.lane_curves[0]
    assert 0.8 < rates[np.argmin(settled) - 1] / limit.rate < 1.25
    assert limit.rate < one(table, y, batch=4).rate / 4


# -- the cause


def test_the_column_that_is_too_large_is_named_with_its_scale(table):
    X = table * [1, 1, 1e6, 1, 1]
    found = one(X, table[:, 0], names=["a", "b", "frequency", "d", "e"])
    assert (found.column, round(found.share, 6)) == ("frequency", 1.0)
    sizes = np.sqrt(np.mean(X**2, axis=0))
    assert found.size == pytest.approx(sizes[2] / np.median(np.delete(sizes, 2)))
    assert "Column 'frequency' has a scale" in found.message
    assert f"standardise it, or keep the rate below {found.rate:.2g}" in found.message


def test_a_large_offset_counts_as_scale_too(table):
    found = one(table + np.array([0, 0, 0, 2000.0, 0]), table[:, 0], names=["a", "b", "c", "year", "e"])
    assert found.column == "year"
    assert "'year' has a scale" in found.cause


def test_where_columns_share_the_direction_none_is_blamed():
    rng = np.random.default_rng(0)
    common = rng.standard_normal((300, 1))
    X = np.hstack([common + 0.3 * rng.standard_normal((300, 3)), rng.standard_normal((300, 2))])
    found = one(X, X[:, 0], names=NAMES)
    assert set(found.columns) == {"a", "b", "c"}
    assert found.cause.startswith("No single column makes it small")
    assert "standardise" not in found.message


def test_small_columns_leave_the_direction_to_the_intercept(table):
    found = one(table / 1000, table[:, 0])
    assert (found.column, found.eigenvalue) == ("intercept", pytest.approx(1.0, rel=1e-3))
    assert found.cause == "The intercept carries 100 % of the steepest direction; no column makes it small."


def test_a_name_cannot_repaint_the_terminal(table):
    found = one(table * [1e6, 1, 1, 1, 1], table[:, 0], names=["\x1b[31mred\n", "b", "c", "d", "e"])
    assert "\x1b" not in found.message
    assert "\n" not in found.message


# -- where theory says nothing


@loss(target="real")
def twice(y, z):
    """Squared error without the half."""
    r = z - y
    return r * r, 2 * r


@loss(target="real")
def quartic(y, z):
    """A fourth power."""
    r = z - y
    return r * r * r * r / 4, r * r * r


def test_a_parabola_of_ones_own_has_the_exact_limit(table):
    found = one(table, table[:, 0], of=twice)
    assert found.rate == pytest.approx(one(table, table[:, 0]).rate / 2, rel=1e-9)
    assert found.exact


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (losses.poisson, "grows with the score"), (losses.absolute, "no curvature"), (losses.hinge, "no curvature"),
        (losses.quantile, "no curvature"), (losses.epsilon_insensitive, "no curvature"), (quartic, "no bound"),
    ],
    ids=lambda v: getattr(v, "name", ""),
)  # fmt: skip
def test_losses_without_a_bound_have_no_limit_and_it_says_why(table, of, words):
    found = one(table, np.abs(table[:, 0]), of=of)
    assert (found.rate, found.full_batch, found.exact) == (None, None, False)
    assert words in found.message
    assert found.cause == ""


def test_squares_beyond_a_float_and_tables_of_zeros_have_no_limit(table):
    assert "more than a float holds" in one(table * 1e200, table[:, 0]).message
    zeros = np.zeros((10, 2))
    for features in (2, 600):
        assert one(np.zeros((10, features)), np.ones(10), intercept=False).rate is None
    assert one(zeros, np.ones(10)).rate == pytest.approx(2.0)


def test_the_kink_of_l1_is_not_counted_and_its_ridge_is(table):
    plain = one(table, table[:, 0])
    lasso = one(table, table[:, 0], penalty=penalties.l1(alpha=0.5))
    mixed = one(table, table[:, 0], penalty=[penalties.elastic_net(alpha=1.0, l1_ratio=0.5)])
    ridge = one(table, table[:, 0], penalty=penalties.l2(alpha=0.5))
    assert (lasso.rate, mixed.rate) == (plain.rate, ridge.rate)
    assert (plain.exact, ridge.exact, lasso.exact, mixed.exact) == (True, True, False, False)


def test_networks_have_none():
    network = Network((2, 3, 1), (relu,))
    rows = Rows.of([[1.0, 2.0]], [1.0])
    assert limits(network, rows, losses.squared, None, None, ["a", "b"], catalog.rules()) == ()


def test_directions_without_curvature_are_left_aside():
    X = np.random.default_rng(0).standard_normal((50, 2))
    twice_the_same = np.hstack([X, X])
    found = Curvature.of(Rows.of(twice_the_same, X[:, 0]), bend=1.0, ridge=0.0, intercept=False)
    assert found.eigenvalues.shape == (2,)
    assert found.noise.shape == (2, 2)
