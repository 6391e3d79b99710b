"""Every check of every golden file, at its own tolerance, by the project's own code."""

from __future__ import annotations

import pytest
from tests.golden import FOLDER, Answer, airfoil, check, classifier, find, load, mistaken, one_weight, sine, ten_points

ANSWERS = ten_points.ANSWERS | airfoil.ANSWERS | classifier.ANSWERS | sine.ANSWERS | one_weight.ANSWERS
# Rules alone, on given gradients, stand beside the rules: in tests/formulas/test_rules.py.
OF_RULES = {"s000_update_rules", "s001_update_rules", "s002_update_rules", "s002_adam_step_ratio"}

IDENTIFIERS = sorted(path.stem for path in FOLDER.glob("*.json"))
CHECKS = [(name, entry["name"]) for name in IDENTIFIERS if name not in OF_RULES for entry in load(name)["checks"]]

# What the right method, or the other convention, must not give.
DIFFERENT: dict[str, Answer] = {
    "s001_gd": airfoil.after_update(airfoil.natively),
    "s001_gd_exact": airfoil.after_update(airfoil.by_differences),
    "s001_seeded_sgd": airfoil.seeded_exactly,
    "s001_seeded_momentum": airfoil.seeded_exactly,
    "s002_moons_adam": classifier.on_moons("adam_as_printed"),
    "s002_moons_adam_as_printed": classifier.on_moons("adam"),
}
MISTAKEN = [
    (name, entry["name"])
    for name in DIFFERENT
    for entry in load(name)["checks"]
    if entry["compare"] == "close" and not entry["name"].endswith("accuracy")  # which counts, and may agree
]


def test_every_file_is_answered() -> None:
    assert sorted(ANSWERS.keys() | OF_RULES) == IDENTIFIERS


def test_the_files_are_those_of_the_shared_folder() -> None:
    shared = FOLDER.parents[2] / "shared" / "golden"
    if not shared.is_dir():
        pytest.skip("there is no ../shared/golden")
    theirs = {path.stem: path.read_bytes() for path in shared.glob("*.json")}
    assert {name: (FOLDER / f"{name}.json").read_bytes() for name in IDENTIFIERS} == theirs


@pytest.mark.parametrize(("identifier", "name"), CHECKS, ids=lambda part: part)
def test_golden_value(identifier: str, name: str) -> None:
    golden = load(identifier)
    entry = find(golden, name)
    check(entry, ANSWERS[identifier](golden, entry))


@pytest.mark.parametrize(("identifier", "name"), MISTAKEN, ids=lambda part: part)
def test_other_convention_misses_the_value(identifier: str, name: str) -> None:
    golden = load(identifier)
    entry = find(golden, name)
    check(mistaken(entry), DIFFERENT[identifier](golden, entry))


@pytest.mark.parametrize("entry", load("s001_gd_exact")["checks"], ids=lambda entry: entry["name"])
def test_second_moments_give_the_same_descent(entry: dict[str, object]) -> None:
    golden = load("s001_gd_exact")
    check(entry, airfoil.after_update(airfoil.from_moments)(golden, entry))


def test_adagrad_with_epsilon_outside_the_root_misses_the_seeds_step() -> None:
    golden = load("s001_first_step_adagrad")
    entry = find(golden, "total_loss")
    check(mistaken(entry), airfoil.outside_the_root(golden, entry))
