from __future__ import annotations

import json

import numpy as np
import pytest

import thalweg as library
from thalweg.exchange import tensors
from thalweg.exchange.models import load
from thalweg.formulas.formula import loss


@pytest.fixture
def model(thalweg, houses):
    said = thalweg("train", houses, "--target", "price", "--epochs", "30", "--lr", "0.05", "--penalty", "l2:alpha=0.01")
    assert said.status == 0, said.err
    return said


def test_the_card_says_what_a_stranger_wants_to_know(thalweg, model):
    said = thalweg("inspect", "model.thalweg")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "model.thalweg"
    assert lines[1].startswith("  linear model of price; 8 parameters; float64; ")
    assert "data      houses.txt; rows: 36 train, 12 validation, 12 test" in lines
    assert "columns   town: Oslo, Rome, Zürich" in lines
    assert any(line.startswith("          living area: mean ") for line in lines)
    assert "          loss squared, penalty l2(alpha=0.01), full batch" in lines or "batches of" in said.out
    assert "finished after 30 epochs" in said.out
    assert "written by thalweg" in said.out


def test_the_scores_are_those_that_training_printed(thalweg, model):
    def board(text: str) -> list[list[str]]:
        rows = [line.split() for line in text.splitlines()]
        return [row for row in rows if row and row[0] in {"RMSE", "MAE", "R2"}]

    assert board(thalweg("inspect", "model.thalweg").out) == board(model.out)
    assert len(board(model.out)) == 3


def test_the_largest_coefficients_stand_first_in_the_targets_units(thalweg, model):
    trained = load("model.thalweg")
    weights = json.loads(thalweg("inspect", "model.thalweg", "--format", "json").out)["weights"]
    sizes = [abs(each["coefficients"][0]) for each in weights]
    assert sizes == sorted(sizes, reverse=True)
    by_name = {each["feature"]: each["coefficients"] for each in weights}
    of_model = (trained.theta[:7] * trained.outputs.scale).tolist()
    assert [by_name[name] for name in trained.feature_names] == [[value] for value in of_model]
    out = thalweg("inspect", "model.thalweg").out
    assert out.index("living area ") < out.index("garden=no")


def test_more_than_twelve_are_shown_when_asked_for(thalweg):
    thalweg("train", "dataset:breast_cancer", "--target", "target", "--epochs", "2")
    said = thalweg("inspect", "model.thalweg")
    assert "          and 18 more\n" in said.out
    assert "18 smaller ones: --all shows them." in said.out
    assert "coefficient for malignant" in said.out
    every = thalweg("inspect", "model.thalweg", "--all").out
    assert "smaller ones" not in every
    assert len(every.splitlines()) == len(said.out.splitlines()) + 2 * 18 - 2


def test_a_network_shows_the_norm_of_each_features_weights(thalweg, houses):
    thalweg("train", houses, "--target", "town", "--epochs", "2", "--model", "mlp:4")
    out = thalweg("inspect", "model.thalweg").out
    assert "  network 5-4-3 of town (relu); 39 parameters; float64; " in out
    assert "classes   Oslo, Rome, Zürich" in out
    assert "norm of its weights" in out


def test_the_norms_of_a_network_do_not_grow_with_the_units_of_its_target(thalweg, houses):
    thalweg("train", houses, "--target", "price", "--epochs", "2", "--model", "mlp:4")
    trained = load("model.thalweg")
    weights = json.loads(thalweg("inspect", "model.thalweg", "--format", "json").out)["weights"]
    first = trained.theta[: 4 * len(weights)].reshape(-1, 4)
    norms = dict(zip(trained.feature_names, np.linalg.norm(first, axis=1), strict=True))
    assert trained.outputs.scale > 100
    assert {each["feature"]: each["norm"] for each in weights} == pytest.approx(norms, rel=1e-12)


@loss
def mine(y, z):
    r = z - y
    return r * r / 2, r


def test_layers_that_differ_are_shown_one_by_one(thalweg, folder):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    told = {"max_iter": 2, "tol": None, "batch_size": 20}
    made = library.MLPRegressor((3, 4), activation=["tanh", "relu"], dropout=(0.25, 0.0), **told)
    library.save(made.fit(rows, rows[:, 0]), folder / "two.thalweg")
    assert "  MLPRegressor (tanh, relu; dropout 0.25, 0); " in thalweg("inspect", "two.thalweg").out
    library.save(library.MLPRegressor((3, 4), dropout=0.5, **told).fit(rows, rows[:, 0]), folder / "one.thalweg")
    assert "  MLPRegressor (relu; dropout 0.5); " in thalweg("inspect", "one.thalweg").out


def test_an_estimator_shows_the_settings_that_are_its_own(thalweg, folder):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    line = library.LinearRegressor(mine, max_iter=2, tol=None, batch_size=20, random_state=7)
    library.save(line.fit(rows, rows[:, 0]), folder / "line.thalweg")
    out = thalweg("inspect", "line.thalweg").out
    assert "  LinearRegressor; 3 parameters; float64; " in out
    assert "settings  batch_size=20, loss=mine, max_iter=2, random_state=7, tol=None" in out
    assert "loss mine, " in out
    assert "sizes compare only where the columns were scaled" in " ".join(out.split())


def test_numbers_that_are_not_finite_are_shown(thalweg, model):
    """BM09: such a model cannot be loaded, but looked at."""
    description, arrays = tensors.read("model.thalweg")
    arrays = {**arrays, "biases.0": np.array([np.nan])}
    tensors.write("broken.thalweg", description, arrays)
    said = thalweg("inspect", "broken.thalweg")
    assert (said.status, "not finite: biases.0; such a model cannot be used" in said.out) == (0, True)
    assert thalweg("export", "broken.thalweg", "--to", "onnx").status == 7


def test_names_cannot_paint_the_terminal(thalweg, folder):
    (folder / "t.csv").write_text("\x1b[31ma,b\x1b]0;x\x07,y\n" + "".join(f"{k},u{k % 2},{k}\n" for k in range(40)))
    thalweg("train", "t.csv", "--target", "y", "--epochs", "2")
    for told in ([], ["--format", "json"]):
        said = thalweg("inspect", "model.thalweg", *told)
        assert said.status == 0
        assert not {"\x1b", "\x07"} & set(said.out)


def test_a_description_that_cannot_be_is_refused(thalweg, model):
    description, arrays = tensors.read("model.thalweg")
    tensors.write("bad.thalweg", {**description, "columns": description["columns"][1:]}, arrays)
    said = thalweg("inspect", "bad.thalweg")
    assert (said.status, said.err.partition(" ")[0]) == (7, "error[MODEL-META]")
