from __future__ import annotations

import math

import numpy as np
import pytest

from thalweg import rule
from thalweg.comparison.paths import LOCAL, MINIMUM, SADDLE, UNDER_WAY, Paths
from thalweg.comparison.surface_paths import descend_surface
from thalweg.descent.minimize import minimize
from thalweg.errors import LimitError, SettingError
from thalweg.formulas import catalog, surfaces
from thalweg.formulas.rules import adam, gradient_descent, momentum, rprop
from thalweg.formulas.surfaces import Surface

RATES = [1e-4, 1e-3, 1e-2, 0.3]


@pytest.mark.parametrize("name", list(catalog.rules()))
def test_a_lane_goes_where_its_rule_goes_alone(name):
    found = descend_surface(surfaces.rosenbrock, {name: catalog.find("rule", name)}, RATES, steps=40)
    assert len(found.paths) == (4 if found.paths[0].arm.learning_rate else 1)
    for path in found.paths:
        alone = minimize(surfaces.rosenbrock, optimizer=path.arm.rule, max_iter=40, gtol=0.0, trajectory=True)
        count = min(len(path.points), len(alone["path"]))
        assert count == len(path.points)  # the path may be cut off earlier: far away is lost, too
        np.testing.assert_array_equal(path.points, alone["path"][:count])
        np.testing.assert_array_equal(path.values, alone["path_fun"][:count])


def test_rules_beside_one_another_do_not_touch():
    several = descend_surface(surfaces.beale, {"a": adam, "m": momentum, "r": rprop}, RATES, steps=30)
    for name, alone in {"a": adam, "m": momentum, "r": rprop}.items():
        single = descend_surface(surfaces.beale, {name: alone}, RATES, steps=30)
        for together, apart in zip(several.of(name), single.paths, strict=True):
            np.testing.assert_array_equal(together.points, apart.points)


def test_a_formula_that_takes_one_rate_at_a_time_is_stepped_so():
    @rule
    def capped(theta, g, t, v, *, learning_rate=0.1):
        rate = min(learning_rate, 0.05) if t > 3 else learning_rate
        v = 0.5 * v + g
        return theta - rate * v, v

    found = descend_surface(surfaces.himmelblau, {"capped": capped}, [0.001, 0.01, 0.2], steps=12)
    for path in found.paths:
        alone = minimize(surfaces.himmelblau, optimizer=path.arm.rule, max_iter=12, gtol=0.0, trajectory=True)
        np.testing.assert_array_equal(path.points, alone["path"][: len(path.points)])


def test_memory_may_start_at_the_learning_rate():
    @rule(starts={"s": "learning_rate"})
    def remembered(theta, g, t, s, *, learning_rate=0.1):
        return theta - s * g, s + 0 * g

    low, high = descend_surface(surfaces.saddle, {"r": remembered}, [0.1, 0.2], steps=1, start=[1.0, 0.5]).paths
    np.testing.assert_allclose(low.points[1], [0.9, 0.5375])
    np.testing.assert_allclose(high.points[1], [0.8, 0.575])


def test_a_lost_path_is_cut_before_the_update_that_lost_it():
    (path,) = descend_surface(surfaces.quadratic(10), {"gd": gradient_descent}, [1.0], steps=200).paths
    # |1 - 10| = 9 times as far with each update, from 1 on an axis 8 wide around 0: 9**8 > 1e6 * 8 > 9**7
    assert path.diverged == 8
    assert len(path.points) == len(path.values) == 8
    assert path.points[-1, 1] == pytest.approx(-(9.0**7))
    assert path.final == math.inf
    assert path.ends == "diverged"


def test_a_value_that_is_not_finite_ends_a_path():
    def value(x):
        x = np.asarray(x)
        return np.where(x[..., 0] < 0, np.nan, x[..., 0] + x[..., 1] ** 2)

    def gradient(x):
        x = np.asarray(x)
        return np.stack([np.ones_like(x[..., 0]), 2 * x[..., 1]], axis=-1)

    cliff = Surface("cliff", value, gradient, ((0.0, 0.0),), 0.0, (1.0, 0.0), ((-2.0, 2.0), (-2.0, 2.0)), "")
    (path,) = descend_surface(cliff, {"gd": gradient_descent}, [0.3], steps=9).paths
    assert path.diverged == 4
    assert path.points[:, 0] == pytest.approx([1.0, 0.7, 0.4, 0.1])


def test_standings_name_the_best_rate_and_count_what_was_lost():
    found = descend_surface(surfaces.quadratic(10), {"gd": gradient_descent}, [0.001, 0.01, 0.1, 0.3], steps=100)
    (standing,) = found.standings
    assert (standing.learning_rate, standing.edge, standing.diverged, standing.tried) == (0.1, "", 1, 4)
    # x shrinks by 0.9, y is 0 after one update: 10**2 / 2 + 10 * 1 / 2 = 55 at the start
    assert standing.path.final == pytest.approx(50 * 0.9**200)
    assert standing.distance == pytest.approx(10 * 0.9**100)
    assert standing.steps == math.ceil(math.log(1e-3 * 55 / 50) / (2 * math.log(0.9)))
    assert standing.path.ends == MINIMUM


def test_where_both_are_down_the_quicker_rule_is_better():
    rules = {"slow": gradient_descent, "quick": momentum}
    found = descend_surface(surfaces.quadratic(10), rules, [0.01], steps=2000)
    slow, quick = (found.of(name)[0] for name in rules)
    assert max(slow.final, quick.final) < 1e-6 * slow.values[0]
    assert found.reached(slow) > found.reached(quick)
    assert slow.final != quick.final
    assert [standing.name for standing in found.standings] == ["quick", "slow"]


@pytest.mark.parametrize(
    ("surface", "start", "ends"),
    [
        (surfaces.saddle, (1.5, 0.0), SADDLE),  # on the ridge: the gradient never leaves it
        (surfaces.saddle, (1.5, 0.5), MINIMUM),
        (surfaces.rastrigin, (3.2, -3.1), LOCAL),
        (surfaces.rastrigin, (0.2, -0.1), MINIMUM),
        (surfaces.rosenbrock, (-1.2, 1.0), UNDER_WAY),
    ],
)
def test_it_is_said_what_a_path_ends_at(surface, start, ends):
    found = descend_surface(
        surface, {"gd": gradient_descent}, [0.001], steps=20 if ends == UNDER_WAY else 9000, start=start
    )
    assert found.paths[0].ends == ends


def test_grids_grow_for_all_rules_alike_and_keep_what_they_had():
    rules = {"gd": gradient_descent, "adam": adam, "rprop": rprop}
    found = descend_surface(surfaces.quadratic(100), rules, 3, steps=50)
    assert found.plan.growths > 0
    assert len(found.of("gd")) == len(found.of("adam")) == 3 + 2 * found.plan.growths
    assert len(found.of("rprop")) == 1
    again = descend_surface(surfaces.quadratic(100), rules, 3, steps=50)
    assert [p.arm for p in found.paths] == [p.arm for p in again.paths] == list(found.plan.arms)
    for first, second in zip(found.paths, again.paths, strict=True):
        np.testing.assert_array_equal(first.points, second.points)


def test_where_every_rate_diverges_the_grid_grows_downwards():
    wild = gradient_descent(learning_rate=1e3)
    found = descend_surface(surfaces.rosenbrock, {"wild": wild}, 3, steps=5)
    rates = found.plan.rates("wild")
    assert min(rates) < 1e3 * 10**-1.5 / 10
    assert max(rates) == pytest.approx(1e3 * 10**2.5, rel=1e-2)


def test_rates_that_were_named_stay():
    found = descend_surface(surfaces.rosenbrock, {"gd": gradient_descent}, [1e-6], steps=5)
    assert found.plan.growths == 0
    assert found.standings[0].edge == ""


def test_the_grid_holds_the_values_of_the_surface():
    found = descend_surface(surfaces.beale, {"gd": gradient_descent}, [0.01], steps=2)
    assert (found.x[0], found.x[-1], found.y[0], found.y[-1]) == (-4.5, 4.5, -4.5, 4.5)
    assert found.values[30, 200] == pytest.approx(float(surfaces.beale([found.x[200], found.y[30]])))
    assert found.values[200, 30] != found.values[30, 200]


def make(**other) -> Surface:
    """A bowl, or what is asked for instead."""
    settings = {
        "name": "bowl",
        "value": lambda x: (np.asarray(x) ** 2).sum(axis=-1),
        "gradient": lambda x: 2 * np.asarray(x),
        "minimisers": ((0.0, 0.0),),
        "minimum": 0.0,
        "start": (1.0, 1.0),
        "bounds": ((-2.0, 2.0), (-2.0, 2.0)),
        "doc": "",
    }
    return Surface(**{**settings, **other})


@pytest.mark.parametrize(
    ("surface", "code"),
    [
        (surfaces.quadratic(10, n=3), "SURFACE-SHAPE"),
        (make(value=lambda x: float((np.asarray(x) ** 2).sum())), "SURFACE-SHAPE"),
        (make(gradient=lambda x: 2 * np.asarray(x)[..., 0]), "SURFACE-SHAPE"),
        (make(gradient=np.asarray), "GRAD-MISMATCH"),
        (make(gradient=lambda x: np.asarray(x)[..., ::-1] * 2), "GRAD-MISMATCH"),
        (make(start=(math.inf, 0.0)), "SETTING-START"),
        (make(bounds=((2.0, -2.0), (-2.0, 2.0))), "SURFACE-BOUNDS"),
        (make(value=lambda x: x.undefined), "FORMULA-FAILS"),
    ],
)
def test_a_surface_that_cannot_be_used_is_refused(surface, code):
    with pytest.raises(ValueError, match=code):
        descend_surface(surface, {"gd": gradient_descent}, [0.1])


def test_settings_are_checked():
    with pytest.raises(SettingError, match="steps"):
        descend_surface(surfaces.saddle, {"gd": gradient_descent}, steps=0)
    with pytest.raises(SettingError, match="no rule"):
        descend_surface(surfaces.saddle, {})
    with pytest.raises(LimitError, match="SETTING-TOO-MANY"):
        descend_surface(surfaces.saddle, {"gd": gradient_descent}, 10**6)
    with pytest.raises(LimitError, match="steps"):
        descend_surface(surfaces.saddle, {"gd": gradient_descent}, [0.1], steps=10**8)


def test_every_rule_of_the_catalogue_leaves_the_saddle_or_says_so():
    found: Paths = descend_surface(surfaces.saddle, catalog.rules(), steps=200)
    assert {standing.path.ends for standing in found.standings} <= {MINIMUM, UNDER_WAY, SADDLE}
    assert sum(standing.path.ends == MINIMUM for standing in found.standings) > 20
    assert sum(path.ends == SADDLE for path in found.paths) > 1
