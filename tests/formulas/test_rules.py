"""The rules one by one: golden numbers, first steps by hand, how they are related, and what their docstrings say."""

from __future__ import annotations

import doctest
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.golden import check, find, load, mistaken
from tests.golden.seed_rules import adagrad_epsilon_inside, adam_as_printed, adam_epsilon_inside

from thalweg.formulas import rules
from thalweg.formulas.formula import Rule

RULES = {name: made for name, made in vars(rules).items() if isinstance(made, Rule)}


def walk(made: Rule, theta: Any, gradients: Any, start: int = 1) -> NDArray[Any]:
    """Theta after every gradient."""
    theta = np.asarray(theta, dtype=np.float64)
    state = made.init(theta)
    thetas = []
    for t, g in enumerate(gradients, start=start):
        theta, state = made.step(theta, np.asarray(g, dtype=np.float64), state, float(t))
        thetas.append(theta)
    return np.array(thetas)


# ---- golden numbers --------------------------------------------------------------------------------------------


GOLDEN = {
    "s000_update_rules": {
        "sgd_A": rules.gradient_descent(learning_rate=0.01),
        "momentum_A": rules.ema_momentum(learning_rate=0.1, momentum=0.9),
        "rmsprop_A": rules.rmsprop(learning_rate=0.01, rho=0.999, epsilon=1e-8),
        "adam_A": rules.adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8),
    },
    "s001_update_rules": {
        "momentum_A": rules.momentum(learning_rate=0.001, momentum=0.8),
        "adagrad_A": adagrad_epsilon_inside,
        "adadelta_A": rules.adadelta(rho=0.2, epsilon=1e-6),
        "adam_A": rules.adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-6),
    },
    "s002_update_rules": {
        "momentum_A": rules.ema_momentum(learning_rate=0.01, momentum=0.9),
        "adam_standard_A": rules.adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8),
        "adam_as_printed_A": adam_as_printed,
        "adam_eps_inside_A": adam_epsilon_inside,
    },
}
GOLDEN_CHECKS = [(topic, entry["name"]) for topic in GOLDEN for entry in load(topic)["checks"]]

# Where a seed prints a mistake or another convention, the right rule must miss its numbers.
DIFFERENT = [
    ("s001_update_rules", "adagrad_A", rules.adagrad(learning_rate=0.1, epsilon=1e-6)),
    ("s002_update_rules", "adam_as_printed_A", rules.adam(learning_rate=0.01)),
    ("s002_update_rules", "adam_eps_inside_A", rules.adam(learning_rate=0.01)),
]


def golden_walk(topic: str, made: Rule) -> NDArray[Any]:
    golden = load(topic)
    return walk(made, golden["hyperparameters"]["theta0"], golden["inputs"]["gradients_A"])


@pytest.mark.parametrize(("topic", "name"), GOLDEN_CHECKS, ids="-".join)
def test_rule_follows_the_golden_numbers(topic: str, name: str) -> None:
    check(find(load(topic), name), golden_walk(topic, GOLDEN[topic][name]))


@pytest.mark.parametrize(("topic", "name", "made"), DIFFERENT, ids=[name for _, name, _ in DIFFERENT])
def test_rule_is_told_from_the_seeds_other_one(topic: str, name: str, made: Rule) -> None:
    check(mistaken(find(load(topic), name)), golden_walk(topic, made))


@pytest.mark.parametrize("entry", load("s002_adam_step_ratio")["checks"], ids=lambda entry: entry["name"])
def test_adam_step_on_a_constant_gradient(entry: dict[str, Any]) -> None:
    golden = load("s002_adam_step_ratio")
    numbers, start = golden["hyperparameters"], golden["inputs"]["theta0"]
    settings = {"learning_rate": numbers["lr"], "beta1": numbers["beta1"], "beta2": numbers["beta2"]}
    right, printed = rules.adam(**settings, epsilon=numbers["eps"]), adam_as_printed(**settings, epsilon=numbers["eps"])

    def ratio(made: Rule) -> float:
        thetas = [start, *walk(made, start, [numbers["gradient"]] * entry["step"])]
        return float((thetas[-2] - thetas[-1]) / numbers["lr"])

    if entry["name"].startswith("as_printed"):
        check(entry, ratio(printed))
        check(mistaken(entry), ratio(right))
    else:
        check(entry, ratio(right))


# ---- by hand ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByHand:
    """Theta from 1 after the gradients 4, -2 (and others), worked out on paper."""

    made: Rule
    expected: list[float]
    gradients: list[float] = field(default_factory=lambda: [4.0, -2.0])


ADAM = {"learning_rate": 0.1, "beta1": 0.75, "beta2": 0.75, "epsilon": 1.0}
# With these numbers m is 1 and 1/4, corrected 4 and 4/7; v is 4 and 4, corrected 16 and 64/7.
SECOND = (4 / 7) / (math.sqrt(64 / 7) + 1)

# Graves's two deviations, and NAdam's momenta.
D1, D2 = math.sqrt(4 - 1**2), math.sqrt(4 - 0.25**2)
MU1, MU2, MU3 = (0.75 * (1 - 0.5 * 0.96**t) for t in (1, 2, 3))
AHEAD1 = MU2 * 1 / (1 - MU1 * MU2) + (1 - MU1) * 4 / (1 - MU1)
AHEAD2 = MU3 * 0.25 / (1 - MU1 * MU2 * MU3) + (1 - MU2) * -2 / (1 - MU1 * MU2)

BY_HAND = [
    ByHand(rules.gradient_descent(learning_rate=0.1), [0.6, 0.8]),
    ByHand(rules.momentum(learning_rate=0.1, momentum=0.75), [0.6, 0.6 - 0.1 * (3 - 2)]),
    ByHand(rules.ema_momentum(learning_rate=0.1, momentum=0.75), [0.9, 0.9 - 0.1 * (0.75 - 0.5)]),
    ByHand(rules.nesterov(learning_rate=0.1, momentum=0.75), [1 - 0.1 * (4 + 3), 0.3 - 0.1 * (-2 + 0.75)]),
    ByHand(rules.qhm(learning_rate=0.1, momentum=0.75, nu=0.25), [1 - 0.1 * (3 + 0.25), 0.675 - 0.1 * (-1.5 + 0.0625)]),
    # velocities 4, 4, 4 and then -2, 0, 1
    ByHand(rules.aggmo(learning_rate=0.3, beta1=0.0, beta2=0.5, beta3=0.75), [1 - 0.1 * 12, -0.2 - 0.1 * -1]),
    ByHand(rules.signsgd(learning_rate=0.1), [0.9, 1.0]),
    # m stays positive: 1, then 1/4
    ByHand(rules.signum(learning_rate=0.1, momentum=0.75), [0.9, 0.8]),
    # c is 2, then 1/2 * 1 - 1 < 0
    ByHand(
        rules.lion(learning_rate=0.1, beta1=0.5, beta2=0.75, weight_decay=0.5),
        [1 - 0.05 - 0.1, 0.85 - 0.05 * 0.85 + 0.1],
    ),
    # halves and rests at the change of sign, goes on without growing, then grows into its bound
    ByHand(
        rules.rprop(initial_step=0.1, eta_minus=0.5, eta_plus=1.2, min_step=0.01, max_step=0.055),
        [1 - 0.055, 0.945, 0.945 + 0.0275, 0.9725 + 0.033, 1.0055 + 0.0396, 1.0451 + 0.04752, 1.09262 + 0.055],
        [4.0, -2.0, -2.0, -1.0, -3.0, -9.0, -1.0],
    ),
    ByHand(
        rules.adagrad(learning_rate=0.1, epsilon=1.0, initial_accumulator=9.0),
        [1 - 0.4 / (5 + 1), 1 - 0.4 / 6 + 0.2 / (math.sqrt(29) + 1)],
    ),
    ByHand(rules.rmsprop(learning_rate=0.1, rho=0.75, epsilon=1.0), [1 - 0.4 / 3, 1 - 0.4 / 3 + 0.2 / 3]),
    # scaled gradients 4/3 and -2/3, velocities 4/3 and 1 - 2/3
    ByHand(
        rules.rmsprop_momentum(learning_rate=0.1, rho=0.75, momentum=0.75, epsilon=1.0),
        [1 - 0.4 / 3, 1 - 0.4 / 3 - 0.1 / 3],
    ),
    ByHand(
        rules.rmsprop_centered(learning_rate=0.1, rho=0.75, epsilon=1.0),
        [1 - 0.4 / (D1 + 1), 1 - 0.4 / (D1 + 1) + 0.2 / (D2 + 1)],
    ),
    ByHand(
        rules.rmsprop_centered_momentum(learning_rate=0.1, rho=0.75, momentum=0.5, epsilon=1.0),
        [1 - 0.4 / (D1 + 1), 1 - 0.4 / (D1 + 1) - 0.2 / (D1 + 1) + 0.2 / (D2 + 1)],
    ),
    # d is 4 / sqrt(5), delta 0.8, and the second d is -2 sqrt(1.8 / 5) = -1.2
    ByHand(
        rules.adadelta(learning_rate=0.5, rho=0.75, epsilon=1.0),
        [1 - 2 / math.sqrt(5), 1 - 2 / math.sqrt(5) + 0.6],
    ),
    # z = 4 - 8 * 1, of which 3 are beyond l1
    ByHand(
        rules.ftrl(learning_rate=0.5, beta=1.0, l1=1.0, l2=0.5),
        [
            3 / ((1 + 4) / 0.5 + 0.5),
            (4 + 2 + (math.sqrt(20) - 4) / 0.5 * (2 / 7) - 1) / ((1 + math.sqrt(20)) / 0.5 + 0.5),
        ],
    ),
    ByHand(rules.adam(**ADAM), [0.92, 0.92 - 0.1 * SECOND]),
    ByHand(rules.adamw(**ADAM, weight_decay=0.5), [1 - 0.05 - 0.08, 0.87 - 0.05 * 0.87 - 0.1 * SECOND]),
    # the largest gradient so far is 5 with epsilon, and then 3.75, since 3 is less
    ByHand(rules.adamax(**ADAM), [1 - 0.1 * 4 / 5, 0.92 - 0.1 * (4 / 7) / 3.75]),
    # v is 8 and 6, its maximum 8 and 8, corrected 16 and 32/3
    ByHand(rules.amsgrad(**ADAM | {"beta2": 0.5}), [0.92, 0.92 - 0.1 * (4 / 7) / (math.sqrt(32 / 3) + 1)]),
    ByHand(
        rules.nadam(**ADAM, momentum_decay=1.0),
        [1 - 0.1 * AHEAD1 / 5, 1 - 0.1 * AHEAD1 / 5 - 0.1 * AHEAD2 / (math.sqrt(64 / 7) + 1)],
    ),
    # a memory of 4 steps is never long enough to be trusted
    ByHand(rules.radam(**ADAM | {"beta2": 0.5}), [1 - 0.1 * 4, 0.6 - 0.1 * 4 / 7]),
    # surprises 3 and -9/4; s is 13/4 and 301/64, corrected 13 and 43/4
    ByHand(
        rules.adabelief(**ADAM),
        [1 - 0.4 / (math.sqrt(13) + 1), 1 - 0.4 / (math.sqrt(13) + 1) - 0.4 / 7 / (math.sqrt(43 / 4) + 1)],
    ),
    # m is 7/4 and 13/16, corrected 7 and 13/7; v is 5 and 4, corrected 20 and 64/7
    ByHand(
        rules.yogi(**ADAM, initial_accumulator=1.0),
        [1 - 0.7 / (math.sqrt(20) + 1), 1 - 0.7 / (math.sqrt(20) + 1) - 1.3 / 7 / (math.sqrt(64 / 7) + 1)],
    ),
    # m is 1/5 and 3/20 minus half the scaled second gradient
    ByHand(rules.laprop(**ADAM), [0.92, 0.92 - 0.1 * (0.15 - 0.5 / (math.sqrt(64 / 7) + 1)) / (7 / 16)]),
    # m2 is 1/2 and 3/16
    ByHand(
        rules.ademamix(**ADAM, beta3=0.875, alpha=2.0, weight_decay=0.5),
        [1 - 0.05 - 0.1, 0.85 - 0.05 * 0.85 - 0.1 * (4 / 7 + 2 * 3 / 16) / (math.sqrt(64 / 7) + 1)],
    ),
    # the change is 0 and -6, its mean -3, corrected -4; n is 4 and 3 + 25/4, corrected 16 and 148/7
    ByHand(
        rules.adan(**ADAM | {"beta2": 0.5}, beta3=0.75, weight_decay=0.5),
        [1 - 0.05 - 0.08, 0.87 - 0.05 * 0.87 - 0.1 * (4 / 7 - 0.5 * 4) / (math.sqrt(148 / 7) + 1)],
    ),
]


def test_every_rule_was_worked_out_by_hand() -> None:
    assert sorted(case.made.name for case in BY_HAND) == sorted(RULES)


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: case.made.name)
def test_first_steps_by_hand(case: ByHand) -> None:
    thetas = walk(case.made, 1.0, case.gradients)
    np.testing.assert_allclose(thetas, case.expected, rtol=1e-13)


def test_radam_divides_from_its_sixth_step_on() -> None:
    gradients = [3.0] * 7
    steps = -np.diff(walk(rules.radam(learning_rate=0.1), 0.0, gradients), prepend=0.0)
    # On a constant gradient the corrected moments are 3 and 9: a plain step is 0.3, a divided one 0.1 r.
    longest = 2 / 0.001 - 1
    length = np.array([longest - 2 * t * 0.999**t / (1 - 0.999**t) for t in (6, 7)])
    r = np.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
    np.testing.assert_allclose(steps, [*[0.3] * 5, *0.1 * r], rtol=1e-6)


def test_ademamix_warms_its_slow_mean_up() -> None:
    settings = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.0, "alpha": 8.0, "epsilon": 0.0}
    made = rules.ademamix(**settings, beta3=0.984375, warmup=4)
    # Without a memory of squares every ratio is over |g| = 2. ln 0.5 and ln 0.984375 give the share at a = 1/4.
    slow = math.exp(math.log(0.5) * math.log(0.984375) / (0.75 * math.log(0.984375) + 0.25 * math.log(0.5)))
    assert walk(made, 0.0, [2.0])[0] == pytest.approx(-0.1 * (2 + 2 * (1 - slow) * 2) / 2, rel=1e-14)
    # At its end the rule is the one without a warm-up, whatever the memory.
    state, late = np.array([[1.0], [2.0], [3.0]]), rules.ademamix(**settings, beta3=0.984375)
    for t in (4.0, 5.0, 100.0):
        (ours, ours_state), (theirs, theirs_state) = (
            one.step(np.ones(1), np.full(1, 2.0), state, t) for one in (made, late)
        )
        assert (ours == theirs).all()
        assert (ours_state == theirs_state).all()


def test_ademamix_warms_up_without_a_fast_memory() -> None:
    made = rules.ademamix(beta1=0.0, warmup=10)
    assert np.isfinite(walk(made, 1.0, [2.0, -1.0, 0.5])).all()


@pytest.mark.parametrize("made", [rules.rmsprop_centered, rules.rmsprop_centered_momentum], ids=lambda made: made.name)
def test_centred_rmsprop_outlives_a_constant_gradient(made: Rule) -> None:
    # v - m**2 is rounding noise of either sign here; its root would be nan.
    gradients = np.tile(np.linspace(0.1, 3.0, 30), (2000, 1))
    assert np.isfinite(walk(made, np.zeros(30), gradients)).all()


# ---- relations -------------------------------------------------------------------------------------------------

G = np.random.default_rng(7).normal(size=(40, 5)) * [1e-3, 0.1, 1.0, 10.0, 1e3]
AVERAGE = {"learning_rate": 0.1, "momentum": 0.75}
SAME = {
    "momentum is ema_momentum at a higher rate": (
        rules.momentum(**AVERAGE),
        rules.ema_momentum(learning_rate=0.4, momentum=0.75),
    ),
    "momentum without memory is gradient_descent": (
        rules.momentum(learning_rate=0.1, momentum=0.0),
        rules.gradient_descent(learning_rate=0.1),
    ),
    "qhm at nu = 0 is gradient_descent": (rules.qhm(**AVERAGE, nu=0.0), rules.gradient_descent(learning_rate=0.1)),
    "qhm at nu = 1 is ema_momentum": (rules.qhm(**AVERAGE, nu=1.0), rules.ema_momentum(**AVERAGE)),
    "qhm at nu = beta is nesterov at a lower rate": (
        rules.qhm(**AVERAGE, nu=0.75),
        rules.nesterov(learning_rate=0.025, momentum=0.75),
    ),
    "aggmo of equal velocities is momentum": (
        rules.aggmo(learning_rate=0.1, beta1=0.75, beta2=0.75, beta3=0.75),
        rules.momentum(**AVERAGE),
    ),
    "signum without memory is signsgd": (
        rules.signum(learning_rate=0.1, momentum=0.0),
        rules.signsgd(learning_rate=0.1),
    ),
    "lion with one beta is signum": (rules.lion(learning_rate=0.1, beta1=0.75, beta2=0.75), rules.signum(**AVERAGE)),
    "rmsprop_momentum without momentum is rmsprop": (rules.rmsprop_momentum(momentum=0.0), rules.rmsprop),
    "rmsprop_centered_momentum without momentum is rmsprop_centered": (
        rules.rmsprop_centered_momentum(learning_rate=1e-3, rho=0.9, epsilon=1e-8, momentum=0.0),
        rules.rmsprop_centered,
    ),
    "adamw without decay is adam": (rules.adamw(weight_decay=0.0), rules.adam),
    "ademamix without its slow mean is adamw": (
        rules.ademamix(alpha=0.0, weight_decay=0.1),
        rules.adamw(weight_decay=0.1),
    ),
    "laprop without momentum is adam without momentum": (
        rules.laprop(learning_rate=0.1, beta1=0.0),
        rules.adam(learning_rate=0.1, beta1=0.0, epsilon=1e-15),
    ),
    "adan without a weight of the change is adam": (rules.adan(beta1=0.9, beta2=0.0, beta3=0.999), rules.adam),
    "ftrl from 0 without damping is adagrad": (
        rules.ftrl(learning_rate=0.1, beta=0.0),
        rules.adagrad(learning_rate=0.1, epsilon=0.0),
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_two_names_for_one_path(one: Rule, other: Rule) -> None:
    np.testing.assert_allclose(walk(one, np.zeros(5), G), walk(other, np.zeros(5), G), rtol=1e-11, atol=1e-12)


def test_amsgrad_never_raises_a_rate_again() -> None:
    # After one steep gradient both forget it, amsgrad only in the correction.
    gradients = [100.0] + [1.0] * 3000
    ours, adam = (walk(made, 0.0, gradients)[-1] for made in (rules.amsgrad(beta2=0.9), rules.adam(beta2=0.9)))
    assert ours > 5 * adam  # both negative; adam has gone much further


# ---- docstrings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", RULES.values(), ids=RULES)
def test_docstring_says_formula_parameters_conventions_and_paper(made: Rule) -> None:
    text = made.__doc__ or ""
    parts = [".. math::", "Parameters\n", "Conventions\n", "References\n", "Examples\n"]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    parameters = text[places[1] : places[2]]
    documented = {
        name.strip() for line in parameters.splitlines() if " : " in line for name in line.split(" : ")[0].split(",")
    }
    assert documented == set(made.hyperparameters)


@pytest.mark.parametrize("made", RULES.values(), ids=RULES)
def test_docstring_example_prints_five_losses_and_is_true(made: Rule) -> None:
    # Said here and not left to --doctest-modules, which looks for examples in functions and classes only.
    found = doctest.DocTestParser().get_doctest(made.__doc__ or "", {made.name: made}, made.name, None, None)
    assert found.examples[-1].want.count(",") == 4
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(found).attempted == 2
    assert runner.failures == 0


def test_the_chapters_list_every_rule() -> None:
    assert sorted(RULES) == sorted(rules.__all__)
    assert [made.name for made in RULES.values()] == list(RULES)
