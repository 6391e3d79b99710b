from __future__ import annotations

import pytest

from thalweg.errors import SettingError
from thalweg.formulas import activations, catalog, losses, penalties, rules, schedules
from thalweg.formulas.formula import Formula
from thalweg.formulas.surfaces import Surface

LISTS = {
    "rule": (catalog.rules, rules.__all__),
    "loss": (catalog.losses, [name for name in losses.__all__ if name != "ALIASES"]),
    "penalty": (catalog.penalties, penalties.__all__),
    "activation": (catalog.activations, activations.__all__),
    "schedule": (catalog.schedules, schedules.__all__),
    "surface": (catalog.surfaces, ["beale", "himmelblau", "quadratic", "rastrigin", "rosenbrock", "saddle"]),
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_catalog_lists_all_that_its_module_makes_public(kind):
    listed, public = LISTS[kind]
    assert list(listed()) == sorted(public)


@pytest.mark.parametrize("kind", LISTS)
def test_every_listed_name_finds_the_formula_of_that_name(kind):
    listed, _ = LISTS[kind]
    for name, formula in listed().items():
        assert isinstance(formula, Surface if kind == "surface" else Formula)
        assert catalog.find(kind, name).name == formula.name
        assert formula.name.startswith(name)  # quadratic(100) says which of its family it is


@pytest.mark.parametrize(
    ("kind", "word", "name"),
    [
        ("rule", "sgd", "gradient_descent"),
        ("loss", "squared_error", "squared"),
        ("loss", "log_loss", "log"),
        ("loss", "pinball", "quantile"),
        ("penalty", "elasticnet", "elastic_net"),
        ("activation", "sigmoid", "logistic"),
    ],
)
def test_the_words_of_scikit_learn_and_of_speech_are_understood(kind, word, name):
    assert catalog.find(kind, word).name == name


def test_what_is_found_is_the_declaration_itself():
    assert catalog.find("rule", "adam") is rules.adam


@pytest.mark.parametrize(
    ("kind", "word", "meant"),
    [
        ("rule", "adm", "'adam'"),
        ("loss", "squared_eror", "'squared' (squared_error)"),
        ("loss", "logloss", "'log' (log_loss)"),
        ("loss", "huberr", "'huber'"),
        ("activation", "reul", "'relu'"),
        ("schedule", "cosin", "'cosine'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(kind, word, meant):
    with pytest.raises(SettingError) as caught:
        catalog.find(kind, word, "the_parameter")
    assert caught.value.code == "SETTING-UNKNOWN"
    assert caught.value.where == "the_parameter"
    assert f"unknown '{word}'; did you mean {meant}?" in str(caught.value)


@pytest.mark.parametrize("word", ["adm", "zzz"])
@pytest.mark.parametrize("kind", ["rule", "loss", "penalty", "activation", "schedule", "surface"])
def test_the_answer_to_an_unknown_name_fits_a_terminal(kind, word):
    with pytest.raises(SettingError) as caught:
        catalog.find(kind, word)
    lines = str(caught.value).splitlines()
    assert max(map(len, lines)) <= 80
    assert 2 <= len(lines) <= 5
    assert ("thalweg rules" in lines[-1]) is (kind == "rule")


def test_of_the_many_rules_those_of_a_similar_name_are_listed():
    with pytest.raises(SettingError, match=r"Names like it: adamw, .*adam"):
        catalog.find("rule", "adamww")


def test_a_name_like_no_other_is_answered_with_the_list():
    with pytest.raises(SettingError) as caught:
        catalog.find("penalty", "zzz")
    assert "did you mean" not in str(caught.value)
    assert "There are: elastic_net, l1, l2." in str(caught.value)


def test_a_formula_resolves_to_itself_and_a_wrong_kind_is_named():
    mine = rules.adam(learning_rate=0.5)
    assert catalog.resolve("rule", mine) is mine
    with pytest.raises(SettingError, match="optimizer: must be a rule or its name, got the loss squared"):
        catalog.resolve("rule", losses.squared, "optimizer")
    with pytest.raises(SettingError, match="must be a rule or its name, got int 3"):
        catalog.resolve("rule", 3)


def test_a_plain_function_is_told_which_decorator_it_lacks():
    def mine(theta, g, t):
        return theta - g

    with pytest.raises(SettingError, match="Write @rule above its def"):
        catalog.resolve("rule", mine, "optimizer")
