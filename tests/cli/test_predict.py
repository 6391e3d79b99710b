from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import thalweg as tw
from thalweg.exchange.models import load
from thalweg.exchange.tables import delimited, read_table


@pytest.fixture
def model(thalweg, houses):
    assert thalweg("train", houses, "--target", "price", "--epochs", "30", "--lr", "0.05").status == 0
    return houses


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_predictions_come_out_as_exact_csv_in_the_order_of_the_rows(thalweg, model):
    said = thalweg("predict", "model.thalweg", model)
    assert (said.status, said.err) == (0, "")
    header, *rows = rows_of(said.out)
    assert header == ["prediction"]
    expected = load("model.thalweg").predictions(read_table(model)).values
    assert [float(cell) for (cell,) in rows] == expected.tolist()


def test_a_file_gets_the_same_bytes(thalweg, model, folder):
    out = thalweg("predict", "model.thalweg", model).out
    assert thalweg("predict", "model.thalweg", model, "--output", "p.csv").out == ""
    assert (folder / "p.csv").read_bytes() == out.encode()


def test_columns_are_found_by_name(thalweg, model, folder):
    """BF49: other order, one too many, one missing; the target need not be there."""
    lines = [line.split(";") for line in model.read_text().splitlines()]
    turned = [[*line[3::-1], "id" if k == 0 else str(k)] for k, line in enumerate(lines)]
    (folder / "turned.csv").write_text("\n".join(",".join(line) for line in turned))
    said = thalweg("predict", "model.thalweg", "turned.csv")
    assert said.out == thalweg("predict", "model.thalweg", model).out
    assert said.err == "warning[DATA-COLUMN-EXTRA] the model does not use id\n"
    (folder / "fewer.csv").write_text("\n".join(",".join(line[1:]) for line in lines))
    said = thalweg("predict", "model.thalweg", "fewer.csv")
    assert said.status == 3
    assert said.err.startswith("error[DATA-COLUMN-MISSING] fewer.csv, line 1: no column 'town'")


def test_a_column_of_the_other_kind_is_refused(thalweg, model, folder):
    text = model.read_text().splitlines()
    (folder / "words.csv").write_text("town,rooms,living area,garden\nRome,three,50,yes\n")
    said = thalweg("predict", "model.thalweg", "words.csv")
    assert (said.status, "line 2, column rooms: 'three' is not a number" in said.err) == (3, True)
    assert text


def test_gaps_are_refused_or_filled_with_the_training_mean(thalweg, model, folder):
    (folder / "gaps.csv").write_text("town,rooms,living area,garden,price\nRome,3,,yes,\nRome,3,70,yes,\n")
    said = thalweg("predict", "model.thalweg", "gaps.csv")
    assert said.status == 3
    assert said.err.startswith("error[FILE-MISSING] gaps.csv, row 1, column living area: 1 missing")
    said = thalweg("predict", "model.thalweg", "gaps.csv", "--missing", "mean")
    assert "warning[FILE-MISSING] 1 missing in column living area filled with the training mean" in said.err
    mean = load("model.thalweg").preparation.columns[2].mean
    (folder / "whole.csv").write_text(f"town,rooms,living area,garden\nRome,3,{mean!r},yes\nRome,3,70,yes\n")
    filled, whole = (rows_of(text) for text in (said.out, thalweg("predict", "model.thalweg", "whole.csv").out))
    assert np.allclose(np.array(filled[1:], float), np.array(whole[1:], float), rtol=1e-12)


def test_a_text_that_was_never_seen_is_noted(thalweg, model, folder):
    (folder / "new.csv").write_text("town,rooms,living area,garden\nBern,3,70,yes\n")
    said = thalweg("predict", "model.thalweg", "new.csv")
    assert said.status == 0
    assert "warning[DATA-CATEGORY] 1 cell holds text that was not in the training part, column town" in said.err


def test_classes_come_out_as_labels_with_probabilities_if_asked(thalweg):
    thalweg("train", "dataset:iris", "--epochs", "20", "--lr", "0.1")
    header, *rows = rows_of(thalweg("predict", "model.thalweg", "dataset:iris").out)
    assert {cell for (cell,) in rows} == {"setosa", "versicolor", "virginica"}
    header, *rows = rows_of(thalweg("predict", "model.thalweg", "dataset:iris", "--probabilities").out)
    assert header == ["prediction", "probability_setosa", "probability_versicolor", "probability_virginica"]
    shares = np.array([row[1:] for row in rows], float)
    assert np.allclose(shares.sum(axis=1), 1)
    assert [header[1 + k].removeprefix("probability_") for k in shares.argmax(axis=1)] == [row[0] for row in rows]


def test_a_model_without_probabilities_says_so(thalweg):
    thalweg("train", "dataset:iris", "--epochs", "2", "--loss", "hinge")
    said = thalweg("predict", "model.thalweg", "dataset:iris", "--probabilities")
    assert (said.status, "gives no probabilities" in said.err) == (4, True)


def test_labels_come_out_so_that_a_spreadsheet_runs_nothing(thalweg, folder):
    lines = [f"{k % 2},{'=1+1' if k % 2 else '-x'}" for k in range(40)]
    (folder / "t.csv").write_text("\n".join(["a,y", *lines]))
    thalweg("train", "t.csv", "--target", "y", "--epochs", "30", "--lr", "0.1")
    out = thalweg("predict", "model.thalweg", "t.csv", "--probabilities").out
    assert {row[0] for row in rows_of(out)} == {"prediction", "'=1+1", "'-x"}
    lines = [f"{k % 2},{-1 if k % 2 else 1.5}" for k in range(40)]
    (folder / "t.csv").write_text("\n".join(["a,y", *lines]))
    thalweg("train", "t.csv", "--target", "y", "--task", "classification", "--epochs", "30", "--lr", "0.1")
    assert {row[0] for row in rows_of(thalweg("predict", "model.thalweg", "t.csv").out)} == {"prediction", "-1", "1.5"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_predicts_what_it_learned(thalweg, dtype):
    options = ("--model", "mlp:16,8", "--activation", "tanh,leaky_relu:slope=0.3", "--dtype", dtype)
    thalweg("train", "dataset:moons", *options, "--epochs", "80", "--lr", "0.02")
    rows = rows_of(thalweg("predict", "model.thalweg", "dataset:moons").out)[1:]
    from thalweg.exchange.datasets import load as load_dataset

    truth = load_dataset("moons")["y"]
    assert np.mean(np.array(rows, float)[:, 0] == truth) > 0.93


def test_a_row_is_predicted_as_it_is_alone(thalweg, model, folder):
    """To the last digit: no product of matrices whose sums depend on their size."""
    header, *lines = model.read_text().splitlines()
    together = thalweg("predict", "model.thalweg", model).out.splitlines()[1:]
    for line, expected in list(zip(lines, together, strict=True))[:5]:
        (folder / "one.txt").write_text(f"{header}\n{line}\n")
        said = thalweg("predict", "model.thalweg", "one.txt")
        assert (said.err, said.out.splitlines()[1:]) == ("", [expected])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 7, "MODEL-SHORT"), (b"\x80\x04\x95" + bytes(20), 7, "MODEL-FORMAT"), (None, 6, "MODEL-OPEN")],
)
def test_a_bad_model_is_answered_before_the_table_is_read(thalweg, folder, content, status, code):
    if content is not None:
        (folder / "m").write_bytes(content)
    said = thalweg("predict", "m", "no such table.csv")
    assert (said.status, said.err.split("]")[0]) == (status, f"error[{code}"), said.err


# ---- files of thalweg.save: estimators that were fitted to columns with names

TOLD: dict[str, Any] = {"max_iter": 3, "tol": None, "random_state": 0, "batch_size": 20}
DRAW = np.random.default_rng(5)
FRAME = pd.DataFrame(DRAW.normal(size=(60, 3)), columns=["a", "b", "c d"])
NUMBERS = (FRAME @ [1.0, -2.0, 0.5]).to_numpy()
LABELS = np.array(["=no", "yes", "maybe"])[np.digitize(NUMBERS, [-1, 1])]

ESTIMATORS: dict[str, tuple[Any, Any]] = {
    "numbers": (tw.LinearRegressor(**TOLD), NUMBERS),
    "several numbers": (tw.LinearRegressor(**TOLD), np.column_stack([NUMBERS, -NUMBERS])),
    "whole labels": (tw.LinearClassifier(**TOLD), (NUMBERS > 0).astype(int)),
    "labels": (tw.MLPClassifier((5,), **TOLD), LABELS),
    "several labels": (tw.LinearClassifier(**TOLD), np.column_stack([NUMBERS > 0, NUMBERS < 1]).astype(int)),
    "margins": (tw.LinearClassifier("hinge", **TOLD), NUMBERS > 0),
    "interval": (tw.IntervalRegressor(tw.LinearRegressor(**TOLD), quantiles=(0.1, 0.5, 0.9)), NUMBERS),
}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Save an estimator that was fitted to the frame, beside a table of its columns and more."""
    monkeypatch.chdir(tmp_path)
    table = FRAME[["c d", "a", "b"]].assign(more="text")
    table.to_csv("rows.csv", index=False)

    def save(name: str, frame: Any = FRAME) -> Any:
        estimator, y = ESTIMATORS[name]
        fitted = clone(estimator).fit(frame, y)
        tw.save(fitted, "model.thalweg")
        return fitted

    return save


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_predicts_a_file_as_it_predicts_the_frame(name, thalweg, saved, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK_ROWS", 13)
    fitted = saved(name)
    likely = hasattr(fitted, "predict_proba")
    said = thalweg("predict", "model.thalweg", "rows.csv", *(["--probabilities"] if likely else []))
    assert (said.status, said.err) == (0, "warning[DATA-COLUMN-EXTRA] the model does not use more\n")
    header, *rows = rows_of(said.out)
    expected = fitted.predict(FRAME)
    if name == "interval":
        assert header == ["prediction", "quantile_0.1", "quantile_0.5", "quantile_0.9"]
        expected = np.column_stack([expected, fitted.predict_quantiles(FRAME)])
    width = 1 if expected.ndim == 1 else expected.shape[1]
    assert [row[:width] for row in rows] == [
        [str(cell).replace("=no", "'=no") for cell in np.atleast_1d(row).tolist()] for row in expected
    ]
    if likely:
        shares = np.array([row[width:] for row in rows], dtype=float)
        np.testing.assert_array_equal(shares, fitted.predict_proba(FRAME))
        assert [cell.removeprefix("probability_") for cell in header[width:]] == [
            str(label).replace("=no", "'=no") for label in fitted.classes_
        ]
    names = {
        "several numbers": ["prediction_1", "prediction_2"],
        "several labels": ["prediction_0", "prediction_1"],
    }
    assert header[:width] == names.get(name, header[:1] if width == 1 else header[:width])


def test_an_estimator_without_names_is_refused_with_the_reason(thalweg, saved):
    saved("numbers", FRAME.to_numpy())
    said = thalweg("predict", "model.thalweg", "rows.csv")
    assert (said.status, said.out) == (7, "")
    assert said.err.startswith("error[MODEL-COLUMNS] model.thalweg: was fitted to arrays: it knows no names")


def test_an_estimator_fills_no_gaps(thalweg, saved):
    saved("numbers")
    said = thalweg("predict", "model.thalweg", "rows.csv", "--missing", "mean")
    assert said.status == 4
    assert said.err.startswith("error[SETTING-MISSING] --missing: is mean, and an estimator knows no mean")
    FRAME.assign(b=np.where(NUMBERS > 1, np.nan, FRAME["b"])).to_csv("gaps.csv", index=False)
    said = thalweg("predict", "model.thalweg", "gaps.csv")
    assert (said.status, said.out) == (3, "")
    assert "missing in column b" in said.err
    assert "--missing" not in said.err


def test_probabilities_of_an_estimator_that_has_none_are_refused(thalweg, saved):
    saved("margins")
    assert thalweg("predict", "model.thalweg", "rows.csv", "--probabilities").status == 4
