"""The same method in the words of other libraries: every call that is given is made, played, and does the same."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from thalweg.check.catalogue.entries import fitting
from thalweg.check.catalogue.textbook import names
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.mapping import elsewhere
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.tape import standard
from thalweg.check.trajectory import distance

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

NUMBERS = {
    "learning_rate": 0.02, "momentum": 0.8, "beta1": 0.85, "beta2": 0.95, "rho": 0.93, "epsilon": 3e-5,
    "weight_decay": 0.03, "epsilon_root": 2e-6, "dampening": 0.3, "l1": 0.01, "l2": 0.04, "shrinkage": 0.05,
    "power": 0.4, "initial_step": 0.02,
}  # fmt: skip


def right_forms() -> list[Hypothesis]:
    """Every rule, with each of its conventions and each two of them that go together."""
    found = []
    for rule in names():
        codes = [entry.code for entry in fitting(rule) if entry.kind == "convention"]
        pairs = [(a, b) for k, a in enumerate(codes) for b in codes[:k]]
        made = [Hypothesis(rule), *(Hypothesis(rule, (code,)) for code in codes)]
        found += made + [pair for codes in pairs if (pair := combined(rule, codes)) is not None]
    return found


def numbers_of(hypothesis: Hypothesis) -> dict[str, float]:
    numbers = {name: NUMBERS.get(name, value) for name, value in hypothesis.numbers.items()}
    if hypothesis.rule == "adan" and not hypothesis.codes:
        numbers["beta2"] = 0.5  # where Optax and the paper agree
    return numbers


def made(call: str) -> Any:
    import keras
    import optax
    import sklearn.linear_model
    import sklearn.neural_network
    import torch

    tree = ast.parse(call, mode="eval")
    if call.startswith("torch."):
        assert isinstance(tree.body, ast.Call)
        tree.body.args.insert(0, ast.parse("[torch.nn.Parameter(torch.zeros(2))]", mode="eval").body)
        ast.fix_missing_locations(tree)
    known = {"torch": torch, "optax": optax, "keras": keras}
    known |= {name: getattr(sklearn.neural_network, name) for name in ("MLPRegressor", "MLPClassifier")}
    known |= {name: getattr(sklearn.linear_model, name) for name in ("SGDRegressor", "SGDClassifier")}
    return eval(compile(tree, "<mapping>", "eval"), known)  # noqa: S307 - our own text


def given() -> list[tuple[Hypothesis, str, str]]:
    forms = [h for h in right_forms() if h.rule not in ("qhm", "aggmo")]
    return [(h, library, call) for h in forms for library, call in elsewhere(h, numbers_of(h)).items()]


@pytest.mark.parametrize("library", ["torch", "optax", "keras", "sklearn"])
def test_every_call_that_is_given_does_the_same(library: str) -> None:
    # Keras counts in float32 here, for which the distances allow.
    tape, apart = standard().steady(), []
    for hypothesis, _, call in (one for one in given() if one[1] == library):
        subject = live(made(call))
        assert subject is not None, call
        path = subject.play(tape)
        tolerance = 1e-6 if path.unit < 1e-12 else 5e-3
        residual = distance(hypothesis.trajectory(numbers_of(hypothesis), tape), path).residual
        if not residual <= tolerance:
            apart.append(f"{hypothesis.rule} {hypothesis.codes}: {call} is {residual:.1e} away")
    assert apart == []


def test_calls_that_hold_while_the_rate_is_constant_say_so_and_the_others_hold_when_it_moves() -> None:
    tape = standard()
    for hypothesis, library, call in given():
        if library in ("torch", "optax"):
            subject = live(made(call))
            assert subject is not None
            if not subject.moves_rate:
                continue
            path = subject.play(tape)
            far = distance(hypothesis.trajectory(numbers_of(hypothesis), tape), path).residual
            assert (far <= 1e-6) == ("while the rate is constant" not in call), call


def test_every_rule_of_a_library_has_its_call() -> None:
    told = {(hypothesis.rule, library) for hypothesis, library, _ in given()}
    assert {rule for rule, _ in told} == set(names()) - {"qhm", "aggmo"}
    assert sum(library == "torch" for _, library in told) >= 15
    assert sum(library == "optax" for _, library in told) >= 20
    assert sum(library == "keras" for _, library in told) >= 14
