"""Rows of the caller's own to choose with: prepared as the others, never learned from, told wherever a reader looks."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import thalweg
from thalweg.descent.run import Run
from thalweg.errors import DataError, SettingError, ThalwegError
from thalweg.studies.comparison import Comparison

DRAW = np.random.default_rng(8)
X, OWN = DRAW.standard_normal((90, 3)) + 1, DRAW.standard_normal((25, 3))
Y, OWN_Y = (rows @ [1.0, -2.0, 0.5] + 0.1 * DRAW.standard_normal(len(rows)) for rows in (X, OWN))
WEIGHTS = DRAW.integers(0, 3, 25)


def compared(*data: Any, **told: Any) -> Comparison:
    few = {"optimizers": ["adam"], "learning_rates": [0.01, 0.1], "seeds": 1, "budget": 2, "n_jobs": 1}
    return thalweg.compare(*data, **{**few, **told})


def frame(rows: Any, y: Any = None) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["a", "b", "c"])
    made["town"] = np.where(rows[:, 0] > 1, "Oslo", "Rome")
    return made if y is None else made.assign(price=y)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
def test_losses_are_of_those_rows_and_nothing_is_learned_from_them(weights):
    found = compared(X, Y, validation=(OWN, OWN_Y) if weights is None else (OWN, OWN_Y, weights))
    study = found.study
    assert {name: len(part.y) for name, part in study.parts.items()} == {"train": 72, "validation": 25, "test": 18}
    learned = X[study.places["train"]]
    prepared = (OWN - learned.mean(axis=0)) / learned.std(axis=0)
    y = Y[study.places["train"]]
    targets = (OWN_Y - y.mean()) / y.std()
    for arm, outcome in zip(found.results.plan.arms, found.results.outcomes, strict=True):
        run = Run(*[study.model, study.train], arm.told(study.model, found.settings)[1], random_state=0).descend()
        off = study.model.scores(run.theta, prepared)[:, 0] - targets
        expected = np.average(off**2 / 2, weights=weights)
        assert outcome.losses[-1] == pytest.approx(expected, rel=1e-9)


def test_a_weight_of_two_is_the_row_twice():
    twice = np.repeat(np.arange(25), WEIGHTS)
    weighted, repeated = (compared(X, Y, validation=own) for own in ((OWN, OWN_Y, WEIGHTS), (OWN[twice], OWN_Y[twice])))
    for one, other in zip(weighted.results.outcomes, repeated.results.outcomes, strict=True):
        assert one.losses == pytest.approx(other.losses, rel=1e-12)


@pytest.mark.parametrize("y", ["price", None], ids=["a column", "beside"])
def test_frames_are_prepared_by_the_training_part(y):
    own = frame(OWN, OWN_Y).assign(extra=1.0)
    own.loc[0, "town"] = "Bonn"
    own.loc[1, "a"] = np.nan
    data = (frame(X, Y), "price") if y else (frame(X), pd.Series(Y, name="cost"))
    found = compared(*data, validation=(own, "price") if y else (own.drop(columns="price"), OWN_Y))
    part, names = found.study.parts["validation"], found.study.features
    assert part.X[0, [names.index("town=Oslo"), names.index("town=Rome")]].tolist() == [0.0, 0.0]
    assert part.X[1, names.index("a")] == 0.0
    learned = X[found.study.places["train"], 1]
    np.testing.assert_allclose(part.X[:, names.index("b")], (OWN[:, 1] - learned.mean()) / learned.std())
    warned = "\n".join(found.study.warnings)
    assert "1 cell holds text that was not in the training part, column town" in warned
    assert "1 missing in column a" in warned
    assert found.best_estimator().predict(frame(OWN)).shape == (25,)


@pytest.mark.parametrize(
    "y", [np.c_[Y, -Y], np.where(Y > 0, "yes", "no"), (Y > 0).astype(int)], ids=["2", "text", "int"]
)
@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "csr"])
def test_every_kind_of_rows_and_targets(y, form):
    own_y = (
        np.c_[OWN_Y, -OWN_Y]
        if y.ndim == 2
        else np.where(OWN_Y > 0, *(("yes", "no") if y.dtype.kind == "U" else (1, 0)))
    )
    found = compared(form(X), y, validation=(form(OWN), own_y))
    assert found.results.facts.rows["validation"] == 25
    assert found.best.holds


def test_a_memory_map_keeps_its_order(tmp_path):
    X.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", X.dtype, "r", shape=X.shape)
    found = compared(mapped, Y, validation=(OWN, OWN_Y))
    assert found.study.places == {"train": slice(0, 72), "test": slice(72, 90)}
    assert found.best_estimator().predict(OWN).shape == (25,)


def test_a_path_beside_a_path(tmp_path):
    places = [tmp_path / name for name in ("rows.csv", "own.csv")]
    for place, (rows, y) in zip(places, ((X, Y), (OWN, OWN_Y)), strict=True):
        frame(rows, y).to_csv(place, index=False)
    found = compared(places[0], "price", validation=places[1])
    array = compared(frame(X, Y), "price", validation=(frame(OWN, OWN_Y), "price"))
    for one, other in zip(found.results.outcomes, array.results.outcomes, strict=True):
        assert one.losses == pytest.approx(other.losses, rel=1e-9)


WRONG: dict[str, tuple[Any, str]] = {
    "X alone": ((OWN,), "rows of your own"),
    "four of them": ((OWN, OWN_Y, WEIGHTS, 1), "rows of your own"),
    "fewer columns": ((OWN[:, :2], OWN_Y), r"\] validation: X has shape \(25, 2\)"),
    "a short y": ((OWN, OWN_Y[:-1]), r"\] validation, y: has shape \(24,\)"),
    "sparse": ((csr_array(OWN), OWN_Y), "Sparse rows go with sparse rows"),
    "not finite": ((np.where(OWN > 1, np.nan, OWN), OWN_Y), r"\] validation, X: row \d+ is not finite"),
    "a frame": ((frame(OWN), OWN_Y), r"\] validation: must be arrays, as X is"),
    "a path": ("own.csv", r"\] validation: must be arrays, as X is"),
    "weights below 0": ((OWN, OWN_Y, WEIGHTS - 1.0), r"\] validation, weights: must be finite and >= 0"),
    "few weights": ((OWN, OWN_Y, WEIGHTS[:-1]), r"\] validation, weights: have shape \(24,\), there are 25 rows"),
    "no weight": ((OWN, OWN_Y, 0 * WEIGHTS), "not all 0"),
    "text for weights": ((OWN, OWN_Y, ["a"] * 25), r"\] validation, weights: must be numbers"),
}


@pytest.mark.parametrize("own", WRONG.values(), ids=WRONG)
def test_rows_that_cannot_be_are_answered(own):
    with pytest.raises(ThalwegError, match=own[1]) as caught:
        compared(X, Y, validation=own[0])
    assert len(str(caught.value).splitlines()) <= 5


def test_a_class_that_was_not_learned_is_answered():
    with pytest.raises(DataError, match=r"\] validation, y: the label 'maybe' is not one of the classes no, yes"):
        compared(X, np.where(Y > 0, "yes", "no"), validation=(OWN, np.array(["maybe"] * 25)))


def test_the_test_share_alone_may_leave_nothing():
    with pytest.raises(SettingError, match=r"test: must be in \(0, 1\)"):
        compared(X, Y, validation=(OWN, OWN_Y), test=1.0)
    assert compared(X, Y, validation=(OWN, OWN_Y), test=0.9).results.facts.rows["train"] == 9


def test_kept_runs_are_those_of_the_same_rows_and_weights(tmp_path):
    seen: list[int] = []

    def kept(*own: Any) -> int:
        seen.clear()
        compared(X, Y, validation=own, store=tmp_path / "runs.sqlite", callbacks=lambda state: seen.append(state.kept))
        return seen[0]

    assert [kept(OWN, OWN_Y), kept(OWN, OWN_Y), kept(OWN, OWN_Y, WEIGHTS), kept(OWN, OWN_Y, WEIGHTS)] == [0, 2, 0, 2]
    other = WEIGHTS.copy()
    other[0] += 1
    assert kept(OWN, OWN_Y, other) == 0


def test_a_reader_is_told_and_the_command_names_them():
    found = compared(X, Y, validation=(OWN, OWN_Y, WEIGHTS))
    assert "25 validation (of your own, weighted)" in found.html()
    assert "25 validation (your own)" in "\n".join(found.study.describe())
    assert "validation=(X_val, y_val, weights_val)" in found.results.facts.command
    ast.parse(found.results.facts.command)
    assert (
        "validation=(X_val, 'price')"
        in compared(frame(X, Y), "price", validation=(frame(OWN, OWN_Y), "price")).results.facts.command
    )


def test_the_best_is_fitted_on_the_training_part_alone():
    found = compared(X, Y, validation=(OWN, OWN_Y))
    assert found.best_estimator().regressor_.steps[0][1].n_samples_seen_ == 72
