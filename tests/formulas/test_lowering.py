"""Rules and the loops they become: the same bits, at every size and precision, with one rate and with many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.formulas.native import Array, copies, formula_walk, gradients, hyper, native_walk, same_bits

from thalweg.engine import compile as compiler
from thalweg.formulas import catalog
from thalweg.formulas.formula import Rule, rule
from thalweg.formulas.lowering import NOT_EXACT
from thalweg.formulas.source import ARRAY_FUNCTIONS, SCALAR_FUNCTIONS

STEPS = 50
SIZES = (1, 2, 3, 7, 8, 64, 1001)
RULES = list(catalog.rules().values())

of_every_rule = pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
in_both_types = pytest.mark.parametrize("dtype", ["float64", "float32"])


def start(size: int, dtype: str) -> Array:
    return np.random.default_rng(size).normal(size=size).astype(dtype)


@in_both_types
@of_every_rule
def test_kernel_walks_as_the_formula_to_the_last_bit(made: Rule, dtype: str) -> None:
    for copy in copies(made):
        for size in SIZES:
            theta, g = start(size, dtype), gradients(STEPS, size, dtype, seed=size)
            for ours, theirs in zip(native_walk(copy, theta, g), formula_walk(copy, theta, g), strict=True):
                same_bits(ours, theirs)


@in_both_types
@of_every_rule
def test_kernel_of_many_rates_walks_as_as_many_formulas(made: Rule, dtype: str) -> None:
    rng = np.random.default_rng(5)
    for copy in copies(made):
        for rows, columns in [(1, 3), (7, 1), (8, 8), (5, 19), (1001, 2)]:
            rates = 10.0 ** rng.uniform(-5, 0, columns)
            theta = start(rows * columns, dtype)
            g = gradients(STEPS, theta.size, dtype, seed=columns)
            thetas, state = native_walk(copy, theta, g, rates=rates)
            for column in range(columns):
                one = copy(learning_rate=rates[column]) if copy.has_learning_rate else copy
                here = slice(column, None, columns)
                expected, memory = formula_walk(one, theta[here], g[:, here])
                same_bits(np.ascontiguousarray(thetas[:, here]), expected)
                same_bits(np.ascontiguousarray(state[:, here]), memory)


@in_both_types
@pytest.mark.parametrize("made", [r for r in RULES if r.has_learning_rate], ids=lambda made: made.name)
def test_a_schedule_multiplies_the_rate_alike(made: Rule, dtype: str) -> None:
    factors = np.random.default_rng(1).uniform(0, 2, STEPS)
    theta, g = start(9, dtype), gradients(STEPS, 9, dtype)
    same_bits(native_walk(made, theta, g, factors)[0], formula_walk(made, theta, g, factors)[0])


EXTREMES = [0.0, -0.0, 5e-324, -1e-310, 1e-300, 1e-40, 1e-8, 1.0, -3e38, 1e19, 1e160, -1e308, np.inf, -np.inf, np.nan]


@in_both_types
@of_every_rule
def test_kernel_meets_extremes_as_the_formula_does(made: Rule, dtype: str) -> None:
    with np.errstate(over="ignore"):
        values = np.array(EXTREMES).astype(dtype)
    theta, first = (a.ravel().copy() for a in np.meshgrid(values, values))
    g = np.stack([first, np.roll(first, 1), first[::-1], np.zeros_like(first), np.ones_like(first)])
    for copy in copies(made):
        with np.errstate(all="ignore"):
            expected = formula_walk(copy, theta, g)
        for ours, theirs in zip(native_walk(copy, theta, g), expected, strict=True):
            same_bits(ours, theirs)


@of_every_rule
def test_late_updates_are_counted_right(made: Rule) -> None:
    theta, g = start(5, "float64"), gradients(1, 5, "float64")[0]
    update = compiler.update_kernel(made, "float64")
    rates = np.array([made.learning_rate if made.has_learning_rate else 0.0])
    for t in (2.0**24 + 1, 2.0**31 + 1, 2.0**53 - 1):
        ours, memory = theta.copy(), made.init(theta)
        update(ours, g.copy(), memory, hyper(made), rates, np.zeros((1, 1)), t, 0, 5)
        expected, expected_memory = made.step(theta, g, made.init(theta), t)
        same_bits(ours, expected)
        same_bits(memory, expected_memory)


@in_both_types
@pytest.mark.parametrize("made", [r for r in RULES if "weight_decay" in r.hyperparameters], ids=lambda made: made.name)
def test_groups_of_parameters_take_their_own_numbers(made: Rule, dtype: str) -> None:
    groups = [(slice(0, 5), made(weight_decay=0.25)), (slice(5, 6), made(weight_decay=0.0)), (slice(6, 13), made)]
    theta, g = start(13, dtype), gradients(STEPS, 13, dtype)
    ours, state = theta.copy(), made.init(theta)
    update = compiler.update_kernel(made, dtype)
    for k in range(STEPS):
        for piece, copy in groups:
            numbers = hyper(copy), np.array([copy.learning_rate]), np.zeros((1, 1), dtype)
            update(ours, g[k].copy(), state, *numbers, k + 1.0, piece.start, piece.stop)
    for piece, copy in groups:
        expected, memory = formula_walk(copy, theta[piece], np.ascontiguousarray(g[:, piece]))
        same_bits(ours[piece], expected[-1])
        same_bits(np.ascontiguousarray(state[:, piece]), memory)


def test_a_group_touches_nothing_outside_it() -> None:
    made = catalog.find("rule", "adam")
    theta, state = np.ones(9), np.full((2, 9), 2.0)
    update = compiler.update_kernel(made, "float64")
    update(theta, np.ones(9), state, hyper(made), np.array([0.5]), np.zeros((1, 1)), 1.0, 3, 6)
    moved = np.array([False] * 3 + [True] * 3 + [False] * 3)
    np.testing.assert_array_equal(theta != 1, moved)
    np.testing.assert_array_equal(state != 2, [moved, moved])


# ---- rules of a user -------------------------------------------------------------------------------------------------


def checked(made: Rule, size: int = 37) -> Rule:
    """Compare kernel and formula in both types, with one rate and with three."""
    for dtype in ("float64", "float32"):
        theta, g = start(size, dtype), gradients(20, size, dtype)
        for ours, theirs in zip(native_walk(made, theta, g), formula_walk(made, theta, g), strict=True):
            same_bits(ours, theirs)
        if made.has_learning_rate:
            rates = np.array([made.learning_rate])
            same_bits(native_walk(made, theta, g, rates=rates)[0], formula_walk(made, theta, g)[0])
    return made


def half(x, by=2):
    return x / by


def soft(x, width):
    x, size = np.sign(x), np.abs(x)
    return x * np.maximum(size - width, 0)


def turned(x, y, angle=0.5):
    x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    return x + y * angle


BASE = -2.0
TINY = -0.0


def test_helpers_keep_their_names_to_themselves() -> None:
    @rule
    def mine(theta, g, t, half_x, *, learning_rate=0.1):
        half_x = half_x + half(g)
        a_new = half(half(half_x, by=3), by=learning_rate)
        x_new = soft(theta, learning_rate) - soft(half(g), 0.5)
        turned_x = turned(a_new, x_new) + turned(g, theta, angle=learning_rate)
        return theta - learning_rate * (a_new + x_new) + half(turned_x, 7), half_x

    checked(mine)


def test_swaps_in_the_loop_are_swaps() -> None:
    @rule
    def mine(theta, g, t, a, b, *, learning_rate=0.1):
        a, b = b + g, a
        rate, share = learning_rate, 0.5
        theta, a_new = theta - rate * a, share * theta
        a, b, theta = theta, a_new, b - theta
        return theta, a, b

    checked(mine)


# Names of the loops, of what they call, of what is hoisted out of them.
NAMES = "i k c0 c1 slope x features sample m_row square1 exp range max size lanes loss_y i_ params units".split()


def test_names_that_the_loop_uses_may_be_the_authors() -> None:
    body = "".join(f"    {name} = g * c2 + (g + {k})**2 * (theta - 1)**2\n" for k, name in enumerate(NAMES))
    total = " + ".join(NAMES)
    checked(rule(f"def mine(theta, g, t, m, *, learning_rate=0.1, c2=3.0):\n{body}    return theta - g * m, {total}"))
    slots = ", ".join(NAMES)
    checked(rule(f"def mine(theta, g, t, {slots}, *, learning_rate=0.1): return g * learning_rate + {total}, {slots}"))
    numbers = ", ".join(f"{name}={k / 8}" for k, name in enumerate(NAMES))
    checked(
        rule(f"def mine(theta, g, t, *, learning_rate=0.1, {numbers}): return theta - learning_rate * ({total}) * g")
    )


def test_constants_keep_sign_and_size() -> None:
    @rule
    def mine(theta, g, t, *, learning_rate=0.1):
        large = 10**20
        return (
            theta * BASE**2 - learning_rate * g * (1 / large) * large + np.copysign(g, TINY) * BASE - 2**70 * g / 2**70
        )

    checked(mine)


def test_scalars_are_reckoned_as_python_reckons() -> None:
    # Each of these differs from the optimiser's own short cut for some of the values of t.
    @rule
    def mine(theta, g, t, *, learning_rate=0.1):
        x = learning_rate * t / 7
        powers = x**0.5 + x**2 + x**3 + x**4 + x**-1 + x**-2 + 2**x + 3.0**x + x**0.1
        mixed = max(x, 0.5, t / 9) + min(x, 1) + abs(x - 1) + (x if t > 3 and not x > 1 else 0.5) + float(t > 5)
        return theta - powers * g + mixed * theta

    for rate in np.random.default_rng(0).uniform(0.01, 1, 40):
        checked(mine(learning_rate=float(rate)), size=3)


@pytest.mark.parametrize("name", sorted(SCALAR_FUNCTIONS))
def test_functions_of_scalars_are_pythons(name: str) -> None:
    call = f"math.{name}(0.1 + t / 40{', 1.7' if SCALAR_FUNCTIONS[name] == 2 else ''})"
    checked(rule(f"def mine(theta, g, t, *, learning_rate=0.1): return theta - learning_rate * {call} * g"), size=3)


def test_conditions_choose_alike() -> None:
    @rule
    def mine(theta, g, t, m, *, learning_rate=0.1, flag=True, whole=3):
        up = (g > 0) & ~(theta > 1) | (m <= -0.5) & np.isfinite(g)
        late = t > 5 and not (whole == 4 or (flag and t > 9))
        m = np.where(up, m / 3, np.where(np.where(late, up, g != 0), -g, theta))
        kept = (up * g if flag else g) / 3 * theta + g / 7
        rate = learning_rate if late or t == 2 else 0.5 * learning_rate
        return theta - rate * (kept + m), m

    checked(mine)
    checked(mine(flag=False, whole=4))


@pytest.mark.parametrize("name", sorted(ARRAY_FUNCTIONS))
@in_both_types
def test_every_function_has_a_native_twin(name: str, dtype: str) -> None:
    arguments = {1: "g", 2: "g, theta", 3: "g > theta, g, theta"}[ARRAY_FUNCTIONS[name]]
    call = f"np.where(np.isfinite({arguments}), g, theta)" if name == "isfinite" else f"np.{name}({arguments})"
    made = rule(f"def mine(theta, g, t, m): return theta, {call}")
    rng = np.random.default_rng(2)
    g, theta = np.abs(rng.normal(size=(2, 500))).astype(dtype)
    if name not in ("sqrt", "log", "log1p", "power"):
        g[::2] *= -1
    expected = made.step(theta, g, made.init(theta), 1.0)[1]
    ours = native_walk(made, theta, g[np.newaxis])[1]
    if name in NOT_EXACT:
        np.testing.assert_array_max_ulp(ours, expected, 4)
    else:
        same_bits(ours, expected)


@in_both_types
@pytest.mark.parametrize("power", ["2", "0.5", "-1", "1", "2.0", "-1.0", "0", "3", "1.5", "-2"])
def test_powers_of_coordinates(power: str, dtype: str) -> None:
    made = rule(f"def mine(theta, g, t, m): return theta, g ** {power}")
    g = np.abs(gradients(1, 500, dtype)) + 1e-3
    expected = made.step(g[0], g[0], made.init(g[0]), 1.0)[1]
    ours = native_walk(made, g[0], g)[1]
    if float(power) in (2, 0.5, -1, 1, 0):
        same_bits(ours, expected)
    else:
        np.testing.assert_array_max_ulp(ours, expected, 4)


# ---- the text --------------------------------------------------------------------------------------------------------


@of_every_rule
def test_the_loop_keeps_out_what_no_coordinate_changes(made: Rule) -> None:
    for lanes in (False, True):
        name, text = made.kernel_text("float32", lanes=lanes)
        assert text.startswith(f"def {name}(")
        loop = text[text.rindex("for ") :]
        for outside in ("math.", "hyper", " t ", "power(", "np.float"):
            assert outside not in loop


def test_another_formula_has_another_name() -> None:
    def named(rate: str) -> Any:
        return rule(f"def mine(theta, g, t, *, learning_rate=0.1): return theta - {rate} * g").kernel_text("float64")

    assert named("learning_rate") == named("learning_rate")
    assert named("learning_rate")[0] != named("0.5 * learning_rate")[0]


def test_numbers_do_not_change_the_text() -> None:
    for made in RULES:
        for copy in copies(made):
            assert copy.kernel_text("float64") == made.kernel_text("float64")
