from __future__ import annotations

import shlex

import pytest

from thalweg.comparison.command import changed

COMMAND = "thalweg compare 'my houses.csv' --seeds 3 --target 'a \"price\"' --learning-rates=0.1,0.2"


def test_an_option_is_replaced_where_it_stands():
    words = shlex.split(changed(COMMAND, seeds="10"))
    assert words == shlex.split(COMMAND.replace("--seeds 3", "--seeds 10"))


def test_an_option_with_an_equals_sign_is_replaced():
    words = shlex.split(changed(COMMAND, learning_rates="0.1,0.2,0.4"))
    assert words[-2:] == ["--learning-rates", "0.1,0.2,0.4"]
    assert not any(word.startswith("--learning-rates=") for word in words)


def test_a_new_option_goes_to_the_end():
    assert changed(COMMAND, epochs="7").endswith(" --epochs 7")


def test_an_option_given_twice_is_given_once():
    assert changed("thalweg compare t.csv --seeds 1 --target y --seeds 2", seeds="3") == (
        "thalweg compare t.csv --seeds 3 --target y"
    )


def test_an_option_is_taken_away_with_its_value():
    assert (
        changed("thalweg compare t.csv --time-limit 3 --target y", time_limit=None)
        == "thalweg compare t.csv --target y"
    )
    assert changed("thalweg compare t.csv --target y", time_limit=None) == "thalweg compare t.csv --target y"


def test_names_of_options_are_not_mixed_up():
    assert changed("thalweg compare t.csv --seed 7", seeds="3") == "thalweg compare t.csv --seed 7 --seeds 3"


@pytest.mark.parametrize(
    ("options", "call"),
    [
        ({"seeds": "5"}, "thalweg.compare(X, y, seeds=5, model='mlp:16')"),
        ({"learning_rates": "0.1,0.2"}, "thalweg.compare(X, y, seeds=1, model='mlp:16', learning_rates=[0.1, 0.2])"),
        ({"learning_rates": "auto"}, "thalweg.compare(X, y, seeds=1, model='mlp:16', learning_rates='auto')"),
        ({"seeds": None}, "thalweg.compare(X, y, model='mlp:16')"),
    ],
)
def test_a_call_in_python_stays_one(options, call):
    assert changed("thalweg.compare(X, y, seeds=1, model='mlp:16')", **options) == call


def test_a_command_with_an_open_quote_is_still_answered():
    assert changed("thalweg compare it's.csv", seeds="3").endswith("--seeds 3")
