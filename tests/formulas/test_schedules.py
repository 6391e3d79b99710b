"""Schedules: the curves of PyTorch and Optax, closed forms in between, and what happens at the ends."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import SettingError
from thalweg.formulas import schedules
from thalweg.formulas.formula import Schedule
from thalweg.formulas.schedules import (
    constant,
    cosine,
    cosine_restarts,
    cyclic,
    exponential,
    inverse_time,
    linear_warmup,
    multi_step,
    one_cycle,
    polynomial,
    step,
    warmup_cosine,
)

ALL = (
    constant,
    step(step_size=3),
    multi_step(milestones=(2, 5, 9)),
    exponential,
    inverse_time,
    polynomial(power=2, total=12),
    cosine(total=12),
    cosine_restarts(t_0=2.5, t_mult=1.5),
    linear_warmup,
    warmup_cosine(total=12),
    one_cycle(total=12),
    cyclic,
)


def name_of(value: object) -> str | None:
    return repr(value) if isinstance(value, Schedule) else None  # pytest numbers the others


# -- the same curves elsewhere

# PyTorch 2.13.0: lr of SGD([p], lr=1.0), p in float64, before each of the steps 0, 1, 2, ... of the scheduler.
TORCH = {
    "StepLR(o, step_size=3, gamma=0.5)": (
        step(step_size=3, gamma=0.5),
        (1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125),
    ),
    "MultiStepLR(o, milestones=[2, 5, 5, 9], gamma=0.5)": (
        multi_step(milestones=(2, 5, 5, 9), gamma=0.5),
        (1.0, 1.0, 0.5, 0.5, 0.5, 0.125, 0.125, 0.125, 0.125, 0.0625, 0.0625),
    ),
    "ExponentialLR(o, gamma=0.9)": (
        exponential(gamma=0.9),
        (1.0, 0.9, 0.81, 0.7290000000000001, 0.6561000000000001, 0.5904900000000002),
    ),
    "PolynomialLR(o, total_iters=7, power=1.7)": (
        polynomial(power=1.7, total=7),
        (1.0, 0.7694678124857935, 0.5643939365408124, 0.38622049598378716, 0.23683149964765463, 0.11887330148743558,
         0.036587550255530586, 0.0, 0.0, 0.0),
    ),
    "CosineAnnealingLR(o, T_max=8, eta_min=0.05)": (
        cosine(end_factor=0.05, total=8),
        (1.0, 0.9638427779428612, 0.8608757210636101, 0.7067746303734178, 0.525, 0.3432253696265824,
         0.18912427893638994, 0.0861572220571388, 0.05),
    ),
    "CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.1)": (
        cosine_restarts(t_0=3, t_mult=2, end_factor=0.1),
        (1.0, 0.775, 0.3250000000000001, 1.0, 0.9397114317029974, 0.775, 0.55, 0.3250000000000001,
         0.16028856829700258, 1.0, 0.9846666218300807, 0.9397114317029974, 0.8681980515339464, 0.775,
         0.6664685702961344, 0.55, 0.4335314297038657, 0.3250000000000001, 0.23180194846605365, 0.16028856829700258,
         0.11533337816991932, 1.0, 0.9961501876182147),
    ),
    "CosineAnnealingWarmRestarts(o, T_0=4)": (
        cosine_restarts(t_0=4),
        (1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 1.0),
    ),
    "LinearLR(o, start_factor=0.2, total_iters=4)": (
        linear_warmup(start_factor=0.2, warmup=4),
        (0.2, 0.4, 0.6000000000000001, 0.8, 1.0, 1.0, 1.0),
    ),
    "SequentialLR(o, [LinearLR(o, 0.25, 1.0, 3), CosineAnnealingLR(o, 6, eta_min=0.1)], milestones=[3])": (
        warmup_cosine(warmup=3, start_factor=0.25, end_factor=0.1, total=9),
        (0.25, 0.5, 0.75, 1.0, 0.9397114317029974, 0.775, 0.55, 0.3250000000000002, 0.1602885682970026, 0.1),
    ),
    "OneCycleLR(o, 1.0, total_steps=11, pct_start=0.4, div_factor=20, final_div_factor=100)": (
        one_cycle(pct_start=(0.4 * 11 - 1) / 10, div_factor=20, final_div_factor=100, total=10),
        (0.050000000000000044, 0.2387485477198532, 0.6549899202842391, 0.9679243089670689, 0.9797566135638451,
         0.8619360855430089, 0.6637022146678815, 0.4291281595729258, 0.21036655944179378, 0.05605448453470205, 0.0005),
    ),
    "CyclicLR(o, base_lr=0.2, max_lr=1.0, step_size_up=3, step_size_down=2)": (
        cyclic(start_factor=0.2, step_size_up=3, step_size_down=2),
        (0.2, 0.4666666666666666, 0.7333333333333332, 0.9999999999999998, 0.5999999999999999, 0.2,
         0.46666666666666695, 0.7333333333333332, 0.9999999999999998, 0.6000000000000003, 0.2, 0.46666666666666695),
    ),
    "CyclicLR(o, base_lr=0.2, max_lr=1.0, step_size_up=2, mode='triangular2')": (
        cyclic(start_factor=0.2, step_size_up=2, step_size_down=2, cycle_gamma=0.5),
        (0.2, 0.6000000000000001, 1.0, 0.6000000000000001, 0.2, 0.4, 0.6000000000000001, 0.4, 0.2,
         0.30000000000000004),
    ),
    "CyclicLR(o, base_lr=0.2, max_lr=1.0, step_size_up=2, mode='exp_range', gamma=0.9)": (
        cyclic(start_factor=0.2, step_size_up=2, step_size_down=2, gamma=0.9),
        (0.2, 0.56, 0.8480000000000001, 0.49160000000000004, 0.2, 0.43619600000000003, 0.6251528000000001,
         0.39131876000000004),
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", TORCH)
def test_follows_pytorch_at_whole_epochs(call: str) -> None:
    schedule, recorded = TORCH[call]
    np.testing.assert_allclose(schedule.factor(np.arange(len(recorded))), recorded, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("schedule", "recorded"),
    [  # Optax, jax_enable_x64, at counts 0, 1, 2, ...
        (  # warmup_cosine_decay_schedule(0.25, 1.0, warmup_steps=3, decay_steps=9, end_value=0.1)
            warmup_cosine(warmup=3, start_factor=0.25, end_factor=0.1, total=9),
            (0.25, 0.5, 0.75, 1.0, 0.9397114317029974, 0.775, 0.55, 0.3250000000000001, 0.16028856829700258, 0.1, 0.1),
        ),
        (  # polynomial_schedule(1.0, 0.2, power=2.0, transition_steps=5)
            polynomial(power=2, end_factor=0.2, total=5),
            (1.0, 0.7120000000000002, 0.488, 0.32800000000000007, 0.23199999999999998, 0.2, 0.2, 0.2),
        ),
    ],
    ids=name_of,
)
def test_follows_optax(schedule: Schedule, recorded: tuple[float, ...]) -> None:
    np.testing.assert_allclose(schedule.factor(np.arange(len(recorded))), recorded, rtol=1e-13)


# -- closed forms within epochs


@pytest.mark.parametrize(
    ("schedule", "closed_form"),
    [
        (constant, lambda t: 1.0),
        (step(step_size=2.5, gamma=0.5), lambda t: 0.5 ** int(t / 2.5)),
        (multi_step(milestones=(7.25, 3.5), gamma=0.1), lambda t: 0.1 ** (int(t >= 3.5) + int(t >= 7.25))),
        (exponential(gamma=0.8), lambda t: np.exp(t * np.log(0.8))),
        (inverse_time(decay_rate=0.3), lambda t: 1 / (1 + 0.3 * t)),
        (inverse_time(decay_rate=0.3, power=0.5), lambda t: 1 / np.sqrt(1 + 0.3 * t)),
        (polynomial(power=2, end_factor=0.1, total=8), lambda t: 0.1 + 0.9 * (1 - min(t, 8) / 8) ** 2),
        (cosine(total=8), lambda t: np.cos(np.pi * min(t, 8) / 16) ** 2),
        (cosine_restarts(t_0=2.5), lambda t: np.cos(np.pi * (t % 2.5) / 5) ** 2),
        (linear_warmup(warmup=2.5, start_factor=0.0), lambda t: min(t / 2.5, 1)),
        (
            warmup_cosine(warmup=2.5, total=8),
            lambda t: t / 2.5 if t < 2.5 else np.cos(np.pi * min(t - 2.5, 5.5) / 11) ** 2,
        ),
        (cyclic(start_factor=0.0, step_size_up=2, step_size_down=2), lambda t: 1 - abs(t % 4 - 2) / 2),
    ],
    ids=name_of,
)
def test_closed_form_between_whole_epochs(schedule: Schedule, closed_form: Callable[[float], float]) -> None:
    times = np.arange(0, 12, 0.125)
    np.testing.assert_allclose(schedule.factor(times), [closed_form(t) for t in times], rtol=1e-12, atol=1e-15)


def test_one_cycle_starts_peaks_and_ends_where_it_says() -> None:
    schedule = one_cycle(pct_start=0.25, div_factor=10, final_div_factor=100, total=8)
    times, factors = (0.0, 1.0, 2.0, 5.0, 8.0, 9.0), (0.1, 0.55, 1.0, 0.5005, 1e-3, 1e-3)
    np.testing.assert_allclose(schedule.factor(times), factors, rtol=1e-13)


@pytest.mark.parametrize(
    ("schedule", "defaults"),
    [
        (step, {"gamma": 0.1}),
        (multi_step, {"gamma": 0.1}),
        (polynomial, {"power": 1.0, "end_factor": 0.0}),
        (cosine, {"end_factor": 0.0}),
        (cosine_restarts, {"t_mult": 1.0, "end_factor": 0.0}),
        (linear_warmup, {"start_factor": 1 / 3, "warmup": 5.0}),
        (one_cycle, {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4}),
        (cyclic, {"gamma": 1.0, "cycle_gamma": 1.0}),
    ],
    ids=name_of,
)
def test_numbers_left_out_are_those_of_pytorch(schedule: Schedule, defaults: dict[str, float]) -> None:
    assert {name: schedule.hyperparameters[name] for name in defaults} == defaults


# -- ends and corners


@given(st.floats(0, 1e9), st.sampled_from(ALL))
def test_the_factor_is_never_negative_nor_above_one(t: float, schedule: Schedule) -> None:
    assert 0 <= schedule.factor(t) <= 1


@pytest.mark.parametrize("schedule", ALL, ids=name_of)
def test_shape_of_the_times_is_kept(schedule: Schedule) -> None:
    times = np.array([[0.0, 1.5, 2.0], [7.25, 12.0, 20.0]])
    factors = schedule.factor(times)
    assert factors.dtype == np.float64
    one_by_one = [[float(schedule.factor(t)) for t in row] for row in times]
    np.testing.assert_allclose(factors, one_by_one, rtol=1e-15)


@pytest.mark.parametrize("t_mult", [1.0, 1.1, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("t_0", [1.0, 10.0, 0.7])
def test_every_restart_is_hit_at_its_very_moment(t_0: float, t_mult: float) -> None:
    schedule = cosine_restarts(t_0=t_0, t_mult=t_mult)
    lengths = t_0 * t_mult ** np.arange(20)
    moments = np.cumsum(lengths)
    # The moment itself may be off by a rounding; a 1e-12th of a cycle around it the rate is up again or all but gone.
    np.testing.assert_allclose(schedule.factor(moments + 1e-12 * lengths * 20), 1.0, atol=1e-9)
    np.testing.assert_allclose(schedule.factor(moments - 1e-9 * lengths), 0.0, atol=1e-9)


def test_restarts_at_whole_epochs_are_exact() -> None:
    for t_mult in (1, 2, 3):
        moments = np.cumsum(5 * t_mult ** np.arange(15))
        assert (cosine_restarts(t_0=5, t_mult=t_mult).factor(moments) == 1).all()


def test_nothing_is_lost_after_billions_of_epochs() -> None:
    late = 2.0**31 + 1
    triangle = cyclic(step_size_up=2, step_size_down=2)
    assert float(triangle.factor(4 * late + 1.0)) == float(triangle.factor(1.0))
    assert float(cosine_restarts(t_0=2).factor(2 * late + 0.5)) == float(cosine_restarts(t_0=2).factor(0.5))
    assert float(step(step_size=2.0**30, gamma=0.5).factor(late)) == 0.25
    assert float(inverse_time.factor(2.0**53 - 1)) == 2.0**-53


def test_total_is_filled_in_once() -> None:
    for schedule in (polynomial, cosine, warmup_cosine, one_cycle):
        assert schedule.total is None
        assert schedule.over(30).total == 30
        assert schedule(total=7).over(30).total == 7
    np.testing.assert_allclose(cosine.over(30).factor(15.0), 0.5)


def test_a_warmup_of_no_length_is_none() -> None:
    times = np.array([0.0, 0.5, 3.0, 12.0])
    np.testing.assert_array_equal(linear_warmup(warmup=0).factor(times), 1.0)
    np.testing.assert_array_equal(warmup_cosine(warmup=0, total=12).factor(times), cosine(total=12).factor(times))


def test_a_run_shorter_than_its_warmup_ends_in_it() -> None:
    np.testing.assert_allclose(warmup_cosine(warmup=8, total=4).factor([0.0, 2.0, 4.0]), [0.0, 0.25, 0.5])


@pytest.mark.parametrize(
    ("schedule", "numbers"),
    [
        (step, {"step_size": 0}),
        (step, {"gamma": 1.5}),
        (multi_step, {"gamma": 0.0}),
        (multi_step, {"milestones": (3, -1)}),
        (exponential, {"gamma": 0}),
        (inverse_time, {"decay_rate": -1.0}),
        (inverse_time, {"power": 0}),
        (polynomial, {"total": 0}),
        (polynomial, {"power": -1}),
        (cosine, {"end_factor": 1.1}),
        (cosine_restarts, {"t_mult": 0.5}),
        (cosine_restarts, {"t_0": 0}),
        (linear_warmup, {"warmup": -1}),
        (linear_warmup, {"start_factor": 2}),
        (one_cycle, {"pct_start": 1.0}),
        (one_cycle, {"div_factor": 0.5}),
        (cyclic, {"step_size_down": 0}),
        (cosine, {"gamma": 0.5}),
    ],
    ids=name_of,
)
def test_a_number_out_of_range_is_refused(schedule: Schedule, numbers: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(numbers))):
        schedule(**numbers)


@pytest.mark.parametrize("schedule", ALL, ids=name_of)
def test_the_example_in_the_docstring_holds(schedule: Schedule) -> None:
    examples = doctest.DocTestParser().get_doctest(schedule.__doc__ or "", vars(schedules), schedule.name, None, 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0
