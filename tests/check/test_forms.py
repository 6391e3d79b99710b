"""Slips and forms as people write them, line by line: the doctor names each, and calls nothing wrong that is not."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thalweg.check.search import explain
from thalweg.check.tape import standard
from thalweg.check.trajectory import Trajectory
from thalweg.check.verdict import Verdict

ADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
HEAVY = {"learning_rate": 0.1, "momentum": 0.9}
RMS = {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-8}
RATE = {"learning_rate": 0.1}
SIZES = {"initial_step": 0.1, "eta_plus": 1.2, "eta_minus": 0.5, "min_step": 1e-6, "max_step": 50.0}
Step = Callable[[Any, Any, Any, int, float], Any]


def told(step: Step, hint: str, numbers: dict[str, float], *, moving: bool = False, **starts: float) -> Verdict:
    """Play a step that keeps what it remembers in ``s``; ``f`` is the factor on its rate."""
    tape = standard() if moving else standard().steady()
    state = SimpleNamespace(m=np.zeros(tape.size), v=np.zeros(tape.size), k=1.0)
    vars(state).update({name: np.full(tape.size, value) for name, value in starts.items()})
    theta, thetas = tape.theta0, [tape.theta0]
    with np.errstate(all="ignore"):
        for t, (g, f) in enumerate(zip(tape.gradients, tape.rates, strict=True), start=1):
            theta = step(theta, g.copy(), state, t, float(f))
            thetas.append(np.array(theta))
    return explain(Trajectory(np.stack(thetas)), tape, numbers, hint)


def adam(correct: Callable[[Any, int], tuple[Any, Any]]) -> Step:
    def step(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        s.m, s.v = 0.9 * s.m + 0.1 * g, 0.999 * s.v + 0.001 * g**2
        m, v = correct(s, t)
        return w - 0.01 * f * m / (np.sqrt(v) + 1e-8)

    return step


CORRECTIONS: dict[str, tuple[set[str], Step]] = {
    "one more": (
        {"second-correction-of-one-more"},
        adam(lambda s, t: (s.m / (1 - 0.9 ** (t - 1 + 1)), s.v / (1 - 0.999 ** (t - 1) + 1))),
    ),
    "brackets": ({"correction-brackets-missing"}, adam(lambda s, t: (s.m / 1 - 0.9**t, s.v / 1 - 0.999**t))),
    "squared": ({"second-power-of-two"}, adam(lambda s, t: (s.m / (1 - 0.9**t), s.v / (1 - 0.999**2)))),
    "product": ({"first-product-for-power"}, adam(lambda s, t: (s.m / (1 - 0.9 * t), s.v / (1 - 0.999**t)))),
    "behind": ({"second-counted-behind"}, adam(lambda s, t: (s.m / (1 - 0.9**t), s.v / (1 - 0.999 ** (t - 1))))),
    "ahead": ({"first-counted-ahead"}, adam(lambda s, t: (s.m / (1 - 0.9 ** (t + 1)), s.v / (1 - 0.999**t)))),
    "epochs": (
        {"counted-in-epochs"},
        adam(lambda s, t: (s.m / (1 - 0.9 ** (1 + (t - 1) // 10)), s.v / (1 - 0.999 ** (1 + (t - 1) // 10)))),
    ),
    "half": ({"half-for-root"}, adam(lambda s, t: (s.m / (1 - 0.9**t), (s.v / (1 - 0.999**t) / 2) ** 2))),
    "size": (
        {"product-for-power", "size-under-root"},
        adam(lambda s, t: (s.m / (1 - 0.9 * t), np.abs(s.v / (1 - 0.999 * t)))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", CORRECTIONS)
def test_slips_of_corrections_are_named(form: str) -> None:
    codes, step = CORRECTIONS[form]
    verdict = told(step, "adam", ADAM)
    assert (verdict.kind, verdict.codes) == ("wrong", codes)


def impulse(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v = 0.9 * s.v - 0.1 * f * g
    return w + 0.9 * s.v


def downhill_velocity(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v = 0.9 * s.v - 0.1 * f * g
    return w - s.v


def ahead_with_both_signs(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    before, s.v = s.v, 0.9 * s.v - 0.1 * f * g
    return w + 0.9 * before + 1.9 * s.v


def of_a_book(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v = 0.9 * s.v - 0.1 * f * g
    return w + 0.9 * 0.9 * s.v - 1.9 * 0.1 * f * g


def oldest_first(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v = s.v + 0.9 ** (t - 1) * g
    return w - 0.1 * f * s.v


def added(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v += 0.9 * s.v - 0.1 * f * g
    return w + s.v


def growing(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
    s.v = 0.9 * s.v + g
    return w - 0.1 * f * s.v + 0.1 * f * 0.01 * w


@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize(
    ("step", "hint", "codes"),
    [
        (impulse, "momentum", {"momentum-of-sum"}),
        (downhill_velocity, "momentum", {"uphill"}),
        (ahead_with_both_signs, "nesterov", {"look-ahead-sign"}),
        (of_a_book, "nesterov", {"looks-ahead-from-new-velocity"}),
        (oldest_first, "momentum", {"history-reversed"}),
        (added, "momentum", {"velocity-added-to-itself"}),
        (growing, "momentum", {"decay-grows"}),
    ],
)
def test_slips_of_velocities_are_named_whether_the_rate_moves_or_not(
    step: Step, hint: str, codes: set[str], moving: bool
) -> None:
    verdict = told(step, hint, {**HEAVY, "weight_decay": 0.01}, moving=moving)
    assert (verdict.kind, {finding.code for finding in verdict.mistakes}) == ("wrong", codes)


def test_a_rate_that_fell_and_was_written_back_is_a_mistake() -> None:
    def step(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        s.k = s.k / (1 + 0.01 * (t - 1))
        return w - 0.1 * f * s.k * g

    verdict = told(step, "gradient_descent", RATE)
    assert verdict.codes == {"falling-rate-kept"}
    assert verdict.numbers["lr_decay"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("rate", "codes"),
    [
        (lambda t: 0.95 ** (t - 1), {"decaying-rate"}),
        (lambda t: 0.95**t, {"decaying-rate-at-once"}),
        (lambda t: 1 / (1 + 0.02 * (t - 1)), {"falling-rate"}),
        (lambda t: 1 / (1 + 0.02 * t), {"falling-rate-at-once"}),
    ],
)
def test_schedules_are_right_wherever_they_begin(rate: Callable[[int], float], codes: set[str]) -> None:
    def plain(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        return w - 0.1 * f * rate(t) * g

    def inside(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        s.v = 0.9 * s.v - 0.1 * f * rate(t) * g
        return w + s.v

    assert (told(plain, "gradient_descent", RATE).kind, told(plain, "gradient_descent", RATE).codes) == ("right", codes)
    verdict = told(inside, "momentum", HEAVY)
    assert (verdict.kind, verdict.codes) == ("same", {*codes, "rate-in-velocity"})


def rprop(kind: str) -> Step:
    def step(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        turned = np.sign(g) * np.sign(s.before)
        up, down = (0.5, 1.2) if kind == "swapped" else (1.2, 0.5)
        s.size = np.clip(np.where(turned > 0, up, np.where(turned < 0, down, 1)) * s.size, 1e-6, 50)
        s.before = g if kind == "minus" else np.where(turned < 0, 0, g)
        if kind == "plus":
            s.moved = np.where(turned < 0, -s.moved, np.sign(g) * s.size)
            return w - s.moved
        return w - (s.before if kind == "unsigned" else np.sign(s.before)) * s.size

    return step


@pytest.mark.parametrize(
    ("kind", "verdict", "codes"),
    [
        ("minus", "right", {"steps-after-turn"}),
        ("plus", "right", {"steps-back"}),
        ("unsigned", "wrong", {"sign-missing"}),
        ("swapped", "wrong", {"factors-swapped"}),
    ],
)
def test_every_published_rprop_is_right_and_others_are_not(kind: str, verdict: str, codes: set[str]) -> None:
    seen = told(rprop(kind), "rprop", SIZES, before=0.0, size=0.1, moved=0.0)
    assert (seen.kind, seen.codes) == (verdict, codes)


def test_radam_may_rectify_from_where_its_paper_does() -> None:
    def step(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        s.m, s.v = 0.9 * s.m + 0.1 * g, 0.999 * s.v + 0.001 * g * g
        most = 2 / (1 - 0.999) - 1
        length = most - 2 * t * 0.999**t / (1 - 0.999**t)
        mean = s.m / (1 - 0.9**t)
        if length > 4:
            share = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
            return w - 0.01 * mean * share * np.sqrt((1 - 0.999**t) / (s.v + 1e-8))
        return w - 0.01 * mean

    verdict = told(step, "radam", ADAM)
    assert (verdict.kind, verdict.codes) == ("right", {"rectified-from-four", "epsilon-inside-root"})


@pytest.mark.parametrize("limit", [0.5, 5.0])
def test_clipping_by_norm_is_right_and_division_by_the_norm_is_not(limit: float) -> None:
    def clipped(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        norm = np.sqrt(np.sum(g**2))
        s.v = 0.9 * s.v + (g * limit / norm if norm > limit else g)
        return w - 0.1 * f * s.v

    def normed(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        for own in standard().slices():
            g[own] = g[own] / np.sqrt(np.sum(g[own] ** 2))
        return w - 0.1 * f * g

    seen = told(clipped, "momentum", HEAVY, moving=True)
    assert (seen.kind, seen.codes, seen.numbers["max_norm"]) == ("right", {"clipped-by-norm"}, pytest.approx(limit))
    assert told(normed, "gradient_descent", RATE).codes == {"gradient-normalised"}


def test_roots_and_epsilon_may_both_be_misplaced() -> None:
    def step(w: Any, g: Any, s: Any, t: int, f: float) -> Any:
        s.v = 0.9 * s.v + 0.1 * g**2
        return w - 0.01 * f * g / s.v + 1e-8

    assert told(step, "rmsprop", RMS, moving=True).codes == {"root-missing", "epsilon-after-step"}
