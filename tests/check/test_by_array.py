"""Where parameter arrays do not all do the same: what is said of which, and what is not."""
# ruff: noqa: RUF001 - Chinese has signs of its own

import numpy as np
import pytest

from thalweg.check.by_array import path_by_array
from thalweg.check.diagnosis import diagnose
from thalweg.check.search import explain
from thalweg.check.subjects.arrangements import TWO_LAYERS
from thalweg.check.tape import standard
from thalweg.check.trajectory import Trajectory
from thalweg.check.verdict import Verdict
from thalweg.check.wording import spoken
from thalweg.check.wording.telling import evidence, title

ADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
RMSPROP = {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-8}
MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9}
TAPE = standard().steady()


def told(rule, codes, numbers, *, known=True, hint=True, tape=TAPE):
    path = path_by_array(rule, codes, numbers, tape)
    return explain(path, tape, numbers if known else {}, rule if hint else None)


@pytest.mark.parametrize(
    ("rule", "codes", "numbers"),
    [
        ("adam", ((), ("not-squared",)), ADAM),
        ("adam", (("first-not-corrected",), ()), ADAM),
        ("adam", (("epsilon-inside-root",), ("epsilon-inside-root", "second-with-beta1")), ADAM),
        ("adam", ((), ("epsilon-inside-root",)), ADAM),
        ("adam", (("root-missing",), ("root-missing", "uphill")), ADAM),
        ("rmsprop", ((), ("epsilon-after-step",)), RMSPROP),
        ("ema_momentum", ((), ("steps-without-velocity",)), MOMENTUM),
    ],
    ids=str,
)
def test_what_stands_in_one_array_only_is_named_with_the_array(rule, codes, numbers):
    verdict = told(rule, codes, numbers)
    assert (verdict.kind, verdict.rule) == ("wrong", rule)
    assert [set(verdict.in_array(place)) for place in (1, 2)] == [set(own) for own in codes]
    assert [set(one.findings) for one in verdict.arrays] == [set(own) for own in codes]
    assert {one.code for one in verdict.mistakes} >= set(codes[0]) ^ set(codes[1])
    assert max(one.residual for one in verdict.arrays) == verdict.residual < 1e-9 < verdict.runner_up.residual


@pytest.mark.parametrize("hint", [True, False])
def test_numbers_are_solved_on_the_arrays_that_are_right(hint):
    verdict = told("adam", ((), ("not-squared",)), ADAM | {"learning_rate": 0.003}, known=False, hint=hint)
    assert [(one.code, one.arrays) for one in verdict.mistakes] == [("not-squared", (2,))]
    assert verdict.numbers == pytest.approx(ADAM | {"learning_rate": 0.003})


@pytest.mark.parametrize("code", ["not-squared", "never-updated"])
def test_biases_of_all_layers_are_told_together(code):
    verdict = told("adam", ((), (code,), (), (code,)), ADAM, tape=TAPE.shaped(*TWO_LAYERS))
    assert [(one.code, one.arrays) for one in verdict.mistakes] == [(code, (2, 4))]


@pytest.mark.parametrize(
    ("rule", "codes", "numbers"),
    [("adamw", ((), ("decay-left-out",)), ADAM), ("momentum", (("l2-in-gradient",), ()), MOMENTUM)],
)
def test_decay_that_spares_the_biases_is_right(rule, codes, numbers):
    verdict = told(rule, codes, numbers | {"weight_decay": 0.01})
    assert (verdict.kind, verdict.rule, verdict.mistakes) == ("right", rule, ())
    assert [one.arrays for one in verdict.conventions] == [(codes.index(max(codes)) + 1,)]


def ratio_of_trust(g, theta):
    """LARS and LAMB: a step as long as the array, whatever its gradient."""
    return np.linalg.norm(theta) / (np.linalg.norm(g) + 1e-9)


def path_of(step, codes=()):
    thetas, velocity = [TAPE.theta0], np.zeros(TAPE.size)
    for g in TAPE.gradients:
        velocity, moved = step(velocity, g, thetas[-1])
        thetas.append(thetas[-1] - 0.1 * moved)
    return Trajectory(np.stack(thetas))


def layerwise(velocity, g, theta):
    """Plain momentum for the biases, steps by the norm of the weights for the others."""
    weights = slice(0, 20)
    g = g.copy()
    g[weights] = ratio_of_trust(g[weights], theta[weights]) * g[weights]
    velocity = 0.9 * velocity + g
    return velocity, velocity


def clipped_together(velocity, g, theta):
    """One norm of all arrays' gradients, and a slip in the biases."""
    g = g * min(1.0, 0.5 / np.linalg.norm(g))
    velocity = 0.9 * velocity + g
    return velocity, np.where(np.arange(24) < 20, velocity, -velocity)


@pytest.mark.parametrize("step", [layerwise, clipped_together])
def test_arrays_that_hang_together_by_a_norm_are_no_finding(step):
    verdict = explain(path_of(step), TAPE, MOMENTUM, "momentum")
    assert (verdict.kind, verdict.arrays) == ("unknown", ())


def test_a_mistake_across_arrays_is_no_mistake_in_each():
    """The array's number stands in the exponent of both: not one power in W and another one in b."""
    path = path_by_array("adam", (("counted-from-array", "uphill"),) * 2, ADAM, TAPE)
    verdict = explain(path, TAPE, ADAM, "adam")
    assert (verdict.codes, verdict.arrays) == ({"counted-from-array", "uphill"}, ())


def typed_twice(w, b, dw, db, vw, vb, lr=0.01, beta=0.9, eps=1e-8):
    vw = beta * vw + (1 - beta) * dw**2
    vb = beta * vb + (1 - beta) * db
    w = w - lr * dw / (np.sqrt(vw) + eps)
    b = b - lr * db / (np.sqrt(vb) + eps)
    return w, b, vw, vb


def test_the_line_of_the_bias_is_mended_and_no_other():
    found = diagnose(typed_twice, rule="rmsprop")
    assert [(one.code, one.found.strip(), one.right.strip()) for one in found.mends] == [
        ("not-squared", "vb = beta * vb + (1 - beta) * db", "vb = beta * vb + (1 - beta) * db**2")
    ]
    assert [one.name for one in found.verdict.arrays] == ["w", "b"]
    own = [slice(0, 20), slice(20, 24)]
    apart = [np.array_equal(found.observed.thetas[:, k], found.expected.thetas[:, k]) for k in own]
    assert apart == [True, False]


def both_wrong(w, b, dw, db, vw, vb, lr=0.01, beta=0.9, eps=1e-8):
    vw = beta * vw + dw**2
    vb = beta * vb + db**2
    w = w - lr * dw / (np.sqrt(vw) + eps)
    b = b + lr * db / (np.sqrt(vb) + eps)
    return w, b, vw, vb


def test_what_all_arrays_have_is_mended_after_what_one_of_them_has():
    found = diagnose(both_wrong, rule="rmsprop")
    assert [(one.code, one.arrays) for one in found.verdict.mistakes] == [("square-not-weighted", ()), ("uphill", (2,))]
    assert [one.code for one in found.mends] == ["uphill", "square-not-weighted", "square-not-weighted"]


def test_arrays_are_told_by_name_or_place_in_both_languages():
    verdict = diagnose(typed_twice, rule="rmsprop").verdict
    english, chinese = spoken("en"), spoken("zh")
    assert title(english, verdict, verdict.mistakes[0]) == "the gradient is not squared, only in b"
    assert title(chinese, verdict, verdict.mistakes[0]).endswith("，仅在 b 中")
    assert ("arrays", "w: rmsprop, residual 0") in evidence(english, verdict, 24)
    assert ("", "b：rmsprop + not-squared，残差 0") in evidence(chinese, verdict, 24)
    nameless = told("adam", ((), ("not-squared",)), ADAM)
    assert title(english, nameless, nameless.mistakes[0]).endswith("only in array 2")


def test_verdict_by_array_is_read_back():
    verdict = told("adam", ((), ("not-squared",)), ADAM)
    assert Verdict.from_dict(verdict.as_dict()) == verdict


def test_arrays_that_do_the_same_are_not_looked_at_one_by_one(monkeypatch):
    """Two coordinates in two arrays have the same start and gradients: where they go together, nothing is in one."""
    monkeypatch.setattr("thalweg.check.numbers.Evidence.on", None)
    path = path_by_array("rmsprop", (("square-not-weighted", "uphill"),) * 2, RMSPROP, TAPE)
    assert explain(path, TAPE, RMSPROP, "rmsprop").codes == {"square-not-weighted", "uphill"}
