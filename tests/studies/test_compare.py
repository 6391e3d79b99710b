"""``thalweg.compare``: what it takes, what it answers to mistakes, what it gives back."""

from __future__ import annotations

import ast
import base64
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_array, csr_matrix
from sklearn.base import clone

import thalweg
from thalweg import rule
from thalweg.comparison import confirming, execution, training
from thalweg.errors import DataError, LimitError, SettingError, StorageError, ThalwegError
from thalweg.estimators import LinearRegressor
from thalweg.formulas import losses
from thalweg.formulas.rules import adam, gradient_descent
from thalweg.studies.comparison import Comparison

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((120, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * DRAW.standard_normal(120)
TWO = np.where(Y > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[np.digitize(Y, [-1, 1])]
FEW: dict[str, Any] = {
    "optimizers": ["adam", "gradient_descent"],
    "learning_rates": [0.01, 0.1],
    "seeds": 2,
    "budget": 3,
    "n_jobs": 1,
}
AWKWARD = ["it's", 'q"uo"te', "two words", "<b>&amp;"]


@rule
def mine(theta, g, t, *, learning_rate=0.1):
    """Plain descent, slower and slower."""
    return theta - learning_rate * g / t


def frame() -> pd.DataFrame:
    """Numbers and text under awkward names, with cells missing of both."""
    made = pd.DataFrame(X, columns=AWKWARD)
    made["town"] = np.where(X[:, 0] > 0, "Köln", "Bonn")
    made.loc[3, "it's"] = np.nan
    made.loc[5:9, "town"] = None
    return made


def compared(*data: Any, **told: Any) -> Comparison:
    return thalweg.compare(*data, **{**FEW, **told})


def lines(found: Comparison) -> list[str]:
    return [outcome.line() for outcome in found.results.outcomes]


# Mistakes: each is answered before any training, and the parameter is named

BAD_DATA: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {
    "y too short": (lambda: (X, Y[:-1]), r"\] y: has shape \(119,\), X has 120 rows"),
    "no y": (lambda: (X,), r"\] y: must be an array"),
    "y is a name beside an array": (lambda: (X, "price"), r"\] y: must be an array"),
    "y of objects with a hole": (lambda: (X, np.array([None, *TWO[1:]], object)), r"\] y: row 0 is missing"),
    "y of numbers and text": (lambda: (X, np.array([1, *TWO[1:]], object)), r"\] y: holds numbers and text"),
    "y infinite": (lambda: (X, np.where(Y > 2, np.inf, Y)), r"\] y: row 15 is not finite"),
    "y of dates": (lambda: (X, np.full(120, "2020-01-01", "M8[D]")), r"\] y: holds values such as '2020-01-01'"),
    "y of no column": (lambda: (X, Y.reshape(-1, 1)[:, :0]), r"\] y: has no column"),
    "several columns of labels": (lambda: (X, np.c_[TWO, TWO]), r"\] y: several columns must be numbers"),
    "nan in X": (lambda: (np.where(X > 2, np.nan, X), Y), r"\] X: row 19 is not finite"),
    "nan in CSR": (lambda: (csr_matrix(np.where(X > 2, np.nan, X)), Y), r"\] X: row \d+ is not finite"),
    "X of one dimension": (lambda: (X[:, 0], Y), r"\] X: must be rows and columns of numbers"),
    "X of text": (lambda: (X.astype(str), Y), r"\] X: must be rows and columns of numbers"),
    "X complex": (lambda: (X.astype(complex), Y), r"\] X: must be rows and columns of numbers"),
    "X of no column": (lambda: (X[:, :0], Y), r"\] X: has no column"),
    "X None": (lambda: (None, Y), r"\] X: must be rows and columns of numbers"),
    "three rows": (lambda: (X[:3], Y[:3]), "3 rows leave 1 to learn from"),
    "no rows": (lambda: (X[:0], Y[:0]), "0 rows leave none"),
    "a column that is not there": (lambda: (frame(), "price"), r"no column 'price'"),
    "a frame without y": (lambda: (frame(),), r"\] y: must be the name of a column of X"),
    "a frame with a short y": (lambda: (frame(), Y[:-1]), r"\] y: must be one column of 120 rows"),
    "a frame with two y": (lambda: (frame(), np.c_[Y, Y]), r"\] y: must be one column of 120 rows"),
    "a hole in the y of a frame": (lambda: (frame(), np.where(Y > 2, np.nan, Y)), r"\] y: row 15 is missing"),
    "two columns of one name": (lambda: (pd.DataFrame(X, columns=list("aabc")), Y), r"\] X: .*'a'"),
    "a column of dates": (lambda: (frame().assign(day=pd.Timestamp("2020-01-02")), Y), r"\] column day: holds values"),
    "infinite in a frame": (lambda: (frame().assign(w=np.inf), Y), r"\] column w: row 0 is not finite"),
    "a column of numbers and text": (
        lambda: (frame().assign(w=pd.Series([1, "a"] * 60, dtype=object)), Y),
        r"\] column w: holds numbers and text",
    ),
    "a table that is not there": (lambda: ("nowhere.csv", "price"), r"nowhere.csv: there is no such file"),
    "a table without that column": (lambda: ("dataset:diabetes", "price"), r"no column 'price'"),
    "a table and an array": (lambda: ("dataset:diabetes", Y), r"\] y: must be the name of a column"),
}


@pytest.fixture
def untrained(monkeypatch) -> None:
    """Fail where anything is trained."""

    def never(*_: Any) -> None:
        raise AssertionError("training has begun")

    monkeypatch.setattr(execution.Execution, "carry_out", never)


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_cannot_be_are_answered(untrained, name):
    data, said = BAD_DATA[name]
    with pytest.raises(ThalwegError, match=said) as told:
        compared(*data())
    assert isinstance(told.value, DataError | StorageError)
    assert len(str(told.value).splitlines()) <= 5


BAD_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"optimizers": "adm"}, r"optimizers: unknown 'adm'; did you mean 'adam'\?"),
    ({"optimizers": ["adam", "adm"]}, r"optimizers: unknown 'adm'"),
    ({"optimizers": 3}, r"optimizers: "),
    ({"optimizers": None}, r"optimizers: "),
    ({"optimizers": []}, r"optimizers: there is no rule to compare"),
    ({"optimizers": losses.squared}, r"optimizers: "),
    ({"learning_rates": 0.1}, r"learning_rates: must be a list of rates or how many, got float 0.1"),
    ({"learning_rates": "0.1"}, r"learning_rates: must be a list of rates or how many, got str"),
    ({"learning_rates": 0}, r"learning_rates: must be an integer >= 1, got 0"),
    ({"learning_rates": True}, r"learning_rates: must be an integer >= 1, got bool"),
    ({"learning_rates": [-1.0, 0.1]}, r"learning_rates: must be > 0, got -1"),
    ({"learning_rates": [math.nan]}, r"learning_rates: must be finite"),
    ({"learning_rates": []}, r"learning_rates: there is no rate to try"),
    ({"seeds": 0}, r"seeds: must be an integer >= 1, got 0"),
    ({"seeds": 2.5}, r"seeds: must be an integer >= 1, got float 2.5"),
    ({"seeds": "3"}, r"seeds: must be an integer >= 1, got str '3'"),
    ({"seeds": [-1]}, r"seeds: must be an integer >= 0, got -1"),
    ({"seeds": []}, r"seeds: there is no seed"),
    ({"budget": 0}, r"budget: must be an integer >= 1, got 0"),
    ({"budget": 1.5}, r"budget: must be an integer >= 1, got float 1.5"),
    ({"batch_size": 0}, r"batch_size: must be an integer >= 1"),
    ({"validation": 0.5, "test": 0.5}, r"validation, test: 0.5 and 0.5 leave nothing to learn from"),
    ({"validation": 0}, r"validation: must be in \(0, 1\), got 0"),
    ({"validation": None}, r"validation: must be a real number"),
    ({"test": -0.1}, r"test: must be in \(0, 1\)"),
    ({"test": math.nan}, r"test: must be finite"),
    ({"model": "mlp"}, r"model: the sizes of hidden layers are integers >= 1, got ''"),
    ({"model": 8}, r"model: must be 'linear'"),
    ({"model": None}, r"model: must be 'linear'"),
    ({"model": (0,)}, r"model: must be an integer >= 1"),
    ({"model": (4,), "activation": "rlu"}, r"activation: unknown 'rlu'; did you mean 'relu'"),
    ({"model": (4,), "activation": ["relu", "tanh"]}, r"activation: 2 given for 1 layer"),
    ({"model": (4,), "dropout": 2}, r"dropout: must be in \[0, 1\)"),
    ({"model": (4,), "dropout": "a"}, r"dropout: must be a real number"),
    ({"loss": "squard"}, r"loss: unknown 'squard'; did you mean 'squared'"),
    ({"loss": None}, r"loss: must be a loss or its name"),
    ({"loss": "log"}, r"loss: log is a loss for classes"),
    ({"penalty": "l7"}, r"penalty: unknown 'l7'"),
    ({"schedule": "cos"}, r"schedule: unknown 'cos'"),
    ({"schedule": "cosine", "optimizers": ["rprop"]}, r"schedule: rprop has no learning_rate"),
    ({"clip_norm": -1}, r"clip_norm: must be > 0"),
    ({"clip_norm": 1, "clip_value": 1}, r"clip_value, clip_norm: only one"),
    ({"task": "guess"}, r"task: unknown 'guess'"),
    ({"dtype": "float16"}, r"dtype: unknown 'float16'"),
    ({"target_loss": math.nan}, r"target_loss: must be finite"),
    ({"target_loss": "low"}, r"target_loss: must be a real number"),
    ({"n_jobs": 0}, r"n_jobs: must be an integer >= 1"),
    ({"n_jobs": 1.5}, r"n_jobs: must be an integer >= 1"),
    ({"random_state": -1}, r"random_state: must be an integer >= 0"),
    ({"random_state": None}, r"random_state: must be an integer >= 0"),
    ({"callbacks": 3}, r"callbacks: must be callable"),
    ({"callbacks": [print, 3]}, r"callbacks: must be callable, got int 3"),
    ({"store": 3}, r"store: must be a path, got int 3"),
]


@pytest.mark.parametrize(("told", "said"), BAD_SETTINGS, ids=str)
def test_settings_that_cannot_be_are_answered(untrained, told, said):
    with pytest.raises(SettingError, match=said):
        compared(X, Y, **told)


def test_a_model_beyond_memory_is_refused_with_an_estimate(untrained):
    with pytest.raises(LimitError, match=r"model: 6000000001 parameters with adam need about .* GiB"):
        compared(X, Y, model=(10**9,))


def test_places_where_no_store_can_be_are_answered(untrained, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for place in (tmp_path, tmp_path / "nowhere" / "runs.sqlite", tmp_path / "table.csv" / "runs.sqlite"):
        with pytest.raises(StorageError, match=r"STORE-OPEN"):
            compared(X, Y, store=place)
    with pytest.raises(StorageError, match=r"is not a store"):
        compared(X, Y, store=tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "a,b\n1,2\n"


# What it takes


@pytest.mark.parametrize(
    ("told", "plan"),
    [
        ({"learning_rates": np.array([0.1, 0.01])}, {"adam": (0.01, 0.1), "gradient_descent": (0.01, 0.1)}),
        ({"learning_rates": {0.1: None}.keys(), "optimizers": (n for n in ["adam"])}, {"adam": (0.1,)}),
        ({"learning_rates": np.int64(1)}, {"adam": (1e-3,), "gradient_descent": (0.01,)}),
        ({"optimizers": "adam"}, {"adam": (0.01, 0.1)}),
        ({"optimizers": adam(beta1=0.5)}, {"adam": (0.01, 0.1)}),
        ({"optimizers": {"slow": gradient_descent, "r": "rprop"}}, {"slow": (0.01, 0.1), "r": (None,)}),
        (
            {"optimizers": [LinearRegressor(optimizer="lion"), mine]},
            {"LinearRegressor(lion)": (0.01, 0.1), "mine": (0.01, 0.1)},
        ),
        (
            {"optimizers": [adam, adam(beta1=0.5)]},
            {
                "adam": (0.01, 0.1),
                "adam(learning_rate=0.001, beta1=0.5, beta2=0.999, epsilon=1e-08)": (0.01, 0.1),
            },
        ),
    ],
    ids=["array", "once only", "NumPy's integer", "a name", "a rule", "a mapping", "an estimator", "two of a kind"],
)
def test_rules_and_rates_may_be_told_in_many_ways(told, plan):
    found = compared(X, Y, **told, budget=1).results.plan
    rates = {name: found.rates(name) for name in found.names}
    assert list(rates) == list(plan)
    assert rates == plan


def test_without_rates_each_rule_has_nine_around_its_own_and_more_where_the_best_is_last():
    found = compared(X, Y, learning_rates=None, seeds=1)
    plan = found.results.plan
    assert {len(plan.rates(name)) for name in plan.names} == {9 + 2 * plan.growths}
    assert plan.rates("adam") != plan.rates("gradient_descent")


def test_jobs_and_callbacks_change_no_number():
    seen: list[str] = []
    usual = compared(X, Y)
    told = compared(X, Y, n_jobs=-1, callbacks=[lambda state: seen.append(state.stage)], seeds=np.arange(2))
    assert lines(told) == lines(usual)
    assert set(seen) == {"runs", "clock", "test"}
    assert told.results.confirmations[0].scores == usual.results.confirmations[0].scores


LOSSES = {
    "absolute": Y, "epsilon_insensitive": Y, "huber": Y, "quantile": Y, "squared": Y, "squared_epsilon_insensitive": Y,
    "poisson": np.floor(np.exp(Y / 3)) + 0.5, "log": TWO, "hinge": TWO, "squared_hinge": TWO, "modified_huber": TWO,
    "softmax": THREE, "log_loss": THREE,
}  # fmt: skip


def test_every_loss_is_here():
    from thalweg.formulas import catalog

    assert set(LOSSES) - {"log_loss"} == set(catalog.losses())


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_falls_and_its_winner_can_be_had(loss):
    found = compared(X, LOSSES[loss], loss=loss, optimizers="gradient_descent", budget=10)
    curve = found.curves("gradient_descent")["gradient_descent"]
    assert curve[:, -1].max() < 0.8 * curve[:, 0].min()
    predicted = found.best_estimator().predict(X)
    assert predicted.shape == (120,)
    assert np.unique(predicted).size > 1


def test_several_outputs_are_one_model():
    both = np.c_[Y, 2 * Y + 1]
    found = compared(X, both, budget=20)
    assert found.study.model.n_outputs == 2
    predicted = found.best_estimator().predict(X)
    assert predicted.shape == (120, 2)
    assert found.best.scores["R2"] > 0.99
    assert np.corrcoef(predicted[:, 1], Y)[0, 1] > 0.99


@pytest.mark.parametrize("form", [csr_matrix, csr_array, csc_matrix])
def test_sparse_rows_stay_sparse(form):
    found = compared(form(np.where(np.abs(X) > 0.8, X, 0.0)), Y)
    assert found.study.train.csr
    assert found.study.train.X.size == 0
    assert hasattr(found.study.part_features("validation"), "tocsr")
    assert found.best_estimator().predict(form(X)).shape == (120,)


def mapped(folder: Path, dtype: str = "float64") -> np.memmap[Any, Any]:
    X.astype(dtype).tofile(folder / "rows.bin")
    return np.memmap(folder / "rows.bin", dtype=dtype, mode="r", shape=X.shape)


def test_a_memory_map_is_used_where_it_is(tmp_path):
    rows = mapped(tmp_path)
    found = compared(rows, Y)
    assert np.shares_memory(found.study.train.X, rows)
    assert np.shares_memory(found.study.part_features("validation"), rows)
    assert np.shares_memory(found.study.raw("train", "validation"), rows)
    assert found.results.facts.rows == {"train": 72, "validation": 24, "test": 24}
    assert found.results.facts.warnings == ()
    assert found.best_estimator().predict(rows[96:]).shape == (24,)


def test_a_memory_map_of_another_type_is_told_of(tmp_path):
    rows = mapped(tmp_path, "float32")
    found = compared(rows, Y)
    assert found.results.facts.warnings == ("DATA-MAP: the memory map is float32; it is copied into memory as float64",)
    assert np.shares_memory(compared(rows, Y, dtype="float32").study.train.X, rows)


@pytest.mark.parametrize(
    "change", [lambda X: 30 * X, lambda X: X / 30, lambda X: X + 30], ids=["wide", "narrow", "off"]
)
def test_columns_of_a_memory_map_that_would_have_been_standardised_are_told_of(tmp_path, change):
    change(X).tofile(tmp_path / "rows.bin")
    rows = np.memmap(tmp_path / "rows.bin", dtype="float64", mode="r", shape=X.shape)
    (told,) = compared(rows, Y).results.facts.warnings
    assert told.startswith(
        "DATA-MAP: a memory map is used as it is, and its columns are far from mean 0 and variance 1"
    )
    assert compared(rows, Y, standardize=False).results.facts.warnings == ()


def test_a_memory_map_sorted_by_class_is_answered(tmp_path):
    rows = mapped(tmp_path)
    with pytest.raises(DataError, match="class 'yes' is not among the first 72 rows"):
        compared(rows, np.repeat(["no", "yes"], [100, 20]))
    (told,) = compared(rows, np.repeat(["no", "yes"], [60, 60])).results.facts.warnings
    assert told.startswith("DATA-ORDER: the validation part lacks a class")


def test_a_frame_has_its_missing_numbers_at_the_mean_and_its_missing_text_as_a_category():
    found = compared(frame(), Y)
    assert found.study.features == (*AWKWARD, "town=", "town=Bonn", "town=Köln")
    assert found.results.facts.warnings[:2] == (
        "DATA-MISSING: 1 missing in column it's filled with the mean of the training part",
        "DATA-MISSING: 5 missing in column town kept as a category",
    )


FRAMES: dict[str, Callable[[], Any]] = {
    "text and gaps": frame,
    "categories": lambda: frame().astype({"town": "category"}),
    "booleans": lambda: frame().assign(town=X[:, 0] > 0),
    "integers with gaps": lambda: frame().assign(town=pd.array([1, None] * 60, dtype="Int64")),
    "an index of its own": lambda: frame().set_index(np.arange(120)[::-1] + 7),
    "columns without names": lambda: pd.DataFrame(X),
    "numbers only": lambda: frame()[AWKWARD],
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_all_kinds_are_taken_and_so_are_they_by_the_winner(name):
    given = FRAMES[name]()
    found = compared(given, pd.Series(Y, name="it's", index=given.index), budget=10)
    winner = found.best_estimator()
    np.testing.assert_array_equal(winner.predict(given), winner.predict(given.assign(more=1.0)))
    assert found.best.scores["R2"] > 0.7


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_frames_of_other_libraries_are_taken_alike(library):
    module = pytest.importorskip(library)
    columns = {name: X[:, k] for k, name in enumerate(AWKWARD)} | {"town": ["Köln", "Bonn", None] * 40, "y": Y}
    given = module.DataFrame(columns) if library == "polars" else module.table(columns)
    found, usual = compared(given, "y"), compared(pd.DataFrame(columns), "y")
    assert lines(found) == lines(usual)
    np.testing.assert_array_equal(
        found.best_estimator().predict(given), usual.best_estimator().predict(pd.DataFrame(columns))
    )


# Kept runs


def test_the_same_call_takes_kept_runs_and_changed_data_do_not(tmp_path, monkeypatch):
    path, made = tmp_path / "runs.sqlite", []
    lockstep = training.Lockstep

    def counted(model: Any, rows: Any, settings: Any, rules: Any, *rest: Any) -> Any:
        made.extend(rules)
        return lockstep(model, rows, settings, rules, *rest)

    for module in (training, confirming):
        monkeypatch.setattr(module, "Lockstep", counted)

    def runs(*data: Any, **told: Any) -> tuple[int, Comparison]:
        made.clear()
        found = compared(*data, store=path, **told)
        return len(made), found

    fresh, first = runs(X, Y)
    assert fresh == 8 + 4
    again, second = runs(X, Y)
    assert again == 0
    assert lines(second) == lines(first)
    assert second.results.confirmations == first.results.confirmations
    strip = re.compile(r"[\d.]+ (µs|ms|s)\b")
    assert strip.sub("", second.html()) == strip.sub("", first.html())
    more, _ = runs(X, Y, seeds=3)
    assert more == 4 + 2
    assert runs(X, Y, learning_rates=[0.01, 0.1, 0.2])[0] > 0
    other = X.copy()
    other[first.study.places["test"][0], 0] += 1.0
    assert runs(other, Y)[0] == 12  # a row of the test part alone is another
    doubled, third = runs(X, 2 * Y)  # the same numbers once standardised, to the last bit
    assert doubled == 12
    assert third.best.scores["RMSE"] == pytest.approx(2 * first.best.scores["RMSE"])


# What it gives back


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compared(X, TWO)


def test_what_was_noticed_about_the_rows_stands_below_the_verdict():
    flat = np.hstack([X, np.ones((len(X), 7))])
    gaps = compared(frame(), Y)
    assert str(gaps).splitlines()[len(gaps.verdict.lines)] == (
        "noticed: DATA-MISSING: 1 missing in column it's filled with the mean of the training part"
    )
    assert "noticed: DATA-MISSING" in gaps._repr_html_()
    many = compared(pd.DataFrame(flat, columns=[f"c{k}" for k in range(flat.shape[1])]), Y)
    assert str(many).splitlines()[len(many.verdict.lines) :] == [
        *(f"noticed: {line}" for line in many.results.facts.warnings[:5]),
        f"noticed: {len(many.results.facts.warnings) - 5} more",
    ]


def test_it_says_what_it_is_in_words_and_in_short(found):
    assert str(found) == str(found.verdict)
    assert repr(found).startswith("<Comparison of 2 rules, 8 runs, ")
    assert found.best.name == found.summary.standings[0].name
    assert found.best_arm.learning_rate == found.best.learning_rate
    assert found.best_arm.rule.learning_rate == found.best.learning_rate


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_table_is_a_frame_of_the_library_asked_for(found, library):
    module = pytest.importorskip(library)
    table = found.table(library)
    assert type(table).__module__.split(".")[0] == module.__name__
    columns = list(table.column_names if library == "pyarrow" else table.columns)
    assert columns[:3] == ["rule", "group", "learning_rate"]
    assert list(table["rule"].to_pylist() if library == "pyarrow" else table["rule"]) == [
        standing.name for standing in found.summary.standings
    ]


@pytest.mark.parametrize("backend", ["modin", 3])
def test_a_frame_of_no_such_library_is_answered(found, backend):
    with pytest.raises(SettingError, match=r"backend: .* is not one of pandas"):
        found.table(backend)


def test_curves_are_the_losses_at_the_best_rates_with_nan_after_divergence():
    found = compared(X, Y, optimizers=["gradient_descent", "adam"], learning_rates=[1e200], seeds=3)
    curves = found.curves()
    assert {name: curve.shape for name, curve in curves.items()} == {"gradient_descent": (3, 4), "adam": (3, 4)}
    assert np.isnan(curves["gradient_descent"][:, -1]).all()
    assert np.isfinite(curves["gradient_descent"][:, 0]).all()
    assert list(found.curves("adam")) == ["adam"]
    with pytest.raises(SettingError, match="names: 'lion' is none of gradient_descent, adam"):
        found.curves(["lion"])


def test_the_page_is_written_whole_or_not_at_all(found, tmp_path):
    assert found.report(tmp_path / "page.html") == tmp_path / "page.html"
    assert (tmp_path / "page.html").read_text() == found.html()
    with pytest.raises(StorageError, match="there is no such folder"):
        found.report(tmp_path / "nowhere" / "page.html")
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_the_picture_is_of_a_kind_there_is(found):
    pytest.importorskip("matplotlib")
    assert found.picture().startswith(b"\x89PNG")
    assert found.picture("svg").startswith(b"<?xml")
    with pytest.raises(SettingError, match="kind: unknown 'gif'; allowed: png, svg"):
        found.picture("gif")


def test_a_notebook_shows_words_table_and_picture_and_no_markup_of_names():
    shown = compared(frame(), Y, optimizers={"<script>": "adam", "a&b": "gradient_descent"})._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<tr>") == 3
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', shown)
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_it_can_be_pickled(found):
    assert lines(pickle.loads(pickle.dumps(found))) == lines(found)  # noqa: S301 - our own


def test_without_a_rate_that_holds_all_is_said_all_the_same():
    found = compared(X, Y, optimizers="gradient_descent", learning_rates=[1e6], budget=20)
    assert not found.best.holds
    assert "diverge" in str(found.verdict)
    assert found.html().startswith("<!doctype html>")
    assert found.table("pandas")["diverged"].tolist() == [2]
    with pytest.raises(ThalwegError, match="DIVERGED"):
        found.best_estimator()


# The winner


WINNERS: dict[str, tuple[Callable[[], tuple[Any, ...]], dict[str, Any]]] = {
    "numbers": (lambda: (X, Y), {}),
    "float32": (lambda: (X, Y), {"dtype": "float32"}),
    "as they are": (lambda: (X, Y), {"standardize": False}),
    "CSR": (lambda: (csr_matrix(X), Y), {}),
    "CSR float32": (lambda: (csr_matrix(X), Y), {"dtype": "float32"}),
    "labels": (lambda: (X, THREE), {}),
    "booleans": (lambda: (X, Y > 0), {}),
    "whole numbers": (lambda: (X, np.digitize(Y, [-1, 1])), {}),
    "a network": (lambda: (X, TWO), {"model": (4,), "dropout": 0.1}),
    "a frame": (lambda: (frame().assign(price=Y), "price"), {}),
    "a frame with labels": (lambda: (frame(), THREE), {"dtype": "float32"}),
    "a table": (lambda: ("dataset:iris", "target"), {}),
}


@pytest.mark.parametrize("name", WINNERS)
def test_the_winner_takes_rows_as_they_came_and_does_as_well_as_was_said(name):
    data, told = WINNERS[name]
    found = compared(*data(), **told, budget=20)
    study, winner = found.study, found.best_estimator()
    rows = study.raw("test")
    predicted = winner.predict(rows)
    y = study.parts["test"].y
    said = found.best.scores
    if study.outputs.classes:
        assert float(np.mean(predicted == y)) >= said["accuracy"] - 0.1
        assert predicted.dtype.kind == {"booleans": "b", "whole numbers": "i", "a table": predicted.dtype.kind}.get(
            name, "O"
        )
    else:
        assert float(np.sqrt(np.mean((predicted - y) ** 2))) == pytest.approx(said["RMSE"], rel=0.25)
    copy = clone(winner)
    assert not hasattr(copy, "n_iter_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(winner)).predict(rows), predicted)  # noqa: S301


def test_the_winner_answers_a_frame_that_lacks_a_column():
    winner = compared(frame(), Y).best_estimator()
    with pytest.raises(DataError, match="X: has no column town"):
        winner.predict(frame().drop(columns="town"))
    with pytest.raises(DataError, match="column town: must hold text"):
        winner.predict(frame().assign(town=1.0))


def test_the_winner_is_trained_on_training_and_validation_part_alone():
    found = compared(X, Y)
    winner = found.best_estimator()
    seen = np.concatenate([found.study.places[part] for part in ("train", "validation")])
    scaler = winner.regressor_[0]
    np.testing.assert_allclose(scaler.mean_, X[seen].mean(axis=0))


def test_labels_that_scikit_learn_takes_for_numbers_are_answered():
    found = compared(X, np.where(Y > 0, -1.5, 2.5), task="classification")
    with pytest.raises(SettingError, match=r"labels such as .*Make them text or integers|labels such as"):
        found.best_estimator()


# The command


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lambda: {"X": X, "y": Y}, {"optimizers": [adam(beta1=0.5), "gradient_descent", mine], "loss": losses.huber}),
        (lambda: {"X": frame().assign(**{"pri'ce \"": Y}), "y": "pri'ce \""}, {"learning_rates": np.array([0.02])}),
        (lambda: {"X": X, "y": TWO}, {"model": "mlp:3", "random_state": 7, "optimizers": {"a 'b'": adam}}),
        (lambda: {"X": X, "y": Y}, {"optimizers": [LinearRegressor(optimizer=adam(beta1=0.5))], "validation": 0.3}),
    ],
)
def test_the_command_makes_the_comparison_again(data, told):
    given = data()
    first = compared(given["X"], given["y"], **told)
    command = first.results.facts.command
    ast.parse(command, mode="eval")
    names = {
        "thalweg": thalweg, "adam": adam, "mine": mine, "huber": losses.huber, "LinearRegressor": LinearRegressor,
        **given,
    }  # fmt: skip
    assert lines(eval(command, names)) == lines(first)  # noqa: S307 - what it is for


def test_a_table_is_compared_by_its_path_however_it_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = "my 'houses\".csv"
    frame().dropna().assign(price=Y[frame().notna().all(axis=1)]).to_csv(place, index=False)
    first = compared(Path(place), "price")
    assert lines(eval(first.results.facts.command, {"thalweg": thalweg})) == lines(first)  # noqa: S307
    given = pd.read_csv(place)
    assert first.best_estimator().predict(given).shape == (114,)
