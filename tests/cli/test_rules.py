from __future__ import annotations

import pytest

from thalweg.formulas import catalog

RULES = list(catalog.rules())


def test_all_rules_are_listed_within_80_columns(thalweg):
    said = thalweg("rules")
    assert (said.status, said.err) == (0, "")
    first = [line.split()[0] for line in said.out.splitlines() if line and not line.startswith(" ")]
    assert set(RULES) <= set(first)
    assert max(len(line) for line in said.out.splitlines()) <= 80


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_printed_in_full(thalweg, name):
    said = thalweg("rules", name)
    rule = catalog.find("rule", name)
    assert said.status == 0
    for title in ("Formula", "Hyperparameters", "Conventions", "References", "Native loop (float64)"):
        assert f"\n{title}\n" in said.out
    for number, value in rule.hyperparameters.items():
        assert f"{number} = {value!r}" in said.out
    for line in rule.source().splitlines():
        assert line in said.out
    formula = said.out.partition("\nFormula\n")[2].partition("\nHyperparameters\n")[0]
    assert rule.text.splitlines()[-1].strip() in formula
    assert '"""' not in formula
    prose = said.out.partition("\nFormula\n")[0] + said.out.partition("\nConventions\n")[2].partition("\nNative")[0]
    assert "\\" not in prose
    assert ":math:" not in prose
    assert max(len(line) for line in prose.splitlines()) <= 80


def test_numbers_and_type_can_be_asked_for(thalweg):
    assert "beta1 = 0.5" in thalweg("rules", "adam:beta1=0.5").out
    assert "np.float32(beta1)" in thalweg("rules", "adam", "--dtype", "float32").out


def test_the_cost_of_sparse_rows_is_told(thalweg):
    assert "On sparse rows\n  An update touches the weights" in thalweg("rules", "adagrad").out
    assert "On sparse rows\n  An update moves weights whose columns do not occur" in thalweg("rules", "adam").out
    assert "An update moves" in thalweg("rules", "adagrad:epsilon=0").out  # 0 / 0 at a weight that was never touched


def test_a_rule_of_the_users_own_is_printed_in_full(thalweg, folder):
    (folder / "mine.py").write_text(
        "import numpy as np\nfrom thalweg import rule\n\n"
        "@rule\ndef slow(theta, g, t, *, learning_rate=0.5):\n    return theta - learning_rate * np.sign(g) / t\n"
    )
    out = thalweg("rules", "mine.py:slow").out
    assert "A rule without a description." in out
    assert "learning_rate = 0.5" in out
    assert thalweg("rules", "mine.py").out == out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("adm", "did you mean 'adam'?"),
        ("adam:beta3=1", "'beta3' is not one of its hyperparameters; did you mean 'beta2'?"),
    ],
)
def test_a_typo_is_answered(thalweg, name, words):
    said = thalweg("rules", name)
    assert (said.status, said.out) == (4, "")
    assert words in said.err
