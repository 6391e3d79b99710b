from __future__ import annotations

import json
import re

import pytest

from thalweg.comparison.range_test import suggest
from thalweg.descent.settings import Settings
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam

QUICK = ("--epochs", "5", "--seeds", "2")


def suggested(out: str) -> float:
    return float(re.search(r"at a learning rate of\s+(\S+),", out)[1])


def test_a_rate_is_suggested_in_words_below_a_table_that_fits_into_80_columns(thalweg, houses):
    said = thalweg("range", houses, "--target", "price", "--epochs", "30")
    assert said.status == 0, said.err
    assert all(len(line) <= 80 for line in said.out.splitlines())
    words = " ".join(said.out.split())
    assert (
        f"Train adam at a learning rate of {suggested(said.out):g}, for 30 epochs (60 updates, batches of 32)." in words
    )
    assert re.search(r"Over 10 seeds, rates from \S+ to \S+ cannot be told from it\.|the rates tried next to it", words)
    assert "loss squared, target standardised, on rows held out" in words
    (best,) = [line for line in said.out.splitlines() if line.startswith("*")]
    assert float(best.split()[1]) == suggested(said.out)
    assert "█" * 24 in best
    assert "rows: 36 train, 12 validation, 12 test" in said.err


def test_training_at_the_suggested_rate_beats_training_a_hundred_times_beside_it(thalweg, folder):
    rate = suggested(thalweg("range", "dataset:diabetes", "--epochs", "20").out)
    found = []
    for factor in (0.01, 1, 100):
        said = thalweg("train", "dataset:diabetes", "--epochs", "20", "--lr", rate * factor)
        assert said.status == 0, said.err
        found.append(json.loads((folder / "model.json").read_text())["validation_losses"][-1])
    assert found[1] < 0.9 * min(found[0], found[2])


def test_only_the_training_part_is_looked_at(thalweg, folder, monkeypatch):
    seen = []

    def spy(model, rows, settings, **options):
        seen.append((rows.count, options))
        return suggest(model, rows, settings, **options)

    monkeypatch.setattr("thalweg.comparison.range_test.suggest", spy)
    assert thalweg("range", "dataset:diabetes", *QUICK, "--seed", "3", "--updates", "20").status == 0
    ((count, options),) = seen
    assert count == 266
    assert (options["seeds"], options["updates"], options["random_state"]) == (2, 20, 3)
    assert options["feature_names"][:2] == ("age", "sex")


def test_the_file_holds_the_suggestion_and_the_losses_at_all_rates(thalweg, folder):
    command = ("range", "dataset:diabetes", *QUICK, "--optimizer", "momentum:momentum=0.5", "--output", "found.json")
    said = thalweg(*command)
    assert said.status == 0, said.err
    assert "left in found.json" in said.out
    text = (folder / "found.json").read_bytes()
    data = json.loads(text)
    assert data["range"]["learning_rate"] == suggested(said.out)
    assert len(data["range"]["curve"]["rates"]) == len(data["range"]["curve"]["means"]) >= 49
    assert data["range"]["limit"]["name"] == "momentum"
    assert data["settings"]["optimizer"]["momentum"] == 0.5
    assert data["data"]["rows"]["train"] == 266
    thalweg(*command)
    assert (folder / "found.json").read_bytes() == text
    assert [file.name for file in folder.iterdir()] == ["found.json"]


def test_without_an_output_no_file_is_left(thalweg, folder):
    assert thalweg("range", "dataset:iris", *QUICK).status == 0
    assert list(folder.iterdir()) == []


def test_a_network_has_a_rate_too(thalweg):
    said = thalweg("range", "dataset:moons", "--model", "mlp:8", "--epochs", "10")
    assert said.status == 0, said.err
    assert "Over 3 seeds" in " ".join(said.out.split())
    assert "heory" not in said.out


def test_theory_has_its_word_on_linear_rules_and_blames_no_column_that_is_standardised(thalweg, folder):
    lines = ["a,b,y"] + [f"{1000 * (k % 7)},{k % 5},{k % 7 + 2.5 * (k % 5)}" for k in range(80)]
    (folder / "t.csv").write_text("\n".join(lines))
    rule = ("--optimizer", "gradient_descent", "--batch-size", "full", "--task", "regression")
    words = " ".join(thalweg("range", "t.csv", "--target", "y", *QUICK, *rule).out.split())
    limit = float(re.search(r"By theory gradient_descent is stable below (\S+)\.", words)[1])
    assert 1.0 < limit < 2.0
    assert "standardise it" not in words


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--optimizer", "rprop"], 4, "rprop has no learning rate to look for"),
        (["--optimizer", "adaam"], 4, "adam"),
        (["--seeds", "1"], 4, "--seeds"),
        (["--updates", "0"], 4, "--updates"),
        (["--epochs", "0"], 4, "--epochs"),
        (["--output", "nowhere/found.json"], 6, "nowhere"),
        (["--learning-rate", "1"], 2, "No such option"),
        (["--target", "agee"], 3, "agee"),
    ],
)
def test_what_cannot_be_is_answered_before_any_work(thalweg, folder, options, status, words):
    said = thalweg("range", "dataset:diabetes", *options)
    assert (said.status, said.out) == (status, "")
    assert words in said.err
    assert len(said.err.strip().splitlines()) <= 8
    assert list(folder.iterdir()) == []


def test_a_table_on_which_every_rate_diverges_ends_with_5(thalweg, folder):
    lines = ["x,y"] + [f"{k},{k}e300" for k in range(1, 40)]
    (folder / "t.csv").write_text("\n".join(lines))
    said = thalweg("range", "t.csv", "--target", "y", "--no-scale-target", *QUICK, "--optimizer", "gradient_descent")
    assert said.status == 5
    assert "error[DIVERGED]" in said.err


def test_the_rule_keeps_its_own_numbers(folder, thalweg):
    said = thalweg("range", "dataset:diabetes", *QUICK, "--optimizer", "adam:learning_rate=1e-9", "--output", "x.json")
    assert said.status == 0, said.err
    rates = json.loads((folder / "x.json").read_text())["range"]["curve"]["rates"]
    assert rates[0] == 1e-13
    assert Settings(adam(learning_rate=1e-9), squared).optimizer.learning_rate == 1e-9
