"""exp, tanh, log1p and sign of our own: against sixty digits, at the ends of the numbers, in loops as kernels have."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pytest
from numba import njit, types
from numpy.typing import NDArray

from thalweg.engine import elementary
from thalweg.engine.compile import OPTIONS

Array = NDArray[Any]
DIGITS = Context(prec=60)
NAMES = ("exp", "tanh", "log1p", "sign")
# What the text of the module promises, in units in the last place.
PROMISED = {"exp": 1.0, "tanh": 3.0, "log1p": 3.0}


@pytest.fixture(scope="module")
def loops() -> dict[str, Callable[[Array, Array], None]]:
    """Loops over an array, compiled as kernels are."""

    def looped(function: Any) -> Any:
        @njit(**OPTIONS)
        def loop(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

        return loop

    return {name: looped(getattr(elementary, name)) for name in NAMES}


def apply(loops: dict[str, Any], name: str, x: Array) -> Array:
    out = np.full_like(x, np.nan)
    loops[name](x, out)
    return out


def exactly(name: str, x: Decimal) -> Decimal:
    if name == "exp":
        return DIGITS.exp(x)
    if name == "log1p":
        if abs(x) < Decimal("1e-30"):
            return DIGITS.subtract(x, DIGITS.multiply(x, x) / 2)
        return DIGITS.ln(DIGITS.add(Decimal(1), x))
    if abs(x) < Decimal("1e-15"):
        return DIGITS.subtract(x, DIGITS.divide(x**3, Decimal(3)))
    twice = DIGITS.exp(DIGITS.multiply(Decimal(2), x))
    return DIGITS.divide(DIGITS.subtract(twice, Decimal(1)), DIGITS.add(twice, Decimal(1)))


def units_off(name: str, x: Array, ours: Array) -> NDArray[np.float64]:
    """Distance from the true values in units in the last place, subnormal ones included."""
    off = []
    for argument, result in zip(x, ours, strict=True):
        true = exactly(name, Decimal(float(argument)))
        unit = Decimal(float(np.spacing(np.abs(x.dtype.type(true)))))
        off.append(float(abs(Decimal(float(result)) - true) / unit))
    return np.array(off)


def arguments(name: str, dtype: str) -> Array:
    """Every order of magnitude, both signs where there are two, and the places where the reduction changes."""
    rng = np.random.default_rng(0)
    narrow = dtype == "float32"
    tiny, largest = (-44, 1.94) if narrow else (-320, 2.85)
    sizes = 10.0 ** np.concatenate([rng.uniform(tiny, largest, 600), rng.uniform(-2, 1, 600)])
    halves = (np.arange(-40, 40) + 0.5) * np.log(2) + rng.normal(0, 1e-7, 80)
    x = np.concatenate([sizes, -sizes, halves, np.arange(-30, 30) * 0.5])
    if name == "log1p":
        x = np.concatenate([sizes, -np.minimum(sizes, 0.9999), -1 + sizes[sizes < 0.5], np.sqrt([0.5, 2, 4]) - 1])
        x = np.concatenate([x, 10.0 ** rng.uniform(0, 37 if narrow else 307, 200)])
    if name == "exp":
        x = np.concatenate([x, np.linspace(-103.9, -87, 60) if narrow else np.linspace(-745.1, -708, 60)])
        x = x[(x > -103.9) & (x < 88.72)] if narrow else x[(x > -745.1) & (x < 709.78)]
    x = x.astype(dtype)
    return x[np.isfinite(x) & ((name != "log1p") | (x > -1))]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted(PROMISED))
def test_error_is_below_what_the_module_promises(name: str, dtype: str, loops: dict[str, Any]) -> None:
    x = arguments(name, dtype)
    off = units_off(name, x, apply(loops, name, x))
    assert off.max() < PROMISED[name], f"{off.max():.3g} units at {x[off.argmax()]!r}"


INF, NAN = np.inf, np.nan
SPECIAL = {
    "exp": [(-INF, 0.0), (INF, INF), (0.0, 1.0), (-0.0, 1.0), (1e4, INF), (-1e4, 0.0), (1e-30, 1.0), (-1e-30, 1.0)],
    "tanh": [(-INF, -1.0), (INF, 1.0), (0.0, 0.0), (-0.0, -0.0), (1e4, 1.0), (-1e4, -1.0), (25.0, 1.0), (1e-30, 1e-30)],
    "log1p": [(-1.0, -INF), (INF, INF), (0.0, 0.0), (1e-30, 1e-30), (-1e-30, -1e-30), (-1.5, NAN), (-INF, NAN)],
    "sign": [
        (-INF, -1.0),
        (INF, 1.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        (1e-44, 1.0),
        (-1e-44, -1.0),
        (3.0, 1.0),
        (-3e30, -1.0),
    ],
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_special_values_are_numpys(name: str, dtype: str, loops: dict[str, Any]) -> None:
    x, expected = np.array([*SPECIAL[name], (NAN, NAN)]).T.astype(dtype)
    x = np.ascontiguousarray(x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(getattr(np, name)(x), expected)
    ours = apply(loops, name, x)
    np.testing.assert_array_equal(ours, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(ours[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["exp", "tanh", "log1p"])
def test_no_step_back_from_one_number_to_the_next(name: str, dtype: str, loops: dict[str, Any]) -> None:
    bits = f"i{np.dtype(dtype).itemsize}"
    for near in (1e-30, 1e-8, 1e-3):
        first = np.array(near, dtype).view(bits)
        x = (first + np.arange(-2000, 2000, dtype=bits)).view(dtype)
        for side in (x, -x[::-1]):
            assert (np.diff(apply(loops, name, side).astype(np.float64)) >= -np.spacing(np.array(near, dtype))).all()
    x = np.linspace(-0.9, 0.9, 20_001).astype(dtype)
    assert (np.diff(apply(loops, name, x)) > 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tanh_is_odd_and_never_leaves_its_bounds(dtype: str, loops: dict[str, Any]) -> None:
    x = arguments("tanh", dtype)
    ours = apply(loops, "tanh", x)
    np.testing.assert_array_equal(ours, -apply(loops, "tanh", -x))
    assert (np.abs(ours) <= 1).all()


@pytest.mark.parametrize("kind", [types.float32, types.float64], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_type_of_the_argument_is_kept(name: str, kind: Any) -> None:
    # A float32 that becomes a float64 on the way costs half the speed, and the loops no longer agree.
    function = getattr(elementary, name)
    compiled = njit(lambda x: -function(x), **OPTIONS)
    compiled.compile((kind,))
    assert compiled.nopython_signatures[0].return_type == kind


def test_outside_of_a_kernel_they_are_numpys() -> None:
    for name in NAMES:
        assert getattr(elementary, name)(0.5) == getattr(np, name)(0.5)
