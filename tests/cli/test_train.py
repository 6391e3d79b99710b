from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error

from thalweg.exchange.models import load
from thalweg.exchange.tables import read_table

FAST = ("--epochs", "30", "--lr", "0.05")


def table_of(out: str) -> dict[str, list[float]]:
    """Return the scores that were printed: name -> train, validation, test."""
    rows = [line.split() for line in out.splitlines()]
    return {
        row[0]: [float(cell) for cell in row[-3:]]
        for row in rows
        if row and row[0] in {"RMSE", "MAE", "R2", "accuracy"}
    }


def test_a_table_of_numbers_and_text_becomes_model_and_record(thalweg, houses, folder):
    said = thalweg("train", houses, "--target", "price", *FAST)
    assert said.status == 0, said.err
    assert sorted(f.name for f in folder.iterdir()) == ["houses.txt", "model.json", "model.thalweg"]
    assert "delimiter ';'" in said.err
    assert "rows: 36 train, 12 validation, 12 test" in said.err
    model = load("model.thalweg")
    assert model.preparation.feature_names == (
        "town=Oslo", "town=Rome", "town=Zürich", "rooms", "living area", "garden=no", "garden=yes",
    )  # fmt: skip
    assert table_of(said.out)["R2"][2] > 0.99
    assert all(len(line) <= 80 for line in said.out.splitlines())


def test_the_printed_scores_are_those_of_the_saved_model_in_the_targets_units(thalweg, houses, folder):
    said = thalweg("train", houses, "--target", "price", *FAST)
    table, record = read_table(houses), json.loads((folder / "model.json").read_text())
    errors = load("model.thalweg").predict(table) - table["price"]
    parts = [record["scores"][part]["RMSE"] for part in ("train", "validation", "test")]
    assert table_of(said.out)["RMSE"] == pytest.approx(parts, rel=1e-3)
    weighted = sum(r * r * n for r, n in zip(parts, (36, 12, 12), strict=True)) / 60
    assert math.sqrt(weighted) == pytest.approx(float(np.sqrt(np.mean(errors**2))), rel=1e-12)


def test_a_linear_model_reaches_the_least_squares_of_its_training_part(thalweg, folder):
    said = thalweg(
        "train", "dataset:quadratic:condition=3,rows=400,noise=1", "--optimizer", "gradient_descent", "--lr", "0.2",
        "--batch-size", "full", "--epochs", "500",
    )  # fmt: skip
    assert said.status == 0, said.err
    record = json.loads((folder / "model.json").read_text())
    from thalweg.exchange.datasets import load as load_dataset

    features, y = load_dataset("quadratic:condition=3,rows=400,noise=1").split_target()
    X = np.column_stack(features.columns)
    best = LinearRegression().fit(X, y)
    assert record["scores"]["train"]["RMSE"] < 1.05
    assert abs(record["scores"]["train"]["RMSE"] - root_mean_squared_error(y, best.predict(X))) < 0.1


@pytest.mark.parametrize(
    ("dataset", "options", "metric", "bound"),
    [
        ("breast_cancer", ["--lr", "0.01"], "accuracy", 0.93),
        ("iris", ["--lr", "0.1"], "accuracy", 0.9),
        ("moons", ["--model", "mlp:16,16", "--lr", "0.01", "--epochs", "60"], "accuracy", 0.9),
        ("wine", ["--loss", "hinge", "--lr", "0.01"], "accuracy", 0.9),
        ("digits", ["--model", "mlp:32", "--dtype", "float32", "--dropout", "0.1", "--lr", "0.01"], "accuracy", 0.9),
    ],
)
def test_classes_are_learned(thalweg, dataset, options, metric, bound):
    said = thalweg("train", f"dataset:{dataset}", "--epochs", "30", *options)
    assert said.status == 0, said.err
    assert table_of(said.out)[metric][2] > bound
    assert ("log loss" in said.out) == ("hinge" not in options)


def without_times(text: str) -> dict:
    record = json.loads(text)
    del record["times"], record["machine"]
    return record


@pytest.mark.parametrize("model", ["linear", "mlp:8"])
def test_the_same_command_gives_the_same_bytes_but_for_times(thalweg, folder, model):
    dropout = ["--dropout", "0.2"] if model != "linear" else []
    command = ("train", "dataset:diabetes", "--model", model, *dropout, "--epochs", "5", "--optimizer", "adamw")
    thalweg(*command)
    first = (folder / "model.json").read_text(), (folder / "model.thalweg").read_bytes()
    thalweg(*command)
    second = (folder / "model.json").read_text(), (folder / "model.thalweg").read_bytes()
    assert first[1] == second[1]
    assert without_times(first[0]) == without_times(second[0])
    line = [k for k, (a, b) in enumerate(zip(first[0].splitlines(), second[0].splitlines(), strict=True)) if a != b]
    assert all("seconds" in first[0].splitlines()[k] for k in line)
    thalweg(*command, "--seed", "1")
    assert without_times((folder / "model.json").read_text()) != without_times(first[0])


def test_a_record_tells_settings_scores_and_curves(thalweg, folder):
    thalweg("train", "dataset:diabetes", "--epochs", "3", "--penalty", "l2", "--alpha", "0.5", "--schedule", "cosine")
    record = json.loads((folder / "model.json").read_text())
    assert record["run"]["settings"]["penalty"] == {"name": "l2", "alpha": 0.5}
    assert record["run"]["settings"]["schedule"]["name"] == "cosine"
    assert (len(record["run"]["loss_curve"]), len(record["validation_losses"])) == (3, 3)
    assert record["data"]["rows"] == {"train": 266, "validation": 88, "test": 88}
    assert record["times"]["seconds"] > 0
    assert "numpy" in record["machine"]


def test_the_files_can_be_named(thalweg, folder):
    assert thalweg("train", "dataset:line", "--epochs", "2", "--output", "a.model", "--record", "b.json").status == 0
    assert sorted(f.name for f in folder.iterdir()) == ["a.model", "b.json"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target-loss", "0.4", "--optimizer", "momentum"], "reached the target loss after"),
        (["--tol", "10", "--n-iter-no-change", "2"], "converged after 3 epochs"),
        (["--time-limit", "1e-9"], "stopped by the clock after 1 epoch,"),
    ],
)
def test_a_run_can_stop_early_and_says_why(thalweg, options, words):
    said = thalweg("train", "dataset:diabetes", "--epochs", "50", *options)
    assert said.status == 0, said.err
    assert words in said.out


def test_missing_numbers_become_the_training_mean_and_it_says_so(thalweg, folder):
    lines = ["a,b,y"] + [f"{'' if k % 10 == 3 else k},{'x' if k % 2 else 'z'},{3 * k}" for k in range(50)]
    (folder / "gaps.csv").write_text("\n".join(lines))
    assert thalweg("train", "gaps.csv", "--target", "y").status == 3
    said = thalweg("train", "gaps.csv", "--target", "y", "--missing", "mean", *FAST)
    assert said.status == 0, said.err
    assert "warning[FILE-MISSING] 5 missing in column a filled with the training mean" in said.err
    number = load("model.thalweg").preparation.columns[0]
    train = [k for k in range(50) if k % 10 != 3]
    assert number.mean != pytest.approx(np.mean(train))  # that of all rows; the training part has another
    said = thalweg("train", "gaps.csv", "--target", "y", "--missing", "drop", *FAST)
    assert "5 rows with missing cells left out" in said.err


def test_a_target_can_be_learned_as_it_is(thalweg):
    thalweg("train", "dataset:diabetes", "--epochs", "1")
    assert load("model.thalweg").outputs.scale > 50
    thalweg("train", "dataset:diabetes", "--epochs", "1", "--no-scale-target")
    assert load("model.thalweg").outputs.scale == 1.0
    thalweg("train", "dataset:diabetes", "--epochs", "1", "--loss", "poisson", "--lr", "1e-4")
    assert (load("model.thalweg").outputs.scale, load("model.thalweg").outputs.link) == (1.0, "exp")


def test_a_delimiter_that_an_ending_does_not_promise_is_refused_as_the_help_says(thalweg, houses, folder):
    houses.rename(folder / "houses.csv")
    said = thalweg("train", "houses.csv", "--target", "price")
    assert (said.status, "Pass --delimiter ';'." in said.err) == (3, True)
    assert "If left out, a .csv must have ','" in " ".join(thalweg("train", "--help").out.split())
    assert thalweg("train", "houses.csv", "--target", "price", "--delimiter", ";", *FAST).status == 0


def test_a_diverged_run_leaves_with_5_and_writes_nothing(thalweg, folder):
    said = thalweg("train", "dataset:diabetes", "--optimizer", "gradient_descent", "--lr", "1000")
    assert said.status == 5
    assert said.err.splitlines()[-4].startswith("error[DIVERGED] epoch ")
    assert "Lower --learning-rate from 1e+03 to " in said.err
    assert "or bound the gradient: --clip-norm 1." in said.err
    assert said.err.splitlines()[-1].strip() == "Nothing was written."
    assert "warning[SETTING-LARGE] learning_rate 1000 is far above the usual 0.0100" in said.err
    assert list(folder.iterdir()) == []


def test_a_parquet_table_is_read(thalweg, folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"x": list(range(40)), "kind": ["a", "b"] * 20, "y": [2.5 * k for k in range(40)]}
    parquet.write_table(pyarrow.table(columns), folder / "t.parquet")
    assert thalweg("train", "t.parquet", "--target", "y", *FAST).status == 0
    assert load("model.thalweg").preparation.feature_names == ("x", "kind=a", "kind=b")


def test_columns_can_be_taken_as_text_or_left_out(thalweg, folder):
    lines = ["code,junk,y"] + [f"{k % 4},junk {k},{k % 4 * 2.5 + k / 100}" for k in range(40)]
    (folder / "codes.csv").write_text("\n".join(lines))
    said = thalweg("train", "codes.csv", "--target", "y", *FAST)
    assert (said.status, "DATA-TEXT" in said.err, "--drop junk" in said.err) == (3, True, True)
    assert thalweg("train", "codes.csv", "--target", "y", "--drop", "junk", "--text", "code", *FAST).status == 0
    assert load("model.thalweg").preparation.feature_names == ("code=0", "code=1", "code=2", "code=3")


@pytest.mark.parametrize(
    ("dataset", "loss", "link"),
    [
        ("iris", "auto", "softmax"),
        ("iris", "log_loss", "softmax"),
        ("iris", "log", "logistic"),
        ("breast_cancer", "auto", "logistic"),
        ("breast_cancer", "log_loss", "logistic"),
        ("breast_cancer", "modified_huber", "margin"),
        ("diabetes", "squared_error", "identity"),
    ],
)
def test_the_loss_decides_what_scores_stand_for(thalweg, dataset, loss, link):
    said = thalweg("train", f"dataset:{dataset}", "--loss", loss, "--epochs", "2")
    assert said.status == 0, said.err
    assert load("model.thalweg").outputs.link == link
