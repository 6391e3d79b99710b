# ruff: noqa: RUF001 - Chinese has marks of its own
from __future__ import annotations

import string
from dataclasses import fields
from itertools import islice

import pytest

from thalweg.check.quiz.languages import LANGUAGES, effect_of, text_of
from thalweg.check.quiz.optimizers import EASY, askable
from thalweg.check.quiz.question import Question
from thalweg.check.quiz.rounds import questions


def test_a_seed_asks_the_same_again_and_another_does_not():
    def asked(seed: int) -> list[Question]:
        return list(islice(questions(seed, level=2, about="optimizers"), 3))

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)


def test_each_third_question_is_about_a_network_unless_told_otherwise():
    kinds = [question.kind for question in islice(questions(5), 4)]
    assert kinds == ["optimizer", "optimizer", "backpropagation", "optimizer"]
    assert {question.kind for question in islice(questions(5, about="backpropagation"), 2)} == {"backpropagation"}
    assert {question.kind for question in islice(questions(5, about="optimizers"), 3)} == {"optimizer"}


def test_none_is_asked_twice_and_a_rule_keeps_to_itself():
    asked = list(questions(3, rule="momentum"))
    assert {question.subject for question in asked} == {"momentum"}
    codes = [question.code for question in asked]
    assert len(set(codes)) == len(codes)
    assert set(codes) == set(askable("momentum"))


def test_the_first_level_is_written_as_papers_do():
    for question in islice(questions(8, about="optimizers"), 4):
        assert question.subject in EASY
        assert any("theta" in line for line in question.lines)


@pytest.mark.parametrize("answer", ["2", "4", "line 2", "Zeile 4", "d", "D", "d)", "2 d", "第2行"])
def test_right_answers(answer):
    assert made().mark(answer).right


@pytest.mark.parametrize("answer", ["3", "a", "2 a", "d 3", "2 3"])
def test_wrong_answers(answer):
    mark = made().mark(answer)
    assert mark.understood
    assert not mark.right


@pytest.mark.parametrize("answer", ["", "?", "e", "77", "0", "what is this", "99999999999999999999"])
def test_answers_that_say_nothing(answer):
    mark = made().mark(answer)
    assert not mark.understood
    assert not mark.right


def test_letters_count_only_where_they_are_offered():
    assert not made().mark("d", letters=False).understood
    assert made().mark("d 2", letters=False).right


def made() -> Question:
    lines = ("def f(w, g, v):", "    old = v", "    v = v + g", "    w = w - old", "    return w, v")
    mended = ("def f(w, g, v):", "    v = v + g", "    w = w - v", "    return w, v")
    return Question("optimizer", "momentum", "velocity-late", lines, mended, ("x", "y", "z", "velocity-late"), "")


def test_a_line_that_is_missing_is_found_beside_the_gap():
    question = Question("optimizer", "r", "c", ("a", "b", "d"), ("a", "b", "c", "d"), ("c",), "")
    assert question.wrong_lines == (2, 3)
    assert question.difference == ("+ c",)
    moved = Question("optimizer", "r", "c", ("for", "    x", "    y"), ("for", "    x", "y"), ("c",), "")
    assert moved.difference == ("-     y", "+ y")
    assert made().difference == ("- old = v", "- w = w - old", "+ w = w - v")


def test_phrases_have_the_same_gaps_in_all_languages():
    def gaps(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = LANGUAGES["en"]
    for phrases in LANGUAGES.values():
        for field in fields(phrases):
            said, wanted = getattr(phrases, field.name), getattr(english, field.name)
            if isinstance(said, str):
                assert gaps(said) == gaps(wanted), field.name


def test_findings_of_the_catalogue_have_a_text_in_every_language():
    question = next(questions(7, rule="adam"))
    for code in question.choices:
        english, chinese = (text_of(code, question, language) for language in ("en", "zh"))
        assert english.title.isascii()
        assert not chinese.title.isascii()
        assert not chinese.explanation.isascii()
    assert effect_of(question, "en").isascii()
    assert not effect_of(question, "zh").replace("影响：", "").replace("。", "").isascii()
