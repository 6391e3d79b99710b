# ruff: noqa: S311 - no secrets
from __future__ import annotations

import random
from itertools import islice

import pytest
from tests.check.quiz.running import numbers, run

from thalweg.check.catalogue.entries import entries
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.quiz.optimizers import askable, behaves, of_optimizer, rules_of
from thalweg.check.quiz.programs import NAMES, STYLES, WIDTH, program
from thalweg.check.quiz.question import Question
from thalweg.check.quiz.rounds import questions
from thalweg.check.search import explain
from thalweg.check.trajectory import distance


def is_as_it_says(question: Question) -> None:
    """The doctor finds the mistake in the program that is shown, and none in the mended one."""
    told = {"lr": "learning_rate", "alpha": "learning_rate", "eps": "epsilon", "mu": "momentum", "beta": "momentum"}
    own = Hypothesis(question.subject).numbers
    given = numbers(question.lines)
    known = {name if name in own else told.get(name, name): value for name, value in given.items()}
    played, tape = run(question.lines)
    verdict = explain(played, tape, known, question.subject)
    assert verdict.kind == "wrong"
    assert verdict.codes == {question.code} or (question.subject, question.code) in verdict.equivalent
    mended, _ = run(question.mended)
    right = explain(mended, tape, known, question.subject)
    assert (right.kind, right.rule, right.codes) == ("right", question.subject, frozenset())
    assert distance(mended, played).residual > 1e-6


@pytest.mark.parametrize("level", [1, 2, 3])
def test_questions_are_about_mistakes_that_show(level):
    for question in islice(questions(100 + level, level=level, about="optimizers"), 6):
        is_as_it_says(question)
        assert len(question.choices) == len({entries()[code].title for code in question.choices}) == 4
        assert question.code in question.choices
        assert max(map(len, question.lines)) <= WIDTH
        assert question.wrong_lines
        for place in question.wrong_lines:
            assert question.mark(str(place)).right
        changed = {line.strip() for line in question.lines} - {line.strip() for line in question.mended}
        assert changed <= {question.lines[place - 1].strip() for place in question.wrong_lines}


@pytest.mark.deep
@pytest.mark.parametrize("rule", rules_of(3))
def test_every_question_there_can_be_is_about_a_mistake_that_shows(rule):
    asked = 0
    for code in askable(rule):
        for style in STYLES:
            for name in NAMES:
                made = program(Hypothesis(rule, (code,)), style, name)
                if made is None or behaves(made, code) is None:
                    continue
                asked += 1
                mended = program(Hypothesis(rule), style, name)
                assert mended is not None
                if all(start == 0 for start in made.starts):
                    is_as_it_says(Question("optimizer", rule, code, made.lines, mended.lines, (code,), ""))
    assert asked


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("adabelief", "epsilon-missing"),  # 1e-16 beside the tape's smallest root
        ("laprop", "averages-first"),  # is Adam
        ("radam", "counted-from-zero"),  # stops with a division by zero
    ],
)
def test_mistakes_that_do_not_show_as_such_are_not_asked_about(rule, code):
    assert code in askable(rule)
    assert of_optimizer(random.Random(0), rule, code, 3) is None


def test_findings_that_are_part_of_the_truth_are_not_offered():
    for seed in range(4):
        question = of_optimizer(random.Random(seed), "adam", "not-corrected", 1)
        assert question is not None
        assert not {"first-not-corrected", "second-not-corrected"} & set(question.choices)
    for seed in range(4):
        question = of_optimizer(random.Random(seed), "adagrad", "squares-not-kept", 1)
        assert question is not None
        assert "state-made-anew" not in question.choices  # the same thing
