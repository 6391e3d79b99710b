# ruff: noqa: S311 - no secrets
from __future__ import annotations

import random

import pytest

from thalweg.check.gradients import check_gradient
from thalweg.check.quiz.backpropagation import NETWORKS, PLANTS, _built, of_backpropagation
from thalweg.check.quiz.languages import LANGUAGES


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_are_right(name):
    called, params = _built(NETWORKS[name])
    assert check_gradient(called, None, params).verdict == "right"
    assert max(len(line) for line in NETWORKS[name].splitlines()) <= 74


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.network}-{plant.name}")
def test_every_mistake_is_what_it_says(plant):
    assert NETWORKS[plant.network].count(plant.right) == 1
    question = of_backpropagation(random.Random(1), plant)
    assert question is not None
    (place,) = question.wrong_lines
    assert plant.wrong.splitlines()[0] in question.lines[place - 1]
    assert len(set(question.choices)) == 4
    assert str(question.effect).startswith("d")  # the gradients that differ


def test_what_does_not_show_is_not_asked_about():
    plant = PLANTS[0]
    same = type(plant)("mean-missing", "rows", "dZ2 = (P - Y) / m", "dZ2 = (P - Y) * (1 / m)", "missing_1_m")
    assert of_backpropagation(random.Random(1), same) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mistake_is_told_in_every_language(language):
    texts = LANGUAGES[language].texts
    assert set(texts) == {plant.name for plant in PLANTS}
    assert len({text.title for text in texts.values()}) == len(texts)
