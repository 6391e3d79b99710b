"""Models of tables as pipelines of scikit-learn, and as files of skops that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import SettingError
from thalweg.exchange.models import TrainedModel, load
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.sklearn import of_table, write
from thalweg.exchange.tables import Table
from thalweg.formulas.activations import tanh
from thalweg.formulas.losses import log, softmax, squared

WRITTEN = Path(__file__).parent / "written"
DRAW = np.random.default_rng(0)
FLATS = pd.read_csv(WRITTEN / "flats.csv")


@pytest.mark.parametrize("name", ["regression-2", "classification-1"])
def test_a_pipeline_predicts_the_frame_as_it_is(name):
    model = load(WRITTEN / f"{name}.thalweg")
    pipeline, columns = of_table(model), list(model.preparation.kinds)
    wanted = model.predict(FLATS)
    for frame in (FLATS[columns], FLATS[columns[::-1]]):
        found = pipeline.predict(frame)
        assert found.tolist() == (wanted.tolist() if found.dtype.kind == "U" else pytest.approx(wanted, rel=1e-12))
    if hasattr(pipeline, "predict_proba"):
        np.testing.assert_allclose(pipeline.predict_proba(FLATS[columns]), model.predict_proba(FLATS), rtol=1e-12)


@pytest.mark.parametrize("kind", ["numbers", "text", "both"])
@pytest.mark.parametrize("network", [False, True], ids=["linear", "network"])
def test_columns_of_one_kind_or_both(kind, network):
    texts = np.array(["", "x", "=1", "ü"], object)
    columns = {
        "a": texts[DRAW.integers(0, 4, 200)],
        "b": np.where(DRAW.random(200) < 0.2, np.nan, DRAW.normal(50, 3, 200)),
        "c": texts[DRAW.integers(0, 3, 200)],
        "d": DRAW.exponential(1e9, 200),
    }
    names = {"numbers": ["b", "d"], "text": ["a", "c"], "both": list(columns)}[kind]
    table = Table(names, [columns[name] for name in names])
    preparation = Preparation.fit(table)
    features = len(preparation.feature_names)
    model = Network((features, 5, 3), (tanh,)) if network else Linear(features, 3)
    outputs = Outputs.classification(softmax, [0.0, 1.0, 2.0])
    told = {"loss": {"name": "softmax"}}
    trained = TrainedModel(model, DRAW.normal(size=model.size), outputs, preparation, "y", told)
    frame = pd.DataFrame({name: columns[name] for name in names})
    pipeline = of_table(trained)
    found = pipeline.predict(frame)
    assert (found.dtype, found.tolist()) == (np.int64, trained.predict(table).tolist())
    np.testing.assert_allclose(pipeline.predict_proba(frame), trained.predict_proba(table), rtol=1e-10)


def test_the_file_holds_nothing_of_ours_and_says_the_same(tmp_path):
    for name in ("regression-2", "classification-1"):
        model = load(WRITTEN / f"{name}.thalweg")
        pipeline = of_table(model)
        write(tmp_path / "model.skops", pipeline)
        strange = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
        assert set(strange) <= {"numpy.dtype"}
        again = skops.io.load(tmp_path / "model.skops", trusted=strange)
        columns = list(model.preparation.kinds)
        assert again.predict(FLATS[columns]).tolist() == pipeline.predict(FLATS[columns]).tolist()
        assert b"thalweg" not in (tmp_path / "model.skops").read_bytes()


def test_a_loss_of_ones_own_is_refused():
    preparation = Preparation.fit(Table(["a"], [[1.0, 2.0]]))
    for outputs, told in (
        (Outputs.regression(squared), {"name": "mine"}),
        (Outputs.classification(log, ["a", "b"]), {}),
    ):
        model = TrainedModel(Linear(1), np.ones(2), outputs, preparation, "y", {"loss": told})
        with pytest.raises(SettingError, match="scikit-learn's has no") as caught:
            of_table(model)
        assert caught.value.code == "SKLEARN-LOSS"


def test_without_skops_its_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "skops.io", None)
    with pytest.raises(SettingError, match=r"pip install 'thalweg\[skops\]'"):
        write(tmp_path / "model.skops", None)
