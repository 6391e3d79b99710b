"""``--validation``: a table of its own to choose with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thalweg import compare

DRAW = np.random.default_rng(8)
FEW = ("--optimizers", "adam", "--learning-rates", "0.01,0.1", "--seeds", "1", "--epochs", "2")


def rows(count: int) -> pd.DataFrame:
    made = pd.DataFrame(DRAW.standard_normal((count, 2)), columns=["a", "b"])
    made["town"] = np.where(made["a"] > 0, "Oslo", "Rome")
    return made.assign(price=made["a"] - 2 * made["b"] + DRAW.standard_normal(count) / 10)


@pytest.fixture
def tables(tmp_path) -> list[Path]:
    places = [tmp_path / name for name in ("rows.csv", "own.csv")]
    for place, count in zip(places, (90, 25), strict=True):
        rows(count).to_csv(place, index=False)
    return places


def test_a_table_of_its_own_is_chosen_with_as_in_python(tables, tmp_path, thalweg):
    first, own = map(str, tables)
    out = tmp_path / "out"
    said = thalweg("compare", first, "--target", "price", "--validation", own, *FEW, "--output", str(out))
    assert said.status == 0, said.err
    assert "72 train, 25 validation (your own), 18 test" in said.err
    usual = {"optimizers": ["adam"], "learning_rates": [0.01, 0.1], "seeds": 1, "budget": 2}
    found = compare(first, "price", validation=own, **usual)
    assert (out / "records.jsonl").read_text().splitlines()[1] == found.results.outcomes[0].line()
    page = (out / "report.html").read_text()
    assert "25 validation (of your own)" in page
    assert "--validation" in page


def test_training_watches_it_too(tables, tmp_path, thalweg):
    first, own = map(str, tables)
    model = str(tmp_path / "model.safetensors")
    said = thalweg("train", first, "--target", "price", "--validation", own, "--epochs", "2", "--output", model)
    assert said.status == 0, said.err
    assert "25 validation (your own)" in said.err


def test_what_cannot_be_is_answered(tables, tmp_path, thalweg):
    first, own = map(str, tables)
    told = ("compare", first, "--target", "price", "--validation")
    both = thalweg(*told, own, "--validation-fraction", "0.3")
    assert both.status == 4
    assert "Leave one of the two out" in both.err
    gone = tmp_path / "gone.csv"
    pd.read_csv(own).drop(columns="b").to_csv(gone, index=False)
    lacking = thalweg(*told, str(gone))
    assert lacking.status == 3
    assert "gone.csv, line 1: no column 'b'" in lacking.err
    assert "Traceback" not in lacking.err
