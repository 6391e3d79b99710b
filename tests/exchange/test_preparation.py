from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from thalweg.errors import DataError, LimitError
from thalweg.exchange import preparation as module
from thalweg.exchange.learned import Number, Text, target_scale
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables import Table

TABLE = Table(
    ["town", "size", "colour", "age"],
    [["Rome", "Oslo", "Rome", "Bern"], [1.0, 2.0, 4.0, 9.0], ["red", "red", "blue", "red"], [3.0, 3.0, 3.0, 3.0]],
)
TRAIN = np.array([0, 1, 2])


def test_it_does_what_a_column_transformer_does_fitted_on_the_training_rows_alone():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: TABLE[name] for name in TABLE.names})
    theirs = ColumnTransformer(
        [
            ("a", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]),
            ("b", StandardScaler(), ["size"]),
            ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
            ("d", StandardScaler(), ["age"]),
        ]
    ).fit(frame.iloc[TRAIN])
    ours = Preparation.fit(TABLE, rows=TRAIN)
    assert ours.transform(TABLE).X.tolist() == theirs.transform(frame).tolist()
    assert ours.feature_names == ("town=Oslo", "town=Rome", "size", "colour=blue", "colour=red", "age")


def test_rows_outside_the_training_part_change_nothing():
    columns = [TABLE["town"], [1.0, 2.0, 4.0, -1e6], TABLE["colour"], [3.0, 3.0, 3.0, np.nan]]
    assert Preparation.fit(Table(TABLE.names, columns), rows=TRAIN) == Preparation.fit(TABLE, rows=TRAIN)


def test_a_text_that_was_not_learned_has_no_feature_and_a_warning():
    prepared = Preparation.fit(TABLE, rows=TRAIN).transform(TABLE)
    assert prepared.X[3, :2].tolist() == [0.0, 0.0]
    assert prepared.warnings == (
        "DATA-CATEGORY: 1 cell holds text that was not in the training part, column town, first 'Bern' in row 4",
    )


def test_a_missing_number_becomes_the_mean_of_the_training_part():
    table = Table(["a"], [[1.0, np.nan, 3.0, 100.0]])
    assert Preparation.fit(table, rows=TRAIN).transform(table).X[:, 0].tolist() == [-1.0, 0.0, 1.0, 98.0]


def test_columns_are_found_by_name():
    preparation = Preparation.fit(TABLE)
    turned = TABLE.select(TABLE.names[::-1])
    assert preparation.transform(turned).X.tolist() == preparation.transform(TABLE).X.tolist()
    with pytest.raises(DataError, match="no column 'town'"):
        preparation.transform(TABLE.drop(["town"]))
    more = Table([*TABLE.names, "id"], [*TABLE.columns, [1.0, 2.0, 3.0, 4.0]])
    assert preparation.transform(more).warnings == ("DATA-COLUMN-EXTRA: the model does not use id",)


@given(
    st.lists(st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100), min_size=2, max_size=20),
    st.lists(st.text(max_size=3), min_size=2, max_size=20),
)
def test_it_survives_as_plain_data_to_the_last_bit(numbers, texts):
    rows = min(len(numbers), len(texts))
    table = Table(["n", "t"], [numbers[:rows], texts[:rows]])
    preparation = Preparation.fit(table)
    again = Preparation.from_list(json.loads(json.dumps(preparation.as_list())))
    assert again == preparation
    assert again.transform(table).X.tobytes() == preparation.transform(table).X.tobytes()


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        [{"name": "a", "kind": "number", "mean": 0.0, "scale": 0.0}],
        [{"name": "a", "kind": "number", "mean": float("nan"), "scale": 1.0}],
        [{"name": "a", "kind": "number", "mean": "0", "scale": 1.0}],
        [{"name": "a", "kind": "number", "mean": True, "scale": 1.0}],
        [{"name": "a", "kind": "number", "mean": 0.0}],
        [{"name": 1, "kind": "number", "mean": 0.0, "scale": 1.0}],
        [{"name": "a", "kind": "date"}],
        [{"name": "a", "kind": "text", "categories": []}],
        [{"name": "a", "kind": "text", "categories": ["b", "a"]}],
        [{"name": "a", "kind": "text", "categories": ["a", "a"]}],
        [{"name": "a", "kind": "text", "categories": [1]}],
        [{"name": "a", "kind": "text", "categories": "ab"}],
        [{"name": "a", "kind": "number", "mean": 0.0, "scale": 1.0}] * 2,
        ["a"],
    ],
    ids=str,
)
def test_plain_data_that_it_did_not_write_is_refused(damaged):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Preparation.from_list(damaged)


def test_an_id_is_not_one_hot_encoded():
    ids = Table(["id", "x"], [[f"row {k}" for k in range(30)], np.arange(30.0)])
    with pytest.raises(DataError, match="30 different texts in 30 rows; is it an id") as caught:
        Preparation.fit(ids)
    assert (caught.value.code, caught.value.hint) == ("DATA-TEXT", "Leave it out with --drop id.")


def test_numbers_whose_squares_overflow_are_named():
    with pytest.raises(DataError, match="column b: numbers up to 3e\\+300") as caught:
        Preparation.fit(Table(["a", "b"], [[1.0, 2.0], [-3e300, 3e300]]))
    assert caught.value.code == "DATA-SCALE"
    with pytest.raises(DataError, match="column a: numbers up to 5e-200, whose squares vanish"):
        Preparation.fit(Table(["a", "b"], [[1e-200, 5e-200], [1.0, 2.0]]))
    with pytest.raises(DataError, match="y: numbers up to 1e\\+308"):
        target_scale(np.array([1e308, -1e308]))


def test_a_column_without_a_number_to_learn_from_is_named():
    with pytest.raises(DataError, match="column a: no number among the 2 training rows"):
        Preparation.fit(Table(["a"], [[np.nan, np.nan, 1.0]]), rows=np.array([0, 1]))


def test_more_features_than_memory_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda: 64)
    with pytest.raises(LimitError, match="4 rows x 7 features") as caught:
        Preparation.fit(TABLE)
    assert "--drop town" in caught.value.hint


def test_the_target_is_standardised_by_mean_and_population_deviation():
    assert target_scale(np.array([1.0, 3.0])) == (2.0, 1.0)
    assert target_scale(np.array([5.0, 5.0])) == (5.0, 1.0)


def test_the_columns_can_be_compared_and_printed():
    assert replace(Number("a", 0.0, 1.0), mean=2.0) == Number("a", 2.0, 1.0)
    assert repr(Text("a", ("b",))) == "Text(name='a', categories=('b',))"
