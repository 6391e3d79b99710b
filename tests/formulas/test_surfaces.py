"""Surfaces: gradients by complex step, minima that are minima, starts on the picture."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from thalweg.errors import SettingError
from thalweg.formulas.formula import rule
from thalweg.formulas.surfaces import (
    Surface,
    beale,
    himmelblau,
    losses,
    quadratic,
    rastrigin,
    rosenbrock,
    saddle,
)

ALL = (rosenbrock, rastrigin, quadratic(), quadratic(condition=1e4, n=5), beale, himmelblau, saddle)
ANY_SIZE = (rosenbrock, rastrigin)


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Surface) else None  # pytest numbers the others


def points(surface: Surface, count: int, n: int) -> np.ndarray:
    low, high = np.array(surface.bounds).T
    rng = np.random.default_rng(0)
    return rng.uniform(low.min(), high.max(), size=(count, n))


def complex_step(surface: Surface, x: np.ndarray) -> np.ndarray:
    h, n = 1e-30, x.shape[-1]
    return np.stack([np.imag(surface.value(x + 1j * h * np.eye(n)[k])) / h for k in range(n)], axis=-1)


@pytest.mark.parametrize(
    ("surface", "n"), [*((s, len(s.start)) for s in ALL), *((s, n) for s in ANY_SIZE for n in (3, 7))], ids=name_of
)
def test_gradient_is_the_slope_of_the_value(surface: Surface, n: int) -> None:
    x = points(surface, 50, n)
    np.testing.assert_allclose(surface.gradient(x), complex_step(surface, x), rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("surface", ALL, ids=name_of)
def test_minimisers_are_flat_lowest_and_equally_low(surface: Surface) -> None:
    rng = np.random.default_rng(1)
    for minimiser in surface.minimisers:
        assert surface.value(minimiser) == pytest.approx(surface.minimum, abs=1e-20)
        np.testing.assert_allclose(surface.gradient(minimiser), 0, atol=1e-12)
        for radius in (1e-3, 0.1, 1.0, 10.0):
            near = minimiser + radius * rng.normal(size=(2000, len(minimiser)))
            assert (surface.value(near) > surface.minimum).all()


def test_number_of_minimisers() -> None:
    surfaces = (rosenbrock, beale, himmelblau, rastrigin, saddle)
    found = [len({tuple(np.round(m, 6)) for m in surface.minimisers}) for surface in surfaces]
    assert found == [1, 1, 4, 1, 2]


@pytest.mark.parametrize("surface", ALL, ids=name_of)
def test_start_and_minimisers_lie_on_the_picture_and_apart(surface: Surface) -> None:
    low, high = np.array(surface.bounds).T
    for point in (surface.start, *surface.minimisers):
        assert ((low < point) & (point < high)).all()
    assert surface.value(surface.start) > surface.minimum + 0.1
    assert np.linalg.norm(surface.gradient(surface.start)) > 0.1


@pytest.mark.parametrize("surface", ALL, ids=name_of)
def test_a_grid_of_points_gives_the_values_of_its_points(surface: Surface) -> None:
    grid = points(surface, 12, len(surface.start)).reshape(3, 4, -1)
    values, gradients = surface(grid), surface.gradient(grid)
    assert values.shape == (3, 4)
    assert gradients.shape == grid.shape
    for i, j in np.ndindex(3, 4):
        assert surface.value(grid[i, j]) == pytest.approx(values[i, j], rel=1e-14)
        np.testing.assert_allclose(surface.gradient(grid[i, j]), gradients[i, j], rtol=1e-14)


@pytest.mark.parametrize(
    ("surface", "x", "value"),
    [
        (rosenbrock, (-1.2, 1.0), 24.2),
        (rosenbrock, (0.0, 0.0, 0.0), 2.0),
        (beale, (0.0, 0.0), 1.5**2 + 2.25**2 + 2.625**2),
        (himmelblau, (0.0, 0.0), 170.0),
        (rastrigin, (1.0, 1.0, 1.0), 3.0),
        (rastrigin, (0.5, 0.0), 20.25),
        (quadratic(condition=9, n=3), (1.0, 1.0, 1.0), (1 + 3 + 9) / 2),
        (saddle, (1.0, 0.0), 0.5),
    ],
    ids=name_of,
)
def test_values_worked_out_by_hand(surface: Surface, x: tuple[float, ...], value: float) -> None:
    assert float(surface(x)) == pytest.approx(value, rel=1e-14)


def test_the_saddle_is_flat_and_no_minimum() -> None:
    np.testing.assert_array_equal(saddle.gradient((0.0, 0.0)), 0)
    assert saddle((0.1, 0.0)) > saddle((0.0, 0.0)) > saddle((0.0, 0.1))


@pytest.mark.parametrize("condition", [1.0, 7.5, 1e6])
@pytest.mark.parametrize("n", [2, 6])
def test_quadratic_has_the_condition_number_asked_for(condition: float, n: int) -> None:
    hessian = np.array([quadratic(condition, n).gradient(unit) for unit in np.eye(n)])
    assert np.linalg.cond(hessian) == pytest.approx(condition, rel=1e-12)
    assert np.linalg.eigvalsh(hessian)[0] == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("surface", [beale, himmelblau, saddle, quadratic()], ids=name_of)
@pytest.mark.parametrize("shape", [(3,), (2, 1), ()], ids=str)
def test_points_of_a_wrong_size_are_refused(surface: Surface, shape: tuple[int, ...]) -> None:
    for function in (surface.value, surface.gradient):
        with pytest.raises(SettingError, match=r"must have shape \(\.\.\., 2\), got"):
            function(np.zeros(shape))


@pytest.mark.parametrize("surface", ANY_SIZE, ids=name_of)
def test_points_of_one_variable_are_refused(surface: Surface) -> None:
    with pytest.raises(SettingError, match="n >= 2"):
        surface(np.zeros((5, 1)))


@pytest.mark.parametrize(
    "settings", [{"condition": 0.5}, {"condition": np.inf}, {"condition": np.nan}, {"n": 1}], ids=str
)
def test_a_quadratic_that_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        quadratic(**settings)


def test_surfaces_cannot_be_changed_by_accident() -> None:
    with pytest.raises(FrozenInstanceError):
        rosenbrock.minimum = 1.0  # type: ignore[misc]


# -- the walk of the docstrings


@rule
def plain(theta, g, t, *, learning_rate=0.05):
    return theta - learning_rate * g


@rule
def counting(theta, g, t, seen, *, learning_rate=0.05):
    seen = seen + t
    return theta - learning_rate / seen * g, seen


def test_losses_are_those_after_each_update() -> None:
    expected = [(0.95 ** (2 * k) + 10 * 4 * 0.5 ** (2 * k)) / 2 for k in range(1, 6)]
    assert losses(plain) == [float(f"{loss:.4g}") for loss in expected]
    assert losses(plain, steps=2) == losses(plain)[:2]


def test_losses_hand_on_the_memory_and_count_from_one() -> None:
    x, y, expected = 1.0, -2.0, []
    for seen in (1, 3, 6):
        x, y = x - 0.05 / seen * x, y - 0.05 / seen * 10 * y
        expected.append(float(f"{(x * x + 10 * y * y) / 2:.4g}"))
    assert losses(counting, steps=3) == expected
