"""Model files of earlier versions: each one that was ever written opens, and says what it said then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from thalweg.descent.models import Network
from thalweg.errors import DataError, SettingError
from thalweg.exchange.models import FORMAT, load, save
from thalweg.exchange.tables import read_table
from thalweg.formulas.formula import activation

WRITTEN = Path(__file__).parent / "written"
SAID = json.loads((WRITTEN / "predictions.json").read_text())


def flats():
    return read_table(WRITTEN / "flats.csv", missing="keep")


def test_there_is_a_file_of_every_format():
    assert {int(path.stem[-1]) for path in WRITTEN.glob("*.thalweg")} == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("name", sorted(path.stem for path in WRITTEN.glob("*.thalweg") if path.stem in SAID))
def test_a_model_of_a_table_says_what_it_said_when_it_was_written(name):
    found = load(WRITTEN / f"{name}.thalweg").predictions(flats())
    said = SAID[name]["values"]
    assert found.values.tolist() == (said if isinstance(said[0], str) else pytest.approx(said, rel=1e-12))
    if SAID[name]["probabilities"] is not None:
        np.testing.assert_allclose(found.probabilities, SAID[name]["probabilities"], rtol=1e-12)


def test_a_model_of_the_first_format_is_written_in_the_newest_and_stays_itself(tmp_path):
    old = load(WRITTEN / "classification-1.thalweg")
    save(tmp_path / "again", old)
    new = load(tmp_path / "again")
    assert (new.model, new.outputs, new.preparation, new.target) == (old.model, old.outputs, old.preparation, "town")
    assert new.theta.tobytes() == old.theta.tobytes()
    assert (new.training, new.scores) == (old.training, {})
    assert set(new.versions) == {"thalweg", "numpy", "numba", "scikit-learn", "python"}


# Rows of data frames


@pytest.mark.parametrize("frame", [pd.read_csv, pl.read_csv], ids=["pandas", "polars"])
def test_a_model_of_a_table_predicts_data_frames(frame):
    model = load(WRITTEN / "regression-1.thalweg")
    rows = frame(WRITTEN / "flats.csv")
    assert model.predict(rows).tolist() == model.predict(flats()).tolist()
    turned = rows[["rent", "rooms", "area", "town"]]
    assert model.predict(turned).tolist() == model.predict(flats()).tolist()
    towns = load(WRITTEN / "classification-1.thalweg")
    assert set(towns.predict(rows)) == {"Bonn", "Oslo", "Rome"}
    assert towns.predict_proba(rows).tolist() == towns.predictions(flats()).probabilities.tolist()


def test_a_model_of_a_table_goes_elsewhere():
    """The same three ways as an estimator's."""
    model, rows = load(WRITTEN / "regression-2.thalweg"), pd.read_csv(WRITTEN / "flats.csv")
    assert model.to_sklearn().predict(rows[["town", "area", "rooms"]]) == pytest.approx(model.predict(rows), rel=1e-12)
    assert [each.name for each in model.to_onnx().graph.input] == ["town", "area", "rooms"]
    with pytest.raises(SettingError, match="PyTorch") as caught:
        replace(model, model=Network((5, 2, 1), (bent,)), theta=np.ones(15)).to_torch()
    assert caught.value.code == "TORCH-ACTIVATION"


@activation
def bent(z):
    a = np.maximum(z, 0) + 0.1 * z
    return a, np.sign(np.maximum(z, 0)) + 0.1


def test_what_is_no_frame_or_lacks_a_column_is_refused():
    model = load(WRITTEN / "regression-1.thalweg")
    with pytest.raises(SettingError, match="must be a data frame with the columns of the training, got ndarray"):
        model.predict(np.ones((2, 3)))
    with pytest.raises(DataError, match="rooms"):
        model.predict(pd.DataFrame({"town": ["Oslo"], "area": [50.0]}))
    with pytest.raises(SettingError, match="its scores are no probabilities"):
        model.predict_proba(flats())
