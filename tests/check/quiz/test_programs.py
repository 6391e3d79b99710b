from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest

from thalweg.check.catalogue.entries import fitting
from thalweg.check.catalogue.textbook import names as rules
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.quiz.optimizers import askable
from thalweg.check.quiz.programs import NAMES, STYLES, program
from thalweg.check.tape import standard
from thalweg.check.trajectory import distance

# Where a rule starts with memory of another size, or its scalars divide by zero, the program answers as Python does.
DIVIDES = {("radam", "counted-from-zero")}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_right_programs_do_what_the_textbook_does(style, names):
    written = 0
    for rule in rules():
        made = program(Hypothesis(rule), style, names)
        if made is None:  # two names would become one
            continue
        written += 1
        tape = made.fits(standard())
        assert distance(Hypothesis(rule).trajectory(made.numbers, tape), made.play(tape)).residual <= 1e-9, rule
    assert written >= 18


@pytest.mark.parametrize("rule", rules())
def test_wrong_programs_do_what_the_catalogue_does(rule):
    ways = cycle((style, name) for style in STYLES for name in NAMES)
    for entry in fitting(rule):
        if entry.code not in askable(rule) or (rule, entry.code) in DIVIDES:
            continue
        wrong = Hypothesis(rule, (entry.code,))
        made = next(filter(None, (program(wrong, *next(ways)) for _ in range(9))))
        tape = made.fits(standard())
        assert distance(wrong.trajectory(made.numbers, tape), made.play(tape)).residual <= 1e-9, entry.code


def test_counting_wrong_is_written_as_it_is_done():
    late = program(Hypothesis("adam", ("counted-from-zero",)), "class")
    assert late is not None
    assert [line.strip() for line in late.lines[-2:]] == ["self.t += 1", "return theta"]
    often = program(Hypothesis("adam", ("counted-per-array",)), "dictionary")
    assert often is not None
    assert "        state['t'] += 1" in often.lines
    assert program(Hypothesis("adam", ("counted-per-array",)), "class") is None
    assert program(Hypothesis("adam", ("counted-from-two",)), "function") is None


def test_names_never_meet():
    # beta is momentum in a course, and FTRL has a beta; the velocity is called v, and RMSprop has a v.
    assert program(Hypothesis("rmsprop_momentum"), "class", "short") is None
    made = program(Hypothesis("momentum"), "class", "course")
    assert made is not None
    assert "        self.v = self.beta * self.v + dw" in made.lines


def test_a_rate_that_moves_reaches_every_style():
    for style in STYLES:
        made = program(Hypothesis("gradient_descent"), style, "short")
        assert made is not None
        tape = standard() if style == "dictionary" else standard().shaped()
        moves = made.play(tape).moves
        np.testing.assert_allclose(moves, -0.01 * tape.rates[:, None] * tape.gradients, rtol=1e-6, atol=1e-12)
