from __future__ import annotations

import pytest

from thalweg.cli.formula_names import formula, formulas
from thalweg.errors import FormulaError, SettingError, StorageError
from thalweg.formulas import catalog
from thalweg.formulas.rules import adam, gradient_descent, momentum

MINE = """
import numpy as np
from thalweg import activation, loss, penalty, rule, schedule

@rule
def slow(theta, g, t, *, learning_rate=0.5):
    return theta - learning_rate * g / t

@rule
def heavy(theta, g, t, v, *, learning_rate=0.5, momentum=0.9):
    v = momentum * v + g
    return theta - learning_rate * v, v

@loss
def fourth(y, z):
    r = z - y
    return r * r * r * r, 4 * r * r * r

def plain(theta, g, t):
    return theta - g
"""


@pytest.fixture
def mine(folder):
    (folder / "mine.py").write_text(MINE)
    return folder / "mine.py"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adam", adam),
        ("sgd", gradient_descent),
        ("adam:beta1=0.5", adam(beta1=0.5)),
        ("adam:beta1=0.5,epsilon=1e-3", adam(beta1=0.5, epsilon=1e-3)),
        (" adam : beta1 = 0.5 ", adam(beta1=0.5)),
    ],
)
def test_a_rule_is_named_with_its_numbers(text, expected):
    assert formula("rule", text, "--optimizer") == expected


def test_several_values_are_divided_by_slashes():
    multi_step = catalog.find("schedule", "multi_step")
    assert formula("schedule", "multi_step:milestones=10/20.5,gamma=0.5", "--schedule") == multi_step(
        milestones=(10, 20.5), gamma=0.5
    )


def test_several_rules_are_named_as_tables_show_them():
    found = formulas("rule", "momentum, adam:beta1=0.5,beta2=0.9,adam", "--optimizers")
    assert found == {"momentum": momentum, "adam(beta1=0.5,beta2=0.9)": adam(beta1=0.5, beta2=0.9), "adam": adam}


def test_formulas_of_the_users_own_are_found_in_their_file(mine):
    assert formula("rule", "mine.py:slow", "--optimizer").name == "slow"
    assert formula("rule", "mine.py:heavy:momentum=0.5", "--optimizer").momentum == 0.5
    assert formula("rule", f"{mine}:slow", "--optimizer").name == "slow"
    assert formula("loss", "mine.py:fourth", "--loss").name == "fourth"
    assert formula("loss", "mine.py", "--loss").name == "fourth"  # the only one


def test_two_files_with_a_rule_of_one_name_are_told_apart(folder, mine):
    (folder / "other.py").write_text(MINE.replace("g / t", "g * t"))
    found = formulas("rule", "mine.py:slow,other.py:slow", "--optimizers")
    assert list(found) == ["slow", "other.py:slow"]
    assert found["slow"] != found["other.py:slow"]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("mine.py:slov", SettingError, "has no rule 'slov'\n  It has: slow, heavy. Did you mean 'slow'?"),
        ("mine.py:fourth", SettingError, "must be a rule or its name, got the loss fourth"),
        ("mine.py:plain", SettingError, "Write @rule above its def."),
        ("mine.py:np", SettingError, "must be a rule"),
        ("mine.py", SettingError, "which rule of mine.py?\n  It has: slow, heavy."),
        ("empty.py", SettingError, "It has none: write @rule above a def."),
        ("no.py:slow", StorageError, "there is no such file"),
        ("broken.py:slow", FormulaError, "broken.py, line 2: is not Python"),
        ("raises.py:slow", FormulaError, "raises.py, line 3: the file stops with ZeroDivisionError: division by zero"),
        ("leaves.py:slow", FormulaError, "leaves.py, line 2: the file stops with SystemExit: 0"),
        ("wrong.py:branch", FormulaError, "line 5"),
    ],
)
def test_a_file_that_cannot_be_used_is_answered_with_its_line(folder, mine, text, kind, words):
    (folder / "empty.py").touch()
    (folder / "broken.py").write_text("x = 1\nx = = 2\n")
    (folder / "raises.py").write_text("def f():\n\n    return 1 / 0\nf()\n")
    (folder / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    (folder / "wrong.py").write_text(
        "from thalweg import rule\n\n@rule\ndef branch(theta, g, t, *, learning_rate=0.1):\n"
        "    if g > 0:\n        return theta\n    return theta - learning_rate * g\n"
    )
    with pytest.raises(kind) as caught:
        formula("rule", text, "--optimizer")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 6


def test_a_model_with_an_activation_of_the_users_own_is_refused_before_training(thalweg, folder):
    (folder / "mine.py").write_text(
        "import numpy as np\nfrom thalweg import activation\n\n"
        "@activation\ndef bent(z):\n    a = z + z * z\n    return a, 1 + 2 * z\n"
    )
    said = thalweg("train", "dataset:moons", "--model", "mlp:4", "--activation", "mine.py:bent")
    assert (said.status, "error[MODEL-FORMULA]" in said.err) == (4, True), said.err
    said = thalweg(
        "compare",
        "dataset:moons",
        "--model",
        "mlp:4",
        "--activation",
        "mine.py:bent",
        "--optimizers",
        "adam",
        "--epochs",
        "1",
    )
    assert said.status == 0, said.err


def test_a_rule_and_a_loss_of_the_users_own_train_and_predict(thalweg, mine):
    said = thalweg(
        "train", "dataset:diabetes", "--optimizer", "mine.py:heavy:momentum=0.5", "--lr", "0.002",
        "--loss", "mine.py:fourth", "--epochs", "20",
    )  # fmt: skip
    assert said.status == 0, said.err
    assert "heavy(learning_rate=0.002, momentum=0.5)" in said.out
    assert thalweg("predict", "model.thalweg", "dataset:diabetes").status == 0
