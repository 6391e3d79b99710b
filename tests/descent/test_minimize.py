"""`minimize`: SciPy's words, any rule; what it returns, what stops it, what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from tests.descent.plain import Array

from thalweg.descent.minimize import minimize
from thalweg.errors import SettingError
from thalweg.formulas import catalog, rules, schedules
from thalweg.formulas.losses import squared
from thalweg.formulas.surfaces import himmelblau, quadratic, rosenbrock

DOWN = rules.gradient_descent(learning_rate=0.1)


def bowl(x: Array, centre: Any = 0.0, scale: float = 1.0) -> float:
    return float(scale * ((x - centre) ** 2).sum())


def slope(x: Array, centre: Any = 0.0, scale: float = 1.0) -> Array:
    return 2 * scale * (x - centre)


# ---- what it returns -------------------------------------------------------------------------------------------------


def test_the_result_has_scipys_names() -> None:
    ours = minimize(bowl, [3.0, -1.0], jac=slope, optimizer=DOWN)
    theirs = scipy.optimize.minimize(bowl, [3.0, -1.0], jac=slope, method="BFGS")
    assert isinstance(ours, scipy.optimize.OptimizeResult)
    assert set(ours) <= set(theirs) | {"path", "path_fun"}
    assert (ours.success, ours.status) == (True, 0)
    assert "gtol" in ours.message
    np.testing.assert_allclose(ours.x, [0.0, 0.0], atol=1e-6)
    assert ours.fun == bowl(ours.x)
    np.testing.assert_array_equal(ours.jac, slope(ours.x))
    assert ours.nfev == ours.njev == ours.nit + 1


def test_it_stops_at_the_first_point_whose_gradient_is_small_enough() -> None:
    result = minimize(bowl, [1.0], jac=slope, optimizer=DOWN, gtol=1e-3, trajectory=True)
    steep = [float(np.abs(slope(x)).max()) > 1e-3 for x in result.path]
    assert steep == [True] * result.nit + [False]
    assert minimize(bowl, [0.0], jac=slope, optimizer=DOWN).nit == 0


def test_the_last_update_may_reach_the_tolerance() -> None:
    needed = minimize(bowl, [1.0], jac=slope, optimizer=DOWN, gtol=1e-3).nit
    exact = minimize(bowl, [1.0], jac=slope, optimizer=DOWN, gtol=1e-3, max_iter=needed)
    short = minimize(bowl, [1.0], jac=slope, optimizer=DOWN, gtol=1e-3, max_iter=needed - 1)
    assert (exact.status, exact.nit) == (0, needed)
    assert (short.status, short.success, short.nit) == (1, False, needed - 1)
    assert "max_iter" in short.message


@pytest.mark.parametrize("made", catalog.rules().values(), ids=lambda made: made.name)
def test_every_rule_walks_its_own_path(made: Any) -> None:
    result = minimize(bowl, [3.0, -1.0], jac=slope, optimizer=made, max_iter=25, gtol=0, trajectory=True)
    theta, state = np.array([3.0, -1.0]), made.init(np.zeros(2))
    path = [theta]
    for t in range(1, 26):
        theta, state = made.step(theta, slope(theta), state, float(t))
        path.append(theta)
    np.testing.assert_array_equal(result.path, path)
    np.testing.assert_array_equal(result.path_fun, [bowl(x) for x in path])
    assert result.path.shape == (26, 2)
    np.testing.assert_array_equal(result.x, path[-1])


def test_a_rule_may_go_by_its_name() -> None:
    by_name = minimize(bowl, [1.0], jac=slope, optimizer="adam", max_iter=9)
    np.testing.assert_array_equal(by_name.x, minimize(bowl, [1.0], jac=slope, optimizer=rules.adam, max_iter=9).x)
    np.testing.assert_array_equal(by_name.x, minimize(bowl, [1.0], jac=slope, max_iter=9).x)


# ---- gradients -------------------------------------------------------------------------------------------------------


def test_the_kinds_of_gradient_agree() -> None:
    told: dict[str, Any] = {"optimizer": DOWN, "max_iter": 40, "gtol": 0}
    apart = minimize(bowl, [3.0, -1.0], jac=slope, **told)
    together = minimize(lambda x: (bowl(x), slope(x)), [3.0, -1.0], jac=True, **told)
    numeric = minimize(bowl, [3.0, -1.0], **told)
    false = minimize(bowl, [3.0, -1.0], jac=False, **told)
    np.testing.assert_array_equal(together.x, apart.x)
    np.testing.assert_allclose(numeric.x, apart.x, rtol=1e-8)
    np.testing.assert_array_equal(false.x, numeric.x)
    assert (apart.nfev, apart.njev) == (41, 41)
    assert (together.nfev, together.njev) == (41, 41)
    assert (numeric.nfev, numeric.njev) == (41 * 5, 0)


@pytest.mark.parametrize("at", [1e-8, 1.0, -3e5])
def test_differences_are_in_proportion(at: float) -> None:
    result = minimize(lambda x: math.sin(x[0] / max(1.0, abs(at))) * 7, [at], optimizer=DOWN, gtol=1e9)
    exact = 7 * math.cos(at / max(1.0, abs(at))) / max(1.0, abs(at))
    assert result.nit == 0
    assert result.jac.item() == pytest.approx(exact, rel=1e-9)


def test_a_surface_brings_start_and_gradient() -> None:
    surface = quadratic(condition=5.0)
    result = minimize(surface, optimizer=rules.momentum(learning_rate=0.05), trajectory=True)
    np.testing.assert_array_equal(result.path[0], surface.start)
    assert result.success
    assert result.njev == result.nit + 1
    np.testing.assert_allclose(result.x, surface.minimisers[0], atol=1e-5)
    own = minimize(himmelblau, [3.5, 2.5], optimizer=rules.gradient_descent(learning_rate=0.01))
    np.testing.assert_allclose(own.x, [3.0, 2.0], atol=1e-6)


@pytest.mark.parametrize("args", [(2.0,), (np.array([1.0, 5.0]), 3.0), 2.0], ids=repr)
def test_arguments_are_passed_on(args: Any) -> None:
    centre = args[0] if isinstance(args, tuple) else args
    for jac in (slope, None):
        result = minimize(bowl, [3.0, -1.0], args, jac=jac, optimizer=DOWN)
        np.testing.assert_allclose(result.x, np.broadcast_to(centre, 2), atol=1e-6)


def test_the_function_cannot_write_into_the_point() -> None:
    def greedy(x: Array) -> float:
        value = bowl(x)
        x[:] = 99.0
        return value

    result = minimize(greedy, [3.0], jac=slope, optimizer=DOWN)
    np.testing.assert_allclose(result.x, [0.0], atol=1e-6)


# ---- on the way ------------------------------------------------------------------------------------------------------


def test_a_callback_sees_every_point_and_may_stop() -> None:
    seen = []

    def watch(reached: scipy.optimize.OptimizeResult) -> bool:
        seen.append((reached.nit, reached.x.copy(), reached.fun, reached.jac.copy()))
        reached.x[:] = 99.0  # its own copy
        return reached.nit == 3

    result = minimize(bowl, [1.0], jac=slope, optimizer=DOWN, callback=watch, trajectory=True)
    assert (result.status, result.success, result.nit) == (3, False, 3)
    assert "callback" in result.message
    assert [nit for nit, *_ in seen] == [1, 2, 3]
    for (_, x, value, gradient), point in zip(seen, result.path[1:], strict=True):
        np.testing.assert_array_equal(x, point)
        assert value == bowl(point)
        np.testing.assert_array_equal(gradient, slope(point))


def test_a_callback_may_stop_as_scipys_do() -> None:
    def stop(reached: scipy.optimize.OptimizeResult) -> None:
        raise StopIteration

    assert minimize(bowl, [1.0], jac=slope, optimizer=DOWN, callback=stop).status == 3


def test_a_schedule_counts_updates() -> None:
    result = minimize(
        bowl,
        [1.0],
        jac=lambda x: np.ones(1),
        optimizer=DOWN,
        schedule=schedules.polynomial,
        max_iter=4,
        trajectory=True,
    )
    np.testing.assert_allclose(-np.diff(result.path[:, 0]), 0.1 * np.array([1.0, 0.75, 0.5, 0.25]), rtol=1e-12)


def test_the_gradient_is_clipped_to_its_norm() -> None:
    result = minimize(bowl, [300.0, -400.0], jac=slope, optimizer=DOWN, clip_norm=10.0, max_iter=1)
    np.testing.assert_allclose(result.x, [300 - 0.6, -400 + 0.8], rtol=1e-12)
    np.testing.assert_array_equal(result.jac, slope(result.x))


def test_a_gradient_of_any_size_is_clipped() -> None:
    for size in (1e-200, 1e200):
        steep = size * np.array([3.0, 4.0])
        told: dict[str, Any] = {"optimizer": DOWN, "clip_norm": size / 8, "max_iter": 1, "gtol": 0}
        result = minimize(lambda x: 0.0, [0.0, 0.0], jac=lambda x, steep=steep: steep, **told)
        np.testing.assert_allclose(result.x / size, [-0.1 * 0.6 / 8, -0.1 * 0.8 / 8], rtol=1e-12)


@pytest.mark.parametrize(
    ("fun", "jac", "rate", "quantity"),
    [
        (bowl, slope, 1e3, "value"),
        (lambda x: float(np.abs(x).sum()), lambda x: np.sign(x) * 1e300, 1e300, "point"),
        (lambda x: 0.0, lambda x: np.where(np.abs(x) > 5, np.inf, 1.0), 9.0, "gradient"),
        (lambda x: math.nan if x[0] < 0 else x[0], lambda x: np.ones(1), 9.0, "value"),
    ],
    ids=["grows", "leaps", "gradient", "nan"],
)
def test_divergence_is_called_and_the_last_good_point_kept(fun: Any, jac: Any, rate: float, quantity: str) -> None:
    optimizer = rules.gradient_descent(learning_rate=rate)
    result = minimize(fun, [1.0], jac=jac, optimizer=optimizer, trajectory=True)
    assert (result.status, result.success) == (2, False)
    assert result.message.startswith(f"The {quantity} is not finite after update {result.nit};")
    assert np.isfinite(result.x).all()
    assert math.isfinite(result.fun)
    assert np.isfinite(result.jac).all()
    np.testing.assert_array_equal(result.path[-1], result.x)
    assert len(result.path) == len(result.path_fun) == result.nit


# ---- what it refuses -------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "jac": ({"jac": "2-point"}, "jac: must be a function, True or None, got '2-point'"),
    "fun": ({"fun": 3}, "fun: must be a function or a Surface, got 3"),
    "schedule": ({"schedule": "cosine"}, "schedule: must be of kind Schedule, got str 'cosine'"),
    "optimizer": ({"optimizer": squared}, "optimizer: must be of kind Rule, got Loss"),
    "unknown rule": ({"optimizer": "adm"}, "unknown 'adm'; did you mean 'adam'?"),
    "no rate": ({"optimizer": rules.rprop, "schedule": schedules.cosine}, "rprop has no learning_rate"),
    "updates": ({"max_iter": 0}, "max_iter: must be an integer >= 1, got 0"),
    "gtol": ({"gtol": -1}, "gtol: must be >= 0, got -1"),
    "clip": ({"clip_norm": 0}, "clip_norm: must be > 0, got 0"),
    "no start": ({"fun": bowl, "x0": None}, "x0: is needed"),
    "bad start": ({"x0": [math.nan, 0.0]}, "x0: the value or the gradient is not finite there: f = nan"),
    "vector": ({"fun": lambda x: x, "x0": [1.0, 2.0]}, r"fun: must return one number, got shape \(2,\)"),
    "short gradient": ({"fun": bowl, "jac": lambda x: x[:1]}, "jac: must return 2 numbers, got 1"),
}


@pytest.mark.parametrize(("given", "answer"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], answer: str) -> None:
    with pytest.raises(SettingError, match=answer):
        minimize(**{"fun": rosenbrock, "x0": [0.0, 0.0], "max_iter": 1, **given})
