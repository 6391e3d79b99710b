from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io

import thalweg as library
from thalweg.exchange.models import load


@pytest.fixture
def model(thalweg, houses):
    assert thalweg("train", houses, "--target", "price", "--epochs", "30", "--lr", "0.05").status == 0
    return "model.thalweg"


@pytest.fixture
def frame(houses):
    return pd.read_csv(houses, sep=";")


@pytest.fixture
def estimator(folder):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    made = library.MLPClassifier((3,), max_iter=2, tol=None, batch_size=20, random_state=0)
    library.save(made.fit(rows, np.where(rows[:, 0] > 0, "yes", "no")), folder / "rows.thalweg")
    return rows


def test_a_graph_takes_the_columns_of_the_table(thalweg, model, frame):
    said = thalweg("export", model, "--to", "onnx")
    assert (said.status, said.err) == (0, "")
    wrote, *lines = " ".join(said.out.split("\n        ")).splitlines()
    assert re.fullmatch(r"wrote   model.onnx, \S+ KiB", wrote)
    inputs = "town (text), rooms (float64), living area (float64), garden (text)"
    assert lines == [
        f"in      {inputs}, each of shape (rows, 1)",
        "out     variable",
        'use     onnxruntime.InferenceSession("model.onnx").run(None, {name: column})',
    ]
    assert max(map(len, said.out.splitlines())) <= 80
    session = onnxruntime.InferenceSession("model.onnx")
    types = {"tensor(string)": object, "tensor(double)": np.float64}
    feed = {each.name: frame[[each.name]].to_numpy(types[each.type]) for each in session.get_inputs()}
    np.testing.assert_allclose(session.run(None, feed)[0][:, 0], load(model).predict(frame), rtol=1e-12)


def test_a_graph_can_be_had_in_float32(thalweg, model):
    assert "float32" in thalweg("export", model, "--to", "onnx", "--dtype", "float32", "-o", "small.onnx").out
    assert onnxruntime.InferenceSession("small.onnx").get_outputs()[0].type == "tensor(float)"


def test_a_pipeline_is_read_as_the_last_line_says(thalweg, model, frame):
    said = thalweg("export", model, "--to", "sklearn", "--output", "prices.skops")
    assert "in      a data frame with town, rooms, living area, garden\n" in said.out
    last = said.out.partition("use     ")[2].replace("\n", "")
    found = eval(last, {"skops": skops, "X": frame.drop(columns="price")})  # noqa: S307 - as a user would paste it
    np.testing.assert_allclose(found, load(model).predict(frame), rtol=1e-12)


def test_a_python_file_comes_with_its_weights(thalweg, model, folder):
    said = thalweg("export", model, "--to", "torch")
    assert [line.split(",")[0] for line in said.out.splitlines()[:2]] == [
        "wrote   model.py",
        "wrote   model.safetensors",
    ]
    assert "from model import predict" in said.out
    assert "'living area': (" in (folder / "model.py").read_text()


@pytest.mark.parametrize("to", ["onnx", "sklearn", "torch"])
def test_estimators_are_exported_too(thalweg, folder, estimator, to):
    said = thalweg("export", "rows.thalweg", "--to", to)
    assert (said.status, said.err) == (0, "")
    wanted = library.load("rows.thalweg").predict(estimator).tolist()
    if to == "onnx":
        session = onnxruntime.InferenceSession("rows.onnx")
        assert session.run(["label"], {"X": estimator})[0].tolist() == wanted
    elif to == "sklearn":
        assert skops.io.load("rows.skops").predict(estimator).tolist() == wanted
    else:
        assert "CLASSES = ['no', 'yes']" in (folder / "rows.py").read_text()


def test_nothing_is_written_over(thalweg, model, folder):
    (folder / "model.py").write_text("mine")
    said = thalweg("export", model, "--to", "torch")
    assert (said.status, said.err.splitlines()[0]) == (6, "error[FILE-WRITE] model.py: is there already")
    assert (folder / "model.py").read_text() == "mine"
    assert thalweg("export", model, "--to", "torch", "-o", "model.py").status == 0
    said = thalweg("export", model, "--to", "torch", "-o", "other.py")
    assert said.status == 0
    (folder / "other.py").unlink()
    said = thalweg("export", model, "--to", "torch", "-o", "other.py")
    assert "other.safetensors: is there already" in said.err
    before = (folder / model).read_bytes()
    said = thalweg("export", model, "--to", "onnx", "-o", f"./{model}")
    assert (said.status, "is the model itself" in said.err) == (2, True)
    assert (folder / model).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        ([], 2, "--to is missing"),
        (["--to", "keras"], 2, "'keras' is not one of"),
        (["--to", "torch", "--dtype", "float32"], 2, "is for ONNX"),
        (["--to", "torch", "-o", "my-model.py"], 4, "is no name that Python can import"),
        (["--to", "torch", "-o", "torch.py"], 4, "would stand for a module of Python's or PyTorch's"),
        (["--to", "torch", "-o", "model.pt"], 4, "does not end in .py"),
        (["--to", "onnx", "-o", "no/model.onnx"], 6, "there is no such folder"),
    ],
    ids=["to", "keras", "dtype", "name", "torch", "pt", "folder"],
)
def test_what_cannot_be_is_said(thalweg, model, arguments, status, what):
    said = thalweg("export", model, *arguments)
    assert (said.status, what in said.err) == (status, True), said.err
    assert len(said.err.splitlines()) <= 5


def test_what_has_no_counterpart_is_named(thalweg, houses):
    thalweg("train", houses, "--target", "price", "--epochs", "2", "--model", "mlp:4", "--activation", "gelu")
    said = thalweg("export", "model.thalweg", "--to", "sklearn")
    assert (said.status, said.out) == (4, "")
    assert said.err.startswith("error[SKLEARN-ACTIVATION] activation: scikit-learn's networks have no 'gelu'")
    assert thalweg("export", "model.thalweg", "--to", "onnx").status == 0


def test_a_pickle_is_refused(thalweg, folder):
    """M5."""
    import pickle

    (folder / "model.pkl").write_bytes(pickle.dumps({"weights": [1.0] * 20}))
    for command in (["export", "model.pkl", "--to", "onnx"], ["inspect", "model.pkl"]):
        said = thalweg(*command)
        assert (said.status, "can run code; it is refused" in said.err) == (7, True)


@pytest.mark.parametrize("to", ["onnx", "sklearn", "torch"])
def test_an_interval_is_several_estimators(thalweg, folder, to):
    written = Path(__file__).parents[1] / "exchange" / "written" / "estimators-3.thalweg"
    shutil.copy(written, folder / "model.thalweg")
    said = thalweg("export", "model.thalweg", "--to", to)
    assert said.status == 7
    assert said.err.startswith("error[MODEL-KIND] model.thalweg: holds 2 estimators, one for each quantile")
    assert [path.name for path in folder.iterdir()] == ["model.thalweg"]
