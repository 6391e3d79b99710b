"""What is computed once for many hypotheses is what each of them computes by itself."""

import random

import numpy as np
import pytest

from thalweg.check import sharing
from thalweg.check.catalogue.entries import fitting
from thalweg.check.catalogue.textbook import names
from thalweg.check.hypothesis import Hypothesis, shared_play
from thalweg.check.numbers import Evidence
from thalweg.check.tape import EQUAL_SHAPES, standard

TAPE = standard().shaped(*EQUAL_SHAPES)
DRAW = random.Random(4)  # noqa: S311 - no secret
EVERY = [h for rule in names() for entry in fitting(rule) for h in Hypothesis(rule, (entry.code,)).extended()[:8]]
SOME = DRAW.sample(EVERY, 120)
COLUMNS = {"beta1": np.array([[0.9], [0.5]]), "learning_rate": np.array([[0.1], [0.2]])}


@pytest.mark.parametrize("most", [sharing.MOST_BYTES, 5_000], ids=["kept", "forgotten"])
@pytest.mark.parametrize(
    "numbers", [{}, {"learning_rate": 0.02, "epsilon": 1e-4}, COLUMNS], ids=["usual", "own", "many"]
)
def test_shared_lines_have_the_same_bits(monkeypatch, numbers, most):
    monkeypatch.setattr(sharing, "MOST_BYTES", most)
    shared = shared_play(TAPE)
    for hypothesis in SOME:
        alone, together = hypothesis.moves(numbers, TAPE, 6), hypothesis.moves(numbers, TAPE, 6, shared)
        np.testing.assert_array_equal(together, alone, err_msg=str(hypothesis))


def test_a_glance_is_the_disagreement_on_two_steps():
    known = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6, "momentum": 0.7, "rho": 0.9}
    evidence = Evidence(Hypothesis("adam", ("second-not-corrected",)).trajectory(known, TAPE), TAPE, known)
    sure = [h for h in SOME if not evidence.split(h)[1]]
    assert len(sure) > 30
    alone = [evidence.fit(h, evidence.split(h)[0], 2).disagreement for h in sure]
    assert evidence.glances(sure) == pytest.approx(alone)


@pytest.mark.parametrize("known", [{}, {"beta2": 0.999}, {"learning_rate": 0.02}])
def test_a_glance_sees_usual_numbers_that_are_not_known(known):
    planted = Hypothesis("adam", ("second-not-corrected", "uphill"))
    evidence = Evidence(planted.trajectory({"learning_rate": 0.02, "beta1": 0.95}, TAPE), TAPE, known)
    glances = evidence.glances([planted, *SOME])
    assert glances[0] <= 1e-6 < min(glances[1:])
