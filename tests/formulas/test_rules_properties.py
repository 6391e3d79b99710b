"""What holds for every rule whatever the numbers: symmetry, scale, translation, types, untouched inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from thalweg.formulas import rules
from thalweg.formulas.formula import Rule

Array = NDArray[Any]
Tape = tuple[Array, Array]

RULES = {name: made for name, made in vars(rules).items() if isinstance(made, Rule)}
# FTRL makes theta anew at every step; what holds for steps does not hold for it.
STEPPING = {name: made for name, made in RULES.items() if name != "ftrl"}
WITHOUT_DECAY = {
    name: made(weight_decay=0.0) if "weight_decay" in made.hyperparameters else made for name, made in STEPPING.items()
}
DECAYING = {name: made for name, made in RULES.items() if "weight_decay" in made.hyperparameters}
SCALE_FREE = {
    "signsgd": rules.signsgd,
    "signum": rules.signum,
    "lion": rules.lion,
    "rprop": rules.rprop,
    "adagrad": rules.adagrad(epsilon=0.0),
    "rmsprop": rules.rmsprop(epsilon=0.0),
    "rmsprop_momentum": rules.rmsprop_momentum(epsilon=0.0),
    "rmsprop_centered": rules.rmsprop_centered(epsilon=0.0),
    "rmsprop_centered_momentum": rules.rmsprop_centered_momentum(epsilon=0.0),
    "adam": rules.adam(epsilon=0.0),
    "adamw": rules.adamw(epsilon=0.0),
    "adamax": rules.adamax(epsilon=0.0),
    "amsgrad": rules.amsgrad(epsilon=0.0),
    "nadam": rules.nadam(epsilon=0.0),
    "adabelief": rules.adabelief(epsilon=0.0),
    "yogi": rules.yogi(epsilon=0.0, initial_accumulator=0.0),
    "laprop": rules.laprop(epsilon=0.0),
    "ademamix": rules.ademamix(epsilon=0.0),
    "adan": rules.adan(epsilon=0.0),
}


FEW = settings(max_examples=20)  # of each promise, for each of the rules


def of_every(chosen: dict[str, Rule]) -> Callable[..., Any]:
    return pytest.mark.parametrize("made", chosen.values(), ids=list(chosen))


def numbers(most: float, least: float = 0.0) -> st.SearchStrategy[float]:
    """Numbers of either sign between the two sizes, so that no square overflows or vanishes; 0 when ``least`` is."""
    size = st.floats(max(least, 1e-3), most)
    signed = st.one_of(size, size.map(lambda x: -x))
    return signed if least > 0 else st.one_of(st.just(0.0), signed)


@st.composite
def tapes(draw: st.DrawFn, least: float = 0.0) -> Tape:
    """A start (n,) and gradients (steps, n), none smaller than ``least``."""
    steps, n = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    start = draw(arrays(np.float64, n, elements=numbers(100.0)))
    return start, draw(arrays(np.float64, (steps, n), elements=numbers(1000.0, least)))


def walk(made: Rule, tape: Tape, state: Array | None = None) -> Iterator[tuple[Array, Array]]:
    """Theta and state after every gradient."""
    theta, gradients = tape
    state = made.init(theta) if state is None else state
    for t, g in enumerate(gradients, start=1):
        theta, state = made.step(theta, g, state, float(t))
        yield theta, state


def path(made: Rule, tape: Tape) -> Array:
    return np.array([theta for theta, _ in walk(made, tape)])


@of_every(RULES)
@FEW
@given(tape=tapes(), seed=st.integers(0, 99))
def test_coordinates_do_not_see_each_other(made: Rule, tape: Tape, seed: int) -> None:
    start, gradients = tape
    order = np.random.default_rng(seed).permutation(start.size)
    np.testing.assert_array_equal(path(made, (start[order], gradients[:, order])), path(made, tape)[:, order])


@of_every(RULES)
@FEW
@given(tape=tapes())
def test_mirrored_slope_gives_the_mirrored_path(made: Rule, tape: Tape) -> None:
    unbiased = made(initial_accumulator=0.0) if made.name == "yogi" else made  # Yogi's mean starts off to one side
    np.testing.assert_array_equal(path(unbiased, (-tape[0], -tape[1])), -path(unbiased, tape))


@of_every(WITHOUT_DECAY)
@FEW
@given(tape=tapes(), shift=st.integers(-1000, 1000))
def test_step_does_not_depend_on_where_theta_is(made: Rule, tape: Tape, shift: int) -> None:
    start, gradients = tape
    here, there = list(walk(made, tape)), list(walk(made, (start + shift, gradients)))
    largest = 1 + abs(shift) + np.abs(path(made, tape)).max()
    for (theta, state), (moved, moved_state) in zip(here, there, strict=True):
        np.testing.assert_allclose(moved - shift, theta, rtol=0, atol=1e-14 * largest)
        np.testing.assert_array_equal(moved_state, state)


@of_every({name: made for name, made in STEPPING.items() if made.has_learning_rate})
@FEW
@given(tape=tapes())
def test_learning_rate_zero_is_the_identity(made: Rule, tape: Tape) -> None:
    still = made.hyperparameters | {"learning_rate": 0.0}
    theta = tape[0]
    for t, (g, (_, memory)) in enumerate(zip(tape[1], walk(made, tape), strict=True), start=1):
        result = made.formula(theta, g, float(t), *memory, **still)
        np.testing.assert_array_equal(result[0] if made.slots else result, theta)


@of_every({name: made for name, made in WITHOUT_DECAY.items() if made.has_learning_rate})
@FEW
@given(tape=tapes(), doublings=st.integers(-10, 10))
def test_learning_rate_only_stretches_the_path(made: Rule, tape: Tape, doublings: int) -> None:
    # It stands outside the memory: a rate that changes on the way changes no slot.
    origin, factor = (np.zeros_like(tape[0]), tape[1]), 2.0**doublings
    stretched = made(learning_rate=factor * made.learning_rate)
    np.testing.assert_array_equal(path(stretched, origin), factor * path(made, origin))


@of_every(SCALE_FREE)
@FEW
@given(tape=tapes(least=1e-3), doublings=st.integers(-20, 20))
def test_slope_may_be_measured_in_any_unit(made: Rule, tape: Tape, doublings: int) -> None:
    start, gradients = tape
    np.testing.assert_array_equal(path(made, (start, 2.0**doublings * gradients)), path(made, tape))


@of_every({name: made for name, made in RULES.items() if "epsilon" in made.hyperparameters})
def test_epsilon_is_in_the_unit_of_the_slope(made: Rule) -> None:
    # A large epsilon shortens the step; a rule that forgot it would not notice.
    tape = (np.zeros(1), np.full((1, 1), 3.0))
    short, long = (abs(path(made(epsilon=epsilon), tape)[0, 0]) for epsilon in (1.0, 1e-12))
    if made.name in ("adadelta", "radam"):  # AdaDelta's first steps grow with it, RAdam's do not divide yet
        assert short >= long
    else:
        assert 0 < short < 0.99 * long


@of_every(WITHOUT_DECAY)
@FEW
@given(theta=arrays(np.float64, 3, elements=numbers(100.0)))
def test_flat_ground_is_left_as_it_is(made: Rule, theta: Array) -> None:
    unbiased = made(initial_accumulator=0.0) if made.name == "yogi" else made
    np.testing.assert_array_equal(path(unbiased, (theta, np.zeros((4, 3)))), np.tile(theta, (4, 1)))


@of_every(DECAYING)
@FEW
@given(theta=arrays(np.float64, 3, elements=numbers(100.0)))
def test_decay_shrinks_theta_by_its_share_and_nothing_else(made: Rule, theta: Array) -> None:
    decaying = made(learning_rate=0.25, weight_decay=0.5)
    expected = theta * (1 - 0.25 * 0.5) ** np.arange(1, 5)[:, None]
    np.testing.assert_allclose(path(decaying, (theta, np.zeros((4, 3)))), expected, rtol=1e-14)


@of_every(RULES | {"ademamix, warming up": rules.ademamix(warmup=10), "adam, whole numbers": rules.adam(beta1=0)})
@pytest.mark.parametrize("t", [1.0, 2.0, 7.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_of_the_arrays_is_kept(made: Rule, t: float, dtype: type[np.floating[Any]]) -> None:
    theta, g = np.array([1.0, -2.0, 0.5], dtype), np.array([0.5, -4.0, 0.0], dtype)
    outputs = made.formula(theta, g, t, *made.init(theta), **made.hyperparameters)
    outputs = outputs if made.slots else (outputs,)
    assert [output.dtype for output in outputs] == [np.dtype(dtype)] * (1 + len(made.slots))
    assert all(np.isfinite(output).all() for output in outputs)


@of_every(RULES)
def test_inputs_are_left_alone(made: Rule) -> None:
    rng = np.random.default_rng(3)
    theta, g = rng.normal(size=4), rng.normal(size=4)
    state = np.abs(rng.normal(size=(len(made.slots), 4)))
    kept = theta.copy(), g.copy(), state.copy()
    for t in (1.0, 2.0, 9.0):
        new_theta, new_state = made.step(theta, g, state, t)
        for ours, before in zip((theta, g, state), kept, strict=True):
            np.testing.assert_array_equal(ours, before)
        assert not any(np.shares_memory(new, old) for new in (new_theta, new_state) for old in (theta, g, state))


@of_every(RULES)
@FEW
@given(tape=tapes())
def test_memory_carries_all_that_was_learned(made: Rule, tape: Tape) -> None:
    # Stopping after any step and going on from theta, state and t is not stopping at all.
    theta, gradients = tape
    whole = list(walk(made, tape))
    half = len(gradients) // 2
    if half:
        theta, state = (array.copy() for array in whole[half - 1])
        for t in range(half, len(gradients)):
            theta, state = made.step(theta, gradients[t], state, float(t + 1))
        np.testing.assert_array_equal(theta, whole[-1][0])


@of_every(RULES)
def test_not_a_number_is_passed_on(made: Rule) -> None:
    # Divergence is seen because nan stays nan; a comparison or a maximum must not swallow it.
    theta, g = np.zeros(2), np.array([np.nan, 1.0])
    moved, _ = made.step(theta, g, made.init(theta), 1.0)
    assert np.isnan(moved[0])
    assert np.isfinite(moved[1])
